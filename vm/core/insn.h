// The decoded form of a BPF instruction and the table that describes every opcode. Bits and masks stop at decode.cpp;
// verifier, engines and printers see only what stands here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace bpftime {

enum class Op : std::uint8_t {
#define ALU(name, ...) name,
#define ENDIAN(name, ...) name,
#define JUMP(name, ...) name,
#define LOAD(name, ...) name,
#define STORE(name, ...) name,
#define ATOMIC(name, ...) name,
#define LDDW(name, ...) name,
#define PACKET(name, ...) name,
#define CONTROL(name, ...) name,
#include "vm/core/isa.def"
    LddwHigh,  // the second slot of an Lddw*: never a jump target, never executed
};
inline constexpr std::size_t kOpCount = static_cast<std::size_t>(Op::LddwHigh) + 1;

enum class Family : std::uint8_t { Alu, Endian, Jump, Load, Store, Atomic, Lddw, Packet, Control, High };

// Where the second operand comes from: nowhere, the sign-extended immediate, or the register src.
enum class Source : std::uint8_t { None, Imm, Reg };

enum class AluOp : std::uint8_t {
    Add, Sub, Mul, Div, SDiv, Or, And, Lsh, Rsh, Mod, SMod, Xor, Mov, Arsh, Neg, MovSx8, MovSx16, MovSx32, AddrSpaceCast
};
enum class EndianOp : std::uint8_t { ToLe, ToBe, Bswap };
enum class Condition : std::uint8_t { Eq, Gt, Ge, Set, Ne, SGt, SGe, Lt, Le, SLt, SLe };
enum class Extension : std::uint8_t { Zero, Sign };
enum class AtomicOp : std::uint8_t {
    Add, Or, And, Xor, FetchAdd, FetchOr, FetchAnd, FetchXor, Xchg, CmpXchg, LoadAcquire, StoreRelease
};
enum class LddwKind : std::uint8_t { Imm, MapByFd, MapValue, VarAddr, CodeAddr, MapByIdx, MapValueByIdx };
// How a control instruction uses its fields.
enum class Shape : std::uint8_t { JumpOff, JumpImm, CallId, CallIdOff, CallReg, Bare };

// One row of isa.def. `operation` is the family's own enumeration; read it through the typed accessors.
struct OpInfo {
    std::string_view name;   // "Add64Imm"
    std::uint8_t opcode;     // first byte of the encoding
    Family family;
    std::uint8_t width;      // bits: of the operation, the memory access, or the byte swap; 0 where there is none
    Source source;
    std::uint8_t operation;  // AluOp, EndianOp, Condition, Extension, AtomicOp, LddwKind or Shape
    std::int32_t selector;   // the off, src or imm value that tells rows of one opcode apart

    constexpr AluOp alu() const { return static_cast<AluOp>(operation); }
    constexpr EndianOp endian() const { return static_cast<EndianOp>(operation); }
    constexpr Condition condition() const { return static_cast<Condition>(operation); }
    constexpr Extension extension() const { return static_cast<Extension>(operation); }
    constexpr AtomicOp atomic() const { return static_cast<AtomicOp>(operation); }
    constexpr LddwKind lddw() const { return static_cast<LddwKind>(operation); }
    constexpr Shape shape() const { return static_cast<Shape>(operation); }
};

extern const OpInfo kOpTable[kOpCount];
inline const OpInfo& info(Op op) { return kOpTable[static_cast<std::size_t>(op)]; }

inline constexpr int kRegisters = 11;   // r0..r10
inline constexpr int kFramePointer = 10;
inline constexpr int kStackSize = 512;  // bytes of one frame
inline constexpr int kMaxCallDepth = 8; // frames, the entry's included
inline constexpr int kMaxTailCalls = 33;
inline constexpr std::uint32_t kMaxInsns = 1'000'000;
inline constexpr std::uint64_t kMayGotoLimit = 8 * 1024 * 1024;  // iterations of a frame's may_goto before it jumps

// One decoded instruction. A program's instructions are indexed by slot (8 bytes of encoding), so a two-slot lddw is
// followed by an Op::LddwHigh.
struct Insn {
    Op op = Op::Exit;
    std::uint8_t dst = 0;
    std::uint8_t src = 0;
    std::uint8_t unused = 0;
    std::int32_t off = 0;  // memory displacement in bytes; of jumps and local calls the distance in slots from the next one;
                           // of a CallKfunc the index of its BTF
    std::int64_t imm = 0;  // sign-extended immediate; helper id; kfunc BTF id; the 64 bits of an Lddw* (first slot low)

    // Slot a jump or local call at `slot` leads to.
    constexpr std::uint32_t target(std::uint32_t slot) const { return slot + 1 + static_cast<std::uint32_t>(off); }
    // Slot of the subprogram that an LddwCodeAddr at `slot` takes the address of.
    constexpr std::uint32_t code_target(std::uint32_t slot) const { return slot + 1 + static_cast<std::uint32_t>(imm); }
    // Lddw of a map: index into Program::maps, and the byte offset into its first value.
    constexpr std::uint32_t map_index() const { return static_cast<std::uint32_t>(imm); }
    constexpr std::uint32_t map_offset() const { return static_cast<std::uint32_t>(static_cast<std::uint64_t>(imm) >> 32); }

    constexpr bool operator==(const Insn&) const = default;
};
static_assert(sizeof(Insn) == 16);

// True of an instruction after which the next slot is not reached: exit, goto, gotol.
constexpr bool ends_flow(Op op) { return op == Op::Exit || op == Op::Ja || op == Op::Ja32; }
// True of anything with a jump target inside its subprogram (conditional or not; may_goto too; local calls are not).
inline bool is_jump(Op op) {
    return info(op).family == Family::Jump || op == Op::Ja || op == Op::Ja32 || op == Op::MayGoto;
}
constexpr bool is_map_reference(Op op) {
    return op == Op::LddwMapByFd || op == Op::LddwMapValue || op == Op::LddwMapByIdx || op == Op::LddwMapValueByIdx;
}

}  // namespace bpftime
