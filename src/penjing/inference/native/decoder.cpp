// One step of a Llama-like decoder over tokens of many texts at once: what the engine calls, in C, by ctypes.
//
// Every token is a row: tokens of a prompt, the last tokens of texts that are being written, drafts that are checked.
// Rows of a text follow each other and stand at rising positions.
#include <algorithm>
#include <atomic>
#include <memory>

#include "attention.h"
#include "product.h"
#include "team.h"

namespace {

struct Shape {
    int32_t layers, dim, heads, groups, width, inner, vocab, window, activation, threads, cache_kind, blocks;
    float epsilon;
};

enum Which : int { QKV = 0, OUTPUT = 1, GATE_UP = 2, DOWN = 3, HEAD = 4 };
enum Norm : int { INPUT_NORM = 0, AFTER_NORM = 1, QUERY_NORM = 2, KEY_NORM = 3, LAST_NORM = 4 };
enum Activation : int { SILU = 0, GELU = 1, GELU_TANH = 2 };

struct Layer {
    Matrix matrices[4]{};
    const float* norms[4]{};
};

// What one thread needs for itself.
struct Desk {
    std::vector<float> scratch, row, kept;
    Bench bench;
};

int padded(int n, int to) { return (n + to - 1) / to * to; }

struct Decoder {
    Shape shape;
    std::vector<Layer> layers;
    Matrix head{};
    const float* last_norm = nullptr;
    const float* frequencies = nullptr;          // [width / 2]
    const void* embeddings = nullptr;            // [vocab, dim]
    int embeddings_kind = FP32;
    void* keys = nullptr;                        // [layers, blocks, groups, width * 16]
    void* values = nullptr;
    std::unique_ptr<Team> team;
    std::vector<Desk> desks;
    std::vector<float> hidden, wide, mixed, cosines, sines;
    Bench shared;                                // rows as the next matrix wants them, where threads share the work
    std::atomic<int> next{0};
};

struct Call {
    int rows, texts, scored;
    const int32_t* ids;        // [rows]
    const int32_t* positions;  // [rows]
    const int32_t* begins;     // [texts + 1], the first row of each text, and the number of rows
    const int32_t* tables;     // [texts, table], the blocks of each text
    int table;
    const int32_t* wanted;     // [scored], rows whose logits are wanted
    float* logits;             // [scored, padded vocab]
};

inline f16 activate(int kind, f16 x) {
    if (kind == SILU) return x / (exp(-x) + 1.0f);
    float y[TILE];
    store(y, x);
    for (float& n : y)
        n = kind == GELU ? 0.5f * n * (1 + std::erf(n * 0.70710678f))
                         : 0.5f * n * (1 + std::tanh(0.79788456f * (n + 0.044715f * n * n * n)));
    return load(y);
}

// 1 / rms(x), Zhang & Sennrich 2019; n is a multiple of 2.
float inverse_rms(const float* x, int n, float epsilon) {
    f16 squares = zeros();
    int i = 0;
    for (; i + TILE <= n; i += TILE) { const f16 v = load(x + i); squares = multiply_add(v, v, squares); }
    float total = sum(squares);
    for (; i < n; i++) total += x[i] * x[i];
    return 1.0f / std::sqrt(total / n + epsilon);
}

// Writes x * inverse * weight into a part of y.
void apply_norm(const float* x, float inverse, const float* weight, Part part, float* y) {
    int i = part.from;
    for (; i + TILE <= part.to; i += TILE) store(y + i, load(x + i) * inverse * load(weight + i));
    for (; i < part.to; i++) y[i] = x[i] * inverse * weight[i];
}

void normalize(const float* x, const float* weight, int n, float epsilon, float* y) {
    apply_norm(x, inverse_rms(x, n, epsilon), weight, {0, n}, y);
}

constexpr int ALONE = 2;  // up to so many rows each thread encodes for itself: quicker than to meet once more

// What a thread lays out: a part of some rows.
struct Work {
    int begin, end;
    Part part;
};
constexpr int NORM_PART = 7;  // to find how large a row is takes about so small a part of laying it out
static_assert(GROUP8 % GROUP4 == 0 && GROUP8 % TILE == 0);

// Shares `count` rows out among `threads`, so that those that write at once write apart, but for the lines at the borders:
// a block of rows lies together. Each has blocks of its own, or a part of all rows where that is done sooner, for the
// blocks are few or uneven, though then each has to find how large every row is.
Work share_rows(int thread, int threads, int count, int lanes, int width) {
    const int blocks = (count + lanes - 1) / lanes, most = (blocks + threads - 1) / threads * lanes;
    if (count * (threads + NORM_PART - 1) >= most * threads * NORM_PART)
        return {blocks * thread / threads * lanes, std::min(count, blocks * (thread + 1) / threads * lanes), {0, width}};
    const int groups = (width + GROUP8 - 1) / GROUP8;
    const Part part{groups * thread / threads * GROUP8, std::min(width, groups * (thread + 1) / threads * GROUP8)};
    return {0, part.from < part.to ? count : 0, part};
}

// Lays rows out as a matrix wants them: normalized by `norm`, or as they are. Threads meet inside, or share nothing.
Rows prepare(Decoder& d, int thread, const Matrix& m, const float* source, int stride, int filled, const float* norm,
             int count, const int32_t* which) {
    const bool alone = count <= ALONE || d.team->size() == 1;
    Desk& desk = d.desks[thread];
    Bench& bench = alone ? desk.bench : d.shared;
    if (alone) bench.make_room(count, m.in);
    if ((int)desk.row.size() < m.in) desk.row.resize(m.in);
    const Work work = alone ? Work{0, count, {0, m.in}} : share_rows(thread, d.team->size(), count, bench.lanes, m.in);
    const Part filled_part{work.part.from, std::min(filled, work.part.to)};
    for (int row = work.begin; row < work.end; row++) {
        const float* x = source + (size_t)(which ? which[row] : row) * stride;
        if (norm) apply_norm(x, inverse_rms(x, filled, d.shape.epsilon), norm, filled_part, desk.row.data());
        if (!norm && filled < m.in) std::copy(x, x + filled, desk.row.begin());
        if (norm || filled < m.in) {
            std::fill(desk.row.begin() + filled, desk.row.begin() + m.in, 0.0f);
            x = desk.row.data();
        }
        encode_row(bench, row, m.kind, x, m.in, work.part);
    }
    if (!alone) d.team->meet();
    return bench.rows(count);
}

// Calls take(row, tile, outputs) for the tiles that are this thread's, an even number of them next to each other.
template <class Take>
void multiply_share(Decoder& d, int thread, const Matrix& m, const Rows& rows, Take take) {
    std::vector<float>& kept = d.desks[thread].kept;
    const int tiles = m.out / TILE, pairs = (tiles + 1) / 2, team = d.team->size();
    int tile = 2 * (int)((int64_t)pairs * thread / team);
    const int end = std::min(tiles, 2 * (int)((int64_t)pairs * (thread + 1) / team));
    const int wide = tiles_for(m.kind, rows.count);
    if constexpr (MOST_SUMS >= 4)
        for (; wide >= 4 && tile + 4 <= end; tile += 4) multiply_rows<4>(m, rows, tile, kept, take);
    for (; wide >= 2 && tile + 2 <= end; tile += 2) multiply_rows<2>(m, rows, tile, kept, take);
    for (; tile < end; tile++) multiply_rows<1>(m, rows, tile, kept, take);
}

void turn(float* head, const float* cosine, const float* sine, int width) {
    const int half = width / 2;
    for (int i = 0; i < half; i++) {
        const float a = head[i], b = head[i + half];
        head[i] = a * cosine[i] - b * sine[i];
        head[i + half] = b * cosine[i] + a * sine[i];
    }
}

template <int Q, class Number>
void attend_rows(const Decoder& d, const Room<Number>& room, const Call& call, const int32_t* table, int group,
                 const float* wide, int stride, float* mixed, int mixed_stride, const int* rows, const int* heads,
                 std::vector<float>& scratch) {
    const Shape& s = d.shape;
    const float* queries[Q];
    float* results[Q];
    int firsts[Q], lasts[Q];
    for (int q = 0; q < Q; q++) {
        const int position = call.positions[rows[q]];
        queries[q] = wide + (size_t)rows[q] * stride + heads[q] * s.width;
        results[q] = mixed + (size_t)rows[q] * mixed_stride + heads[q] * s.width;
        firsts[q] = s.window ? std::max(0, position - s.window + 1) : 0;
        lasts[q] = position;
    }
    attend<Q, Number>(room, table, group, queries, firsts, lasts, 1.0f / std::sqrt((float)s.width), results, scratch);
}

// Turns the queries and keys of some groups of heads in the rows of one text, and keeps keys and values.
template <class Number>
void keep_text(Decoder& d, const Layer& layer, const Room<Number>& room, const Call& call, int text, int group, int groups,
               int stride) {
    const Shape& s = d.shape;
    const int share = s.heads / s.groups, half = s.width / 2;
    const int32_t* table = call.tables + (size_t)text * call.table;
    for (int row = call.begins[text]; row < call.begins[text + 1]; row++) {
        float* base = d.wide.data() + (size_t)row * stride;
        const float *cosine = d.cosines.data() + (size_t)row * half, *sine = d.sines.data() + (size_t)row * half;
        for (int h = group * share; h < groups * share; h++) {
            float* query = base + h * s.width;
            if (layer.norms[QUERY_NORM]) normalize(query, layer.norms[QUERY_NORM], s.width, s.epsilon, query);
            turn(query, cosine, sine, s.width);
        }
        for (int g = group; g < groups; g++) {
            float* key = base + (s.heads + g) * s.width;
            if (layer.norms[KEY_NORM]) normalize(key, layer.norms[KEY_NORM], s.width, s.epsilon, key);
            turn(key, cosine, sine, s.width);
            const float* value = base + (s.heads + s.groups + g) * s.width;
            put(room, table[call.positions[row] / BLOCK], call.positions[row] % BLOCK, g, key, value);
        }
    }
}

// Lets the rows of one text look at its tokens, in some groups of heads.
template <class Number>
void attend_text(Decoder& d, int thread, const Layer& layer, const Room<Number>& room, const Call& call, int text,
                 int group, int groups, int stride, int mixed_stride) {
    const Shape& s = d.shape;
    const int share = s.heads / s.groups, begin = call.begins[text], end = call.begins[text + 1];
    const int32_t* table = call.tables + (size_t)text * call.table;
    const float* wide = d.wide.data();
    float* mixed = d.mixed.data();
    auto& scratch = d.desks[thread].scratch;
    keep_text(d, layer, room, call, text, group, groups, stride);
    if (end - begin == 1) {
        const int last = call.positions[begin], first = s.window ? std::max(0, last - s.window + 1) : 0;
        attend_alone(room, table, group * share, groups * share, share, wide + (size_t)begin * stride, first, last,
                     1.0f / std::sqrt((float)s.width), mixed + (size_t)begin * mixed_stride, scratch);
        return;
    }
    for (int g = group; g < groups; g++) {
        int rows[MOST_QUERIES], heads[MOST_QUERIES], found = 0;
        for (int row = begin; row < end; row++)
            for (int h = g * share; h < (g + 1) * share; h++) {
                rows[found] = row;
                heads[found++] = h;
                if (found < MOST_QUERIES) continue;
                attend_rows<MOST_QUERIES>(d, room, call, table, g, wide, stride, mixed, mixed_stride, rows, heads, scratch);
                found = 0;
            }
        for (int i = 0; i < found; i++)
            attend_rows<1>(d, room, call, table, g, wide, stride, mixed, mixed_stride, rows + i, heads + i, scratch);
    }
}

// Shares out the texts: whole where there are many, else a few groups of heads at a time.
template <class Number>
void attend_all(Decoder& d, int thread, int number, const Call& call, int stride, int mixed_stride) {
    const Shape& s = d.shape;
    const size_t size = (size_t)s.blocks * s.groups * s.width * BLOCK;
    const Room<Number> room{(Number*)d.keys + number * size, (Number*)d.values + number * size, s.groups, s.width};
    const int team = d.team->size();
    const bool is_one = call.rows == 1;  // its parts take the same time: one for each thread
    const int wanted = is_one ? team : 4 * team, parts = std::min(s.groups, std::max(1, wanted / call.texts));
    for (int job = thread; is_one ? job < parts : (job = d.next.fetch_add(1, std::memory_order_relaxed)) < call.texts * parts;
         job += team) {
        const int text = job / parts, part = job % parts;
        attend_text(d, thread, d.layers[number], room, call, text, s.groups * part / parts, s.groups * (part + 1) / parts,
                    stride, mixed_stride);
    }
}

void read_layer(Decoder& d, int thread, int number, const Call& call) {
    const Shape& s = d.shape;
    const Layer& layer = d.layers[number];
    const Matrix &qkv = layer.matrices[QKV], &output = layer.matrices[OUTPUT], &gate_up = layer.matrices[GATE_UP],
                 &down = layer.matrices[DOWN];
    const int dim = padded(s.dim, TILE), mixed_stride = padded(s.heads * s.width, TILE);
    float* hidden = d.hidden.data();
    float* wide = d.wide.data();
    const int stride = qkv.out, inner = gate_up.out / 2;
    auto add = [&](int row, int tile, const f16* out, int count) {
        for (int t = 0; t < count; t++) {
            float* p = hidden + (size_t)row * dim + (tile + t) * TILE;
            store(p, load(p) + out[t]);
        }
    };
    Rows rows = prepare(d, thread, qkv, hidden, dim, s.dim, layer.norms[INPUT_NORM], call.rows, nullptr);
    multiply_share(d, thread, qkv, rows, [&](int row, int tile, auto& out) {
        for (int t = 0; t < (int)(sizeof(out) / sizeof(f16)); t++) store(wide + (size_t)row * stride + (tile + t) * TILE, out[t]);
    });
    if (thread == 0) d.next.store(0, std::memory_order_relaxed);
    d.team->meet();
    if (s.cache_kind == BF16) attend_all<uint16_t>(d, thread, number, call, stride, mixed_stride);
    else attend_all<float>(d, thread, number, call, stride, mixed_stride);
    d.team->meet();
    rows = prepare(d, thread, output, d.mixed.data(), mixed_stride, s.heads * s.width, nullptr, call.rows, nullptr);
    multiply_share(d, thread, output, rows, [&](int row, int tile, auto& out) { add(row, tile, out, sizeof(out) / sizeof(f16)); });
    d.team->meet();
    rows = prepare(d, thread, gate_up, hidden, dim, s.dim, layer.norms[AFTER_NORM], call.rows, nullptr);
    multiply_share(d, thread, gate_up, rows, [&](int row, int tile, auto& out) {
        for (int t = 0; t < (int)(sizeof(out) / sizeof(f16)); t++) {  // by turns of the gate and of what it lets pass
            float* p = wide + (size_t)row * inner + (tile + t) / 2 * TILE;
            store(p, (tile + t) % 2 ? load(p) * out[t] : activate(s.activation, out[t]));
        }
    });
    d.team->meet();
    rows = prepare(d, thread, down, wide, inner, s.inner, nullptr, call.rows, nullptr);
    multiply_share(d, thread, down, rows, [&](int row, int tile, auto& out) { add(row, tile, out, sizeof(out) / sizeof(f16)); });
    d.team->meet();
}

void embed(Decoder& d, int thread, const Call& call) {
    const Shape& s = d.shape;
    const int dim = padded(s.dim, TILE), half = s.width / 2;
    for (int row = thread; row < call.rows; row += d.team->size()) {
        float* x = d.hidden.data() + (size_t)row * dim;
        const size_t at = (size_t)call.ids[row] * s.dim;
        for (int i = 0; i < s.dim; i++)
            x[i] = d.embeddings_kind == BF16 ? from_bf16(((const uint16_t*)d.embeddings)[at + i]) : ((const float*)d.embeddings)[at + i];
        for (int i = s.dim; i < dim; i++) x[i] = 0;
        for (int i = 0; i < half; i++) {
            const float angle = (float)call.positions[row] * d.frequencies[i];
            d.cosines[(size_t)row * half + i] = std::cos(angle);
            d.sines[(size_t)row * half + i] = std::sin(angle);
        }
    }
}

void step(Decoder& d, int thread, const Call& call) {
    const Shape& s = d.shape;
    embed(d, thread, call);
    d.team->meet();
    for (int number = 0; number < s.layers; number++) read_layer(d, thread, number, call);
    if (!call.scored) return;
    const int dim = padded(s.dim, TILE);
    const Rows rows = prepare(d, thread, d.head, d.hidden.data(), dim, s.dim, d.last_norm, call.scored, call.wanted);
    multiply_share(d, thread, d.head, rows, [&](int row, int tile, auto& out) {
        for (int t = 0; t < (int)(sizeof(out) / sizeof(f16)); t++)
            store(call.logits + (size_t)row * d.head.out + (tile + t) * TILE, out[t]);
    });
}

int widest(const Decoder& d) {
    int most = d.head.in;
    for (const Layer& layer : d.layers)
        for (const Matrix& m : layer.matrices) most = std::max(most, m.in);
    return most;
}

}  // namespace

