// The functions that exports.cpp stands before: the next ones of their name in the search order.
#pragma once

#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/types.h>
#include <sys/vfs.h>

#include <atomic>
#include <cstdio>

namespace bpftime::preload {

// Looks a function up when it is first asked for, which may be before any constructor has run. Null when there is none
// of that name, or when the lookup itself leads here again.
void* find_next(std::atomic<void*>& cache, const char* name);

#define BPFTIME_REAL_FUNCTIONS(X)                                         \
    X(syscall, long (*)(long, ...))                                       \
    X(ioctl, int (*)(int, unsigned long, ...))                            \
    X(close, int (*)(int))                                                \
    X(dup2, int (*)(int, int))                                            \
    X(dup3, int (*)(int, int, int))                                       \
    X(close_range, int (*)(unsigned, unsigned, int))                      \
    X(closefrom, void (*)(int))                                           \
    X(mmap, void* (*)(void*, std::size_t, int, int, int, off_t))          \
    X(mmap64, void* (*)(void*, std::size_t, int, int, int, off_t))        \
    X(epoll_ctl, int (*)(int, int, int, epoll_event*))                    \
    X(epoll_wait, int (*)(int, epoll_event*, int, int))                   \
    X(epoll_pwait, int (*)(int, epoll_event*, int, int, const sigset_t*)) \
    X(poll, int (*)(pollfd*, nfds_t, int))                                \
    X(ppoll, int (*)(pollfd*, nfds_t, const timespec*, const sigset_t*))  \
    X(select, int (*)(int, fd_set*, fd_set*, fd_set*, timeval*))          \
    X(pselect, int (*)(int, fd_set*, fd_set*, fd_set*, const timespec*, const sigset_t*)) \
    X(epoll_pwait2, int (*)(int, epoll_event*, int, const timespec*, const sigset_t*)) \
    X(__poll_chk, int (*)(pollfd*, nfds_t, int, std::size_t))             \
    X(__ppoll_chk, int (*)(pollfd*, nfds_t, const timespec*, const sigset_t*, std::size_t)) \
    X(__open_2, int (*)(const char*, int))                                \
    X(__open64_2, int (*)(const char*, int))                              \
    X(__openat_2, int (*)(int, const char*, int))                         \
    X(__openat64_2, int (*)(int, const char*, int))                       \
    X(open, int (*)(const char*, int, ...))                               \
    X(open64, int (*)(const char*, int, ...))                             \
    X(openat, int (*)(int, const char*, int, ...))                        \
    X(openat64, int (*)(int, const char*, int, ...))                      \
    X(fopen, FILE* (*)(const char*, const char*))                         \
    X(fopen64, FILE* (*)(const char*, const char*))                       \
    X(access, int (*)(const char*, int))                                  \
    X(faccessat, int (*)(int, const char*, int, int))                     \
    X(statfs, int (*)(const char*, struct statfs*))                       \
    X(statfs64, int (*)(const char*, struct statfs64*))                   \
    X(mkdir, int (*)(const char*, mode_t))                                \
    X(unlink, int (*)(const char*))                                       \
    X(unlinkat, int (*)(int, const char*, int))                           \
    X(remove, int (*)(const char*))                                       \
    X(readlink, ssize_t (*)(const char*, char*, std::size_t))             \
    X(readlinkat, ssize_t (*)(int, const char*, char*, std::size_t))      \
    X(__readlink_chk, ssize_t (*)(const char*, char*, std::size_t, std::size_t)) \
    X(__readlinkat_chk, ssize_t (*)(int, const char*, char*, std::size_t, std::size_t))

#define BPFTIME_REAL(name, type)                                                           \
    inline auto real_##name() {                                                            \
        static constinit std::atomic<void*> cache = nullptr;                               \
        void* known = cache.load(std::memory_order_relaxed);                               \
        return reinterpret_cast<type>(known != nullptr ? known : find_next(cache, #name)); \
    }
BPFTIME_REAL_FUNCTIONS(BPFTIME_REAL)
#undef BPFTIME_REAL

}  // namespace bpftime::preload
