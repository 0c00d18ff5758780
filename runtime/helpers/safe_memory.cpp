#include "runtime/helpers/safe_memory.h"

#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "runtime/helpers/guarded_copy.h"
#include "runtime/maps/thread_id.h"

namespace bpftime {

namespace {

constexpr std::uint64_t kPageSize = 4096;  // the smallest page: what is readable changes at its multiples only
constexpr std::size_t kChunk = 256;

using Transfer = ssize_t (*)(pid_t, const iovec*, unsigned long, const iovec*, unsigned long, unsigned long);

int transfer(Transfer call, void* local, std::uint64_t remote, std::size_t size) {
    if (size == 0) return 0;
    iovec here{local, size};
    iovec there{reinterpret_cast<void*>(remote), size};
    const int kept_errno = errno;  // the traced code's
    const ssize_t moved = call(static_cast<pid_t>(task_ids().process), &here, 1, &there, 1, 0);
    errno = kept_errno;
    return moved == static_cast<ssize_t>(size) ? 0 : -EFAULT;
}

}  // namespace

int safe_read(void* to, std::uint64_t from, std::size_t size) {
    if (copies_are_guarded()) return guarded_copy(to, reinterpret_cast<const void*>(from), size) ? 0 : -EFAULT;
    return transfer(process_vm_readv, to, from, size);
}

int safe_write(std::uint64_t to, const void* from, std::size_t size) {
    if (copies_are_guarded()) return guarded_copy(reinterpret_cast<void*>(to), from, size) ? 0 : -EFAULT;
    return transfer(process_vm_writev, const_cast<void*>(from), to, size);
}

std::int64_t safe_read_string(char* to, std::uint64_t from, std::size_t size) {
    for (std::size_t done = 0; done < size;) {
        const std::size_t to_page_end = kPageSize - (from + done) % kPageSize;
        const std::size_t step = std::min({size - done, to_page_end, kChunk});
        if (const int error = safe_read(to + done, from + done, step)) return error;
        if (const void* end = std::memchr(to + done, 0, step)) return static_cast<const char*>(end) - to + 1;
        done += step;
    }
    if (size > 0) to[size - 1] = 0;
    return static_cast<std::int64_t>(size);
}

}  // namespace bpftime
