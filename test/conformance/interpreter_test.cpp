// What the interpreter promises beside results: set-up in linear time, threads, callbacks, and the limits of a checked run.
#include <thread>

#include "test/catch.h"
#include "vm/core/decode.h"
#include "vm/core/disasm.h"
#include "vm/interpreter/callbacks.h"
#include "vm/interpreter/interpreter.h"

using namespace bpftime;

namespace {

Program program_from(std::string_view text) {
    auto insns = assemble(text);
    REQUIRE(insns);
    Program program;
    program.name = "case";
    program.insns = *std::move(insns);
    auto subprograms = validate(program.insns, 0);
    REQUIRE(subprograms);
    program.subprograms = *std::move(subprograms);
    return program;
}

std::uint64_t call_twice(std::uint64_t callback, std::uint64_t argument, std::uint64_t, std::uint64_t, std::uint64_t) {
    const auto function = reinterpret_cast<HelperFn>(callback);
    return function(argument, 0, 0, 0, 0) + function(argument + 1, 0, 0, 0, 0);
}

constexpr std::string_view kCallback = R"(
    r2 = r1
    r1 = &double ll
    call 181
    exit
double:
    r0 = r1
    r0 += r1
    exit)";

}  // namespace

TEST_CASE("A program of a million instructions runs to its last") {
    Program program;
    program.insns.assign(kMaxInsns - 1, Insn{.op = Op::Add64Imm, .dst = 0, .imm = 3});
    program.insns.push_back(Insn{.op = Op::Exit});
    program.subprograms = {{"entry", 0, kMaxInsns}};
    const auto executable = interpret(program, {});
    REQUIRE(executable);
    CHECK((*executable)->run(nullptr, 0) == 3u * (kMaxInsns - 1));
}

TEST_CASE("One executable runs on several threads at once") {
    const Program program = program_from(R"(
        r6 = 100000
        r0 = 0
    again:
        *(u64 *)(r10 - 8) = r1
        r2 = *(u64 *)(r10 - 8)
        r0 += r2
        r6 += -1
        if r6 != 0 goto again
        exit)");
    const auto executable = interpret(program, {});
    REQUIRE(executable);
    std::uint64_t results[4] = {};
    std::vector<std::thread> threads;
    for (std::uint64_t i = 0; i < 4; ++i)
        threads.emplace_back([&, i] { results[i] = (*executable)->run(reinterpret_cast<void*>(i), 0); });
    for (auto& thread : threads) thread.join();
    for (std::uint64_t i = 0; i < 4; ++i) CHECK(results[i] == i * 100000);
}

TEST_CASE("A code address is a function that helpers can call, also later and from elsewhere") {
    const Program program = program_from(kCallback);
    Bindings bindings;
    bindings.helpers[181] = call_twice;
    const auto executable = interpret(program, bindings);
    REQUIRE(executable);
    CHECK((*executable)->run(reinterpret_cast<void*>(20), 0) == 82);

    static HelperFn kept = nullptr;
    bindings.helpers[181] = [](std::uint64_t callback, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t) {
        kept = reinterpret_cast<HelperFn>(callback);
        return std::uint64_t{0};
    };
    const auto keeper = interpret(program, bindings);
    REQUIRE(keeper);
    (*keeper)->run(nullptr, 0);
    std::uint64_t result = 0;
    std::thread([&] { result = kept(21, 0, 0, 0, 0); }).join();
    CHECK(result == 42);
}

TEST_CASE("Callbacks are given back when their program goes, and refused when there are none left") {
    const Program program = program_from(kCallback);
    Bindings bindings;
    bindings.helpers[181] = call_twice;
    for (int round = 0; round < 2; ++round) {
        std::vector<std::unique_ptr<Executable>> executables;
        for (std::size_t i = 0; i < interpreter::kCallbackLimit; ++i) {
            auto executable = interpret(program, bindings);
            REQUIRE(executable);
            executables.push_back(*std::move(executable));
        }
        const auto refused = interpret(program, bindings);
        REQUIRE(!refused);
        CHECK(refused.error().program == "case");
        CHECK(refused.error().errnum == ENOSPC);
        CHECK(executables.back()->run(reinterpret_cast<void*>(1), 0) == 6);
    }
}

TEST_CASE("A program that its bindings cannot serve is refused") {
    const Program program = program_from("call 5\nexit");
    CHECK(!interpret(program, {}));
    CHECK(!run_checked(program, {}, nullptr, 0));
}

