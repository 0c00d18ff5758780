// The threaded loop: each handler ends in a jump to the next one, through the label that the cell carries.
#include "vm/core/semantics.h"
#include "vm/interpreter/cells.h"

namespace bpftime::interpreter {

namespace {

// What a local call saves and its exit restores.
struct Frame {
    const Cell* back;
    std::uint64_t r6, r7, r8, r9;
    std::uint64_t may_goto;
};

inline std::uint64_t address_of(const void* pointer) { return reinterpret_cast<std::uint64_t>(pointer); }

// Runs, or with `table` set only reports the labels.
std::uint64_t loop(const Image* image, const Cell* pc, const Arguments* args, const void* const** table) {
    static const void* const labels[kHandlerCount] = {
#define ALU(name, ...) &&L_##name,
#define ENDIAN(name, ...) &&L_##name,
#define JUMP(name, ...) &&L_##name,
#define LOAD(name, ...) &&L_##name,
#define STORE(name, ...) &&L_##name,
#define ATOMIC(name, ...) &&L_##name,
#define LDDW(name, ...) &&L_Lddw,
#define PACKET(name, ...) &&L_Refused,
#define CONTROL(name, ...) &&L_##name,
#include "vm/core/isa.def"
        &&L_Refused,  // LddwHigh
        &&L_TailCall, &&L_Refused};
    if (table != nullptr) {
        *table = labels;
        return 0;
    }

    alignas(16) std::uint8_t stack[kMaxCallDepth * kStackSize];
    Frame frames[kMaxCallDepth];
    Frame* frame = frames;
    std::uint64_t may_goto = kMayGotoLimit;
    std::uint64_t r[kRegisters] = {0, (*args)[0], (*args)[1], (*args)[2], (*args)[3], (*args)[4],
                                   0, 0,          0,          0,          address_of(stack + sizeof(stack))};

#define DST r[pc->operands.insn.dst]
#define SRC r[pc->operands.insn.src]
#define OFF static_cast<std::uint64_t>(std::int64_t{pc->operands.insn.off})
#define VALUE_Imm static_cast<std::uint64_t>(std::int64_t{pc->operands.insn.imm})
#define VALUE_Reg SRC
#define VALUE_None 0
#define GO(cells)            \
    do {                     \
        pc += (cells);       \
        goto* pc->handler;   \
    } while (0)

    goto* pc->handler;

#define ALU(name, opcode, selector, width, source, op)                  \
    L_##name:                                                           \
    DST = semantics::alu(AluOp::op, width, DST, VALUE_##source);        \
    GO(1);
#define ENDIAN(name, opcode, width, op)                                 \
    L_##name:                                                           \
    DST = semantics::endian(EndianOp::op, width, DST);                  \
    GO(1);
#define JUMP(name, opcode, width, source, condition)                    \
    L_##name:                                                           \
    if (semantics::holds(Condition::condition, width, DST, VALUE_##source)) GO(1 + pc->operands.insn.off); \
    GO(1);
#define LOAD(name, opcode, width, extension)                            \
    L_##name:                                                           \
    DST = semantics::load(Extension::extension, width, SRC + OFF);      \
    GO(1);
#define STORE(name, opcode, width, source)                              \
    L_##name:                                                           \
    semantics::store(width, DST + OFF, VALUE_##source);                 \
    GO(1);
#define ATOMIC(name, opcode, imm, width, op)                            \
    L_##name:                                                           \
    semantics::atomic(AtomicOp::op, width, (AtomicOp::op == AtomicOp::LoadAcquire ? SRC : DST) + OFF, DST, SRC, r[0]); \
    GO(1);
#include "vm/core/isa.def"

L_Lddw:
    DST = pc[1].operands.constant;
    GO(2);
L_Ja:
L_Ja32:
    GO(1 + pc->operands.insn.imm);
L_MayGoto:
    if (may_goto == 0) GO(1 + pc->operands.insn.imm);
    --may_goto;
    GO(1);
L_CallHelper:
    r[0] = pc->operands.helper(r[1], r[2], r[3], r[4], r[5]);
    GO(1);
L_CallReg: {
    const std::uint64_t id = DST;
    const HelperFn helper = id < kHelperLimit ? image->helpers[id] : nullptr;
    r[0] = helper != nullptr ? helper(r[1], r[2], r[3], r[4], r[5]) : static_cast<std::uint64_t>(-EINVAL);
    GO(1);
}
L_TailCall: {
    const std::uint64_t next = pc->operands.helper(r[1], r[2], r[3], r[4], r[5]);
    r[0] = next;
    if (next == 0) GO(1);
    r[0] = reinterpret_cast<Entry>(next)(reinterpret_cast<void*>((*args)[0]), (*args)[1]);
    goto L_Exit;
}
L_CallLocal:
    *frame++ = {pc + 1, r[6], r[7], r[8], r[9], may_goto};
    may_goto = kMayGotoLimit;
    r[kFramePointer] -= kStackSize;
    GO(1 + pc->operands.insn.imm);
L_Exit:
    if (frame == frames) return r[0];
    --frame;
    r[6] = frame->r6, r[7] = frame->r7, r[8] = frame->r8, r[9] = frame->r9;
    r[kFramePointer] += kStackSize;
    may_goto = frame->may_goto;
    pc = frame->back;
    goto* pc->handler;
L_CallKfunc:  // check_bindings lets none of these through
L_Refused:
    return 0;
}

}  // namespace

std::uint64_t execute(const Image& image, const Cell* pc, const Arguments& args) {
    return loop(&image, pc, &args, nullptr);
}

const void* const* handlers() {
    const void* const* table = nullptr;
    loop(nullptr, nullptr, nullptr, &table);
    return table;
}

}  // namespace bpftime::interpreter
