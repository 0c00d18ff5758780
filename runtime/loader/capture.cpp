#include "runtime/loader/capture.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace bpftime {

namespace {
constinit thread_local Capture* current_capture = nullptr;
}

Capture::Capture(BpfSession& session, std::string kernel_btf) : session_(session), kernel_btf_(std::move(kernel_btf)) {
    current_capture = this;
}
Capture::~Capture() { current_capture = nullptr; }
Capture* Capture::current() { return current_capture; }

long Capture::bpf(int command, void* attr, unsigned size) {
    const long result = bpf_call(session_, command, attr, size);
    if (result < 0 && command == BPF_PROG_LOAD) load_error_ = session_.error;
    if (result < 0 && command == BPF_MAP_CREATE) map_error_ = session_.error;
    return result;
}

const char* Capture::redirect(const char* path) const {
    if (std::strcmp(path, "/sys/kernel/btf/vmlinux") == 0) return kernel_btf_.c_str();
    if (std::strcmp(path, "/proc/kallsyms") == 0) return "/dev/null";
    return path;
}

}  // namespace bpftime

// The names that --wrap gives: __wrap_X is called for X, __real_X is X itself.
extern "C" {
long __real_syscall(long number, ...);
int __real_open(const char* path, int flags, ...);
int __real_open64(const char* path, int flags, ...);
FILE* __real_fopen(const char* path, const char* mode);
FILE* __real_fopen64(const char* path, const char* mode);
int __real_faccessat(int directory, const char* path, int mode, int flags);

long __wrap_syscall(long number, ...);
int __wrap_open(const char* path, int flags, ...);
int __wrap_open64(const char* path, int flags, ...);
FILE* __wrap_fopen(const char* path, const char* mode);
FILE* __wrap_fopen64(const char* path, const char* mode);
int __wrap_faccessat(int directory, const char* path, int mode, int flags);
}

namespace {

// libbpf only reads while it loads, except for kprobe_events where the kernel lacks perf probes: not in our name.
bool forbidden(int flags) { return (flags & O_ACCMODE) != O_RDONLY; }

mode_t mode_argument(int flags, va_list arguments) {
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

template <class Real>
int open_file(Real real, const char* path, int flags, mode_t mode) {
    const bpftime::Capture* capture = bpftime::Capture::current();
    if (capture == nullptr) return real(path, flags, mode);
    if (forbidden(flags)) {
        errno = EACCES;
        return -1;
    }
    return real(capture->redirect(path), flags, mode);
}

}  // namespace

long __wrap_syscall(long number, ...) {
    va_list arguments;
    va_start(arguments, number);
    long a[6];
    for (long& argument : a) argument = va_arg(arguments, long);
    va_end(arguments);
    bpftime::Capture* capture = bpftime::Capture::current();
    if (capture != nullptr && number == SYS_bpf) {
        const long result =
            capture->bpf(static_cast<int>(a[0]), reinterpret_cast<void*>(a[1]), static_cast<unsigned>(a[2]));
        if (result >= 0) return result;
        errno = static_cast<int>(-result);
        return -1;
    }
    // Asked whether system calls have wrappers whose arguments lie in a second pt_regs: not in userspace.
    if (capture != nullptr && number == SYS_perf_event_open) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

int __wrap_open(const char* path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_argument(flags, arguments);
    va_end(arguments);
    return open_file(__real_open, path, flags, mode);
}

int __wrap_open64(const char* path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_argument(flags, arguments);
    va_end(arguments);
    return open_file(__real_open64, path, flags, mode);
}

FILE* __wrap_fopen(const char* path, const char* mode) {
    const bpftime::Capture* capture = bpftime::Capture::current();
    return __real_fopen(capture != nullptr ? capture->redirect(path) : path, mode);
}

FILE* __wrap_fopen64(const char* path, const char* mode) {
    const bpftime::Capture* capture = bpftime::Capture::current();
    return __real_fopen64(capture != nullptr ? capture->redirect(path) : path, mode);
}

int __wrap_faccessat(int directory, const char* path, int mode, int flags) {
    const bpftime::Capture* capture = bpftime::Capture::current();
    return __real_faccessat(directory, capture != nullptr ? capture->redirect(path) : path, mode, flags);
}
