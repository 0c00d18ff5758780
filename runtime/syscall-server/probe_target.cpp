#include "runtime/syscall-server/probe_target.h"

#include <sys/stat.h>

#include <cstdlib>
#include <cstring>
#include <memory>

namespace bpftime {

Result<ProbeFile> resolve_probe_file(const std::string& path, int not_regular) {
    const std::unique_ptr<char, decltype(&std::free)> resolved(realpath(path.c_str(), nullptr), &std::free);
    struct stat status {};
    if (!resolved || stat(resolved.get(), &status) != 0) {
        const int error = errno;
        return fail(failure("cannot find '", path, "': ", std::strerror(error)).with_errno(error));
    }
    if (!S_ISREG(status.st_mode)) return fail(failure("'", path, "' is not a regular file").with_errno(not_regular));
    return ProbeFile{resolved.get(), {status.st_dev, status.st_ino}, static_cast<std::uint64_t>(status.st_size)};
}

Status check_probe_site(const ProbeFile& file, const ProbeSite& site) {
    if (site.offset > file.size)
        return fail(failure("offset ", hex(site.offset), " is behind the end of '", file.path, "'"));
    if (site.ref_ctr_offset % 2 != 0)
        return fail(failure("the semaphore at offset ", hex(site.ref_ctr_offset), " is not aligned"));
    return {};
}

}  // namespace bpftime
