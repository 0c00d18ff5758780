// BPF_MAP_TYPE_LPM_TRIE: values by prefixes of bits; a lookup finds the longest prefix of its key. A key is a 4-byte
// count of bits and the bits, the first being the highest of the first byte.
//
// The trie is the kernel's: a node a prefix, and nodes without a value where two prefixes part; so next_key gives the
// kernel's order, longer prefixes before the shorter that contain them. Lookups take no lock: they look again when a
// node left the trie meanwhile. Writers take the map's lock. Each change is one store into the trie, so that a writer
// killed inside leaves it whole; who takes its lock over collects the nodes that it had in hand. A node that is removed
// is reused at once (the kernel waits for readers first), so that the value of a lookup shows another key's value some
// time after its own was deleted.
#pragma once

#include <atomic>

#include "runtime/maps/map.h"

namespace bpftime {

class LpmTrieMap final : public Map {
public:
    static Result<std::uint64_t> storage_size(const MapSpec& spec);
    static std::unique_ptr<Map> open(const MapSpec& spec, Pages pages, bool fresh);

    void* lookup(const void* key) override;
    int update(const void* key, const void* value, std::uint64_t flags) override;
    int erase(const void* key) override;
    bool next(MapCursor& cursor, MapEntry& entry) override;
    int copy_out(const void* key, void* value) override;
    int copy_in(const void* key, const void* value, std::uint64_t flags) override { return update(key, value, flags); }
    int next_key(const void* key, void* next) override;

private:
    struct Head;
    struct Node;
    struct Walk;
    using Link = std::atomic<std::uint32_t>;  // number of a node, 0: none

    LpmTrieMap(const MapSpec& spec, Pages pages);
    Head& head() const { return *reinterpret_cast<Head*>(storage()); }
    Node& node(std::uint32_t number) const;
    std::uint8_t* value(std::uint32_t number) const;
    std::uint32_t common_bits(const Node& node, const std::uint8_t* bits, std::uint32_t count) const;
    bool begins(const Node& node, const std::uint8_t* bits, std::uint32_t prefix) const;
    std::uint32_t find_longest_short(std::uint64_t bits, std::uint32_t count) const;
    std::uint32_t find_longest(const std::uint8_t* bits, std::uint32_t count) const;
    Walk walk(const std::uint8_t* bits, std::uint32_t count) const;
    std::uint32_t successor(const std::uint8_t* bits, std::uint32_t count) const;
    std::uint32_t first_below(std::uint32_t number) const;

    std::uint32_t take_node() const;
    void free_node(std::uint32_t number) const;
    void left_trie() const;
    int insert(const Walk& walk, std::uint32_t number, std::uint64_t flags) const;
    int check_room(std::uint64_t flags) const;
    void remove(const Walk& walk) const;
    void collect() const;

    std::uint32_t data_size_, max_bits_, capacity_;
    std::uint64_t value_at_, stride_;
};

}  // namespace bpftime
