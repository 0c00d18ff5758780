// Records into the pages of an output event (PERF_COUNT_SW_BPF_OUTPUT), laid out as the kernel's and read by libbpf's
// perf_buffer: a page of positions (struct perf_event_mmap_page), then a power of two of bytes that records go round in.
//
// The kernel has one producer a ring, a CPU. Here threads of several processes may be: they take turns by a lock in the
// part of the first page that the kernel leaves unused. A record is published by one store of data_head, so that a
// producer killed before leaves nothing, and whoever takes the lock over has nothing to mend but a wake-up that the dead
// one owed. A thread that is interrupted inside and comes here again gets -EBUSY, as in the kernel; so does who has waited
// some 10 ms for one that lives and was stopped inside. The client is told of a lost record.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace bpftime {

// The kinds of field of a sample that are written: all that a record of this kind can have but the interrupted
// instruction, the call chain and counters.
inline constexpr std::uint64_t kPerfRaw = 1u << 10;  // PERF_SAMPLE_RAW
inline constexpr std::uint64_t kPerfSampleFields =
    kPerfRaw | 1u << 16 | 1u << 1 | 1u << 2 | 1u << 3 | 1u << 6 | 1u << 9 | 1u << 7 | 1u << 8;

struct PerfPart {
    const void* bytes = nullptr;
    std::size_t size = 0;
};

// An event of a perf event array, in this process.
struct PerfOutput {
    bool takes_records = false;  // it is an output event
    std::uint64_t id = 0;
    std::int32_t cpu = -1;        // records come from this CPU only, -1: any
    std::uint32_t thread = 0;     // ...from this thread only, 0: any
    std::uint64_t sample_type = 0;
    std::uint32_t wakeup = 0;     // records between two wake-ups, or bytes if `watermark`
    bool watermark = false;
    const std::atomic<std::uint32_t>* enabled = nullptr;
    const std::atomic<std::uint32_t>* paused = nullptr;
    std::span<std::uint8_t> pages;  // empty until a client has mapped it
    void (*wake)(void* context) = nullptr;
    void* wake_context = nullptr;

    // A sample with these bytes one behind the other, from CPU `cpu_here`. 0; -EINVAL: no output event; -EOPNOTSUPP: it is
    // off, or another CPU's or thread's; -ENOSPC: there is no room, it is paused, or nobody has mapped it; -E2BIG: more
    // than a record's length can say; -EBUSY.
    int write(std::span<const PerfPart> parts, std::uint32_t cpu_here) const;
};

}  // namespace bpftime
