#include "runtime/maps/task_lock.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace bpftime {

namespace {

constexpr std::uint32_t kIdBits = 22;  // PID_MAX_LIMIT
constexpr std::uint32_t kIdMask = (1u << kIdBits) - 1;
constexpr std::uint32_t kRoundsToCheck = 1u << 10;  // between looks at whether the holder lives
constexpr std::uint32_t kRoundsToYield = 64;

// /proc/<id>/stat: its state, and the time it started folded into 1..1023. False: it could not be read.
struct TaskStat {
    char state = 0;
    std::uint32_t started = 0;
};

bool read_stat(std::uint32_t id, TaskStat& stat) {
    char path[32];
    std::snprintf(path, sizeof path, "/proc/%u/stat", id);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    char text[1024];
    const ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    if (length <= 0) return false;
    text[length] = 0;
    const char* at = std::strrchr(text, ')');  // the name before it may hold anything
    if (at == nullptr || at[1] != ' ') return false;
    stat.state = at[2];
    constexpr int kFieldsToStart = 20;  // from the name, field 2, to starttime, field 22
    for (int field = 0; field < kFieldsToStart; ++field) {
        at = std::strchr(at + 1, ' ');
        if (at == nullptr) return false;
    }
    std::uint64_t ticks = 0;
    for (++at; *at >= '0' && *at <= '9'; ++at) ticks = ticks * 10 + static_cast<std::uint64_t>(*at - '0');
    stat.started = static_cast<std::uint32_t>(ticks % 1023) + 1;
    return true;
}

class KeepErrno {
public:
    KeepErrno() : saved_(errno) {}
    ~KeepErrno() { errno = saved_; }

private:
    int saved_;
};

void wait_a_moment() {
    const KeepErrno keep;
    const timespec moment{0, 50'000};
    nanosleep(&moment, nullptr);
}

}  // namespace

std::uint32_t make_task_token(std::uint32_t thread) {
    const KeepErrno keep;
    TaskStat stat;
    return read_stat(thread, stat) ? stat.started << kIdBits | thread : thread;
}

bool task_gone(std::uint32_t token) {
    const KeepErrno keep;
    const std::uint32_t thread = token & kIdMask, started = token >> kIdBits;
    if (syscall(SYS_tkill, thread, 0) != 0 && errno == ESRCH) return true;
    TaskStat stat;
    if (!read_stat(thread, stat)) return false;
    if (stat.state == 'Z' || stat.state == 'X') return true;
    return started != 0 && stat.started != started;
}

bool wait_for_others(std::uint32_t round) {
    if (round > kRoundsToCheck && round % kRoundsToYield == 0)
        wait_a_moment();
    else if (round % kRoundsToYield == 0)
        sched_yield();
    return round % kRoundsToCheck == 0;
}

LockResult wait_for_task_word(std::atomic<std::uint32_t>& word, std::uint32_t me) {
    for (std::uint32_t round = 1;; ++round) {
        std::uint32_t owner = word.load(std::memory_order_relaxed);
        if (owner == 0 && word.compare_exchange_weak(owner, me, std::memory_order_acquire)) return LockResult::Free;
        if (owner == me) return LockResult::Mine;
        if (wait_for_others(round) && owner != 0 && task_gone(owner) &&
            word.compare_exchange_strong(owner, me, std::memory_order_acquire))
            return LockResult::TakenOver;
    }
}

}  // namespace bpftime
