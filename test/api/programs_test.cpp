// Programs through libbpftime: bytecode on every engine, native objects, the maps that they share, registries in shared memory.
#include <linux/bpf.h>

#include <cstdio>

#include "test/api/support.h"

using namespace test;
using bpftime::LoadOptions;

namespace {

LoadOptions only(const char* program, const char* engine = nullptr) {
    LoadOptions options;
    options.program = program;
    options.engine = engine;
    return options;
}

#ifdef WITH_LLVM
// The native object of a program.
std::string native(const Directory& directory, const std::string& object, const std::string& program) {
    const std::string command = std::string(BPFTIME_AOT) + " build " + bytecode(object) + " --program " + program + " -o " +
                                directory.path() + " >/dev/null";
    REQUIRE(std::system(command.c_str()) == 0);
    return directory.path() + "/" + program + ".o";
}
#endif

std::vector<std::byte> file_contents(const std::string& path) {
    std::vector<std::byte> bytes(std::filesystem::file_size(path));
    std::FILE* const file = std::fopen(path.c_str(), "rb");
    REQUIRE(file != nullptr);
    REQUIRE(std::fread(bytes.data(), 1, bytes.size(), file) == bytes.size());
    std::fclose(file);
    return bytes;
}

}  // namespace

TEST_CASE("bytecode on every engine") {
    for (const char* engine : {"ubpf", "interpreter",
#ifdef WITH_LLVM
                               "llvm"
#endif
         }) {
        INFO(engine);
        const auto registry = private_registry();
        const auto program = need(registry.load(bytecode("section_data"), only(nullptr, engine)));
        CHECK(need(program.run(nullptr, 0)) == 16);  // 5 * 3 + 1
        const auto variables = need(program.map(".data")).values<std::uint32_t>();
        REQUIRE(variables.size() == 1);
        variables[0] = 7;
        CHECK(need(program.run(nullptr, 0)) == 23);  // 7 * 3 + 2
        CHECK(need(program.map(".bss")).values<std::uint64_t>()[0] == 2);
        CHECK((program.entry() == nullptr) == (std::string(engine) == "interpreter"));
        if (program.entry() != nullptr) CHECK(program.entry()(nullptr, 0) == 24);
        CHECK(need(program.map(".rodata")).values<std::uint32_t>().empty());
        CHECK(errno == EPERM);
        CHECK(registry.programs().size() == 1);
        CHECK(std::string(registry.programs()[0].name) == "scaled");
    }
}

TEST_CASE("programs of one registry share maps by name, but not data sections") {
    const auto registry = private_registry();
    const auto first = need(registry.load(bytecode("several"), only("first")));
    const auto second = need(registry.load(bytecode("several"), only("second")));
    REQUIRE(first.run(nullptr, 0));
    REQUIRE(second.run(nullptr, 0));
    const auto counts = need(registry.map("counts"));
    CHECK(need(counts.get<std::uint64_t>(std::uint32_t{1})) == 10);
    CHECK(need(counts.get<std::uint64_t>(std::uint32_t{2})) == 20);

    LoadOptions own = only("first");
    own.flags = BPFTIME_LOAD_OWN_MAPS;
    const auto apart = need(registry.load(bytecode("several"), own));
    CHECK(need(apart.map("counts")).info().id != counts.info().id);
    CHECK(refusal(registry.load(bytecode("several"), only("first")), EEXIST).find("both called 'counts'") != std::string::npos);
    bpftime_map* const meant[] = {counts.get_handle()};
    LoadOptions given = only("first");
    given.maps = meant;
    given.map_count = 1;
    CHECK(need(need(registry.load(bytecode("several"), given)).map("counts")).info().id == counts.info().id);

    const auto a = need(registry.load(bytecode("section_data"))), b = need(registry.load(bytecode("section_data")));
    CHECK(need(a.run(nullptr, 0)) == 16);
    CHECK(need(b.run(nullptr, 0)) == 16);
}

TEST_CASE("what cannot be loaded changes nothing") {
    const auto registry = private_registry();
    CHECK(refusal(registry.load("/nonexistent"), ENOENT).starts_with("/nonexistent: cannot read it"));
    CHECK(refusal(registry.load("/"), EISDIR).starts_with("/: cannot read it"));
    CHECK(refusal(registry.load(bytecode("several")), EINVAL).find("choose one of first, second, third") != std::string::npos);
    CHECK(refusal(registry.load(bytecode("several"), only("fourth")), ENOENT).find("no program 'fourth'") != std::string::npos);
    CHECK(refusal(registry.load(bytecode("several"), only("third")), EACCES).find("bpf_missing_function") != std::string::npos);
    CHECK(refusal(registry.load(bytecode("several"), only("first", "quantum")), EINVAL).find("no engine 'quantum'") != std::string::npos);
    const std::byte junk[64] = {};
    refusal(registry.load(junk, "junk"), EINVAL);
    refusal(registry.load(std::span(junk).first(0), "nothing"), EINVAL);
    CHECK(registry.programs().empty());
    CHECK(registry.maps().empty());

    const auto wrong = need(registry.create_map(BPF_MAP_TYPE_HASH, "counts", 8, 8, 16));
    CHECK(refusal(registry.load(bytecode("several"), only("first")), EINVAL).find("map 'counts' has another shape") != std::string::npos);
    CHECK(registry.maps().size() == 1);
}

