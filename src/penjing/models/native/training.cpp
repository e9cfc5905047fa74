// Steps of training that PyTorch computes in many small parts, in one pass each: attention, a sum with dropout and
// normalization, GELU, an LSTM. Numbers are bf16 or fp32 as said, sums are fp32. What is dropped follows from a seed and
// the place of a number alone, so that nothing of it is kept; results do not depend on the number of threads.
#include <algorithm>
#include <cmath>
#include <new>
#include <vector>

#include "recurrence.h"
#include "vectors.h"

namespace {

constexpr int PARTIAL_ROWS = 64;  // sums over all rows are made of sums over so many
constexpr int MOST_KEYS = 512;    // that a query may look at

// The places of a tensor's numbers, in numbers: of a batch's row, of a head, of a token; a head's lie side by side.
struct Strides { int64_t row, head, token; };

// Which numbers are dropped: a byte decides about each, as in dropout.py, so the share is a multiple of 1/256.
struct Dropout {
    uint32_t below;  // dropped where the byte is below
    float factor;    // of what is kept
    uint32_t low, high;
    Dropout(int dropped, uint64_t seed)
        : below((uint32_t)dropped), factor(BYTES / (BYTES - dropped)), low((uint32_t)seed), high((uint32_t)(seed >> 32)) {}

    // The bytes of 64 numbers, the number of whose group is given. The hash is the finalizer of MurmurHash3 (Appleby),
    // twice.
    u16 draw(uint64_t group) const {
        if (!below) return u16{} - 1;
        const u16 h = mix((count_up<u16>() + (uint32_t)(group * TILE_WIDTH)) ^ low);
        return mix(h + (high ^ (uint32_t)(group >> 28)));
    }
    // The factors of one quarter of them.
    f16 factors(u16 drawn, int quarter) const {
        return choose(((drawn >> (8 * quarter)) & 255u) >= below, all(factor), zeros());
    }

  private:
    static constexpr float BYTES = 256.0f;
    static u16 mix(u16 h) {
        h ^= h >> 16;
        h *= 0x85ebca6bu;
        h ^= h >> 13;
        h *= 0xc2b2ae35u;
        return h ^ (h >> 16);
    }
};
constexpr int GROUP = 4 * TILE_WIDTH;
int64_t groups_of(int numbers) { return (numbers + GROUP - 1) / GROUP; }

// Calls act(c, factors) for every 16 numbers of a row of so many, a multiple of 16.
template <class Do>
inline void for_each(const Dropout& dropout, uint64_t row, int numbers, Do&& act) {
    const uint64_t group = row * groups_of(numbers);
    for (int first = 0; first < numbers; first += GROUP) {
        const u16 drawn = dropout.draw(group + first / GROUP);
        for (int quarter = 0; quarter < 4 && first + quarter * TILE_WIDTH < numbers; quarter++)
            act(first + quarter * TILE_WIDTH, dropout.factors(drawn, quarter));
    }
}

// What is multiplied: its numbers, and how far rows and columns lie apart.
struct Left { const float* base; int row, column; };

// to [ROWS, 16 * WIDE] = left . right, over so many columns of left.
template <int ROWS, int WIDE>
inline void multiply_tile(const Left& left, int count, const float* right, int right_row, float* to, int to_row) {
    f16 sums[ROWS][WIDE] = {};
    for (int k = 0; k < count; k++)
#pragma GCC unroll 4
        for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 2
            for (int w = 0; w < WIDE; w++)
                sums[r][w] = multiply_add(all(left.base[r * left.row + k * left.column]),
                                          load(right + k * right_row + w * TILE_WIDTH), sums[r][w]);
    for (int r = 0; r < ROWS; r++)
        for (int w = 0; w < WIDE; w++) store(to + r * to_row + w * TILE_WIDTH, sums[r][w]);
}
template <int ROWS>
inline void multiply_rows(const Left& left, int count, const float* right, int across, float* to) {
    int c = 0;
    for (; c + 2 * TILE_WIDTH <= across; c += 2 * TILE_WIDTH)
        multiply_tile<ROWS, 2>(left, count, right + c, across, to + c, across);
    if (c < across) multiply_tile<ROWS, 1>(left, count, right + c, across, to + c, across);
}
// to [rows, across] = left [rows, count] . right [count, across]; across is a multiple of 16.
void multiply(int rows, int count, int across, Left left, const float* right, float* to) {
    int i = 0;
    for (; i + 4 <= rows; i += 4)
        multiply_rows<4>({left.base + i * left.row, left.row, left.column}, count, right, across, to + i * across);
    for (; i < rows; i++)
        multiply_rows<1>({left.base + i * left.row, left.row, left.column}, count, right, across, to + i * across);
}

int padded(int count) { return (count + TILE_WIDTH - 1) / TILE_WIDTH * TILE_WIDTH; }

// Sixteen numbers that begin where a cache line does are read and written at once; across two lines it takes twice as long.
template <class Number>
struct ByLines {
    using value_type = Number;
    Number* allocate(size_t count) { return (Number*)::operator new(count * sizeof(Number), std::align_val_t{LINE}); }
    void deallocate(Number* numbers, size_t) { ::operator delete(numbers, std::align_val_t{LINE}); }
    bool operator==(const ByLines&) const { return true; }
};
using Floats = std::vector<float, ByLines<float>>;

// One head of attention of one row, in fp32.
struct Head {
    const int queries, keys, width, across;  // across: keys, and padding up to a multiple of 16
    Floats query, key, value, given;  // [tokens, width]; keys and values up to across, with zeros
    Floats turned;                    // [width, across]
    Floats weights, slopes;           // [queries, across]
    Floats made;                      // [tokens, width]
    Floats seen;                      // [across]

