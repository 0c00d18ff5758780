// BPF_PROG_LOAD: from the caller's bytes to a Program that has passed decode() and validate().
#include <algorithm>
#include <cstring>

#include "runtime/syscall-server/constant_flow.h"
#include "runtime/syscall-server/debug_info.h"
#include "runtime/syscall-server/handlers.h"
#include "runtime/syscall-server/program_info.h"
#include "runtime/syscall-server/user_memory.h"
#include "vm/core/decode.h"
#include "vm/core/helpers.h"
#include "vm/core/kernel_names.h"

namespace bpftime {

namespace {

constexpr std::size_t kMaxLicense = 128;
constexpr std::uint8_t kCall = 0x85, kLoad64 = 0x18;
constexpr std::uint8_t kHelperCall = 0, kKfuncCall = 2;                           // src of a call
constexpr std::uint8_t kMapFd = 1, kMapValue = 2, kMapIdx = 5, kMapIdxValue = 6;  // src of a lddw
constexpr std::uint32_t kReadOnlyProg = 1u << 7;                                  // BPF_F_RDONLY_PROG

// Calls that libbpf writes over instructions it could not relocate.
constexpr std::int32_t kPoisonedCore = 195896080, kPoisonedMap = 2001000000, kPoisonedKfunc = 2002000000,
                       kPoisonRange = 1000000;

// One load on its way through.
struct Load {
    BpfSession& session;
    const bpf_attr& attr;
    ProgramDraft draft;
    std::shared_ptr<ProgramObject> object;
};

// ---- Maps -----------------------------------------------------------------------------------------------------------

Result<std::uint32_t> map_position(Load& load, int fd) {
    auto map = BPFTIME_TRY(load.session.registry.get<MapObject>(fd));
    auto& maps = load.object->maps;
    const auto found = std::ranges::find(maps, map);
    if (found != maps.end()) return static_cast<std::uint32_t>(found - maps.begin());
    maps.push_back(std::move(map));
    return static_cast<std::uint32_t>(maps.size() - 1);
}

// Only a map of one array element has a value whose address is fixed, and only bytes inside it can be meant.
Status check_value_offset(const MapSpec& spec, std::uint32_t offset) {
    const bool fixed = static_cast<MapType>(spec.type) == MapType::Array && spec.max_entries == 1;
    const bool arena = static_cast<MapType>(spec.type) == MapType::Arena;
    if (!fixed && !arena) return fail(failure("the value of map '", spec.name, "' has no fixed address"));
    if (fixed && offset >= spec.value_size)
        return fail(failure("offset ", offset, " is beyond the ", spec.value_size, " bytes of map '", spec.name, "'"));
    return {};
}

// Descriptors in lddw become positions in Program::maps, in order of first reference.
Status resolve_maps(Load& load) {
    auto& code = load.draft.code;
    for (std::size_t slot = 0; slot + 1 < code.size(); ++slot) {
        if (code[slot].opcode != kLoad64) continue;
        const std::uint8_t source = code[slot].src();
        const bool by_index = source == kMapIdx || source == kMapIdxValue;
        const bool by_value = source == kMapValue || source == kMapIdxValue;
        if (source == kMapFd || by_index || by_value) {
            std::int32_t fd = code[slot].imm;
            if (by_index) {
                if (load.attr.fd_array == 0 || fd < 0)
                    return fail(failure("the program has no array of descriptors").at(slot));
                fd = BPFTIME_TRY(
                    read_user_object<std::int32_t>(load.attr.fd_array + sizeof(fd) * static_cast<std::uint32_t>(fd)));
            }
            const auto position = map_position(load, fd);
            if (!position) return fail(Error(position.error()).at(slot));
            if (by_value) {
                auto fits = check_value_offset(load.object->maps[*position]->spec,
                                               static_cast<std::uint32_t>(code[slot + 1].imm));
                if (!fits) return fail(std::move(fits).error().at(slot));
            }
            code[slot].imm = static_cast<std::int32_t>(*position);
        }
        ++slot;
    }
    return {};
}

// ---- What cannot be had ---------------------------------------------------------------------------------------------

bool poisoned_by(const RawInsn& insn, std::int32_t base) {
    return insn.opcode == kCall && insn.src() == kHelperCall && insn.imm >= base && insn.imm < base + kPoisonRange;
}

std::string absence(const RawInsn& insn) {
    if (insn.opcode != kCall) return {};
    if (insn.src() == kKfuncCall)
        return cat("kernel function with BTF id ", insn.imm, " is not available in userspace");
    if (insn.src() != kHelperCall) return {};
    if (insn.imm == kPoisonedCore) return "a CO-RE relocation could not be resolved";
    if (poisoned_by(insn, kPoisonedMap)) return cat("map ", insn.imm - kPoisonedMap, " of the object was not created");
    if (poisoned_by(insn, kPoisonedKfunc)) return "a kernel function is not available in userspace";
    return {};
}

// The session's own findings first: they know names.
std::vector<AbsentReference> find_absent(Load& load) {
    std::vector<AbsentReference> absent;
    if (load.session.resolve_references) absent = load.session.resolve_references(load.draft);
    std::vector<bool> known(load.draft.code.size());
    for (const AbsentReference& reference : absent) known[reference.slot] = true;
    for (std::uint32_t slot = 0; slot < load.draft.code.size(); ++slot) {
        RawInsn& insn = load.draft.code[slot];
        if (insn.opcode == kLoad64 && !known[slot]) {
            ++slot;
            continue;
        }
        std::string reason = known[slot] ? std::string() : absence(insn);
        if (!reason.empty()) absent.push_back({slot, std::move(reason)});
    }
    std::ranges::sort(absent, {}, &AbsentReference::slot);
    return absent;
}

ByteView constant_contents(const MapObject& map) {
    const bool constant = map.frozen() && (map.spec.flags & kReadOnlyProg) != 0;
    return constant ? map.elements->value_in_place() : ByteView();
}

// ---- The program ----------------------------------------------------------------------------------------------------

Status read_code(Load& load) {
    const bpf_attr& attr = load.attr;
    if (attr.insn_cnt == 0 || attr.insn_cnt > kMaxInsns)
        return fail(failure("the program has ", attr.insn_cnt, " instructions").with_errno(E2BIG));
    load.draft.code.resize(attr.insn_cnt);
    auto* bytes = reinterpret_cast<std::uint8_t*>(load.draft.code.data());
    return read_user(attr.insns, {bytes, load.draft.code.size() * sizeof(RawInsn)});
}

Status read_identity(Load& load) {
    const bpf_attr& attr = load.attr;
    Program& program = load.object->program;
    if (context_size(attr.prog_type) == 0 && prog_type_name(attr.prog_type).starts_with("program type"))
        return fail(failure("program type ", attr.prog_type, " is unknown"));
    program.type = attr.prog_type;
    program.expected_attach_type = attr.expected_attach_type;
    program.license = BPFTIME_TRY(read_user_string(attr.license, kMaxLicense));
    program.name = load.draft.name = fixed_string(attr.prog_name);
    load.object->flags = attr.prog_flags;
    return {};
}

Status read_debug_info(Load& load) {
    const bpf_attr& attr = load.attr;
    if (attr.func_info_cnt == 0 && attr.line_info_cnt == 0) return {};
    Program& program = load.object->program;
    load.object->btf = BPFTIME_TRY(load.session.registry.get<BtfObject>(static_cast<int>(attr.prog_btf_fd)));
    const Btf& btf = load.object->btf->view;
    const auto slots = static_cast<std::uint32_t>(load.draft.code.size());
    program.btf = load.object->btf->bytes;
    load.draft.functions = BPFTIME_TRY(read_functions(attr, btf, slots));
    BPFTIME_CHECK(read_lines(attr, btf, program, slots));
    // The kernel's names are cut to 15 characters; BTF has the whole.
    if (!load.draft.functions.empty() && load.draft.functions.front().name.starts_with(program.name))
        program.name = load.draft.name = load.draft.functions.front().name;
    return {};
}

void name_subprograms(const std::vector<DraftFunction>& functions, std::vector<Subprogram>& subprograms) {
    for (Subprogram& sub : subprograms) {
        const auto found = std::ranges::find(functions, sub.begin, &DraftFunction::begin);
        if (found != functions.end() && !found->name.empty()) sub.name = found->name;
    }
}

Status build(Load& load) {
    Program& program = load.object->program;
    BPFTIME_CHECK(read_identity(load));
    BPFTIME_CHECK(read_code(load));
    BPFTIME_CHECK(read_debug_info(load));
    BPFTIME_CHECK(record_origin(load.attr, load.draft.code, *load.object));
    const std::vector<AbsentReference> absent = find_absent(load);
    // A load of an absent address keeps its two slots until it is known whether anything reaches it.
    BPFTIME_CHECK(resolve_maps(load));
    program.insns = BPFTIME_TRY(decode(load.draft.code));
    const auto& maps = load.object->maps;
    BPFTIME_CHECK(remove_unreached(program.insns, absent, [&](std::uint32_t index) {
        return index < maps.size() ? constant_contents(*maps[index]) : ByteView();
    }));
    program.subprograms = BPFTIME_TRY(validate(program.insns, maps.size()));
    name_subprograms(load.draft.functions, program.subprograms);
    for (const auto& map : maps) program.maps.push_back(map->snapshot());
    return {};
}

// ---- The caller's log -----------------------------------------------------------------------------------------------

// As the verifier words it, where tools look for the words: libbpf reads the two lines on an unknown helper.
std::string log_text(const Load& load, const Status& status) {
    if (status) return cat("checked ", load.draft.code.size(), " instructions\n");
    const Error& error = status.error();
    const auto slot = static_cast<std::size_t>(error.insn);
    if (error.insn < 0 || slot >= load.draft.code.size()) return cat(error.cause, '\n');
    const RawInsn& insn = load.draft.code[slot];
    if (insn.opcode == kCall && insn.src() == kHelperCall && helper(static_cast<std::uint32_t>(insn.imm)) == nullptr)
        return cat(slot, ": (85) call unknown#", insn.imm, "\ninvalid func unknown#", insn.imm, '\n');
    return cat(slot, ": (", hex(insn.opcode).substr(2), ") ", error.cause, '\n');
}

// ENOSPC when the text does not fit, after writing what does.
Status write_log(const Load& load, const Status& status) {
    const bpf_attr& attr = load.attr;
    if (attr.log_level == 0 || attr.log_buf == 0 || attr.log_size == 0) return {};
    std::string text = log_text(load, status);
    const bool fits = text.size() + 1 <= attr.log_size;
    text.resize(std::min<std::size_t>(text.size(), attr.log_size - 1));
    BPFTIME_CHECK(write_user(attr.log_buf, {reinterpret_cast<const std::uint8_t*>(text.c_str()), text.size() + 1}));
    if (!fits) return fail(failure("the log buffer is too small").with_errno(ENOSPC));
    return {};
}

}  // namespace

Result<long> prog_load(BpfSession& session, bpf_attr& attr) {
    Load load{session, attr, {}, std::make_shared<ProgramObject>()};
    Status status = build(load);
    const Status logged = write_log(load, status);
    if (!status) return fail(std::move(status).error().in_program(load.draft.name));
    if (!logged) return fail(Error(logged.error()));
    return BPFTIME_TRY(session.registry.publish(load.object));
}

}  // namespace bpftime
