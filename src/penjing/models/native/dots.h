// Sums of products of bytes and of bf16 numbers, for sixteen outputs at once: what matrix products are made of.
//
// Weights lie in memory as bytes from 1 to 255, of which 128 is zero, four for each output; activations are from -127 to
// 127. What is multiplied depends on what the processor has:
//
//   AVX-512 VNNI, AVX-VNNI   weights as they are, activations          ZERO 128   dpbusd
//   Arm's dot product        weights with a sign, activations          ZERO 0     sdot
//   AVX2, SSSE3              weights with the signs of activations,    ZERO 0     psign, pmaddubsw, pmaddwd
//                            times the sizes of these
//   else                     both as numbers of 16 bits                ZERO 128   pmaddwd, or as it comes
#pragma once
#include "vectors.h"

#if defined(__AVX512VNNI__) || (defined(__AVXVNNI__) && !defined(__AVX512F__)) || \
    (defined(__ARM_FEATURE_DOTPROD) && defined(__aarch64__))
#define PENJING_DOTS_QUADS 1
#elif defined(__SSSE3__) && !defined(__AVX512F__)
#define PENJING_DOTS_BYTES 1
#endif

// Four bytes, 16 times.
inline i16 load_four(const void* p) {
    int32_t four;
    memcpy(&four, p, 4);
    return all(four);
}

// Quad: four activations as they are multiplied. Codes: the same for 16 outputs. Opened: weights as they are multiplied.
// ZERO: what a weight of zero is then; so many times the sum of the activations are to be taken off.
#if PENJING_DOTS_QUADS
struct Quad { int8_t codes[4]; };
inline Quad make_quad(const int8_t* c) {
    Quad quad;
    memcpy(quad.codes, c, sizeof quad.codes);
    return quad;
}
using Codes = i16;
inline Codes load_quad(const Quad* p) { return load_four(p); }
using Opened = bytes;
#ifdef __ARM_FEATURE_DOTPROD
constexpr int ZERO = 0;
inline Opened open(bytes weights) { return weights ^ 128; }  // with a sign
#else
constexpr int ZERO = 128;
inline Opened open(bytes weights) { return weights; }
#endif
// Adds to 16 sums the products of four weights each with four activations.
template <class V, class W>
inline V dot_quads(V sums, W weights, V codes) {
    if constexpr (is_twice<V>) {
        return {dot_quads(sums.low, weights.low, codes.low), dot_quads(sums.high, weights.high, codes.high)};
    } else {
#if defined(__ARM_FEATURE_DOTPROD)
        return (V)vdotq_s32((int32x4_t)sums, (int8x16_t)weights, (int8x16_t)codes);
#elif defined(__AVX512VNNI__)
        return (V)_mm512_dpbusd_epi32((__m512i)sums, (__m512i)weights, (__m512i)codes);
#else
        return (V)_mm256_dpbusd_avx_epi32((__m256i)sums, (__m256i)weights, (__m256i)codes);
#endif
    }
}
#elif PENJING_DOTS_BYTES
constexpr int ZERO = 0;
struct Quad { int8_t codes[4], sizes[4]; };
inline Quad make_quad(const int8_t* c) {
    Quad quad;
    for (int i = 0; i < 4; i++) quad.codes[i] = c[i], quad.sizes[i] = c[i] < 0 ? -c[i] : c[i];
    return quad;
}
struct Codes { i16 codes, sizes; };
inline Codes load_quad(const Quad* p) { return {load_four(p->codes), load_four(p->sizes)}; }
using Opened = bytes;
inline Opened open(bytes weights) { return weights ^ 128; }  // with a sign
// The sums of four products each: of sizes, and of weights with the signs of the activations. Sums of two are at most
// 2 * 127 * 127 = 32258, which 16 bits hold.
template <class V, class W>
inline V multiply_fours(W weights, V codes, V sizes) {
    if constexpr (is_twice<V>) {
        return {multiply_fours(weights.low, codes.low, sizes.low), multiply_fours(weights.high, codes.high, sizes.high)};
    } else {
#ifdef __AVX2__
        const __m256i twos = _mm256_maddubs_epi16((__m256i)sizes, _mm256_sign_epi8((__m256i)weights, (__m256i)codes));
        return (V)_mm256_madd_epi16(twos, _mm256_set1_epi16(1));
#else
        const __m128i twos = _mm_maddubs_epi16((__m128i)sizes, _mm_sign_epi8((__m128i)weights, (__m128i)codes));
        return (V)_mm_madd_epi16(twos, _mm_set1_epi16(1));
#endif
    }
}
inline i16 dot_quads(i16 sums, bytes weights, const Codes& codes) {
    return sums + multiply_fours(weights, codes.codes, codes.sizes);
}
#else
constexpr int ZERO = 128;
struct Quad { int16_t even[2], odd[2]; };
inline Quad make_quad(const int8_t* c) { return {{c[0], c[2]}, {c[1], c[3]}}; }
struct Codes { i16 even, odd; };
inline Codes load_quad(const Quad* p) { return {load_four(p->even), load_four(p->odd)}; }
struct Opened { i16 even, odd; };
inline Opened open(bytes weights) {
    return {as<i16>(as<halves>(weights) & 255), as<i16>(as<halves>(weights) >> 8)};
}
// Of two numbers of 16 bits each, with a sign, and two others: the sum of their products.
inline i16 multiply_twos(i16 a, i16 b) {
#ifdef __AVX512BW__
    return (i16)_mm512_madd_epi16((__m512i)a, (__m512i)b);
#else
    return ((a << 16) >> 16) * ((b << 16) >> 16) + (a >> 16) * (b >> 16);
#endif
}
inline i16 dot_quads(i16 sums, const Opened& weights, const Codes& codes) {
    return sums + (multiply_twos(weights.even, codes.even) + multiply_twos(weights.odd, codes.odd));
}
#endif

