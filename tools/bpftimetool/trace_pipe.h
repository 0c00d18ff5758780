// bpftimetool trace-pipe: what programs of the registry print.
#pragma once

#include "tools/support/command_line.h"

namespace bpftime::tool {

// Adds the subcommand. `json` and `compact` are known once the command line has been parsed; either asks for JSON.
void add_trace_pipe(CLI::App& app, const bool& json, const bool& compact, tools::Action& action);

}  // namespace bpftime::tool
