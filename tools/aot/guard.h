// Turns what a running program may do wrong into one sentence and exit status 1. For processes of this tool only.
#pragma once

#include <string>

namespace bpftime::aot {

// From now on a fault (bad address, trap) or `timeout` seconds without an end (0: no limit) prints which program it was and
// exits 1. Standard output is left as it was flushed.
void guard_run(const std::string& path, const std::string& program, double timeout);

}  // namespace bpftime::aot
