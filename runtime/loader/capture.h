// While a Capture lives, the system calls that libbpf makes on this thread end in its session instead of the kernel.
// Linked in by
// --wrap (CMakeLists.txt): every other thread, and everything else, reaches the real functions.
#pragma once

#include <optional>
#include <string>

#include "runtime/syscall-server/bpf_call.h"

namespace bpftime {

class Capture {
public:
    // `kernel_btf` is what libbpf finds as the running kernel's BTF.
    Capture(BpfSession& session, std::string kernel_btf);
    Capture(const Capture&) = delete;
    Capture& operator=(const Capture&) = delete;
    ~Capture();

    // The capture of this thread, or null.
    static Capture* current();

    long bpf(int command, void* attr, unsigned size);
    // The file to open for `path`: files of the kernel that mean nothing in userspace are replaced.
    const char* redirect(const char* path) const;

    // Why the last PROG_LOAD, or MAP_CREATE, that failed did.
    const std::optional<Error>& load_error() const { return load_error_; }
    const std::optional<Error>& map_error() const { return map_error_; }

private:
    BpfSession& session_;
    std::string kernel_btf_;
    std::optional<Error> load_error_, map_error_;
};

}  // namespace bpftime
