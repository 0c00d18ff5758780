// The LLVM syntax against llvm-objdump: random encodings of every row it knows, and what clang makes of C for each -mcpu.
#include "test/catch.h"

#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "test/support/random_insn.h"
#include "test/support/skip.h"
#include "vm/core/decode.h"
#include "vm/core/disasm.h"

using namespace bpftime;

namespace {

struct Line {
    std::string bytes;  // "04 01 00 00 05 00 00 00"
    std::string text;
};

class Workdir {
public:
    Workdir() {
        char name[] = "/tmp/bpftime-disasm-XXXXXX";
        if (!mkdtemp(name)) test::skip_binary("no temporary directory can be made");
        path_ = name;
    }
    ~Workdir() { std::filesystem::remove_all(path_); }
    std::string file(const std::string& name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

void run(const std::string& command) {
    INFO(command);
    REQUIRE(std::system(command.c_str()) == 0);
}

std::string output_of(const std::string& command) {
    std::string out;
    FILE* pipe = popen(command.c_str(), "r");
    REQUIRE(pipe);
    char buffer[4096];
    while (const std::size_t n = fread(buffer, 1, sizeof buffer, pipe)) out.append(buffer, n);
    REQUIRE(pclose(pipe) == 0);
    return out;
}

// The instructions of `llvm-objdump -d`, without the "<symbol+0x10>" behind targets.
std::vector<Line> objdump(const std::string& object, const std::string& options = "") {
    std::vector<Line> lines;
    std::istringstream in(output_of(LLVM_OBJDUMP " -d " + options + " " + object));
    static const std::regex shape(R"(^ *\d+:\t((?:[0-9a-f]{2} ){7,15}[0-9a-f]{2})\t(.*?)(?: <\S+>)?$)");
    for (std::string text; std::getline(in, text);)
        if (std::smatch match; std::regex_match(text, match, shape)) lines.push_back({match[1], match[2]});
    return lines;
}

std::vector<std::uint8_t> bytes_of(const std::string& text) {
    std::vector<std::uint8_t> bytes;
    std::istringstream in(text);
    for (std::string byte; in >> byte;) bytes.push_back(static_cast<std::uint8_t>(std::stoul(byte, nullptr, 16)));
    return bytes;
}

// Instructions that LLVM 19 prints otherwise than we do, on purpose: those it does not know, and those whose text would lose
// what tells them apart (calls of subprograms and kernel functions, high halves, displacement of an indirect packet load).
bool llvm_differs(const Insn& insn) {
    const OpInfo& row = info(insn.op);
    if (row.family == Family::Atomic && row.atomic() >= AtomicOp::LoadAcquire) return true;
    if (row.family == Family::Packet && row.source == Source::Reg) return insn.imm != 0;
    if (row.family == Family::Lddw && row.lddw() != LddwKind::Imm && row.lddw() != LddwKind::CodeAddr)
        return static_cast<std::uint64_t>(insn.imm) >> 32 != 0;
    if (insn.op == Op::CallLocal) return insn.off >= 0;
    return insn.op == Op::CallKfunc;
}

// The forms that the plain `llvm-objdump -d` cannot read; it needs to be told of 32-bit registers.
bool needs_alu32(Op op) {
    const OpInfo& row = info(op);
    return row.family == Family::Atomic && row.width == 32 && row.atomic() != AtomicOp::Add;
}

void compare(const std::vector<Line>& lines) {
    for (const Line& line : lines) {
        INFO(line.bytes);
        const auto insns = decode(std::span<const std::uint8_t>(bytes_of(line.bytes)));
        REQUIRE(insns);
        const Insn& insn = insns->front();
        if (llvm_differs(insn)) continue;
        CHECK(disassemble(insn, 0, Syntax::Llvm) == line.text);
    }
}

constexpr const char* kSource = R"(
typedef unsigned long long u64;
typedef unsigned int u32;
static u64 (*now)(void) = (void *)5;
static void *(*lookup)(void *, void *) = (void *)1;
struct { int (*type)[1]; u32 *key; u64 *value; int (*max_entries)[8]; } map __attribute__((section(".maps")));
static volatile u64 global;
__attribute__((noinline)) static long mix(long a, int b, short c, signed char d) {
    return (u64)a / (u32)(b | 1) + (u32)c % 7 + (d >> 1) + (u32)a % 13 + -b;
}
__attribute__((section("xdp"))) long prog(struct { u64 a; int b; short c; signed char d; u32 e; } *ctx) {
    u32 key = ctx->e;
    u64 *value = lookup(&map, &key);
    u64 sum = now() ^ __builtin_bswap64(ctx->a) ^ __builtin_bswap32(ctx->b) ^ __builtin_bswap16(ctx->c);
    if (value) __sync_fetch_and_add(value, sum);
    for (u32 i = 0; i < key && (int)i < ctx->b; i++) sum = sum * 31 + mix(sum, ctx->b, ctx->c, ctx->d);
    global += sum;
    return sum > 0x123456789abcULL ? sum & 0xffff : (long)sum >> 3;
}
#ifdef ATOMICS
__attribute__((section("xdp"))) u64 atomics(u64 *p, u64 x) {
    return __sync_fetch_and_or(p, x) + __sync_fetch_and_and(p + 1, x) + __sync_lock_test_and_set(p + 2, x) +
           __sync_val_compare_and_swap(p + 3, x, 1);
}
#endif
)";

}  // namespace

TEST_CASE("text equals llvm-objdump's") {
    if (access(LLVM_OBJDUMP, X_OK) || access(LLVM_MC, X_OK))
        test::skip_binary("llvm-mc and llvm-objdump are not installed");
    const Workdir dir;

    SECTION("random instructions of every row") {
        for (const bool alu32 : {false, true}) {
            test::RandomInsn random(alu32 ? 11 : 10);
            std::ofstream source(dir.file("all.s"));
            std::size_t wanted = 0;
            for (std::size_t op = 0; op + 1 < kOpCount; ++op) {
                if (needs_alu32(static_cast<Op>(op)) != alu32) continue;
                for (int round = 0; round < 20; ++round, ++wanted)
                    for (const RawInsn& raw : encode(random.make(static_cast<Op>(op)))) {
                        std::uint64_t word = 0;
                        std::memcpy(&word, &raw, sizeof word);
                        source << ".quad " << hex(word) << '\n';
                    }
            }
            source.close();
            run(cat(LLVM_MC " -triple bpfel -filetype=obj ", dir.file("all.s"), " -o ", dir.file("all.o")));
            const auto lines = objdump(dir.file("all.o"), alu32 ? "--mattr=+alu32" : "");
            CHECK(lines.size() == wanted);
            compare(lines);
        }
    }

    SECTION("what clang makes of C") {
        if (access(CLANG_BPF, X_OK)) {
            WARN("skipped: clang is not installed");
            return;
        }
        std::ofstream(dir.file("a.c")) << kSource;
        for (const std::string cpu : {"v1", "v2", "v3", "v4"}) {
            INFO(cpu);
            // Old processors lack the fetching atomics.
            const char* atomics = cpu < "v3" ? "" : " -DATOMICS";
            run(cat(CLANG_BPF " -target bpf -O2 -g -mcpu=", cpu, atomics, " -c ", dir.file("a.c"), " -o ",
                    dir.file("a.o")));
            const auto lines = objdump(dir.file("a.o"));
            CHECK(lines.size() > 60);
            compare(lines);
        }
    }
}
