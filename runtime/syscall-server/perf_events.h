// perf_event_open(2) and the ioctls of its descriptors, as far as BPF programs are attached to events. Errors carry
// the kernel's errno.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>

#include "runtime/syscall-server/bpf_call.h"

namespace bpftime {

// How this process numbers what perf_event_attr.type and .config name.
struct EventSources {
    std::uint32_t uprobe = 0;                                                // type of the uprobe PMU
    std::optional<std::uint32_t> kprobe;                                     // of the kprobe PMU, if the kernel has one
    std::function<std::optional<std::string>(std::uint64_t id)> tracepoint;  // "category:name" of a tracepoint's id
};

// Opens an event that exists for programs: uprobes, tracepoints, software clocks that sample, BPF output. Empty for
// one that counts for its own sake, which is the kernel's. `attr` is the address of a perf_event_attr.
Result<std::optional<int>> perf_event_open(BpfSession& session, const EventSources& sources, std::uint64_t attr,
                                           pid_t pid, int cpu, int group, unsigned long flags);

// Whether an ioctl's number is one of perf events.
bool is_perf_ioctl(unsigned long request);
Result<long> perf_ioctl(BpfSession& session, PerfEventObject& event, unsigned long request, std::uint64_t argument);

// Attaches to an event: EEXIST when it has a program, EINVAL when the program is not of the event's type.
Status attach_to_event(PerfEventObject& event, const ProgramObject& program);

// A descriptor of the pages that a client maps of an output event, which the mapping needs only until it is made.
// EINVAL unless `size` is a page and a power of two of pages, the same as what is mapped already, and `offset` 0.
Result<Fd> perf_ring(Registry& registry, PerfEventObject& event, std::size_t size, std::uint64_t offset);

}  // namespace bpftime
