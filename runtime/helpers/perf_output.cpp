#include "runtime/helpers/perf_output.h"

#include <linux/perf_event.h>
#include <sched.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>

#include "runtime/maps/pages.h"
#include "runtime/maps/task_lock.h"
#include "runtime/maps/thread_id.h"

namespace bpftime {

namespace {

using Word = std::atomic<std::uint64_t>;

// Behind what <linux/perf_event.h> describes of the first page.
constexpr std::size_t kTurns = 2048;
struct Turns {
    std::atomic<std::uint32_t> lock;
    std::atomic<std::uint32_t> owed;    // a wake-up between its record and itself
    std::atomic<std::uint64_t> lost;    // records since the last PERF_RECORD_LOST
    std::atomic<std::uint32_t> events;  // records since the last wake-up
    Word wakeup;                        // data_head of the last wake-up by bytes
};
static_assert(sizeof(perf_event_mmap_page) <= kTurns && kTurns + sizeof(Turns) <= kPage);

// A turn in the ring. Not waited for without end: whoever is inside may have been stopped, and nobody who is traced shall
// stop for that.
class Turn {
public:
    explicit Turn(std::atomic<std::uint32_t>& word) : word_(word), me_(task_token()) {
        constexpr int kSpins = 64, kYields = 8, kNaps = 200, kAsk = 32;
        for (int round = 0; round < kSpins + kYields + kNaps && !held_; ++round) {
            std::uint32_t owner = 0;
            held_ = word_.compare_exchange_strong(owner, me_, std::memory_order_acquire);
            if (held_ || owner == me_) return;
            const int waited = round - kSpins - kYields;
            if (waited >= 0 && waited % kAsk == 0 && task_gone(owner))  // the dead leave their turn to the next
                held_ = word_.compare_exchange_strong(owner, me_, std::memory_order_acquire);
            else if (waited >= 0)
                nap();
            else if (round >= kSpins)
                sched_yield();
        }
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
        if (held_) word_.store(0, std::memory_order_release);
    }
    bool held() const { return held_; }

private:
    static void nap() {
        const int kept_errno = errno;
        constexpr timespec kNap{0, 50'000};
        nanosleep(&kNap, nullptr);
        errno = kept_errno;
    }

    std::atomic<std::uint32_t>& word_;
    std::uint32_t me_;
    bool held_ = false;
};

class Ring {
public:
    explicit Ring(const PerfOutput& event)
        : event_(event), base_(event.pages.data()), data_(base_ + kPage), size_(event.pages.size() - kPage) {}

    bool valid() const { return event_.pages.size() > kPage && std::has_single_bit(size_); }
    int write(perf_event_header header, std::span<const PerfPart> parts);
    void count_lost() { turns().lost.fetch_add(1, std::memory_order_relaxed); }

private:
    Turns& turns() const { return *reinterpret_cast<Turns*>(base_ + kTurns); }
    Word& position(std::size_t offset) const { return *reinterpret_cast<Word*>(base_ + offset); }
    void put(std::uint64_t& at, const void* bytes, std::size_t size) const;
    void put_lost(std::uint64_t& at) const;
    bool wakes(std::uint64_t head) const;

