#include "runtime/syscall-server/perf_events.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "runtime/helpers/perf_output.h"
#include "runtime/syscall-server/mappings.h"
#include "runtime/syscall-server/probe_target.h"
#include "runtime/syscall-server/user_memory.h"
#include "runtime/syscall-server/waiting.h"
#include "vm/core/kernel_names.h"

namespace bpftime {

namespace {

constexpr std::uint32_t kMaxAttributes = 4096;
constexpr std::uint64_t kReturns = 1;     // bit 0 of a probe's config (format/retprobe)
constexpr unsigned kSemaphoreShift = 32;  // the rest of it (format/ref_ctr_offset)
constexpr unsigned long kOpenFlags =
    PERF_FLAG_FD_NO_GROUP | PERF_FLAG_FD_OUTPUT | PERF_FLAG_PID_CGROUP | PERF_FLAG_FD_CLOEXEC;

// One open on its way through.
struct Opening {
    BpfSession& session;
    const EventSources& sources;
    perf_event_attr attr;
    pid_t pid;
    int cpu;
};

// ---- The attributes -------------------------------------------------------------------------------------------------

Result<std::uint32_t> read_size(std::uint64_t address) {
    const auto size = BPFTIME_TRY(read_user_object<std::uint32_t>(address + offsetof(perf_event_attr, size)));
    return size == 0 ? std::uint32_t{PERF_ATTR_SIZE_VER0} : size;
}

// The structure may be of another version: longer with zeros only, or shorter. E2BIG tells which size would have done.
Result<perf_event_attr> read_attributes(std::uint64_t address) {
    const std::uint32_t size = BPFTIME_TRY(read_size(address));
    const auto refused = [&]() -> Result<perf_event_attr> {
        constexpr std::uint32_t kKnown = sizeof(perf_event_attr);
        BPFTIME_CHECK(write_user(address + offsetof(perf_event_attr, size),
                                 {reinterpret_cast<const std::uint8_t*>(&kKnown), sizeof(kKnown)}));
        return fail(failure("perf_event_attr of ", size, " bytes is unknown").with_errno(E2BIG));
    };
    if (size < PERF_ATTR_SIZE_VER0 || size > kMaxAttributes) return refused();
    Bytes bytes(std::max<std::size_t>(size, sizeof(perf_event_attr)));
    BPFTIME_CHECK(read_user(address, std::span(bytes).first(size)));
    const auto rest = std::span(bytes).subspan(sizeof(perf_event_attr));
    if (std::ranges::any_of(rest, [](std::uint8_t byte) { return byte != 0; })) return refused();
    perf_event_attr attr;
    std::memcpy(&attr, bytes.data(), sizeof(attr));
    return attr;
}

Status check_attributes(const perf_event_attr& attr) {
    if (attr.__reserved_2 != 0 || attr.__reserved_3 != 0) return fail(failure("reserved fields are set"));
    if (attr.sample_type >= PERF_SAMPLE_MAX) return fail(failure("the sample type is unknown"));
    if (attr.read_format >= PERF_FORMAT_MAX) return fail(failure("the read format is unknown"));
    if (attr.freq == 0 && (attr.sample_period >> 63) != 0) return fail(failure("the sample period is too large"));
    return {};
}

// ---- What the event observes ----------------------------------------------------------------------------------------

Status check_observed(const Opening& opening) {
    const long processors = sysconf(_SC_NPROCESSORS_CONF);
    if (opening.pid < -1 || opening.cpu < -1 || (opening.pid == -1 && opening.cpu == -1) || opening.cpu >= processors)
        return fail(failure("an event needs a process or a processor that exists"));
    if (opening.pid > 0 && kill(opening.pid, 0) != 0 && errno != EPERM)
        return fail(failure("there is no process ", opening.pid).with_errno(ESRCH));
    return {};
}

Status describe_uprobe(const Opening& opening, ProbeTarget& target) {
    const perf_event_attr& attr = opening.attr;
    if (attr.uprobe_path == 0) return fail(failure("a uprobe needs a path"));
    const std::string path = BPFTIME_TRY(read_user_string(attr.uprobe_path, PATH_MAX));
    if (path.empty()) return fail(failure("a uprobe needs a path"));
    ProbeFile file = BPFTIME_TRY(resolve_probe_file(path, EINVAL));
    const ProbeSite site{attr.probe_offset, attr.config >> kSemaphoreShift, 0};
    BPFTIME_CHECK(check_probe_site(file, site));
    target.kind = (attr.config & kReturns) != 0 ? ProbeKind::Uretprobe : ProbeKind::Uprobe;
    target.path = std::move(file.path);
    target.file = file.file;
    target.sites = {site};
    return {};
}

Status describe_tracepoint(const Opening& opening, ProbeTarget& target) {
    auto name = opening.sources.tracepoint(opening.attr.config);
    if (!name) return fail(failure("tracepoint ", opening.attr.config, " is not available in userspace"));
    target.kind = ProbeKind::Tracepoint;
    target.tracepoint = *std::move(name);
    return {};
}

Status describe_software(const Opening& opening, ProbeTarget& target) {
    const perf_event_attr& attr = opening.attr;
    const bool output = attr.config == PERF_COUNT_SW_BPF_OUTPUT;
    if (output && (attr.sample_type & ~kPerfSampleFields) != 0)
        return fail(failure("records of programs do not have the fields ", hex(attr.sample_type & ~kPerfSampleFields),
                            " of PERF_SAMPLE_*").with_errno(EOPNOTSUPP));
    target.kind = output ? ProbeKind::Output : ProbeKind::Sampling;
    target.frequency = attr.freq != 0;
    target.sample_type = attr.sample_type;
    target.watermark = attr.watermark != 0;
    target.wakeup = attr.watermark != 0 ? attr.wakeup_watermark : attr.wakeup_events;
    return {};
}

// Null for an event that is not ours.
using Describe = Status (*)(const Opening&, ProbeTarget&);
Describe describer(const EventSources& sources, const perf_event_attr& attr) {
    if (attr.type == sources.uprobe) return describe_uprobe;
    if (attr.type == PERF_TYPE_TRACEPOINT) return describe_tracepoint;
    const bool software = attr.type == PERF_TYPE_SOFTWARE && attr.config < PERF_COUNT_SW_MAX;
    // Without a period it is there to be read, not to run programs.
    if (software && (attr.config == PERF_COUNT_SW_BPF_OUTPUT || attr.sample_period != 0)) return describe_software;
    return nullptr;
}

Result<int> open_event(Opening& opening, Describe describe, int group) {
    BPFTIME_CHECK(check_attributes(opening.attr));
    if (group != -1) {
        auto leader = opening.session.registry.get<PerfEventObject>(group);
        if (!leader) return fail(std::move(leader).error().with_errno(EBADF));
    }
    BPFTIME_CHECK(check_observed(opening));
    auto event = std::make_shared<PerfEventObject>();
    ProbeTarget& target = event->target;
    target.sites = {ProbeSite{}};
    BPFTIME_CHECK(describe(opening, target));
    target.pid = static_cast<std::uint32_t>(opening.pid == 0 ? gettid() : std::max(opening.pid, 0));
    target.cpu = opening.cpu;
    target.type = opening.attr.type;
    target.config = opening.attr.config;
    event->page->enabled = opening.attr.disabled == 0;
    event->page->period = target.kind == ProbeKind::Sampling ? opening.attr.sample_period : 0;
    Fd file;
    if (target.kind == ProbeKind::Output) file = BPFTIME_TRY(new_wake_pipe());
    return opening.session.registry.publish(std::move(event), std::move(file));
}

// ---- ioctl ----------------------------------------------------------------------------------------------------------

Result<long> set_program(BpfSession& session, PerfEventObject& event, int fd) {
    const auto program = BPFTIME_TRY(session.registry.get<ProgramObject>(fd));
    BPFTIME_CHECK(attach_to_event(event, *program));
    return 0;
}

Result<long> set_enabled(PerfEventObject& event, bool enabled) {
    event.page->enabled = enabled;
    return 0;
}

Result<long> write_id(const PerfEventObject& event, std::uint64_t address) {
    const std::uint64_t id = event.id;
    BPFTIME_CHECK(write_user(address, {reinterpret_cast<const std::uint8_t*>(&id), sizeof(id)}));
    return 0;
}

// Only what an output event allows: its pages are its own.
Result<long> set_output(BpfSession& session, std::uint64_t argument) {
    if (argument == ~std::uint64_t{0}) return 0;  // no other event, which a plain int -1 does not say
    auto other = session.registry.get<PerfEventObject>(static_cast<int>(argument));
    if (!other) return fail(std::move(other).error().with_errno(EBADF));
    return fail(failure("events of BPF programs cannot share their pages"));
}

Result<long> set_paused(PerfEventObject& event, bool paused) {
    if (event.page->ring_size == 0) return fail(failure("the event's pages have not been mapped"));
    event.page->paused = paused;
    return 0;
}

Result<long> set_period(PerfEventObject& event, std::uint64_t address) {
    const auto period = BPFTIME_TRY(read_user_object<std::uint64_t>(address));
    if (event.page->period == 0 || period == 0 || (period >> 63) != 0)
        return fail(failure("the event does not take this period"));
    event.page->period = period;
    return 0;
}

Error no_such_ioctl() {
    return failure("this ioctl is not available for the events of BPF programs").with_errno(ENOTTY);
}

}  // namespace

Result<std::optional<int>> perf_event_open(BpfSession& session, const EventSources& sources, std::uint64_t address,
                                           pid_t pid, int cpu, int group, unsigned long flags) {
    Opening opening{session, sources, BPFTIME_TRY(read_attributes(address)), pid, cpu};
    if (sources.kprobe && opening.attr.type == *sources.kprobe)
        return fail(failure("kprobes are not available in userspace").with_errno(ENOENT));
    const Describe describe = describer(sources, opening.attr);
    if (describe == nullptr) return std::nullopt;
    if ((flags & ~kOpenFlags) != 0) return fail(failure("unknown flags of perf_event_open"));
    if ((flags & PERF_FLAG_PID_CGROUP) != 0)
        return fail(failure("events of cgroups are not available in userspace").with_errno(EOPNOTSUPP));
    const int fd = BPFTIME_TRY(open_event(opening, describe, group));
    fcntl(fd, F_SETFL, O_NONBLOCK);  // of an output event: emptied and filled by settle_readiness()
    if ((flags & PERF_FLAG_FD_CLOEXEC) == 0) fcntl(fd, F_SETFD, 0);
    return fd;
}

// All of them are of type '$' (<linux/perf_event.h>).
bool is_perf_ioctl(unsigned long request) { return _IOC_TYPE(request) == '$'; }

Result<long> perf_ioctl(BpfSession& session, PerfEventObject& event, unsigned long request, std::uint64_t argument) {
    switch (request) {
        case PERF_EVENT_IOC_SET_BPF: return set_program(session, event, static_cast<int>(argument));
        case PERF_EVENT_IOC_ENABLE: return set_enabled(event, true);
        case PERF_EVENT_IOC_DISABLE: return set_enabled(event, false);
        case PERF_EVENT_IOC_ID: return write_id(event, argument);
        case PERF_EVENT_IOC_SET_OUTPUT: return set_output(session, argument);
        case PERF_EVENT_IOC_PAUSE_OUTPUT: return set_paused(event, argument != 0);
        case PERF_EVENT_IOC_PERIOD: return set_period(event, argument);
        case PERF_EVENT_IOC_RESET: return 0;  // nothing is counted
        default: return fail(no_such_ioctl());
    }
}

Status attach_to_event(PerfEventObject& event, const ProgramObject& program) {
    ProgType wanted = ProgType::PerfEvent;
    switch (event.target.kind) {
        case ProbeKind::Uprobe:
        case ProbeKind::Uretprobe: wanted = ProgType::Kprobe; break;
        case ProbeKind::Tracepoint: wanted = ProgType::Tracepoint; break;
        case ProbeKind::Sampling:
        case ProbeKind::Output: break;
    }
    const auto type = static_cast<ProgType>(program.program.type);
    const auto wrong_type = [&] {
        return fail(failure("program '", program.program.name, "' of type ", prog_type_name(program.program.type),
                            " cannot run on this event"));
    };
    const auto taken = [] { return fail(failure("the event has a program already").with_errno(EEXIST)); };
    // The kernel asks a sampling event for its program first, any other for the type.
    if (wanted == ProgType::PerfEvent && event.page->program != 0) return taken();
    if (type != wanted) return wrong_type();
    std::uint32_t none = 0;
    return event.page->program.compare_exchange_strong(none, program.id) ? Status() : taken();
}

Result<Fd> perf_ring(Registry& registry, PerfEventObject& event, std::size_t size, std::uint64_t offset) {
    const std::size_t page = static_cast<std::size_t>(getpagesize());
    size = (size + page - 1) / page * page;
    const std::size_t data = size - page;
    // Pages that nobody has mapped any more make way for others.
    auto ring = registry.open_companion(event, kRingCompanion);
    const bool mapped = ring && !is_unheld(ring->get());
    const bool shape = size >= page && (data & (data - 1)) == 0 && (!mapped || event.page->ring_size == size);
    if (event.target.kind != ProbeKind::Output || offset != 0 || !shape)
        return fail(failure("an output event is mapped as one page and a power of two of pages, always the same"));
    if (!mapped) {
        event.page->ring_size = 0;
        ring = BPFTIME_TRY(registry.make_companion(event, kRingCompanion, size));
        const SharedPages header = BPFTIME_TRY(SharedPages::map(ring->get(), page));
        auto* control = reinterpret_cast<perf_event_mmap_page*>(header.bytes().data());
        control->data_offset = page;
        control->data_size = data;
        event.page->ring_size = size;
        event.page->rings.fetch_add(1);
    }
    return held_descriptor(ring->get());
}

}  // namespace bpftime
