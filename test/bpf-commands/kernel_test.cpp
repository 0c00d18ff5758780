// The scenarios on the running kernel, as the oracle of their expectations. Needs root.
#include <sys/syscall.h>
#include <sys/utsname.h>

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

// 6018 for 6.18.
int kernel_version() {
    utsname name{};
    uname(&name);
    int major = 0, minor = 0;
    if (std::sscanf(name.release, "%d.%d", &major, &minor) != 2) return 0;
    return major * 1000 + minor;
}

}  // namespace

int main() {
    if (geteuid() != 0) skip_binary("comparing with the kernel needs root");
    if (const long fd = small_array(kernel_bpf); fd < 0)
        skip_binary(cat("bpf() is not permitted here: ", strerror(static_cast<int>(-fd))));
    else
        close(static_cast<int>(fd));
    int failures = 0, count = 0;
    const int kernel = kernel_version();
    for_each_scenario([&](const Scenario& scenario) {
        if (scenario.since > kernel) {
            std::printf("not compared: %s: this kernel is older than %d\n", scenario.name, scenario.since);
            return;
        }
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
