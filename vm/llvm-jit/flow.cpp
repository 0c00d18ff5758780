#include "vm/llvm-jit/flow.h"

#include <algorithm>
#include <deque>

#include "vm/core/engine.h"
#include "vm/llvm-jit/helper_shapes.h"

namespace bpftime::lowering {

namespace {

// Blocks that control reaches from the subprogram's first slot, with their edges.
std::vector<Block> find_blocks(const Program& program, const Subprogram& sub) {
    const std::vector<Block> all = basic_blocks(program, sub);
    std::vector<std::uint32_t> renumbered(all.size(), kNoBlock), work{0};
    std::vector<char> reached(all.size(), 0);
    reached[0] = 1;
    while (!work.empty()) {
        const Block& block = all[work.back()];
        work.pop_back();
        for (const std::uint32_t to : successors(block))
            if (!reached[to]) reached[to] = 1, work.push_back(to);
    }
    std::vector<Block> blocks;
    for (std::size_t i = 0; i < all.size(); ++i)
        if (reached[i]) renumbered[i] = static_cast<std::uint32_t>(blocks.size()), blocks.push_back(all[i]);
    for (Block& block : blocks) {
        if (block.taken != kNoBlock) block.taken = renumbered[block.taken];
        if (block.next != kNoBlock) block.next = renumbered[block.next];
    }
    return blocks;
}

void find_predecessors(Flow& flow) {
    flow.predecessors.assign(flow.blocks.size(), {});
    for (std::uint32_t i = 0; i < flow.blocks.size(); ++i)
        for (const std::uint32_t to : successors(flow.blocks[i])) flow.predecessors[to].push_back(i);
}

// Orders the blocks so that each comes after one of its predecessors, and after all of them but for loops.
void find_order(Flow& flow) {
    std::vector<char> reached(flow.blocks.size(), 0);
    std::vector<std::pair<std::uint32_t, std::size_t>> stack{{0, 0}};  // block, successors visited
    reached[0] = 1;
    while (!stack.empty()) {
        auto& [block, visited] = stack.back();
        const auto to = successors(flow.blocks[block]);
        if (visited == to.size()) {
            flow.order.push_back(block);
            stack.pop_back();
        } else if (const std::uint32_t next = to[visited++]; !reached[next]) {
            reached[next] = 1;
            stack.emplace_back(next, 0);
        }
    }
    std::ranges::reverse(flow.order);
}

// Backward data flow to a fixed point; callees' arguments must be known.
void find_live(const Program& program, const ProgramFlow& all, Flow& flow) {
    std::vector<Access> summary(flow.blocks.size());  // reads: before any write in the block
    for (std::size_t i = 0; i < flow.blocks.size(); ++i)
        for (std::uint32_t slot = flow.blocks[i].begin; slot < flow.blocks[i].end; ++slot) {
            const Access access = access_of(program, all, slot);
            summary[i].reads |= access.reads & ~summary[i].writes;
            summary[i].writes |= access.writes;
        }
    flow.live_in.assign(flow.blocks.size(), 0);
    std::deque<std::uint32_t> work;
    std::vector<char> queued(flow.blocks.size(), 1);
    for (std::size_t i = flow.blocks.size(); i-- > 0;) work.push_back(static_cast<std::uint32_t>(i));
    while (!work.empty()) {
        const std::uint32_t i = work.front();
        work.pop_front();
        queued[i] = 0;
        RegSet out = 0;
        for (const std::uint32_t to : successors(flow.blocks[i])) out |= flow.live_in[to];
        const auto in = static_cast<RegSet>(summary[i].reads | (out & ~summary[i].writes));
        if (in == flow.live_in[i]) continue;
        flow.live_in[i] = in;
        for (const std::uint32_t from : flow.predecessors[i])
            if (!queued[from]) queued[from] = 1, work.push_back(from);
    }
    flow.arguments = flow.live_in[0] & kArgumentRegs;
}

// Visits `index` and what it calls, callees first. Calls do not recurse (validate()) and nest few deep.
void visit(const Program& program, ProgramFlow& all, std::uint32_t index) {
    Flow& flow = all.subprograms[index];
    flow.reachable = true;
    flow.blocks = find_blocks(program, program.subprograms[index]);
    for (const Block& block : flow.blocks)
        for (std::uint32_t slot = block.begin; slot < block.end; ++slot) {
            const Insn& insn = program.insns[slot];
            if (insn.op == Op::CallHelper && insn.imm == kTailCallHelper) flow.tail_calls = true;
            if (insn.op != Op::CallLocal && insn.op != Op::LddwCodeAddr) continue;
            const std::uint32_t callee = callee_index(program, slot);
            if (!all.subprograms[callee].reachable) visit(program, all, callee);
            if (insn.op == Op::LddwCodeAddr) all.subprograms[callee].address_taken = true;
            if (insn.op == Op::CallLocal && all.subprograms[callee].tail_calls) flow.tail_calls = true;
        }
    find_predecessors(flow);
    find_order(flow);
    find_live(program, all, flow);
    all.callees_first.push_back(index);
}

RegSet first_arguments(int count) { return static_cast<RegSet>((1u << (count + 1)) - 2); }

Access access_of_call(const Program& program, const ProgramFlow& flow, std::uint32_t slot) {
    const Insn& insn = program.insns[slot];
    switch (insn.op) {
        case Op::Exit: return {.reads = bit(0), .writes = 0};
        case Op::CallHelper:
            return {.reads = first_arguments(helper_shape(static_cast<std::uint32_t>(insn.imm)).arguments),
                    .writes = bit(0)};
        case Op::CallLocal: return {.reads = flow.subprograms[callee_index(program, slot)].arguments, .writes = bit(0)};
        case Op::CallReg: return {.reads = static_cast<RegSet>(kArgumentRegs | bit(insn.dst)), .writes = bit(0)};
        case Op::CallKfunc: return {.reads = kArgumentRegs, .writes = bit(0)};
        default: return {};
    }
}

Access access_of_atomic(const Insn& insn) {
    const RegSet both = bit(insn.dst) | bit(insn.src);
    switch (info(insn.op).atomic()) {
        case AtomicOp::LoadAcquire: return {.reads = bit(insn.src), .writes = bit(insn.dst)};
        case AtomicOp::CmpXchg: return {.reads = static_cast<RegSet>(both | bit(0)), .writes = bit(0)};
        case AtomicOp::FetchAdd:
        case AtomicOp::FetchOr:
        case AtomicOp::FetchAnd:
        case AtomicOp::FetchXor:
        case AtomicOp::Xchg: return {.reads = both, .writes = bit(insn.src)};
        default: return {.reads = both, .writes = 0};
    }
}

}  // namespace

std::uint32_t callee_index(const Program& program, std::uint32_t slot) {
    const Insn& insn = program.insns[slot];
    const auto to = insn.op == Op::CallLocal ? insn.target(slot) : insn.code_target(slot);
    return static_cast<std::uint32_t>(program.subprogram_at(to));
}

Access access_of(const Program& program, const ProgramFlow& flow, std::uint32_t slot) {
    const Insn& insn = program.insns[slot];
    const OpInfo& row = info(insn.op);
    const RegSet dst = bit(insn.dst);
    const RegSet src = row.source == Source::Reg ? bit(insn.src) : 0;
    switch (row.family) {
        case Family::Alu: {
            const bool moves = row.alu() == AluOp::Mov || row.alu() >= AluOp::MovSx8;
            return {.reads = static_cast<RegSet>(src | (moves ? 0 : dst)), .writes = dst};
        }
        case Family::Endian: return {.reads = dst, .writes = dst};
        case Family::Jump: return {.reads = static_cast<RegSet>(dst | src), .writes = 0};
        case Family::Load: return {.reads = bit(insn.src), .writes = dst};
        case Family::Store: return {.reads = static_cast<RegSet>(dst | src), .writes = 0};
        case Family::Atomic: return access_of_atomic(insn);
        case Family::Lddw: return {.reads = 0, .writes = dst};
        case Family::Packet: return {.reads = static_cast<RegSet>(src | bit(6)), .writes = bit(0)};
        case Family::Control: return access_of_call(program, flow, slot);
        case Family::High: return {};
    }
    return {};
}

ProgramFlow analyse_flow(const Program& program) {
    ProgramFlow all;
    all.subprograms.resize(program.subprograms.size());
    visit(program, all, 0);
    return all;
}

}  // namespace bpftime::lowering
