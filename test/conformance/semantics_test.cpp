// The named functions of semantics.h alone, against results that RFC 9669 states or that follow from it by hand.
#include <limits>

#include "test/catch.h"
#include "vm/core/semantics.h"

using namespace bpftime;
using namespace bpftime::semantics;

namespace {

constexpr std::uint64_t kMin64 = std::uint64_t{1} << 63;
constexpr std::uint32_t kMin32 = std::uint32_t{1} << 31;
constexpr std::uint64_t kAll = ~std::uint64_t{0};

std::uint64_t alu64(AluOp op, std::uint64_t a, std::uint64_t b) { return alu(op, 64, a, b); }
std::uint64_t alu32(AluOp op, std::uint64_t a, std::uint64_t b) { return alu(op, 32, a, b); }

}  // namespace

// Constant folding uses them, so they must be usable in constants.
static_assert(alu(AluOp::SDiv, 64, kMin64, kAll) == kMin64);
static_assert(holds(Condition::SLt, 32, 0x80000000, 0));
static_assert(endian(EndianOp::Bswap, 16, 0x1122334455667788) == 0x8877);
static_assert(extend(Extension::Sign, 8, 0x80) == kAll - 0x7f);

TEST_CASE("Division by zero is defined") {
    CHECK(alu64(AluOp::Div, 7, 0) == 0);
    CHECK(alu64(AluOp::SDiv, kAll, 0) == 0);
    CHECK(alu64(AluOp::Mod, 7, 0) == 7);
    CHECK(alu64(AluOp::SMod, kAll, 0) == kAll);
    CHECK(alu32(AluOp::Div, kAll, 0x100000000) == 0);
    CHECK(alu32(AluOp::SDiv, kAll, 0x100000000) == 0);
    CHECK(alu32(AluOp::Mod, kAll, 0x100000000) == 0xffffffff);
    CHECK(alu32(AluOp::SMod, kAll, 0x100000000) == 0xffffffff);
}

TEST_CASE("The smallest number divided by -1 wraps") {
    CHECK(sdiv<std::uint64_t>(kMin64, kAll) == kMin64);
    CHECK(smod<std::uint64_t>(kMin64, kAll) == 0);
    CHECK(sdiv<std::uint32_t>(kMin32, 0xffffffff) == kMin32);
    CHECK(smod<std::uint32_t>(kMin32, 0xffffffff) == 0);
    CHECK(alu32(AluOp::SDiv, kMin32, kAll) == kMin32);
}

TEST_CASE("Signed division truncates towards zero") {
    const auto minus = [](std::uint64_t n) { return 0 - n; };
    CHECK(sdiv<std::uint64_t>(minus(7), 2) == minus(3));
    CHECK(smod<std::uint64_t>(minus(7), 2) == minus(1));
    CHECK(sdiv<std::uint64_t>(7, minus(2)) == minus(3));
    CHECK(smod<std::uint64_t>(7, minus(2)) == 1);
    CHECK(alu32(AluOp::SDiv, minus(7), 2) == 0xfffffffd);
    CHECK(alu32(AluOp::SMod, minus(7), 2) == 0xffffffff);
}

TEST_CASE("Shift counts are masked to the width") {
    CHECK(alu64(AluOp::Lsh, 1, 64) == 1);
    CHECK(alu64(AluOp::Rsh, kAll, 65) == kAll >> 1);
    CHECK(alu64(AluOp::Arsh, kMin64, kAll) == kAll);
    CHECK(alu32(AluOp::Lsh, 1, 32) == 1);
    CHECK(alu32(AluOp::Lsh, 1, kAll) == 0x80000000);
    CHECK(alu32(AluOp::Rsh, kAll, 33) == 0x7fffffff);
    CHECK(alu32(AluOp::Arsh, 0x80000000, 63) == 0xffffffff);
}

TEST_CASE("Every 32-bit operation clears the high half") {
    for (int i = 0; i <= static_cast<int>(AluOp::MovSx16); ++i) {
        CAPTURE(i);
        CHECK(alu32(static_cast<AluOp>(i), kAll, kAll) >> 32 == 0);
        CHECK(alu32(static_cast<AluOp>(i), kAll, kAll - 2) >> 32 == 0);
    }
}

TEST_CASE("Moves extend signs into the width of the operation") {
    CHECK(alu64(AluOp::MovSx8, 0, 0x1280) == kAll - 0x7f);
    CHECK(alu32(AluOp::MovSx8, 0, 0x1280) == 0xffffff80);
    CHECK(alu64(AluOp::MovSx16, 0, 0x18000) == kAll - 0x7fff);
    CHECK(alu32(AluOp::MovSx16, 0, 0x17fff) == 0x7fff);
    CHECK(alu64(AluOp::MovSx32, 0, 0x180000000) == kAll - 0x7fffffff);
}

