#include "vm/core/decode.h"

namespace bpftime {

std::vector<RawInsn> encode(std::span<const Insn> insns) {
    std::vector<RawInsn> code(insns.size());
    for (std::size_t slot = 0; slot < insns.size(); ++slot) {
        const Insn& insn = insns[slot];
        const OpInfo& row = info(insn.op);
        if (row.family == Family::High) {
            code[slot].imm = slot == 0 ? 0 : static_cast<std::int32_t>(insns[slot - 1].imm >> 32);
            if (slot != 0 && insns[slot - 1].op == Op::LddwCodeAddr) code[slot].imm = 0;
            continue;
        }
        auto src = static_cast<unsigned>(insn.src);
        auto off = insn.off;
        auto imm = static_cast<std::int32_t>(insn.imm);
        switch (row.family) {
            case Family::Alu: off = row.selector; break;
            case Family::Endian:
            case Family::Atomic: imm = row.selector; break;
            case Family::Lddw: src = static_cast<unsigned>(row.selector); break;
            case Family::Control:
                src = static_cast<unsigned>(row.selector);
                if (row.shape() == Shape::JumpImm) {
                    imm = insn.off;
                    off = 0;
                }
                break;
            default: break;
        }
        code[slot] = {.opcode = row.opcode,
                      .registers = static_cast<std::uint8_t>(src << 4 | insn.dst),
                      .off = static_cast<std::int16_t>(off),
                      .imm = imm};
    }
    return code;
}

}  // namespace bpftime
