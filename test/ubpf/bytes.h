// Bytes as text, for tests that state them.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace bpftime::test {

// "48 89 f8"
inline std::string to_hex(std::span<const std::uint8_t> bytes) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : bytes) {
        if (!text.empty()) text += ' ';
        text += {kDigits[byte >> 4], kDigits[byte & 15]};
    }
    return text;
}

}  // namespace bpftime::test
