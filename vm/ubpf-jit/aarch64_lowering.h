// BPF on AArch64, AAPCS64. Arguments lie where a helper expects them; results are moved once:
//   r0 x5   r1 x0   r2 x1   r3 x2   r4 x3   r5 x4   r6 x19   r7 x20   r8 x21   r9 x22   r10 x29
// x9 to x12 and x16 are temporaries; x23 points to the saved ctx and size in programs with tail calls.
#pragma once

#include <array>
#include <cstdint>

#include "vm/ubpf-jit/aarch64_assembler.h"
#include "vm/ubpf-jit/emission.h"

namespace bpftime::ubpf::aarch64 {

using namespace bpftime::aarch64;

class Lowering : public LoweringBase {
public:
    static const CostModel& cost_model();

    explicit Lowering(Job& job) : LoweringBase(job), a_(job.out) {}

    std::uint32_t position() const { return a_.position(); }
    std::uint32_t begin_subprogram(const SubPlan& sub, const Subprogram& range);
    void label(std::uint8_t) {}
    // Emits the instruction at `slot`, and those after it that it is fused with; returns the slot to go on with.
    std::uint32_t lower(std::uint32_t slot);
    Status finish();

private:
    static constexpr std::array<Reg, kRegisters> kRegs = {x5, x0, x1, x2, x3, x4, x19, x20, x21, x22, x29};
    static Reg reg(int bpf) { return kRegs[static_cast<std::size_t>(bpf)]; }

    // What a conditional branch tests: flags, or whether a register is zero.
    struct Test {
        Cond cond = Cond::EQ;
        bool is_register = false;
        int w = 64;
        Reg r = x0;
    };

    // Frame and control flow (aarch64_control.cpp).
    void prologue(RegMask zeroed);
    void epilogue();
    void save_registers(bool restore);
    std::uint32_t control(std::uint32_t slot, const Insn& i, Shape shape);
    Test compare(const Insn& i, const OpInfo& row);
    Test compare_imm(const Insn& i, Condition condition, Cond cond, int w);
    void branch(const Test& test, std::uint32_t slot, std::uint32_t target);
    void branch_here(const Test& test, std::int64_t offset);
    void go(std::uint32_t slot, std::uint32_t target);
    void may_goto(std::uint32_t slot, std::uint32_t target);
    void call_helper(std::uint32_t id);
    void call_reg(int number);
    void tail_call();
    void lddw(const Insn& i, std::uint32_t slot, LddwKind kind);
    void address_of(Reg d, std::uint32_t target, bool table);
    Status patch(const Fixup& fixup, std::uint32_t target);

    // Arithmetic (aarch64_alu.cpp): d = n op operand.
    std::uint32_t alu(std::uint32_t slot, const Insn& i, const OpInfo& row);
    bool fold_extension(std::uint32_t& slot, const Insn& i);
    bool fold_move(std::uint32_t& slot, const Insn& i, int w);
    void alu_imm(AluOp op, int w, Reg d, Reg n, std::int64_t imm);
    void alu_reg(AluOp op, int w, Reg d, Reg n, Reg m);
    void add_imm(int w, Reg d, Reg n, std::int64_t imm);
    void divide_imm(AluOp op, int w, Reg d, Reg n, std::int64_t imm);
    void shift_imm(AluOp op, int w, Reg d, Reg n, int count);
    void truncate(int w, Reg d, Reg n);
    void endian(Reg d, EndianOp op, int w);

    // Memory (aarch64_memory.cpp).
    struct Place {
        Reg base;
        std::int32_t off;
        bool indexed;  // by x9 instead of `off`
    };
    Place place(int bpf, std::int32_t off, int bits);
    void load(const Insn& i, const OpInfo& row);
    void store(const Insn& i, const OpInfo& row);
    void atomic(const Insn& i, AtomicOp op, int w);
    void fetch_loop(AtomicOp op, int w, Reg address, Reg s);
    void compare_exchange(int w, Reg address, Reg s);
    Reg address_with_offset(int bpf, std::int32_t off);

    Assembler a_;

    // The current subprogram.
    const SubPlan* sub_ = nullptr;
    RegMask saved_ = 0;       // r6..r9 to restore
    bool saves_x23_ = false;
    bool record_ = false;     // pushes x29 and x30
    int frame_ = 0;           // bytes below the frame record
    int save_offset_ = 0;     // of the saved registers from sp
    int counter_offset_ = 0;  // of may_goto's counter from sp
};

}  // namespace bpftime::ubpf::aarch64
