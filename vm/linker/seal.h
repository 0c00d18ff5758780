// The metadata section as it lies in an object: a fixed header, then the encoded Metadata. docs/aot-object.md, "Seal".
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "vm/linker/elf.h"
#include "vm/linker/metadata.h"

namespace bpftime {

inline constexpr std::array<std::uint8_t, 8> kSealMagic{'B', 'P', 'F', 'S', 'E', 'A', 'L', '1'};

struct SealHeader {
    std::array<std::uint8_t, 8> magic = kSealMagic;
    std::uint32_t header_size = 144;
    std::uint32_t payload_size = 0;
    std::array<std::uint8_t, 32> public_key{};  // who signed; zero: not signed
    // Taken as zero by the file digest:
    Digest digest{};                           // BLAKE2b-256(file digest, signature)
    std::array<std::uint8_t, 64> signature{};  // Ed25519 over kSignatureContext and the file digest
};
static_assert(sizeof(SealHeader) == 144);

inline constexpr std::size_t kSealZeroed =
    48;  // offset of `digest` in the header; the rest of the header is taken as zero
inline constexpr std::string_view kSignatureContext = "bpftime object 1";

// The section that carries the seal, found by its name or by its contents, or null.
const elf::Section* seal_section(const elf::Object& object);

// BLAKE2b-256 of `file` with digest and signature of the seal at `seal_offset` taken as zero.
Digest file_digest(std::span<const std::uint8_t> file, std::uint64_t seal_offset);
// What SealHeader::digest must be.
Digest seal_digest(const Digest& file, std::span<const std::uint8_t> signature);
// What the signature is over.
std::vector<std::uint8_t> signed_message(const Digest& file);

}  // namespace bpftime
