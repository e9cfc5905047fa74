// Causal attention of some tokens of a text over the keys and values in its blocks.
//
// A block holds 16 tokens. Keys of fp32 lie as [dim, 16], of bf16 as [dim/2, 16, 2]; values as [16, dim]. Sums are
// taken over keys and numbers in one order, whatever other tokens are computed beside.
#pragma once
#include <cmath>
#include <vector>

#include "vectors.h"

constexpr int BLOCK = 16;        // tokens in a block of keys and values
constexpr int MOST_QUERIES = 4;  // computed at once

template <class Number>
struct Room {
    Number* keys;                // [blocks, groups, dim * 16], of one layer
    Number* values;              // [blocks, groups, 16 * dim]
    int groups, dim;

    Number* keys_of(int block, int group) const { return keys + ((size_t)block * groups + group) * dim * BLOCK; }
    Number* values_of(int block, int group) const { return values + ((size_t)block * groups + group) * dim * BLOCK; }
};

inline void put(const Room<float>& room, int block, int place, int group, const float* key, const float* value) {
    float* k = room.keys_of(block, group);
    float* v = room.values_of(block, group) + (size_t)place * room.dim;
    for (int d = 0; d < room.dim; d++) { k[d * BLOCK + place] = key[d]; v[d] = value[d]; }
}
inline void put(const Room<uint16_t>& room, int block, int place, int group, const float* key, const float* value) {
    uint16_t* k = room.keys_of(block, group) + 2 * place;
    uint16_t* v = room.values_of(block, group) + (size_t)place * room.dim;
    uint16_t rounded[TILE_WIDTH];
    for (int d = 0; d < room.dim; d += TILE_WIDTH) {
        store_bf16(rounded, load(key + d));
        for (int i = 0; i < TILE_WIDTH; i += 2) memcpy(k + (size_t)(d + i) * BLOCK, rounded + i, 2 * sizeof(uint16_t));
        store_bf16(v + d, load(value + d));
    }
}

// Asks memory for the numbers of one group in a block, which come next.
template <class Number>
inline void ask_for_block(const Number* numbers, int dim) {
    for (int i = 0; i < dim * BLOCK; i += LINE / sizeof(Number)) ask_for(numbers + i, 0);
}

constexpr int SUMS = 4;  // a score is the sum of so many, for one alone would have to wait for each of its products

template <int Q>
inline void score_block(const float* keys, const float* const (&queries)[Q], int dim, f16 (&scores)[Q]) {
    f16 sums[Q][SUMS] = {};
    for (int d = 0; d < dim; d += SUMS)
        for (int i = 0; i < SUMS; i++) {
            const f16 key = load(keys + (d + i) * BLOCK);
            for (int q = 0; q < Q; q++) sums[q][i] = multiply_add(all(queries[q][d + i]), key, sums[q][i]);
        }
    for (int q = 0; q < Q; q++) scores[q] = (sums[q][0] + sums[q][1]) + (sums[q][2] + sums[q][3]);
}
template <int Q>
inline void score_block(const uint16_t* keys, const float* const (&queries)[Q], int dim, f16 (&scores)[Q]) {
    f16 sums[Q][SUMS] = {};
    for (int d = 0; d < dim; d += SUMS)
        for (int i = 0; i < SUMS; i += 2) {
            const u16 pair = read<u16>(keys + (d + i) * BLOCK);
            const f16 even = as<f16>(pair << 16), odd = as<f16>(pair & 0xffff0000u);
            for (int q = 0; q < Q; q++) sums[q][i] = multiply_add(all(queries[q][d + i]), even, sums[q][i]);
            for (int q = 0; q < Q; q++) sums[q][i + 1] = multiply_add(all(queries[q][d + i + 1]), odd, sums[q][i + 1]);
        }
    for (int q = 0; q < Q; q++) scores[q] = (sums[q][0] + sums[q][1]) + (sums[q][2] + sums[q][3]);
}
inline f16 load_number(const float* p) { return load(p); }
inline f16 load_number(const uint16_t* p) { return load_bf16(p); }

// Takes 16 scores of a block as they count: those of tokens that are not looked at do not.
inline f16 count_scores(f16 scores, int block, int first, int last, float scale) {
    const i16 places = count_up<i16>() + block * BLOCK;
    return choose((places > last) | (places < first), all(-INFINITY), scores * scale);
}

// Makes shares of scores, [width], whose highest stand in `most`; returns what they are to be multiplied by to add up
// to one.
inline float share_out(float* scores, int width, f16 most) {
    const float top = largest(most);
    f16 total = zeros();
    for (int i = 0; i < width; i += BLOCK) {
        const f16 score = load(scores + i);
        const f16 share = choose(score == -INFINITY, zeros(), exp(score - top));
        total = total + share;
        store(scores + i, share);
    }
    return 1.0f / sum(total);
}

// Adds to mixed[q][p] the values of one block by their shares, for P times 16 numbers.
template <int Q, int P, class Number>
inline void mix_block(const Number* values, int dim, const float* const (&shares)[Q], f16 (&mixed)[Q][P]) {
    for (int j = 0; j < BLOCK; j++) {
        f16 value[P];
        for (int p = 0; p < P; p++) value[p] = load_number(values + (size_t)j * dim + p * TILE_WIDTH);
        for (int q = 0; q < Q; q++) {
            const f16 share = all(shares[q][j]);
            for (int p = 0; p < P; p++) mixed[q][p] = multiply_add(share, value[p], mixed[q][p]);
        }
    }
}

