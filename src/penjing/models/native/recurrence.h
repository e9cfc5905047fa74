// An LSTM's way through all steps, and the gradient: a part of training.cpp. What the inputs give the gates is known for all
// steps before it begins, so that rows never meet: each thread takes some of them through all their steps. Products are of
// bf16 numbers, sums fp32; results do not depend on the number of threads.
#pragma once
#include <omp.h>

#include <new>
#include <vector>

#include "dots.h"

namespace recurrence {

constexpr int GATES = 4;  // input, forget, cell, output: each a sigmoid, that of the cell of twice what it is given
constexpr int ROWS = 6;   // that share a reading of the weights
constexpr int WIDE = 4 * TILE_WIDTH;
constexpr int PAIRS = 4 * TILE_WIDTH;  // bytes of as many pairs of bf16 numbers as a vector has lanes

struct Shape { int rows, steps, hidden; };

// What lies between 0 and 1 is kept as a multiple of 1/65535: near 1 that is 128 times as fine as bf16, and the slopes of
// the gates are made of what is missing to 1.
constexpr float PARTS = 65535.0f;
inline void store_part(uint16_t* p, f16 v) {
    store_whole(p, as<u16>(to_nearest(v * PARTS)));
}
inline f16 load_part(const uint16_t* p) {
    return to_float(as<i16>(load_whole(p))) * (1.0f / PARTS);
}

inline f16 sigmoid(f16 x) { return 1.0f / (1.0f + exp(-x)); }
inline f16 tanh(f16 x) { return multiply_add(all(2.0f), sigmoid(x + x), all(-1.0f)); }

struct Bytes {  // that begin where a cache line does
    uint8_t* const numbers;
    explicit Bytes(size_t count) : numbers((uint8_t*)::operator new(count, std::align_val_t{64})) {}
    ~Bytes() { ::operator delete(numbers, std::align_val_t{64}); }
    Bytes(const Bytes&) = delete;
};

// Two numbers each of 16 rows of a matrix with so many columns, which lie side by side, for 16 such pairs: a vector for each
// pair, so many bytes from the next.
void pack_beside(uint8_t* to, int64_t apart, const float* from, int64_t columns) {
    alignas(64) float pairs[TILE_WIDTH * TILE_WIDTH];
    for (int row = 0; row < TILE_WIDTH; row++)
        for (int half = 0; half < 2; half++)
            store_bf16((uint16_t*)(pairs + row * TILE_WIDTH) + half * TILE_WIDTH,
                       load(from + row * columns + half * TILE_WIDTH));
    turn_tile(pairs, TILE_WIDTH, (float*)to, (int)(apart / sizeof(float)));
}
// Two numbers each of 16 columns, of a row and the next.
void pack_below(uint8_t* to, const float* from, int64_t columns) {
    const u16 first = rounded_bf16(load(from)), second = rounded_bf16(load(from + columns));
    write(to, (first >> 16) | (second & 0xffff0000u));
}

// Adds to sums the products of ROWS rows, whose numbers lie so far apart, and packed weights, four vectors for a pair.
template <int COUNT>
inline void multiply(f16 (&sums)[COUNT][4], const uint16_t* rows, int64_t apart, const uint8_t* packed, int pairs) {
    for (int p = 0; p < pairs; p++) {
        bytes weights[4];
#pragma GCC unroll 4
        for (int w = 0; w < 4; w++) weights[w] = load_bytes(packed + (p * 4 + w) * PAIRS);
#pragma GCC unroll 6
        for (int r = 0; r < COUNT; r++) {
            const i16 pair = load_four(rows + r * apart + 2 * p);
#pragma GCC unroll 4
            for (int w = 0; w < 4; w++) sums[r][w] = dot_pairs(sums[r][w], weights[w], pair);
        }
    }
}

// Calls act<COUNT>(first) for tiles of rows.
template <class Do>
inline void for_each_tile(int from, int to, Do&& act) {
    int row = from;
    for (; row + ROWS <= to; row += ROWS) act.template operator()<ROWS>(row);
    switch (to - row) {
        case 5: act.template operator()<5>(row); break;
        case 4: act.template operator()<4>(row); break;
        case 3: act.template operator()<3>(row); break;
        case 2: act.template operator()<2>(row); break;
        case 1: act.template operator()<1>(row); break;
    }
}

// The rows of this thread.
struct Share {
    int from, to;
    explicit Share(int rows) {
        const int64_t threads = omp_get_num_threads(), own = omp_get_thread_num();
        from = (int)(rows * own / threads), to = (int)(rows * (own + 1) / threads);
    }
};

// One step of some rows, of 16 hidden numbers.
template <int COUNT>
inline void step(const Shape& s, int row, int t, int unit, const uint8_t* packed, uint16_t* gates, float* cells,
                 uint16_t* out) {
    f16 sums[COUNT][GATES] = {};
    const int64_t first = (int64_t)row * s.steps + t;
    if (t) multiply(sums, out + (first - 1) * s.hidden, (int64_t)s.steps * s.hidden, packed, s.hidden / 2);
    for (int r = 0; r < COUNT; r++) {
        const int64_t place = first + (int64_t)r * s.steps, number = place * s.hidden + unit;
        uint16_t* own = gates + place * GATES * s.hidden + unit;
        f16 open[GATES];
        for (int g = 0; g < GATES; g++) {
            const f16 given = sums[r][g] + load_bf16(own + g * s.hidden);
            open[g] = sigmoid(g == 2 ? given + given : given);
            store_part(own + g * s.hidden, open[g]);
        }
        const f16 before = t ? load(cells + number - s.hidden) : zeros();
        const f16 cell = multiply_add(open[1], before, open[0] * multiply_add(all(2.0f), open[2], all(-1.0f)));
        store(cells + number, cell);
        store_bf16(out + number, open[3] * tanh(cell));
    }
}

// The gradients of what one row's gates were given at one step; slopes: of the hidden state and of the cell, of which that
// of the cell before is left.
inline void step_back(const Shape& s, int64_t place, int t, const uint16_t* gates, const float* cells,
                      const uint16_t* given, const float* state_slopes, float* cell_slopes, uint16_t* to) {
    for (int unit = 0; unit < s.hidden; unit += TILE_WIDTH) {
        const int64_t number = place * s.hidden + unit, gate = place * GATES * s.hidden + unit;
        f16 open[GATES];
        for (int g = 0; g < GATES; g++) open[g] = load_part(gates + gate + g * s.hidden);
        const f16 before = t ? load(cells + number - s.hidden) : zeros(), bent = tanh(load(cells + number));
        const f16 candidate = multiply_add(all(2.0f), open[2], all(-1.0f));
        const f16 state = load_bf16(given + number) + load(state_slopes + unit);
        const f16 cell = multiply_add(state * open[3], 1.0f - bent * bent, load(cell_slopes + unit));
        store(cell_slopes + unit, cell * open[1]);
        const f16 slopes[GATES] = {cell * candidate, cell * before, 4.0f * cell * open[0], state * bent};
        for (int g = 0; g < GATES; g++)
            store_bf16(to + gate + g * s.hidden, slopes[g] * open[g] * (1.0f - open[g]));
    }
}

// What 16 hidden numbers, or WIDE, need of the weights, in bytes.
inline int64_t bytes_of_tile(const Shape& s) { return (int64_t)s.hidden / 2 * GATES * PAIRS; }
inline int64_t bytes_of_wide(const Shape& s) { return 4 * bytes_of_tile(s); }

// One step of all rows of a share.
inline void step_all(const Shape& s, const Share& share, int t, const uint8_t* packed, uint16_t* gates, float* cells,
                     uint16_t* out) {
    for (int unit = 0; unit < s.hidden; unit += TILE_WIDTH)
        for_each_tile(share.from, share.to, [&]<int COUNT>(int row) {
            step<COUNT>(s, row, t, unit, packed + unit / TILE_WIDTH * bytes_of_tile(s), gates, cells, out);
        });
}

// What the gradients at step t, of a share's rows, say of the hidden states before it, [rows, hidden].
inline void look_back(const Shape& s, const Share& share, int t, const uint8_t* packed, const uint16_t* slopes,
                      float* states) {
    const int64_t across = (int64_t)GATES * s.hidden;
    for (int unit = 0; unit < s.hidden; unit += WIDE)
        for_each_tile(share.from, share.to, [&]<int COUNT>(int row) {
            f16 sums[COUNT][4] = {};
            multiply(sums, slopes + ((int64_t)row * s.steps + t) * across, s.steps * across,
                     packed + unit / WIDE * bytes_of_wide(s), s.hidden / 2 * GATES);
            for (int r = 0; r < COUNT; r++)
                for (int w = 0; w < 4; w++)
                    store(states + (row - share.from + r) * (int64_t)s.hidden + unit + w * TILE_WIDTH, sums[r][w]);
        });
}

}  // namespace recurrence

