// Arrays whose elements name other objects by id: BPF_MAP_TYPE_PROG_ARRAY, BPF_MAP_TYPE_PERF_EVENT_ARRAY and
// BPF_MAP_TYPE_ARRAY_OF_MAPS. Through bpf(2) an update gives a descriptor: the server of the call looks the object up
// and gives copy_in() its id, 4 bytes, never 0; reading gives the id. That the object is of the right kind, and stays
// while its id is here, is the server's business. Elements are one word each: no operation takes a lock.
#pragma once

#include <atomic>

#include "runtime/maps/map.h"

namespace bpftime {

// What a map's ids mean in this process: the handle of a map, as programs hold it, for instance; 0: none such.
struct MapResolver {
    std::uint64_t (*handle_of)(std::uint32_t id, void* context) = nullptr;
    void* context = nullptr;
    void* operator()(std::uint32_t id) const {
        return id == 0 || handle_of == nullptr ? nullptr : reinterpret_cast<void*>(handle_of(id, context));
    }
};

class IdArrayMap : public Map {
public:
    static Result<std::uint64_t> storage_size(const MapSpec& spec);
    static std::unique_ptr<Map> open(const MapSpec& spec, Pages pages, bool fresh);

    // The id at an index, 0: none, or beyond the array. Of a prog array that is what a tail call goes to.
    std::uint32_t id_at(std::uint32_t index) const;
    // What the id at an index means in this process; null: nothing. Of a prog array an Entry, of a perf event array a
    // PerfOutput (runtime/helpers/perf_output.h), of an array of maps a Map.
    void* resolved(std::uint32_t index) const { return resolver_(id_at(index)); }
    // To be set before programs run.
    void set_resolver(MapResolver resolver) { resolver_ = resolver; }

    void* lookup(const void* key) override;  // of an array of maps: the inner map's handle
    int update(const void*, const void*, std::uint64_t) override { return -EINVAL; }
    int erase(const void* key) override;
    bool next(MapCursor& cursor, MapEntry& entry) override;
    int copy_out(const void* key, void* value) override;
    int copy_in(const void* key, const void* value, std::uint64_t flags) override;
    int next_key(const void* key, void* next) override;

private:
    IdArrayMap(const MapSpec& spec, Pages pages) : Map(spec, std::move(pages)) {}
    std::atomic<std::uint32_t>& id(std::uint32_t index) const;

    MapResolver resolver_;
};

using ProgArrayMap = IdArrayMap;
using PerfEventArrayMap = IdArrayMap;
using ArrayOfMapsMap = IdArrayMap;

}  // namespace bpftime
