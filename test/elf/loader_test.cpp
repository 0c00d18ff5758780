// What comes out of well-formed objects.
#include <unistd.h>

#include <cstring>
#include <thread>

#include "objects.h"
#include "test/catch.h"
#include "vm/core/kernel_names.h"

using namespace bpftime;
using namespace bpftime::test;

namespace {

LoadedObject load(const std::string& name, const ElfOptions& options = {}) {
    auto object = load_elf(object_path(name), options);
    INFO((object ? std::string() : to_string(object.error())));
    REQUIRE(object);
    return *std::move(object);
}

const Program& program_of(const LoadedObject& object, std::string_view name) {
    const LoadedProgram* found = find(object, name);
    REQUIRE(found != nullptr);
    INFO(verdict(object, name));
    REQUIRE(found->program);
    return *found->program;
}

template <class T>
T value_at(const MapSpec& map, std::size_t offset) {
    T value;
    REQUIRE(map.contents.size() >= offset + sizeof(T));
    std::memcpy(&value, map.contents.data() + offset, sizeof(T));
    return value;
}

bool calls(const Program& program, std::uint32_t helper) {
    return std::ranges::any_of(program.insns,
                               [&](const Insn& insn) { return insn.op == Op::CallHelper && insn.imm == helper; });
}

}  // namespace

TEST_CASE("data sections become maps with their contents") {
    const LoadedObject object = load("globals");
    REQUIRE(object.maps.size() == 4);
    for (std::size_t index = 0; index < object.maps.size(); ++index) CHECK(object.maps[index].number == index);

    const MapSpec* rodata = find_map(object, ".rodata");
    REQUIRE(rodata != nullptr);
    CHECK(rodata->frozen);
    CHECK((rodata->flags & 0x80) != 0);  // BPF_F_RDONLY_PROG
    CHECK(value_at<std::uint32_t>(*rodata, 0) == 7);
    CHECK(std::memcmp(rodata->contents.data() + 4, "bpftime", 8) == 0);

    const MapSpec* limits = find_map(object, ".rodata.limits");
    REQUIRE(limits != nullptr);
    CHECK(value_at<std::uint64_t>(*limits, 8) == 22);
    CHECK(limits->frozen);

    const MapSpec* data = find_map(object, ".data");
    REQUIRE(data != nullptr);
    CHECK(value_at<std::uint64_t>(*data, 0) == 0x1122334455667788);
    CHECK_FALSE(data->frozen);

    const MapSpec* bss = find_map(object, ".bss");
    REQUIRE(bss != nullptr);
    CHECK(bss->contents.size() == bss->value_size);
    CHECK(bss->value_size >= 5000);
    CHECK(std::ranges::all_of(bss->contents, [](std::uint8_t byte) { return byte == 0; }));

    // Maps of the program stand in the order of their first reference and keep their number in the object.
    const Program& count = program_of(object, "count");
    REQUIRE(count.maps.size() == 4);
    std::uint32_t next = 0;
    for (const Insn& insn : count.insns) {
        if (!is_map_reference(insn.op)) continue;
        REQUIRE(insn.map_index() <= next);
        if (insn.map_index() == next) ++next;
    }
    CHECK(next == 4);
    for (const MapSpec& map : count.maps) {
        CHECK(object.maps.at(map.number).name == map.name);
        CHECK(object.maps.at(map.number).contents == map.contents);
    }
    CHECK(count.license == "GPL");
    CHECK(count.section == "socket");
    CHECK(count.type == static_cast<std::uint32_t>(ProgType::SocketFilter));
    CHECK_FALSE(count.btf.empty());
}

TEST_CASE("source lines come with file, line, column and text") {
    const LoadedObject object = load("globals");
    const Program& count = program_of(object, "count");
    REQUIRE_FALSE(count.lines.empty());
    REQUIRE(count.source_files.size() == 1);
    CHECK(count.source_files[0].ends_with("globals.bpf.c"));
    const auto limit = std::ranges::find_if(count.lines, [](const SourceLine& line) {
        return line.text.find("if (calls > limit) return label[0];") != std::string::npos;
    });
    REQUIRE(limit != count.lines.end());
    CHECK(limit->line == 16);
    CHECK(limit->column > 0);
}

TEST_CASE("subprograms carry their names and only those that are called") {
    const LoadedObject object = load("subprograms");
    const auto names = [&](const std::string& name) {
        std::vector<std::string> result;
        for (const Subprogram& sub : program_of(object, name).subprograms) result.push_back(sub.name);
        std::ranges::sort(result.begin() + 1, result.end());
        return result;
    };
    CHECK(names("both") == std::vector<std::string>{"both", "scale", "square"});
    CHECK(names("only_static") == std::vector<std::string>{"only_static", "square"});
    CHECK(names("none") == std::vector<std::string>{"none"});
    CHECK(program_of(object, "both").license == "Dual BSD/GPL");
}

