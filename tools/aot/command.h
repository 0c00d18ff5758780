// What the subcommands of bpftime-aot share: each adds itself to the parser and hands back what to do when it was chosen.
#pragma once

#include "tools/support/command_line.h"
#include "tools/support/files.h"

namespace bpftime::aot {

using namespace bpftime::tools;  // what the tools share

// Each declares its options on a subcommand of `app` and stores into `action` when that subcommand is parsed.
void add_build(CLI::App& app, Action& action);
void add_compile(CLI::App& app, Action& action);
void add_load(CLI::App& app, Action& action);
void add_run(CLI::App& app, Action& action);
void add_inspect(CLI::App& app, Action& action);
void add_disasm(CLI::App& app, Action& action);
void add_helpers(CLI::App& app, Action& action);
void add_keygen(CLI::App& app, Action& action);

}  // namespace bpftime::aot
