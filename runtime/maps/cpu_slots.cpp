#include "runtime/maps/cpu_slots.h"

#include "runtime/maps/task_lock.h"

namespace bpftime {

namespace {

constexpr std::uint64_t kForLife = std::uint64_t{1} << 32;  // above the token: held by a thread, not by a run

std::atomic<CpuSlots*> private_slots = nullptr;

// More threads outside runs than CPUs have asked: none of them keeps a slot any more.
std::atomic<bool> crowded = false;

// The slot that a thread outside any run keeps.
__attribute__((tls_model("initial-exec"))) constinit thread_local std::uint32_t kept = kNoCpu;

bool exchange(std::atomic<std::uint64_t>& owner, std::uint64_t from, std::uint64_t to) {
    return owner.load(std::memory_order_relaxed) == from &&
           owner.compare_exchange_strong(from, to, std::memory_order_acquire);
}

std::uint32_t cpu_outside_runs() {
    CpuSlots* const slots = private_cpu_slots();
    const std::uint32_t home = home_cpu();
    if (slots == nullptr || crowded.load(std::memory_order_relaxed)) return home;
    if (kept != kNoCpu && slots->keeps(kept)) return kept;
    kept = slots->keep(home);
    if (kept != kNoCpu) return kept;
    crowded.store(true, std::memory_order_relaxed);
    return home;
}

}  // namespace

constinit thread_local CurrentRun current_run;

std::uint32_t claim_cpu() {
    CpuSlots* const slots = current_run.slots;
    return slots == nullptr ? cpu_outside_runs() : current_run.cpu = slots->claim(home_cpu(), current_run.only);
}

// The first CPU, from `home` on, whose slot `take(owner)` gets.
template <class Take>
std::uint32_t CpuSlots::first(std::uint32_t home, std::uint32_t only, Take take) const {
    if (only < count_) return take(slot(only).owner) ? only : kNoCpu;
    for (std::uint32_t i = 0, cpu = home; i < count_; ++i, cpu = cpu + 1 == count_ ? 0 : cpu + 1)
        if (take(slot(cpu).owner)) return cpu;
    return kNoCpu;
}

std::uint32_t CpuSlots::take_free(std::uint32_t home, std::uint32_t only, std::uint64_t me) const {
    return first(home, only, [me](auto& owner) { return exchange(owner, 0, me); });
}

std::uint32_t CpuSlots::take_from_dead(std::uint32_t home, std::uint32_t only, std::uint64_t me) const {
    return first(home, only, [me](auto& owner) {
        const std::uint64_t now = owner.load(std::memory_order_relaxed);
        return now != 0 && task_gone(static_cast<std::uint32_t>(now)) && exchange(owner, now, me);
    });
}

std::uint32_t CpuSlots::claim(std::uint32_t home, std::uint32_t only) {
    const std::uint64_t me = task_token();
    const auto kept_for_life = [me](auto& owner) {
        const std::uint64_t now = owner.load(std::memory_order_relaxed);
        return (now & kForLife) != 0 && exchange(owner, now, me);
    };
    for (std::uint32_t round = 1;; ++round) {
        std::uint32_t cpu = take_free(home, only, me);
        if (cpu == kNoCpu) cpu = first(home, only, kept_for_life);
        if (cpu == kNoCpu && wait_for_others(round)) cpu = take_from_dead(home, only, me);
        if (cpu != kNoCpu) return cpu;
    }
}

// Not another's slot: this thread may be a child that was forked inside a run.
void CpuSlots::release(std::uint32_t cpu) {
    std::atomic<std::uint64_t>& owner = slot(cpu).owner;
    if (owner.load(std::memory_order_relaxed) == task_token()) owner.store(0, std::memory_order_release);
}

// A thread that was joined is there for some moments more, so this is not given up at once.
std::uint32_t CpuSlots::keep(std::uint32_t home) {
    constexpr std::uint32_t kPatience = 1u << 12;  // rounds: some milliseconds, once in a process
    const std::uint64_t me = task_token() | kForLife;
    for (std::uint32_t round = 1; round <= kPatience; ++round) {
        std::uint32_t cpu = take_free(home, kNoCpu, me);
        if (cpu == kNoCpu && wait_for_others(round)) cpu = take_from_dead(home, kNoCpu, me);
        if (cpu != kNoCpu) return cpu;
    }
    return kNoCpu;
}

bool CpuSlots::keeps(std::uint32_t cpu) const {
    return slot(cpu).owner.load(std::memory_order_relaxed) == (task_token() | kForLife);
}

CpuSlots* private_cpu_slots() {
    CpuSlots* slots = private_slots.load(std::memory_order_acquire);
    if (slots != nullptr) return slots;
    auto pages = Pages::inherit(CpuSlots::storage_size());
    if (!pages) return nullptr;
    auto* made = new CpuSlots(*std::move(pages));
    if (private_slots.compare_exchange_strong(slots, made, std::memory_order_acq_rel)) return made;
    delete made;
    return slots;
}

}  // namespace bpftime
