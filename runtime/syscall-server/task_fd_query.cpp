// BPF_TASK_FD_QUERY: which program is attached to a descriptor of a process.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/syscall-server/handlers.h"
#include "runtime/syscall-server/user_memory.h"

namespace bpftime {

namespace {

// The file that another process's descriptor leads to, as a descriptor of ours. ENOENT, EBADF.
Result<Fd> borrow(std::uint32_t pid, std::uint32_t fd) {
    const std::string process = cat("/proc/", pid);
    struct stat status {};
    if (pid == 0 || stat(process.c_str(), &status) != 0)
        return fail(failure("there is no process ", pid).with_errno(ENOENT));
    Fd file(open(cat(process, "/fd/", fd).c_str(), O_PATH | O_CLOEXEC));
    if (!file) return fail(failure("file descriptor ", fd, " is not open there").with_errno(EBADF));
    return file;
}

// The type of descriptor for a kind of probe, and the name that goes with it: the file, or the tracepoint without its
// category.
struct Attached {
    bpf_task_fd_type type;
    std::string name;
};
Result<Attached> attached(const ProbeTarget& target) {
    switch (target.kind) {
        case ProbeKind::Uprobe: return Attached{BPF_FD_TYPE_UPROBE, target.path};
        case ProbeKind::Uretprobe: return Attached{BPF_FD_TYPE_URETPROBE, target.path};
        case ProbeKind::Tracepoint:
            return Attached{BPF_FD_TYPE_TRACEPOINT, target.tracepoint.substr(target.tracepoint.find(':') + 1)};
        case ProbeKind::Sampling:
        case ProbeKind::Output: break;
    }
    return fail(failure("the event has no place to tell of").with_errno(EOPNOTSUPP));
}

// The name as far as there is room for it, and its length without the NUL. Told before the rest is: ENOSPC when it was
// cut.
Status offer_name(bpf_attr& attr, const std::string& name) {
    const std::uint32_t room = attr.task_fd_query.buf_len;
    const auto length = static_cast<std::uint32_t>(name.size());
    if (room == 0 || attr.task_fd_query.buf == 0) {
        attr.task_fd_query.buf_len = length;
        return {};
    }
    const std::string_view fits = std::string_view(name).substr(0, room - 1);
    Bytes bytes(fits.begin(), fits.end());
    bytes.push_back(0);
    BPFTIME_CHECK(write_user(attr.task_fd_query.buf, bytes));
    attr.task_fd_query.buf_len = length;
    if (fits.size() < name.size()) return fail(failure("the buffer for a name is too small").with_errno(ENOSPC));
    return {};
}

}  // namespace

Result<long> task_fd_query(BpfSession& session, bpf_attr& attr) {
    if (attr.task_fd_query.flags != 0) return fail(failure("TASK_FD_QUERY takes no flags"));
    const Fd file = BPFTIME_TRY(borrow(attr.task_fd_query.pid, attr.task_fd_query.fd));
    const auto event = session.registry.get<PerfEventObject>(file.get());
    if (!event) return fail(failure("no program is attached to this descriptor").with_errno(kNotSupported));
    const std::uint32_t program = (*event)->page->program;
    if (program == 0) return fail(failure("the event has no program").with_errno(ENOENT));
    const Attached what = BPFTIME_TRY(attached((*event)->target));
    const Status named = offer_name(attr, what.name);
    if (!named && named.error().errnum != ENOSPC) return fail(Error(named.error()));
    const bool uprobe = what.type != BPF_FD_TYPE_TRACEPOINT;
    attr.task_fd_query.prog_id = program;
    attr.task_fd_query.fd_type = what.type;
    attr.task_fd_query.probe_offset = uprobe ? (*event)->target.sites.front().offset : 0;
    // Linux tells the semaphore of a uprobe where other probes have their address.
    attr.task_fd_query.probe_addr = uprobe ? (*event)->target.sites.front().ref_ctr_offset : 0;
    if (!named) return fail(Error(named.error()));
    return 0;
}

}  // namespace bpftime
