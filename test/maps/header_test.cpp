// The C header of an object: its text, and that C and C++ compilers take it.
#include "runtime/rt/header.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "test/catch.h"
#include "vm/core/kernel_names.h"

using namespace bpftime;

namespace {

Metadata example() {
    Metadata metadata;
    metadata.program = "count.calls";
    metadata.section = "uprobe/*/malloc";
    metadata.producer = "bpftime 0.1.0";
    metadata.entry = "run_count";
    metadata.helpers = {1, 6, 14};
    MetadataMap hash;
    hash.spec.name = "calls";
    hash.spec.type = static_cast<std::uint32_t>(MapType::Hash);
    hash.spec.key_size = 4;
    hash.spec.value_size = 8;
    hash.spec.max_entries = 1024;
    MetadataMap data = hash;
    data.spec.name = "count.data";
    data.spec.number = 3;
    data.spec.type = static_cast<std::uint32_t>(MapType::Array);
    data.spec.value_size = 64;
    data.spec.max_entries = 1;
    data.spec.flags = 0x480;
    data.spec.frozen = true;
    for (int i = 0; i < 23; ++i) data.spec.contents.push_back(static_cast<std::uint8_t>(i * 11));
    data.spec.contents.resize(40);
    MetadataMap bss = data;
    bss.spec.name = ".bss";
    bss.spec.number = 4;
    bss.spec.flags = 0x400;
    bss.spec.frozen = false;
    bss.spec.contents.assign(64, 0);
    metadata.maps = {hash, data, bss};
    return metadata;
}

std::string text_of(const Metadata& metadata) {
    const auto header = aot_header(metadata);
    REQUIRE(header);
    return *header;
}

std::string read(const std::string& path) {
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

// The compilers that built this test, on `header` included twice in a program that uses what it declares.
void check_compiles(const std::string& header, const std::string& uses) {
    char directory[] = "aot-header-XXXXXX";
    REQUIRE(mkdtemp(directory) != nullptr);
    const std::string base(directory);
    std::ofstream(base + "/program.aot.h") << header;
    std::ofstream(base + "/driver.c")
        << "#include \"program.aot.h\"\n#include \"program.aot.h\"\n#include \"bpftime/rt.h\"\n"
        << uses;
    const std::string flags = cat(" -Wall -Wextra -Werror -I", RT_INCLUDE, " -fsyntax-only ");
    for (const std::string& compiler :
         {cat(C_COMPILER, flags, "-std=c99 -x c "), cat(CXX_COMPILER, flags, "-std=c++11 -x c++ ")}) {
        INFO(compiler << "\n" << header);
        CHECK(std::system((compiler + base + "/driver.c").c_str()) == 0);
    }
    CHECK(std::system(("rm -r " + base).c_str()) == 0);
}

}  // namespace

TEST_CASE("the header of a program with maps, word for word") {
    const std::string golden = std::string(GOLDEN_DIR) + "/count_calls.aot.h";
    const std::string text = text_of(example());
    if (const char* bless = std::getenv("BLESS"); bless != nullptr && *bless == '1') std::ofstream(golden) << text;
    CHECK(text == read(golden));
}

TEST_CASE("C and C++ compile the header, beside rt.h and without") {
    check_compiles(
        text_of(example()),
        "int main(void) { return count_calls_create_maps() + (int)run_count(0, count_calls_map_count_data) + "
        "(int)_bpf_helper_ext_0014(); }\n");
    Metadata bare;
    bare.program = "9lives";
    bare.entry = "bpf_main";
    check_compiles(text_of(bare), "int main(void) { return _9lives_create_maps() + (int)bpf_main(0, 0); }\n");
}

TEST_CASE("names that C would misread do not spoil the header") {
    Metadata metadata = example();
    metadata.section = "*/ int x; /*";
    metadata.maps[0].spec.name = "quote\"back\\slash?\?/\n";
    metadata.maps[1].spec.name = metadata.maps[0].spec.name;
    check_compiles(text_of(metadata), "int main(void) { return count_calls_map_quote_back_slash_____3; }\n");
}

TEST_CASE("what cannot be declared is refused") {
    Metadata metadata = example();
    metadata.entry = "not a name";
    REQUIRE_FALSE(aot_header(metadata));
    CHECK(to_string(aot_header(metadata).error()) ==
          "program 'count.calls': entry 'not a name' is not a C identifier; choose another with --entry");
    metadata = example();
    metadata.helpers.push_back(4000);
    REQUIRE_FALSE(aot_header(metadata));
    CHECK(aot_header(metadata).error().cause == "helper 4000 is unknown");
}
