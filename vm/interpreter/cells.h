// The program as the fast interpreter executes it: a cell a slot, so that jump distances stay those of the program.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "vm/core/engine.h"
#include "vm/interpreter/callbacks.h"

namespace bpftime::interpreter {

// What follows an instruction's handler. A slot that holds no instruction of its own (the second of an lddw) is `constant`.
union Operands {
    struct {
        std::int32_t imm;  // immediate; distance of a local call, goto or gotol
        std::int16_t off;  // displacement in bytes, or distance of a conditional jump in slots
        std::uint8_t dst;
        std::uint8_t src;
    } insn;
    HelperFn helper;
    std::uint64_t constant;
};

struct Cell {
    const void* handler;  // label in execute()
    Operands operands;
};
static_assert(sizeof(Cell) == 16);

// A translated program. Owns the callbacks that its code addresses lead to, which point back to it: neither copied nor moved.
struct Image {
    std::vector<Cell> cells;
    std::array<HelperFn, kHelperLimit> helpers{};  // for calls by a number in a register
    std::vector<CallbackSlot> callbacks;

    Image() = default;
    Image(const Image&) = delete;
    Image& operator=(const Image&) = delete;
};

// Registers r1..r5 at the start of a run.
using Arguments = std::array<std::uint64_t, 5>;

// Runs from `pc` until the exit of the frame it starts in; returns r0. `args` are also what a tail call hands on (r1, r2).
std::uint64_t execute(const Image& image, const Cell* pc, const Arguments& args);

// Labels of execute(): one an Op, then the special ones.
enum class Special : std::uint8_t { TailCall, Constant, Count };
inline constexpr std::size_t kHandlerCount = kOpCount + static_cast<std::size_t>(Special::Count);
const void* const* handlers();
inline const void* handler(Op op) { return handlers()[static_cast<std::size_t>(op)]; }
inline const void* handler(Special op) { return handlers()[kOpCount + static_cast<std::size_t>(op)]; }

}  // namespace bpftime::interpreter
