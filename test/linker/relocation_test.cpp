// Every relocation kind of every machine: exact bytes for a value that fits, refusal and untouched bytes for one that
// does not.
#include <algorithm>
#include <set>

#include "test/catch.h"
#include "test/linker/elf_writer.h"
#include "vm/linker/target.h"

using namespace bpftime;
using namespace bpftime::test;

namespace {

struct Case {
    std::uint32_t type;
    Bytes before;
    std::uint64_t value;
    std::int64_t addend;
    Bytes after;
    std::vector<std::uint64_t> too_far;  // values out of range
};

constexpr std::uint64_t kPlace = 0x10000;
const Bytes kZero4(4), kZero8(8);

const aot::RelocationKind& kind_of(const aot::Target& target, std::uint32_t type) {
    const auto row = std::ranges::find(target.relocations, type, &aot::RelocationKind::type);
    REQUIRE(row != target.relocations.end());
    return *row;
}

bool apply(const aot::RelocationKind& kind, Bytes& field, std::uint64_t value, std::int64_t addend) {
    return kind.apply({.bytes = field.data(), .address = kPlace, .addend = addend, .offset = 0}, value);
}

void check(const aot::Target& target, const std::vector<Case>& cases) {
    std::set<std::uint32_t> covered;
    for (const Case& c : cases) {
        const auto& kind = kind_of(target, c.type);
        covered.insert(c.type);
        INFO(kind.name);
        CHECK(kind.size == c.before.size());
        Bytes field = c.before;
        CHECK(apply(kind, field, c.value, c.addend));
        CHECK(field == c.after);
        for (const std::uint64_t value : c.too_far) {
            field = c.before;
            CHECK_FALSE(apply(kind, field, value, c.addend));
            CHECK(field == c.before);
        }
    }
    for (const auto& kind : target.relocations) {
        INFO(kind.name);
        CHECK(covered.contains(kind.type));
    }
}

// A 32-bit instruction as it lies in memory.
Bytes insn(std::uint32_t word) {
    Bytes out(4);
    patch(out, 0, word);
    return out;
}

// Relaxes the GOTPCRELX in `code`, whose field begins at `at`.
Bytes relax(std::uint32_t type, Bytes code, std::size_t at, std::uint64_t place, std::uint64_t symbol, bool expected,
            std::int64_t addend = -4) {
    const auto& kind = kind_of(aot::kX86_64, type);
    REQUIRE(kind.relax != nullptr);
    CHECK(kind.relax({.bytes = code.data() + at, .address = place, .addend = addend, .offset = at}, symbol) ==
          expected);
    return code;
}

}  // namespace

TEST_CASE("relocations of x86-64") {
    const Bytes pc{0xfc, 0x0f, 0, 0};  // 0x11000 - 4 - 0x10000
    const std::vector<std::uint64_t> far{kPlace + 0x80000004, kPlace - 0x7ffffffd};
    // clang-format off
    check(aot::kX86_64, {
                            {R_X86_64_64, kZero8, 0x1122334455667788, 1, {0x89, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11}, {}},
                            {R_X86_64_PC32, kZero4, 0x11000, -4, pc, far},
                            {R_X86_64_PLT32, kZero4, 0x11000, -4, pc, far},
                            {R_X86_64_GOTPCREL, kZero4, 0x11000, -4, pc, far},
                            {R_X86_64_GOTPCRELX, kZero4, 0x11000, -4, pc, far},
                            {R_X86_64_REX_GOTPCRELX, kZero4, 0x11000, -4, pc, far},
                            {R_X86_64_32, kZero4, 0xfffffff0, 0, {0xf0, 0xff, 0xff, 0xff}, {0x100000000, ~std::uint64_t{0}}},
                            {R_X86_64_32S, kZero4, ~std::uint64_t{0}, 0, {0xff, 0xff, 0xff, 0xff}, {0x80000000, 0xffffffff}},
                            {R_X86_64_PC64, kZero8, 0x1000000000000, 4, {4, 0, 0xff, 0xff, 0xff, 0xff, 0, 0}, {}},
                        });
    // clang-format on
}

