// bpftimetool trace-pipe: what programs of the registry print.
#pragma once

#include "tools/support/command_line.h"

namespace bpftime::tool {

// Adds the subcommand. `json` is whether JSON was asked for, known once the command line has been parsed.
void add_trace_pipe(CLI::App& app, const bool& json, tools::Action& action);

}  // namespace bpftime::tool
