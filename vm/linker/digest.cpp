#include "vm/linker/digest.h"

#include <sodium.h>

#include <string>

namespace bpftime {

static_assert(kPublicKeySize == crypto_sign_PUBLICKEYBYTES && kSecretKeySize == crypto_sign_SECRETKEYBYTES &&
              kSignatureSize == crypto_sign_BYTES);

namespace {

// Picks the fastest implementations for this CPU; harmless to repeat, and all that is used here works without it.
void init() { [[maybe_unused]] static const int once = sodium_init(); }

// The bytes of a key file: `size` raw ones, or twice as many hexadecimal digits with white space around them.
std::vector<std::uint8_t> key_bytes(ByteSpan file, std::size_t size) {
    if (file.size() == size) return {file.begin(), file.end()};
    std::vector<std::uint8_t> key(size);
    std::size_t length = 0;
    const char* end = nullptr;
    const auto* text = reinterpret_cast<const char*>(file.data());
    if (sodium_hex2bin(key.data(), size, text, file.size(), " \t\r\n", &length, &end) != 0 || length != size ||
        end != text + file.size())
        key.clear();
    return key;
}

}  // namespace

Digest sha256(ByteSpan bytes) {
    init();
    Digest out;
    crypto_hash_sha256(out.data(), bytes.data(), bytes.size());
    return out;
}

Digest blake2b(std::initializer_list<ByteSpan> parts) {
    init();
    Digest out;
    crypto_generichash_blake2b_state state;
    crypto_generichash_blake2b_init(&state, nullptr, 0, out.size());
    for (const ByteSpan part : parts) crypto_generichash_blake2b_update(&state, part.data(), part.size());
    crypto_generichash_blake2b_final(&state, out.data(), out.size());
    return out;
}

Signature ed25519_sign(ByteSpan message, ByteSpan secret) {
    init();
    Signature signature;
    crypto_sign_detached(signature.data(), nullptr, message.data(), message.size(), secret.data());
    return signature;
}

bool ed25519_verify(ByteSpan message, const Signature& signature, ByteSpan key) {
    init();
    return crypto_sign_verify_detached(signature.data(), message.data(), message.size(), key.data()) == 0;
}

KeyPair generate_key_pair() {
    init();
    KeyPair pair{std::vector<std::uint8_t>(kPublicKeySize), {std::vector<std::uint8_t>(kSecretKeySize)}};
    crypto_sign_keypair(pair.public_key.data(), pair.signing.secret.data());
    return pair;
}

Result<SigningKey> parse_signing_key(ByteSpan file) {
    SigningKey key{key_bytes(file, kSecretKeySize)};
    if (key.secret.empty())
        return fail(
            failure("not an Ed25519 secret key").with_hint("the file holds 64 bytes, or 128 hexadecimal digits"));
    return key;
}

Result<std::vector<std::uint8_t>> parse_public_key(ByteSpan file) {
    auto key = key_bytes(file, kPublicKeySize);
    if (key.empty())
        return fail(
            failure("not an Ed25519 public key").with_hint("the file holds 32 bytes, or 64 hexadecimal digits"));
    return key;
}

}  // namespace bpftime
