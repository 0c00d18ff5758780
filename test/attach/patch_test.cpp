// Patches of running code: what compilers and people write at the beginning of functions behaves as before, the handler sees the
// registers, and threads run the code while it changes.
#include "test/catch.h"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "runtime/attach/patch.h"
#include "runtime/attach/x86_64/jump.h"
#include "runtime/attach/x86_64/traps.h"
#include "test/support/options.h"

using namespace bpftime;
using namespace bpftime::attach;

extern "C" {
struct PlaceRow {
    const char* name;
    std::uint64_t (*function)(std::uint64_t, std::uint64_t);
    std::uint64_t size;
};
extern const PlaceRow places_end[];
extern const char returns_here_next[];
extern const char place_in_the_middle[];
std::uint64_t place_push_mov(std::uint64_t, std::uint64_t);
std::uint64_t place_middle(std::uint64_t, std::uint64_t);
}

namespace {

using Function = std::uint64_t (*)(std::uint64_t, std::uint64_t);

struct Expectation {
    PatchForm form;
    std::uint64_t result;    // of f(6, 4)
    unsigned hits = 1;       // of one call
};
const std::map<std::string, Expectation> kExpected = {
    {"push_mov", {PatchForm::Jump, 10}},      {"landing", {PatchForm::Jump, 10}},       {"sub_stack", {PatchForm::Jump, 10}},
    {"nop5", {PatchForm::Jump, 10}},          {"rip_operand", {PatchForm::Jump, 10}},   {"rip_immediate", {PatchForm::Jump, 10}},
    {"early_branch", {PatchForm::Jump, 10}},  {"early_jump", {PatchForm::Breakpoint, 10}}, {"jump_back", {PatchForm::Jump, 10}},
    {"loop_at_entry", {PatchForm::Jump, 10, 6}}, {"counted", {PatchForm::Jump, 10}},    {"call_first", {PatchForm::Jump, 10}},
    {"call_register", {PatchForm::Jump, 10}}, {"call_memory", {PatchForm::Jump, 10}},   {"short_padded", {PatchForm::Jump, 6}},
    {"short", {PatchForm::Breakpoint, 6}},    {"returns_here", {PatchForm::Jump, 0}},   {"middle", {PatchForm::Jump, 10}},
};

std::vector<PlaceRow> places() {
    const PlaceRow* const end = places_end;
    return {end - kExpected.size(), end};
}

struct Hits {
    std::atomic<std::uint64_t> count = 0;
    pt_regs last{};
};

void count(pt_regs* registers, void* place) {
    auto& hits = *static_cast<Hits*>(place);
    hits.count.fetch_add(1, std::memory_order_relaxed);
    hits.last = *registers;
}
void count_only(pt_regs*, void* place) { static_cast<Hits*>(place)->count.fetch_add(1, std::memory_order_relaxed); }

std::unique_ptr<Patch> prepared(const void* address, std::size_t size, Handler handler, void* place, bool at_entry = true) {
    auto patch = Patch::prepare({.address = reinterpret_cast<std::uint64_t>(address),
                                 .code = {static_cast<const std::uint8_t*>(address), size},
                                 .at_entry = at_entry,
                                 .handler = handler,
                                 .place = place});
    if (!patch) FAIL(to_string(patch.error()));
    return std::move(*patch);
}
// Catch puts its own handlers before ours at the beginning of every test case: as a host that catches signals later than we, and
// hands them on.
void hand_on_traps() {
    struct sigaction action {};
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    action.sa_sigaction = [](int signal, siginfo_t*, void* context) {
        if (!x86_64::handle_trap(signal, context)) _exit(99);
    };
    for (const int signal : {SIGTRAP, SIGILL, SIGSEGV}) REQUIRE(sigaction(signal, &action, nullptr) == 0);
}

template <class F>
const void* code_of(F* function) {
    return reinterpret_cast<const void*>(reinterpret_cast<std::uintptr_t>(function));
}

}  // namespace

TEST_CASE("every beginning runs as before, and its registers are seen") {
    const auto all = places();
    REQUIRE(all.size() == kExpected.size());
    for (const PlaceRow& row : all) {
        CAPTURE(row.name);
        const Expectation& expected = kExpected.at(row.name);
        std::vector<std::uint8_t> before(row.size);
        std::memcpy(before.data(), code_of(row.function), row.size);
        const std::uint64_t result = std::strcmp(row.name, "returns_here") == 0
                                         ? reinterpret_cast<std::uint64_t>(returns_here_next)
                                         : expected.result;
        CHECK(row.function(6, 4) == result);
        // The code is executed for ever: trampolines are for good, and so is what they refer to.
        auto* const hits = new Hits;
        auto& patch = *prepared(code_of(row.function), row.size, count, hits).release();
        CHECK(patch.form() == expected.form);
        for (int round = 0; round < 3; ++round) {
            hits->count = 0;
            REQUIRE(patch.enable());
            CHECK(row.function(6, 4) == result);
            CHECK(hits->count == expected.hits);
            CHECK(hits->last.rsi >= 4);
            CHECK(hits->last.rip == reinterpret_cast<std::uint64_t>(row.function));
            CHECK(hits->last.rsp % 16 == 8);
            REQUIRE(patch.disable());
            CHECK(std::memcmp(before.data(), code_of(row.function), row.size) == 0);
            CHECK(row.function(6, 4) == result);
            CHECK(hits->count == expected.hits);
        }
    }
}

