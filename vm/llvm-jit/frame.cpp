// How much of its frame a subprogram can touch.
#include <algorithm>

#include "vm/llvm-jit/helper_shapes.h"
#include "vm/llvm-jit/types.h"

namespace bpftime::lowering {

namespace {

// The lowest offset from r10 in use, or "unknown" once an address of the frame goes where it cannot be followed.
class Extent {
public:
    explicit Extent(const Program& program, const ProgramFlow& flow) : program_(program), flow_(flow) {}

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
            extent.flows_into(state, types.at_entry[to], flow.blocks[to].live_in);
    }
    types.frame_bytes = std::min<std::uint32_t>(extent.bytes(), kStackSize);
}

}  // namespace bpftime::lowering
