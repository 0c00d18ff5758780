#include "runtime/loader/externs.h"

#include <cstring>
#include <set>

#include "runtime/registry/btf.h"

namespace bpftime {

namespace {

constexpr std::uint8_t kCall = 0x85, kLoad64 = 0x18, kBtfId = 3;

std::set<std::string, std::less<>> names_in(const Btf& btf, std::string_view datasec) {
    std::set<std::string, std::less<>> names;
    for (std::uint32_t id = 1; id < btf.type_count(); ++id) {
        const BtfType& type = btf.type(id);
        if (type.kind != BtfKind::Datasec || btf.name(id) != datasec) continue;
        for (std::size_t at = 0; at < type.extra.size(); at += 3) names.emplace(btf.name(type.extra[at]));
    }
    return names;
}

// Where a function of the draft comes from in the object.
struct Origin {
    const ElfSymbol& function;
    std::uint32_t begin, end;  // slots

    std::uint64_t offset(std::uint32_t slot) const {
        return function.entry.st_value + std::uint64_t{slot - begin} * sizeof(RawInsn);
    }
};

// One function of the draft, looked up instruction by instruction in the relocations of the object.
void resolve_function(const ElfImage& image, const Origin& origin, std::vector<RawInsn>& code,
                      std::vector<AbsentReference>& absent) {
    for (std::uint32_t slot = origin.begin; slot < origin.end; ++slot) {
        RawInsn& insn = code[slot];
        const bool call = insn.opcode == kCall;
        const bool address =
            insn.opcode == kLoad64 && slot + 1 < origin.end && (insn.src() == 0 || insn.src() == kBtfId);
        if (!call && !address) continue;
        const ElfSymbol* symbol = image.relocation(origin.function.entry.st_shndx, origin.offset(slot));
        if (symbol == nullptr || !symbol->undefined()) continue;
        if (address) {
            insn.registers &= 15;
            insn.imm = code[slot + 1].imm = 0;
        }
        if (call) absent.push_back({slot, cat("kernel function '", symbol->name, "' is not available in userspace")});
        if (address && !symbol->weak())
            absent.push_back({slot, cat("kernel symbol '", symbol->name, "' is not available in userspace")});
    }
}

void find_unresolved(const CoreRelocations& unresolved, const Origin& origin, std::vector<AbsentReference>& absent) {
    if (unresolved.empty()) return;
    for (std::uint32_t slot = origin.begin; slot < origin.end; ++slot)
        if (unresolved.contains({origin.function.entry.st_shndx, origin.offset(slot)}))
            absent.push_back({slot, "a CO-RE relocation needs the target's BTF, and this kernel has none"});
}

// struct btf_ext_header of the UAPI with CO-RE relocations, and struct bpf_core_relo.
struct ExtHeader {
    std::uint16_t magic;
    std::uint8_t version, flags;
    std::uint32_t header_size, func_offset, func_size, line_offset, line_size, core_offset, core_size;
};
struct CoreRecord {
    std::uint32_t insn_offset, type, access, kind;
};
constexpr std::uint32_t kLocalTypeId = 6;  // BPF_CORE_TYPE_ID_LOCAL: known without a target

// Reads 32-bit words from the front of `bytes`; false at its end.
template <class T>
bool take(std::span<const std::uint8_t>& bytes, T& out) {
    if (bytes.size() < sizeof(T)) return false;
    std::memcpy(&out, bytes.data(), sizeof(T));
    bytes = bytes.subspan(sizeof(T));
    return true;
}

}  // namespace

void weaken_kernel_symbols(ElfImage& image) {
    const ElfSection* section = image.section(".BTF");
    if (section == nullptr) return;
    const std::vector<std::uint8_t> copy(section->bytes.begin(), section->bytes.end());
    const auto btf = Btf::parse(copy);
    if (!btf) return;  // parse() of the image has refused it already
    const auto kernel_symbols = names_in(*btf, ".ksyms");
    for (std::size_t index = 0; index < image.symbols().size(); ++index) {
        const ElfSymbol& symbol = image.symbols()[index];
        if (symbol.undefined() && kernel_symbols.contains(symbol.name)) image.weaken(index);
    }
}

CoreRelocations core_relocations(const ElfImage& image) {
    CoreRelocations found;
    const ElfSection *section = image.section(".BTF.ext"), *btf_section = image.section(".BTF");
    ExtHeader header{};
    if (section == nullptr || btf_section == nullptr) return found;
    auto bytes = section->bytes;
    if (!take(bytes, header) || header.header_size < sizeof(header) || header.header_size > section->bytes.size())
        return found;
    const auto body = section->bytes.subspan(header.header_size);
    if (header.core_offset > body.size() || header.core_size > body.size() - header.core_offset) return found;
    auto rest = body.subspan(header.core_offset, header.core_size);
    const std::vector<std::uint8_t> copy(btf_section->bytes.begin(), btf_section->bytes.end());
    const auto btf = Btf::parse(copy);
    std::uint32_t record_size = 0, name = 0, count = 0;
    if (!btf || !take(rest, record_size) || record_size < sizeof(CoreRecord)) return found;
    while (take(rest, name) && take(rest, count)) {
        const ElfSection* target = image.section(btf->string(name));
        for (; count > 0 && rest.size() >= record_size; --count, rest = rest.subspan(record_size)) {
            auto bytes_of_record = rest;
            CoreRecord record{};
            take(bytes_of_record, record);
            if (target != nullptr && record.kind != kLocalTypeId)
                found.emplace(static_cast<std::uint32_t>(target - image.sections().data()), record.insn_offset);
        }
    }
    return found;
}

std::vector<AbsentReference> resolve_references(const ElfImage& image, const CoreRelocations& unresolved,
                                                ProgramDraft& draft) {
    std::vector<AbsentReference> absent;
    const auto slots = static_cast<std::uint32_t>(draft.code.size());
    for (std::size_t index = 0; index < draft.functions.size(); ++index) {
        const std::uint32_t begin = draft.functions[index].begin;
        const std::uint32_t end = index + 1 < draft.functions.size() ? draft.functions[index + 1].begin : slots;
        const ElfSymbol* symbol =
            image.function(draft.functions[index].name, std::uint64_t{end - begin} * sizeof(RawInsn));
        if (symbol == nullptr) continue;
        const Origin origin{*symbol, begin, end};
        find_unresolved(unresolved, origin, absent);
        resolve_function(image, origin, draft.code, absent);
    }
    return absent;
}

}  // namespace bpftime
