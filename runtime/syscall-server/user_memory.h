// Memory that the arguments of a system call point to. Bad addresses give EFAULT, as they do in the kernel, never a
// fault.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "runtime/registry/map_elements.h"
#include "vm/core/result.h"

namespace bpftime {

Status read_user(std::uint64_t address, std::span<std::uint8_t> out);
Status write_user(std::uint64_t address, ByteView bytes);

// A NUL-terminated string of at most `limit` bytes with its NUL: EFAULT, E2BIG when it is longer.
Result<std::string> read_user_string(std::uint64_t address, std::size_t limit);

// The bytes of a fixed array such as a name in the attributes, up to its first NUL.
template <std::size_t N>
std::string fixed_string(const char (&field)[N]) {
    std::size_t length = 0;
    while (length < N && field[length] != '\0') ++length;
    return std::string(field, length);
}

template <class T>
Result<T> read_user_object(std::uint64_t address) {
    T object{};
    BPFTIME_CHECK(read_user(address, {reinterpret_cast<std::uint8_t*>(&object), sizeof(object)}));
    return object;
}

}  // namespace bpftime
