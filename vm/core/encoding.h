// The 8-byte encoding of RFC 9669, section 3. Little-endian programs only; used by decode.cpp, encode.cpp and tests.
#pragma once

#include <cstdint>

namespace bpftime {

inline constexpr std::uint8_t kLddwOpcode = 0x18;

// An instruction as it stands in memory (the kernel's struct bpf_insn).
struct RawInsn {
    std::uint8_t opcode = 0;
    std::uint8_t registers = 0;  // dst in the low, src in the high four bits
    std::int16_t off = 0;
    std::int32_t imm = 0;

    constexpr std::uint8_t dst() const { return registers & 15; }
    constexpr std::uint8_t src() const { return registers >> 4; }
    constexpr bool operator==(const RawInsn&) const = default;
};
static_assert(sizeof(RawInsn) == 8);

}  // namespace bpftime
