// Memory that may not be there, read and written without a fault.
#pragma once

#include <cstddef>
#include <cstdint>

namespace bpftime {

// Copy `size` bytes; 0, or -EFAULT when any of them is not accessible. `to` of the read, `from` of the write must be
// valid.
int safe_read(void* to, std::uint64_t from, std::size_t size);
int safe_write(std::uint64_t to, const void* from, std::size_t size);

// Copies a string with its NUL, at most `size` bytes, always terminated when size > 0. Bytes written with the NUL, or
// -EFAULT when the string runs into memory that is not accessible.
std::int64_t safe_read_string(char* to, std::uint64_t from, std::size_t size);

}  // namespace bpftime
