#include "runtime/maps/cpus.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>

#include "runtime/maps/rseq.h"

namespace bpftime {

namespace {

std::uint32_t read_possible_cpus() {
    char text[512];
    ssize_t length = -1;
    const int fd = open("/sys/devices/system/cpu/possible", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        length = read(fd, text, sizeof text - 1);
        close(fd);
    }
    text[std::max<ssize_t>(length, 0)] = 0;
    if (const std::uint32_t count = cpus_in_list(text); count != 0) return count;
    return static_cast<std::uint32_t>(std::max(1L, sysconf(_SC_NPROCESSORS_CONF)));  // no sysfs in this mount namespace
}

std::uint32_t possible = 0;  // 0 until first asked

// -1, where the system cannot tell, becomes some CPU.
[[gnu::noinline]] std::uint32_t ask_cpu() { return static_cast<std::uint32_t>(sched_getcpu()) % possible_cpus(); }

}  // namespace

std::uint32_t cpus_in_list(const char* text) {
    std::uint32_t count = 0;
    while (*text >= '0' && *text <= '9') {
        std::uint32_t number = 0;
        for (; *text >= '0' && *text <= '9' && number < 1'000'000; ++text)
            number = number * 10 + static_cast<std::uint32_t>(*text - '0');
        count = std::max(count, number + 1);
        if (*text == '-' || *text == ',') ++text;
    }
    return *text == '\n' || *text == 0 ? count : 0;
}

std::uint32_t possible_cpus() {
    std::uint32_t count = __atomic_load_n(&possible, __ATOMIC_RELAXED);
    if (count == 0) {
        count = read_possible_cpus();
        __atomic_store_n(&possible, count, __ATOMIC_RELAXED);
    }
    return count;
}

std::uint32_t home_cpu() {
    const std::uint32_t count = __atomic_load_n(&possible, __ATOMIC_RELAXED);
    const std::uint32_t cpu = rseq_cpu();
    return __builtin_expect(cpu < count, 1) ? cpu : ask_cpu();
}

}  // namespace bpftime
