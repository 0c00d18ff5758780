// Encoding of Metadata: fields in the order of `visit`.
#include "vm/linker/metadata.h"

#include <utility>

#include "vm/core/codec.h"

namespace bpftime {

namespace {

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
    codec::Writer writer;
    writer.number(full.version);
    visit(writer, std::as_const(full));
    return std::move(writer.out);
}

Result<Metadata> decode_metadata(std::span<const std::uint8_t> bytes) {
    Metadata metadata;
    codec::Reader reader{bytes};
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
