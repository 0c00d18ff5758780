// Single-pass template JIT: no IR, fixed register map, the default where LLVM is absent.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "vm/core/engine.h"

namespace bpftime {

enum class Arch : std::uint8_t { X86_64, AArch64 };

// The architecture this process runs on.
Arch host_arch();

// Native code for `program`, position independent, entry at offset 0. Works for either architecture on any host; helper
// addresses and map handles from `bindings` are built in.
Result<std::vector<std::uint8_t>> ubpf_emit(const Program& program, const Bindings& bindings, Arch arch);

// ubpf_emit for this host, published.
Result<std::unique_ptr<Executable>> ubpf_jit(const Program& program, const Bindings& bindings);

}  // namespace bpftime
