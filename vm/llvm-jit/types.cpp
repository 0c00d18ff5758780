#include "vm/llvm-jit/types.h"

#include <deque>

#include "vm/llvm-jit/helper_shapes.h"

namespace bpftime::lowering {

namespace {

constexpr Type kZero{Kind::Zero, 0};
constexpr Type kWord{Kind::Word, 0};
constexpr Type kInteger{Kind::Integer, 0};
constexpr Type kPointer{Kind::Pointer, 0};

Type constant(std::uint64_t value) { return value == 0 ? kZero : value <= 0xffffffff ? kWord : kInteger; }

bool fits_word(Type type) { return type.kind == Kind::Zero || type.kind == Kind::Word; }

Type frame(std::int64_t offset) {
    return offset >= -4 * kStackSize && offset <= kStackSize ? Type{Kind::Frame, static_cast<std::int32_t>(offset)}
                                                             : kPointer;
}

// The least type that describes both; `wished` decides between pointers and integers.
Type join(Type a, Type b, bool wished) {
    if (a == b || b.kind == Kind::None) return a;
    if (a.kind == Kind::None) return b;
    if (a.kind == Kind::Zero && b.kind == Kind::Word) return b;
    if (b.kind == Kind::Zero && a.kind == Kind::Word) return a;
    const bool a_fits = a.is_pointer() || a.kind == Kind::Zero;
    const bool b_fits = b.is_pointer() || b.kind == Kind::Zero;
    if (a_fits && b_fits) return kPointer;
    return wished && (a.is_pointer() || b.is_pointer()) ? kPointer : kInteger;
}

}  // namespace

int defined_register(const Insn& insn) {
    const OpInfo& row = info(insn.op);
    switch (row.family) {
        case Family::Alu:
        case Family::Endian:
        case Family::Load:
        case Family::Lddw: return insn.dst;
        case Family::Packet: return 0;
        case Family::Atomic:
            switch (row.atomic()) {
                case AtomicOp::LoadAcquire: return insn.dst;
                case AtomicOp::CmpXchg: return 0;
                case AtomicOp::FetchAdd:
                case AtomicOp::FetchOr:
                case AtomicOp::FetchAnd:
                case AtomicOp::FetchXor:
                case AtomicOp::Xchg: return insn.src;
                default: return -1;
            }
        case Family::Control:
            return row.shape() == Shape::CallId || row.shape() == Shape::CallIdOff || insn.op == Op::CallReg ||
                           insn.op == Op::CallLocal
                       ? 0
                       : -1;
        default: return -1;
    }
}

ProgramTypes::ProgramTypes(const Program& program, const ProgramFlow& flow)
    : program_(program),
      flow_(flow),
      subprograms_(program.subprograms.size()),
      wishes_(program.subprograms.size()),
      wished_(program.insns.size(), 0) {
    // Once without wishes to learn which operand of an addition is the pointer, once with them.
    for (int round = 0; round < 2; ++round) {
        for (const std::uint32_t i : flow.callees_first) {
            subprograms_[i] = {};
            subprograms_[i].at_entry.resize(flow.subprograms[i].blocks.size());
            if (round == 0) wishes_[i].at_entry.resize(flow.subprograms[i].blocks.size());
        }
        for (bool changed = true; changed;) {
            changed = false;
            for (std::size_t i = flow.callees_first.size(); i-- > 0;) changed |= infer(flow.callees_first[i]);
        }
        if (round == 0)
            for (const std::uint32_t i : flow.callees_first) find_wishes(i);
    }
    for (const std::uint32_t i : flow.callees_first) {
        measure_frame(i);
        find_written(i);
        frames_escape_ |= subprograms_[i].frame_escapes;
    }
}

bool ProgramTypes::merge(Type& into, Type from, bool wished) const {
    const Type joined = join(into, from, wished);
    if (joined == into) return false;
    into = joined;
    return true;
}

State ProgramTypes::start_state(std::uint32_t subprogram) const {
    State state;
    state.fill(kZero);
    state[kFramePointer] = frame(0);
    if (subprogram == 0) {
        state[1] = kPointer;
        state[2] = kInteger;
        return state;
    }
    const RegSet wished = wishes_[subprogram].at_entry[0];
    for (int reg = 1; reg <= 5; ++reg) {
        Type type = subprograms_[subprogram].arguments[static_cast<std::size_t>(reg)];
        if (flow_.subprograms[subprogram].address_taken) type = kInteger;
        if (type.kind == Kind::Frame) type = kPointer;  // the caller's frame
        if (type.kind == Kind::Map || type.kind == Kind::Word || type.kind == Kind::Zero) type = kInteger;
        if (type.kind == Kind::Integer && has(wished, reg)) type = kPointer;
        state[static_cast<std::size_t>(reg)] = type;
    }
    return state;
}

// Runs the data flow of one subprogram to its fixed point; true when another subprogram must look again.
bool ProgramTypes::infer(std::uint32_t subprogram) {
    const Flow& flow = flow_.subprograms[subprogram];
    std::vector<State>& at_entry = subprograms_[subprogram].at_entry;
    bool outside = false;
    std::deque<std::uint32_t> work;
    std::vector<char> queued(flow.blocks.size(), 1);
    const State start = start_state(subprogram);
    for (std::size_t reg = 0; reg < kRegisters; ++reg)
        merge(at_entry[0][reg], start[reg], has(wishes_[subprogram].at_entry[0], static_cast<int>(reg)));
    work.assign(flow.order.begin(), flow.order.end());
    std::vector<std::uint32_t> changed;
    while (!work.empty()) {
        const std::uint32_t i = work.front();
        work.pop_front();
        queued[i] = 0;
        changed.clear();
        outside |= infer_block(subprogram, i, changed);
        for (const std::uint32_t to : changed)
            if (!queued[to]) queued[to] = 1, work.push_back(to);
    }
    return outside;
}

bool ProgramTypes::infer_block(std::uint32_t subprogram, std::uint32_t index, std::vector<std::uint32_t>& changed) {
    const Block& block = flow_.subprograms[subprogram].blocks[index];
    State state = subprograms_[subprogram].at_entry[index];
    if (state[kFramePointer].kind == Kind::None) return false;  // not reached yet
    bool outside = false;
    for (std::uint32_t slot = block.begin; slot < block.end; ++slot) {
        const Insn& insn = program_.insns[slot];
        if (insn.op == Op::CallLocal) {
            const std::uint32_t callee = callee_index(program_, slot);
            for (int reg = 1; reg <= 5; ++reg)
                if (has(flow_.subprograms[callee].arguments, reg))
                    outside |= merge(subprograms_[callee].arguments[static_cast<std::size_t>(reg)],
                                     state[static_cast<std::size_t>(reg)], has(wishes_[callee].at_entry[0], reg));
        }
        if (insn.op == Op::Exit) {
            Type result = state[0];
            if (result.kind == Kind::Frame) result = kPointer;
            if (result.kind == Kind::Map || result.kind == Kind::Word) result = kInteger;
            if (flow_.subprograms[subprogram].tail_calls) result = kInteger;
            outside |= merge(subprograms_[subprogram].result, result, false);
        }
        step(state, slot);
    }
    for (const std::uint32_t to : successors(block)) {
        bool news = false;
        State& into = subprograms_[subprogram].at_entry[to];
        const RegSet live = flow_.subprograms[subprogram].live_in[to] | bit(kFramePointer);
        for (std::size_t reg = 0; reg < kRegisters; ++reg)
            if (has(live, static_cast<int>(reg)))
                news |= merge(into[reg], state[reg], has(wishes_[subprogram].at_entry[to], static_cast<int>(reg)));
        if (news) changed.push_back(to);
    }
    return outside;
}

void ProgramTypes::step(State& state, std::uint32_t slot) const {
    const int reg = defined_register(program_.insns[slot]);
    if (reg >= 0) state[static_cast<std::size_t>(reg)] = defined(state, slot);
}

Type ProgramTypes::defined(const State& state, std::uint32_t slot) const {
    const Insn& insn = program_.insns[slot];
    const OpInfo& row = info(insn.op);
    const auto sized = [](int width) { return width < 64 ? kWord : kInteger; };
    Type type = kInteger;
    switch (row.family) {
        case Family::Alu: type = defined_by_alu(state, insn); break;
        case Family::Endian: type = sized(row.width); break;
        case Family::Load: type = row.extension() == Extension::Zero ? sized(row.width) : kInteger; break;
        case Family::Atomic: type = sized(row.width); break;
        case Family::Lddw:
            switch (row.lddw()) {
                case LddwKind::Imm: type = constant(static_cast<std::uint64_t>(insn.imm)); break;
                case LddwKind::MapByFd: type = {Kind::Map, static_cast<std::int32_t>(insn.map_index())}; break;
                case LddwKind::MapByIdx:
                    type = {Kind::Map, static_cast<std::int32_t>(insn.map_index()) | kByIndex};
                    break;
                default: type = kPointer; break;
            }
            break;
        case Family::Control: type = defined_by_call(slot); break;
        default: break;
    }
    return type == kInteger && wished_[slot] ? kPointer : type;
}

Type ProgramTypes::defined_by_call(std::uint32_t slot) const {
    const Insn& insn = program_.insns[slot];
    if (insn.op == Op::CallHelper)
        return helper_shape(static_cast<std::uint32_t>(insn.imm)).returns_pointer ? kPointer : kInteger;
    if (insn.op != Op::CallLocal) return kInteger;
    const std::uint32_t callee = callee_index(program_, slot);
    if (flow_.subprograms[callee].address_taken) return kInteger;
    return subprograms_[callee].result.is_pointer() ? kPointer : kInteger;
}

Type ProgramTypes::defined_by_alu(const State& state, const Insn& insn) const {
    const OpInfo& row = info(insn.op);
    const AluOp op = row.alu();
    const auto imm = static_cast<std::uint64_t>(insn.imm);
    if (row.width == 32) return op == AluOp::Mov && row.source == Source::Imm ? constant(imm & 0xffffffff) : kWord;

    const Type dst = state[insn.dst];
    const Type src = row.source == Source::Reg ? state[insn.src] : constant(imm);
    const std::int64_t by = op == AluOp::Sub ? -insn.imm : insn.imm;
    const bool immediate = row.source == Source::Imm;
    switch (op) {
        case AluOp::Mov: return src;
        case AluOp::Add:
        case AluOp::Sub:
            if (src.kind == Kind::Zero) return dst;
            if (dst.kind == Kind::Zero && op == AluOp::Add) return src;
            if (dst.kind == Kind::Frame && immediate) return frame(dst.detail + by);
            if (dst.is_pointer() && !src.is_pointer()) return kPointer;
            return op == AluOp::Add && src.is_pointer() && !dst.is_pointer() ? kPointer : kInteger;
        case AluOp::And: return fits_word(dst) || fits_word(src) ? kWord : kInteger;
        case AluOp::Or:
        case AluOp::Xor: return fits_word(dst) && fits_word(src) ? kWord : kInteger;
        case AluOp::Rsh: return fits_word(dst) || (immediate && (imm & 63) >= 32) ? kWord : kInteger;
        case AluOp::Div: return fits_word(dst) ? kWord : kInteger;
        case AluOp::Mod: return fits_word(dst) ? kWord : kInteger;
        default: return kInteger;
    }
}

bool needs_address(const Insn& insn, int reg) {
    const OpInfo& row = info(insn.op);
    switch (row.family) {
        case Family::Load: return reg == insn.src;
        case Family::Store: return reg == insn.dst;
        case Family::Atomic: return reg == (row.atomic() == AtomicOp::LoadAcquire ? insn.src : insn.dst);
        default: return false;
    }
}

// Registers wished to be pointers before the instruction, given those after it and the types before it.
RegSet ProgramTypes::wishes_before(const State& state, std::uint32_t slot, RegSet wishes) const {
    const Insn& insn = program_.insns[slot];
    const OpInfo& row = info(insn.op);
    const int reg = defined_register(insn);
    const bool wanted = reg >= 0 && has(wishes, reg);
    if (reg >= 0) wishes &= ~bit(reg);
    if (wanted && row.family == Family::Alu && row.width == 64) {
        const Type dst = state[insn.dst];
        const Type src = row.source == Source::Reg ? state[insn.src] : kWord;
        const bool adds = row.alu() == AluOp::Add || row.alu() == AluOp::Sub;
        if (row.alu() == AluOp::Mov && row.source == Source::Reg) wishes |= bit(insn.src);
        if (adds && !(src.is_pointer() && row.alu() == AluOp::Add && !dst.is_pointer())) wishes |= bit(insn.dst);
        if (row.alu() == AluOp::Add && row.source == Source::Reg && !dst.is_pointer() && src.kind != Kind::Word)
            wishes |= bit(insn.src);
    }
    for (const int address : {insn.dst, insn.src})
        if (needs_address(insn, address)) wishes |= bit(address);
    if (insn.op == Op::CallHelper) wishes |= helper_shape(static_cast<std::uint32_t>(insn.imm)).pointers;
    if (insn.op == Op::CallLocal) {
        const std::uint32_t callee = callee_index(program_, slot);
        wishes |= wishes_[callee].at_entry[0] & flow_.subprograms[callee].arguments;
    }
    return wishes;
}

void ProgramTypes::find_wishes(std::uint32_t subprogram) {
    const Flow& flow = flow_.subprograms[subprogram];
    std::deque<std::uint32_t> work;
    std::vector<char> queued(flow.blocks.size(), 1);
    for (std::size_t i = flow.blocks.size(); i-- > 0;) work.push_back(static_cast<std::uint32_t>(i));
    std::vector<State> states;
    while (!work.empty()) {
        const std::uint32_t i = work.front();
        work.pop_front();
        queued[i] = 0;
        const Block& block = flow.blocks[i];
        states.assign(1, subprograms_[subprogram].at_entry[i]);
        for (std::uint32_t slot = block.begin; slot + 1 < block.end; ++slot) {
            states.push_back(states.back());
            step(states.back(), slot);
        }
        RegSet wishes = 0;
        for (const std::uint32_t to : successors(block)) wishes |= wishes_[subprogram].at_entry[to];
        for (std::uint32_t slot = block.end; slot-- > block.begin;) {
            const int reg = defined_register(program_.insns[slot]);
            wished_[slot] |= reg >= 0 && has(wishes, reg);
            wishes = wishes_before(states[slot - block.begin], slot, wishes);
        }
        if (wishes == wishes_[subprogram].at_entry[i]) continue;
        wishes_[subprogram].at_entry[i] = wishes;
        for (const std::uint32_t from : flow.predecessors[i])
            if (!queued[from]) queued[from] = 1, work.push_back(from);
    }
}

}  // namespace bpftime::lowering
