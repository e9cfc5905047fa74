// Products of few rows with a matrix that is read once: int8, int4, bf16 and fp32.
//
// A matrix [out, in] lies in tiles of 16 outputs. Whole numbers of weights are unsigned (128 is zero) and those of
// activations signed, as the instruction that multiplies them wants it; 128 times the sum of the activations of a group
// is taken off at its beginning. Whatever rows are computed beside a row, and by however many threads, its sums are
// taken in the same order: a row's result is the same to the bit in every batch.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "vectors.h"

enum Kind : int { FP32 = 0, BF16 = 1, INT8 = 2, INT4 = 3 };

constexpr int TILE = TILE_WIDTH;        // outputs side by side
constexpr int GROUP8 = 64;      // activations that share a scale, beside int8 weights
constexpr int GROUP4 = 32;      // the same beside int4 weights, which share one themselves
constexpr int MOST_ROWS = 8;    // rows computed at once

struct Matrix {
    int kind, out, in;          // out is a multiple of 16, in of what one step reads
    const void* weights;        // fp32 [tiles, in, 16]; bf16 [tiles, in/2, 16, 2]; int8 [tiles, in/4, 16, 4];
                                // int4 [tiles, in/8, 16, 4], a byte holds the weights in and in + 4
    const void* scales;         // int8: fp32 [tiles, 16]; int4: bf16 [tiles, in/32, 16]
    const float* bias;          // [out] or null
};

// Rows as a matrix wants them, eight side by side: what is multiplied in one step lies together.
struct Rows {
    int count;
    const float* fp32;          // [blocks, in, 8]
    const uint16_t* bf16;       // [blocks, in/2, 8, 2]
    const int8_t* codes;        // [blocks, in/4, 8, 4]
    const float* scales;        // [blocks, in/group, 8]
    const int32_t* starts;      // [blocks, in/group, 8], -128 times the sum of a group's codes
};

inline int group_of(int kind) { return kind == INT8 ? GROUP8 : GROUP4; }

// Where the rows are written.
struct Bench {
    std::vector<float> fp32, scales;
    std::vector<uint16_t> bf16;
    std::vector<int8_t> codes;
    std::vector<int32_t> starts;

    void make_room(int rows, int width) {
        const size_t n = (size_t)(rows + MOST_ROWS - 1) / MOST_ROWS * MOST_ROWS * width;
        if (codes.size() >= n) return;
        fp32.resize(n); bf16.resize(n); codes.resize(n);
        scales.resize(n / GROUP4); starts.resize(n / GROUP4);
    }
    Rows rows(int count) const {
        return Rows{count, fp32.data(), bf16.data(), codes.data(), scales.data(), starts.data()};
    }
};

inline void encode_whole(Bench& bench, int number, const float* row, int groups, int group) {
    const size_t block = number / MOST_ROWS, lane = number % MOST_ROWS;
    int8_t* codes = bench.codes.data() + block * MOST_ROWS * groups * group + lane * 4;
    float* scales = bench.scales.data() + block * MOST_ROWS * groups + lane;
    int32_t* starts = bench.starts.data() + block * MOST_ROWS * groups + lane;
    for (int g = 0; g < groups; g++) {
        const float* part = row + g * group;
        f16 sizes = zeros();
        for (int i = 0; i < group; i += TILE) sizes = larger(sizes, magnitude(load(part + i)));
        const float top = largest(sizes), inverse = top > 0 ? 127.0f / top : 0.0f;
        i16 total = i16{};
        for (int i = 0; i < group; i += TILE) {
            const i16 code = to_nearest(load(part + i) * inverse);
            total += code;
            const c16 narrow = __builtin_convertvector(code, c16);
            int8_t* at = codes + (size_t)(g * group + i) * MOST_ROWS;
            for (int q = 0; q < 4; q++) memcpy(at + q * 4 * MOST_ROWS, (const char*)&narrow + 4 * q, 4);
        }
        scales[g * MOST_ROWS] = top / 127.0f;
        starts[g * MOST_ROWS] = -128 * sum(total);
    }
}

