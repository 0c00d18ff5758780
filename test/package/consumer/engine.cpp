// An embedder: assembles a program and runs it on two engines of the installed libraries.
#include <cstdio>

#include "runtime/helpers/helpers.h"
#include "vm/core/decode.h"
#include "vm/core/disasm.h"
#include "vm/interpreter/interpreter.h"
#include "vm/ubpf-jit/ubpf_jit.h"

int main() {
    using namespace bpftime;
    Program program{.name = "twice"};
    program.insns = assemble("r0 = *(u32 *)(r1 + 0)\nr0 *= 2\nexit\n").value();
    program.subprograms = validate(program.insns, 0).value();
    const Bindings bindings = default_bindings();
    unsigned memory = 21;
    for (const auto& engine : {interpret, ubpf_jit}) {
        const auto code = engine(program, bindings).value();
        if (code->run(&memory, sizeof memory) != 42) return 1;
    }
    std::puts("engines: 42");
}