    Head(int queries, int keys, int width)
        : queries(queries), keys(keys), width(width), across(padded(keys)), query(queries * width), key(across * width),
          value(across * width), given(queries * width), turned(width * across), weights(queries * across),
          slopes(queries * across), made(std::max(queries, keys) * width), seen(across) {}

    void read(Floats& to, const uint16_t* from, int64_t stride, int count) const {
        float* next = to.data();
        for (int i = 0; i < count; i++, from += stride) {
            __builtin_prefetch(from + width);  // the next head's
            for (int c = 0; c < width; c += TILE_WIDTH, next += TILE_WIDTH) store(next, load_bf16(from + c));
        }
    }
    // to = left . right, of queries and what lies by keys.
    void compare(const Floats& left, const Floats& right, Floats& to) {
        for (int j = 0; j < across; j += TILE_WIDTH)
            for (int c = 0; c < width; c += TILE_WIDTH) turn_tile(&right[j * width + c], width, &turned[c * across + j], across);
        multiply(queries, width, across, {left.data(), width, 1}, turned.data(), to.data());
    }
    // weights = softmax of the products of queries and keys; mask: of this row and head, null where all may be seen.
    void weigh(float scale, const uint8_t* mask, int64_t mask_token, int64_t mask_key) {
        compare(query, key, weights);
        for (int i = 0; i < queries; i++) {
            if (i == 0 || (mask && mask_token)) see(mask ? mask + i * mask_token : nullptr, mask_key);
            float* row = &weights[i * across];
            f16 most = all(-INFINITY), total = zeros();
            for (int j = 0; j < across; j += TILE_WIDTH) {
                const f16 score = multiply_add(load(row + j), all(scale), load(&seen[j]));
                store(row + j, score);
                most = larger(most, score);
            }
            const f16 top = all(largest(most));
            for (int j = 0; j < across; j += TILE_WIDTH) {
                const f16 weight = exp(load(row + j) - top);
                store(row + j, weight);
                total += weight;
            }
            const f16 part = all(1.0f / sum(total));
            for (int j = 0; j < across; j += TILE_WIDTH) store(row + j, load(row + j) * part);
        }
    }
    // to [queries] = shares . from [keys].
    void mix(const Floats& shares, const Floats& from, uint16_t* to, int64_t stride) {
        multiply(queries, keys, width, {shares.data(), across, 1}, from.data(), made.data());
        write(queries, to, stride);
    }
    // to [keys] = turned shares . from [queries].
    void mix_back(const Floats& shares, const Floats& from, uint16_t* to, int64_t stride) {
        multiply(keys, queries, width, {shares.data(), 1, across}, from.data(), made.data());
        write(keys, to, stride);
    }

