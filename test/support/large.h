// Programs that LLVM takes for large ones and compiles in the way meant for those.
#pragma once

#include "vm/core/decode.h"

namespace bpftime::test {

// `program` and `more` instructions behind it that control never reaches.
inline Result<Program> enlarged(Program program, std::size_t more) {
    program.insns.resize(program.insns.size() + more, Insn{.op = Op::Exit});
    program.subprograms = BPFTIME_TRY(validate(program.insns, program.maps.size()));
    return program;
}

inline constexpr std::size_t kLarge = 25'000;

}  // namespace bpftime::test
