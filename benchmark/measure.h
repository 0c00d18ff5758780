// Runs every contestant on a workload: results compared first, then times in interleaved rounds.
#pragma once

#include <string>
#include <vector>

#include "benchmark/contestant.h"

namespace bpftime::benchmark {

// What one contestant did with one workload. `error` says why there are no figures.
struct Figure {
    std::string error;
    double ns = 0;  // a call, median of the rounds
    double compile_us = 0;
    double load_us = 0;
    std::size_t code_bytes = 0;
};

struct Row {
    std::string workload;
    std::uint64_t r0 = 0;
    std::size_t slots = 0;          // instructions of the program
    std::uint64_t executed = 0;     // instructions of one call
    std::vector<Figure> figures;    // as the contestants
    std::vector<std::string> wrong; // contestants whose r0 or memory differ from the first one's
};

// `rounds` 0: compares results only. The object is the BPF build of the workload.
Result<Row> measure(const Workload& workload, const std::string& object, const std::vector<Contestant>& contestants,
                    int rounds);

}  // namespace bpftime::benchmark
