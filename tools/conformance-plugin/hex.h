// Bytes as hexadecimal text.
#pragma once

#include <cctype>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "vm/core/result.h"

namespace bpftime {

// Two digits a byte; blanks between bytes do not matter.
inline Result<std::vector<std::uint8_t>> parse_hex(std::string_view text) {
    const auto blank = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
    std::vector<std::uint8_t> bytes;
    for (std::size_t at = 0; at < text.size();) {
        if (blank(text[at])) {
            ++at;
            continue;
        }
        std::uint8_t byte = 0;
        const char* const digits = text.data() + at;
        if (text.size() - at < 2 || std::from_chars(digits, digits + 2, byte, 16).ptr != digits + 2)
            return fail(failure("'", text.substr(at, 2), "' is not a byte in hexadecimal"));
        bytes.push_back(byte);
        at += 2;
    }
    return bytes;
}

}  // namespace bpftime
