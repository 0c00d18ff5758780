// libFuzzer: arbitrary bytes through decoder, encoder, validation, both printers and the assembler.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "vm/core/decode.h"
#include "vm/core/disasm.h"

using namespace bpftime;

namespace {

void require(bool condition, const char* what) {
    if (condition) return;
    std::fprintf(stderr, "%s\n", what);
    std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto insns = decode(std::span(data, size));
    if (!insns) {
        require(!insns.error().cause.empty(), "a refusal without a cause");
        return 0;
    }
    const std::vector<RawInsn> code = encode(*insns);
    require(code.size() * sizeof(RawInsn) == size, "encode() changes the length");
    require(std::memcmp(code.data(), data, size) == 0, "encode(decode(x)) is not x");

    Program program;
    program.name = "fuzz";
    program.insns = *insns;
    const auto subprograms = validate(program.insns, 4);
    if (!subprograms) {
        require(!subprograms.error().cause.empty(), "a refusal without a cause");
        for (std::uint32_t slot = 0; slot < insns->size(); ++slot)
            if ((*insns)[slot].op != Op::LddwHigh) (void)disassemble((*insns)[slot], slot, Syntax::Llvm);
        return 0;
    }
    require(!subprograms->empty() && subprograms->front().begin == 0, "the entry is not first");
    require(subprograms->back().end == insns->size(), "subprograms do not cover the program");
    program.subprograms = *subprograms;
    (void)disassemble(program, Syntax::Kernel);
    const auto again = assemble(disassemble(program, Syntax::Llvm));
    require(again.has_value(), "the assembler refuses what the disassembler wrote");
    require(*again == *insns, "assemble(disassemble(x)) is not x");
    return 0;
}
