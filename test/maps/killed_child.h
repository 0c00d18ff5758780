// Processes that kill -9 ends at a random instant of what they do.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>

namespace bpftime::test {

inline std::uint64_t now_us() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(now.tv_nsec) / 1'000;
}

// A child that does `work`, which never returns, and is killed `microseconds` after it began.
template <class Work>
pid_t start_doomed(std::uint32_t microseconds, Work work) {
    const pid_t child = fork();
    if (child != 0) return child;
    sigevent event{};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGKILL;
    timer_t timer;
    itimerspec when{};
    when.it_value.tv_nsec = microseconds * 1'000 + 1;
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0) _exit(1);
    if (timer_settime(timer, 0, &when, nullptr) != 0) _exit(1);
    work();
    _exit(1);
}

// True once it has been killed; any other end of it is an error that the test has to see.
inline bool has_died(pid_t child, bool& wrongly) {
    int status = 0;
    if (waitpid(child, &status, WNOHANG) != child) return false;
    wrongly = !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL;
    return true;
}

// How long this thread was ready to run and another ran in its place, in microseconds.
inline std::uint64_t queued_us() {
    static const int file = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    char text[64] = {};
    unsigned long long ran = 0, queued = 0;
    if (pread(file, text, sizeof text - 1, 0) <= 0 || std::sscanf(text, "%llu %llu", &ran, &queued) != 2) return 0;
    return queued / 1000;
}

// How long the operations of one who lives take. One that waits for a process that lives, and waits for a processor in its turn,
// takes long without anybody's fault; one that waits for the dead takes long every time.
struct Slowest {
    std::uint64_t us = 0;      // of all operations
    std::uint64_t beyond = 0;  // operations of more than 100 ms
    std::uint64_t hung = 0;    // ...that met only the dead (`alone`), or of more than 2 s
    bool alone = true;

    template <class Call>
    auto time(Call call) {
        const std::uint64_t begin = now_us(), queued = queued_us();
        const auto result = call();
        const std::uint64_t elapsed = now_us() - begin, took = elapsed - std::min(queued_us() - queued, elapsed);
        us = std::max(us, took);
        beyond += took > 100'000;
        hung += took > (alone ? 100'000 : 2'000'000);
        return result;
    }
};

}  // namespace bpftime::test