extern "C" {

// Goes through all steps from a state of zeros. gates [rows, steps, 4 hidden], bf16: what the inputs give them; there is
// left how far each was open. weight [4 hidden, hidden]; cells [rows, steps, hidden]; out the same, bf16. hidden: a
// multiple of 64, here and below.
void penjing_lstm(const recurrence::Shape* shape, const float* weight, uint16_t* gates, float* cells, uint16_t* out) {
    using namespace recurrence;
    const Shape s = *shape;
    const Bytes packed(bytes_of_tile(s) * (s.hidden / TILE_WIDTH));
#pragma omp parallel
    {
#pragma omp for schedule(static)
        for (int unit = 0; unit < s.hidden; unit += TILE_WIDTH)
            for (int g = 0; g < GATES; g++)
                for (int p = 0; p < s.hidden / 2; p += TILE_WIDTH)
                    pack_beside(packed.numbers + unit / TILE_WIDTH * bytes_of_tile(s) + (p * GATES + g) * PAIRS,
                                GATES * PAIRS, weight + ((int64_t)g * s.hidden + unit) * s.hidden + 2 * p, s.hidden);
        const Share share(s.rows);
        for (int t = 0; t < s.steps; t++) step_all(s, share, t, packed.numbers, gates, cells, out);
    }
}

// The gradients of what the gates were given, bf16, like them, from those of the hidden states.
void penjing_lstm_back(const recurrence::Shape* shape, const float* weight, const uint16_t* gates, const float* cells,
                       const uint16_t* given, uint16_t* to) {
    using namespace recurrence;
    const Shape s = *shape;
    const Bytes packed(bytes_of_wide(s) * (s.hidden / WIDE));
#pragma omp parallel
    {
#pragma omp for schedule(static)
        for (int p = 0; p < s.hidden / 2 * GATES; p++)
            for (int unit = 0; unit < s.hidden; unit += TILE_WIDTH)
                pack_below(packed.numbers + unit / WIDE * bytes_of_wide(s) + (p * 4 + unit % WIDE / TILE_WIDTH) * PAIRS,
                           weight + 2 * (int64_t)p * s.hidden + unit, s.hidden);
        const Share share(s.rows);
        std::vector<float> states((share.to - share.from) * (size_t)s.hidden), cell_slopes(states.size());
        for (int t = s.steps - 1; t >= 0; t--) {
            for (int row = share.from; row < share.to; row++) {
                const size_t own = (row - share.from) * (size_t)s.hidden;
                step_back(s, (int64_t)row * s.steps + t, t, gates, cells, given, &states[own], &cell_slopes[own], to);
            }
            if (t) look_back(s, share, t, packed.numbers, to, states.data());
        }
    }
}

}  // extern "C"
