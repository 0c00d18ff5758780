// What the subcommands of bpftime-aot share: each adds itself to the parser and hands back what to do when it was chosen.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "vm/core/result.h"

namespace bpftime::aot {

// Runs a parsed subcommand. On success the process exits 0; an Error is printed as one sentence and the process exits 1.
using Action = std::function<Status()>;

// A mistake in how the command was typed: printed with the subcommand's help, exit status 2.
struct UsageError : CLI::ParseError {
    explicit UsageError(const std::string& message) : CLI::ParseError("UsageError", message, 2) {}
};

// Each declares its options on a subcommand of `app` and stores into `action` when that subcommand is parsed.
void add_build(CLI::App& app, Action& action);
void add_run(CLI::App& app, Action& action);
void add_inspect(CLI::App& app, Action& action);
void add_disasm(CLI::App& app, Action& action);
void add_helpers(CLI::App& app, Action& action);
void add_keygen(CLI::App& app, Action& action);

}  // namespace bpftime::aot
