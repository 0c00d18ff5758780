#include "runtime/loader/kernel_btf.h"

#include <bpf/btf.h>
#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstring>
#include <memory>

#include "runtime/loader/libbpf_log.h"

namespace bpftime {

namespace {

// Where distributions put kernels with BTF that does not show in sysfs; "%" stands for the release.
constexpr const char* kKernelFiles[] = {"/boot/vmlinux-%", "/lib/modules/%/vmlinux-%", "/lib/modules/%/build/vmlinux",
                                        "/usr/lib/debug/boot/vmlinux-%", "/usr/lib/debug/lib/modules/%/vmlinux"};

Fd open_running_kernel() {
    Fd fd(open("/sys/kernel/btf/vmlinux", O_RDONLY | O_CLOEXEC));
    utsname names{};
    if (fd || uname(&names) != 0) return fd;
    for (std::string path : kKernelFiles) {
        for (std::size_t at = path.find('%'); at != std::string::npos; at = path.find('%'))
            path.replace(at, 1, names.release);
        fd = Fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
        if (fd) break;
    }
    return fd;
}

struct FreeBtf {
    void operator()(btf* object) const { btf__free(object); }
};

// A wrong file is named here, in one sentence, and not by what libbpf makes of it later.
Status check_target(const std::string& path) {
    const std::lock_guard lock(libbpf_mutex());
    const LibbpfLog quiet;
    const std::unique_ptr<btf, FreeBtf> parsed(btf__parse(path.c_str(), nullptr));
    if (parsed != nullptr) return {};
    const int error = errno;
    if (error == ENOENT || error == EACCES || error == EISDIR)
        return fail(failure("cannot read the target's BTF: ", std::strerror(error)).in_file(path).with_errno(error));
    return fail(failure("this is neither BTF nor an ELF file with BTF").in_file(path));
}

}  // namespace

Result<BtfFile> open_target_btf(const std::string& path) {
    if (path.empty()) return BtfFile(open_running_kernel());
    BPFTIME_CHECK(check_target(path));
    Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return fail(failure("cannot read the target's BTF: ", std::strerror(errno)).in_file(path));
    return BtfFile(std::move(fd));
}

Result<BtfFile> make_empty_btf() {
    // struct btf_header, no types, one empty string.
    const struct {
        std::uint16_t magic = 0xeb9f;
        std::uint8_t version = 1, flags = 0;
        std::uint32_t header_size = 24, type_offset = 0, type_size = 0, string_offset = 0, string_size = 1;
        char strings[4] = {};
    } empty;
    Fd fd = BPFTIME_TRY(anonymous_file("btf", 0));
    const std::size_t size = empty.header_size + empty.string_size;
    if (write(fd.get(), &empty, size) != static_cast<ssize_t>(size))
        return fail(failure("cannot write an anonymous file: ", std::strerror(errno)));
    return BtfFile(std::move(fd));
}

}  // namespace bpftime
