// perf_event_open(2), its ioctls, LINK_CREATE and mmap(2) on what came of it: any attributes give a descriptor or an
// errno.
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <unistd.h>

#include <cstring>

#include "runtime/registry/local_registry.h"
#include "runtime/syscall-server/mappings.h"
#include "runtime/syscall-server/perf_events.h"
#include "runtime/syscall-server/tracepoints.h"
#include "test/fuzz/input.h"

using namespace bpftime;
using fuzz::Input;

namespace {

constexpr std::uint32_t kUprobe = 8;
constexpr const char* kPaths[] = {"/proc/self/exe", "/", "", "/nowhere"};

// Mostly near what is allowed.
perf_event_attr attributes(Input& input) {
    perf_event_attr attr = input.take<perf_event_attr>();
    const auto shape = input.take<std::uint8_t>();
    if ((shape & 3) != 0) attr.size = sizeof(attr);
    constexpr std::uint32_t kTypes[] = {kUprobe, PERF_TYPE_TRACEPOINT, PERF_TYPE_SOFTWARE};
    if ((shape & 12) != 0) attr.type = kTypes[(shape >> 2 & 3) - 1];
    if (attr.type == PERF_TYPE_SOFTWARE && (shape & 16) != 0) attr.config = PERF_COUNT_SW_BPF_OUTPUT;
    if (attr.type == kUprobe) attr.config1 = reinterpret_cast<std::uintptr_t>(kPaths[shape >> 6]);
    if ((shape & 32) != 0) attr.sample_type = attr.read_format = attr.__reserved_2 = attr.__reserved_3 = 0;
    return attr;
}

void check(long result) {
    if (result < -4095) __builtin_trap();  // no error number
}

void control(BpfSession& session, PerfEventObject& event, Input& input) {
    std::uint64_t memory = input.take<std::uint64_t>();
    const unsigned long request =
        (input.take<std::uint8_t>() & 1) != 0 ? PERF_EVENT_IOC_PERIOD : _IO('$', input.take<std::uint8_t>() % 16);
    const bool pointer = (input.take<std::uint8_t>() & 1) != 0;
    const auto result =
        perf_ioctl(session, event, request, pointer ? reinterpret_cast<std::uintptr_t>(&memory) : memory);
    if (!result) check(-result.error().errnum);
    const auto page = static_cast<std::size_t>(getpagesize());
    const auto mapping = mapping_of(session.registry, event,
                                    {.size = input.take<std::uint8_t>() % 10 * page,
                                     .offset = input.take<std::uint8_t>() % 3 * page,
                                     .writable = true,
                                     .shared = true});
    if (mapping && mapping->size == 0) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const EventSources sources{.uprobe = kUprobe, .kprobe = 6, .tracepoint = tracepoint_name};
    Input input({data, size});
    LocalRegistry registry;
    BpfSession session{registry, {}, {}};
    while (input) {
        perf_event_attr attr = attributes(input);
        const int pid = input.take<std::int8_t>(), cpu = input.take<std::int8_t>();
        const auto opened = perf_event_open(session, sources, reinterpret_cast<std::uintptr_t>(&attr), pid, cpu,
                                            input.take<std::int8_t>(), input.take<std::uint8_t>());
        if (!opened) check(-opened.error().errnum);
        if (!opened || !*opened) continue;
        const int fd = **opened;
        if (const auto event = registry.get<PerfEventObject>(fd)) control(session, **event, input);
        bpf_attr link;
        std::memset(&link, 0, sizeof(link));
        link.link_create.prog_fd = input.take<std::uint8_t>();
        link.link_create.target_fd = static_cast<std::uint32_t>(fd);
        link.link_create.attach_type = BPF_PERF_EVENT;
        check(bpf_call(session, BPF_LINK_CREATE, &link, sizeof(link)));
        const auto file = identify(fd);
        close(fd);
        if (file) registry.closed(*file);
    }
    return 0;
}
