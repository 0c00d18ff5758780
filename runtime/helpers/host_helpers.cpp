// What the host knows of the calling thread: its identity to the kernel, its pid namespace and its cgroup.
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstring>

#include "runtime/helpers/functions.h"
#include "runtime/maps/thread_id.h"

namespace bpftime::helpers {

namespace {

constexpr int kNoDirectory = -1;

class KeepErrno {
public:
    KeepErrno() : saved_(errno) {}
    KeepErrno(const KeepErrno&) = delete;
    KeepErrno& operator=(const KeepErrno&) = delete;
    ~KeepErrno() { errno = saved_; }

private:
    int saved_;
};

u64 now(clockid_t clock) {
    timespec time{};
    clock_gettime(clock, &time);
    return static_cast<u64>(time.tv_sec) * 1'000'000'000 + static_cast<u64>(time.tv_nsec);
}

// ---- Control groups -------------------------------------------------------------------------------------------------

constexpr const char* kMounts[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};  // of version 2, alone and beside version 1
constexpr const char* kOwn = "/proc/thread-self/cgroup";

// The path behind "0::" of the calling thread's cgroup, in `text`; null where it cannot be read.
const char* own_cgroup(char* text, std::size_t size) {
    const int fd = openat(AT_FDCWD, kOwn, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return nullptr;
    std::size_t length = 0;
    for (ssize_t got = 1; got > 0 && length < size - 1; length += got > 0 ? static_cast<std::size_t>(got) : 0)
        got = read(fd, text + length, size - 1 - length);
    close(fd);
    text[length] = 0;
    for (char* line = text; line != nullptr && *line != 0;) {
        char* const end = std::strchr(line, '\n');
        if (std::strncmp(line, "0::/", 4) == 0 && end != nullptr) {
            *end = 0;
            return line + 4;
        }
        line = end == nullptr ? nullptr : end + 1;
    }
    return nullptr;
}

// The id is the inode number of the cgroup's directory.
u64 ask_cgroup() {
    char text[4096];
    const char* const path = own_cgroup(text, sizeof text);
    if (path == nullptr) return 0;
    for (const char* mount : kMounts) {
        struct statfs system {};
        struct stat status {};
        const int fd = openat(AT_FDCWD, mount, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd == kNoDirectory) continue;
        const bool found = fstatfs(fd, &system) == 0 && system.f_type == CGROUP2_SUPER_MAGIC &&
                           fstatat(fd, *path == 0 ? "." : path, &status, 0) == 0;
        close(fd);
        if (found) return status.st_ino;
    }
    return 0;
}

struct KnownCgroup {
    u64 id = 0;
    u64 asked = 0;
    std::uint32_t thread = 0;
};
__attribute__((tls_model("initial-exec"))) thread_local constinit KnownCgroup known_cgroup;
constexpr u64 kCgroupAge = 100'000'000;  // ns that an answer is good for

// ---- Pid namespaces -------------------------------------------------------------------------------------------------

struct NamespaceInfo {  // struct bpf_pidns_info
    std::uint32_t pid, tgid;
};

}  // namespace

// Of version 2 of control groups; 0, which no cgroup has, where this process cannot know it. A move to another cgroup
// shows after a tenth of a second at the latest.
u64 get_current_cgroup_id(u64, u64, u64, u64, u64) {
    const KeepErrno keep;
    const u64 time = now(CLOCK_MONOTONIC_COARSE);
    const std::uint32_t me = thread_id();
    if (known_cgroup.thread != me || time - known_cgroup.asked > kCgroupAge) known_cgroup = {ask_cgroup(), time, me};
    return known_cgroup.id;
}

// An address of the kernel's that stands for the calling thread: always the same for one, another for any other that
// lives. As with any address of the kernel nothing can be read there.
u64 get_current_task(u64, u64, u64, u64, u64) {
    constexpr u64 kKernel = 0xffff'8880'0000'0000, kTaskSize = 1u << 14;
    return kKernel + u64{thread_id()} * kTaskSize;
}

// Ids as the pid namespace `device`, `inode` has them, which must be the process's own.
u64 get_ns_current_pid_tgid(u64 device, u64 inode, u64 out, u64 size, u64) {
    const KeepErrno keep;
    size = static_cast<std::uint32_t>(size);
    struct stat status {};
    const bool own = size == sizeof(NamespaceInfo) && fstatat(AT_FDCWD, "/proc/self/ns/pid", &status, 0) == 0 &&
                     status.st_dev == device && status.st_ino == inode;
    if (!own) {
        std::memset(pointer(out), 0, size);
        return result(-EINVAL);
    }
    const TaskIds ids = task_ids();
    *pointer<NamespaceInfo>(out) = {ids.thread, ids.process};
    return 0;
}

// Ticks of the kernel, whose length is the resolution of its coarse clock. They began five minutes before their low 32
// bits run over (INITIAL_JIFFIES), when the machine started.
u64 jiffies64(u64, u64, u64, u64, u64) {
    timespec tick{};
    clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
    const u64 length = tick.tv_nsec > 0 ? static_cast<u64>(tick.tv_nsec) : 1;
    constexpr u64 kSecond = 1'000'000'000;
    const u64 initial = static_cast<std::uint32_t>(0 - 300 * (kSecond / length));
    return initial + now(CLOCK_MONOTONIC_COARSE) / length;
}

}  // namespace bpftime::helpers
