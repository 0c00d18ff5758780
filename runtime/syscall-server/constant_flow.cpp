#include "runtime/syscall-server/constant_flow.h"

#include <array>
#include <cstring>
#include <unordered_map>

#include "vm/core/semantics.h"

namespace bpftime {

namespace {

// What is known of a register: nothing, a number, or an address inside a constant map.
struct Known {
    enum Kind : std::uint8_t { Nothing, Number, Address } kind = Nothing;
    std::uint32_t map = 0;
    std::uint64_t value = 0;  // the number, or the offset into the map

    bool operator==(const Known&) const = default;
};
using State = std::array<Known, kRegisters>;

class Flow {
public:
    Flow(std::span<const Insn> insns, const ConstantMaps& constants)
        : insns_(insns), constants_(constants), reached_(insns.size()), leader_(insns.size()) {}

    std::vector<bool> run() {
        mark_leaders();
        enter(0, State{});
        while (!work_.empty()) {
            const std::uint32_t slot = work_.back();
            work_.pop_back();
            State state = at_leader_[slot];
            walk(slot, state);
        }
        return std::move(reached_);
    }

private:
    bool inside(std::uint32_t slot) const { return slot < insns_.size(); }

    void mark_leaders() {
        for (std::uint32_t slot = 0; slot < insns_.size(); ++slot) {
            const Insn& insn = insns_[slot];
            std::uint32_t target = slot;
            if (is_jump(insn.op) || insn.op == Op::CallLocal) target = insn.target(slot);
            if (insn.op == Op::LddwCodeAddr) target = insn.code_target(slot);
            if (target != slot && inside(target)) leader_[target] = true;
        }
    }

    // Control comes to `slot` with `state`: what differs from an earlier arrival is unknown from now on.
    void enter(std::uint32_t slot, const State& state) {
        if (!inside(slot)) return;
        const auto [found, fresh] = at_leader_.try_emplace(slot, state);
        bool changed = fresh;
        for (int reg = 0; !fresh && reg < kRegisters; ++reg) {
            Known& known = found->second[reg];
            if (known.kind == Known::Nothing || known == state[reg]) continue;
            known = {};
            changed = true;
        }
        if (changed) work_.push_back(slot);
    }

    // Runs on from `slot` to the end of straight-line code.
    void walk(std::uint32_t slot, State& state) {
        for (bool first = true; inside(slot); ++slot, first = false) {
            if (leader_[slot] && !first) return enter(slot, state);
            reached_[slot] = true;
            if (!step(slot, state)) return;
        }
    }

    // One instruction; false when control does not fall through.
    bool step(std::uint32_t slot, State& state) {
        const Insn& insn = insns_[slot];
        const OpInfo& row = info(insn.op);
        switch (row.family) {
            case Family::Alu: state[insn.dst] = arithmetic(insn, row, state); return true;
            case Family::Endian:
                if (state[insn.dst].kind == Known::Number)
                    state[insn.dst].value = semantics::endian(row.endian(), row.width, state[insn.dst].value);
                else
                    state[insn.dst] = {};
                return true;
            case Family::Load: state[insn.dst] = load(insn, row, state[insn.src]); return true;
            case Family::Store:
            case Family::High: return true;
            case Family::Atomic: state[0] = state[insn.dst] = state[insn.src] = {}; return true;
            case Family::Lddw: state[insn.dst] = constant(slot, insn); return true;
            case Family::Packet: clobber(state); return true;
            case Family::Jump: return jump(slot, insn, row, state);
            case Family::Control: return control(slot, insn, state);
        }
        return true;
    }

    static Known arithmetic(const Insn& insn, const OpInfo& row, const State& state) {
        const Known dst = state[insn.dst];
        const Known src =
            row.source == Source::Reg ? state[insn.src] : Known{Known::Number, 0, static_cast<std::uint64_t>(insn.imm)};
        if (row.alu() == AluOp::Mov && row.width == 64) return src;
        const bool needs_dst = row.alu() != AluOp::Mov && row.alu() != AluOp::MovSx8 && row.alu() != AluOp::MovSx16 &&
                               row.alu() != AluOp::MovSx32;
        if (dst.kind == Known::Address && src.kind == Known::Number && row.width == 64 &&
            (row.alu() == AluOp::Add || row.alu() == AluOp::Sub))
            return {Known::Address, dst.map, semantics::alu(row.alu(), 64, dst.value, src.value)};
        const bool known = src.kind == Known::Number && (!needs_dst || dst.kind == Known::Number);
        if (!known || row.alu() == AluOp::AddrSpaceCast) return {};
        return {Known::Number, 0, semantics::alu(row.alu(), row.width, dst.value, src.value)};
    }

