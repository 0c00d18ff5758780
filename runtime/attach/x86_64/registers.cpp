#include "runtime/attach/x86_64/registers.h"

namespace bpftime::attach::x86_64 {

namespace {

using namespace bpftime::x86_64;

constexpr std::int32_t kUserCode = 0x33, kUserData = 0x2b;  // segment selectors of 64-bit Linux processes

struct Saved {
    Reg reg;
    std::size_t offset;
};
constexpr Saved kSaved[] = {
    {rax, offsetof(pt_regs, rax)}, {rcx, offsetof(pt_regs, rcx)}, {rdx, offsetof(pt_regs, rdx)}, {rbx, offsetof(pt_regs, rbx)},
    {rbp, offsetof(pt_regs, rbp)}, {rsi, offsetof(pt_regs, rsi)}, {rdi, offsetof(pt_regs, rdi)}, {r8, offsetof(pt_regs, r8)},
    {r9, offsetof(pt_regs, r9)},   {r10, offsetof(pt_regs, r10)}, {r11, offsetof(pt_regs, r11)}, {r12, offsetof(pt_regs, r12)},
    {r13, offsetof(pt_regs, r13)}, {r14, offsetof(pt_regs, r14)}, {r15, offsetof(pt_regs, r15)},
};

}  // namespace

void save_registers(Assembler& out) {
    for (const Saved& one : kSaved) out.store(64, field(one.offset), one.reg);
    out.store_imm(64, field(offsetof(pt_regs, orig_rax)), -1);  // no system call
    out.store_imm(64, field(offsetof(pt_regs, cs)), kUserCode);
    out.store_imm(64, field(offsetof(pt_regs, ss)), kUserData);
}

void restore_registers(Assembler& out) {
    for (const Saved& one : kSaved) out.load(64, one.reg, field(one.offset));
}

void call_with_registers(Assembler& out, std::uint64_t handler) {
    out.mov(64, rdi, rsp);
    out.mov(64, rbx, rsp);
    out.mov_imm(rax, handler);
    out.and_imm(64, rsp, -16);
    out.call(rax);
    out.mov(64, rsp, rbx);
}

}  // namespace bpftime::attach::x86_64
