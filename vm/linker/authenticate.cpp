#include "vm/linker/authenticate.h"

#include <algorithm>
#include <cstring>

#include "vm/linker/digest.h"
#include "vm/linker/seal.h"

namespace bpftime {

namespace {

constexpr std::string_view kDamaged = "the object is damaged or was changed after it was built";

Error damaged(std::string_view what) { return failure(what).with_hint(kDamaged).with_errno(EBADMSG); }
Error untrusted(std::string_view what) {
    return failure(what).with_hint("sign it with a key that is trusted here").with_errno(EKEYREJECTED);
}

Result<SealHeader> read_seal(const elf::Section& section) {
    SealHeader header;
    if (section.bytes.size() < sizeof header) return fail(damaged("the object's metadata section is truncated"));
    std::memcpy(&header, section.bytes.data(), sizeof header);
    if (header.magic != kSealMagic) return fail(damaged("the object's metadata section is not one of bpftime"));
    if (header.header_size != sizeof header || header.payload_size != section.bytes.size() - sizeof header)
        return fail(damaged("the object's metadata section has another size than it says"));
    return header;
}

Status check_signature(const SealHeader& header, const Digest& file, const LinkOptions& options) {
    if (options.trusted_keys.empty()) return {};
    if (std::ranges::all_of(header.public_key, [](auto byte) { return byte == 0; }))
        return fail(untrusted("the object is not signed"));
    const bool trusted = std::ranges::any_of(
        options.trusted_keys, [&](const auto& key) { return std::ranges::equal(key, header.public_key); });
    if (!trusted) return fail(untrusted("the object is signed by a key that is not trusted here"));
    if (!ed25519_verify(signed_message(file), header.signature, header.public_key))
        return fail(untrusted("the object's signature is wrong"));
    return {};
}

// The current first value of a map, as folding saw it.
ByteSpan current_contents(const MapBinding& map) {
    if (map.values != 0) return {reinterpret_cast<const std::uint8_t*>(map.values), map.spec.value_size};
    return map.spec.contents;
}

}  // namespace

Result<std::optional<Metadata>> authenticate(const elf::Object& object, const LinkOptions& options) {
    const elf::Section* section = seal_section(object);
    if (section == nullptr) {
        // A sealed object whose section was lost to damage is still full of its contents.
        if (std::ranges::search(object.bytes(), kSealMagic))
            return fail(damaged("the object's metadata is no section of it any more"));
        if (!options.trusted_keys.empty()) return fail(untrusted("the object is not signed"));
        return std::nullopt;
    }
    const SealHeader header = BPFTIME_TRY(read_seal(*section));
    const Digest file = file_digest(object.bytes(), section->offset);
    if (seal_digest(file, header.signature) != header.digest)
        return fail(damaged("the object's digest differs from its bytes"));
    Metadata metadata = BPFTIME_TRY(decode_metadata(section->bytes.subspan(sizeof header)));
    BPFTIME_CHECK(check_signature(header, file, options));
    return metadata;
}

Status check_digests(const aot::Linking& linking) {
    if (linking.metadata == nullptr) return {};
    const Metadata& metadata = *linking.metadata;
    if (program_info_digest(metadata) != metadata.program_info)
        return fail(failure("the object was compiled for a runtime with other helper prototypes, contexts or limits")
                        .with_hint("rebuild the object with this version's bpftime-aot"));
    for (std::size_t i = 0; i < metadata.maps.size(); ++i) {
        if (!metadata.maps[i].folded) continue;
        const MapBinding& map = *linking.maps[i];
        if (contents_digest(current_contents(map), map.spec.value_size) != metadata.maps[i].contents_digest)
            return fail(failure("map '", metadata.maps[i].spec.name,
                                "' has other contents here than those compiled into the object")
                            .with_hint("rebuild the object from this program"));
    }
    return {};
}

}  // namespace bpftime
