#include "runtime/maps/lpm_trie.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "runtime/maps/spec_check.h"
#include "runtime/maps/task_lock.h"

namespace bpftime {

namespace {

constexpr std::uint32_t kMaxData = 256;  // LPM_DATA_SIZE_MAX
constexpr std::uint32_t kMaxBits = kMaxData * 8;
constexpr std::uint32_t kMaxValue = kMaxAllocation - kMaxData - 24;  // LPM_VAL_SIZE_MAX
constexpr std::uint32_t kInner = 1, kReached = 2;                    // flags of a node: has no value; collect() came by
constexpr std::uint32_t kPatience = 64;                              // looks without the lock before one with it

std::uint32_t bit_of(const std::uint8_t* bits, std::uint32_t index) { return bits[index / 8] >> (7 - index % 8) & 1; }

struct Key {
    explicit Key(const void* key) : bits(static_cast<const std::uint8_t*>(key) + sizeof count) {
        std::memcpy(&count, key, sizeof count);
    }
    std::uint32_t count;
    const std::uint8_t* bits;
};

}  // namespace

struct LpmTrieMap::Head {
    Link root;
    std::atomic<std::uint32_t> version;  // grows when a node leaves the trie
    std::atomic<std::uint32_t> lock;
    std::uint32_t entries, fresh;  // prefixes with values; nodes 1..fresh have been used
    Link free;                     // list of nodes, by their first child
};

// The count and the bits behind it are a key as users give it.
struct LpmTrieMap::Node {
    Link child[2];
    std::atomic<std::uint32_t> flags;
    std::uint32_t count;
    std::uint8_t bits[];
};

// Where a key is, or would go: the link to the node at which walking ended, and the links above.
struct LpmTrieMap::Walk {
    const std::uint8_t* bits;
    std::uint32_t count;
    Link* link;
    Link* above = nullptr;     // the link to the node that has `link`
    std::uint32_t number = 0;  // at `link`; 0: nothing there
    std::uint32_t common = 0;  // bits that it shares with the key
};

Result<std::uint64_t> LpmTrieMap::storage_size(const MapSpec& spec) {
    BPFTIME_CHECK(check_map_shape(spec, map_flag::kNoPrealloc | map_flag::kNumaNode | map_flag::kAccess));
    if ((spec.flags & map_flag::kNoPrealloc) == 0) return fail(failure("an LPM trie needs BPF_F_NO_PREALLOC"));
    if (spec.key_size <= 4 || spec.key_size > 4 + kMaxData)
        return fail(failure("the key of an LPM trie has 5 to ", 4 + kMaxData, " bytes, not ", spec.key_size));
    if (spec.value_size > kMaxValue) return fail(failure("value of ", spec.value_size, " bytes exceeds ", kMaxValue));
    constexpr std::uint32_t kMaxEntries = 1u << 30;
    if (spec.max_entries > kMaxEntries)
        return fail(failure("max entries ", spec.max_entries, " exceed ", kMaxEntries).with_errno(E2BIG));
    const LpmTrieMap shape(spec, {});
    return kCacheLine + (std::uint64_t{shape.capacity_} + 1) * shape.stride_;
}

// Of n prefixes at most n - 1 part; one more node is in hand while it replaces another.
LpmTrieMap::LpmTrieMap(const MapSpec& spec, Pages pages)
    : Map(spec, std::move(pages)),
      data_size_(spec.key_size - 4),
      max_bits_(data_size_ * 8),
      capacity_(spec.max_entries * 2 + 1),
      value_at_(round_up(sizeof(Node) + data_size_, 8)),
      stride_(value_at_ + round_up(spec.value_size, 8)) {}

std::unique_ptr<Map> LpmTrieMap::open(const MapSpec& spec, Pages pages, bool) {
    return std::unique_ptr<Map>(new LpmTrieMap(spec, std::move(pages)));
}

// Numbers that someone spoilt stay inside the storage.
LpmTrieMap::Node& LpmTrieMap::node(std::uint32_t number) const {
    return *reinterpret_cast<Node*>(storage() + kCacheLine + std::min(number, capacity_) * stride_);
}
std::uint8_t* LpmTrieMap::value(std::uint32_t number) const {
    return reinterpret_cast<std::uint8_t*>(&node(number)) + value_at_;
}

std::uint32_t LpmTrieMap::common_bits(const Node& node, const std::uint8_t* bits, std::uint32_t count) const {
    const std::uint32_t limit = std::min({node.count, count, max_bits_});
    for (std::uint32_t i = 0; i * 8 < limit; ++i)
        if (const std::uint32_t other = node.bits[i] ^ bits[i]; other != 0)
            return std::min(limit,
                            i * 8 + static_cast<std::uint32_t>(std::countl_zero(static_cast<std::uint8_t>(other))));
    return limit;
}

// Whether the first `prefix` bits, which both have, are the same: four bytes at a time where both have as many.
inline bool LpmTrieMap::begins(const Node& node, const std::uint8_t* bits, std::uint32_t prefix) const {
    const auto difference = [&](std::uint32_t at) {
        std::uint32_t a, b;
        std::memcpy(&a, node.bits + at, sizeof a);
        std::memcpy(&b, bits + at, sizeof b);
        return __builtin_bswap32(a ^ b);
    };
    std::uint32_t at = 0;
    for (; prefix >= 32; at += 4, prefix -= 32)
        if (difference(at) != 0) return false;
    if (prefix == 0) return true;
    if (at + 4 <= data_size_) return difference(at) >> (32 - prefix) == 0;
    for (; prefix >= 8; ++at, prefix -= 8)
        if (node.bits[at] != bits[at]) return false;
    return prefix == 0 || (node.bits[at] ^ bits[at]) >> (8 - prefix) == 0;
}

// Of keys up to 8 bytes, with the first bit the highest of `bits`. Where two prefixes part nothing is compared: if the
// key differs there, it differs from all below.
std::uint32_t LpmTrieMap::find_longest_short(std::uint64_t bits, std::uint32_t count) const {
    std::uint32_t found = 0, number = head().root.load(std::memory_order_acquire);
    for (std::uint32_t depth = 0; number != 0 && number <= capacity_ && depth <= max_bits_; ++depth) {
        const Node& at = *reinterpret_cast<const Node*>(storage() + kCacheLine + number * stride_);
        const std::uint32_t prefix = at.count;
        if (prefix > count) break;
        if ((at.flags.load(std::memory_order_relaxed) & kInner) == 0) {
            std::uint64_t mine;  // nodes have at least 8 bytes here, the unused ones zero
            std::memcpy(&mine, at.bits, sizeof mine);
            if (prefix != 0 && (__builtin_bswap64(mine) ^ bits) >> (64 - prefix) != 0) break;
            found = number;
        }
        if (prefix >= count) break;
        number = at.child[bits << prefix >> 63].load(std::memory_order_acquire);
    }
    return found;
}

std::uint32_t LpmTrieMap::find_longest(const std::uint8_t* bits, std::uint32_t count) const {
    if (data_size_ <= sizeof(std::uint64_t)) {
        std::uint64_t word = 0;
        if (data_size_ == 4) {  // an IPv4 address
            std::uint32_t half;
            std::memcpy(&half, bits, sizeof half);
            word = half;
        } else {
            std::memcpy(&word, bits, data_size_);
        }
        return find_longest_short(__builtin_bswap64(word), std::min(count, max_bits_));
    }
    std::uint32_t found = 0, number = head().root.load(std::memory_order_acquire);
    for (std::uint32_t depth = 0; number != 0 && depth <= max_bits_; ++depth) {
        const Node& at = node(number);
        const std::uint32_t prefix = at.count;
        if (prefix > std::min(count, max_bits_) || !begins(at, bits, prefix)) break;
        if ((at.flags.load(std::memory_order_relaxed) & kInner) == 0) found = number;
        if (prefix >= max_bits_ || prefix >= count) break;
        number = at.child[bit_of(bits, prefix)].load(std::memory_order_acquire);
    }
    return found;
}

void* LpmTrieMap::lookup(const void* key) {
    const Key wanted(key);
    if (wanted.count > max_bits_) return nullptr;
    for (std::uint32_t round = 0; round < kPatience; ++round) {
        const std::uint32_t version = head().version.load(std::memory_order_acquire);
        const std::uint32_t found = find_longest(wanted.bits, wanted.count);
        std::atomic_thread_fence(std::memory_order_acquire);
        if (head().version.load(std::memory_order_relaxed) == version) return found == 0 ? nullptr : value(found);
    }
    const TaskLock lock(head().lock);
    if (lock.taken_over()) collect();
    const std::uint32_t found = find_longest(wanted.bits, wanted.count);
    return found == 0 ? nullptr : value(found);
}

// With the lock held, as all below.
LpmTrieMap::Walk LpmTrieMap::walk(const std::uint8_t* bits, std::uint32_t count) const {
    Walk at{.bits = bits, .count = count, .link = &head().root};
    for (std::uint32_t depth = 0; depth <= max_bits_; ++depth) {
        at.number = at.link->load(std::memory_order_relaxed);
        if (at.number == 0) break;
        Node& here = node(at.number);
        at.common = common_bits(here, bits, count);
        if (here.count != at.common || here.count == count || here.count >= max_bits_) break;
        at.above = at.link;
        at.link = &here.child[bit_of(bits, here.count)];
    }
    return at;
}

std::uint32_t LpmTrieMap::take_node() const {
    std::uint32_t number = head().free.load(std::memory_order_relaxed);
    if (number != 0)
        head().free.store(node(number).child[0].load(std::memory_order_relaxed), std::memory_order_relaxed);
    else if (head().fresh < capacity_)
        number = ++head().fresh;
    return number;
}

void LpmTrieMap::free_node(std::uint32_t number) const {
    node(number).child[0].store(head().free.load(std::memory_order_relaxed), std::memory_order_relaxed);
    head().free.store(number, std::memory_order_relaxed);
}

// After nodes left the trie, before they are written to.
void LpmTrieMap::left_trie() const {
    head().version.store(head().version.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release);
}

int LpmTrieMap::check_room(std::uint64_t flags) const {
    if (flags == kUpdateExist) return -ENOENT;
    return head().entries >= spec().max_entries ? -ENOSPC : 0;
}

// Puts the filled node where the walk ended.
int LpmTrieMap::insert(const Walk& walk, std::uint32_t number, std::uint64_t flags) const {
    Node& added = node(number);
    Node& there = node(walk.number);
    const bool exact = walk.number != 0 && there.count == walk.common && there.count == walk.count;
    const bool present = exact && (there.flags.load(std::memory_order_relaxed) & kInner) == 0;
    if (present && flags == kUpdateNoExist) return -EEXIST;
    if (!present)
        if (const int error = check_room(flags)) return error;
    head().entries += !present;
    if (exact) {
        for (int side : {0, 1})
            added.child[side].store(there.child[side].load(std::memory_order_relaxed), std::memory_order_relaxed);
    } else if (walk.number != 0 && walk.common == walk.count) {
        added.child[bit_of(there.bits, walk.common)].store(walk.number, std::memory_order_relaxed);
    } else if (walk.number != 0) {
        const std::uint32_t inner = take_node();
        if (inner == 0) return -ENOMEM;  // only where someone spoilt the storage
        Node& parting = node(inner);
        parting.flags.store(kInner, std::memory_order_relaxed);
        parting.count = walk.common;
        std::memcpy(parting.bits, there.bits, data_size_);
        const std::uint32_t side = bit_of(walk.bits, walk.common);
        parting.child[side].store(number, std::memory_order_relaxed);
        parting.child[1 - side].store(walk.number, std::memory_order_relaxed);
        walk.link->store(inner, std::memory_order_release);
        return 0;
    }
    walk.link->store(number, std::memory_order_release);
    if (exact) {
        left_trie();
        free_node(walk.number);
    }
    return 0;
}

int LpmTrieMap::update(const void* key, const void* new_value, std::uint64_t flags) {
    if (!update_flags_valid(flags)) return -EINVAL;
    const Key wanted(key);
    if (wanted.count > max_bits_) return -EINVAL;
    const TaskLock lock(head().lock);
    if (!lock.held()) return -EBUSY;
    if (lock.taken_over()) collect();
    const std::uint32_t number = take_node();
    if (number == 0) return -ENOMEM;
    Node& added = node(number);
    added.child[0].store(0, std::memory_order_relaxed);
    added.child[1].store(0, std::memory_order_relaxed);
    added.flags.store(0, std::memory_order_relaxed);
    added.count = wanted.count;
    std::memcpy(added.bits, wanted.bits, data_size_);
    std::memcpy(value(number), new_value, spec().value_size);
    const int error = insert(walk(wanted.bits, wanted.count), number, flags);
    if (error != 0) free_node(number);
    return error;
}

// Takes the prefix at which the walk ended out. A node with two children stays to part them; one that parted it from a
// single other goes with it.
void LpmTrieMap::remove(const Walk& walk) const {
    Node& here = node(walk.number);
    --head().entries;
    const std::uint32_t left = here.child[0].load(std::memory_order_relaxed);
    const std::uint32_t right = here.child[1].load(std::memory_order_relaxed);
    if (left != 0 && right != 0) {
        here.flags.store(kInner, std::memory_order_release);
        return;
    }
    const std::uint32_t parent = walk.above == nullptr ? 0 : walk.above->load(std::memory_order_relaxed);
    const bool joins =
        parent != 0 && left == 0 && right == 0 && (node(parent).flags.load(std::memory_order_relaxed) & kInner) != 0;
    if (joins) {
        Node& parting = node(parent);
        const int other = walk.link == &parting.child[0] ? 1 : 0;
        walk.above->store(parting.child[other].load(std::memory_order_relaxed), std::memory_order_release);
    } else {
        walk.link->store(left != 0 ? left : right, std::memory_order_release);
    }
    left_trie();
    free_node(walk.number);
    if (joins) free_node(parent);
}

int LpmTrieMap::erase(const void* key) {
    const Key wanted(key);
    if (wanted.count > max_bits_) return -EINVAL;
    const TaskLock lock(head().lock);
    if (!lock.held()) return -EBUSY;
    if (lock.taken_over()) collect();
    const Walk at = walk(wanted.bits, wanted.count);
    if (at.number == 0) return -ENOENT;
    const Node& here = node(at.number);
    if (here.count != at.common || here.count != wanted.count ||
        (here.flags.load(std::memory_order_relaxed) & kInner) != 0)
        return -ENOENT;
    remove(at);
    return 0;
}

// Whoever had the lock died: what the trie does not reach is free.
void LpmTrieMap::collect() const {
    left_trie();
    const std::uint32_t fresh = std::min(head().fresh, capacity_);
    for (std::uint32_t number = 1; number <= fresh; ++number)
        node(number).flags.fetch_and(~kReached, std::memory_order_relaxed);
    std::uint32_t path[kMaxBits + 2], depth = 0, entries = 0;
    path[depth++] = head().root.load(std::memory_order_relaxed);
    while (depth > 0) {  // a node is on the path until its children are: never more than one other a level
        const std::uint32_t number = path[--depth];
        if (number == 0 || number > fresh) continue;
        Node& here = node(number);
        if ((here.flags.fetch_or(kReached, std::memory_order_relaxed) & (kReached | kInner)) == 0) ++entries;
        for (const Link& child : here.child)
            if (depth < std::size(path)) path[depth++] = child.load(std::memory_order_relaxed);
    }
    head().free.store(0, std::memory_order_relaxed);
    for (std::uint32_t number = 1; number <= fresh; ++number)
        if ((node(number).flags.fetch_and(~kReached, std::memory_order_relaxed) & kReached) == 0) free_node(number);
    head().entries = entries;
}

int LpmTrieMap::copy_out(const void* key, void* to) {
    const Key wanted(key);
    if (wanted.count > max_bits_) return -ENOENT;
    const TaskLock lock(head().lock);  // so that the copy is whole
    if (!lock.held()) return -EBUSY;
    if (lock.taken_over()) collect();
    const std::uint32_t found = find_longest(wanted.bits, wanted.count);
    if (found == 0) return -ENOENT;
    std::memcpy(to, value(found), spec().value_size);
    return 0;
}

// The node with a value that comes first, in the order of next_key, at or below a node. Nodes without one have both
// children.
std::uint32_t LpmTrieMap::first_below(std::uint32_t number) const {
    std::uint32_t found = 0;
    for (std::uint32_t depth = 0; number != 0 && depth <= max_bits_; ++depth) {
        const Node& here = node(number);
        if ((here.flags.load(std::memory_order_relaxed) & kInner) == 0) found = number;
        const std::uint32_t left = here.child[0].load(std::memory_order_relaxed);
        number = left != 0 ? left : here.child[1].load(std::memory_order_relaxed);
    }
    return found;
}

// The node behind the one of exactly this prefix: 0 at the end, and where there is no such prefix its own successor,
// the first, is given.
std::uint32_t LpmTrieMap::successor(const std::uint8_t* bits, std::uint32_t count) const {
    const std::uint32_t root = head().root.load(std::memory_order_relaxed);
    std::uint32_t path[kMaxBits + 1], depth = 0;
    for (std::uint32_t number = root; number != 0 && depth <= max_bits_;) {
        const Node& here = node(number);
        path[depth++] = number;
        if (common_bits(here, bits, count) != here.count || here.count >= count) break;
        number = here.child[bit_of(bits, here.count)].load(std::memory_order_relaxed);
        if (number == 0) return first_below(root);
    }
    if (depth == 0) return 0;
    const Node& last = node(path[depth - 1]);
    const bool exact = last.count == count && common_bits(last, bits, count) == count;
    if (!exact || (last.flags.load(std::memory_order_relaxed) & kInner) != 0) return first_below(root);
    for (std::uint32_t below = path[--depth]; depth > 0; below = path[--depth]) {
        const Node& parent = node(path[depth - 1]);
        const std::uint32_t left = parent.child[0].load(std::memory_order_relaxed);
        const std::uint32_t right = parent.child[1].load(std::memory_order_relaxed);
        if (left == below && right != 0) return first_below(right);
        if ((parent.flags.load(std::memory_order_relaxed) & kInner) == 0) return path[depth - 1];
    }
    return 0;
}

int LpmTrieMap::next_key(const void* key, void* next) {
    const TaskLock lock(head().lock);
    if (!lock.held()) return -EBUSY;
    if (lock.taken_over()) collect();
    std::uint32_t number = 0;
    if (key == nullptr || Key(key).count > max_bits_)
        number = first_below(head().root.load(std::memory_order_relaxed));
    else
        number = successor(Key(key).bits, Key(key).count);
    if (number == 0) return -ENOENT;
    std::memcpy(next, &node(number).count, spec().key_size);
    return 0;
}

// Ends early when the element that it stood at is gone.
bool LpmTrieMap::next(MapCursor& cursor, MapEntry& entry) {
    const TaskLock lock(head().lock);
    if (!lock.held()) return false;
    if (lock.taken_over()) collect();
    std::uint32_t number = 0;
    if (cursor.element == 0) {
        number = first_below(head().root.load(std::memory_order_relaxed));
    } else {
        const Node& last = node(cursor.element);
        const Walk at = walk(last.bits, last.count);
        if (at.number == cursor.element) number = successor(last.bits, last.count);
    }
    if (number == 0) return false;
    cursor.element = number;
    entry = {&node(number).count, value(number)};
    return true;
}

}  // namespace bpftime