TEST_CASE("in the middle of a function flags and the red zone survive") {
    auto* const hits = new Hits;
    auto& patch = *prepared(place_in_the_middle, 16, [](pt_regs* registers, void* place) {
        volatile char use[256];
        for (volatile char& byte : use) byte = 1;
        count(registers, place);
    }, hits, false).release();
    CHECK(place_middle(6, 4) == 10);
    CHECK(place_middle(4, 6) == 2);
    REQUIRE(patch.enable());
    CHECK(place_middle(6, 4) == 10);
    CHECK((hits->last.eflags & 1) == 0);
    CHECK(place_middle(4, 6) == 2);
    CHECK((hits->last.eflags & 1) == 1);
    CHECK(hits->count == 2);
    REQUIRE(patch.disable());
}

TEST_CASE("a handler may change registers and where control goes") {
    auto& change = *prepared(code_of(place_push_mov), 16, [](pt_regs* registers, void*) { registers->rdi = 100; }, nullptr).release();
    REQUIRE(change.enable());
    CHECK(place_push_mov(6, 4) == 104);
    REQUIRE(change.disable());
    // As bpf_override_return(): back to the caller, with another result.
    auto& leave = *prepared(code_of(place_push_mov), 16, [](pt_regs* registers, void*) {
        registers->rax = 5;
        registers->rip = *reinterpret_cast<std::uint64_t*>(registers->rsp);
        registers->rsp += 8;
    }, nullptr).release();
    REQUIRE(leave.enable());
    CHECK(place_push_mov(6, 4) == 5);
    REQUIRE(leave.disable());
    CHECK(place_push_mov(6, 4) == 10);
}

TEST_CASE("code that somebody else has changed is left alone") {
    auto* const page = static_cast<std::uint8_t*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    const std::uint8_t code[] = {0x48, 0x8d, 0x04, 0x37, 0x90, 0xc3};
    std::memcpy(page, code, sizeof code);
    REQUIRE(mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0);
    Hits hits;
    auto& patch = *prepared(page, sizeof code, count, &hits).release();
    REQUIRE(mprotect(page, 4096, PROT_READ | PROT_WRITE) == 0);
    page[4] = 0xc3;
    const auto refused = patch.enable();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().errnum == EBUSY);
    CHECK(page[0] == 0x48);
}

TEST_CASE("threads run code that is patched and restored") {
    constexpr int kThreads = 8;
    const auto rounds = static_cast<int>(test::test_option("count", 300));
    struct One {
        PlaceRow row;
        Hits* hits;
        Patch* patch;
    };
    std::vector<One> all;
    for (const PlaceRow& row : places()) {
        auto* const hits = new Hits;
        all.push_back({row, hits, prepared(code_of(row.function), row.size, count_only, hits).release()});
    }
    hand_on_traps();
    std::atomic<bool> stop = false;
    std::atomic<std::uint64_t> wrong = 0, calls = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t)
        threads.emplace_back([&] {
            while (!stop.load(std::memory_order_relaxed)) {
                for (const One& one : all) {
                    if (std::strcmp(one.row.name, "returns_here") == 0) continue;
                    if (one.row.function(6, 4) != kExpected.at(one.row.name).result) ++wrong;
                }
                ++calls;
            }
        });
    for (int i = 0; i < rounds; ++i) {
        for (const One& one : all) REQUIRE(one.patch->enable());
        for (const One& one : all) REQUIRE(one.patch->disable());
    }
    for (const One& one : all) REQUIRE(one.patch->enable());
    const std::uint64_t before = calls;
    while (calls < before + 100) std::this_thread::yield();
    stop = true;
    for (std::thread& thread : threads) thread.join();
    CHECK(wrong == 0);
    for (const One& one : all) {
        CAPTURE(one.row.name);
        if (std::strcmp(one.row.name, "returns_here") != 0) CHECK(one.hits->count >= 100);
        CHECK(one.patch->disable());
    }
}

TEST_CASE("targets of jumps over boundaries trap there") {
    using namespace x86_64;
    const std::uint64_t from = 0x7f0012345678;
    for (std::uint32_t boundaries = 0; boundaries < 32; boundaries += 2) {
        const std::uint64_t begin = from - (std::uint64_t{100} << 20);
        const std::uint64_t target = next_safe_target(from, begin, from, boundaries);
        CAPTURE(boundaries);
        REQUIRE(target != 0);
        CHECK(is_safe_jump(from, target, boundaries));
        const auto distance = static_cast<std::uint32_t>(target - from - 5);
        for (unsigned i = 1; i <= 4; ++i)
            if ((boundaries >> i & 1) != 0) CHECK(always_traps(static_cast<std::uint8_t>(distance >> (8 * (i - 1)))));
    }
    CHECK(next_safe_target(from, from + (std::uint64_t{3} << 30), from + (std::uint64_t{4} << 30), 0) == 0);
}
