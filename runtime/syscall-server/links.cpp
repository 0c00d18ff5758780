#include "runtime/syscall-server/links.h"

#include <limits.h>
#include <signal.h>

#include "runtime/syscall-server/info_answer.h"
#include "runtime/syscall-server/link_uapi.h"
#include "runtime/syscall-server/perf_events.h"
#include "runtime/syscall-server/probe_target.h"
#include "vm/core/kernel_names.h"

namespace bpftime {

namespace {

constexpr std::uint32_t kMaxSites = 1u << 20;  // MAX_UPROBE_MULTI_CNT of the kernel
constexpr std::uint32_t kReplace = 4;          // BPF_F_REPLACE

// ---- Perf events ----------------------------------------------------------------------------------------------------

Result<long> link_perf_event(BpfSession& session, const bpf_attr& attr, std::shared_ptr<ProgramObject> program) {
    if (attr.link_create.flags != 0) return fail(failure("links on perf events take no flags"));
    auto event = session.registry.get<PerfEventObject>(static_cast<int>(attr.link_create.target_fd));
    if (!event) return fail(std::move(event).error().with_errno(EBADF));
    BPFTIME_CHECK(attach_to_event(**event, *program));
    auto link = std::make_shared<LinkObject>();
    link->event = *event;
    link->program = std::move(program);
    link->attach_type = kAttachPerfEvent;
    link->target = (*event)->target;
    link->target.sites.front().cookie = attr.link_create.perf_event.bpf_cookie;
    const auto fd = session.registry.publish(link);
    if (fd) (*event)->page->link = link->id;
    else (*event)->page->program = 0;
    return fd ? Result<long>(*fd) : fail(Error(fd.error()));
}

// ---- Many places at once --------------------------------------------------------------------------------------------

Result<std::vector<std::uint64_t>> read_numbers(std::uint64_t address, std::uint32_t count) {
    std::vector<std::uint64_t> numbers(count);
    if (address == 0) return numbers;
    BPFTIME_CHECK(read_user(address, {reinterpret_cast<std::uint8_t*>(numbers.data()), numbers.size() * 8}));
    return numbers;
}

Result<std::vector<ProbeSite>> read_sites(const UprobeMultiAttributes& asked) {
    const auto offsets = BPFTIME_TRY(read_numbers(asked.offsets, asked.count));
    const auto semaphores = BPFTIME_TRY(read_numbers(asked.ref_ctr_offsets, asked.count));
    const auto cookies = BPFTIME_TRY(read_numbers(asked.cookies, asked.count));
    std::vector<ProbeSite> sites;
    sites.reserve(asked.count);
    for (std::uint32_t i = 0; i < asked.count; ++i) sites.push_back({offsets[i], semaphores[i], cookies[i]});
    return sites;
}

Status check_process(std::uint32_t pid) {
    if (pid == 0 || kill(static_cast<pid_t>(pid), 0) == 0 || errno == EPERM) return {};
    return fail(failure("there is no process ", pid).with_errno(ESRCH));
}

Result<long> link_uprobes(BpfSession& session, const bpf_attr& attr, std::shared_ptr<ProgramObject> program) {
    UprobeMultiAttributes asked{};
    std::memcpy(&asked, reinterpret_cast<const std::uint8_t*>(&attr) + UprobeMultiAttributes::kOffset,
                offsetof(UprobeMultiAttributes, pid) + sizeof(asked.pid));
    if (attr.link_create.flags != 0 || (asked.flags & ~kUprobeMultiReturn) != 0)
        return fail(failure("unknown flags of a link on uprobes"));
    if (program->program.expected_attach_type != kAttachUprobeMulti)
        return fail(failure("program '", program->program.name, "' was not loaded for links on uprobes"));
    if (asked.path == 0 || asked.offsets == 0 || asked.count == 0 || static_cast<std::int32_t>(asked.pid) < 0)
        return fail(failure("a link on uprobes needs a path, offsets and, if any, a process"));
    if (asked.count > kMaxSites)
        return fail(failure("a link on uprobes has at most ", kMaxSites, " places").with_errno(E2BIG));
    auto path = read_user_string(asked.path, PATH_MAX);
    if (!path) return fail(std::move(path).error().with_errno(path.error().errnum == E2BIG ? EINVAL : EFAULT));
    ProbeFile file = BPFTIME_TRY(resolve_probe_file(*path, EBADF));
    BPFTIME_CHECK(check_process(asked.pid));
    auto link = std::make_shared<LinkObject>();
    link->target.sites = BPFTIME_TRY(read_sites(asked));
    for (const ProbeSite& site : link->target.sites) {
        if (static_cast<std::int64_t>(site.offset) < 0) return fail(failure("an offset is negative"));
        BPFTIME_CHECK(check_probe_site(file, site));
    }
    link->program = std::move(program);
    link->attach_type = kAttachUprobeMulti;
    link->flags = asked.flags;
    link->target.kind = (asked.flags & kUprobeMultiReturn) != 0 ? ProbeKind::Uretprobe : ProbeKind::Uprobe;
    link->target.path = std::move(file.path);
    link->target.file = file.file;
    link->target.pid = asked.pid;
    return BPFTIME_TRY(session.registry.publish(std::move(link)));
}

// ---- Which programs take which attach types (bpf_prog_attach_check_attach_type of the kernel) -----------------------

Status check_attach_type(const ProgramObject& program, std::uint32_t attach_type) {
    const auto wrong = [&] {
        return fail(failure("program '", program.program.name, "' cannot be attached with attach type ", attach_type));
    };
    const auto type = static_cast<ProgType>(program.program.type);
    if (type == ProgType::Tracepoint || type == ProgType::PerfEvent)
        return attach_type == kAttachPerfEvent ? Status() : wrong();
    constexpr std::uint32_t kMulti[] = {kAttachKprobeMulti, kAttachKprobeSession, kAttachUprobeMulti,
                                        kAttachUprobeSession};
    const bool probe = attach_type == kAttachPerfEvent || std::ranges::find(kMulti, attach_type) != std::end(kMulti);
    if (type != ProgType::Kprobe) return probe ? wrong() : Status();
    for (const std::uint32_t multi : kMulti)
        if (program.program.expected_attach_type == multi && attach_type != multi) return wrong();
    return probe ? Status() : wrong();
}

// ---- What is known of a link ----------------------------------------------------------------------------------------

// Copies a name into the caller's buffer and says how long it is with its NUL. ENOSPC when it had to be cut.
Status offer_name(std::uint64_t address, std::uint32_t room, const std::string& name, std::uint32_t& length) {
    length = static_cast<std::uint32_t>(name.size() + 1);
    if (address == 0) return {};
    Bytes bytes(name.begin(), name.end());
    const bool fits = length <= room;
    if (!fits) bytes.resize(room - 1);
    bytes.push_back(0);
    BPFTIME_CHECK(write_user(address, bytes));
    if (!fits) return fail(failure("the buffer for a name is too small").with_errno(ENOSPC));
    return {};
}

Status check_name_buffer(std::uint64_t address, std::uint32_t room) {
    if ((address == 0) == (room == 0)) return {};
    return fail(failure("a buffer for a name needs an address and a size"));
}

Status describe_perf(LinkInfo& info, const LinkInfo& asked, const ProbeTarget& target) {
    const ProbeSite& site = target.sites.front();
    LinkInfo::Perf& perf = info.perf;
    perf = {};
    if (target.kind == ProbeKind::Uprobe || target.kind == ProbeKind::Uretprobe) {
        const bool returns = target.kind == ProbeKind::Uretprobe;
        perf.type = static_cast<std::uint32_t>(returns ? PerfLinkType::Uretprobe : PerfLinkType::Uprobe);
        const auto& wanted = asked.perf.uprobe;
        BPFTIME_CHECK(check_name_buffer(wanted.file_name, wanted.name_length));
        perf.uprobe.file_name = wanted.file_name;
        perf.uprobe.offset = static_cast<std::uint32_t>(site.offset);
        perf.uprobe.cookie = site.cookie;
        perf.uprobe.ref_ctr_offset = site.ref_ctr_offset;
        return offer_name(wanted.file_name, wanted.name_length, target.path, perf.uprobe.name_length);
    }
    if (target.kind == ProbeKind::Tracepoint) {
        perf.type = static_cast<std::uint32_t>(PerfLinkType::Tracepoint);
        const auto& wanted = asked.perf.tracepoint;
        BPFTIME_CHECK(check_name_buffer(wanted.name, wanted.name_length));
        perf.tracepoint.name = wanted.name;
        perf.tracepoint.cookie = site.cookie;
        // The kernel names a tracepoint without its category.
        const std::string name = target.tracepoint.substr(target.tracepoint.find(':') + 1);
        return offer_name(wanted.name, wanted.name_length, name, perf.tracepoint.name_length);
    }
    perf.type = static_cast<std::uint32_t>(PerfLinkType::Event);
    perf.event.config = target.config;
    perf.event.type = target.type;
    perf.event.cookie = site.cookie;
    return {};
}

Status describe_uprobes(LinkInfo& info, const LinkInfo& asked, const LinkObject& link) {
    const LinkInfo::UprobeMulti& wanted = asked.uprobe_multi;
    const std::vector<ProbeSite>& sites = link.target.sites;
    BPFTIME_CHECK(check_name_buffer(wanted.path, wanted.path_size));
    const bool arrays = wanted.offsets != 0 || wanted.ref_ctr_offsets != 0 || wanted.cookies != 0;
    if (arrays && wanted.count == 0) return fail(failure("buffers for places need a count"));
    info.uprobe_multi = wanted;
    info.uprobe_multi.count = static_cast<std::uint32_t>(sites.size());
    info.uprobe_multi.flags = link.flags;
    info.uprobe_multi.pid = link.target.pid;
    if (wanted.path != 0 && wanted.path_size <= link.target.path.size())
        return fail(failure("the buffer for the path is too small").with_errno(ENAMETOOLONG));
    BPFTIME_CHECK(offer_name(wanted.path, wanted.path_size, link.target.path, info.uprobe_multi.path_size));
    const std::size_t fits = std::min<std::size_t>(wanted.count, sites.size());
    const auto offer = [&](std::uint64_t address, std::uint64_t ProbeSite::*field) -> Status {
        if (address == 0) return {};
        std::vector<std::uint64_t> numbers;
        for (std::size_t i = 0; i < fits; ++i) numbers.push_back(sites[i].*field);
        return write_user(address, {reinterpret_cast<const std::uint8_t*>(numbers.data()), fits * 8});
    };
    BPFTIME_CHECK(offer(wanted.offsets, &ProbeSite::offset));
    BPFTIME_CHECK(offer(wanted.ref_ctr_offsets, &ProbeSite::ref_ctr_offset));
    BPFTIME_CHECK(offer(wanted.cookies, &ProbeSite::cookie));
    if (arrays && fits < sites.size()) return fail(failure("the buffers for places are too small").with_errno(ENOSPC));
    return {};
}

}  // namespace

Result<long> link_create(BpfSession& session, bpf_attr& attr) {
    auto program = BPFTIME_TRY(session.registry.get<ProgramObject>(static_cast<int>(attr.link_create.prog_fd)));
    const std::uint32_t attach_type = attr.link_create.attach_type;
    BPFTIME_CHECK(check_attach_type(*program, attach_type));
    switch (static_cast<ProgType>(program->program.type)) {
        case ProgType::Tracepoint:
        case ProgType::PerfEvent: return link_perf_event(session, attr, std::move(program));
        case ProgType::Kprobe:
            if (attach_type == kAttachPerfEvent) return link_perf_event(session, attr, std::move(program));
            if (attach_type == kAttachUprobeMulti) return link_uprobes(session, attr, std::move(program));
            break;
        default: BPFTIME_TRY(identify(static_cast<int>(attr.link_create.target_fd)));
    }
    return fail(failure("programs of type ", prog_type_name(program->program.type), " cannot be attached in userspace",
                        " with attach type ", attach_type)
                    .with_errno(EOPNOTSUPP));
}

// Neither kind of link lets its program be replaced; what is left is which argument is wrong, in the kernel's order.
Result<long> link_update(BpfSession& session, bpf_attr& attr) {
    if ((attr.link_update.flags & ~kReplace) != 0) return fail(failure("unknown flags of a link update"));
    BPFTIME_TRY(session.registry.get<LinkObject>(static_cast<int>(attr.link_update.link_fd)));
    BPFTIME_TRY(session.registry.get<ProgramObject>(static_cast<int>(attr.link_update.new_prog_fd)));
    if ((attr.link_update.flags & kReplace) != 0)
        BPFTIME_TRY(session.registry.get<ProgramObject>(static_cast<int>(attr.link_update.old_prog_fd)));
    return fail(failure("the program of this link cannot be replaced"));
}

Result<long> link_detach(BpfSession& session, bpf_attr& attr) {
    BPFTIME_TRY(session.registry.get<LinkObject>(static_cast<int>(attr.link_detach.link_fd)));
    return fail(failure("this link is detached by closing it").with_errno(EOPNOTSUPP));
}

Result<long> link_info(bpf_attr& attr, const LinkObject& link) {
    const auto asked = BPFTIME_TRY(asked_info<LinkInfo>(attr));
    LinkInfo info{};
    info.id = link.id;
    info.program_id = link.program->id;
    const bool multi = link.attach_type == kAttachUprobeMulti;
    info.type = multi ? kLinkUprobeMulti : kLinkPerfEvent;
    BPFTIME_CHECK(multi ? describe_uprobes(info, asked, link) : describe_perf(info, asked, link.target));
    return answer(attr, info);
}

}  // namespace bpftime