TEST_CASE("relocations of AArch64") {
    const std::uint64_t p = kPlace;
    // clang-format off
    check(aot::kAArch64,
          {
              {R_AARCH64_ABS64, kZero8, 0x1122334455667788, 1, {0x89, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11}, {}},
              {R_AARCH64_ABS32, kZero4, 0xfffffff0, 0, {0xf0, 0xff, 0xff, 0xff}, {0x100000000, std::uint64_t(-0x80000001LL)}},
              {R_AARCH64_ABS32, kZero4, ~std::uint64_t{0}, 0, {0xff, 0xff, 0xff, 0xff}, {}},
              {R_AARCH64_PREL64, kZero8, 0x20000, 4, {4, 0, 1, 0, 0, 0, 0, 0}, {}},
              {R_AARCH64_PREL32, kZero4, 0x20000, 4, {4, 0, 1, 0}, {p + 0x80000000, p - 0x80000005}},
              {R_AARCH64_CALL26, insn(0x94000000), p + 0x10, 0, insn(0x94000004), {p + 0x8000000, p + 0x12, p - 0x8000004}},
              {R_AARCH64_CALL26, insn(0x94000000), p - 0x100, 0, insn(0x97ffffc0), {}},
              {R_AARCH64_JUMP26, insn(0x14000000), p + 0x10, 0, insn(0x14000004), {p + 0x8000000, p + 0x12, p - 0x8000004}},
              {R_AARCH64_CONDBR19, insn(0x54000000), p + 0x100, 0, insn(0x54000800), {p + 0x100000, p + 0x102}},
              {R_AARCH64_TSTBR14, insn(0x36000000), p + 0x100, 0, insn(0x36000800), {p + 0x8000, p + 0x102}},
              {R_AARCH64_LD_PREL_LO19, insn(0x58000000), p + 0x100, 0, insn(0x58000800), {p + 0x100000, p + 0x102}},
              {R_AARCH64_ADR_PREL_LO21, insn(0x10000000), p + 0x105, 0, insn(0x30000820), {p + 0x100000, p - 0x100001}},
              {R_AARCH64_ADR_PREL_PG_HI21, insn(0x90000000), 0x15123, 0, insn(0xb0000020), {p + 0x100000000, p - 0x100001000}},
              {R_AARCH64_ADR_PREL_PG_HI21_NC, insn(0x90000000), 0x15123, 0, insn(0xb0000020), {}},
              {R_AARCH64_ADD_ABS_LO12_NC, insn(0x91000000), 0x12345, 0, insn(0x910d1400), {}},
              {R_AARCH64_LDST8_ABS_LO12_NC, insn(0x39400000), 0x12345, 0, insn(0x394d1400), {}},
              {R_AARCH64_LDST16_ABS_LO12_NC, insn(0x79400000), 0x12346, 0, insn(0x79468c00), {0x12345}},
              {R_AARCH64_LDST32_ABS_LO12_NC, insn(0xb9400000), 0x12344, 0, insn(0xb9434400), {0x12346}},
              {R_AARCH64_LDST64_ABS_LO12_NC, insn(0xf9400000), 0x12348, 0, insn(0xf941a400), {0x12344}},
              {R_AARCH64_LDST128_ABS_LO12_NC, insn(0x3dc00000), 0x12340, 0, insn(0x3dc0d000), {0x12348}},
              {R_AARCH64_ADR_GOT_PAGE, insn(0x90000000), 0x15008, 0, insn(0xb0000020), {p + 0x100000000}},
              {R_AARCH64_LD64_GOT_LO12_NC, insn(0xf9400000), 0x12348, 0, insn(0xf941a400), {0x12344}},
              {R_AARCH64_GOT_LD_PREL19, insn(0x58000000), p + 0x100, 0, insn(0x58000800), {p + 0x100000, p + 0x102}},
          });
    // clang-format on
    Bytes field = insn(0x90000000);
    CHECK_FALSE(apply(kind_of(aot::kAArch64, R_AARCH64_ADR_GOT_PAGE), field, 0x15008, 8));  // slots hold S, not S + A
    CHECK_FALSE(apply(kind_of(aot::kAArch64, R_AARCH64_LD64_GOT_LO12_NC), field, 0x12348, 8));
    CHECK_FALSE(apply(kind_of(aot::kAArch64, R_AARCH64_GOT_LD_PREL19), field, p + 0x100, 8));
}

