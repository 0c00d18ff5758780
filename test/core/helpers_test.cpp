// The helper table: complete, consistent in itself, equal to libbpf's declarations and to docs/helpers.md.
#include "test/catch.h"

#include <cstdlib>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "vm/core/helpers.h"
#include "vm/core/result.h"

using namespace bpftime;

namespace {

struct Text {
    const char *effect, *result, *args[5];
};
constexpr Text kText[] = {
#define HELPER(id, name, implemented, effect, returns, a1, a2, a3, a4, a5) {#effect, #returns, {#a1, #a2, #a3, #a4, #a5}},
#include "vm/core/helpers.def"
};

// By id: what docs/helpers.md says beside the prototype.
std::string note_of(std::uint32_t id) {
    static const std::map<std::uint32_t, std::string> notes = {
#define NOTE(id, text) {id, text},
#include "vm/core/helper_notes.def"
    };
    const auto found = notes.find(id);
    return found == notes.end() ? "" : found->second;
}

std::string read_file(const std::string& path) {
    std::ifstream in(path);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

std::string rendered_page() {
    std::string page =
        "# Helpers\n\n"
        "Every helper function of Linux 6.18 by id, as `vm/core/helpers.def` has it. A program may call those marked *yes*;\n"
        "`bpftime-aot helpers` prints the same for the runtime at hand. The words of the prototypes are the verifier's;\n"
        "`vm/core/helpers.h` explains them. *Effect* is what a call may do to memory that the program sees: the compiler\n"
        "keeps values in registers across calls that leave it alone.\n\n"
        "This page is written by the test `core-helpers`; run it with `BLESS=1` after changing the table.\n\n"
        "| id | name | offered | effect | returns | arguments | note |\n|---:|---|---|---|---|---|---|\n";
    for (std::uint32_t id = 1; id <= kHelperCount; ++id) {
        const HelperInfo& row = *helper(id);
        const Text& text = kText[id - 1];
        std::string args;
        for (int i = 0; i < row.arg_count(); ++i) args += cat(i == 0 ? "" : ", ", text.args[i]);
        page += cat("| ", id, " | `bpf_", row.name, "` | ", row.implemented ? "yes" : "", " | ", text.effect, " | ",
                    text.result, " | ", args, " | ", note_of(id), " |\n");
    }
    return page;
}

bool is_size(HelperArg arg) { return arg == HelperArg::ConstSize || arg == HelperArg::ConstSizeOrZero; }

bool takes_size(HelperArg arg) {
    return arg == HelperArg::Mem || arg == HelperArg::MemOrNull || arg == HelperArg::MemReadWrite ||
           arg == HelperArg::MemReadWriteOrNull || arg == HelperArg::UninitMem || arg == HelperArg::UninitMemOrNull;
}

bool writes(HelperArg arg) {
    return arg == HelperArg::UninitMapValue || arg == HelperArg::MemReadWrite || arg == HelperArg::MemReadWriteOrNull ||
           arg == HelperArg::UninitMem || arg == HelperArg::UninitMemOrNull || arg == HelperArg::IntPointer ||
           arg == HelperArg::LongPointer || arg == HelperArg::UninitDynptr;
}

bool touches_shared_memory(HelperArg arg) {
    return arg == HelperArg::Map || arg == HelperArg::Function || arg == HelperArg::SpinLock || arg == HelperArg::Timer ||
           arg == HelperArg::KptrSlot || arg == HelperArg::Dynptr || arg == HelperArg::RingbufRecord;
}

}  // namespace

TEST_CASE("helpers are found by id and by name") {
    REQUIRE(helper(1u));
    CHECK(helper(1u)->name == "map_lookup_elem");
    CHECK(helper("map_lookup_elem") == helper(1u));
    CHECK(helper("bpf_map_lookup_elem") == helper(1u));
    CHECK(helper(211u)->name == "cgrp_storage_delete");
    CHECK(helper(0u) == nullptr);
    CHECK(helper(212u) == nullptr);
    CHECK(helper("bpf_nothing") == nullptr);
    CHECK(helper(1u)->arg_count() == 2);
    CHECK(helper(6u)->arg_count() == 5);  // trace_printk passes on what r3 to r5 hold
    CHECK(helper(7u)->arg_count() == 0);
}

TEST_CASE("names are unique") {
    std::set<std::string_view> names;
    for (std::uint32_t id = 1; id <= kHelperCount; ++id) CHECK(names.insert(helper(id)->name).second);
}

TEST_CASE("prototypes are consistent") {
    for (std::uint32_t id = 1; id <= kHelperCount; ++id) {
        const HelperInfo& row = *helper(id);
        INFO(row.name);
        bool any_write = false;
        for (int i = 0; i < 5; ++i) {
            const HelperArg arg = row.args[static_cast<std::size_t>(i)];
            if (i >= row.arg_count()) CHECK(arg == HelperArg::None);  // no holes
            // A size follows its memory, and memory is followed by its size.
            if (is_size(arg)) CHECK((i > 0 && takes_size(row.args[static_cast<std::size_t>(i) - 1])));
            if (takes_size(arg) && row.name != "dynptr_from_mem")
                CHECK((i < 4 && is_size(row.args[static_cast<std::size_t>(i) + 1])));
            any_write |= writes(arg);
            if (touches_shared_memory(arg)) CHECK(row.effect == HelperEffect::Any);
        }
        if (any_write) CHECK(row.effect >= HelperEffect::WritesArgs);
        if (row.effect == HelperEffect::Pure)
            for (const HelperArg arg : row.args) CHECK(!takes_size(arg));
    }
}

TEST_CASE("names and argument counts equal libbpf's declarations") {
    const std::string header = read_file("/usr/include/bpf/bpf_helper_defs.h");
    if (header.empty()) {
        WARN("skipped: bpf/bpf_helper_defs.h of libbpf is not installed");
        return;
    }
    // static long (* const bpf_name)(type name, ...) = (void *) 12;
    const std::regex declaration(R"(\(\*\s*(?:const )?bpf_(\w+)\)\(([^;]*)\) = \(void \*\) (\d+);)");
    std::size_t found = 0;
    for (std::sregex_iterator it(header.begin(), header.end(), declaration), end; it != end; ++it, ++found) {
        const auto id = static_cast<std::uint32_t>(std::stoul((*it)[3]));
        const std::string args = (*it)[2];
        INFO(id);
        if (id > kHelperCount) continue;
        CHECK(helper(id)->name == (*it)[1].str());
        const auto commas = std::count(args.begin(), args.end(), ',');
        const auto count = args == "void" ? 0 : args.ends_with("...") ? 5 : commas + 1;
        CHECK(helper(id)->arg_count() == count);
    }
    CHECK(found >= 200);
}

TEST_CASE("docs/helpers.md is the table") {
    const std::string path = BPFTIME_SOURCE_DIR "/docs/helpers.md";
    if (const char* bless = std::getenv("BLESS"); bless && *bless) std::ofstream(path) << rendered_page();
    const bool same = read_file(path) == rendered_page();
    INFO("docs/helpers.md is stale: run this test with BLESS=1");
    CHECK(same);
}
