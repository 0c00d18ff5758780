#include "vm/core/insn.h"

#include "vm/core/encoding.h"

namespace bpftime {

namespace {
constexpr std::uint8_t u8(auto value) { return static_cast<std::uint8_t>(value); }
}  // namespace

const OpInfo kOpTable[kOpCount] = {
#define ALU(name, opcode, off, width, source, op) \
    {#name, opcode, Family::Alu, width, Source::source, u8(AluOp::op), off},
#define ENDIAN(name, opcode, imm, op) {#name, opcode, Family::Endian, imm, Source::None, u8(EndianOp::op), imm},
#define JUMP(name, opcode, width, source, condition) \
    {#name, opcode, Family::Jump, width, Source::source, u8(Condition::condition), 0},
#define LOAD(name, opcode, width, ext) {#name, opcode, Family::Load, width, Source::None, u8(Extension::ext), 0},
#define STORE(name, opcode, width, source) {#name, opcode, Family::Store, width, Source::source, 0, 0},
#define ATOMIC(name, opcode, imm, width, op) {#name, opcode, Family::Atomic, width, Source::Reg, u8(AtomicOp::op), imm},
#define LDDW(name, src, kind) {#name, kLddwOpcode, Family::Lddw, 64, Source::Imm, u8(LddwKind::kind), src},
#define PACKET(name, opcode, width, source) {#name, opcode, Family::Packet, width, Source::source, 0, 0},
#define CONTROL(name, opcode, src, shape) {#name, opcode, Family::Control, 0, Source::None, u8(Shape::shape), src},
#include "vm/core/isa.def"
    {"LddwHigh", 0, Family::High, 0, Source::None, 0, 0},
};

}  // namespace bpftime
