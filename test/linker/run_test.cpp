// Objects of every compiler on this machine, run: code, constants, data, jump tables, weak symbols, thunks, stubs.
#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "test/catch.h"
#include "test/linker/objects.h"
#include "vm/core/code_memory.h"
#include "vm/linker/target.h"

using namespace bpftime;
using namespace bpftime::test;

namespace {

std::uint64_t sum(std::uint64_t a, std::uint64_t b, std::uint64_t c, std::uint64_t d, std::uint64_t e) {
    return a + 10 * b + 100 * c + 1000 * d + 10000 * e;
}

std::uint64_t values[3] = {100, 200, 300};

Bindings bindings() {
    Bindings b;
    b.helpers[1] = b.helpers[2] = sum;
    b.maps.push_back({.spec = map_spec("other", 40), .handle = 0x123456789abc});
    b.maps.push_back(
        {.spec = map_spec("counts", 41), .handle = 77, .values = reinterpret_cast<std::uint64_t>(values), .stride = 8});
    b.variables = {0xaaaa, 0xbbbb};
    return b;
}

std::unique_ptr<Executable> load(const Bytes& object, const Bindings& b,
                                 const LinkOptions& options = {.allow_unverified = true}) {
    auto executable = link_object(object, b, options);
    if (!executable) FAIL(to_string(executable.error()));
    return *std::move(executable);
}

const std::string kTypes = "typedef unsigned long u64; typedef unsigned int u32;\n";

// Calls `check(object, what)` for each compiler and each set of flags that produces code a loader may meet.
template <class Check>
void for_each_build(const std::string& source, Check check) {
    for (const auto& compiler : compilers())
        for (const char* flags : {"-O0", "-O2 -fPIC", "-O3 -fPIC -g", "-O3 -fPIC -fno-plt", "-O2 -fPIE",
                                  "-O2 -fPIC -ffunction-sections -fdata-sections", "-Os -fPIC -fcommon"}) {
            INFO(compiler << ' ' << flags);
            check(compile(kTypes + source, flags, compiler));
        }
}

}  // namespace

TEST_CASE("code reads its context, constants and data, and calls its own functions") {
    const std::string source = R"(
        static const double weights[] = {0.5, 1.5, 2.5, 3.5};
        static const char *const names[] = {"zero", "one", "two"};
        u64 common, initial = 5;
        static u64 zeroed;
        __attribute__((noinline)) static u64 local(u64 v) { zeroed += v; return zeroed; }
        static u64 (*const calls[])(u64) = {local};
        u64 bpf_main(const unsigned char *p, u64 size) {
            double total = 0;
            for (u64 i = 0; i < size; i++) total += p[i] * weights[i & 3];
            return (u64)(total * 2) + names[size % 3][0] + calls[0](3) + ++initial + ++common;
        })";
    for_each_build(source, [](const Bytes& object) {
        const auto executable = load(object, bindings());
        std::uint8_t input[] = {2, 4, 6};
        // 2 * (1 + 6 + 15) + 'z' + 3 + 6 + 1, then the counters have moved
        CHECK(executable->run(input, 3) == 44 + 'z' + 3 + 6 + 1);
        CHECK(executable->run(input, 3) == 44 + 'z' + 6 + 7 + 2);
    });
}

TEST_CASE("jump tables and vector constants") {
    const std::string source = R"(
        u64 bpf_main(unsigned char *p, u64 size) {
            u64 r = 1;
            for (u64 i = 0; i < size; i++) switch (p[i]) {
                case 0: r += 11; break; case 1: r *= 3; break; case 2: r ^= 0x55; break; case 3: r -= 7; break;
                case 4: r <<= 3; break; case 5: r = ~r; break; case 6: r += size; break; case 7: r |= 1; break;
            }
            for (u64 i = 0; i < size; i++) p[i] = p[i] * 3 + 1;
            for (u64 i = 0; i < size; i++) r += p[i];
            return r;
        })";
    for_each_build(source, [](const Bytes& object) {
        std::uint8_t input[40];
        for (int i = 0; i < 40; ++i) input[i] = static_cast<std::uint8_t>(i % 8);
        std::uint64_t expected = 1;
        for (const std::uint8_t byte : input) switch (byte) {
                case 0: expected += 11; break;
                case 1: expected *= 3; break;
                case 2: expected ^= 0x55; break;
                case 3: expected -= 7; break;
                case 4: expected <<= 3; break;
                case 5: expected = ~expected; break;
                case 6: expected += 40; break;
                default: expected |= 1; break;
            }
        for (const std::uint8_t byte : input) expected += static_cast<std::uint8_t>(byte * 3 + 1);
        CHECK(load(object, bindings())->run(input, 40) == expected);
    });
}

