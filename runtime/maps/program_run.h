// One run of a program: whoever calls a program's Entry holds a ProgramRun meanwhile. At its first use of per-CPU data, or
// of bpf_get_smp_processor_id(), the run gets a CPU's slot, that of the CPU it is on if that is free, and keeps it to its
// end, so that it meets one CPU's values only and is alone with them. There are as many slots as possible CPUs; a run
// that finds them all held waits for one to end.
//
// A thread that calls an Entry without a run (a driver that calls bpf_main itself) gets a slot for its life. That is
// exact for as long as no more such threads live than there are possible CPUs; from then on all of the process use the
// values of the CPU they are on at each access, and may lose counts to each other when preempted.
#pragma once

#include <utility>

#include "runtime/maps/cpu_slots.h"

namespace bpftime {

class ProgramRun {
public:
    // `slots` are those of the program's maps. `only`: it has to be this CPU. A run within a run on the same slots goes on
    // with what the outer one has.
    explicit ProgramRun(CpuSlots* slots, std::uint32_t only = kNoCpu) : outer_(current_run.slots) {
        if (slots == outer_) return;
        if (outer_ != nullptr) aside_ = std::exchange(current_run, {});
        current_run.slots = slots;
        current_run.only = only;
    }
    ProgramRun(const ProgramRun&) = delete;
    ProgramRun& operator=(const ProgramRun&) = delete;
    ~ProgramRun() {
        if (current_run.slots == outer_) return;
        if (current_run.cpu != kNoCpu) current_run.slots->release(std::exchange(current_run.cpu, kNoCpu));
        current_run.slots = outer_;
        if (outer_ != nullptr) current_run = aside_;
    }

private:
    CpuSlots* outer_;  // of the run around this one, null: none; then the thread has no CPU either
    CurrentRun aside_;
};

}  // namespace bpftime
