// Unsigned division by a constant as multiplication (Granlund and Montgomery, 1994).
#pragma once

#include <bit>
#include <cstdint>

namespace bpftime::ubpf {

// n / divisor == (add ? ((n - hi) / 2 + hi) : hi) >> shift, where hi is the upper half of n * multiplier.
struct Reciprocal {
    std::uint64_t multiplier = 0;
    int shift = 0;
    bool add = false;
};

// For `bits` (32 or 64) wide numbers and a divisor that is neither 0 nor a power of two.
constexpr Reciprocal reciprocal(std::uint64_t divisor, int bits) {
    const int log = std::bit_width(divisor) - 1;  // floor of log2
    // The candidate 2^(bits + log) / divisor, rounded up, has exactly `bits` bits.
    const auto numerator = static_cast<unsigned __int128>(1) << (bits + log);
    const auto quotient = numerator / divisor;
    const auto remainder = static_cast<std::uint64_t>(numerator % divisor);
    const std::uint64_t mask = ~std::uint64_t{0} >> (64 - bits);
    if (divisor - remainder < std::uint64_t{1} << log)  // its error is small enough
        return {static_cast<std::uint64_t>(quotient + 1) & mask, log, false};
    // One bit more is needed: 2^(bits + log + 1) / divisor, whose top bit is implicit.
    const auto doubled = 2 * quotient + (2 * static_cast<unsigned __int128>(remainder) >= divisor ? 1 : 0);
    return {static_cast<std::uint64_t>(doubled + 1) & mask, log, true};
}

}  // namespace bpftime::ubpf
