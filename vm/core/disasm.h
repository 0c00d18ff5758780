// Instructions as text, and text as instructions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "vm/core/program.h"
#include "vm/core/result.h"

namespace bpftime {

enum class Syntax {
    Llvm,    // as llvm-objdump -d: "r0 = *(u32 *)(r1 + 0x4)", "call 0x1", "if r1 > 0x5 goto +0x2"
    Kernel,  // as the verifier's log and bpftool prog dump xlated: "(61) r0 = *(u32 *)(r1 +4)", "call bpf_map_lookup_elem#1"
};

// One instruction, without slot number; both slots of an lddw together.
std::string disassemble(const Insn& insn, std::uint32_t slot, Syntax syntax, const Program* program = nullptr);

// The whole program, a line an instruction with its slot; subprogram names as labels, source lines as "; text" when known.
std::string disassemble(const Program& program, Syntax syntax);

// Assembles the LLVM syntax above, a statement a line; "#", ";" and "//" begin comments; "name:" defines a label that goto, call and
// lddw "&name" may name. Errors name the line.
Result<std::vector<Insn>> assemble(std::string_view text);

}  // namespace bpftime
