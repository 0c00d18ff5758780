// Turns what a running program may do wrong into one sentence and exit status 1. For processes of our own tools only.
#pragma once

#include <string>

namespace bpftime::tools {

// From now on a fault (bad address, trap) or `timeout` seconds without an end (0: no limit) prints `tool`, where the program comes
// from and which it is ("" when unknown), what happened and `hint`, and exits 1. Standard output is left as it was flushed.
void guard_run(const std::string& tool, const std::string& origin, const std::string& program, double timeout,
               const std::string& hint = {});

}  // namespace bpftime::tools
