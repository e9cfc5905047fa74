// Sixteen numbers at once, in as many registers as they need: with AVX-512 one, with AVX2 two, else four. f16, i16 and u16
// are sixteen numbers of 32 bits each.
#pragma once
#include <cstdint>
#ifdef __SSE2__
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#include "twice.h"

constexpr int TILE_WIDTH = 16;
#if defined(__AVX512F__)
constexpr int HELD = 16, SIXTEENS = 32;  // numbers that a register holds; times sixteen that all registers hold
#elif defined(__AVX2__)
constexpr int HELD = 8, SIXTEENS = 8;
#elif defined(__aarch64__)
constexpr int HELD = 4, SIXTEENS = 8;
#else
constexpr int HELD = 4, SIXTEENS = 4;
#endif
template <class Number, int PARTS = 1>  // sixteen times so many numbers
using Vector = typename Lanes<Number, TILE_WIDTH * PARTS, HELD * PARTS>::Type;
using f16 = Vector<float>;
using i16 = Vector<int32_t>;
using u16 = Vector<uint32_t>;
using bytes = Vector<uint8_t, 4>;
using halves = Vector<uint16_t, 2>;
using c16 = Vector<int8_t>;

constexpr size_t LINE = 64;  // bytes that most memories give at once
// Asks memory for what is so many bytes further on.
inline void ask_for(const void* p, size_t ahead) { __builtin_prefetch((const char*)p + ahead, 0, 2); }

inline f16 load(const float* p) { return read<f16>(p); }
inline void store(float* p, f16 v) { write(p, v); }
inline bytes load_bytes(const uint8_t* p) { return read<bytes>(p); }
inline f16 all(float x) { return fill<f16>(x); }
inline i16 all(int32_t x) { return fill<i16>(x); }
inline f16 zeros() { return f16{}; }
inline f16 to_float(i16 v) { return convert<f16>(v); }
template <class V>
inline V count_up() {  // 0 to 15
    if constexpr (is_twice<V>) {
        constexpr NumberOf<V> lanes[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
        return read<V>(lanes);
    } else {
        return V{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    }
}

inline uint16_t to_bf16(float x) {  // to the nearest, ties to even
    uint32_t b;
    memcpy(&b, &x, 4);
    return (uint16_t)((b + 0x7fff + ((b >> 16) & 1)) >> 16);
}
inline float from_bf16(uint16_t x) {
    const uint32_t b = (uint32_t)x << 16;
    float y;
    memcpy(&y, &b, 4);
    return y;
}
template <class V>
inline V widen(const uint16_t* p) {
    if constexpr (is_twice<V>) {
        return {widen<HalfOf<V>>(p), widen<HalfOf<V>>(p + sizeof(HalfOf<V>) / sizeof(uint32_t))};
    } else {
#if defined(__AVX512F__)
        return (V)_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i*)p));
#elif defined(__AVX2__)
        return (V)_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i*)p));
#else
        return convert<V>(read<typename Lanes<uint16_t, HELD, HELD>::Type>(p));
#endif
    }
}
inline u16 load_whole(const uint16_t* p) { return widen<u16>(p); }
template <class V>
inline void narrow(uint16_t* p, V v) {
    if constexpr (is_twice<V>) {
        narrow(p, v.low);
        narrow(p + sizeof(v.low) / sizeof(uint32_t), v.high);
    } else {
#if defined(__AVX512F__)
        _mm256_storeu_si256((__m256i*)p, _mm512_cvtepi32_epi16((__m512i)v));
#elif defined(__AVX2__)
        const __m256i low = (__m256i)(v & 0xffff), twice = _mm256_packus_epi32(low, low);  // 0-3 0-3 4-7 4-7
        _mm_storeu_si128((__m128i*)p, _mm256_castsi256_si128(_mm256_permute4x64_epi64(twice, 0b1000)));  // 0-3 4-7
#else
        write(p, convert<typename Lanes<uint16_t, HELD, HELD>::Type>(v));
#endif
    }
}
inline void store_whole(uint16_t* p, u16 v) { narrow(p, v); }  // the low halves
inline f16 load_bf16(const uint16_t* p) { return as<f16>(load_whole(p) << 16); }
inline u16 rounded_bf16(f16 v) {  // in the upper halves; the lower are to be dropped
    const u16 b = as<u16>(v);
    return b + 0x7fff + ((b >> 16) & 1);
}
inline void store_bf16(uint16_t* p, f16 v) { store_whole(p, rounded_bf16(v) >> 16); }

template <class V>
inline V multiply_add(V a, V b, V c) {
    if constexpr (is_twice<V>) {
        return {multiply_add(a.low, b.low, c.low), multiply_add(a.high, b.high, c.high)};
    } else {
#if defined(__AVX512F__)
        return (V)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__FMA__) && defined(__AVX2__)
        return (V)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(__aarch64__)
        return (V)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
        return a * b + c;
#endif
    }
}

