// Random instructions that decode() accepts one by one; nothing is promised of what they do together.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "vm/core/insn.h"

namespace bpftime::test {

class RandomInsn {
public:
    explicit RandomInsn(std::uint64_t seed) : random_(seed) {}

    // An instruction of the row `op` with random fields, followed by LddwHigh when it takes two slots.
    std::vector<Insn> make(Op op) {
        const OpInfo& row = info(op);
        Insn insn{.op = op};
        switch (row.family) {
            case Family::Alu:
                insn.dst = reg(10);
                if (row.source == Source::Imm) insn.imm = imm();
                if (row.source == Source::Reg) insn.src = reg(11);
                if (row.alu() == AluOp::AddrSpaceCast) insn.imm = random_() % 2 ? 1 : 0x10000;
                break;
            case Family::Endian: insn.dst = reg(10); break;
            case Family::Jump:
                insn.dst = reg(11), insn.off = off();
                if (row.source == Source::Imm) insn.imm = imm();
                else insn.src = reg(11);
                break;
            case Family::Load: insn.dst = reg(10), insn.src = reg(11), insn.off = off(); break;
            case Family::Store:
                insn.dst = reg(11), insn.off = off();
                if (row.source == Source::Imm) insn.imm = imm();
                else insn.src = reg(11);
                break;
            case Family::Atomic: insn.dst = reg(10), insn.src = reg(10), insn.off = off(); break;
            case Family::Lddw: return {lddw(row, insn), Insn{.op = Op::LddwHigh}};
            case Family::Packet:
                insn.imm = imm();
                if (row.source == Source::Reg) insn.src = reg(11);
                break;
            case Family::Control: control(row, insn); break;
            case Family::High: break;
        }
        return {insn};
    }

    // The same of a random row.
    std::vector<Insn> make() { return make(static_cast<Op>(random_() % (kOpCount - 1))); }

private:
    Insn lddw(const OpInfo& row, Insn insn) {
        insn.dst = reg(10);
        switch (row.lddw()) {
            case LddwKind::MapByFd:
            case LddwKind::MapByIdx: insn.imm = static_cast<std::uint32_t>(imm()); break;
            case LddwKind::CodeAddr: insn.imm = imm(); break;
            default: insn.imm = random_() % 4 == 0 ? imm() : static_cast<std::int64_t>(random_());
        }
        return insn;
    }

    void control(const OpInfo& row, Insn& insn) {
        switch (row.shape()) {
            case Shape::JumpOff: insn.off = off(); break;
            case Shape::JumpImm: insn.off = imm(); break;
            case Shape::CallId: insn.imm = imm() & 0x7fffffff; break;
            case Shape::CallIdOff: insn.imm = imm() & 0x7fffffff, insn.off = off(); break;
            case Shape::CallReg: insn.dst = reg(11); break;
            case Shape::Bare: break;
        }
    }

    std::uint8_t reg(unsigned limit) { return static_cast<std::uint8_t>(random_() % limit); }
    std::int32_t off() {
        static constexpr std::int16_t kEdges[] = {0, 1, -1, 8, -8, INT16_MAX, INT16_MIN};
        return random_() % 2 ? kEdges[random_() % std::size(kEdges)] : static_cast<std::int16_t>(random_());
    }
    std::int32_t imm() {
        static constexpr std::int32_t kEdges[] = {0, 1, -1, 16, 255, INT32_MAX, INT32_MIN};
        return random_() % 2 ? kEdges[random_() % std::size(kEdges)] : static_cast<std::int32_t>(random_());
    }

    std::mt19937_64 random_;
};

}  // namespace bpftime::test
