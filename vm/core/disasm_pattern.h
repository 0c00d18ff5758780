// One text pattern per opcode and syntax, read in both directions: the disassembler fills the holes, the assembler matches
// them. Everything outside braces stands for itself; a hole names an operand:
//   {rd} {rs}  64-bit register dst, src     {wd} {ws}  32-bit register
//   {nd} {ns}  either, printed r            {hd} {hs}  either, printed w
//   {i}  32-bit immediate                   {c}  32-bit immediate of a comparison
//   {m}  memory displacement                {j}  distance of a jump or local call, or a label
//   {l}  64-bit immediate                   {p}  payload of an lddw that is not a plain number
//   {h}  helper                             {k}  kernel function
//   {a} {b}  high and low 16 bits of imm    {x}  displacement of an indirect packet load
#pragma once

#include <string>

#include "vm/core/disasm.h"
#include "vm/core/insn.h"

namespace bpftime::detail {

// The pattern of `op`; empty for LddwHigh. The kernel's leading "(opcode) " is not part of it.
const std::string& text_pattern(Op op, Syntax syntax);

}  // namespace bpftime::detail
