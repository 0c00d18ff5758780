#include "runtime/helpers/trace_ring.h"

#include <sys/prctl.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "runtime/maps/cpus.h"
#include "runtime/maps/hash_key.h"
#include "runtime/maps/thread_id.h"

namespace bpftime {

namespace {

constexpr std::uint64_t kSlots = 4096;
constexpr std::size_t kBody = 120;  // bytes of a slot behind its state

// What a slot says of itself: the number of the line's slot that it is, counted from the beginning of time, and:
enum Phase : std::uint64_t { kWriting = 1, kFirst = 2, kFollowing = 3 };
constexpr std::uint64_t state(std::uint64_t ticket, Phase phase) { return ticket << 2 | phase; }

constexpr std::uint64_t slots_for(std::size_t bytes) { return (bytes + kBody - 1) / kBody; }

}  // namespace

struct TraceRing::Head {
    alignas(kCacheLine) std::atomic<std::uint64_t> next;      // slot of the next line
    alignas(kCacheLine) std::atomic<std::uint64_t> consumed;  // slot of the next line to be read
};

struct TraceRing::Slot {
    std::atomic<std::uint64_t> state;
    std::uint8_t body[kBody];
};

// The first bytes of a line; its text follows.
struct TraceRing::Start {
    std::uint64_t check;  // over the rest and the text
    std::uint64_t time;
    std::uint32_t process, thread, cpu, length;
    char comm[16];
};

TraceRing::Head& TraceRing::head() const {
    static_assert(sizeof(Slot) == 128 && kPage + kSlots * sizeof(Slot) == kStorage && sizeof(Head) <= kPage);
    return *reinterpret_cast<Head*>(pages_.data());
}

TraceRing::Slot& TraceRing::slot(std::uint64_t ticket) const {
    return reinterpret_cast<Slot*>(pages_.data() + kPage)[ticket % kSlots];
}

namespace {

struct Buffer {
    std::uint8_t bytes[48 + 1024];
};

std::uint64_t check_sum(const std::uint8_t* line, std::size_t size) {
    return hash_key<kAnyKey>(line + 8, static_cast<std::uint32_t>(size - 8), HashSeed{});
}

}  // namespace

void TraceRing::write(std::string_view text) {
    const int kept_errno = errno;
    Start start{};
    if (text.ends_with('\n')) text.remove_suffix(1);
    text = text.substr(0, std::tuple_size_v<decltype(TraceLine::text)> - 1);
    const TaskIds ids = task_ids();
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    start.time = static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
    start.process = ids.process;
    start.thread = ids.thread;
    start.cpu = home_cpu();
    start.length = static_cast<std::uint32_t>(text.size());
    prctl(PR_GET_NAME, start.comm, 0, 0, 0);
    Buffer line;
    static_assert(sizeof(Start) == 48);
    std::memcpy(line.bytes, &start, sizeof start);
    std::memcpy(line.bytes + sizeof start, text.data(), text.size());
    const std::size_t size = sizeof start + text.size();
    const std::uint64_t check = check_sum(line.bytes, size);
    std::memcpy(line.bytes, &check, sizeof check);

    const std::uint64_t count = slots_for(size);
    const std::uint64_t first = head().next.fetch_add(count, std::memory_order_acq_rel);
    for (std::uint64_t i = 0; i < count; ++i)
        slot(first + i).state.store(state(first + i, kWriting), std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release);
    for (std::uint64_t i = 0; i < count; ++i)
        std::memcpy(slot(first + i).body, line.bytes + i * kBody, std::min(kBody, size - i * kBody));
    // The first slot last: it shows the line.
    for (std::uint64_t i = count; i-- > 0;) {
        std::uint64_t mine = state(first + i, kWriting);
        slot(first + i).state.compare_exchange_strong(mine, state(first + i, i == 0 ? kFirst : kFollowing),
                                                      std::memory_order_release);
    }
    errno = kept_errno;
}

// The line that begins at `ticket`, if it is whole; `next`: the slot behind it.
bool TraceRing::copy(std::uint64_t ticket, TraceLine& line, std::uint64_t& next) const {
    Buffer buffer;
    const auto take = [&](std::uint64_t i) { std::memcpy(buffer.bytes + i * kBody, slot(ticket + i).body,
                                                         std::min(kBody, sizeof buffer - i * kBody)); };
    Start start;
    take(0);
    std::memcpy(&start, buffer.bytes, sizeof start);
    if (start.length >= line.text.size()) return false;
    const std::size_t size = sizeof start + start.length;
    const std::uint64_t count = slots_for(size);
    for (std::uint64_t i = 1; i < count; ++i) {
        if (slot(ticket + i).state.load(std::memory_order_acquire) != state(ticket + i, kFollowing)) return false;
        take(i);
    }
    std::atomic_thread_fence(std::memory_order_acquire);
    for (std::uint64_t i = 0; i < count; ++i)
        if (slot(ticket + i).state.load(std::memory_order_relaxed) != state(ticket + i, i == 0 ? kFirst : kFollowing))
            return false;
    if (check_sum(buffer.bytes, size) != start.check) return false;
    line.time = start.time;
    line.process = start.process;
    line.thread = start.thread;
    line.cpu = start.cpu;
    line.length = start.length;
    std::memcpy(line.comm, start.comm, sizeof line.comm);
    line.comm[sizeof line.comm - 1] = 0;
    std::memcpy(line.text.data(), buffer.bytes + sizeof start, start.length);
    next = ticket + count;
    return true;
}

// No whole line begins at `ticket`, whose slot's state was `there`: it was overwritten, is being written, or its writer died.
TraceRing::Read TraceRing::pass_over(std::uint64_t ticket, std::uint64_t there, std::uint64_t end, std::uint32_t patience) {
    const bool unfinished = there <= state(ticket, kWriting);
    if (unfinished && end - ticket <= kSlots) {
        waited_ = waited_for_ == ticket ? waited_ + 1 : 1;
        waited_for_ = ticket;
        if (waited_ <= patience) return Read::Empty;
    }
    waited_ = 0;
    // Overwritten: on to the oldest that is left, with some way to go until the writers are here again.
    const std::uint64_t to = end - ticket > kSlots ? end - kSlots + kSlots / 8 : ticket + 1;
    std::uint64_t expected = ticket;
    head().consumed.compare_exchange_strong(expected, to, std::memory_order_acq_rel);
    return there == state(ticket, kFollowing) ? Read::Line : Read::Lost;
}

TraceRing::Read TraceRing::read(TraceLine& line, std::uint32_t patience) {
    for (;;) {
        std::uint64_t ticket = head().consumed.load(std::memory_order_acquire), next = 0;
        const std::uint64_t end = head().next.load(std::memory_order_acquire);
        if (static_cast<std::int64_t>(end - ticket) <= 0) return Read::Empty;
        const std::uint64_t there = slot(ticket).state.load(std::memory_order_acquire);
        if (there == state(ticket, kFirst) && copy(ticket, line, next)) {
            if (head().consumed.compare_exchange_strong(ticket, next, std::memory_order_acq_rel)) return Read::Line;
            continue;  // another reader's
        }
        const Read passed = pass_over(ticket, there, end, patience);
        if (passed != Read::Line) return passed;  // else the rest of a line whose beginning was lost
    }
}

std::size_t format_trace_line(const TraceLine& line, std::span<char> out) {
    const int length = std::snprintf(out.data(), out.size(), "%16s-%-7u [%03u] ..... %5llu.%06llu: bpf_trace_printk: %.*s\n",
                                     line.comm, line.thread, line.cpu,
                                     static_cast<unsigned long long>(line.time / 1'000'000'000),
                                     static_cast<unsigned long long>(line.time / 1000 % 1'000'000),
                                     static_cast<int>(line.length), line.text.data());
    return std::min(static_cast<std::size_t>(std::max(length, 0)), out.size() - 1);
}

}  // namespace bpftime
