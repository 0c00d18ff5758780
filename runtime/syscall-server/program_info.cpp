#include "runtime/syscall-server/program_info.h"

#include <time.h>
#include <unistd.h>

#include <cstring>

#include "runtime/helpers/helpers.h"
#include "vm/core/decode.h"
#include "vm/linker/digest.h"
#include "vm/ubpf-jit/ubpf_jit.h"

namespace bpftime {

namespace {

constexpr std::uint8_t kMapFd = 1, kMapValue = 2, kMapIdx = 5, kMapIdxValue = 6;  // src of a lddw

static_assert(sizeof(FuncRecord) == sizeof(bpf_func_info) && sizeof(LineRecord) == sizeof(bpf_line_info));

ByteView bytes_of(std::span<const RawInsn> code) {
    return {reinterpret_cast<const std::uint8_t*>(code.data()), code.size_bytes()};
}

// Records of `size` bytes, of which ours are the first. They have been checked (debug_info.h).
template <class Record>
Status read_raw(std::uint64_t address, std::uint32_t count, std::uint32_t size, std::vector<Record>& records) {
    Bytes bytes(std::size_t{count} * size);
    BPFTIME_CHECK(read_user(address, bytes));
    records.resize(count);
    for (std::size_t index = 0; index < count; ++index)
        std::memcpy(&records[index], bytes.data() + index * size, sizeof(Record));
    return {};
}

// A structure's size given with an array must be ours; none need be given where none is asked for.
Status check_record_size(std::uint32_t count, std::uint32_t& size, std::size_t ours) {
    if ((count != 0 || size != 0) && size != ours) return fail(failure("records are asked for in another size"));
    size = static_cast<std::uint32_t>(ours);
    return {};
}

std::vector<ProgramTag> tags(const ProgramObject& program) {
    if (program.program.subprograms.size() <= 1) return {program.tag};
    const std::vector<RawInsn> code = encode(program.program.insns);
    std::vector<ProgramTag> all;
    for (const Subprogram& sub : program.program.subprograms)
        all.push_back(kernel_tag(std::span(code).subspan(sub.begin, sub.end - sub.begin)));
    return all;
}

Status describe_code(const ProgramObject& program, bpf_prog_info& info) {
    const std::vector<RawInsn> code = shown_code(program);
    BPFTIME_CHECK(offer<std::uint8_t>(info.xlated_prog_insns, info.xlated_prog_len, bytes_of(code)));
    // One piece of native code holds all subprograms; it has no address until a process runs it.
    const std::vector<std::uint8_t> native = native_code(program);
    const std::vector<std::uint64_t> addresses(1);
    const std::vector<std::uint32_t> lengths = {static_cast<std::uint32_t>(native.size())};
    BPFTIME_CHECK(offer<std::uint8_t>(info.jited_prog_insns, info.jited_prog_len, native));
    BPFTIME_CHECK(offer<std::uint64_t>(info.jited_ksyms, info.nr_jited_ksyms, addresses));
    BPFTIME_CHECK(offer<std::uint32_t>(info.jited_func_lens, info.nr_jited_func_lens, lengths));
    const std::vector<ProgramTag> all = tags(program);
    return offer<ProgramTag>(info.prog_tags, info.nr_prog_tags, all);
}

Status describe_debug_info(const ProgramObject& program, bpf_prog_info& info) {
    BPFTIME_CHECK(check_record_size(info.nr_func_info, info.func_info_rec_size, sizeof(FuncRecord)));
    BPFTIME_CHECK(check_record_size(info.nr_line_info, info.line_info_rec_size, sizeof(LineRecord)));
    BPFTIME_CHECK(check_record_size(info.nr_jited_line_info, info.jited_line_info_rec_size, sizeof(std::uint64_t)));
    info.nr_jited_line_info = 0;
    BPFTIME_CHECK(offer<FuncRecord>(info.func_info, info.nr_func_info, program.functions));
    return offer<LineRecord>(info.line_info, info.nr_line_info, program.lines);
}

std::uint32_t instructions(const Program& program) {
    return static_cast<std::uint32_t>(
        std::ranges::count_if(program.insns, [](const Insn& insn) { return insn.op != Op::LddwHigh; }));
}

}  // namespace

ProgramTag kernel_tag(std::span<const RawInsn> code) {
    std::vector<RawInsn> plain(code.begin(), code.end());
    for (std::size_t slot = 0; slot + 1 < plain.size(); ++slot) {
        if (plain[slot].opcode != kLddwOpcode) continue;
        const std::uint8_t source = plain[slot].src();
        if (source == kMapFd || source == kMapValue) plain[slot].imm = plain[slot + 1].imm = 0;
        ++slot;
    }
    const Digest digest = sha256(bytes_of(plain));
    ProgramTag tag;
    std::copy_n(digest.begin(), tag.size(), tag.begin());
    return tag;
}

bool gpl_compatible(std::string_view license) {
    constexpr std::string_view kCompatible[] = {"GPL",          "GPL v2",       "GPL and additional rights",
                                                "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL"};
    return std::ranges::find(kCompatible, license) != std::end(kCompatible);
}

Status record_origin(const bpf_attr& attr, std::span<const RawInsn> code, ProgramObject& program) {
    program.tag = kernel_tag(code);
    timespec time{};
    clock_gettime(CLOCK_BOOTTIME, &time);
    program.load_time =
        static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(time.tv_nsec);
    program.user = getuid();
    program.attach_btf_type = attr.attach_btf_id;
    BPFTIME_CHECK(read_raw(attr.func_info, attr.func_info_cnt, attr.func_info_rec_size, program.functions));
    return read_raw(attr.line_info, attr.line_info_cnt, attr.line_info_rec_size, program.lines);
}

std::vector<RawInsn> shown_code(const ProgramObject& program) {
    std::vector<RawInsn> code = encode(program.program.insns);
    for (std::size_t slot = 0; slot + 1 < code.size(); ++slot) {
        if (code[slot].opcode != kLddwOpcode) continue;
        const std::uint8_t source = code[slot].src();
        const bool address = source == kMapFd || source == kMapIdx,
                   value = source == kMapValue || source == kMapIdxValue;
        if (address || value) {
            code[slot].registers = static_cast<std::uint8_t>(code[slot].dst() | (address ? kMapFd : kMapValue) << 4);
            code[slot].imm = static_cast<std::int32_t>(program.maps[static_cast<std::size_t>(code[slot].imm)]->id);
        }
        ++slot;
    }
    return code;
}

std::vector<std::uint8_t> native_code(const ProgramObject& program) {
    Bindings bindings = default_bindings(std::span<Map* const>());
    for (const auto& map : program.maps)
        bindings.maps.push_back({.spec = map->spec, .handle = map->id, .values = map->id, .stride = 0});
    auto code = ubpf_emit(program.program, bindings, host_arch());
    return code ? *std::move(code) : std::vector<std::uint8_t>();
}

Result<bpf_prog_info> describe_program(const ProgramObject& program, const bpf_prog_info& asked) {
    bpf_prog_info info = asked;
    info.type = program.program.type;
    info.id = program.id;
    std::ranges::copy(program.tag, info.tag);
    std::memset(info.name, 0, sizeof(info.name));
    std::memcpy(info.name, program.program.name.data(), std::min(program.program.name.size(), sizeof(info.name) - 1));
    info.load_time = program.load_time;
    info.created_by_uid = program.user;
    info.gpl_compatible = gpl_compatible(program.program.license);
    info.ifindex = 0;
    info.netns_dev = info.netns_ino = 0;
    info.btf_id = program.btf ? program.btf->id : 0;
    info.attach_btf_id = program.attach_btf_type;
    info.attach_btf_obj_id = 0;
    info.run_cnt = program.page->runs.load(std::memory_order_relaxed);
    info.run_time_ns = program.page->run_time.load(std::memory_order_relaxed);
    info.recursion_misses = program.page->recursion_misses.load(std::memory_order_relaxed);
    info.verified_insns = instructions(program.program);
    std::vector<std::uint32_t> ids;
    for (const auto& map : program.maps) ids.push_back(map->id);
    for (const std::uint32_t id : bound_maps(*program.page)) ids.push_back(id);
    BPFTIME_CHECK(offer<std::uint32_t>(info.map_ids, info.nr_map_ids, ids));
    BPFTIME_CHECK(describe_debug_info(program, info));
    BPFTIME_CHECK(describe_code(program, info));
    return info;
}

}  // namespace bpftime
