// For tests that are a binary of their own and need something this machine may lack.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>

namespace bpftime::test {

// Ends the process as "skipped" (CTest's code 77) and says why.
[[noreturn]] inline void skip_binary(const std::string& reason) {
    std::printf("SKIPPED: %s\n", reason.c_str());
    std::fflush(nullptr);
    std::exit(77);
}

}  // namespace bpftime::test
