#include "runtime/syscall-server/event_query.h"

#include <fcntl.h>

#include <algorithm>

#include "runtime/syscall-server/user_memory.h"
#include "vm/core/kernel_names.h"

namespace bpftime {

namespace {

struct Description {
    std::uint32_t type = 0;  // enum bpf_task_fd_type
    std::string name;
    std::uint64_t offset = 0, address = 0;
};

Result<Description> describe(const ProbeTarget& target) {
    const ProbeSite& site = target.sites.front();
    switch (target.kind) {
        // The kernel puts a uprobe's semaphore where other probes have an address.
        case ProbeKind::Uprobe: return Description{BPF_FD_TYPE_UPROBE, target.path, site.offset, site.ref_ctr_offset};
        case ProbeKind::Uretprobe:
            return Description{BPF_FD_TYPE_URETPROBE, target.path, site.offset, site.ref_ctr_offset};
        case ProbeKind::Tracepoint:
            return Description{BPF_FD_TYPE_TRACEPOINT, target.tracepoint.substr(target.tracepoint.find(':') + 1)};
        case ProbeKind::Sampling:
        case ProbeKind::Output: break;
    }
    return fail(failure("nothing is known of programs on such an event").with_errno(EOPNOTSUPP));
}

}  // namespace

Result<long> query_event(BpfSession& session, bpf_attr& attr, const std::string& path) {
    const auto no_event = [] {
        return fail(failure("no program is attached to this descriptor").with_errno(kNotSupported));
    };
    // Opens nothing that could notice: the descriptor may be of any kind.
    const Fd file(openat(AT_FDCWD, path.c_str(), O_PATH | O_CLOEXEC));
    if (!file) return no_event();
    const auto event = session.registry.get<PerfEventObject>(file.get());
    if (!event) return no_event();
    const std::uint32_t program = (*event)->page->program;
    if (program == 0) return fail(failure("the event has no program").with_errno(ENOENT));
    const Description known = BPFTIME_TRY(describe((*event)->target));
    auto& query = attr.task_fd_query;
    const std::uint32_t room = query.buf_len;
    const bool offered = query.buf != 0 && room != 0;
    if (offered) {
        Bytes bytes(known.name.begin(), known.name.end());
        bytes.resize(std::min<std::size_t>(bytes.size(), room - 1));
        bytes.push_back(0);
        BPFTIME_CHECK(write_user(query.buf, bytes));
    }
    query.buf_len = static_cast<std::uint32_t>(known.name.size());
    query.prog_id = program;
    query.fd_type = known.type;
    query.probe_offset = known.offset;
    query.probe_addr = known.address;
    if (offered && room <= known.name.size())
        return fail(failure("the buffer for a name is too small").with_errno(ENOSPC));
    return 0;
}

}  // namespace bpftime
