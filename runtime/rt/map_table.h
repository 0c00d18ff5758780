// The maps of the programs in this process by number and by name.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <string_view>

#include "runtime/maps/map.h"

namespace bpftime::rt {

// Finding by number takes no lock. Maps stay until clear().
class MapTable {
public:
    static constexpr std::uint32_t kCapacity = 1024;

    // Adds maps that are not there yet; all or none. EEXIST: a number is taken by another map.
    Status add(std::span<const MapSpec> specs);
    void clear();

    Map* by_number(std::uint32_t number) const {
        for (std::uint32_t at = number % kCapacity, left = kCapacity; left > 0; at = (at + 1) % kCapacity, --left) {
            Map* map = maps_[at].load(std::memory_order_acquire);
            if (map == nullptr || map->spec().number == number) return map;
        }
        return nullptr;
    }
    Map* by_name(std::string_view name) const;

private:
    std::array<std::atomic<Map*>, kCapacity> maps_{};  // open addressing from the number
    std::uint32_t count_ = 0;
    std::atomic<bool> changing_{false};
};

}  // namespace bpftime::rt
