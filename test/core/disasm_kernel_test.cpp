// The kernel syntax against the kernel: loads random instructions and compares with what the verifier's log prints. The verifier
// prints an instruction before it judges it, so most need not be acceptable.
#include "test/catch.h"

#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <optional>

#include "test/support/random_insn.h"
#include "test/support/skip.h"
#include "vm/core/decode.h"
#include "vm/core/disasm.h"

using namespace bpftime;

namespace {

struct Attempt {
    int fd = -1;
    int error = 0;
    std::string log;
};

Attempt load(const std::vector<RawInsn>& code) {
    Attempt attempt;
    attempt.log.resize(1 << 18);
    bpf_attr attr{};
    attr.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
    attr.insns = reinterpret_cast<std::uint64_t>(code.data());
    attr.insn_cnt = static_cast<std::uint32_t>(code.size());
    attr.license = reinterpret_cast<std::uint64_t>("GPL");
    attr.log_level = 2;
    attr.log_buf = reinterpret_cast<std::uint64_t>(attempt.log.data());
    attr.log_size = static_cast<std::uint32_t>(attempt.log.size());
    attempt.fd = static_cast<int>(syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof attr));
    attempt.error = errno;
    if (attempt.fd >= 0) close(attempt.fd);
    attempt.log.resize(std::strlen(attempt.log.c_str()));
    return attempt;
}

// The text of the log's line "12: (b7) r0 = 0    ; R0=0" or "0: R1=ctx() R10=fp0 12: ..." for `slot`.
std::optional<std::string> logged(const std::string& log, std::uint32_t slot) {
    const std::string key = cat(slot, ": (");
    for (std::size_t at = log.find(key); at != std::string::npos; at = log.find(key, at + 1)) {
        if (at != 0 && log[at - 1] != '\n' && log[at - 1] != ' ') continue;
        std::string line = log.substr(at + key.size() - 1, log.find('\n', at) - at - key.size() + 1);
        if (const auto state = line.find(';'); state != std::string::npos) line.resize(state);
        while (line.ends_with(' ')) line.pop_back();
        return line;
    }
    return std::nullopt;
}

// A program that makes every register readable and then reaches `insns` whatever they are; gives the slot at which they lie.
std::uint32_t surround(const std::vector<Insn>& insns, std::vector<RawInsn>& code) {
    std::vector<Insn> all;
    for (std::uint8_t r = 2; r < 10; ++r) all.push_back({.op = Op::Mov64Imm, .dst = r, .imm = 1});
    all.push_back({.op = Op::Mov64Reg, .dst = 6, .src = 1});
    all.push_back({.op = Op::Mov64Imm, .dst = 0, .imm = 1});
    // A subprogram for calls, and something in front and behind for jumps to land on.
    all.push_back({.op = Op::JEq64Imm, .dst = 0, .off = 3, .imm = 1});
    for (int i = 0; i < 3; ++i) all.push_back({.op = Op::Mov64Imm, .dst = 0, .imm = 2});
    const auto slot = static_cast<std::uint32_t>(all.size());
    all.insert(all.end(), insns.begin(), insns.end());
    const bool ends = ends_flow(insns[0].op);
    if (ends) all[slot - 4].off = 4;  // skips the instruction on one path, so that nothing behind is unreachable
    if (ends) all[slot - 4].dst = 2, all[slot - 4].imm = 7;
    for (int i = 0; i < 3; ++i) all.push_back({.op = Op::Mov64Imm, .dst = 0, .imm = 3});
    all.push_back({.op = Op::Exit});
    code = encode(all);
    return slot;
}

// Rows that the kernel rewrites or refuses before its verifier prints anything.
bool kernel_hides(Op op) {
    const OpInfo& row = info(op);
    return (row.family == Family::Lddw && row.lddw() != LddwKind::Imm) || op == Op::CallReg || op == Op::CallKfunc ||
           op == Op::CallLocal;
}

void shorten_jump(Insn& insn) {
    if (is_jump(insn.op)) insn.off = insn.off % 2 == 0 ? 2 : ends_flow(insn.op) || insn.op == Op::MayGoto ? 1 : -2;
}

}  // namespace

TEST_CASE("text equals the verifier log's") {
    std::vector<RawInsn> code;
    surround({{.op = Op::Mov64Imm, .dst = 0, .imm = 1}}, code);
    if (const Attempt attempt = load(code); attempt.fd < 0)
        test::skip_binary(cat("the kernel does not load programs here: ", std::strerror(attempt.error)));

    test::RandomInsn random(3);
    std::size_t compared = 0;
    for (std::size_t i = 0; i + 1 < kOpCount; ++i) {
        const auto op = static_cast<Op>(i);
        if (kernel_hides(op)) continue;
        bool seen = false;
        for (int round = 0; round < 6; ++round) {
            auto insns = random.make(op);
            shorten_jump(insns[0]);
            const std::uint32_t slot = surround(insns, code);
            const Attempt attempt = load(code);
            INFO(info(op).name << "\n" << attempt.log);
            const auto line = logged(attempt.log, slot);
            if (!line) continue;
            seen = true;
            ++compared;
            CHECK(disassemble(insns[0], slot, Syntax::Kernel) == *line);
        }
        INFO("the kernel never printed " << info(op).name);
        CHECK(seen);
    }
    CHECK(compared > 700);

    SECTION("calls of subprograms") {
        const auto insns = assemble("call f\nexit\nf: r0 = 0\nexit");
        REQUIRE(insns);
        const Attempt attempt = load(encode(*insns));
        INFO(attempt.log);
        CHECK(logged(attempt.log, 0) == disassemble(insns->front(), 0, Syntax::Kernel));
    }
}
