#include "runtime/syscall-server/user_memory.h"

#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace bpftime {

namespace {

constexpr std::uint64_t kFirstPage = 4096;

Error bad_address(std::uint64_t address) {
    return failure("address ", hex(address), " cannot be accessed").with_errno(EFAULT);
}

// Bytes copied between this process and itself, stopping at the first page that is not there; -1 when nothing was.
ssize_t copy(bool write, std::uint64_t address, void* local, std::size_t size) {
    iovec here{local, size}, there{reinterpret_cast<void*>(address), size};
    return write ? process_vm_writev(getpid(), &here, 1, &there, 1, 0)
                 : process_vm_readv(getpid(), &here, 1, &there, 1, 0);
}

// Where the kernel forbids the checked copy (ptrace restrictions, seccomp), a plain one has to do.
bool unchecked() { return errno == EPERM || errno == ENOSYS; }

}  // namespace

Status read_user(std::uint64_t address, std::span<std::uint8_t> out) {
    if (out.empty()) return {};
    if (address < kFirstPage) return fail(bad_address(address));
    const ssize_t count = copy(false, address, out.data(), out.size());
    if (count == static_cast<ssize_t>(out.size())) return {};
    if (count >= 0 || !unchecked()) return fail(bad_address(address));
    std::memcpy(out.data(), reinterpret_cast<const void*>(address), out.size());
    return {};
}

Status write_user(std::uint64_t address, ByteView bytes) {
    if (bytes.empty()) return {};
    if (address < kFirstPage) return fail(bad_address(address));
    const ssize_t count = copy(true, address, const_cast<std::uint8_t*>(bytes.data()), bytes.size());
    if (count == static_cast<ssize_t>(bytes.size())) return {};
    if (count >= 0 || !unchecked()) return fail(bad_address(address));
    std::memcpy(reinterpret_cast<void*>(address), bytes.data(), bytes.size());
    return {};
}

Result<std::string> read_user_string(std::uint64_t address, std::size_t limit) {
    if (address < kFirstPage) return fail(bad_address(address));
    std::string text(limit, '\0');
    const ssize_t count = copy(false, address, text.data(), limit);
    if (count < 0 && unchecked()) {
        text.assign(reinterpret_cast<const char*>(address), strnlen(reinterpret_cast<const char*>(address), limit));
        if (text.size() == limit)
            return fail(failure("the string is longer than ", limit - 1, " bytes").with_errno(E2BIG));
        return text;
    }
    if (count < 0) return fail(bad_address(address));
    const std::size_t end = text.find('\0');
    if (end >= static_cast<std::size_t>(count)) {
        if (static_cast<std::size_t>(count) < limit) return fail(bad_address(address));
        return fail(failure("the string is longer than ", limit - 1, " bytes").with_errno(E2BIG));
    }
    text.resize(end);
    return text;
}

}  // namespace bpftime
