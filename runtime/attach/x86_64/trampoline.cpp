#include "runtime/attach/x86_64/trampoline.h"

#include <cstddef>

#include "runtime/attach/x86_64/registers.h"

namespace bpftime::attach::x86_64 {

namespace {

using namespace bpftime::x86_64;

constexpr std::int32_t kRedZone = 128;
constexpr std::int32_t kEntryFlags = 0x202;  // interrupts on: flags mean nothing at a function's entry

class Emitter {
public:
    Emitter(const TrampolineRequest& request, std::uint8_t* out, std::uint64_t address)
        : request_(request), a_(out), address_(address), below_(request.at_entry ? 0 : kRedZone) {}

    Result<Trampoline> run() {
        save();
        a_.mov_imm(rsi, reinterpret_cast<std::uint64_t>(request_.place));
        call_with_registers(a_, reinterpret_cast<std::uint64_t>(request_.handler));
        const std::uint32_t elsewhere = leave();
        Trampoline result;
        result.copy = a_.position();
        result.copied = BPFTIME_TRY(copy_window(*request_.window, a_, address_));
        if (result.copied.goes_on) go_on();
        a_.patch32(elsewhere, a_.position());
        go_elsewhere();
        result.size = a_.position();
        return result;
    }

private:
    // Stack: what was there, the red zone, the flags (not at an entry), pt_regs.
    std::int32_t total() const { return kFrame + below_ + (request_.at_entry ? 0 : 8); }

    void save() {
        if (request_.at_entry) {
            a_.lea(64, rsp, {.base = rsp, .disp = -kFrame});
        } else {
            a_.lea(64, rsp, {.base = rsp, .disp = -kRedZone});
            a_.pushf();
            a_.lea(64, rsp, {.base = rsp, .disp = -kFrame});
        }
        save_registers(a_);
        a_.lea(64, rax, field(static_cast<std::size_t>(total())));
        a_.store(64, field(offsetof(pt_regs, rsp)), rax);
        a_.mov_imm(rax, request_.ip);
        a_.store(64, field(offsetof(pt_regs, rip)), rax);
        if (request_.at_entry) {
            a_.store_imm(64, field(offsetof(pt_regs, eflags)), kEntryFlags);
        } else {
            a_.load(64, rax, field(kFrame));
            a_.store(64, field(offsetof(pt_regs, eflags)), rax);
            a_.cld();
        }
    }

    // The way on, unless the handler chose another ip: returns the position of the jump to patch for that.
    std::uint32_t leave() {
        a_.mov_imm(rax, request_.ip);
        a_.cmp(64, rax, field(offsetof(pt_regs, rip)));
        const std::uint32_t elsewhere = a_.jcc_near(Cond::NE);
        restore_registers(a_);
        if (!request_.at_entry) {
            a_.lea(64, rsp, {.base = rsp, .disp = kFrame});
            a_.popf();
            a_.lea(64, rsp, {.base = rsp, .disp = kRedZone});
        } else {
            a_.lea(64, rsp, {.base = rsp, .disp = kFrame});
        }
        return elsewhere;
    }

    // Behind the window. As far as the jump that leads here, so within reach.
    void go_on() {
        const std::uint32_t at = a_.jmp_near();
        a_.patch32(at, static_cast<std::uint32_t>(request_.window->address + request_.window->size - address_));
    }

    // To registers->ip with the stack pointer of registers->sp, by way of a return address below what is in use there.
    void go_elsewhere() {
        a_.load(64, rcx, field(offsetof(pt_regs, rsp)));
        a_.lea(64, rcx, {.base = rcx, .disp = -(8 + below_)});
        a_.load(64, rax, field(offsetof(pt_regs, rip)));
        a_.store(64, {.base = rcx}, rax);
        a_.store(64, field(offsetof(pt_regs, rsp)), rcx);
        if (!request_.at_entry) {
            a_.push(field(offsetof(pt_regs, eflags)));
            a_.popf();
        }
        restore_registers(a_);
        a_.load(64, rsp, field(offsetof(pt_regs, rsp)));
        if (below_ != 0) a_.ret_and_pop(static_cast<std::uint16_t>(below_));
        else a_.ret();
    }

    const TrampolineRequest& request_;
    Assembler a_;
    std::uint64_t address_;
    std::int32_t below_;
};

}  // namespace

Result<Trampoline> emit_trampoline(const TrampolineRequest& request, std::uint8_t* out, std::uint64_t address) {
    return Emitter(request, out, address).run();
}

}  // namespace bpftime::attach::x86_64