    Known load(const Insn& insn, const OpInfo& row, const Known& base) const {
        if (base.kind != Known::Address) return {};
        const ByteView bytes = constants_(base.map);
        const std::uint64_t offset = base.value + static_cast<std::uint64_t>(static_cast<std::int64_t>(insn.off));
        const std::size_t size = row.width / 8;
        if (offset > bytes.size() || bytes.size() - offset < size) return {};
        std::uint64_t value = 0;
        std::memcpy(&value, bytes.data() + offset, size);
        return {Known::Number, 0, semantics::extend(row.extension(), row.width, value)};
    }

    Known constant(std::uint32_t slot, const Insn& insn) {
        switch (insn.op) {
            case Op::LddwImm: return {Known::Number, 0, static_cast<std::uint64_t>(insn.imm)};
            case Op::LddwMapValue:
            case Op::LddwMapValueByIdx:
                if (constants_(insn.map_index()).empty()) return {};
                return {Known::Address, insn.map_index(), insn.map_offset()};
            case Op::LddwCodeAddr: enter(insn.code_target(slot), State{}); return {};
            default: return {};
        }
    }

    static void clobber(State& state) {
        for (int reg = 0; reg <= 5; ++reg) state[reg] = {};
    }

    bool jump(std::uint32_t slot, const Insn& insn, const OpInfo& row, State& state) {
        const Known dst = state[insn.dst];
        const Known src =
            row.source == Source::Reg ? state[insn.src] : Known{Known::Number, 0, static_cast<std::uint64_t>(insn.imm)};
        if (dst.kind == Known::Number && src.kind == Known::Number) {
            if (!semantics::holds(row.condition(), row.width, dst.value, src.value)) return true;
            enter(insn.target(slot), state);
            return false;
        }
        State taken = state;
        if (row.width == 64 && src.kind == Known::Number) {
            if (row.condition() == Condition::Eq) taken[insn.dst] = src;
            if (row.condition() == Condition::Ne) state[insn.dst] = src;
        }
        enter(insn.target(slot), taken);
        return true;
    }

    bool control(std::uint32_t slot, const Insn& insn, State& state) {
        switch (insn.op) {
            case Op::Exit: return false;
            case Op::Ja:
            case Op::Ja32: enter(insn.target(slot), state); return false;
            case Op::MayGoto: enter(insn.target(slot), state); return true;
            case Op::CallLocal: enter(insn.target(slot), State{}); break;
            default: break;
        }
        clobber(state);
        return true;
    }

    std::span<const Insn> insns_;
    const ConstantMaps& constants_;
    std::vector<bool> reached_, leader_;
    std::unordered_map<std::uint32_t, State> at_leader_;
    std::vector<std::uint32_t> work_;
};

}  // namespace

std::vector<bool> reachable_slots(std::span<const Insn> insns, const ConstantMaps& constants) {
    return Flow(insns, constants).run();
}

Status remove_unreached(std::vector<Insn>& insns, std::span<const AbsentReference> absent,
                        const ConstantMaps& constants) {
    if (absent.empty()) return {};
    const std::vector<bool> reached = reachable_slots(insns, constants);
    for (const AbsentReference& reference : absent) {
        if (reference.slot >= insns.size()) continue;
        if (reached[reference.slot]) return fail(failure(reference.reason).at(reference.slot).with_errno(EACCES));
        Insn& insn = insns[reference.slot];
        insn = info(insn.op).family == Family::Lddw ? Insn{.op = Op::LddwImm, .dst = insn.dst} : Insn{.op = Op::Ja};
    }
    return {};
}

}  // namespace bpftime
