// How our tools are started and how they end: exit status 0 done, 1 refused or failed with one sentence, 2 a mistake in
// how the command was typed.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "vm/core/result.h"

namespace bpftime::tools {

// Runs a parsed subcommand. On success the process exits 0; an Error is printed as one sentence and the process
// exits 1.
using Action = std::function<Status()>;

// A mistake in how the command was typed, found while parsing or by the action: printed with the subcommand's help, exit status 2.
struct UsageError : CLI::ParseError {
    explicit UsageError(const std::string& message) : CLI::ParseError("UsageError", message, 2) {}
};

// Parses the command line, which makes a subcommand store into `action`, and carries that out. Results go to standard
// output, messages and logs (spdlog, $SPDLOG_LEVEL) to standard error. Returns the exit status.
int run_command_line(CLI::App& app, Action& action, int argc, char** argv);

}  // namespace bpftime::tools