// Lays a row out in the way that a matrix of this kind reads it; its `width` numbers are a multiple of what one step
// reads.
inline void encode_row(Bench& bench, int number, int kind, const float* row, int width) {
    const size_t block = number / MOST_ROWS, lane = number % MOST_ROWS;
    if (kind == FP32) {
        float* to = bench.fp32.data() + block * MOST_ROWS * width + lane;
        for (int i = 0; i < width; i++) to[(size_t)i * MOST_ROWS] = row[i];
    } else if (kind == BF16) {
        uint16_t* to = bench.bf16.data() + block * MOST_ROWS * width + lane * 2;
        for (int i = 0; i < width; i += 2) {
            const uint16_t pair[2] = {to_bf16(row[i]), to_bf16(row[i + 1])};
            memcpy(to + (size_t)i * MOST_ROWS, pair, 4);
        }
    } else {
        encode_whole(bench, number, row, width / group_of(kind), group_of(kind));
    }
}

// The products of R rows with T tiles: result[r][t] holds 16 outputs.
template <int R, int T>
inline void multiply_fp32(const Matrix& m, const Rows& rows, int row, int tile, f16 (&result)[R][T]) {
    const size_t size = (size_t)m.in * TILE;
    const float* w = (const float*)m.weights + tile * size;
    const float* x = rows.fp32 + (size_t)row * m.in;
    for (int r = 0; r < R; r++)
        for (int t = 0; t < T; t++) result[r][t] = zeros();
    for (int k = 0; k < m.in; k++, x += MOST_ROWS) {
        f16 weight[T];
        for (int t = 0; t < T; t++) weight[t] = load(w + t * size + (size_t)k * TILE);
        for (int r = 0; r < R; r++)
            for (int t = 0; t < T; t++) result[r][t] = multiply_add(all(x[r]), weight[t], result[r][t]);
    }
}

template <int R, int T>
inline void multiply_bf16(const Matrix& m, const Rows& rows, int row, int tile, f16 (&result)[R][T]) {
    const size_t size = (size_t)m.in * TILE;
    const uint16_t* w = (const uint16_t*)m.weights + tile * size;
    const uint16_t* x = rows.bf16 + (size_t)row * m.in;
    for (int r = 0; r < R; r++)
        for (int t = 0; t < T; t++) result[r][t] = zeros();
    for (int k = 0; k < m.in; k += 2, x += 2 * MOST_ROWS)
        for (int r = 0; r < R; r++)
            for (int t = 0; t < T; t++)
                result[r][t] = dot_pairs(result[r][t], w + t * size + (size_t)k * TILE, x + 2 * r);
}

template <int R, int T>
inline void multiply_int8(const Matrix& m, const Rows& rows, int row, int tile, f16 (&result)[R][T]) {
    const size_t size = (size_t)m.in * TILE;
    const int groups = m.in / GROUP8;
    const uint8_t* w = (const uint8_t*)m.weights + tile * size;
    const int8_t* x = rows.codes + (size_t)row * m.in;
    const float* scales = rows.scales + (size_t)row * groups;
    const int32_t* starts = rows.starts + (size_t)row * groups;
    for (int r = 0; r < R; r++)
        for (int t = 0; t < T; t++) result[r][t] = zeros();
    for (int g = 0; g < groups; g++, scales += MOST_ROWS, starts += MOST_ROWS) {
        i16 sums[R][T];
        for (int r = 0; r < R; r++)
            for (int t = 0; t < T; t++) sums[r][t] = all(starts[r]);
#pragma GCC unroll 2
        for (int q = 0; q < GROUP8 / 4; q++, w += 4 * TILE, x += 4 * MOST_ROWS) {
            bytes weight[T];
            for (int t = 0; t < T; t++) weight[t] = load_bytes(w + t * size);
            for (int r = 0; r < R; r++) {
                const i16 code = load_quad(x + 4 * r);
                for (int t = 0; t < T; t++) sums[r][t] = dot_quads(sums[r][t], weight[t], code);
            }
        }
        for (int r = 0; r < R; r++)
            for (int t = 0; t < T; t++) result[r][t] = multiply_add(to_float(sums[r][t]), all(scales[r]), result[r][t]);
    }
    const float* s = (const float*)m.scales + (size_t)tile * TILE;
    for (int t = 0; t < T; t++) {
        const f16 scale = load(s + t * TILE);
        for (int r = 0; r < R; r++) result[r][t] = result[r][t] * scale;
    }
}

