#include "runtime/syscall-server/kernel_btf_object.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "runtime/registry/fd.h"
#include "runtime/syscall-server/user_memory.h"

namespace bpftime {

namespace {

constexpr const char* kFile = "/sys/kernel/btf/vmlinux";
constexpr std::string_view kName = "vmlinux";

// sysfs gives a page at a time.
bool read_whole(int fd, std::span<std::uint8_t> bytes) {
    for (std::size_t at = 0; at < bytes.size();) {
        const ssize_t count = pread(fd, bytes.data() + at, bytes.size() - at, static_cast<off_t>(at));
        if (count <= 0) return false;
        at += static_cast<std::size_t>(count);
    }
    return true;
}

}  // namespace

bool has_kernel_btf() { return faccessat(AT_FDCWD, kFile, R_OK, 0) == 0; }

Result<int> open_kernel_btf() {
    Fd file(openat(AT_FDCWD, kFile, O_RDONLY | O_CLOEXEC));
    if (file && file.get() <= STDERR_FILENO) file = Fd(fcntl(file.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!file) return fail(failure("cannot open ", kFile, ": ", std::strerror(errno)).with_errno(errno));
    return file.release();
}

bool is_kernel_btf(int fd) {
    struct stat file {}, given {};
    return fstat(fd, &given) == 0 && stat(kFile, &file) == 0 && file.st_dev == given.st_dev && file.st_ino == given.st_ino;
}

Result<bpf_btf_info> describe_kernel_btf(int fd, const bpf_btf_info& asked) {
    struct stat status {};
    if (fstat(fd, &status) != 0) return fail(failure("fstat: ", std::strerror(errno)).with_errno(errno));
    bpf_btf_info info = asked;
    info.id = kKernelBtfId;
    info.kernel_btf = 1;
    info.btf_size = static_cast<std::uint32_t>(status.st_size);
    Bytes bytes(std::min(asked.btf_size, info.btf_size));
    if (!read_whole(fd, bytes)) return fail(failure("cannot read ", kFile).with_errno(EIO));
    BPFTIME_CHECK(write_user(asked.btf, bytes));
    if ((asked.name == 0) != (asked.name_len == 0)) return fail(failure("room for the name needs address and size"));
    info.name_len = kName.size();
    if (asked.name == 0) return info;
    Bytes name(kName.begin(), kName.end());
    const bool fits = asked.name_len > kName.size();
    if (!fits) name.resize(asked.name_len - 1);
    name.push_back(0);
    BPFTIME_CHECK(write_user(asked.name, name));
    if (!fits) return fail(failure("the room for the name is too small").with_errno(ENOSPC));
    return info;
}

}  // namespace bpftime
