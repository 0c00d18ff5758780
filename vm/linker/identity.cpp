// What tells programs, map contents and runtimes apart: the digests that metadata carries beside the one over the
// object.
#include "vm/core/decode.h"
#include "vm/core/engine.h"
#include "vm/core/kernel_names.h"
#include "vm/linker/digest.h"

namespace bpftime {

namespace {

// Bytes to hash: integers little-endian in 64 bits, strings behind their length.
struct Canonical {
    std::vector<std::uint8_t> out;

    void number(std::uint64_t value) {
        for (int i = 0; i < 8; ++i, value >>= 8) out.push_back(static_cast<std::uint8_t>(value));
    }
    void text(std::string_view value) {
        number(value.size());
        out.insert(out.end(), value.begin(), value.end());
    }
};

// A map is one map whether its number was a file descriptor or an index into fd_array.
Op canonical_op(Op op) {
    if (op == Op::LddwMapByIdx) return Op::LddwMapByFd;
    if (op == Op::LddwMapValueByIdx) return Op::LddwMapValue;
    return op;
}

}  // namespace

Digest program_tag(const Program& program) {
    std::vector<Insn> insns = program.insns;
    for (Insn& insn : insns) insn.op = canonical_op(insn.op);
    const std::vector<RawInsn> code = encode(insns);
    return sha256({reinterpret_cast<const std::uint8_t*>(code.data()), code.size() * sizeof(RawInsn)});
}

Digest contents_digest(std::span<const std::uint8_t> contents, std::uint32_t value_size) {
    if (contents.size() >= value_size) return sha256(contents.first(value_size));
    std::vector<std::uint8_t> value(contents.begin(), contents.end());
    value.resize(value_size);
    return sha256(value);
}

Digest program_info_digest(const Metadata& metadata) {
    Canonical text;
    text.text("bpftime program info");
    for (const std::uint64_t constant : {std::uint64_t{kStackSize}, std::uint64_t{kMaxCallDepth},
                                         std::uint64_t{kMaxTailCalls}, std::uint64_t{kTailCallHelper}, kMayGotoLimit})
        text.number(constant);
    text.number(metadata.program_type);
    text.number(context_size(metadata.program_type));
    text.number(metadata.helpers.size());
    for (const std::uint32_t id : metadata.helpers) {
        const HelperInfo* row = helper(id);
        text.number(id);
        if (row == nullptr) continue;
        text.text(row->name);
        text.number(static_cast<std::uint64_t>(row->effect));
        text.number(static_cast<std::uint64_t>(row->result));
        for (const HelperArg arg : row->args) text.number(static_cast<std::uint64_t>(arg));
    }
    text.number(metadata.maps.size());
    for (const MetadataMap& map : metadata.maps)
        for (const std::uint64_t shape : {map.spec.type, map.spec.key_size, map.spec.value_size, map.spec.max_entries})
            text.number(shape);
    return sha256(text.out);
}

}  // namespace bpftime
