// BPF_MAP_TYPE_STACK_TRACE: stacks by the id that put() gives them. Each id has a place of its own, which the stack's
// hash chooses: a stack whose place another has is refused or takes it over, as the flags of bpf_get_stackid() say.
// With BPF_F_STACK_BUILD_ID frames are struct bpf_stack_build_id of kind IP: what the kernel gives for a frame whose
// file it cannot read. Places are locked one at a time; a writer killed inside leaves its place empty.
#pragma once

#include <atomic>
#include <span>

#include "runtime/maps/map.h"

namespace bpftime {

class StackTraceMap final : public Map {
public:
    static Result<std::uint64_t> storage_size(const MapSpec& spec);
    static std::unique_ptr<Map> open(const MapSpec& spec, Pages pages, bool fresh);

    static constexpr std::uint64_t kFastCompare = 1u << 9;  // BPF_F_FAST_STACK_CMP: stacks of one hash are one
    static constexpr std::uint64_t kReuse = 1u << 10;       // BPF_F_REUSE_STACKID: take the place of another stack

    // The id of the stack of these addresses, innermost first, cut to what a value holds; -EEXIST: its place is
    // another's; -EFAULT: it is empty; -EBUSY: the calling thread is inside this place already.
    std::int64_t put(std::span<const std::uint64_t> addresses, std::uint64_t flags);

    void* lookup(const void*) override { return nullptr; }
    int update(const void*, const void*, std::uint64_t) override { return -EINVAL; }
    int erase(const void* key) override { return read(key, nullptr, true); }
    bool next(MapCursor&, MapEntry&) override { return false; }
    int copy_out(const void* key, void* value) override { return read(key, value, false); }
    int copy_in(const void*, const void*, std::uint64_t) override { return -EINVAL; }
    int take(const void* key, void* value) override { return read(key, value, true); }
    int next_key(const void* key, void* next) override;

private:
    struct Place;

    StackTraceMap(const MapSpec& spec, Pages pages);
    Place& place(std::uint32_t id) const;
    int read(const void* key, void* value, bool remove);

    std::uint32_t places_, frame_, depth_;  // a power of two; bytes; frames
    std::uint64_t stride_;
};

}  // namespace bpftime
