// The part of the template JIT that no architecture knows about: one pass over the instructions, labels, forward references and
// the checks that keep native code inside its buffer. A Lowering (one class per architecture) turns instructions into code.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "vm/core/engine.h"
#include "vm/ubpf-jit/plan.h"

namespace bpftime::ubpf {

// Native bytes that lead to something not yet placed.
struct Fixup {
    std::uint32_t at = 0;      // position of the field to patch
    std::uint32_t target = 0;  // slot; of Call and Address the first of a subprogram
    std::uint8_t kind = 0;     // the architecture's
    bool subprogram = false;   // to the subprogram's prologue, not to the instruction
};

// Memory that compiling needs, kept from one program to the next.
struct Scratch {
    Plan plan;
    std::vector<Fixup> fixups;
    std::vector<std::uint32_t> entries;  // native position of each subprogram
};

enum Feature : std::uint32_t { kBmi2 = 1 };

struct Job {
    const Program& program;
    const Bindings& bindings;
    Scratch& scratch;
    std::uint8_t* out = nullptr;   // room for plan.capacity + kSlack bytes
    std::uint64_t address = 0;     // where `out` will run; 0: not known, so nothing outside is reached by displacement
    std::uint32_t features = 0;    // beyond the architecture's baseline
};

// One instruction may begin inside `capacity` and end this far behind it before the pass notices.
inline constexpr std::uint32_t kSlack = 256;

// What every Lowering inherits.
class LoweringBase {
public:
    explicit LoweringBase(Job& job)
        : job_(job), insns_(job.program.insns), slots_(job.scratch.plan.slots), plan_(job.scratch.plan) {}

protected:
    const Insn& insn(std::uint32_t slot) const { return insns_[slot]; }
    std::uint32_t slot_of(const Insn& i) const { return static_cast<std::uint32_t>(&i - insns_.data()); }
    // True when the instruction at `slot` runs only after the one before it.
    bool follows(std::uint32_t slot) const { return slot < insns_.size() && (slots_[slot].marks & kTarget) == 0; }
    bool follows(std::uint32_t slot, Op op) const { return follows(slot) && insns_[slot].op == op; }
    // True when nothing from `slot` on reads `reg` before writing it.
    bool dead(std::uint32_t slot, int reg) const { return (slots_[slot].live & bit(reg)) == 0; }
    // Most bytes between the end of the instruction before `slot` and the label at `target`, which lies ahead.
    std::uint32_t distance(std::uint32_t slot, std::uint32_t target, std::uint32_t padding) const {
        return slots_[slot].room - slots_[target].room + (slots_[slot].marks & kLoopHead ? padding : 0);
    }
    void fix_later(std::uint32_t at, std::uint32_t target, int kind, bool subprogram = false) {
        job_.scratch.fixups.push_back({at, target, static_cast<std::uint8_t>(kind), subprogram});
    }
    std::uint32_t resolve(const Fixup& fixup) const {
        if (!fixup.subprogram) return slots_[fixup.target].offset;
        return job_.scratch.entries[job_.program.subprogram_at(fixup.target)];
    }

    // The 64-bit constant an lddw loads, except of LddwCodeAddr.
    std::uint64_t constant(const Insn& i, LddwKind kind) const {
        const auto value = static_cast<std::uint64_t>(i.imm);
        switch (kind) {
            case LddwKind::MapByFd:
            case LddwKind::MapByIdx: return job_.bindings.maps[i.map_index()].handle;
            case LddwKind::MapValue:
            case LddwKind::MapValueByIdx: return job_.bindings.maps[i.map_index()].values + i.map_offset();
            case LddwKind::VarAddr: return job_.bindings.variables[value];
            default: return value;
        }
    }

    Job& job_;
    std::span<const Insn> insns_;
    std::vector<SlotPlan>& slots_;
    const Plan& plan_;
};

// Emits job.program through a Lowering. Returns the number of bytes written.
template <class Lowering>
Result<std::uint32_t> emit(Job& job) {
    Plan& plan = job.scratch.plan;
    job.scratch.fixups.clear();
    job.scratch.entries.clear();
    Lowering lowering(job);
    for (std::size_t i = 0; i < job.program.subprograms.size(); ++i) {
        const Subprogram& range = job.program.subprograms[i];
        job.scratch.entries.push_back(lowering.begin_subprogram(plan.subs[i], range));
        for (std::uint32_t slot = range.begin; slot < range.end;) {
            SlotPlan& here = plan.slots[slot];
            if (here.marks != 0) lowering.label(here.marks);
            here.offset = lowering.position();
            const std::uint32_t next = lowering.lower(slot);
            if (lowering.position() - here.offset > here.room - plan.slots[next].room) [[unlikely]]
                return fail(failure("native code of ", info(job.program.insns[slot].op).name, " is longer than planned").at(slot));
            slot = next;
        }
    }
    BPFTIME_CHECK(lowering.finish());
    return lowering.position();
}

}  // namespace bpftime::ubpf
