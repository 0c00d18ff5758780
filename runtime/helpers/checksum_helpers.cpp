#include <algorithm>
#include <cstring>

#include "runtime/helpers/functions.h"

namespace bpftime::helpers {

namespace {

// Ones' complement sum of 4-byte words (RFC 1071), not folded; a last part of a word counts as if zeros followed.
u64 sum_words(u64 from, u64 size) {
    u64 sum = 0;
    for (u64 at = 0; at < size; at += 4) {
        std::uint32_t word = 0;
        std::memcpy(&word, pointer<char>(from) + at, std::min<u64>(sizeof word, size - at));
        sum += word;
    }
    return sum;
}

std::uint32_t fold_to_32(u64 sum) {
    sum = (sum & 0xffffffff) + (sum >> 32);
    return static_cast<std::uint32_t>((sum & 0xffffffff) + (sum >> 32));
}

std::uint32_t fold_to_16(std::uint32_t sum) {
    sum = (sum & 0xffff) + (sum >> 16);
    return (sum & 0xffff) + (sum >> 16);
}

}  // namespace

// Checksum of `to` less that of `from`, with `seed` added; folded to 16 bits, as Linux does since 6.13.
u64 csum_diff(u64 from, u64 from_size, u64 to, u64 to_size, u64 seed) {
    from_size = static_cast<std::uint32_t>(from_size);
    to_size = static_cast<std::uint32_t>(to_size);
    const u64 start = static_cast<std::uint32_t>(seed);
    const std::uint32_t removed = fold_to_32(sum_words(from, from_size));
    const std::uint32_t added = fold_to_32(start + sum_words(to, to_size));
    if (from_size == 0) return fold_to_16(added);
    return fold_to_16(fold_to_32(u64{added} + static_cast<std::uint32_t>(~removed)));
}

}  // namespace bpftime::helpers
