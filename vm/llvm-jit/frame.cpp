// How much of its frame a subprogram can touch, and which bytes it has surely written where.
#include <algorithm>
#include <deque>

#include "vm/llvm-jit/helper_shapes.h"
#include "vm/llvm-jit/types.h"

namespace bpftime::lowering {

namespace {

// The lowest offset from r10 in use, or "unknown" once an address of the frame goes where it cannot be followed.
class Extent {
public:
    explicit Extent(const Program& program, const ProgramFlow& flow) : program_(program), flow_(flow) {}

    bool escapes() const { return unknown_; }
    std::uint32_t bytes() const { return unknown_ ? kStackSize : static_cast<std::uint32_t>((-low_ + 15) / 16 * 16); }

    void look_at(const State& state, std::uint32_t slot, Type defined) {
        const Insn& insn = program_.insns[slot];
        const OpInfo& row = info(insn.op);
        if (row.family == Family::Control) return look_at_control(state, insn, slot);
        if (row.family == Family::Jump) return;
        const RegSet reads = access_of(program_, flow_, slot).reads;
        for (int reg = 0; reg < kRegisters; ++reg) {
            const Type type = state[static_cast<std::size_t>(reg)];
            if (!has(reads, reg) || type.kind != Kind::Frame) continue;
            if (needs_address(insn, reg)) {
                use(type.detail + insn.off);
                const bool also_stored = row.source == Source::Reg && insn.src == insn.dst;
                if (also_stored) unknown_ = true;
            } else if (row.family == Family::Alu && defined.kind == Kind::Frame) {
                use(defined.detail);
            } else {
                unknown_ = true;
            }
        }
    }

    void flows_into(const State& from, const State& to, RegSet live) {
        for (std::size_t reg = 0; reg < kRegisters; ++reg)
            if (has(live, static_cast<int>(reg)) && from[reg].kind == Kind::Frame && !(from[reg] == to[reg]))
                unknown_ = true;
    }

private:
    void use(std::int64_t offset) { low_ = std::min(low_, offset); }

    void look_at_control(const State& state, const Insn& insn, std::uint32_t slot) {
        const bool helper_call = insn.op == Op::CallHelper;
        const HelperShape& shape = helper_shape(helper_call ? static_cast<std::uint32_t>(insn.imm) : 0);
        const RegSet reads = access_of(program_, flow_, slot).reads;
        for (int reg = 0; reg < kRegisters; ++reg) {
            const Type type = state[static_cast<std::size_t>(reg)];
            if (!has(reads, reg) || type.kind != Kind::Frame) continue;
            if (helper_call && has(shape.pointers, reg) && !shape.calls_back)
                use(type.detail);
            else
                unknown_ = true;
        }
    }

    const Program& program_;
    const ProgramFlow& flow_;
    std::int64_t low_ = 0;
    bool unknown_ = false;
};

}  // namespace

void ProgramTypes::measure_frame(std::uint32_t subprogram) {
    const Flow& flow = flow_.subprograms[subprogram];
    SubprogramTypes& types = subprograms_[subprogram];
    Extent extent(program_, flow_);
    for (std::size_t i = 0; i < flow.blocks.size(); ++i) {
        const Block& block = flow.blocks[i];
        State state = types.at_entry[i];
        for (std::uint32_t slot = block.begin; slot < block.end; ++slot) {
            const int reg = defined_register(program_.insns[slot]);
            const Type type = reg >= 0 ? defined(state, slot) : Type{};
            extent.look_at(state, slot, type);
            if (reg >= 0) state[static_cast<std::size_t>(reg)] = type;
        }
        for (const std::uint32_t to : successors(block))
            extent.flows_into(state, types.at_entry[to], flow.live_in[to]);
    }
    types.frame_bytes = std::min<std::uint32_t>(extent.bytes(), kStackSize);
    types.frame_escapes = extent.escapes();
}

FrameBytes frame_bytes(std::int64_t offset, int bytes) {
    FrameBytes result;
    for (std::int64_t at = kStackSize + offset; at < kStackSize + offset + bytes; ++at)
        if (at >= 0 && at < kStackSize) result.set(static_cast<std::size_t>(at));
    return result;
}

void ProgramTypes::mark_written(FrameBytes& written, State& state, const Block& block) const {
    for (std::uint32_t slot = block.begin; slot < block.end; ++slot) {
        const Insn& insn = program_.insns[slot];
        const OpInfo& row = info(insn.op);
        if (const Type dst = state[insn.dst]; row.family == Family::Store && dst.kind == Kind::Frame)
            written |= frame_bytes(std::int64_t{dst.detail} + insn.off, row.width / 8);
        step(state, slot);
    }
}

// Forward data flow to the greatest fixed point; nothing is written at the start.
void ProgramTypes::find_written(std::uint32_t subprogram) {
    const Flow& flow = flow_.subprograms[subprogram];
    SubprogramTypes& types = subprograms_[subprogram];
    types.written.assign(flow.blocks.size(), types.frame_bytes == 0 ? FrameBytes{} : FrameBytes{}.set());
    if (types.frame_bytes == 0) return;
    types.written[0].reset();
    std::deque<std::uint32_t> work(flow.order.begin(), flow.order.end());
    std::vector<char> queued(flow.blocks.size(), 1);
    while (!work.empty()) {
        const std::uint32_t i = work.front();
        work.pop_front();
        queued[i] = 0;
        FrameBytes written = types.written[i];
        State state = types.at_entry[i];
        mark_written(written, state, flow.blocks[i]);
        for (const std::uint32_t to : successors(flow.blocks[i])) {
            const FrameBytes both = types.written[to] & written;
            if (both == types.written[to]) continue;
            types.written[to] = both;
            if (!queued[to]) queued[to] = 1, work.push_back(to);
        }
    }
}

}  // namespace bpftime::lowering
