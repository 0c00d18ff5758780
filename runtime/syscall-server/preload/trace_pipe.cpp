#include "runtime/syscall-server/preload/trace_pipe.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <memory>

#include "runtime/helpers/trace_ring.h"
#include "runtime/registry/fd.h"
#include "runtime/syscall-server/preload/process_registry.h"
#include "runtime/syscall-server/preload/real.h"

namespace bpftime::preload {

namespace {

constexpr int kPauseMs = 10;
constexpr std::uint32_t kPatience = 5;  // pauses that an unfinished line is waited for

struct Feed {
    TraceRing& ring;
    Fd pipe;
};

// Waits a little. False: nobody reads any more.
bool pause(const Feed& feed) {
    pollfd polled{.fd = feed.pipe.get(), .events = 0, .revents = 0};
    const auto real = real_poll();
    return real != nullptr && real(&polled, 1, kPauseMs) == 0;
}

bool pass_on(const Feed& feed, const TraceLine& line) {
    char text[1200];
    const std::size_t size = format_trace_line(line, text);
    return write(feed.pipe.get(), text, size) == static_cast<ssize_t>(size);
}

// Signals are blocked here; SIGPIPE is then an error of write().
void* run(void* argument) {
    const std::unique_ptr<Feed> feed(static_cast<Feed*>(argument));
    TraceLine line;
    for (bool read = true; read;) {
        const TraceRing::Read found = feed->ring.read(line, kPatience);
        if (found == TraceRing::Read::Empty) read = pause(*feed);
        if (found == TraceRing::Read::Line) read = pass_on(*feed, line);
    }
    return nullptr;
}

bool start(std::unique_ptr<Feed> feed) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_t thread;
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const bool started = pthread_create(&thread, nullptr, run, feed.get()) == 0;
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (!started) return false;
    feed.release();
    pthread_detach(thread);
    return true;
}

}  // namespace

bool is_trace_pipe(std::string_view path) {
    return path == "/sys/kernel/tracing/trace_pipe" || path == "/sys/kernel/debug/tracing/trace_pipe";
}

std::optional<int> open_trace_pipe(int flags) {
    const auto registry = process_registry();
    TraceRing* const ring = registry ? (*registry)->trace() : nullptr;
    int ends[2];
    if (ring == nullptr || pipe2(ends, O_CLOEXEC) != 0) return std::nullopt;
    Fd reading(ends[0]);
    Fd writing(fcntl(ends[1], F_DUPFD_CLOEXEC, 512));  // out of the way of the client's
    if (!writing) writing = Fd(fcntl(ends[1], F_DUPFD_CLOEXEC, 3));
    const auto real = real_close();
    if (real != nullptr) real(ends[1]);
    if (!writing || !start(std::make_unique<Feed>(*ring, std::move(writing)))) return std::nullopt;
    if ((flags & O_NONBLOCK) != 0) fcntl(reading.get(), F_SETFL, O_NONBLOCK);
    if ((flags & O_CLOEXEC) == 0) fcntl(reading.get(), F_SETFD, 0);
    return reading.release();
}

}  // namespace bpftime::preload