TEST_CASE("A checked run may touch the regions it is given, as they allow") {
    const Program reader = program_from("r0 = *(u64 *)(r1 + 0)\nr0 = *(u64 *)(r0 + 0)\nexit");
    const Program writer = program_from("r2 = *(u64 *)(r1 + 0)\n*(u64 *)(r2 + 0) = 5\nr0 = 0\nexit");
    std::uint64_t cell = 77;
    std::uint64_t context = reinterpret_cast<std::uint64_t>(&cell);
    const auto limits = [&](std::uint64_t size, bool writable) {
        return CheckedLimits{.max_insns = 0, .regions = {{context, size, writable}}};
    };
    CHECK(!run_checked(reader, {}, &context, 8));
    CHECK(!run_checked(reader, {}, &context, 8, limits(7, true)));
    CHECK(run_checked(reader, {}, &context, 8, limits(8, false)).value_or(0) == 77);
    CHECK(!run_checked(writer, {}, &context, 8, limits(8, false)));
    CHECK(cell == 77);
    CHECK(run_checked(writer, {}, &context, 8, limits(8, true)));
    CHECK(cell == 5);
}

TEST_CASE("A checked run bounds the memory that helpers get") {
    const auto run = [](std::string_view text, std::uint32_t id) {
        Bindings bindings;
        bindings.helpers[id] = [](std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t) -> std::uint64_t { return 7; };
        return run_checked(program_from(text), bindings, nullptr, 0).has_value();
    };
    const std::string_view snprintf_call = "r2 = 16\nr3 = r10\nr3 += -8\nr4 = r3\nr5 = 8\ncall 165\nexit";
    CHECK(run(cat("r1 = r10\nr1 += -16\n", snprintf_call), 165));
    CHECK_FALSE(run(cat("r1 = r10\nr1 += -8\n", snprintf_call), 165));
    CHECK(run("r1 = 0\nr2 = 0\nr3 = r10\nr3 += -8\nr4 = r3\nr5 = 8\ncall 165\nexit", 165));
    CHECK(run("r1 = r10\nr1 += -20\nr2 = r1\ncall 206\nexit", 206));
    CHECK_FALSE(run("r1 = r10\nr1 += -19\nr2 = r10\nr2 += -20\ncall 206\nexit", 206));
    CHECK_FALSE(run("r1 = r10\nr1 += -39\nr2 = r10\nr2 += -20\ncall 207\nexit", 207));
}

TEST_CASE("A fault names program, instruction, address and what is nearest") {
    const Program program = program_from("r0 = 0\n*(u32 *)(r1 + 6) = 1\nexit");
    std::uint64_t context = 0;
    const auto result = run_checked(program, {}, &context, 8);
    REQUIRE(!result);
    const std::string address = hex(reinterpret_cast<std::uint64_t>(&context) + 6);
    const std::string base = hex(reinterpret_cast<std::uint64_t>(&context));
    CHECK(to_string(result.error()) == "program 'case', instruction 1: store of 4 bytes at " + address +
                                           " is outside the program's memory: it reaches 2 bytes past the end of the context (8 bytes at " +
                                           base + ")");
}

TEST_CASE("A checked run stops after as many instructions as it is allowed") {
    const Program program = program_from("r0 = 1\nr0 += 1\nexit");
    CHECK(run_checked(program, {}, nullptr, 0, {.max_insns = 3, .regions = {}}).value_or(0) == 2);
    const auto stopped = run_checked(program, {}, nullptr, 0, {.max_insns = 2, .regions = {}});
    REQUIRE(!stopped);
    CHECK(stopped.error().errnum == ETIMEDOUT);
}

TEST_CASE("Ring buffer records can be touched until they are given back") {
    static std::uint8_t record[32];
    Bindings bindings;
    bindings.helpers[131] = [](std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t) {
        return reinterpret_cast<std::uint64_t>(record);
    };
    bindings.helpers[132] = [](std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t) {
        return std::uint64_t{0};
    };
    const std::string reserve = "r1 = 0\nr2 = 16\nr3 = 0\ncall 131\nr6 = r0\n";
    const std::string submit = "r1 = r6\nr2 = 0\ncall 132\n";
    const auto run = [&](const std::string& text) {
        return run_checked(program_from(text + "r0 = 0\nexit"), bindings, nullptr, 0);
    };
    CHECK(run(reserve + "*(u64 *)(r6 + 8) = 1\n" + submit));
    CHECK(!run(reserve + "*(u64 *)(r6 + 16) = 1\n" + submit));
    CHECK(!run(reserve + submit + "*(u64 *)(r6 + 8) = 1\n"));
    CHECK(!run(reserve + submit + submit));
}