// Adds to 16 sums the products of two bf16 each with two others.
inline f16 dot_pairs(f16 sums, bytes weights, i16 pair) {
#ifdef __AVX512BF16__
    return (f16)_mm512_dpbf16_ps((__m512)sums, (__m512bh)weights, (__m512bh)pair);
#else
    const u16 w = as<u16>(weights), x = as<u16>(pair);
    sums = multiply_add(as<f16>(w << 16), as<f16>(x << 16), sums);
    return multiply_add(as<f16>(w & 0xffff0000u), as<f16>(x & 0xffff0000u), sums);
#endif
}

// The same where one of the two is known beforehand.
#ifdef __AVX512BF16__
struct Pair { uint16_t even, odd; };  // activations
inline Pair make_pair(float even, float odd) { return {to_bf16(even), to_bf16(odd)}; }
using OpenedPairs = bytes;
inline OpenedPairs open_pairs(bytes weights) { return weights; }
inline f16 dot_pairs(f16 sums, bytes weights, const Pair* pair) { return dot_pairs(sums, weights, load_four(pair)); }
#else
struct Pair { float even, odd; };
inline Pair make_pair(float even, float odd) { return {from_bf16(to_bf16(even)), from_bf16(to_bf16(odd))}; }
struct OpenedPairs { f16 even, odd; };
inline OpenedPairs open_pairs(bytes weights) {
    return {as<f16>(as<u16>(weights) << 16), as<f16>(as<u16>(weights) & 0xffff0000u)};
}
inline f16 dot_pairs(f16 sums, const OpenedPairs& weights, const Pair* pair) {
    return multiply_add(weights.odd, all(pair->odd), multiply_add(weights.even, all(pair->even), sums));
}
#endif

// The 16 levels of NF4 as bytes: 127 times each, rounded, and ZERO added.
constexpr int LEVELS[16] = {-127, -88, -67, -50, -36, -23, -12, 0, 10, 20, 31, 43, 56, 71, 92, 127};
inline bytes load_levels() {
    uint8_t repeated[4 * TILE_WIDTH];
    for (int i = 0; i < 4 * TILE_WIDTH; i++) repeated[i] = (uint8_t)(LEVELS[i % 16] + ZERO);
    return load_bytes(repeated);
}
template <class V>
inline V level_of(V levels, V places) {
    if constexpr (is_twice<V>) {
        return {level_of(levels.low, places.low), level_of(levels.high, places.high)};
    } else {
#if defined(__AVX512BW__)
        return (V)_mm512_shuffle_epi8((__m512i)levels, (__m512i)places);
#elif defined(__AVX2__) && !defined(__AVX512F__)
        return (V)_mm256_shuffle_epi8((__m256i)levels, (__m256i)places);
#elif defined(__SSSE3__) && !defined(__AVX512F__)
        return (V)_mm_shuffle_epi8((__m128i)levels, (__m128i)places);
#elif defined(__aarch64__)
        return (V)vqtbl1q_u8((uint8x16_t)levels, (uint8x16_t)places);
#else
        V v;
        for (size_t i = 0; i < sizeof v; i++) v[i] = levels[places[i]];
        return v;
#endif
    }
}
#if PENJING_DOTS_BYTES || PENJING_DOTS_QUADS
inline Opened open_levels(bytes levels) { return levels; }
#else
inline Opened open_levels(bytes levels) { return open(levels); }
#endif
// Two weights in each byte: those that come first, and those that come later.
inline bytes early_levels(bytes levels, bytes both) { return level_of(levels, both & 15); }
inline bytes late_levels(bytes levels, bytes both) { return level_of(levels, as<bytes>(as<u16>(both) >> 4) & 15); }
