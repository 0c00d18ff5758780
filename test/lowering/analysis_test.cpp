// Control flow, liveness, and which registers hold pointers.
#include "test/catch.h"
#include "test/lowering/programs.h"
#include "vm/llvm-jit/compiler.h"
#include "vm/llvm-jit/flow.h"
#include "vm/llvm-jit/types.h"

namespace bpftime::test {

using namespace lowering;

namespace {

// An analysed program.
struct Analysed {
    explicit Analysed(std::string_view text) : source(program(text)), flow(analyse_flow(source)), types(source, flow) {}

    // Type of a register before the instruction at `slot`.
    Type before(std::uint32_t slot, int reg) const {
        const std::size_t sub = source.subprogram_at(slot);
        const auto& blocks = flow.subprograms[sub].blocks;
        for (std::size_t i = 0; i < blocks.size(); ++i) {
            if (slot < blocks[i].begin || slot >= blocks[i].end) continue;
            State state = types.of(sub).at_entry[i];
            for (std::uint32_t at = blocks[i].begin; at < slot; ++at) types.step(state, at);
            return state[static_cast<std::size_t>(reg)];
        }
        return {};
    }
    Kind kind(std::uint32_t slot, int reg) const { return before(slot, reg).kind; }
    std::uint32_t frame(std::size_t sub = 0) const { return types.of(sub).frame_bytes; }

