// Two halves that are computed alike: what a vector of sixteen numbers is where the processor's registers hold fewer.
// Compilers keep a structure of vectors in registers, and one vector that is too long for them in memory.
#pragma once
#include <cstddef>
#include <cstring>
#include <type_traits>

template <class Half>
struct Twice {
    Half low, high;
};

template <class V>
constexpr bool is_twice = false;
template <class Half>
constexpr bool is_twice<Twice<Half>> = true;

template <class Half>
Half half_of(const Twice<Half>&);
template <class V>
using HalfOf = decltype(half_of(V{}));

template <class V>
struct Numbers {
    using Type = std::remove_cvref_t<decltype(V{}[0])>;
};
template <class Half>
struct Numbers<Twice<Half>> : Numbers<Half> {};
template <class V>
using NumberOf = typename Numbers<V>::Type;

// A vector of so many numbers, of which the processor's registers hold so many.
template <class Number, int COUNT, int HELD>
struct Lanes {
    using Type = Twice<typename Lanes<Number, COUNT / 2, HELD>::Type>;
};
template <class Number, int HELD>
struct Lanes<Number, HELD, HELD> {
    typedef Number Type __attribute__((vector_size(HELD * sizeof(Number))));
};

#define PENJING_BY_HALVES(OP)                                                                                     \
    template <class Half>                                                                                         \
    inline auto operator OP(const Twice<Half>& a, const Twice<Half>& b) -> Twice<decltype(a.low OP b.low)> {      \
        return {a.low OP b.low, a.high OP b.high};                                                                \
    }                                                                                                             \
    template <class Half, class Number>                                                                           \
        requires(!is_twice<Number>)                                                                               \
    inline auto operator OP(const Twice<Half>& a, Number b) -> Twice<decltype(a.low OP (NumberOf<Half>)b)> {      \
        return {a.low OP (NumberOf<Half>)b, a.high OP (NumberOf<Half>)b};                                         \
    }                                                                                                             \
    template <class Half, class Number>                                                                           \
        requires(!is_twice<Number>)                                                                               \
    inline auto operator OP(Number a, const Twice<Half>& b) -> Twice<decltype((NumberOf<Half>)a OP b.low)> {      \
        return {(NumberOf<Half>)a OP b.low, (NumberOf<Half>)a OP b.high};                                         \
    }
PENJING_BY_HALVES(+)
PENJING_BY_HALVES(-)
PENJING_BY_HALVES(*)
PENJING_BY_HALVES(/)
PENJING_BY_HALVES(&)
PENJING_BY_HALVES(|)
PENJING_BY_HALVES(^)
PENJING_BY_HALVES(<<)
PENJING_BY_HALVES(>>)
PENJING_BY_HALVES(<)
PENJING_BY_HALVES(>)
PENJING_BY_HALVES(>=)
PENJING_BY_HALVES(==)
#undef PENJING_BY_HALVES

template <class Half>
inline Twice<Half> operator-(const Twice<Half>& a) { return {-a.low, -a.high}; }
template <class Half, class Other>
inline Twice<Half>& operator+=(Twice<Half>& a, const Other& b) { return a = a + b; }
template <class Half, class Other>
inline Twice<Half>& operator*=(Twice<Half>& a, const Other& b) { return a = a * b; }
template <class Half, class Other>
inline Twice<Half>& operator^=(Twice<Half>& a, const Other& b) { return a = a ^ b; }

// Vectors in memory, wherever they begin.
template <class V>
inline V read(const void* p) {
    if constexpr (is_twice<V>) {
        return {read<HalfOf<V>>(p), read<HalfOf<V>>((const char*)p + sizeof(V) / 2)};
    } else {
        V v;
        memcpy(&v, p, sizeof v);
        return v;
    }
}
template <class V>
inline void write(void* p, const V& v) {
    if constexpr (is_twice<V>) {
        write(p, v.low);
        write((char*)p + sizeof(V) / 2, v.high);
    } else {
        memcpy(p, &v, sizeof v);
    }
}

// The same number everywhere: not 0 + x, which makes of -0 another one, nor number by number, which is slow.
template <class V, class Number>
inline V fill(Number x) {
    constexpr size_t count = sizeof(V) / sizeof(Number);
    if constexpr (is_twice<V>) {
        const auto half = fill<HalfOf<V>>(x);
        return {half, half};
    } else if constexpr (count == 16) {
        return V{x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x};
    } else if constexpr (count == 8) {
        return V{x, x, x, x, x, x, x, x};
    } else {
        static_assert(count == 4);
        return V{x, x, x, x};
    }
}

// The same bits, read as other numbers.
template <class To, class From>
inline To as(const From& v) {
    if constexpr (is_twice<From>) return {as<HalfOf<To>>(v.low), as<HalfOf<To>>(v.high)};
    else return (To)v;
}
// The numbers themselves; of whole ones that are too large, the low bits.
template <class To, class From>
inline To convert(const From& v) {
    if constexpr (is_twice<From>) return {convert<HalfOf<To>>(v.low), convert<HalfOf<To>>(v.high)};
    else return __builtin_convertvector(v, To);
}
// Of two numbers the first where a comparison holds.
template <class Mask, class V>
inline V choose(const Mask& mask, const V& a, const V& b) {
    if constexpr (is_twice<V>) return {choose(mask.low, a.low, b.low), choose(mask.high, a.high, b.high)};
    else return mask ? a : b;
}