  private:
    // What is added to scores: they vanish in it. Padding does even where a query may see nothing, and looks evenly.
    static constexpr float HIDDEN = -1e30f, PADDING = -2e30f;
    void see(const uint8_t* mask, int64_t mask_key) {
        for (int j = 0; j < across; j++) seen[j] = j >= keys ? PADDING : mask && !mask[j * mask_key] ? HIDDEN : 0.0f;
    }
    void write(int count, uint16_t* to, int64_t stride) const {
        for (int i = 0; i < count; i++)
            for (int c = 0; c < width; c += TILE_WIDTH) store_bf16(to + i * stride + c, load(&made[i * width + c]));
    }
};

struct Attention {
    int rows, heads, queries, keys, width;
    float scale;
    Strides query, key, value, mask;  // mask.token: of a query
    int64_t mask_key;
};

template <class Do>
void for_each_head(const Attention& shape, Do&& act) {
#pragma omp parallel
    {
        Head head(shape.queries, shape.keys, shape.width);
#pragma omp for schedule(static)
        for (int number = 0; number < shape.rows * shape.heads; number++)
            act(head, number / shape.heads, number % shape.heads, (uint64_t)number);
    }
}

const uint16_t* at(const uint16_t* base, const Strides& strides, int row, int head) {
    return base + row * strides.row + head * strides.head;
}

void read_head(Head& head, const Attention& s, int row, int number, const uint16_t* query, const uint16_t* key,
               const uint16_t* value, const uint8_t* mask) {
    head.read(head.query, at(query, s.query, row, number), s.query.token, s.queries);
    head.read(head.key, at(key, s.key, row, number), s.key.token, s.keys);
    head.read(head.value, at(value, s.value, row, number), s.value.token, s.keys);
    const uint8_t* own = mask ? mask + row * s.mask.row + number * s.mask.head : nullptr;
    head.weigh(s.scale, own, s.mask.token, s.mask_key);
}

// Phi(x), and x's density times x: what GELU and its slope are made of. Abramowitz & Stegun 7.1.26: erf within 1.5e-7.
inline void normal(f16 x, f16& below, f16& weighted) {
    const f16 z = magnitude(x) * 0.70710678f;
    const f16 t = 1.0f / multiply_add(z, all(0.3275911f), all(1.0f));
    f16 p = all(1.061405429f);
    p = multiply_add(p, t, all(-1.453152027f));
    p = multiply_add(p, t, all(1.421413741f));
    p = multiply_add(p, t, all(-0.284496736f));
    p = multiply_add(p, t, all(0.254829592f));
    const f16 density = exp(-z * z);
    const f16 tail = 0.5f * p * t * density;
    below = choose(x > 0.0f, 1.0f - tail, tail);
    weighted = x * density * 0.39894228f;
}

}  // namespace

