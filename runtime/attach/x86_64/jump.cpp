#include "runtime/attach/x86_64/jump.h"

#include <algorithm>
#include <array>

#include "runtime/attach/x86_64/displaced.h"

namespace bpftime::attach::x86_64 {

namespace {

// Intel SDM volume 2, appendix A: int3; opcodes that are invalid in 64-bit mode; and those that need privilege. Ascending.
constexpr std::array<std::uint8_t, 31> kTraps = {0x06, 0x07, 0x0e, 0x16, 0x17, 0x1e, 0x1f, 0x27, 0x2f, 0x37, 0x3f,
                                                 0x60, 0x61, 0x6c, 0x6d, 0x6e, 0x6f, 0x82, 0x9a, 0xcc, 0xce, 0xd4,
                                                 0xd6, 0xea, 0xec, 0xed, 0xee, 0xef, 0xf4, 0xfa, 0xfb};
static_assert(std::ranges::is_sorted(kTraps));

std::uint8_t byte_of(std::uint32_t number, unsigned index) { return static_cast<std::uint8_t>(number >> (8 * index)); }

// Bit i: byte i of the displacement stands where an instruction began.
std::uint32_t constrained(std::uint32_t boundaries) { return boundaries >> 1 & 15; }

bool fits(std::uint32_t displacement, std::uint32_t wanted) {
    for (unsigned i = 0; i < 4; ++i)
        if ((wanted >> i & 1) != 0 && !always_traps(byte_of(displacement, i))) return false;
    return true;
}

}  // namespace

bool always_traps(std::uint8_t byte) { return std::ranges::binary_search(kTraps, byte); }

bool is_safe_jump(std::uint64_t from, std::uint64_t to, std::uint32_t boundaries) {
    const auto distance = static_cast<std::int64_t>(to - (from + kJumpSize));
    return distance == static_cast<std::int32_t>(distance) && fits(static_cast<std::uint32_t>(distance), constrained(boundaries));
}

// From the highest byte that does not fit on, the number grows to the next one that has a trap there and zeros below.
std::uint64_t next_safe_target(std::uint64_t from, std::uint64_t at, std::uint64_t end, std::uint32_t boundaries) {
    const std::uint64_t origin = from + kJumpSize;
    const std::uint32_t wanted = constrained(boundaries);
    while (at < end) {
        if (is_safe_jump(from, at, boundaries)) return at;
        const auto displacement = static_cast<std::uint32_t>(at - origin);
        unsigned highest = 4;
        for (unsigned i = 4; i-- > 0;)
            if ((wanted >> i & 1) != 0 && !always_traps(byte_of(displacement, i))) {
                highest = i;
                break;
            }
        if (highest == 4) return 0;  // out of reach
        const std::uint32_t unit = 1u << (8 * highest);
        at += unit - (displacement & (unit - 1));  // the next value of that byte, zeros below it
    }
    return 0;
}

}  // namespace bpftime::attach::x86_64
