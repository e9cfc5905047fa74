// Products of few rows with a matrix that is read once: int8, int4, bf16 and fp32.
//
// A matrix [out, in] lies in tiles of 16 outputs. Where a weight of zero is multiplied as ZERO (see dots.h), so many times
// the sum of the activations of a group is taken off at its beginning. Whatever rows are computed beside a row, and by however many threads, its sums are
// taken in the same order: a row's result is the same to the bit in every batch.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "dots.h"

enum Kind : int { FP32 = 0, BF16 = 1, INT8 = 2, INT4 = 3 };

constexpr int TILE = TILE_WIDTH;        // outputs side by side
constexpr int GROUP8 = 64;      // activations that share a scale, beside int8 weights
constexpr int GROUP4 = 32;      // the same beside int4 weights, which share one themselves
constexpr int MOST_ROWS = SIXTEENS >= 32 ? 8 : SIXTEENS / 2;  // computed at once: their sums take half of the registers
constexpr int MOST_SUMS = SIXTEENS >= 32 ? 16 : MOST_ROWS;     // rows by tiles: what registers can hold beside the rest

struct Matrix {
    int kind, out, in;          // out is a multiple of 16, in of what one step reads
    const void* weights;        // fp32 [tiles, in, 16]; bf16 [tiles, in/2, 16, 2]; int8 [tiles, in/4, 16, 4];
                                // int4 [tiles, in/8, 16, 4], a byte holds the weights in and in + 4
    const void* scales;         // int8: fp32 [tiles, 16]; int4: bf16 [tiles, in/32, 16]
    const float* bias;          // [out] or null
};

// Rows as a matrix wants them, so many side by side in lanes: what is multiplied in one step lies together.
struct Rows {
    int count, lanes;
    const float* fp32;          // [blocks, in, lanes]
    const Pair* pairs;          // [blocks, in/2, lanes], of bf16
    const Quad* quads;          // [blocks, in/4, lanes]
    const float* scales;        // [blocks, in/group, lanes]
    const int32_t* starts;      // [blocks, in/group, lanes], -ZERO times the sum of a group's codes
};

inline int lanes_for(int rows) {
    int lanes = 1;
    while (lanes < rows && lanes < MOST_ROWS) lanes *= 2;
    return lanes;
}

inline int group_of(int kind) { return kind == INT8 ? GROUP8 : GROUP4; }

// Where the rows are written.
struct Bench {
    std::vector<float> fp32, scales;
    std::vector<Pair> pairs;
    std::vector<Quad> quads;
    std::vector<int32_t> starts;
    int lanes = 1;

    void make_room(int rows, int width) {
        lanes = lanes_for(rows);
        const size_t n = (size_t)(rows + lanes - 1) / lanes * lanes * width;
        if (fp32.size() >= n) return;
        fp32.resize(n); pairs.resize(n / 2); quads.resize(n / 4);
        scales.resize(n / GROUP4); starts.resize(n / GROUP4);
    }
    Rows rows(int count) const {
        return Rows{count, lanes, fp32.data(), pairs.data(), quads.data(), scales.data(), starts.data()};
    }
};

// A part of a row: from one input to before another.
struct Part { int from, to; };

inline void encode_whole(Bench& bench, int number, const float* row, int groups, int group, Part part) {
    const size_t lanes = bench.lanes, block = number / lanes, lane = number % lanes;
    Quad* quads = bench.quads.data() + block * lanes * groups * group / 4 + lane;
    float* scales = bench.scales.data() + block * lanes * groups + lane;
    int32_t* starts = bench.starts.data() + block * lanes * groups + lane;
    for (int g = part.from / group; g < part.to / group; g++) {
        const float* own = row + g * group;
        i16 sizes{};
        for (int i = 0; i < group; i += TILE) sizes = larger(sizes, sizes_of(load(own + i)));
        const float top = largest_size(sizes), inverse = top > 0 ? 127.0f / top : 0.0f;  // no number: the scale is none
        i16 total = i16{};
        for (int i = 0; i < group; i += TILE) {
            const i16 code = to_nearest(load(own + i) * inverse);
            total += code;
            int8_t narrow[TILE];
            write(narrow, convert<c16>(code));
            Quad* at = quads + (size_t)(g * group + i) / 4 * lanes;
            for (int q = 0; q < 4; q++) at[q * lanes] = make_quad(narrow + 4 * q);
        }
        scales[g * lanes] = top / 127.0f;
        starts[g * lanes] = -ZERO * sum(total);
    }
}

