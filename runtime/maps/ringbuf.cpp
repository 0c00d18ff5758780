#include "runtime/maps/ringbuf.h"

#include <time.h>

#include <bit>
#include <cstring>

#include "runtime/maps/spec_check.h"
#include "runtime/maps/storage_list.h"
#include "runtime/maps/task_lock.h"

namespace bpftime {

namespace {

constexpr std::uint64_t kHeader = 8;                  // BPF_RINGBUF_HDR_SZ
constexpr std::uint64_t kMaxRecord = UINT32_MAX / 4;  // RINGBUF_MAX_RECORD_SZ
constexpr std::uint64_t kPatience = 10'000'000;       // ns before a record or wake-up that is due is looked into
constexpr std::uint64_t kBits = kRingBusy | kRingDiscard;

std::uint64_t coarse_now() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

constexpr std::uint64_t record_length(std::uint64_t word) {
    return round_up((static_cast<std::uint32_t>(word) & ~kBits) + kHeader, 8);
}

constinit StorageList rings;

}  // namespace

struct RingbufMap::Consumer {
    Word position;
};

// The first two words are the kernel's. `suspect` is what a producer found due and `since` when: a busy record's
// position, or a wake-up's token with the top bit.
struct RingbufMap::Producer {
    Word position;
    Word pending;  // every record before it is committed
    std::atomic<std::uint32_t> lock;
    std::atomic<std::uint32_t> owed;  // token of a producer between a commit and its wake-up, 0: none
    Word suspect, since;
};

struct RingbufMap::Attempt {
    void* sample = nullptr;
    bool look = false;  // something has been due for long: its producer may be dead
};

RingbufMap::RingbufMap(const MapSpec& spec, Pages pages)
    : KeylessMap(spec, std::move(pages)), data_(storage() + kDataOffset), size_(spec.max_entries) {
    listed_ = rings.add(storage(), kDataOffset + 2 * size_, this);
}

RingbufMap::~RingbufMap() { rings.remove(this); }

RingbufMap* RingbufMap::of_sample(const void* sample) { return static_cast<RingbufMap*>(rings.find(sample)); }

Result<std::uint64_t> RingbufMap::storage_size(const MapSpec& spec) {
    if ((spec.flags & ~map_flag::kNumaNode) != 0 || spec.extra != 0)
        return fail(failure("a ring buffer takes no flags or map_extra"));
    if (spec.key_size != 0 || spec.value_size != 0) return fail(failure("a ring buffer has no keys or values"));
    if (!std::has_single_bit(spec.max_entries) || spec.max_entries % kPage != 0)
        return fail(failure("the size of a ring buffer, ", spec.max_entries, ", is not a power of two of pages"));
    return kDataOffset + std::uint64_t{2} * spec.max_entries;
}

std::unique_ptr<Map> RingbufMap::open(const MapSpec& spec, Pages pages, bool) {
    return std::unique_ptr<Map>(new RingbufMap(spec, std::move(pages)));
}

RingbufMap::Consumer& RingbufMap::consumer() const { return *reinterpret_cast<Consumer*>(storage() + kConsumerOffset); }
RingbufMap::Producer& RingbufMap::producer() const { return *reinterpret_cast<Producer*>(storage() + kProducerOffset); }

// Positions that someone spoilt stay inside the data.
RingbufMap::Word& RingbufMap::header(std::uint64_t position) const {
    return *reinterpret_cast<Word*>(data_ + (position & (size_ - 1) & ~std::uint64_t{7}));
}

bool RingbufMap::consumer_at(std::uint64_t offset) const {
    return (consumer().position.load(std::memory_order_acquire) & (size_ - 1)) == offset;
}

// With the lock held: moves `pending` on to the oldest record that is busy, or to the end. False: the positions are
// spoilt.
bool RingbufMap::find_oldest(std::uint64_t& oldest) const {
    Producer& mine = producer();
    const std::uint64_t end = mine.position.load(std::memory_order_relaxed);
    oldest = mine.pending.load(std::memory_order_relaxed);
    if (end - oldest > size_) return false;
    while (oldest < end) {
        const std::uint64_t word = header(oldest).load(std::memory_order_acquire);
        if ((word & kRingBusy) != 0) break;
        oldest += record_length(word);
    }
    mine.pending.store(oldest, std::memory_order_relaxed);
    return oldest <= end;
}

RingbufMap::Attempt RingbufMap::try_reserve(std::uint64_t size, std::uint64_t length) const {
    const std::uint64_t consumed = consumer().position.load(std::memory_order_acquire);
    Producer& mine = producer();
    const TaskLock lock(mine.lock);  // taken over from the dead, it needs no mending: the position is set by one store
    Attempt attempt;
    std::uint64_t oldest = 0;
    if (!lock.held() || !find_oldest(oldest)) return attempt;

    const std::uint64_t begin = mine.position.load(std::memory_order_relaxed), end = begin + length;
    const bool busy = oldest != begin;
    const bool room = end - consumed < size_ && end - oldest < size_;
    const std::uint32_t owed = mine.owed.load(std::memory_order_relaxed);
    if (busy || owed != 0) {
        const std::uint64_t suspect = busy ? oldest : std::uint64_t{1} << 63 | owed;
        const std::uint64_t now = coarse_now();
        if (mine.suspect.exchange(suspect, std::memory_order_relaxed) != suspect)
            mine.since.store(now, std::memory_order_relaxed);
        attempt.look = (!room && oldest == consumed) || now - mine.since.load(std::memory_order_relaxed) > kPatience;
        if (attempt.look) mine.since.store(now, std::memory_order_relaxed);
    }
    if (!room) return attempt;

    Word& record = header(begin);
    record.store(std::uint64_t{task_token()} << 32 | kRingBusy | size, std::memory_order_relaxed);
    mine.position.store(end, std::memory_order_release);
    attempt.sample = reinterpret_cast<std::uint8_t*>(&record) + kHeader;
    return attempt;
}

void* RingbufMap::reserve(std::uint64_t size) {
    if (size > kMaxRecord || !listed_) return nullptr;
    const std::uint64_t length = round_up(size + kHeader, 8);
    if (length > size_) return nullptr;
    for (;;) {
        const Attempt attempt = try_reserve(size, length);
        const bool mended = attempt.look && reclaim();
        if (attempt.sample != nullptr || !mended) return attempt.sample;
    }
}

// Publishes a record and wakes. A consumer that sleeps has found the ring empty, so that it waits for the record at its
// position: whether to wake for that one is known, and left in `owed`, before the record is published.
void RingbufMap::finish(std::uint64_t offset, std::uint64_t word, std::uint64_t flags) {
    Producer& mine = producer();
    const bool force = (flags & kRingForceWakeup) != 0, never = !force && (flags & kRingNoWakeup) != 0;
    const auto committed = static_cast<std::uint32_t>(word) & ~kRingBusy;
    if (never) {
        header(offset).store(committed, std::memory_order_release);
        return;
    }
    const auto token = static_cast<std::uint32_t>(word >> 32);
    const bool announced = force || consumer_at(offset);
    if (announced) mine.owed.store(token, std::memory_order_relaxed);
    header(offset).exchange(committed, std::memory_order_seq_cst);
    if ((force || consumer_at(offset)) && wake_ != nullptr) wake_(*this, context_);
    std::uint32_t expected = token;
    if (announced) mine.owed.compare_exchange_strong(expected, 0, std::memory_order_relaxed);
}

void RingbufMap::commit(void* sample, std::uint64_t flags, bool discard) {
    const auto offset = static_cast<std::uint64_t>(static_cast<std::uint8_t*>(sample) - data_) - kHeader;
    const std::uint64_t word = header(offset).load(std::memory_order_relaxed);
    const std::uint64_t end = offset + record_length(word);
    if (end > size_ && end <= 2 * size_) std::memcpy(data_, data_ + size_, end - size_);
    finish(offset, word | (discard ? kRingDiscard : 0), flags);
}

int RingbufMap::output(const void* sample, std::uint64_t size, std::uint64_t flags) {
    if ((flags & ~(kRingNoWakeup | kRingForceWakeup)) != 0) return -EINVAL;
    void* to = reserve(size);
    if (to == nullptr) return -EAGAIN;
    std::memcpy(to, sample, size);
    commit(to, flags, false);
    return 0;
}

std::uint64_t RingbufMap::query(std::uint64_t what) const {
    const std::uint64_t consumed = consumer().position.load(std::memory_order_acquire);
    const std::uint64_t produced = producer().position.load(std::memory_order_acquire);
    switch (what) {
        case 0: return produced - consumed;  // BPF_RB_AVAIL_DATA
        case 1: return size_;                // BPF_RB_RING_SIZE
        case 2: return consumed;             // BPF_RB_CONS_POS
        case 3: return produced;             // BPF_RB_PROD_POS
        default: return 0;
    }
}

// Whether the holder of the oldest busy record is dead is asked without the lock. The record is still the same
// afterwards if it is busy at the same place for the same token; it becomes this thread's, which then commits it like
// one of its own.
bool RingbufMap::discard_dead() {
    const auto look = [this](std::uint64_t& oldest, std::uint64_t& word) {
        if (!find_oldest(oldest) || oldest == producer().position.load(std::memory_order_relaxed)) return false;
        word = header(oldest).load(std::memory_order_relaxed);
        return true;
    };
    std::uint64_t oldest = 0, word = 0, again = 0, word_again = 0;
    {
        const TaskLock lock(producer().lock);
        if (!lock.held() || !look(oldest, word)) return false;
    }
    if (!task_gone(static_cast<std::uint32_t>(word >> 32))) return false;
    const std::uint64_t mine = std::uint64_t{task_token()} << 32 | static_cast<std::uint32_t>(word);
    {
        const TaskLock lock(producer().lock);
        if (!lock.held() || !look(again, word_again) || again != oldest || word_again != word) return false;
        header(oldest).store(mine, std::memory_order_relaxed);
    }
    finish(oldest & (size_ - 1), mine | kRingDiscard, 0);
    return true;
}

bool RingbufMap::wake_for_dead() {
    std::uint32_t owed = producer().owed.load(std::memory_order_relaxed);
    if (owed == 0 || !task_gone(owed)) return false;
    if (!producer().owed.compare_exchange_strong(owed, task_token(), std::memory_order_relaxed)) return false;
    if (wake_ != nullptr) wake_(*this, context_);
    owed = task_token();
    producer().owed.compare_exchange_strong(owed, 0, std::memory_order_relaxed);
    return true;
}

bool RingbufMap::reclaim() {
    bool found = wake_for_dead();
    while (discard_dead()) found = true;
    return found;
}

}  // namespace bpftime