inline float sum(f16 v) {  // of halves, and halves of those
#ifdef __AVX512F__
    return _mm512_reduce_add_ps((__m512)v);
#else
    float s[TILE_WIDTH];
    store(s, v);
    for (int half = TILE_WIDTH / 2; half; half /= 2)
        for (int i = 0; i < half; i++) s[i] += s[i + half];
    return s[0];
#endif
}
inline int32_t sum(i16 v) {
#ifdef __AVX512F__
    return _mm512_reduce_add_epi32((__m512i)v);
#else
    int32_t s[TILE_WIDTH], total = 0;
    write(s, v);
    for (const int32_t part : s) total += part;
    return total;
#endif
}
// Absolute values by their bits, which rise as they do; what is no number counts as larger than all others.
inline i16 sizes_of(f16 v) { return as<i16>(as<u16>(v) & 0x7fffffffu); }
inline i16 larger(i16 a, i16 b) { return choose(a > b, a, b); }
inline float largest_size(i16 sizes) {
    int32_t s[TILE_WIDTH], most = 0;
    write(s, sizes);
    for (const int32_t size : s) most = size > most ? size : most;
    float y;
    memcpy(&y, &most, 4);
    return y;
}
inline float largest(f16 v) {
#ifdef __AVX512F__
    return _mm512_reduce_max_ps((__m512)v);
#else
    float s[TILE_WIDTH];
    store(s, v);
    for (int half = TILE_WIDTH / 2; half; half /= 2)
        for (int i = 0; i < half; i++) s[i] = s[i + half] > s[i] ? s[i + half] : s[i];
    return s[0];
#endif
}
template <class V>
inline V root_of(V v) {
    if constexpr (is_twice<V>) {
        return {root_of(v.low), root_of(v.high)};
    } else {
#if defined(__AVX512F__)
        return (V)_mm512_sqrt_ps((__m512)v);
#elif defined(__AVX2__)
        return (V)_mm256_sqrt_ps((__m256)v);
#else
        for (int i = 0; i < HELD; i++) v[i] = __builtin_sqrtf(v[i]);
        return v;
#endif
    }
}
inline f16 magnitude(f16 v) { return as<f16>(sizes_of(v)); }
inline i16 to_nearest(f16 v) { return as<i16>(v + 12582912.0f) - 0x4b400000; }  // of numbers below 2^22
inline f16 larger(f16 a, f16 b) {
#ifdef __AVX512F__
    return (f16)_mm512_max_ps((__m512)a, (__m512)b);
#else
    return choose(a > b, a, b);
#endif
}

// e to the power of x; the polynomial is that of Cephes (expf), its error below 2 units in the last place.
inline f16 exp(f16 x) {
    x = larger(all(-87.0f), x);  // in this order what is no number stays so
    x = choose(x > 88.0f, all(88.0f), x);
    const f16 shifted = multiply_add(x, all(1.44269504f), all(12582912.0f));  // the nearest whole number, in its low bits
    const f16 n = shifted - 12582912.0f;
    f16 r = multiply_add(n, all(-0.693359375f), x);
    r = multiply_add(n, all(2.12194440e-4f), r);
    f16 p = all(1.9875691500e-4f);
    p = multiply_add(p, r, all(1.3981999507e-3f));
    p = multiply_add(p, r, all(8.3334519073e-3f));
    p = multiply_add(p, r, all(4.1665795894e-2f));
    p = multiply_add(p, r, all(1.6666665459e-1f));
    p = multiply_add(p, r, all(5.0000001201e-1f));
    p = multiply_add(p, r * r, r) + 1.0f;
    const i16 power = (convert<i16>(n) + 127) << 23;
    return p * as<f16>(power);
}

// to [16, 16] = from, turned; rows lie so far apart.
inline void turn_tile(const float* from, int from_row, float* to, int to_row) {
#ifdef __AVX512F__
    f16 rows[16];
    for (int i = 0; i < 16; i++) rows[i] = load(from + i * from_row);
    const i16 lanes = count_up<i16>();
#pragma GCC unroll 4
    for (int step = 1; step < 16; step *= 2) {
        // Of two rows: where a lane's number has the step, the one takes it from the other, so many lanes away.
        const i16 has_step = (lanes & step) != 0;
        const i16 first = has_step ? lanes + 16 - step : lanes, second = has_step ? lanes + 16 : lanes + step;
#pragma GCC unroll 16
        for (int i = 0; i < 16; i++)
            if (!(i & step)) {
                const f16 a = rows[i], b = rows[i + step];
                rows[i] = (f16)_mm512_permutex2var_ps((__m512)a, (__m512i)first, (__m512)b);
                rows[i + step] = (f16)_mm512_permutex2var_ps((__m512)a, (__m512i)second, (__m512)b);
            }
    }
    for (int i = 0; i < 16; i++) store(to + i * to_row, rows[i]);
#else
    for (int i = 0; i < 16; i++)
        for (int j = 0; j < 16; j++) to[j * to_row + i] = from[i * from_row + j];
#endif
}