// Lays a part of a row out in the way that a matrix of this kind reads it; its `width` numbers are a multiple of what one
// step reads, and so are both ends of the part.
inline void encode_row(Bench& bench, int number, int kind, const float* row, int width, Part part) {
    const size_t lanes = bench.lanes, block = number / lanes, lane = number % lanes;
    if (kind == FP32) {
        float* to = bench.fp32.data() + block * lanes * width + lane;
        for (int i = part.from; i < part.to; i++) to[(size_t)i * lanes] = row[i];
    } else if (kind == BF16) {
        Pair* to = bench.pairs.data() + block * lanes * width / 2 + lane;
        for (int i = part.from; i < part.to; i += 2) to[(size_t)i / 2 * lanes] = make_pair(row[i], row[i + 1]);
    } else {
        encode_whole(bench, number, row, width / group_of(kind), group_of(kind), part);
    }
}

inline size_t size_of_tile(const Matrix& m) {
    const size_t bits = m.kind == FP32 ? 32 : m.kind == BF16 ? 16 : m.kind == INT8 ? 8 : 4;
    return (size_t)m.in * TILE * bits / 8;
}

template <int R, int T>
inline void copy_sums(const f16 (&from)[R][T], f16 (&to)[R][T]) {
    for (int r = 0; r < R; r++)
        for (int t = 0; t < T; t++) to[r][t] = from[r][t];
}

// Adds to result[r][t], 16 outputs each, the products of R rows with T tiles, for inputs from `from` to before `to`.
template <int R, int T>
inline void add_fp32(const Matrix& m, const Rows& rows, int row, int tile, int from, int to, size_t ahead,
                     f16 (&result)[R][T]) {
    const size_t size = (size_t)m.in * TILE;
    const float* w = (const float*)m.weights + tile * size;
    const float* x = rows.fp32 + (size_t)row * m.in + (size_t)from * rows.lanes;
    f16 sums[R][T];  // kept in registers, which what is passed by reference is not always
    copy_sums<R, T>(result, sums);
    for (int k = from; k < to; k++, x += rows.lanes) {
        f16 weight[T];
        for (int t = 0; t < T; t++) {
            weight[t] = load(w + t * size + (size_t)k * TILE);
            ask_for(w + t * size + (size_t)k * TILE, ahead);
        }
        for (int r = 0; r < R; r++)
            for (int t = 0; t < T; t++) sums[r][t] = multiply_add(all(x[r]), weight[t], sums[r][t]);
    }
    copy_sums<R, T>(sums, result);
}

template <int R, int T>
inline void add_bf16(const Matrix& m, const Rows& rows, int row, int tile, int from, int to, size_t ahead,
                     f16 (&result)[R][T]) {
    const size_t size = (size_t)m.in * TILE * 2;
    const uint8_t* w = (const uint8_t*)m.weights + tile * size + (size_t)from * TILE * 2;
    const Pair* x = rows.pairs + (size_t)row * m.in / 2 + (size_t)from / 2 * rows.lanes;
    f16 sums[R][T];  // kept in registers, which what is passed by reference is not always
    copy_sums<R, T>(result, sums);
    for (int k = from; k < to; k += 2, w += 4 * TILE, x += rows.lanes) {
        OpenedPairs weight[T];
        for (int t = 0; t < T; t++) {
            weight[t] = open_pairs(load_bytes(w + t * size));
            ask_for(w + t * size, ahead);
        }
        for (int r = 0; r < R; r++)
            for (int t = 0; t < T; t++) sums[r][t] = dot_pairs(sums[r][t], weight[t], x + r);
    }
    copy_sums<R, T>(sums, result);
}

template <int R, int T>
inline void add_int8(const Matrix& m, const Rows& rows, int row, int tile, int from, int to, size_t ahead,
                     f16 (&result)[R][T]) {
    const size_t size = (size_t)m.in * TILE;
    const int groups = m.in / GROUP8, first = from / GROUP8;
    const uint8_t* w = (const uint8_t*)m.weights + tile * size + (size_t)from * TILE;
    const Quad* x = rows.quads + (size_t)row * m.in / 4 + (size_t)from / 4 * rows.lanes;
    const float* scales = rows.scales + (size_t)row * groups + (size_t)first * rows.lanes;
    const int32_t* starts = rows.starts + (size_t)row * groups + (size_t)first * rows.lanes;
    for (int k = from; k < to; k += GROUP8, scales += rows.lanes, starts += rows.lanes) {
        i16 sums[R][T];
        for (int r = 0; r < R; r++)
            for (int t = 0; t < T; t++) sums[r][t] = all(starts[r]);
#pragma GCC unroll 2
        for (int q = 0; q < GROUP8 / 4; q++, w += 4 * TILE, x += rows.lanes) {
            Opened weight[T];
            for (int t = 0; t < T; t++) {
                weight[t] = open(load_bytes(w + t * size));
                ask_for(w + t * size, ahead);
            }
            for (int r = 0; r < R; r++) {
                const Codes codes = load_quad(x + r);
                for (int t = 0; t < T; t++) sums[r][t] = dot_quads(sums[r][t], weight[t], codes);
            }
        }
        for (int r = 0; r < R; r++)
            for (int t = 0; t < T; t++) result[r][t] = multiply_add(to_float(sums[r][t]), all(scales[r]), result[r][t]);
    }
}

