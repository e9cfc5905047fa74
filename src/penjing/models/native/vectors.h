// Sixteen numbers at once. With AVX-512 these are single instructions; elsewhere the compiler makes of them what the
// processor has.
#pragma once
#include <cstdint>
#include <cstring>
#ifdef __AVX512F__
#include <immintrin.h>
#endif

constexpr int TILE_WIDTH = 16;
typedef float f16 __attribute__((vector_size(64)));
typedef int32_t i16 __attribute__((vector_size(64)));
typedef uint32_t u16 __attribute__((vector_size(64)));
typedef uint8_t bytes __attribute__((vector_size(64)));
typedef int8_t c16 __attribute__((vector_size(16)));
typedef uint16_t h16 __attribute__((vector_size(32)));

inline f16 load(const float* p) { f16 v; memcpy(&v, p, 64); return v; }
inline void store(float* p, f16 v) { memcpy(p, &v, 64); }
inline bytes load_bytes(const uint8_t* p) { bytes v; memcpy(&v, p, 64); return v; }
inline f16 all(float x) { return f16{x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x}; }  // f16{} + x would add
inline i16 all(int32_t x) { return i16{} + x; }
inline f16 zeros() { return f16{}; }
inline f16 to_float(i16 v) { return __builtin_convertvector(v, f16); }

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
inline f16 load_bf16(const uint16_t* p) {
#ifdef __AVX512F__
    return (f16)((u16)_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i*)p)) << 16);
#else
    h16 h;
    memcpy(&h, p, 32);
    const u16 wide = __builtin_convertvector(h, u16) << 16;
    return (f16)wide;
#endif
}
inline u16 rounded_bf16(f16 v) {  // in the upper halves; the lower are to be dropped
    const u16 b = (u16)v;
    return b + 0x7fff + ((b >> 16) & 1);
}
inline void store_bf16(uint16_t* p, f16 v) {
    const u16 rounded = rounded_bf16(v) >> 16;
#ifdef __AVX512F__
    _mm256_storeu_si256((__m256i*)p, _mm512_cvtepi32_epi16((__m512i)rounded));
#else
    const h16 h = __builtin_convertvector(rounded, h16);
    memcpy(p, &h, 32);
#endif
}

inline f16 multiply_add(f16 a, f16 b, f16 c) {
#ifdef __AVX512F__
    return (f16)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#else
    return a * b + c;
#endif
}

inline float sum(f16 v) {  // of halves, and halves of those
#ifdef __AVX512F__
    return _mm512_reduce_add_ps((__m512)v);
#else
    float s[16];
    memcpy(s, &v, 64);
    for (int half = 8; half; half /= 2)
        for (int i = 0; i < half; i++) s[i] += s[i + half];
    return s[0];
#endif
}
inline int32_t sum(i16 v) {
#ifdef __AVX512F__
    return _mm512_reduce_add_epi32((__m512i)v);
#else
    int32_t s = 0;
    for (int i = 0; i < 16; i++) s += v[i];
    return s;
#endif
}
inline float largest(f16 v) {
#ifdef __AVX512F__
    return _mm512_reduce_max_ps((__m512)v);
#else
    float s = v[0];
    for (int i = 1; i < 16; i++) s = v[i] > s ? v[i] : s;
    return s;
#endif
}
inline f16 root_of(f16 v) {
#ifdef __AVX512F__
    return (f16)_mm512_sqrt_ps((__m512)v);
#else
    for (int i = 0; i < 16; i++) v[i] = __builtin_sqrtf(v[i]);
    return v;
#endif
}
inline f16 magnitude(f16 v) { return (f16)((u16)v & 0x7fffffffu); }
inline i16 to_nearest(f16 v) { return (i16)(v + 12582912.0f) - 0x4b400000; }  // of numbers below 2^22
inline f16 larger(f16 a, f16 b) {
#ifdef __AVX512F__
    return (f16)_mm512_max_ps((__m512)a, (__m512)b);
#else
    return a > b ? a : b;
#endif
}

// e to the power of x; the polynomial is that of Cephes (expf), its error below 2 units in the last place.
inline f16 exp(f16 x) {
    x = larger(all(-87.0f), x);  // in this order what is no number stays so
    x = x > 88.0f ? all(88.0f) : x;
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
    const i16 power = (__builtin_convertvector(n, i16) + 127) << 23;
    return p * (f16)power;
}

// to [16, 16] = from, turned; rows lie so far apart.
inline void turn_tile(const float* from, int from_row, float* to, int to_row) {
#ifdef __AVX512F__
    f16 rows[16];
    for (int i = 0; i < 16; i++) rows[i] = load(from + i * from_row);
    const i16 lanes = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
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

// Four bytes, 16 times.
inline i16 load_quad(const void* p) {
    int32_t four;
    memcpy(&four, p, 4);
    return all(four);
}

// Adds to 16 sums the products of four unsigned bytes each with four signed ones.
inline i16 dot_quads(i16 sums, bytes weights, i16 codes) {
#ifdef __AVX512VNNI__
    return (i16)_mm512_dpbusd_epi32((__m512i)sums, (__m512i)weights, (__m512i)codes);
#else
    const i16 quads = (i16)weights;
    for (int j = 0; j < 4; j++) sums += ((quads >> (8 * j)) & 255) * ((codes << (24 - 8 * j)) >> 24);
    return sums;
#endif
}

// Adds to 16 sums the products of two bf16 each with two others.
inline f16 dot_pairs(f16 sums, bytes weights, i16 pair) {
#ifdef __AVX512BF16__
    return (f16)_mm512_dpbf16_ps((__m512)sums, (__m512bh)weights, (__m512bh)pair);
#else
    const u16 w = (u16)weights, x = (u16)pair;
    sums = multiply_add((f16)(w << 16), (f16)(x << 16), sums);
    return multiply_add((f16)(w & 0xffff0000u), (f16)(x & 0xffff0000u), sums);
#endif
}

// The 16 levels of NF4 as bytes: 127 times each, rounded, and 128 added.
constexpr uint8_t LEVELS[16] = {1, 40, 61, 78, 92, 105, 116, 128, 138, 148, 159, 171, 184, 199, 220, 255};
inline bytes load_levels() {
    bytes v;
    for (int i = 0; i < 4; i++) memcpy((uint8_t*)&v + 16 * i, LEVELS, 16);
    return v;
}
inline bytes level_of(bytes levels, bytes places) {
#ifdef __AVX512BW__
    return (bytes)_mm512_shuffle_epi8((__m512i)levels, (__m512i)places);
#else
    bytes v;
    for (int i = 0; i < 64; i++) v[i] = levels[places[i]];
    return v;
#endif
}
inline bytes level_of_low(bytes levels, bytes both) { return level_of(levels, both & 15); }
inline bytes level_of_high(bytes levels, bytes both) { return level_of(levels, (bytes)((u16)both >> 4) & 15); }
