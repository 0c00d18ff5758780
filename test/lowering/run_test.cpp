// Objects in plain C drivers: both ways to maps, tail calls, callx, budgets, several programs in one executable.
#include <thread>

#include "test/catch.h"
#include "test/lowering/programs.h"

namespace bpftime::test {

namespace {

constexpr std::string_view kLookup = R"(
; map counts array 4 8 4
r6 = *(u32 *)(r1 + 0)
*(u32 *)(r10 - 4) = r6
r2 = r10
r2 += -4
ld_pseudo r1, 1, 0
call 1
if r0 == 0 goto none
r1 = 5
lock *(u64 *)(r0 + 0) += r1
r0 = *(u64 *)(r0 + 0)
exit
none:
r0 = -1
exit
)";

constexpr const char* kLookupDriver = R"(
#include <stdint.h>
#include <stdio.h>
uint64_t bpf_main(void *ctx, uint64_t size);
static uint64_t values[4] = {100, 200, 300, 400};
static int calls;
uint64_t __lddw_helper_map_by_fd(uint32_t map) { calls++; return 1000 + map; }
uint64_t _bpf_helper_ext_0001(uint64_t map, uint64_t key) {
    uint32_t index = *(uint32_t *)key;
    calls++;
    return map == 1000 && index < 4 ? (uint64_t)&values[index] : 0;
}
#ifdef WEAK
__asm__(".globl __bpftime_map_values_0\n.set __bpftime_map_values_0, values\n"
        ".globl __bpftime_map_handle_0\n.set __bpftime_map_handle_0, 1000\n");
#endif
int main(void) {
    uint32_t key = 2;
    printf("%ld ", (long)bpf_main(&key, 4));
    printf("%ld ", (long)bpf_main(&key, 4));
    key = 4;
    printf("%ld ", (long)bpf_main(&key, 4));
    printf("calls %d\n", calls);
}
)";

}  // namespace

TEST_CASE("an array lookup calls the driver's functions, or goes straight to the values when the driver names them") {
    const auto object = compiled(program(kLookup));
    for (const char* kind : {"-no-pie", "-pie", "-static"}) {
        INFO(kind);
        const Linked plain = link_and_run(kLookupDriver, {object}, kind);
        CHECK(plain.output == "305 310 -1 calls 6\n");
        const Linked fast = link_and_run(kLookupDriver, {object}, cat(kind, " -DWEAK"));
        CHECK(fast.output == "305 310 -1 calls 0\n");
    }
}

TEST_CASE("global data is at the weak symbol, or where the lddw functions say") {
    const auto object = compiled(program(R"(
; map data array 4 16 1
ld_pseudo r1, 2, 0, 8
r0 = *(u64 *)(r1 + 0)
*(u64 *)(r1 - 8) = r2
exit)"));
    constexpr const char* kDriver = R"(
#include <stdint.h>
#include <stdio.h>
uint64_t bpf_main(void *ctx, uint64_t size);
static uint64_t data[2] = {1, 77};
static int calls;
uint64_t __lddw_helper_map_by_fd(uint32_t map) { calls++; return 50 + map; }
uint64_t __lddw_helper_map_val(uint64_t map) { calls++; return map == 50 ? (uint64_t)data : 0; }
#ifdef WEAK
__asm__(".globl __bpftime_map_values_0\n.set __bpftime_map_values_0, data\n");
#endif
int main(void) { uint64_t r = bpf_main(0, 9); printf("%lu %lu calls %d\n", r, data[0], calls); }
)";
    for (const char* kind : {"-no-pie", "-pie", "-static"}) {
        INFO(kind);
        CHECK(link_and_run(kDriver, {object}, kind).output == "77 9 calls 2\n");
        CHECK(link_and_run(kDriver, {object}, cat(kind, " -DWEAK")).output == "77 9 calls 0\n");
    }
}

TEST_CASE("a tail call continues in the entry that helper 12 names, with this program's own arguments") {
    const auto object = compiled(program(R"(
; map jumps prog_array 4 4 8
call sub
exit
sub:
ld_pseudo r2, 1, 0
r3 = *(u32 *)(r1 + 0)
call 12
r0 += 7
exit)"));
    const auto direct = compiled(program(R"(
; map jumps prog_array 4 4 8
ld_pseudo r2, 1, 0
r3 = *(u32 *)(r1 + 0)
r1 = 0
call 12
r0 += 9
exit)"),
                                 {.entry = "direct"});
    CHECK(link_and_run(R"(
#include <stdint.h>
#include <stdio.h>
uint64_t bpf_main(void *ctx, uint64_t size);
uint64_t direct(void *ctx, uint64_t size);
uint64_t __lddw_helper_map_by_fd(uint32_t map) { return 0; }
static uint64_t next(void *ctx, uint64_t size) { return *(uint32_t *)ctx * 1000 + size; }
uint64_t _bpf_helper_ext_0012(uint64_t ctx, uint64_t map, uint64_t index) { return index == 3 ? (uint64_t)next : 0; }
int main(void) {
    uint32_t three = 3, four = 4;
    printf("%lu %lu %lu %lu\n", bpf_main(&three, 55), bpf_main(&four, 55), direct(&three, 66), direct(&four, 66));
}
)",
                       {object, direct})
              .output == "3055 7 3066 9\n");
}

