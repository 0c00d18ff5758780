// What helpers know of the run that they are part of beyond their arguments. Whoever runs a program fills a RunContext
// and holds a RunScope while the program runs: BPF_PROG_TEST_RUN, bpftimetool, a probe. Without one, helpers that need
// to know answer that it is not there.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace bpftime {

class TraceRing;

// Registers of the thread that a probe interrupted, as far as its stack is walked from them.
struct ProbeRegisters {
    std::uint64_t ip = 0, sp = 0, fp = 0;
    std::uint64_t link = 0;  // where a register holds the return address (AArch64), that; else 0
};

struct RunContext {
    std::uint32_t program_type = 0;  // enum bpf_prog_type; 0: not known
    std::uint64_t context_size = 0;  // bytes behind r1 of the program
    std::uint32_t tail_calls = 0;    // made so far
    TraceRing* trace = nullptr;      // where printk goes; null: as set_trace_output() says, unless `silent`
    bool silent = false;

    // Of probes.
    std::uint64_t cookie = 0;                          // of the attachment
    std::optional<ProbeRegisters> registers;           // where the thread was interrupted
    std::uint64_t function = 0;                        // address of the probed function's entry, 0 elsewhere than there
    std::span<const std::uint64_t> arguments;          // of the traced function
    std::optional<std::uint64_t> returned;             // by the traced function, where it has returned
    std::optional<std::uint64_t>* replaced = nullptr;  // takes what the function shall return instead of running

    // Set by RunScope.
    RunContext* outer = nullptr;
};

// The innermost run of the calling thread, null outside of any.
RunContext* current_run_context();

// Makes `context` that of the calling thread for a scope. One scope a run: it counts the run's tail calls.
class RunScope {
public:
    explicit RunScope(RunContext& context);
    RunScope(const RunScope&) = delete;
    RunScope& operator=(const RunScope&) = delete;
    ~RunScope();

private:
    RunContext& context_;
};

}  // namespace bpftime
