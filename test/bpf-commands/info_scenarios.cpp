// OBJ_GET_INFO_BY_FD of programs and BTF.
#include <time.h>

#include <array>
#include <vector>

#include "scenario.h"

namespace bpftime::test {

namespace {

// BTF with int (1), int f(void) (2), FUNC f (3); strings: "", "int", "f", "return 0;".
struct SmallBtf {
    std::uint32_t header[6] = {0x0001eb9f, 24, 0, 16 + 12 + 12, 16 + 12 + 12, 17};
    std::uint32_t types[10] = {1, 1u << 24, 4, 1u << 24 | 32, 0, 13u << 24, 1, 5, 12u << 24, 2};
    char strings[17] = "\0int\0f\0return 0;";
};

long load_btf(const BpfFunction& bpf) {
    static const SmallBtf btf;
    bpf_attr attr = empty_attr();
    attr.btf = address(&btf);
    attr.btf_size = sizeof(btf.header) + sizeof(btf.types) + sizeof(btf.strings);
    return bpf(BPF_BTF_LOAD, &attr, sizeof(attr));
}

template <class Info>
long query(const BpfFunction& bpf, int fd, Info& info, std::uint32_t* length = nullptr) {
    bpf_attr attr = empty_attr();
    attr.info.bpf_fd = static_cast<std::uint32_t>(fd);
    attr.info.info_len = length != nullptr ? *length : sizeof(info);
    attr.info.info = address(&info);
    const long result = bpf(BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr));
    if (length != nullptr) *length = attr.info.info_len;
    return result;
}

std::string digits(const void* bytes, std::size_t size) {
    std::string out;
    for (std::size_t index = 0; index < size; ++index) {
        const unsigned byte = static_cast<const std::uint8_t*>(bytes)[index];
        out += "0123456789abcdef"[byte >> 4];
        out += "0123456789abcdef"[byte & 15];
    }
    return out;
}

struct Loaded {
    explicit Loaded(const BpfFunction& bpf)
        : btf(load_btf(bpf)), map(create(bpf, BPF_MAP_TYPE_ARRAY, 4, 8, 1)), program(load(bpf)) {}
    Handle btf, map, program;

private:
    long load(const BpfFunction& bpf) const {
        const RawInsn code[] = {{0x18, 0x11, 0, map.get()},
                                {0, 0, 0, 0},
                                {0x18, 0x22, 0, map.get()},
                                {0, 0, 0, 4},
                                {0xb7, 0, 0, 0},
                                {0x95, 0, 0, 0}};
        const bpf_func_info functions[] = {{0, 3}};
        const bpf_line_info lines[] = {{0, 5, 7, 3 << 10 | 1}, {4, 5, 7, 4 << 10 | 2}};
        bpf_attr attr = empty_attr();
        attr.prog_type = BPF_PROG_TYPE_XDP;
        attr.insns = address(code);
        attr.insn_cnt = std::size(code);
        attr.license = address("Dual BSD/GPL");
        std::memcpy(attr.prog_name, "f", 1);
        attr.prog_btf_fd = static_cast<std::uint32_t>(btf.get());
        attr.func_info = address(functions);
        attr.func_info_cnt = std::size(functions);
        attr.func_info_rec_size = sizeof(functions[0]);
        attr.line_info = address(lines);
        attr.line_info_cnt = std::size(lines);
        attr.line_info_rec_size = sizeof(lines[0]);
        return bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
    }
};

template <class Info>
std::uint32_t id_of(const BpfFunction& bpf, const Handle& object) {
    Info info{};
    query(bpf, object.get(), info);
    return info.id;
}

std::string counts(const BpfFunction& bpf) {
    const Loaded loaded(bpf);
    bpf_prog_info info{};
    const long result = query(bpf, loaded.program.get(), info);
    timespec now{};
    clock_gettime(CLOCK_BOOTTIME, &now);
    const std::uint64_t nanoseconds =
        static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
    const bool recent = info.load_time <= nanoseconds && nanoseconds - info.load_time < 10'000'000'000;
    return cat(result, " type ", info.type, " name ", info.name, " gpl ", std::uint32_t{info.gpl_compatible}, " user ",
               info.created_by_uid == getuid() ? "me" : "another", recent ? " now" : " at another time", " maps ",
               info.nr_map_ids, " code ", info.xlated_prog_len, info.jited_prog_len > 0 ? " native" : " not native",
               " symbols ", info.nr_jited_ksyms, " lengths ", info.nr_jited_func_lens, " functions ", info.nr_func_info,
               " of ", info.func_info_rec_size, " lines ", info.nr_line_info, " of ", info.line_info_rec_size, ", ",
               info.jited_line_info_rec_size, " tags ", info.nr_prog_tags, " runs ", info.run_cnt, " checked ",
               info.verified_insns, info.btf_id == id_of<bpf_btf_info>(bpf, loaded.btf) ? " own BTF" : " other BTF");
}

std::string arrays(const BpfFunction& bpf) {
    const Loaded loaded(bpf);
    std::array<std::uint32_t, 3> maps{};
    std::array<RawInsn, 8> code{};
    std::array<bpf_func_info, 2> functions{};
    std::array<bpf_line_info, 3> lines{};
    std::array<std::array<std::uint8_t, 8>, 2> tags{};
    bpf_prog_info info{};
    info.nr_map_ids = maps.size();
    info.map_ids = address(maps.data());
    info.xlated_prog_len = sizeof(code);
    info.xlated_prog_insns = address(code.data());
    info.nr_func_info = functions.size();
    info.func_info_rec_size = sizeof(functions[0]);
    info.func_info = address(functions.data());
    info.nr_line_info = lines.size();
    info.line_info_rec_size = sizeof(lines[0]);
    info.line_info = address(lines.data());
    info.nr_prog_tags = tags.size();
    info.prog_tags = address(tags.data());
    const long result = query(bpf, loaded.program.get(), info);
    const std::uint32_t id = id_of<bpf_map_info>(bpf, loaded.map);
    std::string out = cat(result, maps[0] == id && maps[1] == 0 ? " its map," : " no map,");
    for (RawInsn insn : code) {
        if (insn.imm == static_cast<int>(id) && insn.opcode == 0x18) insn.imm = 0x4d4150;  // "MAP"
        out += cat(' ', digits(&insn, sizeof(insn)));
    }
    for (const bpf_func_info& function : functions) out += cat("; function ", function.insn_off, ' ', function.type_id);
    for (const bpf_line_info& line : lines)
        out += cat("; line ", line.insn_off, ' ', line.file_name_off, ' ', line.line_off, ' ', line.line_col);
    return cat(out, "; tag ", tags[0] == std::to_array(info.tag) ? "the program's" : "another");
}

std::string sizes_asked(const BpfFunction& bpf) {
    const Loaded loaded(bpf);
    std::string out;
    for (const std::uint32_t size : {0u, 16u, 40u, 228u, 400u}) {
        std::array<std::uint8_t, 400> bytes{};
        std::uint32_t length = size;
        const long result = query(bpf, loaded.program.get(), bytes, &length);
        out += cat(size, ": ", result, ' ', size > 228 ? 0 : length, ' ', std::uint32_t{bytes[0]}, "\n");
    }
    std::array<std::uint8_t, 400> bytes{};
    bytes[399] = 1;
    std::uint32_t length = 400;
    return out += cat("unknown field: ", query(bpf, loaded.program.get(), bytes, &length));
}

std::string refusals(const BpfFunction& bpf) {
    const Loaded loaded(bpf);
    std::string out;
    const auto with = [&](void (*change)(bpf_prog_info&)) {
        bpf_prog_info info{};
        change(info);
        out += cat(query(bpf, loaded.program.get(), info), ' ');
    };
    with([](bpf_prog_info& info) { info.func_info_rec_size = 4; });
    with([](bpf_prog_info& info) { info.nr_func_info = 1; });
    with([](bpf_prog_info& info) { info.line_info_rec_size = 8; });
    with([](bpf_prog_info& info) { info.nr_line_info = 1; });
    with([](bpf_prog_info& info) { info.jited_line_info_rec_size = 4; });
    with([](bpf_prog_info& info) { info.nr_map_ids = 1; });
    with([](bpf_prog_info& info) { info.xlated_prog_len = 8; });
    with([](bpf_prog_info& info) { info.xlated_prog_insns = 8; });
    with([](bpf_prog_info& info) { info.nr_prog_tags = 1; });
    return out;
}

std::string btf_info(const BpfFunction& bpf) {
    const Handle btf(load_btf(bpf));
    std::array<std::uint8_t, 200> bytes{};
    char name[8] = "xxxxxxx";
    bpf_btf_info info{};
    std::string out = cat(query(bpf, btf.get(), info));
    out += cat(" size ", info.btf_size, " id ", info.id != 0 ? "set" : "0");
    info = {};
    info.btf = address(bytes.data());
    info.btf_size = 10;
    info.name = address(name);
    info.name_len = sizeof(name);
    out += cat("; ", query(bpf, btf.get(), info));
    out += cat(" size ", info.btf_size, " name '", name, "' ", info.name_len, " kernel ", info.kernel_btf, " bytes ",
               digits(bytes.data(), 12));
    info = {};
    info.name_len = 8;
    out += cat("; ", query(bpf, btf.get(), info));
    info = {};
    info.btf_size = 8;
    return out += cat("; ", query(bpf, btf.get(), info));
}

std::string tag(const BpfFunction& bpf) {
    const Loaded loaded(bpf);
    bpf_prog_info info{};
    query(bpf, loaded.program.get(), info);
    return digits(info.tag, sizeof(info.tag));
}

std::string licenses(const BpfFunction& bpf) {
    std::string out;
    for (const char* license : {"GPL", "GPL v2", "Dual MIT/GPL", "LGPL", "MIT", "gpl"}) {
        const Handle program(load(bpf, kReturnZero, 2, BPF_PROG_TYPE_SOCKET_FILTER, license));
        bpf_prog_info info{};
        query(bpf, program.get(), info);
        out += cat(std::uint32_t{info.gpl_compatible}, ' ');
    }
    return out;
}

const Scenario kScenarios[] = {
    {"what is known of a program", counts,
     "0 type 6 name f gpl 1 user me now maps 1 code 48 native symbols 1 lengths 1 functions 1 of 8 lines 2 of 16, 8 "
     "tags 1 runs 0 checked 4 own BTF"},
    {"arrays of what is known of a program", arrays,
     "0 its map, 1811000050414d00 0000000000000000 1822000050414d00 0000000004000000 b700000000000000 9500000000000000 "
     "0000000000000000 0000000000000000; function 0 3; function 0 0; line 0 5 7 3073; line 4 5 7 4098; line 0 0 0 0; "
     "tag the program's"},
    {"a program's tag", tag, "3aca366782600465", 6018},
    {"structures of other sizes", sizes_asked,
     R"(0: 0 0 0
16: 0 16 6
40: 0 40 6
228: 0 228 6
400: 0 0 6
unknown field: -7)"},
    {"questions on programs that are refused", refusals, "-22 -22 -22 -22 -22 -14 -14 0 -14 "},
    {"which licenses go with the GPL", licenses, "1 1 1 0 0 0 "},
    {"what is known of BTF", btf_info,
     "0 size 81 id set; 0 size 81 name '' 0 kernel 0 bytes 9feb01001800000000000000; -22; -14"},
};

}  // namespace

std::span<const Scenario> info_scenarios() { return kScenarios; }

}  // namespace bpftime::test
