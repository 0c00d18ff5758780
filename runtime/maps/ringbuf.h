// BPF_MAP_TYPE_RINGBUF: records from any number of producers to one consumer, in the kernel's memory layout.
//
// Storage, and so what a file of it shows at the offsets that the kernel's map gives to mmap(2):
//     0            consumer page: its position, 8 bytes; the only page that a client may map for writing
//     4096         producer page: its position, then words of our own (the lock, what is pending)
//     8192         data, max_entries bytes
//     8192 + size  as many bytes again
// In the kernel the second half shows the pages of the first once more, so that records never wrap. Here it is memory
// of its own, and nobody can tell: a record's header always lies in the first half, and both sides run on from it
// without wrapping. Committing a record that crosses the end copies its tail to the front as well, for consumers that
// map the data once and wrap by hand. So one ordinary mmap of the storage file, by any process, at the kernel's offset
// and length, gives libbpf's consumer what it expects. (A server of the system call has to refuse what the kernel
// refuses with EPERM: writing to anything but page 0.)
//
// A record: 4 bytes length with the bits BUSY (reserved, not committed) and DISCARD, 4 bytes that the kernel uses for a
// page offset and we for the producer's token (task_lock.h), then the sample; the next at a multiple of 8.
//
// Producers that die. Killed inside reserve(), the lock is taken over and the record is there or not. Killed between
// reserve and submit, the record is discarded, at its place in the order: by the first reserve() that finds no room
// while the consumer waits at it, by a reserve() at least 10 ms after another that saw it, or by reclaim(). Killed
// after a submit but before its wake-up, the consumer is woken by the same. Records committed before are never lost. A
// producer that lives and never submits holds up the consumer for as long as it lives, as in the kernel.
#pragma once

#include <atomic>

#include "runtime/maps/keyless_map.h"

namespace bpftime {

inline constexpr std::uint32_t kRingBusy = 1u << 31;
inline constexpr std::uint32_t kRingDiscard = 1u << 30;
inline constexpr std::uint64_t kRingNoWakeup = 1;     // BPF_RB_NO_WAKEUP
inline constexpr std::uint64_t kRingForceWakeup = 2;  // BPF_RB_FORCE_WAKEUP

class RingbufMap final : public KeylessMap {
public:
    static constexpr std::uint64_t kConsumerOffset = 0;
    static constexpr std::uint64_t kProducerOffset = kPage;
    static constexpr std::uint64_t kDataOffset = 2 * kPage;

    static Result<std::uint64_t> storage_size(const MapSpec& spec);
    static std::unique_ptr<Map> open(const MapSpec& spec, Pages pages, bool fresh);
    ~RingbufMap() override;

    // Memory for a sample, as long as the map lives; null: no room, or the calling thread is inside reserve() already.
    void* reserve(std::uint64_t size);
    // Ends what reserve() began. Wakes the consumer when it waits for this very record, or as `flags` say.
    void commit(void* sample, std::uint64_t flags, bool discard);
    int output(const void* sample, std::uint64_t size, std::uint64_t flags);
    std::uint64_t query(std::uint64_t what) const;  // BPF_RB_AVAIL_DATA and so on; 0 for what is not known
    // The map whose reserve() gave `sample` in this process; null: none.
    static RingbufMap* of_sample(const void* sample);

    // Called, in the thread that commits, exactly when the kernel would wake those who poll the map; from this
    // process's view only. To be set before programs run.
    using Wake = void (*)(RingbufMap& map, void* context);
    void set_wake(Wake wake, void* context) {
        context_ = context;
        wake_ = wake;
    }
    // What poll(2) on the map says: there is data, or a record that is not committed yet. The fence stands against that of a
    // commit: either this sees the record, or the producer sees how far the caller has consumed, and wakes.
    bool readable() const {
        std::atomic_thread_fence(std::memory_order_seq_cst);
        return query(0) != 0;
    }
    // For whoever waits for the consumer: discards what dead producers left at the consumer's side of the ring, and
    // wakes if that, or one that died before waking, calls for it. True: there was something.
    bool reclaim();

private:
    struct Consumer;
    struct Producer;
    struct Attempt;
    using Word = std::atomic<std::uint64_t>;  // a record's header: length and bits low, token high

    RingbufMap(const MapSpec& spec, Pages pages);
    Consumer& consumer() const;
    Producer& producer() const;
    Word& header(std::uint64_t position) const;
    bool consumer_at(std::uint64_t offset) const;
    bool find_oldest(std::uint64_t& oldest) const;
    Attempt try_reserve(std::uint64_t size, std::uint64_t length) const;
    bool discard_dead();
    bool wake_for_dead();
    void finish(std::uint64_t offset, std::uint64_t word, std::uint64_t flags);

    std::uint8_t* data_;
    std::uint64_t size_;
    bool listed_ =
        false;  // of_sample() finds it; a process with more rings than that list holds cannot produce into them
    Wake wake_ = nullptr;
    void* context_ = nullptr;
};

}  // namespace bpftime
