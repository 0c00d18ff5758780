#include "runtime/rt/map_table.h"

#include <sched.h>

#include "vm/core/kernel_names.h"

namespace bpftime::rt {

namespace {

std::string shape_text(const MapSpec& spec) {
    return cat('\'', spec.name, "' (", map_type_name(spec.type), ", key ", spec.key_size, ", value ", spec.value_size,
               ", max entries ", spec.max_entries, ", flags ", hex(spec.flags), ')');
}

bool same_map(const MapSpec& a, const MapSpec& b) {
    return a.name == b.name && a.type == b.type && a.key_size == b.key_size && a.value_size == b.value_size &&
           a.max_entries == b.max_entries && a.flags == b.flags;
}

class Turn {
public:
    explicit Turn(std::atomic<bool>& busy) : busy_(busy) {
        while (busy_.exchange(true, std::memory_order_acquire)) sched_yield();
    }
    ~Turn() { busy_.store(false, std::memory_order_release); }

private:
    std::atomic<bool>& busy_;
};

Error taken(const MapSpec& there, const MapSpec& wanted) {
    return failure("map number ", wanted.number, " is ", shape_text(there), " already and cannot be ",
                   shape_text(wanted))
        .with_hint("only programs built from one ELF file share a driver's maps; link the BPF objects first")
        .with_errno(EEXIST);
}

}  // namespace

Status MapTable::add(std::span<const MapSpec> specs) {
    Turn turn(changing_);
    MapSet made;
    for (const MapSpec& spec : specs) {
        const Map* there = by_number(spec.number);
        for (const auto& map : made)
            if (map->spec().number == spec.number) there = map.get();
        if (there != nullptr && !same_map(there->spec(), spec)) return fail(taken(there->spec(), spec));
        if (there == nullptr) made.push_back(BPFTIME_TRY(create_map(spec)));
    }
    if (made.size() > kCapacity - count_)
        return fail(failure("more than ", kCapacity, " maps in one driver").with_errno(E2BIG));
    for (auto& map : made) {
        std::uint32_t at = map->spec().number % kCapacity;
        while (maps_[at].load(std::memory_order_relaxed) != nullptr) at = (at + 1) % kCapacity;
        maps_[at].store(map.release(), std::memory_order_release);
        ++count_;
    }
    return {};
}

void MapTable::clear() {
    Turn turn(changing_);
    for (auto& map : maps_) delete map.exchange(nullptr, std::memory_order_acq_rel);
    count_ = 0;
}

Map* MapTable::by_name(std::string_view name) const {
    for (const auto& slot : maps_) {
        Map* map = slot.load(std::memory_order_acquire);
        if (map != nullptr && map->spec().name == name) return map;
    }
    return nullptr;
}

}  // namespace bpftime::rt
