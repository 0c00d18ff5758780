// BPF_MAP_TYPE_QUEUE and BPF_MAP_TYPE_STACK: values without keys, first in first out or last in first out. Through
// bpf(2), update pushes, lookup peeks, lookup-and-delete pops. Each operation takes the map's lock. Every change is one
// store of both ends, so that a thread killed inside leaves the map as it was before or as it is after.
#pragma once

#include <atomic>

#include "runtime/maps/map.h"

namespace bpftime {

class QueueMap : public Map {
public:
    static Result<std::uint64_t> storage_size(const MapSpec& spec);
    static std::unique_ptr<Map> open(const MapSpec& spec, Pages pages, bool fresh);

    // BPF_EXIST makes room in a full map by dropping the oldest value. Empty: -ENOENT, and a program's value is zeroed.
    // -EBUSY: the calling thread is inside an operation already.
    int push(const void* value, std::uint64_t flags) override;
    int pop(void* value) override { return zero_if_empty(read(value, true), value); }
    int peek(void* value) override { return zero_if_empty(read(value, false), value); }

    void* lookup(const void*) override { return nullptr; }
    int update(const void*, const void*, std::uint64_t) override { return -EINVAL; }
    int erase(const void*) override { return -EINVAL; }
    bool next(MapCursor&, MapEntry&) override { return false; }
    int copy_out(const void*, void* value) override { return read(value, false); }
    int copy_in(const void*, const void* value, std::uint64_t flags) override { return push(value, flags); }
    int take(const void*, void* value) override { return read(value, true); }
    int next_key(const void*, void*) override { return -EINVAL; }

private:
    struct Head;
    struct Ends;

    QueueMap(const MapSpec& spec, Pages pages);
    Head& head() const { return *reinterpret_cast<Head*>(storage()); }
    std::uint8_t* at(std::uint32_t slot) const;
    std::uint32_t after(std::uint32_t slot) const { return slot + 1 < slots_ ? slot + 1 : 0; }
    std::uint32_t before(std::uint32_t slot) const { return (slot != 0 ? slot : slots_) - 1; }
    Ends ends() const;
    void set_ends(Ends ends) const;
    int read(void* value, bool remove);
    int zero_if_empty(int error, void* value) const;

    std::uint64_t stride_;
    std::uint32_t slots_;  // one more than max_entries: equal ends mean empty
    bool stack_;
};

using StackMap = QueueMap;

}  // namespace bpftime
