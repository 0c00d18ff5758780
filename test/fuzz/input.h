// The bytes of a libFuzzer input, taken from the front; zeros once they are used up.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>

namespace bpftime::fuzz {

class Input {
public:
    explicit Input(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
    template <class T>
    T take() {
        T value{};
        const auto some = bytes(sizeof(value));
        std::memcpy(&value, some.data(), some.size());
        return value;
    }
    // At most `size` bytes.
    std::span<const std::uint8_t> bytes(std::size_t size) {
        const auto some = bytes_.first(std::min(size, bytes_.size()));
        bytes_ = bytes_.subspan(some.size());
        return some;
    }
    explicit operator bool() const { return !bytes_.empty(); }

private:
    std::span<const std::uint8_t> bytes_;
};

// Changes single bytes of `target` as the input says.
inline void patch(Input& input, std::span<std::uint8_t> target) {
    for (std::uint8_t count = input.take<std::uint8_t>() % 8; count > 0 && !target.empty(); --count) {
        const auto at = input.take<std::uint16_t>();
        target[at % target.size()] = input.take<std::uint8_t>();
    }
}

}  // namespace bpftime::fuzz
