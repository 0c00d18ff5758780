// Processes that kill -9 ends at a random instant of what they do.
#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>

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

}  // namespace bpftime::test