TEST_CASE("helpers are called with five arguments, wherever they are") {
    const std::string source = R"(
        u64 _bpf_helper_ext_0001(u64, u64, u64, u64, u64);
        u64 _bpf_helper_ext_0002(u64, u64, u64, u64, u64);
        u64 bpf_main(void *ctx, u64 size) {
            u64 a = _bpf_helper_ext_0001(1, 2, 3, 4, size);
            return a + _bpf_helper_ext_0002(size, 0, 0, 0, 0) + _bpf_helper_ext_0001(0, 0, 0, 0, 1);
        })";
    for_each_build(source,
                   [](const Bytes& object) { CHECK(load(object, bindings())->run(nullptr, 5) == 54321 + 5 + 10000); });
}

TEST_CASE("helpers out of reach of a direct call go through stubs") {
    // Helper 2 lies where code near helper 1 cannot call it directly.
    const Bytes source = compile(kTypes + "u64 far(u64 a) { return a * 3; }", "-O2 -fPIC");
    const auto far = load(source, bindings(), {.allow_unverified = true, .entry = "far"});
    void* const distant = mmap(reinterpret_cast<void*>(std::uintptr_t{1} << 44), 4096, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(distant != MAP_FAILED);
    std::memcpy(distant, reinterpret_cast<const void*>(far->entry()), 64);
    REQUIRE(mprotect(distant, 4096, PROT_READ | PROT_EXEC) == 0);
    __builtin___clear_cache(static_cast<char*>(distant), static_cast<char*>(distant) + 64);
    Bindings b = bindings();
    b.helpers[2] = reinterpret_cast<HelperFn>(distant);
    for_each_build(R"(
        u64 _bpf_helper_ext_0001(u64, u64, u64, u64, u64);
        u64 _bpf_helper_ext_0002(u64);
        u64 bpf_main(void *ctx, u64 size) { return _bpf_helper_ext_0002(_bpf_helper_ext_0001(size, 0, 0, 0, 0)) + _bpf_helper_ext_0002(1); })",
                   [&](const Bytes& object) { CHECK(load(object, b)->run(nullptr, 14) == 45); });
    munmap(distant, 4096);
}

TEST_CASE("lddw functions look up by this runtime's numbers in a hand-written object") {
    const std::string source = R"(
        u64 __lddw_helper_map_by_fd(u32); u64 __lddw_helper_map_by_idx(u32); u64 __lddw_helper_map_val(u64); u64 __lddw_helper_var_addr(u32);
        u64 bpf_main(void *ctx, u64 what) {
            switch (what) {
                case 0: return __lddw_helper_map_by_fd(40);
                case 1: return __lddw_helper_map_by_fd(41);
                case 2: return __lddw_helper_map_by_fd(42);
                case 3: return __lddw_helper_map_by_idx(41);
                case 4: return __lddw_helper_map_val(77);
                case 5: return __lddw_helper_map_val(78);
                case 6: return __lddw_helper_var_addr(1);
                case 7: return __lddw_helper_var_addr(2);
            }
            return 1;
        })";
    for_each_build(source, [](const Bytes& object) {
        const auto executable = load(object, bindings());
        const std::uint64_t expected[] = {0x123456789abc, 77, 0, 77, reinterpret_cast<std::uint64_t>(values), 0,
                                          0xbbbb,         0};
        for (std::uint64_t what = 0; what < 8; ++what) CHECK(executable->run(nullptr, what) == expected[what]);
    });
}

TEST_CASE("maps are found by name and shape whatever their numbers in the object and here") {
    const std::string source = R"(
        u64 __lddw_helper_map_by_fd(u32);
        extern char __bpftime_map_handle_0[] __attribute__((weak)); extern char __bpftime_map_handle_1[] __attribute__((weak));
        extern char __bpftime_map_values_0[] __attribute__((weak)); extern char __bpftime_map_values_1[] __attribute__((weak));
        u64 bpf_main(void *ctx, u64 what) {
            switch (what) {
                case 0: return __lddw_helper_map_by_fd(0);
                case 1: return __lddw_helper_map_by_fd(1);
                case 2: return (u64)__bpftime_map_handle_0;
                case 3: return (u64)__bpftime_map_handle_1;
                case 4: return __bpftime_map_values_0 ? ((u64 *)__bpftime_map_values_0)[1] : 9;
                case 5: return __bpftime_map_values_1 ? 1 : 8;
                case 6: return __lddw_helper_map_by_fd(41);
            }
            return 1;
        })";
    for_each_build(source, [](const Bytes& object) {
        const auto sealed = seal_fresh(object, metadata({}, {map_spec("counts", 0), map_spec("other", 1)}));
        const auto executable = load(sealed, bindings(), {});
        const std::uint64_t expected[] = {77, 0x123456789abc, 77, 0x123456789abc, 200, 8, 0};
        for (std::uint64_t what = 0; what < 7; ++what) CHECK(executable->run(nullptr, what) == expected[what]);
    });
}