TEST_CASE("maps of every kind keep the object's order and shape") {
    const LoadedObject object = load("maps");
    struct Row {
        const char* name;
        MapType type;
        std::uint32_t key, value, entries, flags;
    };
    const Row rows[] = {
        {"hash", MapType::Hash, 4, 8, 100, 0},        {"array", MapType::Array, 4, 8, 4, 0},
        {"percpu", MapType::PercpuArray, 4, 8, 2, 0}, {"lru", MapType::LruHash, 8, 4, 64, 0},
        {"trie", MapType::LpmTrie, 8, 4, 16, 1},      {"queue", MapType::Queue, 0, 4, 8, 0},
        {"ring", MapType::Ringbuf, 0, 0, 8192, 0},    {"stacks", MapType::StackTrace, 4, 1016, 32, 0},
        {"bloom", MapType::BloomFilter, 0, 4, 64, 0}, {"outer", MapType::ArrayOfMaps, 4, 4, 2, 0},
        {"programs", MapType::ProgArray, 4, 4, 2, 0},
    };
    for (const Row& row : rows) {
        INFO(row.name);
        const MapSpec* map = find_map(object, row.name);
        REQUIRE(map != nullptr);
        CHECK(map->type == static_cast<std::uint32_t>(row.type));
        CHECK(map->key_size == row.key);
        CHECK(map->value_size == row.value);
        CHECK(map->max_entries == row.entries);
        CHECK(map->flags == row.flags);
        CHECK(map->contents.empty());
        CHECK(&object.maps[map->number] == map);
    }
    CHECK(find_map(object, "bloom")->extra == 3);
    CHECK(find_map(object, "events")->max_entries >= 1);  // one for each CPU
    const Program& user = program_of(object, "use_maps");
    std::vector<std::string> used;
    for (const MapSpec& map : user.maps) used.push_back(map.name);
    CHECK(used == std::vector<std::string>{"percpu", "hash", "outer", "programs"});
    CHECK(verdict(object, "target") == "built");
}

TEST_CASE("callbacks are subprograms that lddw takes the address of") {
    const LoadedObject object = load("callbacks");
    const Program& loops = program_of(object, "loops");
    CHECK(loops.subprograms.size() == 3);
    int addresses = 0;
    for (std::uint32_t slot = 0; slot < loops.insns.size(); ++slot) {
        if (loops.insns[slot].op != Op::LddwCodeAddr) continue;
        const std::uint32_t target = loops.insns[slot].code_target(slot);
        const Subprogram& sub = loops.subprograms[loops.subprogram_at(target)];
        CHECK(sub.begin == target);
        CHECK((sub.name == "add" || sub.name == "visit"));
        ++addresses;
    }
    CHECK(addresses == 2);
    CHECK(calls(loops, 181));  // loop
    CHECK(calls(loops, 164));  // for_each_map_elem
}

TEST_CASE("configuration variables have the kernel's values, and those that do not exist are zero") {
    const LoadedObject object = load("kconfig");
    const MapSpec* kconfig = find_map(object, ".kconfig");
    REQUIRE(kconfig != nullptr);
    CHECK(kconfig->frozen);
    CHECK(verdict(object, "version") == "built");
    CHECK(verdict(object, "wrapper") == "built");
    // The kernel's version is at least 4.0.0, whose code is 0x040000.
    bool found = false;
    for (std::size_t at = 0; at + 4 <= kconfig->contents.size(); at += 4)
        found |= value_at<std::uint32_t>(*kconfig, at) >= 0x040000;
    CHECK(found);
}

TEST_CASE("a strong configuration variable that does not exist is named") {
    const LoadedObject object = load("strong_kconfig");
    CHECK(verdict(object, "needs_it").find("CONFIG_BPFTIME_NEVER_EXISTS") != std::string::npos);
}

TEST_CASE("what exists in the kernel only is absent when weak and refused by name when strong") {
    const LoadedObject object = load("externs");
    CHECK(verdict(object, "untouched") == "built");
    CHECK(verdict(object, "strong_variable").find("kernel symbol 'init_task' is not available in userspace") !=
          std::string::npos);
    CHECK(verdict(object, "strong_function").find("kernel function 'bpf_rcu_read_lock'") != std::string::npos);
    CHECK(verdict(object, "through_subprogram").find("kernel function 'bpftime_missing'") != std::string::npos);

    const Program& weak = program_of(object, "weak_variables");
    int nulls = 0;
    for (const Insn& insn : weak.insns) nulls += insn.op == Op::LddwImm && insn.imm == 0;
    CHECK(nulls == 2);
    const Program& guarded = program_of(object, "guarded_function");
    CHECK(std::ranges::none_of(guarded.insns, [](const Insn& insn) { return insn.op == Op::CallKfunc; }));
}

