// Loads AOT objects without LLVM: parse, check, relocate, publish. docs/aot-object.md lists what is refused and why.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "vm/core/engine.h"
#include "vm/linker/metadata.h"

namespace bpftime {

struct LinkOptions {
    bool allow_unverified = false;            // accept an object without metadata (hand-written C) or not verified
    std::optional<Digest> expected_tag = {};  // refuse an object of another program
    std::string expected_program = {};        // that program's name, for the message
    std::optional<std::uint32_t> program_type = {};  // refuse an object for another context
    std::uint32_t max_native_stack = 256 * 1024;     // bytes
    std::vector<std::vector<std::uint8_t>> trusted_keys =
        {};                  // Ed25519 public keys; when not empty a valid signature is required
    std::string entry = {};  // symbol to start at; empty: the metadata's, or bpf_main
};

// The metadata of an object after its ELF structure and digest have been checked; an error when it has none.
Result<Metadata> read_metadata(std::span<const std::uint8_t> object);

// Checks everything, then relocates into fresh memory and makes it executable. Nothing is mapped executable and nothing
// outside changes when it fails. Maps of the object are found in `bindings` by name and shape.
Result<std::unique_ptr<Executable>> link_object(std::span<const std::uint8_t> object, const Bindings& bindings,
                                                const LinkOptions& options = {});

}  // namespace bpftime
