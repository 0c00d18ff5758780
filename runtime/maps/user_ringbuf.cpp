#include "runtime/maps/user_ringbuf.h"

#include <cstring>

#include "runtime/maps/dynptr.h"
#include "runtime/maps/ringbuf.h"
#include "runtime/maps/task_lock.h"

namespace bpftime {

namespace {

constexpr std::uint64_t kHeader = 8;                     // BPF_RINGBUF_HDR_SZ
constexpr std::uint32_t kMostRecords = 128 * 1024;       // BPF_MAX_USER_RINGBUF_SAMPLES
constexpr std::uint64_t kWakeups = kRingNoWakeup | kRingForceWakeup;

}  // namespace

// The first word is the kernel's; `busy` is the token of the thread that drains (task_lock.h).
struct UserRingbufMap::Consumer {
    std::atomic<std::uint64_t> position;
    std::atomic<std::uint32_t> busy;
};

struct UserRingbufMap::Record {
    std::uint64_t next = 0;  // position behind it
    std::uint8_t* sample = nullptr;
    std::uint32_t size = 0;
    bool discarded = false;
};

Result<std::uint64_t> UserRingbufMap::storage_size(const MapSpec& spec) { return RingbufMap::storage_size(spec); }

std::unique_ptr<Map> UserRingbufMap::open(const MapSpec& spec, Pages pages, bool) {
    return std::unique_ptr<Map>(new UserRingbufMap(spec, std::move(pages)));
}

UserRingbufMap::Consumer& UserRingbufMap::consumer() const {
    return *reinterpret_cast<Consumer*>(storage() + RingbufMap::kConsumerOffset);
}

// The checks of the kernel's __bpf_user_ringbuf_peek(), in its order. -ENODATA: no record, or one not submitted yet.
int UserRingbufMap::first(Record& record) const {
    auto& producer = *reinterpret_cast<std::atomic<std::uint64_t>*>(storage() + RingbufMap::kProducerOffset);
    std::uint8_t* const data = storage() + RingbufMap::kDataOffset;
    const std::uint64_t end = producer.load(std::memory_order_acquire);
    const std::uint64_t begin = consumer().position.load(std::memory_order_relaxed);
    if (end % 8 != 0) return -EINVAL;
    if (begin >= end) return -ENODATA;
    const std::uint64_t offset = begin & (size_ - 1) & ~std::uint64_t{7};
    const std::uint32_t word = reinterpret_cast<std::atomic<std::uint32_t>*>(data + offset)->load(std::memory_order_acquire);
    record.size = word & ~(kRingBusy | kRingDiscard);
    const std::uint64_t length = round_up(record.size + kHeader, 8);
    if (length > end - begin) return -EINVAL;
    if (length > size_ || record.size > kMaxDynptr) return -E2BIG;
    record.next = begin + length;
    record.discarded = (word & kRingDiscard) != 0;
    if (!record.discarded && (word & kRingBusy) != 0) return -ENODATA;
    const std::uint64_t at = (begin + kHeader) & (size_ - 1);
    if (at + record.size > size_) std::memcpy(data + size_, data, at + record.size - size_);
    record.sample = data + at;
    return 0;
}

std::int64_t UserRingbufMap::drain_alone(Callback callback, std::uint64_t context) {
    std::int64_t met = 0;
    for (std::uint32_t i = 0; i < kMostRecords; ++i) {
        Record record;
        const int error = first(record);
        if (error == -ENODATA) break;
        if (error != 0) return error;
        bool last = false;
        if (!record.discarded) {
            Dynptr dynptr = make_dynptr(record.sample, record.size, DynptrType::Local);
            last = callback(reinterpret_cast<std::uintptr_t>(&dynptr), context, 0, 0, 0) != 0;
            ++met;
        }
        consumer().position.store(record.next, std::memory_order_release);
        if (last) break;
    }
    return met;
}

// A client that waits for room polls: there is nobody to wake.
std::int64_t UserRingbufMap::drain(Callback callback, std::uint64_t context, std::uint64_t flags) {
    if ((flags & ~kWakeups) != 0) return -EINVAL;
    std::uint32_t owner = 0;
    const std::uint32_t me = task_token();
    std::atomic<std::uint32_t>& busy = consumer().busy;
    const bool alone = busy.compare_exchange_strong(owner, me, std::memory_order_acquire) ||
                       (owner != me && task_gone(owner) &&
                        busy.compare_exchange_strong(owner, me, std::memory_order_acquire));
    if (!alone) return -EBUSY;
    const std::int64_t met = drain_alone(callback, context);
    busy.store(0, std::memory_order_release);
    return met;
}

}  // namespace bpftime
