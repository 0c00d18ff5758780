#include "runtime/maps/bloom_filter.h"

#include <algorithm>
#include <bit>

#include "runtime/maps/spec_check.h"

namespace bpftime {

namespace {

constexpr std::uint64_t kHashBits = 0xf;   // of map_extra: how many hashes
constexpr std::uint32_t kUsualHashes = 5;  // where it says 0
constexpr std::uint64_t kMaxBits = std::uint64_t{1} << 32;

std::uint32_t hashes_of(const MapSpec& spec) {
    return spec.extra == 0 ? kUsualHashes : static_cast<std::uint32_t>(spec.extra & kHashBits);
}

// For n entries and k hashes, k * n / ln 2 bits, which leaves half of them clear, rounded up to a power of two as in
// the kernel.
std::uint64_t bits_of(const MapSpec& spec) {
    const std::uint64_t wanted = std::uint64_t{spec.max_entries} * hashes_of(spec) / 5 * 7;
    return std::clamp(std::bit_ceil(wanted), std::uint64_t{64}, kMaxBits);
}

}  // namespace

Result<std::uint64_t> BloomFilterMap::storage_size(const MapSpec& spec) {
    if (spec.value_size > kMaxAllocation)
        return fail(failure("value of ", spec.value_size, " bytes exceeds ", kMaxAllocation).with_errno(E2BIG));
    MapSpec plain = spec;
    plain.extra = 0;
    BPFTIME_CHECK(check_map_flags(plain, map_flag::kAccess | map_flag::kNumaNode | map_flag::kZeroSeed));
    if ((spec.extra & ~kHashBits) != 0) return fail(failure("map_extra ", hex(spec.extra), " exceeds 15 hashes"));
    if (spec.key_size != 0 || spec.value_size == 0 || spec.max_entries == 0)
        return fail(failure("a bloom filter has no keys, values of at least a byte, and room for one"));
    return kCacheLine + bits_of(spec) / 8;
}

std::unique_ptr<Map> BloomFilterMap::open(const MapSpec& spec, Pages pages, bool fresh) {
    return std::unique_ptr<Map>(new BloomFilterMap(spec, std::move(pages), fresh));
}

BloomFilterMap::BloomFilterMap(const MapSpec& spec, Pages pages, bool fresh)
    : Map(spec, std::move(pages)), mask_(bits_of(spec) - 1), hashes_(hashes_of(spec)) {
    auto& seed = *reinterpret_cast<HashSeed*>(storage());
    if (fresh && (spec.flags & map_flag::kZeroSeed) == 0) seed = random_hash_seed();
    seed_ = seed;
}

template <class Visit>
bool BloomFilterMap::for_each_bit(const void* value, Visit visit) const {
    auto* words = reinterpret_cast<std::atomic<std::uint64_t>*>(storage() + kCacheLine);
    const std::uint64_t hash = hash_key<kAnyKey>(value, spec().value_size, seed_);
    const std::uint64_t step = hash_detail::fold(hash ^ seed_.b, hash_detail::kOdd) | 1;
    for (std::uint32_t i = 0; i < hashes_; ++i) {
        const std::uint64_t bit = (hash + i * step) >> 8 & mask_;
        if (!visit(words[bit / 64], std::uint64_t{1} << bit % 64)) return false;
    }
    return true;
}

int BloomFilterMap::push(const void* value, std::uint64_t flags) {
    if (flags != kUpdateAny) return -EINVAL;
    for_each_bit(value, [](std::atomic<std::uint64_t>& word, std::uint64_t bit) {
        if ((word.load(std::memory_order_relaxed) & bit) == 0) word.fetch_or(bit, std::memory_order_relaxed);
        return true;
    });
    return 0;
}

int BloomFilterMap::peek(void* value) {
    const bool there = for_each_bit(value, [](std::atomic<std::uint64_t>& word, std::uint64_t bit) {
        return (word.load(std::memory_order_relaxed) & bit) != 0;
    });
    return there ? 0 : -ENOENT;
}

}  // namespace bpftime
