// A BPF map as this process sees it, with the kernel's semantics. One class a map type (maps.def); create_map() makes any of
// them. A class has two functions beside its members:
//   static Result<std::uint64_t> storage_size(const MapSpec&)       checks the shape; bytes of storage
//   static std::unique_ptr<Map> open(const MapSpec&, Pages, bool fresh)  over pages of that size; `fresh` ones are zero
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "runtime/maps/pages.h"
#include "vm/core/engine.h"
#include "vm/core/program.h"
#include "vm/core/result.h"

namespace bpftime {

// Flags of update and create; values of the kernel's UAPI (linux/bpf.h).
inline constexpr std::uint64_t kUpdateAny = 0;
inline constexpr std::uint64_t kUpdateNoExist = 1;
inline constexpr std::uint64_t kUpdateExist = 2;
inline constexpr std::uint64_t kUpdateLock = 4;

inline constexpr int kEnotsupp = 524;  // the kernel's ENOTSUPP: what it returns for an operation that a type of map lacks

// Where an iteration stands. Begins zeroed; its fields belong to the map's class.
struct MapCursor {
    std::uint64_t index = 0;
    std::uint32_t slot = 0;
    std::uint32_t element = 0;
    std::uint32_t following = 0;
};

// An element met by an iteration: its key and, of a per-CPU map, the value of the CPU that asks.
struct MapEntry {
    const void* key = nullptr;
    void* value = nullptr;
};

// Operations return 0 or a negative errno as the kernel's do. All may be called from any number of threads at once. A
// value's address stays the same as long as its element lives; the memory stays mapped as long as the Map.
class Map {
public:
    Map(MapSpec spec, Pages pages) : spec_(std::move(spec)), pages_(std::move(pages)) {}
    Map(const Map&) = delete;
    Map& operator=(const Map&) = delete;
    virtual ~Map() = default;

    const MapSpec& spec() const { return spec_; }
    // What programs hold: lddw loads it, map helpers take it.
    std::uint64_t handle() const { return reinterpret_cast<std::uintptr_t>(this); }
    // Address of the first value and bytes to the next, of maps whose values lie in a row by index; else 0.
    virtual std::uint8_t* values() const { return nullptr; }
    virtual std::uint64_t stride() const { return 0; }
    MapBinding binding() const;

    // As programs see the map. `key` points at key_size bytes, `value` at value_size. Per-CPU maps mean the calling
    // CPU's value.
    virtual void* lookup(const void* key) = 0;  // takes no lock; null: no such element
    virtual int update(const void* key, const void* value, std::uint64_t flags) = 0;
    virtual int erase(const void* key) = 0;
    // The value of one CPU; null also when the map is not per-CPU or has no such CPU.
    virtual void* lookup_cpu(const void* key, std::uint32_t cpu);
    // Of maps without keys; -EOPNOTSUPP where a type has them not. `peek` of a bloom filter reads the value.
    virtual int push(const void* value, std::uint64_t flags);
    virtual int pop(void* value);
    virtual int peek(void* value);
    // The next element, false at the end. Elements may come and go meanwhile; those that stay are met once.
    virtual bool next(MapCursor& cursor, MapEntry& entry) = 0;

    // As bpf(2) sees it: values of user_value_size() bytes, copied whole. Use the functions of user_ops.h, which check
    // flags first.
    virtual std::size_t user_value_size() const { return spec_.value_size; }
    virtual int copy_out(const void* key, void* value) = 0;
    virtual int copy_in(const void* key, const void* value, std::uint64_t flags) = 0;
    virtual int take(const void* key, void* value);         // copy_out and erase in one step
    virtual int next_key(const void* key, void* next) = 0;  // null or unknown key: the first one
    virtual void freeze() { __atomic_store_n(&frozen_, true, __ATOMIC_RELEASE); }
    // Values have a struct bpf_spin_lock at this offset, which no copy touches; update with kUpdateLock takes it. To be set
    // before the map is used.
    void set_spin_lock(std::uint32_t offset) { spin_lock_ = offset; }
    bool has_spin_lock() const { return spin_lock_ != kNoLock; }
    bool frozen() const { return __atomic_load_n(&frozen_, __ATOMIC_ACQUIRE); }

protected:
    // All that the map's elements consist of. It holds no address, so that processes may map it at different places.
    std::uint8_t* storage() const { return pages_.data(); }

    // Copies a value all but its spin lock; `locked`: holding it.
    void copy_value(void* to, const void* from, bool locked = false) const;
    // As bpf(2) reads one: holding the spin lock, where there is one, and with zeros in its place.
    void read_value(void* to, const void* from) const;

private:
    static constexpr std::uint32_t kNoLock = ~std::uint32_t{0};
    void copy_around_lock(std::uint8_t* to, const std::uint8_t* from) const;

    MapSpec spec_;
    Pages pages_;
    std::uint32_t spin_lock_ = kNoLock;
    bool frozen_ = false;
};

// Bytes of storage that a map of this shape needs, a multiple of the page size. Errors carry the errno of BPF_MAP_CREATE: EINVAL
// for a shape the type does not allow, E2BIG.
Result<std::uint64_t> map_storage(const MapSpec& spec);

// Makes the map that `spec` describes; contents, where it has any, become the first value, and `frozen` freezes it
// afterwards. Errors as above, and ENOMEM. The storage is private, or `pages`: map_storage() bytes of zeros.
Result<std::unique_ptr<Map>> create_map(const MapSpec& spec);
Result<std::unique_ptr<Map>> create_map(const MapSpec& spec, Pages pages);

// The map that lives in `pages` since another process, or an earlier call, made it there from the same shape.
Result<std::unique_ptr<Map>> open_map(const MapSpec& spec, Pages pages);

// The map types that create_map offers, by id, ascending.
std::vector<std::uint32_t> supported_map_types();

using MapSet = std::vector<std::unique_ptr<Map>>;

// Private maps for a whole program or object, in order. The error names the map.
Result<MapSet> create_maps(std::span<const MapSpec> specs);

}  // namespace bpftime
