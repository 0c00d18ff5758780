// Objects cut short and with bytes changed: sealed ones are always refused; unsealed ones never harm the linker itself.
#include "test/catch.h"
#include "test/linker/elf_writer.h"
#include "test/linker/objects.h"
#include "vm/linker/load_image.h"
#include "vm/linker/seal.h"

using namespace bpftime;
using namespace bpftime::test;

namespace {

constexpr const char* kProgram = R"(
typedef unsigned long u64;
u64 _bpf_helper_ext_0001(u64, void *);
u64 _bpf_helper_ext_0005(void);
u64 __lddw_helper_map_by_fd(unsigned);
u64 __lddw_helper_map_val(u64);
extern char __bpftime_map_values_0[] __attribute__((weak));
u64 __bpftime_call_helper(u64, u64, u64, u64, u64, u64) __attribute__((weak));
static u64 seen;
static u64 twice(u64 v) { return v * 2; }
static u64 thrice(u64 v) { return v * 3; }
static u64 (*const table[])(u64) = {twice, thrice};
u64 bpf_main(unsigned char *p, u64 size) {
    unsigned key = 0;
    u64 sum = 0;
    for (u64 i = 0; i < size; i++) switch (p[i]) {
        case 0: sum += 1; break;
        case 1: sum *= 7; break;
        case 2: sum ^= _bpf_helper_ext_0005(); break;
        case 3: sum -= 9; break;
        case 4: sum = table[sum & 1](sum); break;
        case 5: sum = ~sum; break;
    }
    if (__bpftime_map_values_0) sum += *(u64 *)__bpftime_map_values_0;
    if (__bpftime_call_helper) sum += __bpftime_call_helper(5, 1, 2, 3, 4, 5);
    return sum + ++seen + _bpf_helper_ext_0001(__lddw_helper_map_by_fd(0), &key) + __lddw_helper_map_val(7);
}
)";

std::uint64_t one(std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t) { return 1; }

std::uint64_t values[3];

Bindings bindings() {
    Bindings b;
    b.helpers[1] = b.helpers[5] = one;
    b.maps.push_back({.spec = map_spec(), .handle = 7, .values = reinterpret_cast<std::uint64_t>(values), .stride = 8});
    return b;
}

Metadata info() { return metadata({1, 5}, {map_spec()}); }

Bytes object(const std::string& compiler) { return compile(kProgram, "-O2 -fPIC -g", compiler); }

}  // namespace

TEST_CASE("the object that the others damage links and runs") {
    for (const auto& compiler : compilers()) {
        const Bytes sealed = seal_fresh(object(compiler), info());
        REQUIRE(elf::Object::parse(sealed)->section(".debug_info") != nullptr);
        const auto executable = link_object(sealed, bindings(), {});
        REQUIRE(outcome(executable) == "linked");
        std::uint8_t input[] = {0, 1, 2, 3, 4, 5};
        const std::uint64_t first = (*executable)->run(input, sizeof input);
        CHECK((*executable)->run(input, sizeof input) == first + 1);  // `seen` counts
    }
}

TEST_CASE("a sealed object cut short at any byte is refused") {
    const Bytes sealed = seal_fresh(object(compilers().front()), info());
    const Bindings b = bindings();
    for (const bool allow : {false, true})
        for (std::size_t size = 0; size < sealed.size(); ++size) {
            const Bytes cut(sealed.begin(), sealed.begin() + static_cast<std::ptrdiff_t>(
                                                                 size));  // its own allocation, for the sanitizer
            if (link_object(cut, b, {.allow_unverified = allow})) FAIL("linked after " << size << " bytes");
        }
}

TEST_CASE("a sealed object with any byte changed is refused") {
    const Bindings b = bindings();
    const KeyPair key = generate_key_pair();
    for (const auto& compiler : compilers())
        for (const SigningKey* signing : {static_cast<const SigningKey*>(nullptr), &key.signing}) {
            Bytes sealed = seal_fresh(object(compiler), info(), signing);
            for (std::size_t i = 0; i < sealed.size(); ++i)
                for (const std::uint8_t mask : {1, 2, 4, 8, 16, 32, 64, 128, 255}) {
                    sealed[i] ^= mask;
                    if (link_object(sealed, b, {.allow_unverified = true}))
                        FAIL("linked with byte " << i << " changed by " << int{mask});
                    sealed[i] ^= mask;
                }
            CHECK(outcome(link_object(sealed, b, {})) == "linked");
        }
}

TEST_CASE("a changed byte of the metadata is reported as damage, whatever it would mean") {
    Bytes sealed = seal_fresh(object(compilers().front()), info());
    const auto at = static_cast<std::size_t>(seal_section(*elf::Object::parse(sealed))->offset);
    for (std::size_t i = at + 16; i < at + seal_section(*elf::Object::parse(sealed))->size; ++i) {
        sealed[i] ^= 1;
        INFO(i - at);
        CHECK(outcome(link_object(sealed, bindings(), {})) ==
              "the object's digest differs from its bytes; the object is damaged or was changed after it was built");
        sealed[i] ^= 1;
    }
}

TEST_CASE("bytes added to a sealed object are noticed") {
    const Bytes sealed = seal_fresh(object(compilers().front()), info());
    for (const std::size_t at : {std::size_t{0}, sealed.size() / 2, sealed.size()}) {
        Bytes longer = sealed;
        longer.insert(longer.begin() + static_cast<std::ptrdiff_t>(at), 0);
        CHECK(outcome(link_object(longer, bindings(), {.allow_unverified = true})) != "linked");
    }
}

TEST_CASE("without authentication, changed headers, symbols and relocations never harm the linker") {
    const Bindings b = bindings();
    const Metadata m = info();
    std::size_t linked = 0, refused = 0;
    for (const auto& compiler : compilers()) {
        const Bytes intact = object(compiler);
        for (std::size_t i = 0; i < intact.size(); ++i)
            for (const std::uint8_t mask : {0x01, 0x08, 0x40, 0x80, 0xff}) {
                Bytes damaged = intact;
                damaged[i] ^= mask;
                (load_image(damaged, &m, b, {}) ? linked : refused)++;
            }
    }
    CHECK(linked > 0);
    CHECK(refused > 0);
}

TEST_CASE("without authentication, fields set to extremes never harm the linker") {
    const Bindings b = bindings();
    const Metadata m = info();
    const Bytes intact = object(compilers().front());
    const auto parsed = elf::Object::parse(intact);
    for (const std::uint64_t extreme : {std::uint64_t{0}, std::uint64_t{0x7fffffffffffffff}, ~std::uint64_t{0},
                                        std::uint64_t{0xffff}, std::uint64_t{1} << 40})
        for (std::size_t at = 0; at + 8 <= intact.size(); at += 4) {
            Bytes damaged = intact;
            patch(damaged, at, extreme);
            (void)load_image(damaged, &m, b, {});
            damaged = intact;
            patch(damaged, at, static_cast<std::uint32_t>(extreme));
            (void)load_image(damaged, &m, b, {});
        }
    CHECK(outcome(load_image(intact, &m, b, {})) == "linked");
}
