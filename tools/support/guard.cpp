#include "tools/support/guard.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmath>
#include <cstdint>

namespace bpftime::tools {

namespace {

// Prepared beforehand: a signal handler may only copy and write.
std::string prefix, advice;
std::string timeout_message;

void write_text(const char* text, std::size_t size) {
    while (size > 0) {
        const ssize_t written = write(STDERR_FILENO, text, size);
        if (written <= 0) return;
        text += written;
        size -= static_cast<std::size_t>(written);
    }
}

void on_timeout(int) {
    write_text(timeout_message.data(), timeout_message.size());
    _exit(1);
}

void on_fault(int signal, siginfo_t* info, void*) {
    char text[128] = "";
    char* out = text;
    const auto put = [&](const char* piece) {
        while (*piece != '\0') *out++ = *piece++;
    };
    if (signal == SIGSEGV || signal == SIGBUS) {
        put("access to address 0x");
        const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
        for (int shift = 60; shift >= 0; shift -= 4) *out++ = "0123456789abcdef"[address >> shift & 15];
        put(", which is not the program's");
    } else {
        put(signal == SIGILL ? "illegal instruction" : "arithmetic fault");
    }
    write_text(prefix.data(), prefix.size());
    write_text(text, static_cast<std::size_t>(out - text));
    write_text(advice.data(), advice.size());
    _exit(1);
}

}  // namespace

void guard_run(const std::string& tool, const std::string& origin, const std::string& program, double timeout,
               const std::string& hint) {
    prefix = fmt::format("{}: ", tool);
    if (!origin.empty()) prefix += fmt::format("{}: ", origin);
    if (!program.empty()) prefix += fmt::format("program '{}': ", program);

    advice = hint.empty() ? "\n" : fmt::format("; {}\n", hint);

    static char stack[64 * 1024];
    const stack_t alternate{.ss_sp = stack, .ss_flags = 0, .ss_size = sizeof stack};
    sigaltstack(&alternate, nullptr);
    struct sigaction fault{};
    fault.sa_sigaction = on_fault;
    fault.sa_flags = SA_SIGINFO | SA_ONSTACK;
    for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE}) sigaction(signal, &fault, nullptr);

    if (timeout <= 0) return;
    timeout_message = fmt::format("{}still running after {} s; it was stopped\n", prefix, timeout);
    struct sigaction alarm{};
    alarm.sa_handler = on_timeout;
    sigaction(SIGALRM, &alarm, nullptr);
    const double seconds = std::floor(timeout);
    const itimerval timer{.it_interval = {},
                          .it_value = {.tv_sec = static_cast<time_t>(seconds),
                                       .tv_usec = static_cast<suseconds_t>((timeout - seconds) * 1e6) + (seconds == 0 ? 1 : 0)}};
    setitimer(ITIMER_REAL, &timer, nullptr);
}

}  // namespace bpftime::tools
