// The figures as a table for people and as JSON for programs.
#pragma once

#include <string>
#include <vector>

#include "benchmark/measure.h"
#include "benchmark/scale.h"

namespace bpftime::benchmark {

struct Report {
    std::string cpu;       // -mcpu of the BPF objects
    int rounds = 0;
    std::vector<std::string> contestants;  // the first two are the native ones
    std::vector<Row> rows;
    std::vector<ScalePoint> scale;
};

// Geometric mean of figure `contestant` over that of clang -O3; over the faster of the two native ones when `better`.
// 0 when there is nothing to compare.
double geomean_ratio(const Report& report, std::size_t contestant, bool better);

std::string tables(const Report& report);
std::string json(const Report& report);

}  // namespace bpftime::benchmark