#ifdef WITH_LLVM
TEST_CASE("native objects") {
    const Directory directory;
    const std::string first = native(directory, "several", "first"), second = native(directory, "several", "second");
    const auto registry = private_registry();
    const auto one = need(registry.load(first));
    const auto two = need(registry.load(file_contents(second), "second.o"));
    CHECK(std::string(two.info().name) == "second");
    CHECK(two.info().id == 0);
    REQUIRE(one.entry() != nullptr);
    CHECK(one.entry()(nullptr, 0) == 0);
    CHECK(need(one.run(nullptr, 0)) == 1);
    REQUIRE(two.run(nullptr, 0));
    const auto counts = need(registry.map("counts"));
    CHECK(need(counts.get<std::uint64_t>(std::uint32_t{1})) == 20);
    CHECK(need(counts.get<std::uint64_t>(std::uint32_t{2})) == 20);
    CHECK(registry.maps().size() == 1);
    CHECK(registry.programs().empty());

    CHECK(refusal(registry.load(first, only("second")), ENOENT).find("of program 'first', not of 'second'") != std::string::npos);
    CHECK(refusal(registry.load(first, only(nullptr, "ubpf")), EINVAL).find("this is a native object") != std::string::npos);
    LoadOptions trusting;
    const std::uint8_t key[32] = {1};
    trusting.trusted_keys = key;
    trusting.trusted_key_count = 1;
    refusal(registry.load(first, trusting), EKEYREJECTED);

    auto damaged = file_contents(first);
    damaged[damaged.size() / 2] ^= std::byte{1};
    const auto elsewhere = private_registry();
    CHECK(refusal(elsewhere.load(damaged, "damaged.o"), EBADMSG).starts_with("damaged.o: "));
    const auto wrong = need(elsewhere.create_map(BPF_MAP_TYPE_HASH, "counts", 8, 8, 16));
    CHECK(refusal(elsewhere.load(first), EINVAL).find("map 'counts' has a key size of 8 here and 4 in the object") != std::string::npos);
    CHECK(elsewhere.maps().size() == 1);
}

TEST_CASE("a native object starts with its own variables") {
    const Directory directory;
    const auto registry = private_registry();
    const auto program = need(registry.load(native(directory, "section_data", "scaled")));
    CHECK(need(program.run(nullptr, 0)) == 16);
    need(program.map(".data")).values<std::uint32_t>()[0] = 7;
    CHECK(need(program.run(nullptr, 0)) == 23);
}
#endif

TEST_CASE("handles may be closed in any order") {
    auto registry = std::make_unique<bpftime::Registry>(private_registry());
    auto program = std::make_unique<bpftime::Program>(need(registry->load(bytecode("section_data"))));
    const auto map = need(program->map(".bss"));
    REQUIRE(program->run(nullptr, 0));
    registry.reset();
    REQUIRE(program->run(nullptr, 0));
    program.reset();
    CHECK(map.values<std::uint64_t>()[0] == 2);
}

TEST_CASE("a registry in shared memory") {
    const SharedName shared;
    CHECK(refusal(bpftime::Registry::open(shared.name()), ENOENT).find(shared.name()) != std::string::npos);
    const auto mine = need(bpftime::Registry::open(shared.name(), BPFTIME_CREATE));
    const auto yours = need(bpftime::Registry::open(shared.name()));
    {
        const auto program = need(mine.load(bytecode("several"), only("first")));
        REQUIRE(program.run(nullptr, 0));
        REQUIRE(yours.programs().size() == 1);
        const auto same = need(yours.program("first"));
        CHECK(same.info().id == program.info().id);
        CHECK(same.info().insns == program.info().insns);
        CHECK(need(same.run(nullptr, 0)) == 1);
        LoadOptions interpreted;
        interpreted.engine = "interpreter";
        const auto slow = need(yours.program(program.info().id, interpreted));
        CHECK(need(slow.run(nullptr, 0)) == 1);
        CHECK(slow.entry() == nullptr);
        CHECK(need(need(yours.map("counts")).get<std::uint64_t>(std::uint32_t{1})) == 30);
    }
    // What nobody uses is gone for whoever looks next.
    CHECK(need(bpftime::Registry::open(shared.name())).programs().empty());
    CHECK(refusal(yours.program("first"), ENOENT) == "there is no program with the name 'first'");
}
