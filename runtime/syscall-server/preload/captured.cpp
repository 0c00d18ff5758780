#include "runtime/syscall-server/preload/captured.h"

#include <dirent.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <charconv>
#include <cstring>
#include <vector>

#include "runtime/syscall-server/bpf_call.h"
#include "runtime/syscall-server/perf_events.h"
#include "runtime/syscall-server/preload/log.h"
#include "runtime/syscall-server/preload/process_registry.h"
#include "runtime/syscall-server/preload/served_files.h"
#include "runtime/syscall-server/preload/waits.h"
#include "runtime/syscall-server/user_memory.h"

namespace bpftime::preload {

namespace {

constinit thread_local bool inside = false;

// Clients of BPF wait on an event for each processor; a server that polls thousands of sockets is none.
constexpr nfds_t kMostPolled = 4096;

// Runs `body` as our own code: its system calls are not captured, errno survives, memory that runs out is `exhausted`. A thread is
// not cancelled in there: what stands in its place is no cancellation point either.
template <class Answer, class Body>
Answer guarded(Answer exhausted, Body body) noexcept {
    const int saved = errno;
    int cancellable = PTHREAD_CANCEL_ENABLE;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancellable);
    inside = true;
    Answer answer = std::move(exhausted);
    try {
        answer = body();
    } catch (...) {
        // Only allocations throw.
    }
    inside = false;
    pthread_setcancelstate(cancellable, nullptr);
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

std::vector<int> open_descriptors() {
    std::vector<int> result;
    DIR* const directory = opendir("/proc/self/fd");
    if (directory == nullptr) return result;
    while (const dirent* entry = readdir(directory)) {
        int fd = -1;
        const char* const end = entry->d_name + std::strlen(entry->d_name);
        if (std::from_chars(entry->d_name, end, fd).ptr == end && fd != dirfd(directory)) result.push_back(fd);
    }
    closedir(directory);
    return result;
}

// Before anything of the application runs.
[[gnu::constructor]] void begin() {
    guarded(false, [] {
        adopt_inherited_descriptors();
        return true;
    });
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

std::optional<Result<Mapping>> mapped_object(std::size_t size, int protection, int flags, int fd,
                                             off_t offset) noexcept {
    const auto page = static_cast<std::size_t>(getpagesize());
    // The kernel refuses these before it looks at the file.
    if (!has_process_registry() || size == 0 || size > PTRDIFF_MAX || offset % static_cast<off_t>(page) != 0)
        return std::nullopt;
    const MappingRequest request{.size = (size + page - 1) / page * page,
                                 .offset = static_cast<std::uint64_t>(offset),
                                 .writable = (protection & PROT_WRITE) != 0,
                                 .shared = (flags & MAP_TYPE) != MAP_PRIVATE};
    using Answer = std::optional<Result<Mapping>>;
    return guarded(Answer(fail(Error{.errnum = ENOMEM})), [&]() -> Answer {
        const auto registry = process_registry();
        if (!registry) return std::nullopt;
        const auto object = (*registry)->at(fd);
        if (!object) return std::nullopt;
        auto mapping = mapping_of(**registry, **object, request);
        forget_pages(fd);
        if (!mapping) log_refusal("mmap", mapping.error());
        return mapping;
    });
}

void epoll_changed(int epoll, int operation, int fd, const epoll_event* event) noexcept {
    if (!has_process_registry()) return;
    guarded(false, [&] {
        operation == EPOLL_CTL_DEL ? unwatch(epoll, fd) : watch(epoll, fd, event->data.u64);
        return true;
    });
}

void about_to_wait(int epoll) noexcept {
    if (!has_process_registry()) return;
    guarded(false, [&] {
        before_epoll_wait(epoll);
        return true;
    });
}

void about_to_poll(const pollfd* descriptors, nfds_t count) noexcept {
    if (!has_process_registry() || count > kMostPolled) return;
    guarded(false, [&] {
        std::vector<pollfd> copy(count);
        if (!read_user(reinterpret_cast<std::uintptr_t>(descriptors),
                       {reinterpret_cast<std::uint8_t*>(copy.data()), count * sizeof(pollfd)}))
            return false;
        before_poll(copy.data(), count);
        return true;
    });
}

void about_to_select(const fd_set* readers, int count) noexcept {
    if (!has_process_registry() || readers == nullptr || count <= 0) return;
    guarded(false, [&] {
        // As many bits as the caller says, which may be more than an fd_set's.
        fd_set copy;
        FD_ZERO(&copy);
        const int known = std::min<int>(count, FD_SETSIZE);
        if (!read_user(reinterpret_cast<std::uintptr_t>(readers),
                       {reinterpret_cast<std::uint8_t*>(&copy), (static_cast<std::size_t>(known) + 7) / 8}))
            return false;
        before_select(copy, known);
        return true;
    });
}

void has_waited(int epoll, const epoll_event* events, int count) noexcept {
    if (!has_process_registry() || count <= 0) return;
    guarded(false, [&] {
        after_epoll_wait(epoll, {events, static_cast<std::size_t>(count)});
        return true;
    });
}

void has_polled(const pollfd* descriptors, nfds_t count, int ready) noexcept {
    if (!has_process_registry() || ready <= 0 || count > kMostPolled) return;
    guarded(false, [&] {
        after_poll(descriptors, count);
        return true;
    });
}

void has_selected(const fd_set* readers, int count, int ready) noexcept {
    if (!has_process_registry() || ready <= 0 || readers == nullptr) return;
    guarded(false, [&] {
        after_select(*readers, std::min<int>(count, FD_SETSIZE));
        return true;
    });
}

std::optional<FileIdentity> about_to_close(unsigned first, unsigned last) noexcept {
    if (!owns_process_registry()) return std::nullopt;
    return guarded(std::optional<FileIdentity>(), [&]() -> std::optional<FileIdentity> {
        const auto registry = process_registry();
        for (const int fd : open_descriptors())
            if (static_cast<unsigned>(fd) >= first && static_cast<unsigned>(fd) <= last && registry && (*registry)->at(fd))
                if (const auto file = identify(fd)) return *file;
        return std::nullopt;
    });
}

void has_closed(unsigned first, unsigned last, const FileIdentity& file) noexcept {
    guarded(false, [&] {
        unwatch_all(first, last);
        if (const auto registry = process_registry()) (*registry)->closed(file);
        return true;
    });
}

std::optional<FileIdentity> about_to_close(int fd) noexcept {
    if (!owns_process_registry()) return std::nullopt;
    return guarded(std::optional<FileIdentity>(), [&]() -> std::optional<FileIdentity> {
        const auto file = identify(fd);
        return file ? std::optional(*file) : std::nullopt;
    });
}

void has_closed(int fd, const FileIdentity& file) noexcept {
    guarded(false, [&] {
        unwatch_all(fd);
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
    const bool extended = may_be_extended(path);
    if (!extended && !may_be_served(path)) return;
    guarded(false, [&] {
        extended ? extend_opened(path, fd) : note_opened(path, fd);
        return true;
    });
}

std::optional<long> link_instead(const char* path, char* out, std::size_t size) noexcept {
    if (!has_process_registry() || std::strncmp(path, "/proc/", 6) != 0) return std::nullopt;
    return guarded(std::optional<long>(), [&]() -> std::optional<long> {
        const auto link = link_of_descriptor(path);
        if (!link) return std::nullopt;
        const std::size_t length = std::min(link->size(), size);
        std::memcpy(out, link->data(), length);
        return static_cast<long>(length);
    });
}

bool is_pin_place(const char* path) noexcept {
    static constexpr std::string_view kPlace = "/sys/fs/bpf";
    return std::strncmp(path, kPlace.data(), kPlace.size()) == 0 && (path[kPlace.size()] == '\0' || path[kPlace.size()] == '/');
}

bool unpinned(const char* path) noexcept {
    if (!has_process_registry() && !is_pin_place(path)) return false;
    return guarded(false, [&] {
        const auto registry = process_registry();
        return registry && (*registry)->unpin(path).has_value();
    });
}

}  // namespace bpftime::preload
