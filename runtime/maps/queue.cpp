#include "runtime/maps/queue.h"

#include <cstring>

#include "runtime/maps/spec_check.h"
#include "runtime/maps/task_lock.h"
#include "vm/core/kernel_names.h"

namespace bpftime {

struct QueueMap::Head {
    std::atomic<std::uint64_t> ends;  // the slot to push to high, the oldest value's low
    std::atomic<std::uint32_t> lock;
};

struct QueueMap::Ends {
    std::uint32_t newest = 0;  // the slot behind it
    std::uint32_t oldest = 0;
    bool empty() const { return newest == oldest; }
};

Result<std::uint64_t> QueueMap::storage_size(const MapSpec& spec) {
    BPFTIME_CHECK(check_map_flags(spec, map_flag::kAccess | map_flag::kNumaNode));
    if (spec.key_size != 0 || spec.value_size == 0 || spec.max_entries == 0)
        return fail(failure("a queue or stack has no keys, values of at least a byte, and room for one"));
    if (spec.value_size > kMaxAllocation)
        return fail(failure("value of ", spec.value_size, " bytes exceeds ", kMaxAllocation).with_errno(E2BIG));
    if (spec.max_entries == UINT32_MAX) return fail(failure("too many entries").with_errno(ENOMEM));
    return kCacheLine + round_up(spec.value_size, 8) * (std::uint64_t{spec.max_entries} + 1);
}

std::unique_ptr<Map> QueueMap::open(const MapSpec& spec, Pages pages, bool) {
    return std::unique_ptr<Map>(new QueueMap(spec, std::move(pages)));
}

QueueMap::QueueMap(const MapSpec& spec, Pages pages)
    : Map(spec, std::move(pages)),
      stride_(round_up(spec.value_size, 8)),
      slots_(spec.max_entries + 1),
      stack_(spec.type == static_cast<std::uint32_t>(MapType::Stack)) {}

std::uint8_t* QueueMap::at(std::uint32_t slot) const { return storage() + kCacheLine + slot * stride_; }

// Ends that someone spoilt stay inside the storage.
QueueMap::Ends QueueMap::ends() const {
    const std::uint64_t both = head().ends.load(std::memory_order_relaxed);
    return {static_cast<std::uint32_t>(both >> 32) % slots_, static_cast<std::uint32_t>(both) % slots_};
}

void QueueMap::set_ends(Ends ends) const {
    head().ends.store(std::uint64_t{ends.newest} << 32 | ends.oldest, std::memory_order_release);
}

int QueueMap::push(const void* value, std::uint64_t flags) {
    if (flags != kUpdateAny && flags != kUpdateExist) return -EINVAL;
    const TaskLock lock(head().lock);
    if (!lock.held()) return -EBUSY;
    Ends now = ends();
    std::memcpy(at(now.newest), value, spec().value_size);  // never a slot that holds a value
    now.newest = after(now.newest);
    if (now.empty()) {
        if (flags != kUpdateExist) return -E2BIG;
        now.oldest = after(now.oldest);
    }
    set_ends(now);
    return 0;
}

int QueueMap::zero_if_empty(int error, void* value) const {
    if (error != 0) std::memset(value, 0, spec().value_size);
    return error;
}

int QueueMap::read(void* value, bool remove) {
    const TaskLock lock(head().lock);
    if (!lock.held()) return -EBUSY;
    Ends now = ends();
    if (now.empty()) return -ENOENT;
    std::uint32_t& end = stack_ ? now.newest : now.oldest;
    std::memcpy(value, at(stack_ ? before(end) : end), spec().value_size);
    end = stack_ ? before(end) : after(end);
    if (remove) set_ends(now);
    return 0;
}

}  // namespace bpftime
