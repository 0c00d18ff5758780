// What an AOT object says about itself (docs/aot-object.md). Written once when the object is sealed, read with bounds
// checks.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "vm/core/helpers.h"
#include "vm/core/program.h"
#include "vm/core/result.h"

namespace bpftime {

inline constexpr std::uint32_t kMetadataVersion = 1;

struct MetadataMap {
    MapSpec spec;  // contents: first value of a data section as the object starts with it, trailing zeros trimmed; it
                   // is encoded too, so that whoever loads the object can create the map
    bool folded = false;       // its contents are constants in the code
    Digest contents_digest{};  // contents_digest() of the folded contents, zero when not folded
};

// A helper's row as the compiler saw it. The linker compares it with this runtime's.
struct MetadataPrototype {
    std::uint32_t helper = 0;
    HelperEffect effect = HelperEffect::Any;
    HelperReturn result = HelperReturn::Integer;
    std::array<HelperArg, 5> args{};

    bool operator==(const MetadataPrototype&) const = default;
};

struct MetadataSubprogram {
    std::string name;
    std::uint32_t begin = 0, end = 0;  // BPF slots, end <= Metadata::insn_count
    std::uint32_t native_stack = 0;    // bytes of its native frame; 0 if inlined away
};

struct Metadata {
    std::uint32_t version = kMetadataVersion;
    std::string program, section, license;
    std::uint32_t program_type = 0, expected_attach_type = 0;
    std::uint32_t context_size = 0;  // bytes of context the program may touch, 0: not limited by its type
    Digest tag{};                    // program_tag() of the source program
    std::uint32_t insn_count = 0;    // slots
    std::string triple, cpu;
    std::vector<std::string> features;   // CPU features that the code uses beyond the triple's baseline: "avx2"
    std::string entry;                   // symbol, "bpf_main" unless renamed
    std::vector<std::uint32_t> helpers;  // ids, ascending, each once
    std::vector<MetadataPrototype>
        prototypes;                 // as `helpers`; of another length: encode_metadata() takes this runtime's
    std::vector<MetadataMap> maps;  // as Program::maps
    std::vector<MetadataSubprogram> subprograms;
    std::uint32_t bpf_stack = 0;     // bytes, deepest chain of calls
    std::uint32_t native_stack = 0;  // bytes, deepest chain of calls
    std::string verifier;            // "" not verified, else by what: "structure", "bpftime 0.1", "linux 6.18"
    Digest program_info{};           // program_info_digest() when it was compiled
    std::string producer;            // "bpftime 0.1.0 LLVM 19.1.7"
};

// SHA-256 of the encoded instructions with every map reference replaced by its position in Program::maps and every
// kernel specific id kept: equal for one program however its maps are numbered. Kernel's notion of a tag, with a
// current hash.
Digest program_tag(const Program& program);

// Digest over everything that compiling assumed about this runtime: prototypes and effects of the helpers used, context
// size of the program type, shape of the maps, constants of the machine model (stack size, call depth, tail-call
// contract).
Digest program_info_digest(const Metadata& metadata);

// SHA-256 of a map's whole first value for MetadataMap::contents_digest: `contents`, and zeros up to `value_size`
// bytes.
Digest contents_digest(std::span<const std::uint8_t> contents, std::uint32_t value_size);

// The payload of the metadata section. decode refuses what is truncated, too long, of an unknown version or out of
// range.
std::vector<std::uint8_t> encode_metadata(const Metadata& metadata);
Result<Metadata> decode_metadata(std::span<const std::uint8_t> bytes);

// Ed25519 key pair files: 32-byte public and 64-byte secret, raw or hexadecimal text.
struct SigningKey {
    std::vector<std::uint8_t> secret;
};
struct KeyPair {
    std::vector<std::uint8_t> public_key;
    SigningKey signing;
};
KeyPair generate_key_pair();
Result<SigningKey> parse_signing_key(std::span<const std::uint8_t> file);
Result<std::vector<std::uint8_t>> parse_public_key(std::span<const std::uint8_t> file);

// Adds the metadata section to a relocatable ELF object, digests the whole and signs it when a key is given. Refuses an
// object that has one already, and a key for metadata that names no verifier: a signature is the proof of verification.
Result<std::vector<std::uint8_t>> seal(std::span<const std::uint8_t> object, const Metadata& metadata,
                                       const SigningKey* key = nullptr);

}  // namespace bpftime
