// The scenarios on the running kernel, as the oracle of their expectations. Needs root.
#include <sys/syscall.h>

#include <cstdio>

#include "scenario.h"
#include "test/support/skip.h"

using namespace bpftime;
using namespace bpftime::test;

namespace {

long kernel_bpf(int command, void* attr, unsigned size) {
    const long result = syscall(SYS_bpf, command, attr, size);
    return result >= 0 ? result : -errno;
}

}  // namespace

int main() {
    if (geteuid() != 0) skip_binary("comparing with the kernel needs root");
    if (const long fd = small_array(kernel_bpf); fd < 0)
        skip_binary(cat("bpf() is not permitted here: ", strerror(static_cast<int>(-fd))));
    else
        close(static_cast<int>(fd));
    int failures = 0, count = 0;
    for_each_scenario([&](const Scenario& scenario) {
        ++count;
        const std::string answered = scenario.run(kernel_bpf);
        if (answered == scenario.expected) return;
        ++failures;
        std::printf("FAILED: %s: the kernel answers\n%s\nand the table says\n%s\n", scenario.name, answered.c_str(),
                    scenario.expected);
    });
    std::printf("%d scenarios, %d failures\n", count, failures);
    return failures == 0 ? 0 : 1;
}