TEST_CASE("every -mcpu loads, with the instructions of its level") {
    const auto has = [](const std::string& name, auto&& wanted) {
        const LoadedObject object = load(name);
        return std::ranges::any_of(program_of(object, "arithmetic").insns, wanted);
    };
    const auto signed_division = [](const Insn& insn) {
        return info(insn.op).family == Family::Alu && info(insn.op).alu() == AluOp::SDiv;
    };
    const auto wide_jump_only = [](const Insn& insn) {
        return info(insn.op).family == Family::Jump && info(insn.op).width == 32;
    };
    const auto byte_swap = [](const Insn& insn) { return insn.op == Op::Bswap32; };
    CHECK_FALSE(has("cpu-v2", wide_jump_only));
    CHECK(has("cpu-v3", wide_jump_only));
    CHECK_FALSE(has("cpu-v3", signed_division));
    CHECK(has("cpu-v4", signed_division));
    CHECK(has("cpu-v4", byte_swap));
}

TEST_CASE("sections decide the type; attach targets need not exist") {
    const LoadedObject object = load("sections");
    const auto type = [&](const std::string& name) { return static_cast<ProgType>(program_of(object, name).type); };
    CHECK(type("at_entry") == ProgType::Tracing);
    CHECK(type("security") == ProgType::Lsm);
    CHECK(type("unknown") == ProgType::Unspec);
    CHECK(type("optional") == ProgType::Kprobe);
    CHECK(type("probe") == ProgType::Kprobe);
    CHECK(type("packets") == ProgType::Xdp);
    CHECK(program_of(object, "probe").section == "uprobe/libc.so.6:malloc");
    CHECK(program_of(object, "at_entry").expected_attach_type == 24);  // BPF_TRACE_FENTRY
    CHECK(program_of(object, "packets").expected_attach_type == 37);   // BPF_XDP
}

TEST_CASE("programs for the kernel's tables of functions build") {
    const LoadedObject object = load("struct_ops");
    CHECK(static_cast<ProgType>(program_of(object, "first_op").type) == ProgType::StructOps);
    REQUIRE(object.maps.size() == 1);
    CHECK(object.maps[0].type == static_cast<std::uint32_t>(MapType::StructOps));
}

TEST_CASE("maps that ask to be pinned are not, and ring buffers may say what their records are") {
    const LoadedObject object = load("pinned");
    CHECK(verdict(object, "reader") == "built");
    CHECK(find_map(object, "bpftime_test_pi") != nullptr);  // 15 characters, as the kernel keeps names
    REQUIRE(find_map(object, "typed_ring") != nullptr);
    CHECK(find_map(object, "typed_ring")->value_size == 0);
    REQUIRE(find_map(object, "typed_events") != nullptr);
    CHECK(find_map(object, "typed_events")->key_size == 4);
    CHECK(access("/sys/fs/bpf/bpftime_test_pinned", F_OK) != 0);
}

TEST_CASE("only the programs named are loaded") {
    const LoadedObject object = load("subprograms", {.btf_path = {}, .programs = {"none"}});
    REQUIRE(object.programs.size() == 1);
    CHECK(object.programs[0].name == "none");
    const auto missing = load_elf(object_path("subprograms"), {.btf_path = {}, .programs = {"nowhere"}});
    REQUIRE_FALSE(missing);
    CHECK(to_string(missing.error())
              .find("there is no program 'nowhere' in the object; it has both, only_static, none") !=
          std::string::npos);
}

TEST_CASE("an object in memory loads like the file") {
    const std::string path = object_path("globals");
    const auto bytes = read_bytes(path);
    REQUIRE_FALSE(bytes.empty());
    const auto from_memory = load_elf(bytes, path);
    REQUIRE(from_memory);
    const LoadedObject from_file = load("globals");
    REQUIRE(from_memory->programs[0].program);
    REQUIRE(from_file.programs[0].program);
    CHECK(from_memory->programs[0].program->insns == from_file.programs[0].program->insns);
}

TEST_CASE("loads in several threads take turns") {
    std::vector<std::thread> threads;
    std::vector<int> built(4);
    for (int index = 0; index < 4; ++index)
        threads.emplace_back([&built, index] {
            for (int round = 0; round < 5; ++round) {
                const auto object = load_elf(object_path(index % 2 == 0 ? "globals" : "maps"));
                if (object && object->programs[0].program) ++built[index];
            }
        });
    for (std::thread& thread : threads) thread.join();
    CHECK(built == std::vector<int>{5, 5, 5, 5});
}