template <int R, int T>
inline void multiply_int4(const Matrix& m, const Rows& rows, int row, int tile, f16 (&result)[R][T]) {
    const size_t size = (size_t)m.in * TILE / 2, width = (size_t)m.in / GROUP4 * TILE;
    const int groups = m.in / GROUP4;
    const uint8_t* w = (const uint8_t*)m.weights + tile * size;
    const uint16_t* s = (const uint16_t*)m.scales + tile * width;
    const int8_t* x = rows.codes + (size_t)row * m.in;
    const float* scales = rows.scales + (size_t)row * groups;
    const int32_t* starts = rows.starts + (size_t)row * groups;
    const bytes levels = load_levels();
    for (int r = 0; r < R; r++)
        for (int t = 0; t < T; t++) result[r][t] = zeros();
    for (int g = 0; g < groups; g++, s += TILE, scales += MOST_ROWS, starts += MOST_ROWS) {
        i16 sums[R][T];
        for (int r = 0; r < R; r++)
            for (int t = 0; t < T; t++) sums[r][t] = all(starts[r]);
        for (int q = 0; q < GROUP4 / 8; q++, w += 4 * TILE, x += 8 * MOST_ROWS) {
            bytes first[T], second[T];
            for (int t = 0; t < T; t++) {
                const bytes both = load_bytes(w + t * size);
                first[t] = level_of_low(levels, both);
                second[t] = level_of_high(levels, both);
            }
            for (int r = 0; r < R; r++) {
                const i16 code = load_quad(x + 4 * r), later = load_quad(x + 4 * (MOST_ROWS + r));
                for (int t = 0; t < T; t++) sums[r][t] = dot_quads(dot_quads(sums[r][t], first[t], code), second[t], later);
            }
        }
        for (int t = 0; t < T; t++) {
            const f16 scale = load_bf16(s + t * width);
            for (int r = 0; r < R; r++)
                result[r][t] = multiply_add(to_float(sums[r][t]), scale * scales[r], result[r][t]);
        }
    }
}

template <int R, int T>
inline void multiply(const Matrix& m, const Rows& rows, int row, int tile, f16 (&result)[R][T]) {
    if (m.kind == INT4) multiply_int4<R, T>(m, rows, row, tile, result);
    else if (m.kind == INT8) multiply_int8<R, T>(m, rows, row, tile, result);
    else if (m.kind == BF16) multiply_bf16<R, T>(m, rows, row, tile, result);
    else multiply_fp32<R, T>(m, rows, row, tile, result);
    if (m.bias)
        for (int t = 0; t < T; t++)
            for (int r = 0; r < R; r++) result[r][t] = result[r][t] + load(m.bias + (size_t)(tile + t) * TILE);
}

// Calls take(row, tile, 16 outputs) for the tiles from `first` to before `last`; T of them are computed at once, and
// take is called for a row's T tiles one after another.
template <int R, int T, class Take>
inline void multiply_block(const Matrix& m, const Rows& rows, int row, int tile, Take& take) {
    f16 result[R][T];
    multiply<R, T>(m, rows, row, tile, result);
    for (int r = 0; r < R; r++) take(row + r, tile, result[r]);
}

template <int T, class Take>
inline void multiply_rows(const Matrix& m, const Rows& rows, int tile, Take& take) {
    int row = 0;
    for (; row + MOST_ROWS <= rows.count; row += MOST_ROWS) multiply_block<MOST_ROWS, T>(m, rows, row, tile, take);
    switch (rows.count - row) {
        case 7: multiply_block<7, T>(m, rows, row, tile, take); break;
        case 6: multiply_block<6, T>(m, rows, row, tile, take); break;
        case 5: multiply_block<5, T>(m, rows, row, tile, take); break;
        case 4: multiply_block<4, T>(m, rows, row, tile, take); break;
        case 3: multiply_block<3, T>(m, rows, row, tile, take); break;
        case 2: multiply_block<2, T>(m, rows, row, tile, take); break;
        case 1: multiply_block<1, T>(m, rows, row, tile, take); break;
        default: break;
    }
}
