// Distributions compile libbpf.a for executables, which reach libc's variables directly; a shared library cannot. libbpf.a knows one
// such variable, stderr, and this one stands in for it (--wrap). Nothing is printed there: libbpf's messages become errors.
#include <cstdio>

extern "C" {
extern FILE* __real_stderr;
[[gnu::visibility("hidden")]] FILE* __wrap_stderr = nullptr;
}

namespace {
[[gnu::constructor]] void take_stderr() { __wrap_stderr = __real_stderr; }
}  // namespace
