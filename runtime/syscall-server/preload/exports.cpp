// libbpftime-syscall-server.so: the functions of libc that it stands before, and nothing else. Each asks captured.h
// whether a call is ours; everything that is not goes on to the real function as it came.
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <linux/close_range.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <climits>
#include <cstdarg>
#include <cstring>

#include "runtime/syscall-server/preload/captured.h"
#include "runtime/syscall-server/preload/real.h"

#define EXPORT extern "C" [[gnu::visibility("default")]]

namespace {

using namespace bpftime::preload;
using bpftime::Mapping;

// What a libc function returns for the result of a system call.
template <class T = long>
T returned(long result) {
    if (result >= 0) return static_cast<T>(result);
    errno = static_cast<int>(-result);
    return static_cast<T>(-1);
}

// There is no such function to call: only while the dynamic linker itself is looking for it.
template <class T = int>
T missing() {
    return returned<T>(-ENOSYS);
}

mode_t mode_argument(int flags, va_list arguments) {
    return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(arguments, mode_t) : 0;
}
#define TAKE_MODE(mode, flags)                           \
    va_list arguments;                                   \
    va_start(arguments, flags);                          \
    const mode_t mode = mode_argument(flags, arguments); \
    va_end(arguments)

// The real file is not there, or not for this user. Only then is the path worth a look: it may be no address at all.
bool cannot_be_read() { return errno == ENOENT || errno == ENOTDIR || errno == EACCES || errno == EPERM; }

// `fd` is what the real open returned.
int finish_open(int fd, const char* path, int flags) {
    if (!outside()) return fd;
    if (fd >= 0) {
        opened(path, fd);
        return fd;
    }
    return cannot_be_read() ? open_instead(path, flags).value_or(-1) : -1;
}

FILE* finish_fopen(FILE* file, const char* path, const char* mode) {
    if (!outside()) return file;
    if (file != nullptr) {
        opened(path, fileno(file));
        return file;
    }
    if (!cannot_be_read() || mode[0] != 'r' || std::strchr(mode, '+') != nullptr) return nullptr;
    const auto fd = open_instead(path, std::strchr(mode, 'e') != nullptr ? O_CLOEXEC : 0);
    return fd ? fdopen(*fd, mode) : nullptr;
}

int finish_access(int result, const char* path, int mode) {
    return result != 0 && outside() && cannot_be_read() && access_instead(path, mode) ? 0 : result;
}

// No file has the name, or the user may not change it.
bool is_refused() { return cannot_be_read() || errno == EROFS; }

// A BPF file system, as clients want one before they pin.
template <class Fs>
int finish_statfs(int result, const char* path, Fs* answer) {
    const bool read = result == 0 || cannot_be_read();
    if (!read || !outside() || !is_pin_place(path)) return result;
    *answer = {};
    answer->f_type = BPF_FS_MAGIC;
    answer->f_bsize = 4096;
    answer->f_namelen = NAME_MAX;
    return 0;
}

int finish_unlink(int result, const char* path) {
    return result != 0 && outside() && is_refused() && unpinned(path) ? 0 : result;
}

ssize_t finish_readlink(ssize_t length, const char* path, char* out, std::size_t size) {
    const auto instead = length > 0 && outside() ? link_instead(path, out, size) : std::nullopt;
    if (!instead) return length;
    if (*instead < length) std::memset(out + *instead, 0, static_cast<std::size_t>(length - *instead));  // what the real one wrote
    return *instead;
}

using RealMmap = decltype(real_mmap());

// Two parts of a file, side by side.
void* map_parts(RealMmap real, void* address, int protection, int flags, const Mapping& mapping, int fd) {
    const auto offset = static_cast<off_t>(mapping.offset), rest_offset = static_cast<off_t>(mapping.rest_offset);
    const std::size_t whole = mapping.size + mapping.rest;
    if (mapping.rest == 0) return real(address, mapping.size, protection, flags, fd, offset);
    void* const base = real(address, whole, PROT_NONE, (flags & ~MAP_TYPE) | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) return base;
    char* const second = static_cast<char*>(base) + mapping.size;
    const int fixed = (flags & ~MAP_FIXED_NOREPLACE) | MAP_FIXED;
    if (real(base, mapping.size, protection, fixed, fd, offset) != MAP_FAILED &&
        real(second, mapping.rest, protection, fixed, fd, rest_offset) != MAP_FAILED)
        return base;
    munmap(base, whole);
    return MAP_FAILED;
}

// The real mmap, of what an object's descriptor stands for.
void* map(RealMmap real, void* address, std::size_t size, int protection, int flags, int fd, off_t offset) {
    if (real == nullptr) return reinterpret_cast<void*>(missing<long>());
    if (fd < 0 || (flags & MAP_ANONYMOUS) != 0 || !outside()) return real(address, size, protection, flags, fd, offset);
    const auto instead = mapped_object(size, protection, flags, fd, offset);
    if (!instead) return real(address, size, protection, flags, fd, offset);
    if (!*instead) return reinterpret_cast<void*>(returned(-(*instead).error().errnum));
    return map_parts(real, address, protection, flags, **instead, (*instead)->file.get());
}

}  // namespace

