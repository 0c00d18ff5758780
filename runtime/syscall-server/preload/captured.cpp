#include "runtime/syscall-server/preload/captured.h"

#include <cerrno>
#include <new>

#include "runtime/syscall-server/bpf_call.h"
#include "runtime/syscall-server/perf_events.h"
#include "runtime/syscall-server/preload/log.h"
#include "runtime/syscall-server/preload/process_registry.h"
#include "runtime/syscall-server/preload/served_files.h"

namespace bpftime::preload {

namespace {

constinit thread_local bool inside = false;

// Runs `body` as our own code: its system calls are not captured, errno survives, memory that runs out is `exhausted`.
template <class Body, class Answer>
Answer guarded(Answer exhausted, Body body) noexcept {
    const int saved = errno;
    inside = true;
    Answer answer = exhausted;
    try {
        answer = body();
    } catch (...) {
        // Only allocations throw.
    }
    inside = false;
    errno = saved;
    return answer;
}

template <class T>
std::optional<long> outcome(std::string_view call, const Result<T>& result) {
    if (result) return *result;
    log_refusal(call, result.error());
    return -result.error().errnum;
}

// Carries out one call in a session of its own; without a registry it fails as that did.
template <class Body>
std::optional<long> in_session(std::string_view call, Body body) {
    const auto registry = process_registry();
    if (!registry) return outcome<long>(call, fail(Error(registry.error())));
    BpfSession session{**registry, {}, {}};
    return body(session);
}

}  // namespace

bool outside() { return !inside; }

long bpf(int command, void* attr, unsigned size) noexcept {
    return guarded(long{-ENOMEM}, [&] {
        return *in_session(bpf_command_name(command), [&](BpfSession& session) {
            const long result = bpf_call(session, command, attr, size);
            if (result < 0 && session.error) log_refusal(bpf_command_name(command), *session.error);
            return result;
        });
    });
}

std::optional<long> open_event(void* attr, pid_t pid, int cpu, int group, unsigned long flags) noexcept {
    return guarded(std::optional<long>(-ENOMEM), [&] {
        return in_session("perf_event_open", [&](BpfSession& session) -> std::optional<long> {
            const auto result = perf_event_open(session, event_sources(), reinterpret_cast<std::uintptr_t>(attr), pid,
                                                cpu, group, flags);
            if (result && !*result) return std::nullopt;
            if (result) return **result;
            return outcome<long>("perf_event_open", fail(Error(result.error())));
        });
    });
}

std::optional<long> control_event(int fd, unsigned long request, void* argument) noexcept {
    if (!is_perf_ioctl(request) || !has_process_registry()) return std::nullopt;
    return guarded(std::optional<long>(-ENOMEM), [&] {
        return in_session("ioctl", [&](BpfSession& session) -> std::optional<long> {
            const auto event = session.registry.get<PerfEventObject>(fd);
            if (!event) return std::nullopt;
            return outcome("ioctl", perf_ioctl(session, **event, request, reinterpret_cast<std::uintptr_t>(argument)));
        });
    });
}

std::optional<long> mapped_descriptor(int fd, std::size_t size, off_t offset) noexcept {
    if (!has_process_registry()) return std::nullopt;
    return guarded(std::optional<long>(-ENOMEM), [&] {
        return in_session("mmap", [&](BpfSession& session) -> std::optional<long> {
            const auto event = session.registry.get<PerfEventObject>(fd);
            if (!event) return std::nullopt;
            auto ring = perf_ring(session.registry, **event, size, static_cast<std::uint64_t>(offset));
            if (ring) return ring->release();
            return outcome<long>("mmap", fail(std::move(ring).error()));
        });
    });
}

// Not in a child, which may be about to execute another program: a lock that a thread of its parent held stays locked
// there for ever. What it inherited ends with its parent's descriptors.
std::optional<FileIdentity> about_to_close(int fd) noexcept {
    if (!owns_process_registry()) return std::nullopt;
    return guarded(std::optional<FileIdentity>(), [&]() -> std::optional<FileIdentity> {
        const auto file = identify(fd);
        return file ? std::optional(*file) : std::nullopt;
    });
}

void has_closed(const FileIdentity& file) noexcept {
    guarded(false, [&] {
        if (const auto registry = process_registry()) (*registry)->closed(file);
        return true;
    });
}

std::optional<int> open_instead(const char* path, int flags) noexcept {
    if (!may_be_served(path)) return std::nullopt;
    return guarded(std::optional<int>(), [&] { return open_served(path, flags); });
}

bool access_instead(const char* path, int mode) noexcept {
    return may_be_served(path) && guarded(false, [&] { return is_served(path, mode); });
}

void opened(const char* path, int fd) noexcept {
    if (!may_be_served(path)) return;
    guarded(false, [&] {
        note_opened(path, fd);
        return true;
    });
}

}  // namespace bpftime::preload
