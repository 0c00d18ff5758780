// libbpftime-syscall-server.so: the functions of libc that it stands before, and nothing else. Each asks captured.h
// whether a call is ours; everything that is not goes on to the real function as it came.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstring>

#include "runtime/syscall-server/preload/captured.h"
#include "runtime/syscall-server/preload/real.h"

#define EXPORT extern "C" [[gnu::visibility("default")]]

namespace {

using namespace bpftime::preload;

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

// The real mmap, of another file where the event's pages are asked for.
void* map(decltype(real_mmap()) real, void* address, std::size_t size, int protection, int flags, int fd,
          off_t offset) {
    if (real == nullptr) return reinterpret_cast<void*>(missing<long>());
    const int type = flags & MAP_TYPE;
    if (fd < 0 || (type != MAP_SHARED && type != MAP_SHARED_VALIDATE) || !outside())
        return real(address, size, protection, flags, fd, offset);
    const auto instead = mapped_descriptor(fd, size, offset);
    if (!instead) return real(address, size, protection, flags, fd, offset);
    if (*instead < 0) return reinterpret_cast<void*>(returned(*instead));
    void* const mapped = real(address, size, protection, flags, static_cast<int>(*instead), offset);
    const int error = errno;
    if (const auto real_close_it = real_close()) real_close_it(static_cast<int>(*instead));
    errno = error;
    return mapped;
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
    if (file) has_closed(*file);
    return result;
}

EXPORT void* mmap(void* address, std::size_t size, int protection, int flags, int fd, off_t offset) {
    return map(real_mmap(), address, size, protection, flags, fd, offset);
}
EXPORT void* mmap64(void* address, std::size_t size, int protection, int flags, int fd, off_t offset) {
    return map(real_mmap64(), address, size, protection, flags, fd, offset);
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
