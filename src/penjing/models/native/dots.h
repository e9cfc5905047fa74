// Sums of products of bytes and of bf16 numbers, for sixteen outputs at once: what matrix products are made of.
//
// Weights are bytes without a sign, four for each output, activations bytes with one. Where the processor has an
// instruction for that, it is taken; else products are of numbers of 16 bits, in pairs: those at even places and those at
// odd ones.
#pragma once
#include "vectors.h"

#if defined(__AVX512VNNI__) || (defined(__AVXVNNI__) && !defined(__AVX512F__))
#define PENJING_DOTS_BYTES 1
#else
#define PENJING_DOTS_BYTES 0
#endif

// Four bytes, 16 times.
inline i16 load_four(const void* p) {
    int32_t four;
    memcpy(&four, p, 4);
    return all(four);
}

#if PENJING_DOTS_BYTES
struct Quad { int8_t codes[4]; };  // activations
inline Quad make_quad(const int8_t* c) { return {{c[0], c[1], c[2], c[3]}}; }
using Codes = i16;
inline Codes load_quad(const Quad* p) { return load_four(p); }
using Opened = bytes;
inline Opened open(bytes weights) { return weights; }
// Adds to 16 sums the products of four weights each with four activations.
template <class V, class W>
inline V dot_quads(V sums, W weights, V codes) {
    if constexpr (is_twice<V>) {
        return {dot_quads(sums.low, weights.low, codes.low), dot_quads(sums.high, weights.high, codes.high)};
    } else {
#ifdef __AVX512VNNI__
        return (V)_mm512_dpbusd_epi32((__m512i)sums, (__m512i)weights, (__m512i)codes);
#else
        return (V)_mm256_dpbusd_avx_epi32((__m256i)sums, (__m256i)weights, (__m256i)codes);
#endif
    }
}
#else
struct Quad { int16_t even[2], odd[2]; };
inline Quad make_quad(const int8_t* c) { return {{c[0], c[2]}, {c[1], c[3]}}; }
struct Codes { i16 even, odd; };
inline Codes load_quad(const Quad* p) { return {load_four(p->even), load_four(p->odd)}; }
struct Opened { i16 even, odd; };
inline Opened open(bytes weights) {
    return {as<i16>(as<pairs>(weights) & 255), as<i16>(as<pairs>(weights) >> 8)};
}
// Of two numbers of 16 bits each, with a sign, and two others: the sum of their products.
template <class V>
inline V multiply_twos(V a, V b) {
    if constexpr (is_twice<V>) {
        return {multiply_twos(a.low, b.low), multiply_twos(a.high, b.high)};
    } else {
#if defined(__AVX512BW__)
        return (V)_mm512_madd_epi16((__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
        return (V)_mm256_madd_epi16((__m256i)a, (__m256i)b);
#elif defined(__SSE2__) && !defined(__AVX__)
        return (V)_mm_madd_epi16((__m128i)a, (__m128i)b);
#else
        return ((a << 16) >> 16) * ((b << 16) >> 16) + (a >> 16) * (b >> 16);
#endif
    }
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

// The 16 levels of NF4 as bytes: 127 times each, rounded, and 128 added.
constexpr uint8_t LEVELS[16] = {1, 40, 61, 78, 92, 105, 116, 128, 138, 148, 159, 171, 184, 199, 220, 255};
inline bytes load_levels() {
    uint8_t repeated[4 * TILE_WIDTH];
    for (int i = 0; i < 4; i++) memcpy(repeated + 16 * i, LEVELS, 16);
    return load_bytes(repeated);
}
template <class V>
inline V level_of(V levels, V places) {
    if constexpr (is_twice<V>) {
        return {level_of(levels.low, places.low), level_of(levels.high, places.high)};
    } else {
#if defined(__AVX512BW__)
        return (V)_mm512_shuffle_epi8((__m512i)levels, (__m512i)places);
#elif defined(__AVX2__)
        return (V)_mm256_shuffle_epi8((__m256i)levels, (__m256i)places);
#elif defined(__SSSE3__) && !defined(__AVX__)
        return (V)_mm_shuffle_epi8((__m128i)levels, (__m128i)places);
#else
        V v;
        for (size_t i = 0; i < sizeof v; i++) v[i] = LEVELS[places[i]];
        return v;
#endif
    }
}
inline bytes level_of_low(bytes levels, bytes both) { return level_of(levels, both & 15); }
inline bytes level_of_high(bytes levels, bytes both) { return level_of(levels, as<bytes>(as<u16>(both) >> 4) & 15); }
