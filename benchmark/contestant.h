// Whatever can run a workload: native code of the C source, our engines, peers from outside.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "benchmark/workload.h"
#include "vm/core/engine.h"
#include "vm/core/program.h"

namespace bpftime::benchmark {

// A workload that is ready to be called.
struct Ready {
    std::shared_ptr<const Executable> code;  // null for native code
    Entry entry = nullptr;                   // null: call code->run()
    double compile_us = 0;                   // from Program to callable, or to object bytes where load_us is given
    double load_us = 0;                      // from object bytes to callable
    std::size_t code_bytes = 0;
};

struct Input {
    const Workload& workload;
    const Program& program;
    const Bindings& bindings;
    bool time = true;  // false: once is enough, no figures are wanted
};

struct Contestant {
    std::string name;
    std::function<Result<Ready>(const Input&)> prepare;
};

// Native code, interpreter, ubpf, and with LLVM the JIT and the AOT objects. What is missing is named in `missing`.
std::vector<Contestant> own_contestants(std::vector<std::string>& missing);

// "NAME=LIBRARY", see peer.h.
Result<Contestant> load_peer(const std::string& argument);

}  // namespace bpftime::benchmark
