// The file and the places that uprobes name, checked as the kernel checks them.
#pragma once

#include "runtime/registry/objects.h"
#include "vm/core/result.h"

namespace bpftime {

struct ProbeFile {
    std::string path;  // absolute, without symbolic links: "./victim" and "/proc/self/exe" mean this process's
    FileIdentity file;
    std::uint64_t size = 0;
};

// Errors of path lookup, and `not_regular` for anything but a regular file.
Result<ProbeFile> resolve_probe_file(const std::string& path, int not_regular);

// EINVAL for an offset behind the file's end or a semaphore at an odd offset.
Status check_probe_site(const ProbeFile& file, const ProbeSite& site);

}  // namespace bpftime