TEST_CASE("x86-64 calls, jumps and loads through a slot become direct where the target is in reach") {
    constexpr auto call = R_X86_64_GOTPCRELX, load = R_X86_64_REX_GOTPCRELX;
    const std::uint64_t far = 0x7f0000000000;
    const Bytes call_slot{0xff, 0x15, 0, 0, 0, 0}, jump_slot{0xff, 0x25, 0, 0, 0, 0},
        mov_rax{0x48, 0x8b, 0x05, 0, 0, 0, 0}, mov_r9{0x4c, 0x8b, 0x0d, 0, 0, 0, 0},
        cmp_rax{0x48, 0x3b, 0x05, 0, 0, 0, 0};
    CHECK(relax(call, call_slot, 2, 0x10002, 0x11000, true) == Bytes{0x67, 0xe8, 0xfa, 0x0f, 0, 0});
    CHECK(relax(call, jump_slot, 2, 0x10002, 0x11000, true) == Bytes{0xe9, 0xfb, 0x0f, 0, 0, 0x90});
    CHECK(relax(load, mov_rax, 3, 0x10003, 0x11000, true) == Bytes{0x48, 0x8d, 0x05, 0xf9, 0x0f, 0, 0});
    CHECK(relax(load, mov_r9, 3, far, 0, true) == Bytes{0x49, 0xc7, 0xc1, 0, 0, 0, 0});
    CHECK(relax(load, mov_rax, 3, far, 0x1234, true) == Bytes{0x48, 0xc7, 0xc0, 0x34, 0x12, 0, 0});

    CHECK(relax(call, call_slot, 2, 0x10002, far, false) == call_slot);
    CHECK(relax(call, jump_slot, 2, 0x10002, far, false) == jump_slot);
    CHECK(relax(load, mov_rax, 3, 0x10003, far, false) == mov_rax);
    CHECK(relax(load, cmp_rax, 3, 0x10003, 0x11000, false) == cmp_rax);
    CHECK(relax(call, {0, 0, 0, 0}, 0, 0x10002, 0x11000, false) == kZero4);     // nothing before the field
    CHECK(relax(call, call_slot, 2, 0x10002, 0x11000, false, 0) == call_slot);  // not at the instruction's end
    CHECK(relax(load, mov_rax, 3, 0x10003, 0x11000, false, 0) == mov_rax);
}

TEST_CASE("a relocation out of range is refused with its formula") {
    const bool x86 = aot::kHost.target.machine == EM_X86_64;
    ElfObject raw = code_object(Bytes(32));
    raw.symbols.push_back({"_bpf_helper_ext_0001"});
    raw.symbols.push_back({"_bpf_helper_ext_0002"});
    raw.relocations = {
        {.offset = 4, .type = std::uint32_t(x86 ? R_X86_64_PC32 : R_AARCH64_ADR_PREL_LO21), .symbol = 3}};
    Bindings b;
    b.helpers[1] = [](std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t) -> std::uint64_t {
        return 0;
    };
    b.helpers[2] = reinterpret_cast<HelperFn>(std::uintptr_t{1} << 45);
    CHECK(outcome(link_object(raw.write(), b, {.allow_unverified = true})) ==
          (x86 ? "relocation R_X86_64_PC32 at .text+0x4 to '_bpf_helper_ext_0002' is out of range: S + A - P must be "
                 "32 signed bits; compile with -fPIC"
               : "relocation R_AARCH64_ADR_PREL_LO21 at .text+0x4 to '_bpf_helper_ext_0002' is out of range: S + A - P "
                 "must be 21 signed bits; "
                 "compile with -fPIC"));
}

TEST_CASE("stubs and thunks have the bytes that the comments beside them state") {
    Bytes at(aot::kStubSize);
    aot::kX86_64.write_stub(at.data(), 0x1122334455667788);
    CHECK(at == Bytes{0x49, 0xbb, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0x41, 0xff, 0xe3, 0xcc, 0xcc, 0xcc});
    aot::kAArch64.write_stub(at.data(), 0x1122334455667788);
    CHECK(at == Bytes{0x50, 0, 0, 0x58, 0, 0x02, 0x1f, 0xd6, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11});

    at.assign(aot::kLookupThunkSize, 0);
    aot::kAArch64.write_lookup(at.data(), 0x1111, 0x2222);
    CHECK(at == Bytes{0x81, 0,    0, 0x58, 0xb0, 0, 0, 0x58, 0,    0x02, 0x1f, 0xd6, 0x1f, 0x20, 0x03, 0xd5,
                      0x22, 0x22, 0, 0,    0,    0, 0, 0,    0x11, 0x11, 0,    0,    0,    0,    0,    0});
    at.assign(aot::kDispatchThunkSize, 0);
    aot::kAArch64.write_dispatch(at.data(), 0x2222, 212);
    CHECK(Bytes(at.begin(), at.begin() + 4) == insn(0xf103501f));  // cmp x0, #212
    CHECK(Bytes(at.begin() + 56, at.end()) == Bytes{0x22, 0x22, 0, 0, 0, 0, 0, 0});
}
