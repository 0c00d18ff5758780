// The checked mode: one instruction at a time from the decoded program, every access bounded.
#include <algorithm>
#include <optional>
#include <unordered_map>

#include "vm/core/semantics.h"
#include "vm/interpreter/callbacks.h"
#include "vm/interpreter/helper_checks.h"
#include "vm/interpreter/interpreter.h"
#include "vm/interpreter/memory_map.h"

namespace bpftime {

namespace {

using interpreter::Access;
using interpreter::CallbackSlot;
using interpreter::HelperChecks;
using interpreter::MemoryMap;
using Arguments = std::array<std::uint64_t, 5>;

// Bytes between two stack frames, so that stepping out of one does not land in the next.
constexpr std::uint64_t kGap = 1024;

class CheckedRun {
public:
    CheckedRun(const Program& program, const Bindings& bindings, void* ctx, std::uint64_t size, const CheckedLimits& limits)
        : program_(program), bindings_(bindings), limits_(limits), ctx_(ctx), size_(size), helpers_(bindings, memory_),
          stack_(kMaxCallDepth * (kStackSize + kGap)) {
        memory_.push({reinterpret_cast<std::uint64_t>(ctx), size, true, "the context"});
        for (const MapBinding& map : bindings.maps) memory_.push(interpreter::values_of(map));
        for (const MemoryRegion& region : limits.regions)
            memory_.push({region.address, region.size, region.writable, "a given region"});
    }

    Result<std::uint64_t> run() { return run_from(0, {reinterpret_cast<std::uint64_t>(ctx_), size_, 0, 0, 0}); }

private:
    struct Frame {
        std::uint32_t back = 0;  // slot to return to
        std::array<std::uint64_t, 4> saved{};
        std::uint64_t may_goto = 0;
    };

    // State of one run or callback; callbacks run inside a helper, on top of the frames of their caller.
    struct Machine {
        std::array<std::uint64_t, kRegisters> r{};
        std::vector<Frame> frames;  // of local calls
        std::uint64_t may_goto = kMayGotoLimit;
        std::uint32_t slot = 0;
        bool done = false;
    };

    Result<std::uint64_t> run_from(std::uint32_t slot, const Arguments& args) {
        Machine machine;
        std::ranges::copy(args, machine.r.begin() + 1);
        machine.slot = slot;
        const int depth = depth_;
        auto status = enter(machine);
        while (status && !machine.done) status = step(machine);
        while (depth_ > depth) leave();
        if (status) return machine.r[0];
        Error error = std::move(status).error();
        if (error.insn < 0) error.insn = machine.slot;
        error.program = program_.name;
        return fail(std::move(error));
    }

    Status enter(Machine& machine) {
        if (depth_ == kMaxCallDepth)
            return fail(failure("calls nest more than ", kMaxCallDepth, " frames deep").with_errno(E2BIG));
        const std::uint64_t base = reinterpret_cast<std::uint64_t>(stack_.data()) +
                                   (kMaxCallDepth - 1 - static_cast<std::uint64_t>(depth_)) * (kStackSize + kGap) + kGap;
        memory_.push({base, kStackSize, true, cat("stack frame ", depth_)});
        machine.r[kFramePointer] = base + kStackSize;
        machine.may_goto = kMayGotoLimit;
        ++depth_;
        return {};
    }

    void leave() {
        memory_.pop();
        --depth_;
    }

    Status step(Machine& m) {
        if (limits_.max_insns != 0 && steps_ == limits_.max_insns)
            return fail(failure("stopped after ", steps_, " instructions").with_errno(ETIMEDOUT));
        ++steps_;
        const Insn& insn = program_.insns[m.slot];
        const OpInfo& op = info(insn.op);
        auto& dst = m.r[insn.dst];
        auto& src = m.r[insn.src];
        const std::uint64_t value = op.source == Source::Reg ? src : static_cast<std::uint64_t>(insn.imm);
        const auto off = static_cast<std::uint64_t>(std::int64_t{insn.off});
        switch (op.family) {
            case Family::Alu: dst = semantics::alu(op.alu(), op.width, dst, value); break;
            case Family::Endian: dst = semantics::endian(op.endian(), op.width, dst); break;
            case Family::Jump:
                if (semantics::holds(op.condition(), op.width, dst, value)) return jump(m, insn.target(m.slot));
                break;
            case Family::Load:
                BPFTIME_CHECK(memory_.check(Access::Read, src + off, op.width / 8u, "load"));
                dst = semantics::load(op.extension(), op.width, src + off);
                break;
            case Family::Store:
                BPFTIME_CHECK(memory_.check(Access::Write, dst + off, op.width / 8u, "store"));
                semantics::store(op.width, dst + off, value);
                break;
            case Family::Atomic: BPFTIME_CHECK(atomic(m, insn, op)); break;
            case Family::Lddw:
                dst = BPFTIME_TRY(constant(insn, m.slot));
                return jump(m, m.slot + 2);
            case Family::Packet:
            case Family::High: return fail(failure(op.name, " cannot run"));
            case Family::Control: return control(m, insn);
        }
        return jump(m, m.slot + 1);
    }

    static Status jump(Machine& m, std::uint32_t slot) {
        m.slot = slot;
        return {};
    }

