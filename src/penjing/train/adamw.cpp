// AdamW (Loshchilov & Hutter 2019, arXiv 1711.05101) over all parameters of a network in one pass, which also writes
// their bf16 copies, and the size of all gradients. Sums do not depend on the number of threads.
#include <algorithm>
#include <cmath>
#include <vector>

#include "vectors.h"

namespace {

constexpr int64_t CHUNK = 1 << 14;  // numbers that one thread takes at once, a multiple of 16

struct Parameter {
    float* weights;
    const void* gradient;  // bf16 where is_low, else fp32
    float *first, *second;  // moments
    uint16_t* copy;         // of the weights, in bf16; null: none is kept
    int64_t count;
    float keep, size, root;  // 1 - rate * decay, rate / (1 - beta1^t), sqrt(1 - beta2^t)
    int is_low;
    // Where only some rows have a gradient: their numbers, rising, and how many; the gradient is theirs, in fp32, row after
    // row, each so wide, a multiple of 16. Else the width is 0.
    const int64_t* rows;
    int64_t given, width;
};

struct Chunk { const Parameter* of; int64_t begin, end; };

std::vector<Chunk> cut(int count, const Parameter* parameters) {
    std::vector<Chunk> chunks;
    for (int k = 0; k < count; k++)
        for (int64_t i = 0; i < parameters[k].count; i += CHUNK)
            chunks.push_back({parameters + k, i, std::min(i + CHUNK, parameters[k].count)});
    return chunks;
}

inline f16 gradient_at(const Parameter& p, int64_t i) {
    return p.is_low ? load_bf16((const uint16_t*)p.gradient + i) : load((const float*)p.gradient + i);
}

// Calls act(p, i, gradient) for sixteen numbers each from i on, where rows have a gradient of their own; without one it is
// nothing but zeros, and act is called if it should be.
template <bool EVERY, class Do>
inline void for_rows(const Chunk& chunk, Do&& act) {
    const Parameter& p = *chunk.of;
    int64_t row = chunk.begin / p.width;
    const int64_t* next = std::lower_bound(p.rows, p.rows + p.given, row);
    for (int64_t i = chunk.begin; i < chunk.end; row++) {
        const int64_t start = row * p.width, end = std::min(chunk.end, start + p.width);
        const bool has = next < p.rows + p.given && *next == row;
        const float* gradient = (const float*)p.gradient + (next - p.rows) * p.width;
        if (has) next++;
        if (!has && !EVERY) i = end;
        for (; i < end; i += TILE_WIDTH) act(p, i, has ? load(gradient + (i - start)) : zeros());
    }
}

// The same for every sixteen numbers of a chunk that matter, where EVERY is said also of those without a gradient. Those at
// the end that are fewer lie in a copy, padded with zeros, and are put back.
template <bool EVERY, class Do>
inline void for_sixteens(const Chunk& chunk, Do&& act) {
    if (chunk.of->width) return for_rows<EVERY>(chunk, act);
    int64_t i = chunk.begin;
    for (; i + TILE_WIDTH <= chunk.end; i += TILE_WIDTH) act(*chunk.of, i, gradient_at(*chunk.of, i));
    const int64_t left = chunk.end - i;
    if (!left) return;
    const Parameter& p = *chunk.of;
    alignas(64) float weights[TILE_WIDTH] = {}, first[TILE_WIDTH] = {}, second[TILE_WIDTH] = {}, gradient[TILE_WIDTH] = {};
    uint16_t copy[TILE_WIDTH];
    for (int64_t j = 0; j < left; j++) {
        gradient[j] = p.is_low ? from_bf16(((const uint16_t*)p.gradient)[i + j]) : ((const float*)p.gradient)[i + j];
        if (p.weights) weights[j] = p.weights[i + j], first[j] = p.first[i + j], second[j] = p.second[i + j];
    }
    act({weights, gradient, first, second, copy, left, p.keep, p.size, p.root, 0, nullptr, 0, 0}, 0, load(gradient));
    for (int64_t j = 0; j < left && p.weights; j++) {
        p.weights[i + j] = weights[j], p.first[i + j] = first[j], p.second[i + j] = second[j];
        if (p.copy) p.copy[i + j] = copy[j];
    }
}

}  // namespace

extern "C" {

// The root of the sum of all gradients' squares; weights and moments need not be there.
double penjing_gradient_norm(int count, const Parameter* parameters) {
    const std::vector<Chunk> chunks = cut(count, parameters);
    std::vector<double> sums(chunks.size());
#pragma omp parallel for schedule(static)
    for (int64_t c = 0; c < (int64_t)chunks.size(); c++) {
        f16 squares = zeros();
        for_sixteens<false>(chunks[c], [&](const Parameter&, int64_t, f16 gradient) {
            squares = multiply_add(gradient, gradient, squares);
        });
        sums[c] = sum(squares);
    }
    double total = 0;
    for (const double part : sums) total += part;
    return std::sqrt(total);
}

// One step along the gradients times a factor; of the moments so large a part is new: part1 = 1 - beta1, and part2.
void penjing_adamw(int count, const Parameter* parameters, float part1, float beta2, float part2, float epsilon,
                   float factor) {
    const std::vector<Chunk> chunks = cut(count, parameters);
#pragma omp parallel for schedule(static)
    for (int64_t c = 0; c < (int64_t)chunks.size(); c++)
        for_sixteens<true>(chunks[c], [&](const Parameter& p, int64_t i, f16 given) {
            const f16 gradient = given * factor;
            const f16 first = multiply_add(gradient - load(p.first + i), all(part1), load(p.first + i));
            const f16 second = load(p.second + i) * beta2 + gradient * gradient * part2;
            const f16 weights = load(p.weights + i) * p.keep - p.size * (first / (root_of(second) / p.root + epsilon));
            store(p.first + i, first);
            store(p.second + i, second);
            store(p.weights + i, weights);
            if (p.copy) store_bf16(p.copy + i, weights);
        });
}

}  // extern "C"
