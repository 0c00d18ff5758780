// Bytes to instructions and back, and the structural rules that need no knowledge of values.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "vm/core/encoding.h"
#include "vm/core/insn.h"
#include "vm/core/program.h"
#include "vm/core/result.h"

namespace bpftime {

// Decodes a whole program, slot by slot. Refuses unknown opcodes, reserved fields that are not zero, registers above r10,
// writes to r10, lddw without its second half, an empty program and one of more than kMaxInsns slots.
Result<std::vector<Insn>> decode(std::span<const RawInsn> code);

// The same for bytes, whose number must be a multiple of 8.
Result<std::vector<Insn>> decode(std::span<const std::uint8_t> bytes);

// The exact inverse: encode(decode(x)) == x for every x that decode accepts.
std::vector<RawInsn> encode(std::span<const Insn> insns);

// Checks what holds between instructions and splits the program into subprograms: jump targets lie in the same subprogram
// and not inside an lddw, calls and code addresses lead to instructions, control never falls off a subprogram's end, map
// references lie within `map_count`, helper ids are known, calls nest at most kMaxCallDepth deep and never recurse.
// The entry is the subprogram at slot 0; the result is ordered by `begin` and its names are "entry", "sub_<slot>".
Result<std::vector<Subprogram>> validate(std::span<const Insn> insns, std::size_t map_count);

// decode + validate into a Program with no maps and no debug information.
Result<Program> make_program(std::span<const std::uint8_t> bytes, std::string name = "program");

}  // namespace bpftime
