#include "test/catch.h"
#include "vm/ubpf-jit/division.h"

namespace bpftime::ubpf {
namespace {

std::uint64_t divide(std::uint64_t n, const Reciprocal& r, int bits) {
    const auto hi = static_cast<std::uint64_t>(static_cast<unsigned __int128>(n) * r.multiplier >> bits);
    return (r.add ? ((n - hi) / 2 + hi) : hi) >> r.shift;
}

void check(std::uint64_t divisor, int bits) {
    const Reciprocal r = reciprocal(divisor, bits);
    const std::uint64_t max = ~std::uint64_t{0} >> (64 - bits);
    const std::uint64_t multiple = max / divisor * divisor;
    for (const std::uint64_t n : {std::uint64_t{0}, std::uint64_t{1}, divisor - 1, divisor, divisor + 1, multiple - 1, multiple, max - 1,
                                  max, max / 2, max / 2 + 1, max / 3 * 2}) {
        CAPTURE(divisor, n, bits, r.multiplier, r.shift, r.add);
        REQUIRE(divide(n & max, r, bits) == (n & max) / divisor);
    }
}

TEST_CASE("reciprocals divide exactly") {
    for (const int bits : {32, 64}) {
        for (std::uint64_t d = 3; d < 5000; ++d)
            if (!std::has_single_bit(d)) check(d, bits);
        for (int power = 2; power < bits; ++power)
            for (const int step : {-1, 1}) {
                const std::uint64_t d = (std::uint64_t{1} << power) + static_cast<std::uint64_t>(step);
                if (!std::has_single_bit(d)) check(d, bits);
            }
        const std::uint64_t max = ~std::uint64_t{0} >> (64 - bits);
        for (std::uint64_t d = max; d > max - 100; --d) check(d, bits);
    }
}

TEST_CASE("reciprocals of known divisors") {
    CHECK(reciprocal(10, 32).multiplier == 0xcccccccd);
    CHECK(reciprocal(10, 32).shift == 3);
    CHECK_FALSE(reciprocal(10, 32).add);
    CHECK(reciprocal(7, 32).multiplier == 0x24924925);
    CHECK(reciprocal(7, 32).add);
    CHECK(reciprocal(3, 64).multiplier == 0xaaaaaaaaaaaaaaab);
}

}  // namespace
}  // namespace bpftime::ubpf
