// BTF for libbpf to relocate against, as files that it can open.
#pragma once

#include <string>

#include "runtime/registry/fd.h"
#include "vm/core/result.h"

namespace bpftime {

// An open file with BTF and a path that leads to it as long as this lives.
class BtfFile {
public:
    BtfFile() = default;
    explicit BtfFile(Fd fd) : fd_(std::move(fd)) {}
    explicit operator bool() const { return static_cast<bool>(fd_); }
    std::string path() const { return cat("/proc/self/fd/", fd_.get()); }

private:
    Fd fd_;
};

// The target's BTF: the file at `path` (raw BTF or an ELF file with it), which is checked; without a path the running
// kernel's, or none (false) when it has none.
Result<BtfFile> open_target_btf(const std::string& path);

// BTF of a kernel in which nothing exists.
Result<BtfFile> make_empty_btf();

}  // namespace bpftime
