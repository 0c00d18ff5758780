// bpftimetool top: which programs run how often and how long, again and again.
#pragma once

#include <map>

#include "tools/bpftimetool/command.h"

namespace bpftime::tool {

// What a program has done so far.
struct RunCount {
    std::uint64_t runs = 0, time = 0, misses = 0;
};
using RunCounts = std::map<std::uint32_t, RunCount>;  // by id

// One round: what the programs did since `before`, `seconds` ago, those that used most time first. `before` becomes what they have done
// by now; programs that were not in it count from 0.
Result<Answer> top_round(Registry& registry, RunCounts& before, double seconds);

// Declares the subcommand; `json` and `compact` are the tool's flags.
void add_top(CLI::App& app, const bool& json, const bool& compact, tools::Action& action);

}  // namespace bpftime::tool
