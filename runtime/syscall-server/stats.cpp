// BPF_ENABLE_STATS.
#include "runtime/syscall-server/stats.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>

#include "runtime/syscall-server/handlers.h"

namespace bpftime {

namespace {

// The client holds the writing end of a pipe: when its last copy is closed, however that came about, the reading end
// here is hung up.
class Holders {
public:
    void add(Fd reading_end) {
        const std::lock_guard lock(mutex_);
        ends_.push_back(std::move(reading_end));
        any_ = true;
    }
    bool any() {
        if (!any_) return false;
        const std::lock_guard lock(mutex_);
        std::erase_if(ends_, [](const Fd& end) {
            pollfd entry{.fd = end.get(), .events = 0, .revents = 0};
            return poll(&entry, 1, 0) == 1 && (entry.revents & (POLLHUP | POLLNVAL)) != 0;
        });
        any_ = !ends_.empty();
        return any_;
    }

private:
    std::atomic<bool> any_ = false;
    std::mutex mutex_;
    std::vector<Fd> ends_;
};

Holders& holders() {
    static Holders all;
    return all;
}

Error last_error(std::string_view doing) {
    const int number = errno;
    return failure("cannot ", doing, ": ", std::strerror(number)).with_errno(number);
}

}  // namespace

bool stats_enabled() { return holders().any(); }

Result<long> enable_stats(BpfSession&, bpf_attr& attr) {
    if (attr.enable_stats.type != BPF_STATS_RUN_TIME)
        return fail(failure("there are no statistics of type ", attr.enable_stats.type));
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return fail(last_error("enable statistics"));
    Fd reading(ends[0]), writing(ends[1]);
    // Never a standard stream, and out of the way of a client that counts its descriptors.
    Fd kept(fcntl(reading.get(), F_DUPFD_CLOEXEC, 512));
    if (!kept) kept = Fd(fcntl(reading.get(), F_DUPFD_CLOEXEC, 3));
    if (!kept) return fail(last_error("enable statistics"));
    holders().add(std::move(kept));
    return writing.release();
}

}  // namespace bpftime
