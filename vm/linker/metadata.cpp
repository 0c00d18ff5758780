// Encoding of Metadata: fields in the order of `visit`, integers little-endian, strings and lists behind their 32-bit
// length.
#include "vm/linker/metadata.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace bpftime {

namespace {

// Appends fields to a byte vector.
struct Writer {
    std::vector<std::uint8_t> out;

    template <class T>
    void number(const T& value) {
        auto bits = static_cast<std::uint64_t>(value);
        for (std::size_t i = 0; i < sizeof(T); ++i, bits >>= 8) out.push_back(static_cast<std::uint8_t>(bits));
    }
    void text(const std::string& value) {
        number(static_cast<std::uint32_t>(value.size()));
        out.insert(out.end(), value.begin(), value.end());
    }
    // Without the zeros it ends with.
    void contents(const std::vector<std::uint8_t>& value) {
        const auto end = std::ranges::find_if(value.rbegin(), value.rend(), [](auto byte) { return byte != 0; }).base();
        number(static_cast<std::uint32_t>(end - value.begin()));
        out.insert(out.end(), value.begin(), end);
    }
    void digest(const Digest& value) { out.insert(out.end(), value.begin(), value.end()); }
    template <class T, class Each>
    void list(const std::vector<T>& items, std::size_t, Each each) {
        number(static_cast<std::uint32_t>(items.size()));
        for (const T& item : items) each(item);
    }
};

// Takes fields from a byte span. After the first fault `fault` says what, and every further field reads as zero.
struct Reader {
    std::span<const std::uint8_t> in;
    const char* fault = nullptr;

    bool take(std::size_t size, const std::uint8_t*& from) {
        if (fault == nullptr && size > in.size()) fault = "is truncated";
        if (fault != nullptr) return false;
        from = in.data();
        in = in.subspan(size);
        return true;
    }
    template <class T>
    void number(T& value) {
        const std::uint8_t* from = nullptr;
        std::uint64_t bits = 0;
        if (take(sizeof(T), from))
            for (std::size_t i = 0; i < sizeof(T); ++i) bits |= std::uint64_t{from[i]} << (8 * i);
        if (std::is_same_v<T, bool> && bits > 1) fault = "holds a flag that is neither 0 nor 1";
        value = static_cast<T>(bits);
    }
    // Text is printed by tools, so bytes that steer a terminal are refused.
    void text(std::string& value) {
        std::uint32_t size = 0;
        number(size);
        const std::uint8_t* from = nullptr;
        if (!take(size, from)) return;
        value.assign(reinterpret_cast<const char*>(from), size);
        if (std::ranges::any_of(value, [](unsigned char c) { return c < ' ' || c == 0x7f; }))
            fault = "holds control characters in a name";
    }
    void contents(std::vector<std::uint8_t>& value) {
        std::uint32_t size = 0;
        number(size);
        const std::uint8_t* from = nullptr;
        if (take(size, from)) value.assign(from, from + size);
    }
    void digest(Digest& value) {
        const std::uint8_t* from = nullptr;
        if (take(value.size(), from)) std::memcpy(value.data(), from, value.size());
    }
    // `least` is the smallest encoding of an item, so that a count cannot ask for more memory than the bytes can fill.
    template <class T, class Each>
    void list(std::vector<T>& items, std::size_t least, Each each) {
        std::uint32_t count = 0;
        number(count);
        if (fault == nullptr && count > in.size() / least) fault = "is truncated";
        if (fault != nullptr) return;
        items.resize(count);
        for (T& item : items) each(item);
    }
};

// The layout, once for both directions: docs/aot-object.md, "Metadata".
template <class Coder, class M>
void visit(Coder& code, M& m) {
    code.text(m.program);
    code.text(m.section);
    code.text(m.license);
    code.number(m.program_type);
    code.number(m.expected_attach_type);
    code.number(m.context_size);
    code.digest(m.tag);
    code.number(m.insn_count);
    code.text(m.triple);
    code.text(m.cpu);
    code.list(m.features, 4, [&](auto& feature) { code.text(feature); });
    code.text(m.entry);
    code.list(m.prototypes, 11, [&](auto& prototype) {
        code.number(prototype.helper);
        code.number(prototype.effect);
        code.number(prototype.result);
        for (auto& arg : prototype.args) code.number(arg);
    });
    code.list(m.maps, 74, [&](auto& map) {
        code.text(map.spec.name);
        code.number(map.spec.number);
        code.number(map.spec.type);
        code.number(map.spec.key_size);
        code.number(map.spec.value_size);
        code.number(map.spec.max_entries);
        code.number(map.spec.flags);
        code.number(map.spec.extra);
        code.number(map.spec.frozen);
        code.contents(map.spec.contents);
        code.number(map.folded);
        code.digest(map.contents_digest);
    });
    code.list(m.subprograms, 16, [&](auto& subprogram) {
        code.text(subprogram.name);
        code.number(subprogram.begin);
        code.number(subprogram.end);
        code.number(subprogram.native_stack);
    });
    code.number(m.bpf_stack);
    code.number(m.native_stack);
    code.text(m.verifier);
    code.digest(m.program_info);
    code.text(m.producer);
}

Error damaged(const auto&... what) {
    return failure("the object's metadata ", what...)
        .with_hint("the object is damaged or was not sealed by bpftime")
        .with_errno(EBADMSG);
}

MetadataPrototype prototype_here(std::uint32_t id) {
    MetadataPrototype prototype{.helper = id};
    if (const HelperInfo* row = helper(id)) {
        prototype.effect = row->effect;
        prototype.result = row->result;
        prototype.args = row->args;
    }
    return prototype;
}

}  // namespace

std::vector<std::uint8_t> encode_metadata(const Metadata& metadata) {
    Metadata full = metadata;
    if (full.prototypes.size() != full.helpers.size()) {
        full.prototypes.clear();
        for (const std::uint32_t id : full.helpers) full.prototypes.push_back(prototype_here(id));
    }
    Writer writer;
    writer.number(full.version);
    visit(writer, std::as_const(full));
    return std::move(writer.out);
}

Result<Metadata> decode_metadata(std::span<const std::uint8_t> bytes) {
    Metadata metadata;
    Reader reader{bytes};
    reader.number(metadata.version);
    if (reader.fault == nullptr && metadata.version != kMetadataVersion)
        return fail(failure("metadata version ", metadata.version, " is unknown to this runtime, which reads version ",
                            kMetadataVersion)
                        .with_hint("rebuild the object with this version's bpftime-aot"));
    visit(reader, metadata);
    if (reader.fault != nullptr) return fail(damaged(reader.fault));
    if (!reader.in.empty()) return fail(damaged("is followed by ", reader.in.size(), " bytes that belong to nothing"));
    for (const MetadataPrototype& prototype : metadata.prototypes) {
        if (!metadata.helpers.empty() && metadata.helpers.back() >= prototype.helper)
            return fail(damaged("lists its helpers out of order"));
        metadata.helpers.push_back(prototype.helper);
    }
    for (const MetadataSubprogram& subprogram : metadata.subprograms)
        if (subprogram.begin >= subprogram.end || subprogram.end > metadata.insn_count)
            return fail(damaged("names subprogram ", subprogram.name, " outside the program"));
    for (const MetadataMap& map : metadata.maps)
        if (map.spec.contents.size() > map.spec.value_size)
            return fail(damaged("has more contents than fit map ", map.spec.name));
    if (metadata.entry.empty()) return fail(damaged("names no entry"));
    return metadata;
}

}  // namespace bpftime