TEST_CASE("a tail call out of the entry leaves no frame behind") {
    const auto object = compiled(program(R"(
; map jumps prog_array 4 4 8
ld_pseudo r2, 1, 0
w3 = 0
call 12
exit)"));
    // A million in a row would overflow any stack that grew by a frame each.
    CHECK(link_and_run(R"(
#include <stdint.h>
#include <stdio.h>
uint64_t bpf_main(void *ctx, uint64_t size);
uint64_t __lddw_helper_map_by_fd(uint32_t map) { return 0; }
static int left = 10000000;
uint64_t _bpf_helper_ext_0012(uint64_t ctx, uint64_t map, uint64_t index) { return left-- > 0 ? (uint64_t)bpf_main : 0; }
int main(void) { bpf_main(0, 0); printf("%d\n", left); }
)",
                       {object})
              .output == "-1\n");
}

TEST_CASE("callx reaches helpers by number where the driver offers that, and fails with EINVAL where not") {
    const auto object = compiled(program("r6 = r2\nr1 = 40\ncallx r6\nexit"));
    constexpr const char* kDriver = R"(
#include <stdint.h>
#include <stdio.h>
uint64_t bpf_main(void *ctx, uint64_t size);
#ifdef OFFERED
uint64_t __bpftime_call_helper(uint64_t id, uint64_t r1) { return id + r1; }
#endif
int main(void) { printf("%ld\n", (long)bpf_main(0, 2)); }
)";
    for (const char* kind : {"-no-pie", "-pie"}) {
        CHECK(link_and_run(kDriver, {object}, kind).output == "-22\n");
        CHECK(link_and_run(kDriver, {object}, cat(kind, " -DOFFERED")).output == "42\n");
    }
}

TEST_CASE("may_goto gives every call of a function its own budget") {
    const auto object = compiled(program(R"(
call spin
r6 = r0
call spin
r0 += r6
exit
spin:
r0 = 0
again:
may_goto out
r0 += 1
goto again
out:
exit)"));
    CHECK(link_and_run(R"(
#include <stdint.h>
#include <stdio.h>
uint64_t bpf_main(void *ctx, uint64_t size);
int main(void) { printf("%lu\n", bpf_main(0, 0)); }
)",
                       {object})
              .output == "16777216\n");
}

TEST_CASE("a callback is an ordinary C function") {
    const auto object = compiled(program(R"(
r6 = r2
*(u64 *)(r10 - 8) = r6
r1 = 4
r2 = &callback ll
r3 = r10
r3 += -8
w4 = 0
call 181
r0 = *(u64 *)(r10 - 8)
exit
callback:
r3 = *(u64 *)(r2 + 0)
r3 += r1
*(u64 *)(r2 + 0) = r3
r0 = 0
exit)"));
    CHECK(link_and_run(R"(
#include <stdint.h>
#include <stdio.h>
uint64_t bpf_main(void *ctx, uint64_t size);
uint64_t _bpf_helper_ext_0181(uint64_t n, uint64_t fn, uint64_t ctx, uint64_t flags) {
    for (uint64_t i = 0; i < n; i++) ((uint64_t (*)(uint64_t, uint64_t))fn)(i, ctx);
    return n;
}
int main(void) { printf("%lu\n", bpf_main(0, 100)); }
)",
                       {object})
              .output == "106\n");
}

TEST_CASE("two programs with names of their own link into one driver") {
    const auto one = compiled(program("call sub\nexit\nsub:\nr0 = 1\nexit"), {.entry = "one"});
    const auto two = compiled(program("call sub\nexit\nsub:\nr0 = 2\nexit"), {.entry = "two"});
    CHECK(link_and_run(R"(
#include <stdint.h>
#include <stdio.h>
uint64_t one(void *, uint64_t), two(void *, uint64_t);
int main(void) { printf("%lu %lu\n", one(0, 0), two(0, 0)); }
)",
                       {one, two})
              .output == "1 2\n");
}

TEST_CASE("programs of every size compute the same whatever effort their size allows") {
    constexpr const char* kDriver = R"(
#include <stdint.h>
#include <stdio.h>
uint64_t plain(void *, uint64_t), most(void *, uint64_t);
int main(void) { for (uint64_t i = 0; i < 50; i++) if (plain(0, i) != most(0, i)) printf("%lu ", i); printf("done\n"); }
)";
    for (const int rounds : {10, 600, 2500, 9000}) {
        INFO(rounds);
        std::string text = "r0 = 0\n";
        for (int i = 0; i < rounds; ++i)
            text += cat("r0 += r2\nif r0 > ", i * 37 % 1000, " goto +2\nr0 ^= ", i % 61, "\nr2 += 3\nr0 &= 1023\n");
        const Program source = program(text + "exit");
        CHECK(link_and_run(kDriver,
                           {compiled(source, {.entry = "plain", .optimise = 0}), compiled(source, {.entry = "most"})})
                  .output == "done\n");
    }
}

TEST_CASE("several threads compile at once and agree") {
    const Program source = program(kLookup);
    const auto expected = compiled(source).elf;
    std::vector<std::vector<std::uint8_t>> results(4);
    std::vector<std::thread> threads;
    for (auto& result : results)
        threads.emplace_back([&] {
            for (int i = 0; i < 5; ++i) result = compiler().compile(source, {}).value().elf;
        });
    for (std::thread& thread : threads) thread.join();
    for (const auto& result : results) CHECK(result == expected);
}

}  // namespace bpftime::test