// Mixes P times 16 numbers of the values of all blocks.
template <int Q, int P, class Number>
inline void mix(const Room<Number>& room, const int32_t* blocks, int group, int begin, int end, int d,
                const float* scratch, const float (&inverse)[Q], float* const (&results)[Q]) {
    const int width = (end - begin) * BLOCK;
    f16 mixed[Q][P] = {};
    for (int b = begin; b < end; b++) {
        const float* shares[Q];
        for (int q = 0; q < Q; q++) shares[q] = scratch + (size_t)q * width + (b - begin) * BLOCK;
        mix_block<Q, P>(room.values_of(blocks[b], group) + d, room.dim, shares, mixed);
    }
    for (int q = 0; q < Q; q++)
        for (int p = 0; p < P; p++) store(results[q] + d + p * TILE_WIDTH, mixed[q][p] * inverse[q]);
}

// Q queries of one group of heads, each of dim numbers, look at the tokens from `firsts[q]` to `lasts[q]`; results
// [dim] each.
template <int Q, class Number>
inline void attend(const Room<Number>& room, const int32_t* blocks, int group, const float* const (&queries)[Q],
                   const int (&firsts)[Q], const int (&lasts)[Q], float scale, float* const (&results)[Q],
                   std::vector<float>& scratch) {
    const int dim = room.dim;
    int first = firsts[0], last = lasts[0];
    for (int q = 1; q < Q; q++) {
        first = firsts[q] < first ? firsts[q] : first;
        last = lasts[q] > last ? lasts[q] : last;
    }
    const int begin = first / BLOCK, end = last / BLOCK + 1, width = (end - begin) * BLOCK;
    if ((int)scratch.size() < Q * width) scratch.resize((size_t)Q * width);
    f16 most[Q];
    for (int q = 0; q < Q; q++) most[q] = all(-INFINITY);
    for (int b = begin; b < end; b++) {
        f16 scores[Q];
        score_block<Q>(room.keys_of(blocks[b], group), queries, dim, scores);
        for (int q = 0; q < Q; q++) {
            const f16 score = count_scores(scores[q], b, firsts[q], lasts[q], scale);
            most[q] = larger(most[q], score);
            store(scratch.data() + (size_t)q * width + (b - begin) * BLOCK, score);
        }
    }
    float inverse[Q];
    for (int q = 0; q < Q; q++) inverse[q] = share_out(scratch.data() + (size_t)q * width, width, most[q]);
    int d = 0;
    for (; d + 4 * TILE_WIDTH <= dim; d += 4 * TILE_WIDTH)
        mix<Q, 4>(room, blocks, group, begin, end, d, scratch.data(), inverse, results);
    for (; d < dim; d += TILE_WIDTH) mix<Q, 1>(room, blocks, group, begin, end, d, scratch.data(), inverse, results);
}

// The same for one token and all its heads from `head` to before `heads`, block by block: memory is read in the order in
// which it lies. Sums are taken in the order of `attend`.
template <class Number>
inline void attend_alone(const Room<Number>& room, const int32_t* blocks, int head, int heads, int share,
                         const float* queries, int first, int last, float scale, float* results,
                         std::vector<float>& scratch) {
    const int dim = room.dim, count = heads - head, begin = first / BLOCK, end = last / BLOCK + 1;
    const int width = (end - begin) * BLOCK;
    if ((int)scratch.size() < count * (width + BLOCK)) scratch.resize((size_t)count * (width + BLOCK));
    float* tops = scratch.data() + (size_t)count * width;
    for (int h = 0; h < count; h++) store(tops + h * BLOCK, all(-INFINITY));
    for (int b = begin; b < end; b++)
        for (int h = 0; h < count; h++) {
            const int group = (head + h) / share;
            if ((head + h) % share == 0)  // a group's first head
                ask_for_block(b + 1 < end ? room.keys_of(blocks[b + 1], group) : room.values_of(blocks[begin], group), dim);
            const float* const query[1] = {queries + (size_t)(head + h) * dim};
            f16 scores[1];
            score_block<1>(room.keys_of(blocks[b], group), query, dim, scores);
            const f16 score = count_scores(scores[0], b, first, last, scale);
            store(tops + h * BLOCK, larger(load(tops + h * BLOCK), score));
            store(scratch.data() + (size_t)h * width + (b - begin) * BLOCK, score);
        }
    for (int h = 0; h < count; h++)
        tops[h] = share_out(scratch.data() + (size_t)h * width, width, load(tops + h * BLOCK));
    for (int i = 0; i < count * dim; i++) results[(size_t)head * dim + i] = 0;
    for (int b = begin; b < end; b++)
        for (int h = 0; h < count; h++) {
            const int group = (head + h) / share;
            if (b + 1 < end && (head + h) % share == 0) ask_for_block(room.values_of(blocks[b + 1], group), dim);
            const Number* values = room.values_of(blocks[b], group);
            const float* const shares[1] = {scratch.data() + (size_t)h * width + (b - begin) * BLOCK};
            float* result = results + (size_t)(head + h) * dim;
            int d = 0;
            for (; d + 4 * TILE_WIDTH <= dim; d += 4 * TILE_WIDTH) {
                f16 mixed[1][4];
                for (int p = 0; p < 4; p++) mixed[0][p] = load(result + d + p * TILE_WIDTH);
                mix_block<1, 4>(values + d, dim, shares, mixed);
                for (int p = 0; p < 4; p++) store(result + d + p * TILE_WIDTH, mixed[0][p]);
            }
            for (; d < dim; d += TILE_WIDTH) {
                f16 mixed[1][1] = {{load(result + d)}};
                mix_block<1, 1>(values + d, dim, shares, mixed);
                store(result + d, mixed[0][0]);
            }
        }
    for (int h = 0; h < count; h++)
        for (int d = 0; d < dim; d++) results[(size_t)(head + h) * dim + d] *= tops[h];
}
