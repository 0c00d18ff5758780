// Files in and out. Output appears under its name whole or not at all.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vm/core/result.h"

namespace bpftime::tools {

using Bytes = std::vector<std::uint8_t>;

// The contents of a regular file; the error names the path and says why it cannot be read.
Result<Bytes> read_file(const std::string& path);

// Writes to a temporary name in the same directory, then renames. Leaves nothing behind on failure.
Status write_file(const std::string& path, std::span<const std::uint8_t> contents);
Status write_file(const std::string& path, std::string_view contents);

// Creates `path` and its parents as needed.
Status make_directory(const std::string& path);

// What a file holds, told from its first bytes.
enum class FileKind { Bpf, Native, Other };
FileKind file_kind(std::span<const std::uint8_t> contents);

}  // namespace bpftime::tools