EXPORT long syscall(long number, ...) {
    va_list arguments;
    va_start(arguments, number);
    long a[6];
    for (long& argument : a) argument = va_arg(arguments, long);
    va_end(arguments);
    if (number == SYS_bpf && outside())
        return returned(bpf(static_cast<int>(a[0]), reinterpret_cast<void*>(a[1]), static_cast<unsigned>(a[2])));
    if (number == SYS_perf_event_open && outside()) {
        const auto result = open_event(reinterpret_cast<void*>(a[0]), static_cast<pid_t>(a[1]), static_cast<int>(a[2]),
                                       static_cast<int>(a[3]), static_cast<unsigned long>(a[4]));
        if (result) return returned(*result);
    }
    const auto real = real_syscall();
    return real == nullptr ? missing<long>() : real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

EXPORT int ioctl(int fd, unsigned long request, ...) {
    va_list arguments;
    va_start(arguments, request);
    void* argument = va_arg(arguments, void*);
    va_end(arguments);
    if (outside()) {
        const auto result = control_event(fd, request, argument);
        if (result) return returned<int>(*result);
    }
    const auto real = real_ioctl();
    return real == nullptr ? missing() : real(fd, request, argument);
}

EXPORT int close(int fd) {
    const auto real = real_close();
    if (real == nullptr) return missing();
    const auto file = outside() ? about_to_close(fd) : std::nullopt;
    const int result = real(fd);
    if (file) has_closed(fd, *file);
    return result;
}

// What `fd` was before is closed.
EXPORT int dup2(int from, int fd) noexcept {
    const auto real = real_dup2();
    if (real == nullptr) return missing();
    const auto file = outside() && from != fd ? about_to_close(fd) : std::nullopt;
    const int result = real(from, fd);
    if (result >= 0 && file) has_closed(fd, *file);
    return result;
}
EXPORT int dup3(int from, int fd, int flags) noexcept {
    const auto real = real_dup3();
    if (real == nullptr) return missing();
    const auto file = outside() ? about_to_close(fd) : std::nullopt;
    const int result = real(from, fd, flags);
    if (result >= 0 && file) has_closed(fd, *file);
    return result;
}

EXPORT int close_range(unsigned first, unsigned last, int flags) noexcept {
    const auto real = real_close_range();
    if (real == nullptr) return missing();
    const bool closes = (flags & CLOSE_RANGE_CLOEXEC) == 0;
    const auto file = closes && outside() ? about_to_close(first, last) : std::nullopt;
    const int result = real(first, last, flags);
    if (result == 0 && file) has_closed(first, last, *file);
    return result;
}
EXPORT void closefrom(int first) noexcept {
    const auto real = real_closefrom();
    if (real == nullptr) return;
    const unsigned from = first < 0 ? 0 : static_cast<unsigned>(first);
    const auto file = outside() ? about_to_close(from, UINT_MAX) : std::nullopt;
    real(first);
    if (file) has_closed(from, UINT_MAX, *file);
}

EXPORT void* mmap(void* address, std::size_t size, int protection, int flags, int fd, off_t offset) {
    return map(real_mmap(), address, size, protection, flags, fd, offset);
}
EXPORT void* mmap64(void* address, std::size_t size, int protection, int flags, int fd, off_t offset) {
    return map(real_mmap64(), address, size, protection, flags, fd, offset);
}

EXPORT int epoll_ctl(int epoll, int operation, int fd, epoll_event* event) noexcept {
    const auto real = real_epoll_ctl();
    if (real == nullptr) return missing();
    const int result = real(epoll, operation, fd, event);
    if (result == 0 && outside()) epoll_changed(epoll, operation, fd, event);
    return result;
}
EXPORT int epoll_wait(int epoll, epoll_event* events, int count, int timeout) {
    const auto real = real_epoll_wait();
    if (outside()) about_to_wait(epoll);
    if (real == nullptr) return missing();
    const int result = real(epoll, events, count, timeout);
    if (outside()) has_waited(epoll, events, result);
    return result;
}
EXPORT int epoll_pwait(int epoll, epoll_event* events, int count, int timeout, const sigset_t* signals) {
    const auto real = real_epoll_pwait();
    if (outside()) about_to_wait(epoll);
    if (real == nullptr) return missing();
    const int result = real(epoll, events, count, timeout, signals);
    if (outside()) has_waited(epoll, events, result);
    return result;
}
EXPORT int poll(pollfd* descriptors, nfds_t count, int timeout) {
    const auto real = real_poll();
    if (outside()) about_to_poll(descriptors, count);
    if (real == nullptr) return missing();
    const int result = real(descriptors, count, timeout);
    if (outside()) has_polled(descriptors, count, result);
    return result;
}
EXPORT int ppoll(pollfd* descriptors, nfds_t count, const timespec* timeout, const sigset_t* signals) {
    const auto real = real_ppoll();
    if (outside()) about_to_poll(descriptors, count);
    if (real == nullptr) return missing();
    const int result = real(descriptors, count, timeout, signals);
    if (outside()) has_polled(descriptors, count, result);
    return result;
}

EXPORT int select(int count, fd_set* readers, fd_set* writers, fd_set* others, timeval* timeout) {
    const auto real = real_select();
    if (outside()) about_to_select(readers, count);
    if (real == nullptr) return missing();
    const int result = real(count, readers, writers, others, timeout);
    if (outside()) has_selected(readers, count, result);
    return result;
}
EXPORT int pselect(int count, fd_set* readers, fd_set* writers, fd_set* others, const timespec* timeout,
                   const sigset_t* signals) {
    const auto real = real_pselect();
    if (outside()) about_to_select(readers, count);
    if (real == nullptr) return missing();
    const int result = real(count, readers, writers, others, timeout, signals);
    if (outside()) has_selected(readers, count, result);
    return result;
}
EXPORT int epoll_pwait2(int epoll, epoll_event* events, int count, const timespec* timeout, const sigset_t* signals) {
    const auto real = real_epoll_pwait2();
    if (outside()) about_to_wait(epoll);
    if (real == nullptr) return missing();
    const int result = real(epoll, events, count, timeout, signals);
    if (outside()) has_waited(epoll, events, result);
    return result;
}
// What applications built with _FORTIFY_SOURCE call.
EXPORT int __poll_chk(pollfd* descriptors, nfds_t count, int timeout, std::size_t size) {
    const auto real = real___poll_chk();
    if (outside()) about_to_poll(descriptors, count);
    if (real == nullptr) return missing();
    const int result = real(descriptors, count, timeout, size);
    if (outside()) has_polled(descriptors, count, result);
    return result;
}
EXPORT int __ppoll_chk(pollfd* descriptors, nfds_t count, const timespec* timeout, const sigset_t* signals,
                       std::size_t size) {
    const auto real = real___ppoll_chk();
    if (outside()) about_to_poll(descriptors, count);
    if (real == nullptr) return missing();
    const int result = real(descriptors, count, timeout, signals, size);
    if (outside()) has_polled(descriptors, count, result);
    return result;
}
EXPORT int __open_2(const char* path, int flags) {
    const auto real = real___open_2();
    return real == nullptr ? missing() : finish_open(real(path, flags), path, flags);
}
EXPORT int __open64_2(const char* path, int flags) {
    const auto real = real___open64_2();
    return real == nullptr ? missing() : finish_open(real(path, flags), path, flags);
}
EXPORT int __openat_2(int directory, const char* path, int flags) {
    const auto real = real___openat_2();
    return real == nullptr ? missing() : finish_open(real(directory, path, flags), path, flags);
}
EXPORT int __openat64_2(int directory, const char* path, int flags) {
    const auto real = real___openat64_2();
    return real == nullptr ? missing() : finish_open(real(directory, path, flags), path, flags);
}

EXPORT int open(const char* path, int flags, ...) {
    TAKE_MODE(mode, flags);
    const auto real = real_open();
    return real == nullptr ? missing() : finish_open(real(path, flags, mode), path, flags);
}
EXPORT int open64(const char* path, int flags, ...) {
    TAKE_MODE(mode, flags);
    const auto real = real_open64();
    return real == nullptr ? missing() : finish_open(real(path, flags, mode), path, flags);
}
EXPORT int openat(int directory, const char* path, int flags, ...) {
    TAKE_MODE(mode, flags);
    const auto real = real_openat();
    return real == nullptr ? missing() : finish_open(real(directory, path, flags, mode), path, flags);
}
EXPORT int openat64(int directory, const char* path, int flags, ...) {
    TAKE_MODE(mode, flags);
    const auto real = real_openat64();
    return real == nullptr ? missing() : finish_open(real(directory, path, flags, mode), path, flags);
}
EXPORT FILE* fopen(const char* path, const char* mode) {
    const auto real = real_fopen();
    return real == nullptr ? nullptr : finish_fopen(real(path, mode), path, mode);
}
EXPORT FILE* fopen64(const char* path, const char* mode) {
    const auto real = real_fopen64();
    return real == nullptr ? nullptr : finish_fopen(real(path, mode), path, mode);
}
EXPORT int access(const char* path, int mode) noexcept {
    const auto real = real_access();
    return real == nullptr ? missing() : finish_access(real(path, mode), path, mode);
}
EXPORT int faccessat(int directory, const char* path, int mode, int flags) noexcept {
    const auto real = real_faccessat();
    return real == nullptr ? missing() : finish_access(real(directory, path, mode, flags), path, mode);
}

EXPORT int statfs(const char* path, struct statfs* answer) noexcept {
    const auto real = real_statfs();
    return real == nullptr ? missing() : finish_statfs(real(path, answer), path, answer);
}
EXPORT int statfs64(const char* path, struct statfs64* answer) noexcept {
    const auto real = real_statfs64();
    return real == nullptr ? missing() : finish_statfs(real(path, answer), path, answer);
}
// Directories of pins are part of their paths and nothing else.
EXPORT int mkdir(const char* path, mode_t mode) noexcept {
    const auto real = real_mkdir();
    if (real == nullptr) return missing();
    const int result = real(path, mode);
    return result != 0 && outside() && is_refused() && is_pin_place(path) ? 0 : result;
}
EXPORT int unlink(const char* path) noexcept {
    const auto real = real_unlink();
    return real == nullptr ? missing() : finish_unlink(real(path), path);
}
EXPORT int unlinkat(int directory, const char* path, int flags) noexcept {
    const auto real = real_unlinkat();
    return real == nullptr ? missing() : finish_unlink(real(directory, path, flags), path);
}
EXPORT int remove(const char* path) noexcept {
    const auto real = real_remove();
    return real == nullptr ? missing() : finish_unlink(real(path), path);
}

EXPORT ssize_t readlink(const char* path, char* out, std::size_t size) noexcept {
    const auto real = real_readlink();
    return real == nullptr ? missing<ssize_t>() : finish_readlink(real(path, out, size), path, out, size);
}
EXPORT ssize_t readlinkat(int directory, const char* path, char* out, std::size_t size) noexcept {
    const auto real = real_readlinkat();
    return real == nullptr ? missing<ssize_t>() : finish_readlink(real(directory, path, out, size), path, out, size);
}
EXPORT ssize_t __readlink_chk(const char* path, char* out, std::size_t size, std::size_t room) noexcept {
    const auto real = real___readlink_chk();
    return real == nullptr ? missing<ssize_t>() : finish_readlink(real(path, out, size, room), path, out, size);
}
EXPORT ssize_t __readlinkat_chk(int directory, const char* path, char* out, std::size_t size, std::size_t room) noexcept {
    const auto real = real___readlinkat_chk();
    return real == nullptr ? missing<ssize_t>() : finish_readlink(real(directory, path, out, size, room), path, out, size);
}
