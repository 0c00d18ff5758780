// Objects for the linker's tests: compiled from C by the compilers of this machine, sealed with metadata that fits this
// runtime.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "vm/core/engine.h"
#include "vm/linker/linker.h"

namespace bpftime::test {

using Bytes = std::vector<std::uint8_t>;

// Compilers of this machine, by command, each once: the one that built the tests first, then gcc and clang where they
// exist.
const std::vector<std::string>& compilers();

// The object that `compiler flags -c` makes of `source`; throws with the compiler's output when it fails.
Bytes compile(const std::string& source, const std::string& flags = "-O2 -fPIC",
              const std::string& compiler = compilers().front());

// Runs a shell command in a fresh directory that holds `files`; returns its exit status and all that it printed.
struct NamedFile {
    std::string name;
    Bytes contents;
};
struct CommandResult {
    int status = 0;
    std::string output;
};
CommandResult shell(const std::string& command, const std::vector<NamedFile>& files);

// Metadata that this runtime accepts for an object of this host that calls `helpers` and has `maps`.
Metadata metadata(std::vector<std::uint32_t> helpers = {}, std::vector<MapSpec> maps = {});
// Seals with the program-info digest computed anew.
Bytes seal_fresh(const Bytes& object, Metadata metadata, const SigningKey* key = nullptr);

// A map of this process: array "counts" with three u64 values unless changed.
MapSpec map_spec(std::string name = "counts", std::uint32_t number = 0);

// to_string() of a failed result, or "linked".
template <class T>
std::string outcome(const Result<T>& result) {
    return result ? "linked" : to_string(result.error());
}

std::string hexadecimal(std::span<const std::uint8_t> data);
inline Bytes bytes(const char* text) { return {text, text + std::char_traits<char>::length(text)}; }

}  // namespace bpftime::test
