// What every engine takes and gives: a Program and the Bindings that say what its references mean in this process, in; an
// Executable, out.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "vm/core/helpers.h"
#include "vm/core/program.h"
#include "vm/core/result.h"

namespace bpftime {

// A helper as native code calls it: r1..r5 in, r0 out. Helpers that take fewer arguments ignore the rest.
using HelperFn = std::uint64_t (*)(std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t);

// A program as native code: r1 = ctx, r2 = size, returns r0.
using Entry = std::uint64_t (*)(void* ctx, std::uint64_t size);

// Helper 12 is part of the control flow: it returns the Entry to continue with, or 0 to fall through to the next instruction.
// The caller jumps to it with its own ctx and size; the helper counts, and refuses the 34th in a row.
inline constexpr std::uint32_t kTailCallHelper = 12;

// A map in this process.
struct MapBinding {
    MapSpec spec;                // the linker matches objects by name and shape; other engines by position
    std::uint64_t handle = 0;    // what lddw src=1 loads and map helpers take
    std::uint64_t values = 0;    // address of the first value: what lddw src=2 is relative to; 0 if the map has none
    std::uint64_t stride = 0;    // bytes from one value to the next where values lie in a row by index, else 0
};

// What a program's references mean here. Engines copy what they need; the objects pointed to outlive the Executable.
struct Bindings {
    std::array<HelperFn, kHelperLimit> helpers{};  // by id; null: not offered, and a program that calls it is refused
    std::vector<MapBinding> maps;                  // as Program::maps
    std::vector<std::uint64_t> variables;          // address by id, for lddw src=3
};

// A program ready to run. Owns its code. Safe to run from several threads at once unless the engine says otherwise.
class Executable {
public:
    virtual ~Executable() = default;
    virtual std::uint64_t run(void* ctx, std::uint64_t size) const = 0;
    // The native entry, valid as long as this object; null for the interpreter.
    virtual Entry entry() const { return nullptr; }
    // Bytes of native code, 0 for the interpreter.
    virtual std::size_t code_size() const { return 0; }
};

// Refuses a program that `bindings` cannot serve: a helper not offered, fewer maps than it refers to, a kernel function,
// legacy packet access, a variable without address. Every engine calls it first.
Status check_bindings(const Program& program, const Bindings& bindings);

}  // namespace bpftime