TEST_CASE("values that do not lie in a row are no array to index") {
    const Bytes object = compile(kTypes +
                                     "extern char __bpftime_map_values_41[] __attribute__((weak)); "
                                     "u64 bpf_main(void *c, u64 n) { return (u64)__bpftime_map_values_41; }",
                                 "-O2 -fPIC");
    Bindings b = bindings();
    CHECK(load(object, b)->run(nullptr, 0) == reinterpret_cast<std::uint64_t>(values));
    b.maps[1].stride = 64;
    CHECK(load(object, b)->run(nullptr, 0) == 0);
    b.maps[1].stride = 0;
    CHECK(load(object, b)->run(nullptr, 0) == 0);
    b.maps[1].spec.max_entries = 1;
    CHECK(load(object, b)->run(nullptr, 0) == reinterpret_cast<std::uint64_t>(values));
}

TEST_CASE("two maps of one name and shape stay two") {
    const std::string source =
        "u64 __lddw_helper_map_by_fd(u32); u64 bpf_main(void *c, u64 n) { return __lddw_helper_map_by_fd(n); }";
    const auto sealed = seal_fresh(compile(kTypes + source), metadata({}, {map_spec("m", 6), map_spec("m", 5)}));
    Bindings b;
    b.maps = {{.spec = map_spec("m", 5), .handle = 50}, {.spec = map_spec("m", 6), .handle = 60}};
    auto executable = load(sealed, b, {});
    CHECK(executable->run(nullptr, 6) == 60);
    CHECK(executable->run(nullptr, 5) == 50);
    b.maps[0].spec.number = 1;
    b.maps[1].spec.number = 2;
    executable = load(sealed, b, {});
    CHECK(executable->run(nullptr, 6) + executable->run(nullptr, 5) == 110);
}

TEST_CASE("a helper called by its number is found in what this runtime offers") {
    const std::string source = R"(
        u64 __bpftime_call_helper(u64, u64, u64, u64, u64, u64) __attribute__((weak));
        u64 bpf_main(void *ctx, u64 id) { return __bpftime_call_helper ? __bpftime_call_helper(id, 1, 2, 3, 4, 5) : 7; })";
    for_each_build(source, [](const Bytes& object) {
        const auto executable = load(object, bindings());
        CHECK(executable->run(nullptr, 1) == 54321);
        for (const std::uint64_t id : {std::uint64_t{0}, std::uint64_t{3}, std::uint64_t{211}, std::uint64_t{212},
                                       std::uint64_t{1} << 32 | 1, ~std::uint64_t{0}})
            CHECK(static_cast<std::int64_t>(executable->run(nullptr, id)) == -EINVAL);
    });
}

TEST_CASE("code compiled without -fPIC loads in the lowest 2 GiB, or says why not") {
    if (aot::kHost.target.triple != "x86_64") {
        WARN("only x86-64 has 32-bit absolute relocations in code: not tried");
        return;
    }
    const std::string source = R"(
        static u64 table[] = {3, 5, 7, 9};
        u64 _bpf_helper_ext_0001(u64, u64, u64, u64, u64);
        u64 bpf_main(void *ctx, u64 n) { return table[n & 3] + _bpf_helper_ext_0001(n, 0, 0, 0, 0); })";
    for (const auto& compiler : compilers()) {
        const Bytes object = compile(kTypes + source, "-O2 -fno-pic -mcmodel=small", compiler);
        const auto executable = link_object(object, bindings(), {.allow_unverified = true});
        INFO(compiler << ": " << outcome(executable));
        if (executable) {
            CHECK((*executable)->run(nullptr, 2) == 9);
            CHECK(reinterpret_cast<std::uintptr_t>((*executable)->entry()) < (std::uintptr_t{1} << 31));
        } else {
            CHECK(to_string(executable.error()).ends_with("compile with -fPIC"));
        }
    }
}

TEST_CASE("an entry of another name, and two programs of one object") {
    const Bytes object =
        compile(kTypes + "u64 first(void *c, u64 n) { return n + 1; } u64 second(void *c, u64 n) { return n + 2; }");
    Metadata m = metadata();
    m.entry = "first";
    const Bytes sealed = seal_fresh(object, m);
    CHECK(load(sealed, {}, {})->run(nullptr, 5) == 6);
    CHECK(load(sealed, {}, {.entry = "second"})->run(nullptr, 5) == 7);
}

TEST_CASE("writable data is not executable and code is not writable") {
    const Bytes object = compile(kTypes +
                                 "u64 data = 5; const u64 constant = 6; u64 bpf_main(void *c, u64 n) "
                                 "{ return n == 0 ? (u64)&data : n == 1 ? (u64)&constant : (u64)&bpf_main; }");
    const auto executable = load(object, {});
    const auto protection = [&](std::uint64_t which) {
        const auto address = executable->run(nullptr, which);
        std::string found;
        FILE* maps = std::fopen("/proc/self/maps", "r");
        char line[512];
        while (std::fgets(line, sizeof line, maps) != nullptr) {
            unsigned long begin = 0, end = 0;
            char bits[8] = {};
            if (std::sscanf(line, "%lx-%lx %4s", &begin, &end, bits) == 3 && address >= begin && address < end)
                found = bits;
        }
        std::fclose(maps);
        return found;
    };
    CHECK(protection(0) == "rw-p");
    CHECK(protection(1) == "r--p");
    CHECK(protection(2) == "r-xp");
}