// Weights of four bits, two tiles or more next to each other, as bytes: those of so many inputs, as they lie in a matrix.
struct Packed4 {
    const uint8_t* weights;
    size_t size, ahead;         // of a tile; and what to ask memory for
    bytes levels = load_levels();
    void read(int tile, int step, Opened& early, Opened& late) const {
        const uint8_t* p = weights + tile * size + (size_t)step * 4 * TILE;
        const bytes both = load_bytes(p);
        ask_for(p, ahead);
        early = open_levels(early_levels(levels, both));
        late = open_levels(late_levels(levels, both));
    }
};
// The same where they were made bytes before: worth it where many rows go by.
struct Unpacked4 {
    const uint8_t* weights;
    size_t size;
    const uint8_t* next;        // what memory is asked for meanwhile: packed weights, of a tile so many bytes
    size_t next_size;
    void read(int tile, int step, Opened& early, Opened& late) const {
        const uint8_t* p = weights + tile * size + (size_t)step * 8 * TILE;
        ask_for(next + tile * next_size + (size_t)step * 4 * TILE, 0);
        early = open_levels(load_bytes(p));
        late = open_levels(load_bytes(p + 4 * TILE));
    }
};
inline Packed4 packed_from(const Matrix& m, int tile, int from, size_t ahead) {
    const size_t size = (size_t)m.in * TILE / 2;
    return {(const uint8_t*)m.weights + tile * size + (size_t)from * TILE / 2, size, ahead};
}
// Makes bytes of the weights of T tiles.
template <int T>
inline void unpack(const Packed4& packed, int steps, uint8_t* bytes_of) {
    for (int t = 0; t < T; t++)
        for (int step = 0; step < steps; step++, bytes_of += 8 * TILE) {
            const bytes both = load_bytes(packed.weights + t * packed.size + (size_t)step * 4 * TILE);
            write(bytes_of, early_levels(packed.levels, both));
            write(bytes_of + 4 * TILE, late_levels(packed.levels, both));
        }
}