    const PerfOutput& event_;
    std::uint8_t* base_;
    std::uint8_t* data_;
    std::uint64_t size_;
};

// Positions that someone spoilt stay inside the data.
void Ring::put(std::uint64_t& at, const void* bytes, std::size_t size) const {
    const std::uint64_t offset = at & (size_ - 1);
    const std::size_t first = std::min<std::uint64_t>(size, size_ - offset);
    const auto* from = static_cast<const std::uint8_t*>(bytes);
    if (first != 0) std::memcpy(data_ + offset, from, first);
    if (size > first) std::memcpy(data_, from + first, size - first);
    at += size;
}

struct LostRecord {
    perf_event_header header;
    std::uint64_t id, lost;
};

void Ring::put_lost(std::uint64_t& at) const {
    const LostRecord record{{PERF_RECORD_LOST, 0, sizeof(LostRecord)}, event_.id, turns().lost.exchange(0)};
    put(at, &record, sizeof record);
}

// perf_output_begin() and perf_output_sample() of the kernel: every so many records, and whenever half of the data, or
// as many bytes as the event says, have been written.
bool Ring::wakes(std::uint64_t head) const {
    Turns& mine = turns();
    const std::uint64_t wanted = event_.watermark ? std::min<std::uint64_t>(event_.wakeup, size_) : 0;
    const std::uint64_t watermark = wanted != 0 ? wanted : size_ / 2;
    bool due = false;
    if (head - mine.wakeup.load(std::memory_order_relaxed) > watermark) {
        mine.wakeup.fetch_add(watermark, std::memory_order_relaxed);
        due = true;
    }
    if (event_.watermark || event_.wakeup == 0) return due;
    if (mine.events.fetch_add(1, std::memory_order_relaxed) + 1 < event_.wakeup) return due;
    mine.events.store(0, std::memory_order_relaxed);
    return true;
}

int Ring::write(perf_event_header header, std::span<const PerfPart> parts) {
    Turns& mine = turns();
    const Turn turn(mine.lock);
    if (!turn.held()) {
        count_lost();
        return -EBUSY;
    }
    const bool owed = mine.owed.load(std::memory_order_relaxed) != 0;  // by a producer that died
    const bool lost = mine.lost.load(std::memory_order_relaxed) != 0;
    Word& published = position(offsetof(perf_event_mmap_page, data_head));
    const std::uint64_t begin = published.load(std::memory_order_relaxed);
    const std::uint64_t tail = position(offsetof(perf_event_mmap_page, data_tail)).load(std::memory_order_acquire);
    const std::uint64_t needed = header.size + (lost ? sizeof(LostRecord) : 0);
    const bool room = ((tail - begin - 1) & (size_ - 1)) >= needed;  // one byte stays free, as in the kernel
    bool wake = owed;
    if (room) {
        std::uint64_t at = begin;
        wake |= wakes(begin + needed);
        if (lost) put_lost(at);
        put(at, &header, sizeof header);
        for (const PerfPart& part : parts) put(at, part.bytes, part.size);
        if (wake) mine.owed.store(1, std::memory_order_relaxed);
        published.store(at, std::memory_order_release);
    } else {
        count_lost();
    }
    if (wake) {
        if (event_.wake != nullptr) event_.wake(event_.wake_context);
        mine.owed.store(0, std::memory_order_relaxed);
    }
    return room ? 0 : -ENOSPC;
}

// The fields before the raw data, each 8 bytes, in the order of the kernel's perf_output_sample().
class Fields {
public:
    Fields(const PerfOutput& event, std::uint32_t cpu) {
        const auto add = [&](std::uint64_t kind, auto value) {
            if ((event.sample_type & kind) != 0) words_[count_++] = value();
        };
        const auto id = [&] { return event.id; };
        add(PERF_SAMPLE_IDENTIFIER, id);
        add(PERF_SAMPLE_TID, [] {
            const TaskIds ids = task_ids();
            return std::uint64_t{ids.thread} << 32 | ids.process;
        });
        add(PERF_SAMPLE_TIME, [] {
            timespec now{};
            clock_gettime(CLOCK_MONOTONIC, &now);
            return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
        });
        add(PERF_SAMPLE_ADDR, [] { return std::uint64_t{0}; });
        add(PERF_SAMPLE_ID, id);
        add(PERF_SAMPLE_STREAM_ID, id);
        add(PERF_SAMPLE_CPU, [&] { return std::uint64_t{cpu}; });
        add(PERF_SAMPLE_PERIOD, [] { return std::uint64_t{0}; });
    }
    PerfPart part() const { return {words_.data(), count_ * sizeof(std::uint64_t)}; }

private:
    std::array<std::uint64_t, 8> words_{};
    std::size_t count_ = 0;
};

}  // namespace

int PerfOutput::write(std::span<const PerfPart> data, std::uint32_t cpu_here) const {
    constexpr std::size_t kMostParts = 2;
    if (!takes_records || data.size() > kMostParts) return -EINVAL;
    const bool here = (cpu < 0 || static_cast<std::uint32_t>(cpu) == cpu_here) && (thread == 0 || thread == thread_id());
    if (!here || enabled->load(std::memory_order_acquire) == 0) return -EOPNOTSUPP;
    Ring ring(*this);
    if (!ring.valid()) return -ENOSPC;
    if (paused->load(std::memory_order_acquire) != 0) {
        ring.count_lost();
        return -ENOSPC;
    }
    const Fields fields(*this, cpu_here);
    PerfPart parts[kMostParts + 3] = {fields.part()};
    std::size_t count = 1;
    std::size_t size = sizeof(perf_event_header) + parts[0].size;
    std::uint32_t raw_size = 0;
    if ((sample_type & kPerfRaw) != 0) {
        std::uint64_t sum = 0;
        for (const PerfPart& part : data) {
            if (part.size > UINT16_MAX) return -E2BIG;
            sum += part.size;
        }
        // The length counts what pads the record to a multiple of 8.
        static constexpr std::uint64_t kZeros = 0;
        const std::uint64_t padded = round_up(sum + sizeof raw_size, 8);
        if (size + padded > UINT16_MAX) return -E2BIG;
        raw_size = static_cast<std::uint32_t>(padded - sizeof raw_size);
        parts[count++] = {&raw_size, sizeof raw_size};
        for (const PerfPart& part : data) parts[count++] = part;
        parts[count++] = {&kZeros, raw_size - sum};
        size += padded;
    }
    return ring.write({PERF_RECORD_SAMPLE, PERF_RECORD_MISC_USER, static_cast<std::uint16_t>(size)},
                      std::span(parts).first(count));
}

}  // namespace bpftime
