// Every cases/*.s against two golden files: the IR as lowered and as optimised.
#include "test/support/golden.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "test/catch.h"
#include "test/lowering/programs.h"

namespace bpftime::test {

namespace {

std::vector<std::filesystem::path> cases() {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(BPFTIME_TEST_CASES))
        if (entry.path().extension() == ".s") files.push_back(entry.path());
    std::ranges::sort(files);
    return files;
}

std::string ir_of(const std::filesystem::path& source, int optimise) {
    std::ifstream in(source);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    const Program program = with_lines(bpftime::test::program(text, source.stem().string()));
    const auto ir = compiler().emit_ir(program, {.triple = "x86_64-linux-gnu", .optimise = optimise});
    return ir ? *ir : to_string(ir.error()) + "\n";
}

}  // namespace

TEST_CASE("the IR of every case is as expected") {
    REQUIRE(!cases().empty());
    for (const auto& source : cases()) {
        const std::string stem = (source.parent_path() / source.stem()).string();
        CHECK(differs_from_golden(stem + ".lowered.ll", ir_of(source, 0)) == "");
        if (compiler().version().starts_with("LLVM 19."))
            CHECK(differs_from_golden(stem + ".optimised.ll", ir_of(source, 3)) == "");
        else
            WARN("optimised IR is not compared: " << compiler().version() << " is not the LLVM 19 of the golden files");
    }
}

}  // namespace bpftime::test
