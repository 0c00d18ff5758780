#include "tools/support/guard.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <string_view>

#include "runtime/helpers/guarded_copy.h"

namespace bpftime::tools {

namespace {

// Prepared beforehand: a signal handler may only copy and write.
std::string prefix, advice;
std::string timeout_message;

void write_text(std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
        if (written <= 0) return;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

void on_timeout(int) {
    write_text(timeout_message);
    _exit(1);
}

void on_fault(int signal, siginfo_t* info, void* context) {
    if ((signal == SIGSEGV || signal == SIGBUS) && recover_copy(context)) return;
    write_text(prefix);
    if (signal == SIGSEGV || signal == SIGBUS) {
        const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
        char digits[16];
        for (int i = 0; i < 16; ++i) digits[i] = "0123456789abcdef"[address >> (60 - 4 * i) & 15];
        write_text("access to address 0x");
        write_text({digits, sizeof digits});
        write_text(", which is not the program's");
    } else {
        write_text(signal == SIGILL ? "illegal instruction" : "arithmetic fault");
    }
    write_text(advice);
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
    guard_copies(true);

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