template <int R, int T, class Source>
inline void add_int4(const Matrix& m, const Source& source, const Rows& rows, int row, int tile, int from, int to,
                     f16 (&result)[R][T]) {
    const size_t width = (size_t)m.in / GROUP4 * TILE;
    const int groups = m.in / GROUP4, first = from / GROUP4;
    const uint16_t* s = (const uint16_t*)m.scales + tile * width + (size_t)first * TILE;
    const Quad* x = rows.quads + (size_t)row * m.in / 4 + (size_t)from / 4 * rows.lanes;
    const float* scales = rows.scales + (size_t)row * groups + (size_t)first * rows.lanes;
    const int32_t* starts = rows.starts + (size_t)row * groups + (size_t)first * rows.lanes;
    int step = 0;
    for (int k = from; k < to; k += GROUP4, s += TILE, scales += rows.lanes, starts += rows.lanes) {
        i16 sums[R][T];
        for (int r = 0; r < R; r++)
            for (int t = 0; t < T; t++) sums[r][t] = all(starts[r]);
        for (int q = 0; q < GROUP4 / 8; q++, step++, x += 2 * rows.lanes) {
            Opened early[T], late[T];
            for (int t = 0; t < T; t++) source.read(t, step, early[t], late[t]);
            for (int r = 0; r < R; r++) {
                const Codes codes = load_quad(x + r), later = load_quad(x + rows.lanes + r);
                for (int t = 0; t < T; t++) sums[r][t] = dot_quads(dot_quads(sums[r][t], early[t], codes), late[t], later);
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
inline void add(const Matrix& m, const Rows& rows, int row, int tile, int from, int to, size_t ahead,
                f16 (&result)[R][T]) {
    if (m.kind == INT4) add_int4<R, T>(m, packed_from(m, tile, from, ahead), rows, row, tile, from, to, result);
    else if (m.kind == INT8) add_int8<R, T>(m, rows, row, tile, from, to, ahead, result);
    else if (m.kind == BF16) add_bf16<R, T>(m, rows, row, tile, from, to, ahead, result);
    else add_fp32<R, T>(m, rows, row, tile, from, to, ahead, result);
}

// Gives the sums of `count` rows to take(row, tile, outputs), with the scales of int8 rows and the bias.
template <int R, int T, class Take>
inline void finish(const Matrix& m, int row, int count, int tile, f16 (&result)[R][T], Take& take) {
    for (int t = 0; t < T; t++) {
        const size_t at = (size_t)(tile + t) * TILE;
        const f16 scale = m.kind == INT8 ? load((const float*)m.scales + at) : all(1.0f);
        const f16 bias = m.bias ? load(m.bias + at) : zeros();
        for (int r = 0; r < R; r++) {
            if (m.kind == INT8) result[r][t] = result[r][t] * scale;
            if (m.bias) result[r][t] = result[r][t] + bias;
        }
    }
    for (int r = 0; r < count; r++) take(row + r, tile, result[r]);
}

template <int R, int T, class Take>
inline void multiply_few(const Matrix& m, const Rows& rows, int tile, Take& take) {
    f16 result[R][T] = {};
    add<R, T>(m, rows, 0, tile, 0, m.in, T * size_of_tile(m), result);
    finish<R, T>(m, 0, rows.count, tile, result, take);
}

// Inputs whose weights, 24 KB in two tiles, stay in the nearest memory while all rows go by.
inline int chunk_of(int kind) { return kind == FP32 ? 192 : kind == BF16 ? 384 : 768; }

template <int T, class Take>
inline void multiply_many(const Matrix& m, const Rows& rows, int tile, std::vector<float>& kept, Take& take) {
    constexpr int R = MOST_ROWS, SIZE = R * T * TILE;
    const int blocks = (rows.count + R - 1) / R, chunk = chunk_of(m.kind);
    const size_t input = size_of_tile(m) / m.in;  // bytes of one in a tile
    const size_t unpacked = m.kind == INT4 ? (size_t)chunk * T * TILE : 0;
    const size_t room = (size_t)blocks * SIZE + (unpacked + LINE) / sizeof(float);
    if (kept.size() < room) kept.resize(room);
    uint8_t* const bytes_of = (uint8_t*)(((uintptr_t)(kept.data() + (size_t)blocks * SIZE) + LINE - 1) / LINE * LINE);
    for (int from = 0; from < m.in; from += chunk) {
        const int to = m.in - from < chunk ? m.in : from + chunk;
        const size_t next = input * (to < m.in ? to - from : (size_t)T * m.in - from);
        if (m.kind == INT4) unpack<T>(packed_from(m, tile, from, 0), (to - from) / 8, bytes_of);
        for (int block = 0; block < blocks; block++) {
            f16 result[R][T] = {};
            float* sums = kept.data() + (size_t)block * SIZE;
            if (from)
                for (int r = 0; r < R; r++)
                    for (int t = 0; t < T; t++) result[r][t] = load(sums + (r * T + t) * TILE);
            const bool is_last = block + 1 == blocks;  // before, what is asked for is there already
            if (m.kind == INT4) {
                const Packed4 packed = packed_from(m, tile, from, 0);
                const uint8_t* asked = is_last ? packed.weights + next : bytes_of;
                const Unpacked4 unpacked{bytes_of, (size_t)(to - from) * TILE, asked, is_last ? packed.size : 0};
                add_int4<R, T>(m, unpacked, rows, block * R, tile, from, to, result);
            } else {
                add<R, T>(m, rows, block * R, tile, from, to, is_last ? next : 0, result);
            }
            const int left = rows.count - block * R;
            if (to == m.in) finish<R, T>(m, block * R, left < R ? left : R, tile, result, take);
            else
                for (int r = 0; r < R; r++)
                    for (int t = 0; t < T; t++) store(sums + (r * T + t) * TILE, result[r][t]);
        }
    }
}

// Tiles computed at once beside so many rows. Weights of four bits take registers of their own, where these are few.
inline int tiles_for(int kind, int rows) {
    const int most = kind == INT4 && SIXTEENS < 32 ? 2 : 4, tiles = MOST_SUMS / lanes_for(rows);
    return tiles > most ? most : tiles;
}

// Multiplies all rows with T tiles. Calls take(row, tile, outputs) with the T times 16 outputs of each.
template <int T, class Take>
inline void multiply_rows(const Matrix& m, const Rows& rows, int tile, std::vector<float>& kept, Take& take) {
    if constexpr (MOST_ROWS * T <= MOST_SUMS)
        if (rows.count > MOST_ROWS) return multiply_many<T>(m, rows, tile, kept, take);
    if constexpr (MOST_ROWS >= 8 && 8 * T <= MOST_SUMS) {
        if (rows.count > 6) return multiply_few<8, T>(m, rows, tile, take);
        if (rows.count > 4) return multiply_few<6, T>(m, rows, tile, take);
    }
    if constexpr (MOST_ROWS >= 4 && 4 * T <= MOST_SUMS)
        if (rows.count > 2) return multiply_few<4, T>(m, rows, tile, take);
    if constexpr (2 * T <= MOST_SUMS)
        if (rows.count > 1) return multiply_few<2, T>(m, rows, tile, take);
    multiply_few<1, T>(m, rows, tile, take);
}
