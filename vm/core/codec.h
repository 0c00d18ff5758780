// Structures as bytes: integers little-endian, strings and lists behind their 32-bit length. One function visits the fields with
// either class, so that both directions have one order.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "vm/core/program.h"

namespace bpftime::codec {

// Appends fields to a byte vector.
struct Writer {
    std::vector<std::uint8_t> out;

    template <class T>
    void number(const T& value) {
        auto bits = static_cast<std::uint64_t>(value);
        for (std::size_t i = 0; i < sizeof(T); ++i, bits >>= 8) out.push_back(static_cast<std::uint8_t>(bits));
    }
    void text(const std::string& value) {
        number(static_cast<std::uint32_t>(value.size()));
        out.insert(out.end(), value.begin(), value.end());
    }
    // Without the zeros it ends with.
    void contents(const std::vector<std::uint8_t>& value) {
        const auto end = std::ranges::find_if(value.rbegin(), value.rend(), [](auto byte) { return byte != 0; }).base();
        number(static_cast<std::uint32_t>(end - value.begin()));
        out.insert(out.end(), value.begin(), end);
    }
    void raw(std::span<const std::uint8_t> value) {
        number(static_cast<std::uint32_t>(value.size()));
        out.insert(out.end(), value.begin(), value.end());
    }
    // A line of somebody's source code: may hold any byte.
    void line(const std::string& value) { text(value); }
    void digest(const Digest& value) { out.insert(out.end(), value.begin(), value.end()); }
    template <class T, class Each>
    void list(const std::vector<T>& items, std::size_t, Each each) {
        number(static_cast<std::uint32_t>(items.size()));
        for (const T& item : items) each(item);
    }
};

// Takes fields from a byte span. After the first fault `fault` says what, and every further field reads as zero.
struct Reader {
    std::span<const std::uint8_t> in;
    const char* fault = nullptr;

    bool take(std::size_t size, const std::uint8_t*& from) {
        if (fault == nullptr && size > in.size()) fault = "is truncated";
        if (fault != nullptr) return false;
        from = in.data();
        in = in.subspan(size);
        return true;
    }
    template <class T>
    void number(T& value) {
        const std::uint8_t* from = nullptr;
        std::uint64_t bits = 0;
        if (take(sizeof(T), from))
            for (std::size_t i = 0; i < sizeof(T); ++i) bits |= std::uint64_t{from[i]} << (8 * i);
        if (std::is_same_v<T, bool> && bits > 1) fault = "holds a flag that is neither 0 nor 1";
        value = static_cast<T>(bits);
    }
    // Text is printed by tools, so bytes that steer a terminal are refused.
    void text(std::string& value) {
        std::uint32_t size = 0;
        number(size);
        const std::uint8_t* from = nullptr;
        if (!take(size, from)) return;
        value.assign(reinterpret_cast<const char*>(from), size);
        if (std::ranges::any_of(value, [](unsigned char c) { return c < ' ' || c == 0x7f; }))
            fault = "holds control characters in a name";
    }
    void contents(std::vector<std::uint8_t>& value) {
        std::uint32_t size = 0;
        number(size);
        const std::uint8_t* from = nullptr;
        if (take(size, from)) value.assign(from, from + size);
    }
    void raw(std::vector<std::uint8_t>& value) { contents(value); }
    void line(std::string& value) {
        std::vector<std::uint8_t> bytes;
        contents(bytes);
        value.assign(bytes.begin(), bytes.end());
    }
    void digest(Digest& value) {
        const std::uint8_t* from = nullptr;
        if (take(value.size(), from)) std::memcpy(value.data(), from, value.size());
    }
    // `least` is the smallest encoding of an item, so that a count cannot ask for more memory than the bytes can fill.
    template <class T, class Each>
    void list(std::vector<T>& items, std::size_t least, Each each) {
        std::uint32_t count = 0;
        number(count);
        if (fault == nullptr && count > in.size() / least) fault = "is truncated";
        if (fault != nullptr) return;
        items.resize(count);
        for (T& item : items) each(item);
    }
};

}  // namespace bpftime::codec
