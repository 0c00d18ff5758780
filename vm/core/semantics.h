// What every instruction computes, as named functions: arithmetic, byte order, conditions, sign extension, memory and atomics.
// The rules are those of RFC 9669, section 4 (arithmetic) and 5 (memory), with Linux's load-acquire and store-release.
// A width is in bits. 32-bit results are zero-extended to 64 bits; values shorter than a register keep their low bits.
#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

#include "vm/core/insn.h"

namespace bpftime::semantics {

static_assert(std::endian::native == std::endian::little, "programs are little-endian and share memory with their host");

// ---- Arithmetic on words of 32 or 64 bits -------------------------------------------------------------------------------

template <class W>
using Signed = std::make_signed_t<W>;
template <class W>
inline constexpr W kShiftMask = sizeof(W) * 8 - 1;

template <class W>
constexpr W add(W a, W b) { return a + b; }
template <class W>
constexpr W sub(W a, W b) { return a - b; }
template <class W>
constexpr W mul(W a, W b) { return a * b; }
// Division by zero gives zero, the remainder of it the dividend.
template <class W>
constexpr W div(W a, W b) { return b == 0 ? 0 : a / b; }
template <class W>
constexpr W mod(W a, W b) { return b == 0 ? a : a % b; }
// Signed division truncates towards zero. The smallest number divided by -1 wraps to itself, with remainder 0.
template <class W>
constexpr W sdiv(W a, W b) {
    if (b == 0) return 0;
    if (b == W(-1)) return W(0) - a;
    return static_cast<W>(static_cast<Signed<W>>(a) / static_cast<Signed<W>>(b));
}
template <class W>
constexpr W smod(W a, W b) {
    if (b == 0) return a;
    if (b == W(-1)) return 0;
    return static_cast<W>(static_cast<Signed<W>>(a) % static_cast<Signed<W>>(b));
}
// Shift counts are masked to the width.
template <class W>
constexpr W lsh(W a, W b) { return a << (b & kShiftMask<W>); }
template <class W>
constexpr W rsh(W a, W b) { return a >> (b & kShiftMask<W>); }
template <class W>
constexpr W arsh(W a, W b) { return static_cast<W>(static_cast<Signed<W>>(a) >> (b & kShiftMask<W>)); }
template <class W>
constexpr W neg(W a) { return W(0) - a; }

// The low bits of `value` as a signed number, in a word.
template <class Narrow, class W>
constexpr W sign_extend(W value) {
    return static_cast<W>(static_cast<Signed<W>>(static_cast<Signed<Narrow>>(static_cast<Narrow>(value))));
}

template <class W>
[[gnu::always_inline]] constexpr W alu(AluOp op, W dst, W src) {
    switch (op) {
        case AluOp::Add: return add(dst, src);
        case AluOp::Sub: return sub(dst, src);
        case AluOp::Mul: return mul(dst, src);
        case AluOp::Div: return div(dst, src);
        case AluOp::SDiv: return sdiv(dst, src);
        case AluOp::Or: return dst | src;
        case AluOp::And: return dst & src;
        case AluOp::Lsh: return lsh(dst, src);
        case AluOp::Rsh: return rsh(dst, src);
        case AluOp::Mod: return mod(dst, src);
        case AluOp::SMod: return smod(dst, src);
        case AluOp::Xor: return dst ^ src;
        case AluOp::Mov: return src;
        case AluOp::Arsh: return arsh(dst, src);
        case AluOp::Neg: return neg(dst);
        case AluOp::MovSx8: return sign_extend<std::uint8_t>(src);
        case AluOp::MovSx16: return sign_extend<std::uint16_t>(src);
        case AluOp::MovSx32: return sign_extend<std::uint32_t>(src);
        case AluOp::AddrSpaceCast: return src;  // arenas are not offered: check_bindings refuses it
    }
    return 0;
}

// The value of dst after `dst op= src`. `src` is the register or the sign-extended immediate.
[[gnu::always_inline]] constexpr std::uint64_t alu(AluOp op, int width, std::uint64_t dst, std::uint64_t src) {
    if (width == 64) return alu<std::uint64_t>(op, dst, src);
    return alu<std::uint32_t>(op, static_cast<std::uint32_t>(dst), static_cast<std::uint32_t>(src));
}

// ---- Byte order ---------------------------------------------------------------------------------------------------------

// The low `width` bits of `value`, zero-extended.
[[gnu::always_inline]] constexpr std::uint64_t truncate(int width, std::uint64_t value) {
    return width == 64 ? value : value & ((std::uint64_t{1} << width) - 1);
}

// The low `width` bits with their bytes reversed, zero-extended.
[[gnu::always_inline]] constexpr std::uint64_t swap_bytes(int width, std::uint64_t value) {
    return __builtin_bswap64(value) >> (64 - width);
}

// The value of dst after a conversion to little or big endian, or an unconditional swap.
[[gnu::always_inline]] constexpr std::uint64_t endian(EndianOp op, int width, std::uint64_t value) {
    return op == EndianOp::ToLe ? truncate(width, value) : swap_bytes(width, value);
}

// ---- Conditions ---------------------------------------------------------------------------------------------------------

template <class W>
[[gnu::always_inline]] constexpr bool holds(Condition condition, W a, W b) {
    const auto sa = static_cast<Signed<W>>(a), sb = static_cast<Signed<W>>(b);
    switch (condition) {
        case Condition::Eq: return a == b;
        case Condition::Gt: return a > b;
        case Condition::Ge: return a >= b;
        case Condition::Set: return (a & b) != 0;
        case Condition::Ne: return a != b;
        case Condition::SGt: return sa > sb;
        case Condition::SGe: return sa >= sb;
        case Condition::Lt: return a < b;
        case Condition::Le: return a <= b;
        case Condition::SLt: return sa < sb;
        case Condition::SLe: return sa <= sb;
    }
    return false;
}

// Whether a jump on `dst condition src` is taken; 32-bit jumps compare the low halves.
[[gnu::always_inline]] constexpr bool holds(Condition condition, int width, std::uint64_t dst, std::uint64_t src) {
    if (width == 64) return holds<std::uint64_t>(condition, dst, src);
    return holds<std::uint32_t>(condition, static_cast<std::uint32_t>(dst), static_cast<std::uint32_t>(src));
}

// ---- Memory -------------------------------------------------------------------------------------------------------------

// A register from the low `width` bits of what was read.
[[gnu::always_inline]] constexpr std::uint64_t extend(Extension extension, int width, std::uint64_t value) {
    const auto low = truncate(width, value);
    if (extension == Extension::Zero || width == 64) return low;
    const std::uint64_t sign = std::uint64_t{1} << (width - 1);
    return (low ^ sign) - sign;
}

// Words at any address, of any declared type.
template <class W>
struct [[gnu::packed, gnu::may_alias]] Unaligned {
    W value;
};
template <class W>
[[gnu::always_inline]] inline W read(std::uint64_t address) {
    return reinterpret_cast<const Unaligned<W>*>(address)->value;
}
template <class W>
[[gnu::always_inline]] inline void write(std::uint64_t address, std::uint64_t value) {
    reinterpret_cast<Unaligned<W>*>(address)->value = static_cast<W>(value);
}

[[gnu::always_inline]] inline std::uint64_t load(Extension extension, int width, std::uint64_t address) {
    switch (width) {
        case 8: return extend(extension, 8, read<std::uint8_t>(address));
        case 16: return extend(extension, 16, read<std::uint16_t>(address));
        case 32: return extend(extension, 32, read<std::uint32_t>(address));
        default: return read<std::uint64_t>(address);
    }
}

[[gnu::always_inline]] inline void store(int width, std::uint64_t address, std::uint64_t value) {
    switch (width) {
        case 8: return write<std::uint8_t>(address, value);
        case 16: return write<std::uint16_t>(address, value);
        case 32: return write<std::uint32_t>(address, value);
        default: return write<std::uint64_t>(address, value);
    }
}

// ---- Atomics ------------------------------------------------------------------------------------------------------------

// Registers that an atomic instruction changes beside memory: src with Fetch and Xchg, r0 with CmpXchg, dst with LoadAcquire.
template <class W>
[[gnu::always_inline]] inline void atomic(AtomicOp op, std::uint64_t address, std::uint64_t& dst, std::uint64_t& src,
                                          std::uint64_t& r0) {
    typedef W Word [[gnu::may_alias]];
    auto* const word = reinterpret_cast<Word*>(address);
    const W operand = static_cast<W>(src);
    switch (op) {
        case AtomicOp::Add: __atomic_fetch_add(word, operand, __ATOMIC_RELAXED); return;
        case AtomicOp::Or: __atomic_fetch_or(word, operand, __ATOMIC_RELAXED); return;
        case AtomicOp::And: __atomic_fetch_and(word, operand, __ATOMIC_RELAXED); return;
        case AtomicOp::Xor: __atomic_fetch_xor(word, operand, __ATOMIC_RELAXED); return;
        case AtomicOp::FetchAdd: src = __atomic_fetch_add(word, operand, __ATOMIC_SEQ_CST); return;
        case AtomicOp::FetchOr: src = __atomic_fetch_or(word, operand, __ATOMIC_SEQ_CST); return;
        case AtomicOp::FetchAnd: src = __atomic_fetch_and(word, operand, __ATOMIC_SEQ_CST); return;
        case AtomicOp::FetchXor: src = __atomic_fetch_xor(word, operand, __ATOMIC_SEQ_CST); return;
        case AtomicOp::Xchg: src = __atomic_exchange_n(word, operand, __ATOMIC_SEQ_CST); return;
        case AtomicOp::CmpXchg: {
            W expected = static_cast<W>(r0);
            __atomic_compare_exchange_n(word, &expected, operand, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
            r0 = expected;
            return;
        }
        // These two address through src and dst, like loads and stores.
        case AtomicOp::LoadAcquire: dst = __atomic_load_n(word, __ATOMIC_ACQUIRE); return;
        case AtomicOp::StoreRelease: __atomic_store_n(word, operand, __ATOMIC_RELEASE); return;
    }
}

[[gnu::always_inline]] inline void atomic(AtomicOp op, int width, std::uint64_t address, std::uint64_t& dst,
                                          std::uint64_t& src, std::uint64_t& r0) {
    switch (width) {
        case 8: return atomic<std::uint8_t>(op, address, dst, src, r0);
        case 16: return atomic<std::uint16_t>(op, address, dst, src, r0);
        case 32: return atomic<std::uint32_t>(op, address, dst, src, r0);
        default: return atomic<std::uint64_t>(op, address, dst, src, r0);
    }
}

}  // namespace bpftime::semantics