TEST_CASE("Byte order conversions act on the low bits") {
    constexpr std::uint64_t value = 0x1122334455667788;
    CHECK(endian(EndianOp::ToLe, 16, value) == 0x7788);
    CHECK(endian(EndianOp::ToLe, 32, value) == 0x55667788);
    CHECK(endian(EndianOp::ToLe, 64, value) == value);
    CHECK(endian(EndianOp::ToBe, 16, value) == 0x8877);
    CHECK(endian(EndianOp::Bswap, 32, value) == 0x88776655);
    CHECK(endian(EndianOp::Bswap, 64, value) == 0x8877665544332211);
}

TEST_CASE("Conditions compare the width they name") {
    struct Row {
        Condition condition;
        bool less, equal, greater, high_only;  // (-1, 1), (5, 5), (1, -1), (1 << 32, 0), all unsigned 64-bit
    };
    static constexpr Row kRows[] = {
        {Condition::Eq, false, true, false, false},  {Condition::Gt, true, false, false, true},
        {Condition::Ge, true, true, false, true},    {Condition::Set, true, true, true, false},
        {Condition::Ne, true, false, true, true},    {Condition::SGt, false, false, true, true},
        {Condition::SGe, false, true, true, true},   {Condition::Lt, false, false, true, false},
        {Condition::Le, false, true, true, false},   {Condition::SLt, true, false, false, false},
        {Condition::SLe, true, true, false, false},
    };
    static_assert(std::size(kRows) == static_cast<std::size_t>(Condition::SLe) + 1);
    for (const Row& row : kRows) {
        CAPTURE(static_cast<int>(row.condition));
        CHECK(holds(row.condition, 64, kAll, 1) == row.less);
        CHECK(holds(row.condition, 64, 5, 5) == row.equal);
        CHECK(holds(row.condition, 64, 1, kAll) == row.greater);
        CHECK(holds(row.condition, 64, std::uint64_t{1} << 32, 0) == row.high_only);
        CHECK(holds(row.condition, 32, std::uint64_t{1} << 32, 0) == holds(row.condition, 64, 0, 0));
        CHECK(holds(row.condition, 32, 0x1ffffffff, 1) == row.less);
    }
}

TEST_CASE("Memory is read and written at any address, low bits first") {
    alignas(8) std::uint8_t bytes[16] = {0, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88};
    const auto address = reinterpret_cast<std::uint64_t>(bytes) + 1;
    CHECK(load(Extension::Zero, 8, address) == 0x81);
    CHECK(load(Extension::Zero, 16, address) == 0x8281);
    CHECK(load(Extension::Zero, 32, address) == 0x84838281);
    CHECK(load(Extension::Zero, 64, address) == 0x8887868584838281);
    CHECK(load(Extension::Sign, 8, address) == 0xffffffffffffff81);
    CHECK(load(Extension::Sign, 16, address) == 0xffffffffffff8281);
    CHECK(load(Extension::Sign, 32, address) == 0xffffffff84838281);
    store(16, address, 0x1122334455667788);
    CHECK(bytes[1] == 0x88);
    CHECK(bytes[2] == 0x77);
    CHECK(bytes[3] == 0x83);
}

TEST_CASE("Atomics return what was there and leave other bytes alone") {
    std::uint64_t cell = 0xaaaaaaaa00000005, dst = 0, src = 0xffffffff00000003, r0 = 0;
    const auto address = reinterpret_cast<std::uint64_t>(&cell);
    atomic(AtomicOp::FetchAdd, 32, address, dst, src, r0);
    CHECK(cell == 0xaaaaaaaa00000008);
    CHECK(src == 5);
    atomic(AtomicOp::Add, 64, address, dst, src, r0);
    CHECK(cell == 0xaaaaaaaa0000000d);
    CHECK(src == 5);
    r0 = 0xffffffff0000000d;
    src = 1;
    atomic(AtomicOp::CmpXchg, 32, address, dst, src, r0);
    CHECK(cell == 0xaaaaaaaa00000001);
    CHECK(r0 == 0xd);
    atomic(AtomicOp::CmpXchg, 64, address, dst, src, r0);
    CHECK(cell == 0xaaaaaaaa00000001);
    CHECK(r0 == cell);
    atomic(AtomicOp::LoadAcquire, 8, address + 7, dst, src, r0);
    CHECK(dst == 0xaa);
    src = 0x1234;
    atomic(AtomicOp::StoreRelease, 8, address + 6, dst, src, r0);
    CHECK(cell == 0xaa34aaaa00000001);
}
