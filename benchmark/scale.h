// How compile time grows with the program: long ones on the interpreter and the template JIT, branchy ones through LLVM.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "vm/core/result.h"

namespace bpftime::benchmark {

struct ScalePoint {
    std::string engine;
    std::size_t instructions = 0;
    double ms = 0;          // Program to callable
    std::size_t code_bytes = 0;
};

// 10,000, 100,000 and 1,000,000 instructions on interpreter and ubpf; 1,000, 10,000 and 30,000 branchy ones through LLVM.
// All engines must agree on the result of each program. An engine that takes more than 5 s for one is not given larger ones.
// `progress` hears of each point before it is measured.
Result<std::vector<ScalePoint>> measure_scale(const std::function<void(const std::string&)>& progress);

}  // namespace bpftime::benchmark
