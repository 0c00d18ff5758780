// Whole programs and the exact code that ubpf_emit makes of them: frames, fused instructions and what is left out. Bytes rather than
// timings say that an optimisation is still there.
#include "test/ubpf/bytes.h"
#include "test/ubpf/programs.h"

namespace bpftime {
namespace {

struct Row {
    const char* name;
    const char* text;
    const char* x86_64;
    const char* aarch64;
};

// clang-format off
const Row kRows[] = {
    {"the smallest program",
     "r0 = 1\n exit\n",
     "b8 01 00 00 00 c3",
     "25 00 80 52 e0 03 05 aa c0 03 5f d6"},
    {"only what is read starts as zero",
     "r0 = r6\n exit\n",
     "53 31 db 89 d8 5b c3",
     "ff 43 00 d1 f3 03 00 f9 13 00 80 d2 e5 03 13 aa e0 03 05 aa f3 03 40 f9 ff 43 00 91 c0 03 5f d6"},
    {"a frame and a saved register",
     "r6 = r1\n *(u64 *)(r10 - 8) = r6\n r0 = 0\n exit\n",
     "55 48 89 e5 48 81 ec 00 02 00 00 53 48 89 fb 48 89 5d f8 31 c0 5b c9 c3",
     "fd 7b bf a9 fd 03 00 91 ff 43 08 d1 f3 03 00 f9 f3 03 00 aa b3 83 1f f8 05 00 80 52 e0 03 05 aa f3 03 40 f9 ff 43 08 91 fd 7b c1 a8 c0 03 5f d6"},
    {"address arithmetic becomes an operand",
     "r3 = r1\n r3 += r2\n r0 = *(u8 *)(r3 + 4)\n exit\n",
     "0f b6 44 37 04 c3",
     "02 00 01 8b 45 10 40 39 e0 03 05 aa c0 03 5f d6"},
    {"a scaled index",
     "r3 = r2\n r3 <<= 3\n r4 = r1\n r4 += r3\n r0 = *(u64 *)(r4 + 8)\n exit\n",
     "48 8b 44 f7 08 c3",
     "22 f0 7d d3 03 00 02 8b 65 04 40 f9 e0 03 05 aa c0 03 5f d6"},
    {"move and addition",
     "r0 = r1\n r0 += 5\n exit\n",
     "48 8d 47 05 c3",
     "05 14 00 91 e0 03 05 aa c0 03 5f d6"},
    {"the flags of the operation before",
     "r0 = r2\n r0 &= r1\n if r0 == 0 goto +1\n *(u8 *)(r1 + 0) = 1\n exit\n",
     "48 89 f0 48 21 f8 74 03 c6 07 01 c3",
     "25 00 00 8a 65 00 00 b4 2a 00 80 52 0a 00 00 39 e0 03 05 aa c0 03 5f d6"},
    {"a choice",
     "r0 = r1\n if r1 > r2 goto +1\n r0 = r2\n exit\n",
     "48 89 f8 48 39 f7 48 0f 46 c6 c3",
     "e5 03 00 aa 1f 00 01 eb 48 00 00 54 e5 03 01 aa e0 03 05 aa c0 03 5f d6"},
    {"a truth value",
     "r0 = 1\n if r1 == r2 goto +1\n r0 = 0\n exit\n",
     "31 c0 48 39 f7 0f 94 c0 c3",
     "25 00 80 52 1f 00 01 eb 40 00 00 54 05 00 80 52 e0 03 05 aa c0 03 5f d6"},
    {"a rotation",
     "r0 = r1\n r3 = r0\n r3 >>= 60\n r0 <<= 4\n r0 |= r3\n exit\n",
     "48 89 f8 48 c1 c0 04 c3",
     "e5 03 00 aa a2 fc 7c d3 a5 ec 7c d3 a5 00 02 aa e0 03 05 aa c0 03 5f d6"},
    {"zero-extension by shifts",
     "r1 <<= 32\n r1 >>= 32\n r0 = r1\n exit\n",
     "89 ff 89 f8 c3",
     "00 7c 40 d3 e5 03 00 aa e0 03 05 aa c0 03 5f d6"},
    {"a loaded byte needs no mask",
     "r0 = *(u8 *)(r1 + 0)\n r0 &= 255\n exit\n",
     "0f b6 07 c3",
     "05 00 40 39 a5 1c 40 92 e0 03 05 aa c0 03 5f d6"},
    {"a loaded operand",
     "r0 = r2\n r3 = *(u64 *)(r1 + 8)\n r0 += r3\n exit\n",
     "48 89 f0 48 03 47 08 c3",
     "e5 03 01 aa 02 04 40 f9 a5 00 02 8b e0 03 05 aa c0 03 5f d6"},
    {"division by ten",
     "w0 = w1\n w0 /= 10\n exit\n",
     "89 f8 41 bb cd cc cc cc 4c 0f af d8 49 c1 eb 23 44 89 d8 c3",
     "49 01 80 52 05 08 c9 1a e0 03 05 aa c0 03 5f d6"},
    {"division by sixteen",
     "r0 = r1\n r0 /= 16\n exit\n",
     "48 89 f8 48 c1 e8 04 c3",
     "05 fc 44 d3 e0 03 05 aa c0 03 5f d6"},
    {"remainder by a register",
     "r0 = r1\n r0 %= r2\n exit\n",
     "48 89 f8 49 89 f3 4d 85 db 74 19 48 89 c2 4c 09 da 48 c1 ea 20 74 07 31 d2 49 f7 f3 eb 03 41 f7 f3 48 89 d0 c3",
     "0a 08 c1 9a 45 81 01 9b e0 03 05 aa c0 03 5f d6"},
    {"a loop",
     "r0 = 0\n r0 += r1\n r1 += -1\n if r1 != 0 goto -3\n exit\n",
     "31 c0 66 0f 1f 84 00 00 00 00 00 0f 1f 44 00 00 48 01 f8 48 83 c7 ff 75 f7 c3",
     "05 00 80 52 a5 00 00 8b 00 04 00 d1 c0 ff ff b5 e0 03 05 aa c0 03 5f d6"},
    {"a helper",
     "call 7\n exit\n",
     "50 b8 34 12 00 00 ff d0 59 c3",
     "fd 7b bf a9 fd 03 00 91 90 46 82 52 00 02 3f d6 e5 03 00 aa e0 03 05 aa fd 7b c1 a8 c0 03 5f d6"},
    {"a subprogram",
     "call +1\n exit\n r0 = r1\n exit\n",
     "50 e8 0a 00 00 00 59 c3 0f 1f 84 00 00 00 00 00 48 89 f8 c3",
     "fd 7b bf a9 fd 03 00 91 05 00 00 94 e5 03 00 aa e0 03 05 aa fd 7b c1 a8 c0 03 5f d6 e5 03 00 aa e0 03 05 aa c0 03 5f d6"},
    {"compare and exchange",
     "r0 = r1\n r0 = cmpxchg_64(r2 + 8, r0, r1)\n exit\n",
     "48 89 f8 f0 48 0f b1 7e 08 c3",
     "e5 03 00 aa 29 20 00 91 2a 7d 5f c8 5f 01 05 eb 61 00 00 54 20 fd 0c c8 8c ff ff 35 bf 3b 03 d5 e5 03 0a aa e0 03 05 aa c0 03 5f d6"},
    {"byte order",
     "r0 = *(u16 *)(r1 + 12)\n r0 = be16 r0\n exit\n",
     "0f b7 47 0c 66 c1 c0 08 c3",
     "05 18 40 79 a5 04 c0 5a a5 3c 00 53 e0 03 05 aa c0 03 5f d6"},
    {"may_goto",
     "may_goto +0\n r0 = 0\n exit\n",
     "48 83 ec 08 48 c7 04 24 00 00 80 00 48 ff 0c 24 78 00 31 c0 48 83 c4 08 c3",
     "ff 43 00 d1 09 10 a0 52 e9 03 00 f9 e9 03 40 f9 29 05 00 f1 e9 03 00 f9 24 00 00 54 05 00 80 52 e0 03 05 aa ff 43 00 91 c0 03 5f d6"},
};
// clang-format on

TEST_CASE("programs become exactly this code") {
    Bindings bindings;
    bindings.helpers[7] = reinterpret_cast<HelperFn>(std::uintptr_t{0x1234});
    for (const Row& row : kRows) {
        CAPTURE(row.name, row.text);
        const Program program = test::make(row.text);
        const auto x86_64 = ubpf_emit(program, bindings, Arch::X86_64), aarch64 = ubpf_emit(program, bindings, Arch::AArch64);
        REQUIRE(x86_64.has_value());
        REQUIRE(aarch64.has_value());
        CHECK(test::to_hex(*x86_64) == row.x86_64);
        CHECK(test::to_hex(*aarch64) == row.aarch64);
    }
}

}  // namespace
}  // namespace bpftime
