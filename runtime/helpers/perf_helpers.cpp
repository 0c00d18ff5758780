// Records into the output events of a perf event array.
#include <array>
#include <cstring>

#include "runtime/helpers/functions.h"
#include "runtime/helpers/perf_output.h"
#include "runtime/helpers/run_context.h"
#include "runtime/helpers/safe_memory.h"
#include "runtime/maps/cpus.h"
#include "runtime/maps/id_array.h"
#include "vm/core/kernel_names.h"

namespace bpftime::helpers {

namespace {

constexpr u64 kIndexMask = 0xffffffff;        // BPF_F_INDEX_MASK, and BPF_F_CURRENT_CPU
constexpr u64 kContextMask = 0xfffffull << 32;  // BPF_F_CTXLEN_MASK
constexpr unsigned kContextShift = 32;

// Where the context of a program type says that its packet is: offsets of 4-byte addresses in xdp_md and __sk_buff.
struct PacketRow {
    ProgType type;
    std::uint32_t data, end;
};
constexpr PacketRow kPackets[] = {
    {ProgType::Xdp, 0, 4},           {ProgType::SocketFilter, 76, 80}, {ProgType::SchedCls, 76, 80},
    {ProgType::SchedAct, 76, 80},    {ProgType::CgroupSkb, 76, 80},    {ProgType::LwtIn, 76, 80},
    {ProgType::LwtOut, 76, 80},      {ProgType::LwtXmit, 76, 80},
};

// The first `size` bytes of the packet of `context`, which flags may ask to be appended.
std::int64_t packet_part(u64 context, u64 size, PerfPart& part) {
    const RunContext* run = current_run_context();
    const auto* row = std::begin(kPackets);
    while (row != std::end(kPackets) && (run == nullptr || row->type != static_cast<ProgType>(run->program_type))) ++row;
    if (row == std::end(kPackets)) return -EINVAL;
    std::uint32_t begin = 0, end = 0;
    if (run->context_size < row->end + sizeof end || safe_read(&begin, context + row->data, sizeof begin) != 0 ||
        safe_read(&end, context + row->end, sizeof end) != 0 || end < begin || size > end - begin)
        return -EFAULT;
    part = {pointer(begin), static_cast<std::size_t>(size)};
    return 0;
}

}  // namespace

u64 perf_event_output(u64 context, u64 map, u64 flags, u64 data, u64 size) {
    const auto* events = pointer<Map>(map);
    if (events->spec().type != static_cast<std::uint32_t>(MapType::PerfEventArray)) return result(-EINVAL);
    std::array<PerfPart, 2> parts{{{pointer(data), size}, {}}};
    std::size_t count = 1;
    if ((flags & ~kIndexMask) != 0) {
        if ((flags & ~(kIndexMask | kContextMask)) != 0) return result(-EINVAL);
        const std::int64_t error = packet_part(context, (flags & kContextMask) >> kContextShift, parts[count++]);
        if (error != 0) return result(error);
    }
    const std::uint32_t cpu = current_cpu();
    const auto asked = static_cast<std::uint32_t>(flags);
    const std::uint32_t index = asked == kIndexMask ? cpu : asked;
    if (index >= events->spec().max_entries) return result(-E2BIG);
    const auto* event = static_cast<const PerfOutput*>(static_cast<const PerfEventArrayMap*>(events)->resolved(index));
    if (event == nullptr) return result(-ENOENT);
    // A run that found its CPU's values taken has another's; records of the CPU that it is on are its own all the same.
    const std::uint32_t home = home_cpu();
    const std::uint32_t here = event->cpu >= 0 && static_cast<std::uint32_t>(event->cpu) == home ? home : cpu;
    return result(event->write(std::span(parts).first(count), here));
}

}  // namespace bpftime::helpers
