#include "runtime/maps/stack_trace.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "runtime/maps/array.h"
#include "runtime/maps/hash_key.h"
#include "runtime/maps/spec_check.h"
#include "runtime/maps/task_lock.h"

namespace bpftime {

namespace {

constexpr std::uint32_t kMaxDepth = 127;  // kernel.perf_event_max_stack
constexpr std::uint32_t kMaxPlaces = 1u << 31;

// struct bpf_stack_build_id.
struct BuildIdFrame {
    std::int32_t status;
    std::uint8_t build_id[20];
    std::uint64_t address;
};
constexpr std::int32_t kFrameIsAddress = 2;  // BPF_STACK_BUILD_ID_IP

std::uint32_t frame_size(const MapSpec& spec) {
    return (spec.flags & map_flag::kStackBuildId) != 0 ? sizeof(BuildIdFrame) : sizeof(std::uint64_t);
}

}  // namespace

// `count` is 0 while the frames change, so that whoever dies inside leaves it empty.
struct StackTraceMap::Place {
    std::atomic<std::uint32_t> lock;
    std::atomic<std::uint32_t> count;
    std::uint64_t hash;
    std::uint8_t frames[];
};

Result<std::uint64_t> StackTraceMap::storage_size(const MapSpec& spec) {
    using namespace map_flag;
    BPFTIME_CHECK(check_map_shape(spec, kNumaNode | kRdonly | kWronly | kStackBuildId));
    const std::uint32_t frame = frame_size(spec);
    if (spec.key_size != 4) return fail(failure("the key of a stack trace map is 4 bytes, not ", spec.key_size));
    if (spec.value_size % frame != 0 || spec.value_size / frame > kMaxDepth)
        return fail(failure("value of ", spec.value_size, " bytes is not 1 to ", kMaxDepth, " frames of ", frame));
    if (spec.max_entries > kMaxPlaces)
        return fail(failure("max entries ", spec.max_entries, " exceed ", kMaxPlaces).with_errno(E2BIG));
    const StackTraceMap shape(spec, {});
    return shape.places_ * shape.stride_;
}

StackTraceMap::StackTraceMap(const MapSpec& spec, Pages pages)
    : Map(spec, std::move(pages)),
      places_(std::bit_ceil(spec.max_entries)),
      frame_(frame_size(spec)),
      depth_(spec.value_size / frame_),
      stride_(sizeof(Place) + spec.value_size) {}

std::unique_ptr<Map> StackTraceMap::open(const MapSpec& spec, Pages pages, bool) {
    return std::unique_ptr<Map>(new StackTraceMap(spec, std::move(pages)));
}

StackTraceMap::Place& StackTraceMap::place(std::uint32_t id) const {
    return *reinterpret_cast<Place*>(storage() + id * stride_);
}

std::int64_t StackTraceMap::put(std::span<const std::uint64_t> addresses, std::uint64_t flags) {
    const auto count = static_cast<std::uint32_t>(std::min<std::size_t>(addresses.size(), depth_));
    if (count == 0) return -EFAULT;
    const std::uint64_t hash = hash_key<kAnyKey>(addresses.data(), count * 8, HashSeed{});
    const auto id = static_cast<std::uint32_t>(hash & (places_ - 1));
    Place& here = place(id);
    const TaskLock lock(here.lock);
    if (!lock.held()) return -EBUSY;
    std::uint64_t frames[kMaxDepth];
    BuildIdFrame named[kMaxDepth];
    for (std::uint32_t i = 0; i < count; ++i) {
        frames[i] = addresses[i];
        named[i] = {.status = kFrameIsAddress, .build_id = {}, .address = addresses[i]};
    }
    const void* wanted = frame_ == sizeof(BuildIdFrame) ? static_cast<const void*>(named) : frames;
    const std::uint32_t there = here.count.load(std::memory_order_relaxed);
    if (there != 0 && here.hash == hash) {
        if ((flags & kFastCompare) != 0) return id;
        if (there == count && std::memcmp(here.frames, wanted, count * frame_) == 0) return id;
    }
    if (there != 0 && (flags & kReuse) == 0) return -EEXIST;
    here.count.store(0, std::memory_order_release);
    std::atomic_thread_fence(std::memory_order_release);
    here.hash = hash;
    std::memcpy(here.frames, wanted, count * frame_);
    here.count.store(count, std::memory_order_release);
    return id;
}

int StackTraceMap::read(const void* key, void* value, bool remove) {
    const std::uint32_t id = array_index(key);
    if (id >= places_) return value == nullptr ? -E2BIG : -ENOENT;
    Place& here = place(id);
    const TaskLock lock(here.lock);
    if (!lock.held()) return -EBUSY;
    const std::uint32_t bytes = std::min(here.count.load(std::memory_order_relaxed), depth_) * frame_;
    if (bytes == 0) return -ENOENT;
    if (value != nullptr) {
        std::memcpy(value, here.frames, bytes);
        std::memset(static_cast<std::uint8_t*>(value) + bytes, 0, spec().value_size - bytes);
    }
    if (remove) here.count.store(0, std::memory_order_release);
    return 0;
}

int StackTraceMap::next_key(const void* key, void* next) {
    const auto empty = [this](std::uint32_t id) { return place(id).count.load(std::memory_order_acquire) == 0; };
    std::uint32_t id = key == nullptr ? places_ : array_index(key);
    id = id >= places_ || empty(id) ? 0 : id + 1;
    while (id < places_ && empty(id)) ++id;
    if (id >= places_) return -ENOENT;
    std::memcpy(next, &id, sizeof id);
    return 0;
}

}  // namespace bpftime
