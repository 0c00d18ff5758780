// Sequences of bpf(2) calls with what they must answer. The same ones run on our handlers (bpf_commands_test.cpp) and
// on the running kernel (kernel_test.cpp), so that the expectations are the kernel's.
#pragma once

#include <span>
#include <string>

#include "test/elf/call_cases.h"
#include "vm/core/result.h"

namespace bpftime::test {

struct Scenario {
    const char* name;
    std::string (*run)(const BpfFunction& bpf);  // what was answered, as text
    const char* expected;
    int since = 0;  // the first kernel that answers so, 6018 for 6.18; 0: all that matter
};

std::span<const Scenario> batch_scenarios();
std::span<const Scenario> run_scenarios();
std::span<const Scenario> info_scenarios();
std::span<const Scenario> live_scenarios();
std::span<const Scenario> lock_scenarios();

// Every scenario above, in order.
template <class Function>
void for_each_scenario(Function function) {
    for (const auto scenarios : {batch_scenarios(), run_scenarios(), info_scenarios(), live_scenarios(), lock_scenarios()})
        for (const Scenario& scenario : scenarios) function(scenario);
}

// A descriptor that a scenario got, or a negative errno; closed at the end.
class Handle {
public:
    explicit Handle(long result) : result_(result) {}
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    ~Handle() {
        if (result_ >= 0) close(static_cast<int>(result_));
    }
    int get() const { return static_cast<int>(result_); }

private:
    long result_;
};

}  // namespace bpftime::test