extern "C" {

void* penjing_create(const Shape* shape) {
    auto* d = new Decoder;
    d->shape = *shape;
    d->layers.resize(shape->layers);
    d->team = std::make_unique<Team>(shape->threads);
    d->desks.resize(shape->threads);
    return d;
}

void penjing_free(void* decoder) { delete (Decoder*)decoder; }

void penjing_set_matrix(void* decoder, int layer, int which, int kind, int out, int in, const void* weights,
                        const void* scales, const float* bias) {
    auto* d = (Decoder*)decoder;
    const Matrix m{kind, out, in, weights, scales, bias};
    if (which == HEAD) d->head = m;
    else d->layers[layer].matrices[which] = m;
}

void penjing_set_norm(void* decoder, int layer, int which, const float* weight) {
    auto* d = (Decoder*)decoder;
    if (which == LAST_NORM) d->last_norm = weight;
    else d->layers[layer].norms[which] = weight;
}

void penjing_set_tables(void* decoder, const void* embeddings, int kind, const float* frequencies, void* keys, void* values) {
    auto* d = (Decoder*)decoder;
    d->embeddings = embeddings;
    d->embeddings_kind = kind;
    d->frequencies = frequencies;
    d->keys = keys;
    d->values = values;
}

void penjing_step(void* decoder, const Call* call) {
    auto* d = (Decoder*)decoder;
    const Shape& s = d->shape;
    const size_t rows = call->rows;
    const int wide = std::max(d->layers[0].matrices[QKV].out, d->layers[0].matrices[GATE_UP].out / 2);
    auto grow = [](std::vector<float>& v, size_t n) { if (v.size() < n) v.resize(n); };
    grow(d->hidden, rows * padded(s.dim, TILE));
    grow(d->wide, rows * wide);
    grow(d->mixed, rows * padded(s.heads * s.width, TILE));
    grow(d->cosines, rows * (s.width / 2));
    grow(d->sines, rows * (s.width / 2));
    if (rows > ALONE) d->shared.make_room(rows, widest(*d));
    d->team->run([&](int thread) { step(*d, thread, *call); });
}

}
