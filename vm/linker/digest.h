// Hashes and signatures; digest.cpp is the only file of the project that calls libsodium for them.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>

#include "vm/linker/metadata.h"

namespace bpftime {

using ByteSpan = std::span<const std::uint8_t>;

inline constexpr std::size_t kPublicKeySize = 32;
inline constexpr std::size_t kSecretKeySize = 64;
inline constexpr std::size_t kSignatureSize = 64;
using Signature = std::array<std::uint8_t, kSignatureSize>;

Digest sha256(ByteSpan bytes);
// BLAKE2b with a 256-bit result over the concatenation of `parts`.
Digest blake2b(std::initializer_list<ByteSpan> parts);

// Ed25519 (RFC 8032) over `message`; `secret` has kSecretKeySize bytes and `key` kPublicKeySize.
Signature ed25519_sign(ByteSpan message, ByteSpan secret);
bool ed25519_verify(ByteSpan message, const Signature& signature, ByteSpan key);

}  // namespace bpftime