extern "C" {

// Mixes values for queries: out [rows, queries, heads, width], bf16. dropped: of 256.
void penjing_attend(const Attention* shape, const uint16_t* query, const uint16_t* key, const uint16_t* value,
                    const uint8_t* mask, int dropped, uint64_t seed, uint16_t* out) {
    const Attention s = *shape;
    const Dropout dropout(dropped, seed);
    for_each_head(s, [&](Head& head, int row, int number, uint64_t place) {
        read_head(head, s, row, number, query, key, value, mask);
        for (int i = 0; dropped && i < s.queries; i++) {
            float* weights = &head.weights[i * head.across];
            for_each(dropout, place * s.queries + i, head.across,
                     [&](int j, f16 factors) { store(weights + j, load(weights + j) * factors); });
        }
        const int64_t token = (int64_t)s.heads * s.width;
        head.mix(head.weights, head.value, out + row * s.queries * token + number * s.width, token);
    });
}

// The gradients of queries, keys and values, each [rows, tokens, heads, width] in bf16, from that of what was mixed; of
// each the numbers of a token begin so far from those of the next.
void penjing_attend_back(const Attention* shape, const uint16_t* query, const uint16_t* key, const uint16_t* value,
                         const uint8_t* mask, int dropped, uint64_t seed, const uint16_t* given,
                         const Strides* given_strides, int64_t query_token, int64_t key_token, uint16_t* to_query,
                         uint16_t* to_key, uint16_t* to_value) {
    const Attention s = *shape;
    const Strides g = *given_strides;
    const Dropout dropout(dropped, seed);
    for_each_head(s, [&](Head& head, int row, int number, uint64_t place) {
        read_head(head, s, row, number, query, key, value, mask);
        head.read(head.given, at(given, g, row, number), g.token, s.queries);
        head.compare(head.given, head.value, head.slopes);
        for (int i = 0; i < s.queries; i++) {
            float *weights = &head.weights[i * head.across], *slopes = &head.slopes[i * head.across];
            f16 factors[MOST_KEYS / TILE_WIDTH], total = zeros();
            for_each(dropout, place * s.queries + i, head.across, [&](int j, f16 own) {
                factors[j / TILE_WIDTH] = own;
                const f16 slope = load(slopes + j) * own;
                store(slopes + j, slope);
                total = multiply_add(load(weights + j), slope, total);
            });
            const f16 mean = all(sum(total));
            for (int j = 0; j < head.across; j += TILE_WIDTH) {
                const f16 weight = load(weights + j);
                store(slopes + j, weight * (load(slopes + j) - mean) * s.scale);
                store(weights + j, weight * factors[j / TILE_WIDTH]);
            }
        }
        const int64_t to_queries = row * s.queries * query_token + number * s.width;
        const int64_t to_keys = row * s.keys * key_token + number * s.width;
        head.mix(head.slopes, head.key, to_query + to_queries, query_token);
        head.mix_back(head.slopes, head.query, to_key + to_keys, key_token);
        head.mix_back(head.weights, head.given, to_value + to_keys, key_token);
    });
}

// out = normalized (residual + what is kept of added), times weight, plus bias; means and inverted deviations are kept.
void penjing_add_norm(int rows, int dim, const uint16_t* added, const float* residual, const float* weight,
                      const float* bias, float epsilon, int dropped, uint64_t seed, float* out, float* means,
                      float* scales) {
    const Dropout dropout(dropped, seed);
#pragma omp parallel for schedule(static)
    for (int row = 0; row < rows; row++) {
        const uint64_t start = (uint64_t)row * dim;
        float* to = out + start;
        f16 total = zeros(), squares = zeros();
        for_each(dropout, row, dim, [&](int c, f16 factors) {
            const f16 x = multiply_add(load_bf16(added + start + c), factors, load(residual + start + c));
            store(to + c, x);
            total += x;
        });
        const float mean = sum(total) / dim;
        for (int c = 0; c < dim; c += TILE_WIDTH) {
            const f16 x = load(to + c) - mean;
            squares = multiply_add(x, x, squares);
        }
        const float scale = 1.0f / std::sqrt(sum(squares) / dim + epsilon);
        for (int c = 0; c < dim; c += TILE_WIDTH)
            store(to + c, multiply_add((load(to + c) - mean) * scale, load(weight + c), load(bias + c)));
        means[row] = mean;
        scales[row] = scale;
    }
}

// The gradients of what was added (bf16), of the residual, of weight and bias; partial: [ceil(rows / 64), 2, dim].
void penjing_add_norm_back(int rows, int dim, const float* given, const uint16_t* added, const float* residual,
                           const float* weight, const float* means, const float* scales, int dropped, uint64_t seed,
                           uint16_t* to_added, float* to_residual, float* partial, float* to_weight, float* to_bias) {
    const Dropout dropout(dropped, seed);
    const int parts = (rows + PARTIAL_ROWS - 1) / PARTIAL_ROWS;
#pragma omp parallel for schedule(static)
    for (int part = 0; part < parts; part++) {
        float *weights = partial + (int64_t)part * 2 * dim, *biases = weights + dim;
        std::fill(weights, weights + 2 * dim, 0.0f);
        for (int row = part * PARTIAL_ROWS; row < std::min(rows, (part + 1) * PARTIAL_ROWS); row++) {
            const uint64_t start = (uint64_t)row * dim;
            const float mean = means[row], scale = scales[row];
            f16 plain = zeros(), along = zeros();
            for_each(dropout, row, dim, [&](int c, f16 factors) {
                const uint64_t i = start + c;
                const f16 x = multiply_add(load_bf16(added + i), factors, load(residual + i));
                const f16 normed = (x - mean) * scale, gradient = load(given + i), weighted = gradient * load(weight + c);
                store(weights + c, multiply_add(gradient, normed, load(weights + c)));
                store(biases + c, load(biases + c) + gradient);
                store(to_residual + i, normed);
                plain += weighted;
                along = multiply_add(weighted, normed, along);
            });
            const f16 shift = all(sum(plain) / dim), slope = all(sum(along) / dim);
            for_each(dropout, row, dim, [&](int c, f16 factors) {
                const uint64_t i = start + c;
                const f16 weighted = load(given + i) * load(weight + c);
                const f16 gradient = (weighted - shift - load(to_residual + i) * slope) * scale;
                store(to_residual + i, gradient);
                store_bf16(to_added + i, gradient * factors);
            });
        }
    }
    for (int c = 0; c < dim; c += TILE_WIDTH) {
        f16 weights = zeros(), biases = zeros();
        for (int part = 0; part < parts; part++) {
            weights += load(partial + (int64_t)part * 2 * dim + c);
            biases += load(partial + (int64_t)part * 2 * dim + dim + c);
        }
        store(to_weight + c, weights);
        store(to_bias + c, biases);
    }
}

// GELU (Hendrycks & Gimpel 2016, arXiv 1606.08415) of so many bf16, a multiple of 16, and its slopes.
void penjing_gelu(int64_t count, const uint16_t* from, uint16_t* to, uint16_t* slopes) {
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < count; i += TILE_WIDTH) {
        f16 below, weighted;
        const f16 x = load_bf16(from + i);
        normal(x, below, weighted);
        store_bf16(to + i, x * below);
        store_bf16(slopes + i, below + weighted);
    }
}

}  // extern "C"
