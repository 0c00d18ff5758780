#include "runtime/attach/live_text.h"

#include <fcntl.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace bpftime::attach {

namespace {

Error system_failure(std::string_view what) {
    const int error = errno;
    return failure(what, ": ", std::strerror(error)).with_errno(error);
}

long membarrier(int command) { return syscall(SYS_membarrier, command, 0, 0); }

}  // namespace

Status write_text(std::uint64_t address, std::span<const std::uint8_t> bytes) {
    const int memory = openat(AT_FDCWD, "/proc/self/mem", O_WRONLY | O_CLOEXEC);
    if (memory < 0) return fail(system_failure("cannot open /proc/self/mem to patch code"));
    const ssize_t written = pwrite(memory, bytes.data(), bytes.size(), static_cast<off_t>(address));
    const int error = errno;
    close(memory);
    errno = error;
    if (written == static_cast<ssize_t>(bytes.size())) return {};
    return fail(system_failure(cat("cannot patch code at ", hex(address))));
}

// Registered at each first use after a fork as well: registration belongs to the memory, which a child has its own copy of.
Status sync_text() {
    if (membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE) == 0) return {};
    if (errno == EPERM && membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE) == 0 &&
        membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE) == 0)
        return {};
    return fail(system_failure("membarrier() cannot bring all threads in step"));
}

}  // namespace bpftime::attach
