// Hashing and comparing keys; specialised for the sizes that most maps have.
#pragma once

#include <cstdint>
#include <cstring>

namespace bpftime {

struct HashSeed {
    std::uint64_t a = 0, b = 0;
};
HashSeed random_hash_seed();

// Key sizes with code of their own; 0 stands for any.
inline constexpr std::uint32_t kAnyKey = 0;

namespace hash_detail {

inline std::uint64_t load64(const std::uint8_t* bytes) {
    std::uint64_t word;
    std::memcpy(&word, bytes, sizeof word);
    return word;
}

inline std::uint32_t load32(const std::uint8_t* bytes) {
    std::uint32_t word;
    std::memcpy(&word, bytes, sizeof word);
    return word;
}

// Up to 8 bytes, zero-extended.
inline std::uint64_t load_tail(const std::uint8_t* bytes, std::uint32_t size) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, size);
    return word;
}

// Both halves of the 128-bit product folded together.
inline std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
    const auto product = static_cast<unsigned __int128>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

inline constexpr std::uint64_t kOdd = 0xd6e8feb86659fd93u;

inline std::uint64_t hash_any(const std::uint8_t* bytes, std::uint32_t size, const HashSeed& seed) {
    std::uint64_t state = seed.b ^ size;
    for (; size > 16; bytes += 16, size -= 16) state = fold(load64(bytes) ^ seed.a, load64(bytes + 8) ^ state) + kOdd;
    const std::uint64_t low = load_tail(bytes, size < 8 ? size : 8);
    const std::uint64_t high = size > 8 ? load_tail(bytes + 8, size - 8) : 0;
    return fold(fold(low ^ seed.a, high ^ state), kOdd);
}

}  // namespace hash_detail

// Every bit of the result depends on every bit of the key.
template <std::uint32_t Size>
inline std::uint64_t hash_key(const void* key, std::uint32_t size, const HashSeed& seed) {
    using namespace hash_detail;
    const auto* bytes = static_cast<const std::uint8_t*>(key);
    if constexpr (Size == 4)
        return fold(load32(bytes) ^ seed.a, kOdd);
    else if constexpr (Size == 8)
        return fold(load64(bytes) ^ seed.a, kOdd);
    else if constexpr (Size == 16)
        return fold(fold(load64(bytes) ^ seed.a, load64(bytes + 8) ^ seed.b), kOdd);
    else
        return hash_any(bytes, size, seed);
}

template <std::uint32_t Size>
inline bool equal_keys(const void* a, const void* b, std::uint32_t size) {
    return std::memcmp(a, b, Size == kAnyKey ? size : Size) == 0;
}

}  // namespace bpftime