    Program source;
    ProgramFlow flow;
    ProgramTypes types;
};

}  // namespace

TEST_CASE("blocks, their edges and what is live") {
    const Analysed a("r0 = 0\nif r1 == 0 goto out\nr0 = r2\nout:\nexit");
    const Flow& flow = a.flow.subprograms[0];
    REQUIRE(flow.blocks.size() == 3);
    CHECK(flow.blocks[0].taken == 2);
    CHECK(flow.blocks[0].next == 1);
    CHECK(flow.blocks[1].next == 2);
    CHECK(flow.predecessors[2].size() == 2);
    CHECK(flow.live_in[0] == (bit(1) | bit(2)));
    CHECK(flow.live_in[2] == bit(0));
    CHECK(flow.order == std::vector<std::uint32_t>{0, 1, 2});
}

TEST_CASE("unreachable code is left out") {
    const Analysed a("r0 = 0\ngoto out\nr0 = r7\nout:\nexit");
    CHECK(a.flow.subprograms[0].blocks.size() == 2);
}

TEST_CASE("subprograms take the arguments that they read") {
    const Analysed a("r1 = 1\ncall sub\nexit\nsub:\nr0 = r2\nr0 += r5\nexit");
    CHECK(a.flow.subprograms[1].arguments == (bit(2) | bit(5)));
    CHECK(a.flow.callees_first == std::vector<std::uint32_t>{1, 0});
}

TEST_CASE("moves and additions keep pointers, differences and masks do not") {
    const Analysed a("r3 = r1\nr3 += r2\nr4 = r2\nr4 += r1\nr5 = r3\nr5 -= r1\nr6 = r1\nr6 &= 7\nr0 = 0\nexit");
    CHECK(a.kind(0, 1) == Kind::Pointer);
    CHECK(a.kind(0, 2) == Kind::Integer);
    CHECK(a.kind(0, 7) == Kind::Zero);
    CHECK(a.kind(2, 3) == Kind::Pointer);
    CHECK(a.kind(4, 4) == Kind::Pointer);
    CHECK(a.kind(6, 5) == Kind::Integer);
    CHECK(a.kind(8, 6) == Kind::Word);
}

TEST_CASE("a loaded value is a pointer where it is dereferenced later") {
    const Analysed a(
        "r3 = *(u64 *)(r1 + 0)\nr4 = *(u64 *)(r1 + 8)\nr5 = r3\nr5 += 14\nr0 = *(u8 *)(r5 + 0)\nr0 += r4\nexit");
    CHECK(a.kind(1, 3) == Kind::Pointer);
    CHECK(a.kind(2, 4) == Kind::Integer);
    CHECK(a.kind(4, 5) == Kind::Pointer);
}

TEST_CASE("the pointer of an addition is found even when both operands were loaded") {
    // r3 alone is dereferenced by itself; the sum of two numbers is converted where it is made.
    const Analysed a("r3 = *(u64 *)(r1 + 0)\nr4 = *(u32 *)(r1 + 8)\nr3 += r4\nr0 = *(u8 *)(r3 + 0)\nexit");
    CHECK(a.kind(1, 3) == Kind::Pointer);
    CHECK(a.kind(2, 4) == Kind::Word);
    CHECK(a.kind(3, 3) == Kind::Pointer);
}

TEST_CASE("null and a pointer join to a pointer, a number and a pointer to a number") {
    const Analysed null("r3 = 0\nif r2 == 0 goto out\nr3 = r1\nout:\nr0 = r3\nexit");
    CHECK(null.kind(3, 3) == Kind::Pointer);
    const Analysed number("r3 = 5\nif r2 == 0 goto out\nr3 = r1\nout:\nr0 = r3\nexit");
    CHECK(number.kind(3, 3) == Kind::Integer);
    const Analysed wished("r3 = r2\nif r2 == 0 goto out\nr3 = r1\nout:\nr0 = *(u8 *)(r3 + 0)\nexit");
    CHECK(wished.kind(3, 3) == Kind::Pointer);
}

TEST_CASE("a loop's pointer stays one") {
    const Analysed a("r3 = r1\nr0 = 0\nloop:\nr4 = *(u8 *)(r3 + 0)\nr0 += r4\nr3 += 1\nif r4 != 0 goto loop\nexit");
    CHECK(a.kind(2, 3) == Kind::Pointer);
    CHECK(a.kind(2, 0) == Kind::Integer);
}

TEST_CASE("32-bit counters are kept in 32 bits") {
    const Analysed a("w3 = 0\nloop:\nw3 += 1\nif w3 != 9 goto loop\nr0 = r3\nexit");
    CHECK(a.kind(1, 3) == Kind::Word);
    CHECK(a.kind(4, 0) == Kind::Word);
}

TEST_CASE("arguments and results carry pointers between subprograms") {
    const Analysed a("call sub\nr0 = *(u8 *)(r0 + 0)\nexit\nsub:\nr0 = r1\nr0 += r2\nexit");
    CHECK(a.kind(3, 1) == Kind::Pointer);
    CHECK(a.types.of(1).result.kind == Kind::Pointer);
    CHECK(a.kind(1, 0) == Kind::Pointer);
}

TEST_CASE("callbacks take numbers, as pointers where they are dereferenced") {
    const Analysed a("r1 = 1\nr2 = &cb ll\nr3 = 0\nr4 = 0\ncall 181\nexit\ncb:\nr0 = *(u64 *)(r2 + 0)\nr0 += r1\nexit");
    const std::uint32_t begin = a.source.subprograms[1].begin;
    CHECK(a.flow.subprograms[1].address_taken);
    CHECK(a.kind(begin, 1) == Kind::Integer);
    CHECK(a.kind(begin, 2) == Kind::Pointer);
}

TEST_CASE("map references are remembered through moves") {
    const Analysed a("; map one array 4 8 1\n; map two array 4 8 1\nld_pseudo r1, 1, 1\nr6 = r1\nr0 = 0\nexit");
    CHECK(a.before(3, 6) == Type{Kind::Map, 1});
}

TEST_CASE("addresses of the frame are known by their offset") {
    const Analysed a("r3 = r10\nr3 += -16\nr3 -= 8\n*(u64 *)(r3 + 0) = 1\nr0 = 0\nexit");
    CHECK(a.before(3, 3) == Type{Kind::Frame, -24});
    CHECK(a.frame() == 32);
}

TEST_CASE("a frame is as large as what can be touched of it") {
    CHECK(Analysed("r0 = 0\nexit").frame() == 0);
    CHECK(Analysed("*(u64 *)(r10 - 64) = 1\nr0 = 0\nexit").frame() == 64);
    // A variable offset, a stored address or one that another subprogram gets: nothing is known.
    CHECK(Analysed("r3 = r10\nr3 += r2\n*(u8 *)(r3 - 1) = 1\nr0 = 0\nexit").frame() == 512);
    CHECK(Analysed("r3 = r10\n*(u64 *)(r1 + 0) = r3\nr0 = 0\nexit").frame() == 512);
    CHECK(Analysed("r1 = r10\ncall sub\nexit\nsub:\n*(u64 *)(r1 - 8) = 1\nr0 = 0\nexit").frame() == 512);
    CHECK(Analysed("r3 = r10\nif r2 == 0 goto +1\nr3 += -8\n*(u64 *)(r3 - 8) = 1\nr0 = 0\nexit").frame() == 512);
}

TEST_CASE("bytes of the frame are written where a store came before on every way") {
    const Analysed a(
        "*(u64 *)(r10 - 8) = 1\nif r1 == 0 goto out\n*(u32 *)(r10 - 16) = 2\nr3 = r10\nr3 += -24\n*(u8 *)(r3 + 0) = 3\n"
        "if r2 == 0 goto out\nr4 = *(u64 *)(r10 - 16)\nout:\nr0 = *(u64 *)(r10 - 8)\nexit");
    const auto& written = a.types.of(0).written;
    REQUIRE(written.size() == 4);
    CHECK(written[0].none());
    CHECK(written[1] == frame_bytes(-8, 8));
    CHECK(written[2] == (frame_bytes(-8, 8) | frame_bytes(-16, 4) | frame_bytes(-24, 1)));
    CHECK(written[3] == frame_bytes(-8, 8));
    CHECK_FALSE(a.types.frames_escape());
}

TEST_CASE("what a loop writes is written after it, not at its start") {
    const Analysed a("r3 = 9\nloop:\n*(u64 *)(r10 - 8) = r3\nr3 -= 1\nif r3 != 0 goto loop\nr0 = *(u64 *)(r10 - 8)\nexit");
    const auto& written = a.types.of(0).written;
    REQUIRE(written.size() == 3);
    CHECK(written[1].none());
    CHECK(written[2] == frame_bytes(-8, 8));
}

TEST_CASE("a frame escapes by an index that is not known, and by a call") {
    CHECK(Analysed("r2 &= 7\nr3 = r10\nr3 -= r2\n*(u8 *)(r3 - 8) = 1\nr0 = 0\nexit").types.frames_escape());
    CHECK(Analysed("r1 = r10\ncall sub\nexit\nsub:\nr0 = *(u8 *)(r1 - 1)\nexit").types.frames_escape());
    CHECK_FALSE(Analysed("r1 = r10\nr1 += -8\nr0 = *(u8 *)(r1 + 0)\nexit").types.frames_escape());
}

TEST_CASE("what a program reads of its frame before it writes there is one value") {
    const auto read = "r0 = *(u64 *)(r10 - 8)\nexit";
    const auto read_written = "*(u64 *)(r10 - 8) = r1\nr0 = *(u64 *)(r10 - 8)\nexit";
    const auto* const compiler = *load_compiler();
    CHECK(compiler->emit_ir(program(read), {.optimise = 0})->find("freeze") != std::string::npos);
    CHECK(compiler->emit_ir(program(read_written), {.optimise = 0})->find("freeze") == std::string::npos);
}

}  // namespace bpftime::test
