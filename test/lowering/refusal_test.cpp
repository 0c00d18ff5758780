// What the compiler refuses, and the sentence it says.
#include "test/catch.h"
#include "test/lowering/programs.h"
#include "vm/core/decode.h"

namespace bpftime::test {

namespace {

std::string message(const std::string& text, const CompileOptions& options = {}) {
    return outcome(compiler().compile(program(text), options));
}

}  // namespace

TEST_CASE("targets that cannot be") {
    const std::string source = "r0 = 0\nexit";
    CHECK(message(source, {.triple = "vax-dec-ultrix"})
              .starts_with("program 'test': target 'vax-dec-ultrix' is unknown to LLVM "));
    CHECK(message(source, {.triple = "s390x-linux-gnu"}) ==
          "program 'test': target s390x-unknown-linux-gnu is big-endian: BPF bytecode is little-endian and shares "
          "memory with its host");
    CHECK(message(source, {.triple = "armv7-linux-gnueabihf"}) ==
          "program 'test': target armv7-unknown-linux-gnueabihf is not a 64-bit machine: BPF addresses have 64 bits");
    CHECK(message(source, {.triple = "x86_64-apple-darwin"}) ==
          "program 'test': target x86_64-apple-darwin does not use ELF objects");
    CHECK(message(source, {.triple = "bpfel"}).ends_with("is not a processor that objects can be linked for"));
    CHECK(message(source, {.triple = "x86_64-linux-gnu", .cpu = "z80"}) ==
          "program 'test': cpu 'z80' is unknown for x86_64-unknown-linux-gnu; "
          "'llc -mtriple=x86_64-unknown-linux-gnu -mcpu=help' lists those that LLVM knows");
    CHECK(message(source, {.triple = "x86_64-linux-gnu", .features = "+avx9"})
              .starts_with("program 'test': feature '+avx9' is unknown for x86_64-unknown-linux-gnu; "));
    CHECK(message(source, {.triple = "x86_64-linux-gnu", .features = "avx2"})
              .starts_with("program 'test': feature 'avx2' is unknown"));
    CHECK(message(source, {.triple = "riscv64-linux-gnu", .cpu = "native"})
              .starts_with("program 'test': cpu 'native' is this host's"));
}

TEST_CASE("a target without atomic instructions would need a library") {
    const std::string source = "lock *(u64 *)(r1 + 0) += r2\nr0 = 0\nexit";
    CHECK(message(source, {.triple = "riscv64-linux-gnu"}) == "compiled");
    CHECK(
        message(source, {.triple = "riscv64-linux-gnu", .features = "-a"}).find("of the compiler's runtime library") !=
        std::string::npos);
}

TEST_CASE("names for the entry") {
    CHECK(message("r0 = 0\nexit", {.entry = ""}) == "program 'test': entry name '' is not a C identifier");
    CHECK(message("r0 = 0\nexit", {.entry = "two words"}) ==
          "program 'test': entry name 'two words' is not a C identifier");
    CHECK(message("r0 = 0\nexit", {.entry = "_bpf_helper_ext_0001"})
              .starts_with("program 'test': entry name '_bpf_helper_ext_0001' is reserved"));
}

TEST_CASE("instructions that only the kernel can run") {
    CHECK(message("r0 = *(u8 *)skb[0]\nexit") ==
          "program 'test', instruction 0: legacy packet access needs a kernel socket buffer; "
          "load through the context's data and data_end instead");
    Program kfunc = program("r0 = 0\ncall 5\nexit");
    kfunc.insns[1].op = Op::CallKfunc;
    kfunc.insns[1].imm = 77;
    CHECK(outcome(compiler().compile(kfunc, {})) ==
          "program 'test', instruction 1: kernel function with BTF id 77 is not available in userspace");
}

TEST_CASE("accesses outside the frame") {
    CHECK(message("r0 = *(u64 *)(r10 - 512)\nexit") == "compiled");
    CHECK(message("r0 = *(u64 *)(r10 - 520)\nexit") ==
          "program 'test', instruction 0: access of 8 bytes at r10-520 is outside the frame of 512 bytes");
    CHECK(message("r1 = r10\nr1 += -4\n*(u64 *)(r1 + 0) = 1\nr0 = 0\nexit") ==
          "program 'test', instruction 2: access of 8 bytes at r10-4 is outside the frame of 512 bytes");
}

TEST_CASE("programs that did not come through validation") {
    Program broken = program("r0 = 0\nexit");
    broken.insns[0] = {.op = Op::Ja, .off = 50};
    CHECK(outcome(compiler().compile(broken, {})).find("jump to slot 51 leaves the function") != std::string::npos);
    Program partial = program("call sub\nexit\nsub:\nr0 = 0\nexit");
    partial.subprograms.pop_back();
    CHECK(outcome(compiler().compile(partial, {})) ==
          "program 'test': the list of subprograms does not agree with the instructions");
    Program empty;
    CHECK(outcome(compiler().compile(empty, {})).find("the program has no instructions") != std::string::npos);
}

}  // namespace bpftime::test