    Status atomic(Machine& m, const Insn& insn, const OpInfo& op) const {
        const bool reads = op.atomic() == AtomicOp::LoadAcquire;
        const std::uint64_t address = m.r[reads ? insn.src : insn.dst] + static_cast<std::uint64_t>(std::int64_t{insn.off});
        const std::string_view what = reads ? "load-acquire" : op.atomic() == AtomicOp::StoreRelease ? "store-release" : "atomic update";
        BPFTIME_CHECK(memory_.check(reads ? Access::Read : Access::Write, address, op.width / 8u, what));
        semantics::atomic(op.atomic(), op.width, address, m.r[insn.dst], m.r[insn.src], m.r[0]);
        return {};
    }

    Status control(Machine& m, const Insn& insn) {
        switch (insn.op) {
            case Op::MayGoto:
                if (m.may_goto != 0) {
                    --m.may_goto;
                    return jump(m, m.slot + 1);
                }
                return jump(m, insn.target(m.slot));
            case Op::CallHelper: return call_helper(m, static_cast<std::uint64_t>(insn.imm));
            case Op::CallReg: return call_helper(m, m.r[insn.dst]);
            case Op::CallLocal:
                m.frames.push_back({m.slot + 1, {m.r[6], m.r[7], m.r[8], m.r[9]}, m.may_goto});
                BPFTIME_CHECK(enter(m));
                return jump(m, insn.target(m.slot));
            case Op::Exit: return exit(m);
            default: return jump(m, insn.target(m.slot));
        }
    }

    Status exit(Machine& m) {
        if (m.frames.empty()) {
            m.done = true;
            return {};
        }
        const Frame& frame = m.frames.back();
        leave();
        std::ranges::copy(frame.saved, m.r.begin() + 6);
        m.r[kFramePointer] += kStackSize + kGap;
        m.may_goto = frame.may_goto;
        m.slot = frame.back;
        m.frames.pop_back();
        return {};
    }

    Status call_helper(Machine& m, std::uint64_t id) {
        const HelperFn function = id < kHelperLimit ? bindings_.helpers[id] : nullptr;
        if (function == nullptr) return fail(failure("helper ", id, ", called by its number in a register, is not offered"));
        const HelperInfo& row = *helper(static_cast<std::uint32_t>(id));
        const Arguments args{m.r[1], m.r[2], m.r[3], m.r[4], m.r[5]};
        BPFTIME_CHECK(helpers_.before(row, args));
        m.r[0] = function(args[0], args[1], args[2], args[3], args[4]);
        if (callback_error_) return fail(*std::move(callback_error_));
        if (id == kTailCallHelper && m.r[0] != 0) {
            m.r[0] = reinterpret_cast<Entry>(m.r[0])(ctx_, size_);
            return exit(m);
        }
        helpers_.after(row, args, m.r[0]);
        return jump(m, m.slot + 1);
    }

    // The 64 bits that an lddw at `slot` loads in this process.
    Result<std::uint64_t> constant(const Insn& insn, std::uint32_t slot) {
        switch (info(insn.op).lddw()) {
            case LddwKind::Imm: break;
            case LddwKind::MapByFd:
            case LddwKind::MapByIdx: return bindings_.maps[insn.map_index()].handle;
            case LddwKind::MapValue:
            case LddwKind::MapValueByIdx: return bindings_.maps[insn.map_index()].values + insn.map_offset();
            case LddwKind::VarAddr: return bindings_.variables[static_cast<std::size_t>(insn.imm)];
            case LddwKind::CodeAddr: return code_address(insn.code_target(slot));
        }
        return static_cast<std::uint64_t>(insn.imm);
    }

    Result<std::uint64_t> code_address(std::uint32_t target) {
        auto known = callbacks_.find(target);
        if (known == callbacks_.end())
            known = callbacks_.emplace(target, BPFTIME_TRY(CallbackSlot::claim({call_back, this, target}))).first;
        return reinterpret_cast<std::uint64_t>(known->second.function());
    }

    // Runs a subprogram for a helper. An error is kept for the helper's caller, and the helper told to stop (1).
    static std::uint64_t call_back(const void* owner, std::uint32_t slot, const Arguments& args) {
        auto& self = *const_cast<CheckedRun*>(static_cast<const CheckedRun*>(owner));
        if (self.callback_error_) return 1;
        auto result = self.run_from(slot, args);
        if (result) return *result;
        self.callback_error_ = std::move(result).error();
        return 1;
    }

    const Program& program_;
    const Bindings& bindings_;
    const CheckedLimits& limits_;
    void* ctx_;
    std::uint64_t size_;
    MemoryMap memory_;
    HelperChecks helpers_;
    std::vector<std::uint8_t> stack_;  // zeroed, so that runs are reproducible
    int depth_ = 0;                    // live frames
    std::uint64_t steps_ = 0;
    std::unordered_map<std::uint32_t, CallbackSlot> callbacks_;  // by slot
    std::optional<Error> callback_error_;
};

}  // namespace

Result<std::uint64_t> run_checked(const Program& program, const Bindings& bindings, void* ctx, std::uint64_t size,
                                  const CheckedLimits& limits) {
    BPFTIME_CHECK(check_bindings(program, bindings));
    return CheckedRun(program, bindings, ctx, size, limits).run();
}

}  // namespace bpftime
