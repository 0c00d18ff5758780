#include "vm/linker/seal.h"

#include <elf.h>

#include <algorithm>
#include <cstring>

#include "vm/linker/abi.h"
#include "vm/linker/digest.h"

namespace bpftime {

namespace {

using Bytes = std::vector<std::uint8_t>;

ByteSpan raw(const auto& object) { return {reinterpret_cast<const std::uint8_t*>(&object), sizeof object}; }

std::uint64_t append(Bytes& file, ByteSpan bytes, std::size_t align) {
    file.resize((file.size() + align - 1) / align * align);
    const auto offset = file.size();
    file.insert(file.end(), bytes.begin(), bytes.end());
    return offset;
}

// The section headers of `object` with one more for the seal; the section names move to `names`.
std::vector<Elf64_Shdr> section_headers(const elf::Object& object, const Elf64_Shdr& seal, std::uint64_t names,
                                        std::uint64_t names_size) {
    std::vector<Elf64_Shdr> headers(object.sections().size());
    std::memcpy(headers.data(), object.bytes().data() + object.section_headers(), headers.size() * sizeof(Elf64_Shdr));
    headers[object.names_section()].sh_offset = names;
    headers[object.names_section()].sh_size = names_size;
    headers.push_back(seal);
    return headers;
}

// Appends the section: its contents, a longer table of section names, and new section headers at the end of the file.
// What the headers and names replace stays in the file as unused bytes, unless it was the end of the file. Returns the
// seal's offset.
std::uint64_t add_section(const elf::Object& object, const Bytes& contents, Bytes& file) {
    const auto old_headers_end = object.section_headers() + object.sections().size() * sizeof(Elf64_Shdr);
    file.assign(object.bytes().begin(), object.bytes().end());
    if (old_headers_end == file.size()) file.resize(object.section_headers());

    const elf::Section& old_names = object.sections()[object.names_section()];
    Bytes names(old_names.bytes.begin(), old_names.bytes.end());
    Elf64_Shdr seal{};
    seal.sh_name = static_cast<std::uint32_t>(names.size());
    names.insert(names.end(), abi::kMetadataSection.begin(), abi::kMetadataSection.end());
    names.push_back(0);

    seal.sh_type = SHT_PROGBITS;
    seal.sh_flags = SHF_EXCLUDE;
    seal.sh_addralign = 8;
    seal.sh_size = contents.size();
    seal.sh_offset = append(file, contents, seal.sh_addralign);
    const auto names_at = append(file, names, 1);
    const auto headers = section_headers(object, seal, names_at, names.size());
    const auto headers_at =
        append(file, {reinterpret_cast<const std::uint8_t*>(headers.data()), headers.size() * sizeof(Elf64_Shdr)}, 8);

    Elf64_Ehdr header;
    std::memcpy(&header, file.data(), sizeof header);
    header.e_shoff = headers_at;
    header.e_shnum = static_cast<std::uint16_t>(headers.size());
    std::memcpy(file.data(), &header, sizeof header);
    return seal.sh_offset;
}

}  // namespace

const elf::Section* seal_section(const elf::Object& object) {
    if (const auto* section = object.section(abi::kMetadataSection)) return section;
    // A damaged name must not make a sealed object look like a hand-written one.
    const auto row = std::ranges::find_if(object.sections(), [](const elf::Section& section) {
        return section.bytes.size() >= kSealMagic.size() &&
               std::ranges::equal(section.bytes.first(kSealMagic.size()), kSealMagic);
    });
    return row == object.sections().end() ? nullptr : &*row;
}

Digest file_digest(ByteSpan file, std::uint64_t seal_offset) {
    static constexpr std::array<std::uint8_t, sizeof(SealHeader) - kSealZeroed> zeros{};
    return blake2b({file.first(seal_offset + kSealZeroed), zeros, file.subspan(seal_offset + sizeof(SealHeader))});
}

Digest seal_digest(const Digest& file, ByteSpan signature) { return blake2b({file, signature}); }

Bytes signed_message(const Digest& file) {
    Bytes message(kSignatureContext.size() + file.size());
    std::ranges::copy(file, std::ranges::copy(kSignatureContext, message.begin()).out);
    return message;
}

Result<Bytes> seal(ByteSpan bytes, const Metadata& metadata, const SigningKey* key) {
    const auto object = BPFTIME_TRY(elf::Object::parse(bytes));
    if (seal_section(object) != nullptr) return fail(failure("the object is sealed already"));
    if (object.sections().size() + 1 >= SHN_LORESERVE)
        return fail(failure("the object has no room for one more section"));
    if (key != nullptr && key->secret.size() != kSecretKeySize)
        return fail(failure("a signing key has ", kSecretKeySize, " bytes"));
    if (key != nullptr && metadata.verifier.empty())
        return fail(failure("a program that was not verified is not signed").in_program(metadata.program));

    const Bytes payload = encode_metadata(metadata);
    BPFTIME_CHECK(decode_metadata(payload));
    SealHeader header{.payload_size = static_cast<std::uint32_t>(payload.size())};
    // The second half of an Ed25519 secret key is its public key (RFC 8032, section 5.1.5).
    if (key != nullptr) std::ranges::copy(ByteSpan(key->secret).last(kPublicKeySize), header.public_key.begin());
    Bytes contents;
    append(contents, raw(header), 1);
    append(contents, payload, 1);

    Bytes file;
    const auto at = add_section(object, contents, file);
    const Digest digest = file_digest(file, at);
    if (key != nullptr) header.signature = ed25519_sign(signed_message(digest), key->secret);
    header.digest = seal_digest(digest, header.signature);
    std::ranges::copy(raw(header), file.begin() + static_cast<std::ptrdiff_t>(at));
    return file;
}

}  // namespace bpftime
