// What each register holds at each point: pointers are told from integers without a verifier, by data flow. Free of
// LLVM.
//
// Forward: r10 is a pointer into the frame, r1 of the entry is the context, lddw and helpers' prototypes tell the rest;
// moves and additions keep it. Backward: a value that is dereferenced later is wanted as a pointer from its definition
// on, so that a pointer loaded from memory becomes one with a single conversion. A wrong guess costs speed, not
// correctness: a pointer that was an integer is one by conversion, which LLVM takes to point anywhere.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <vector>

#include "vm/core/program.h"
#include "vm/llvm-jit/flow.h"

namespace bpftime::lowering {

enum class Kind : std::uint8_t {
    None,     // no value reaches this point
    Zero,     // the constant 0: a number or a null pointer
    Word,     // a number below 2^32, kept in 32 bits
    Integer,  // any 64 bits
    Map,      // handle of the map `detail`
    Frame,    // r10 + `detail`
    Pointer,
};

struct Type {
    Kind kind = Kind::None;
    std::int32_t detail = 0;  // Map: index into Program::maps. Frame: bytes from r10.

    constexpr bool operator==(const Type&) const = default;
    constexpr bool is_pointer() const { return kind == Kind::Pointer || kind == Kind::Frame; }
};

// Map types remember whether the reference was by descriptor or by index (lddw src=1 or 5).
inline constexpr std::int32_t kByIndex = 1 << 30;
constexpr std::uint32_t map_index(Type type) { return static_cast<std::uint32_t>(type.detail & ~kByIndex); }
constexpr bool is_by_index(Type type) { return (type.detail & kByIndex) != 0; }

using State = std::array<Type, kRegisters>;

// Bytes of a frame, by their distance from its lowest one.
using FrameBytes = std::bitset<kStackSize>;

// The bytes from r10 + `offset` on, as far as the frame goes.
FrameBytes frame_bytes(std::int64_t offset, int bytes);

// What the analysis knows of one subprogram.
struct SubprogramTypes {
    std::vector<State> at_entry;             // of each block of its Flow; meaningful for registers live there
    State arguments{};                       // of r1..r5, joined over its call sites
    Type result;                             // of r0 at its exits
    std::uint32_t frame_bytes = kStackSize;  // that it can touch; a multiple of 16
    bool frame_escapes = false;              // its addresses go where they cannot be followed
    std::vector<FrameBytes> written;         // at the entry of each block: stored to on every way there
};

class ProgramTypes {
public:
    ProgramTypes(const Program& program, const ProgramFlow& flow);

    const SubprogramTypes& of(std::size_t subprogram) const { return subprograms_[subprogram]; }

    // Whether a pointer of unknown origin may lead into a frame.
    bool frames_escape() const { return frames_escape_; }

    // Replays the effect of the instruction at `slot` on the registers.
    void step(State& state, std::uint32_t slot) const;

    // The type of the register that the instruction at `slot` defines.
    Type defined(const State& state, std::uint32_t slot) const;

private:
    struct Wishes {
        std::vector<RegSet> at_entry;  // by block: registers used as addresses before they change
    };

    bool infer(std::uint32_t subprogram);
    bool infer_block(std::uint32_t subprogram, std::uint32_t block, std::vector<std::uint32_t>& changed);
    void find_wishes(std::uint32_t subprogram);
    RegSet wishes_before(const State& state, std::uint32_t slot, RegSet wishes) const;
    bool merge(Type& into, Type from, bool wished) const;
    State start_state(std::uint32_t subprogram) const;
    void measure_frame(std::uint32_t subprogram);
    void find_written(std::uint32_t subprogram);
    void mark_written(FrameBytes& written, State& state, const Block& block) const;
    Type defined_by_alu(const State& state, const Insn& insn) const;
    Type defined_by_call(std::uint32_t slot) const;

    const Program& program_;
    const ProgramFlow& flow_;
    std::vector<SubprogramTypes> subprograms_;
    bool frames_escape_ = false;
    std::vector<Wishes> wishes_;        // by subprogram
    std::vector<std::uint8_t> wished_;  // by slot: what it defines is used as an address later
};

// The register that an instruction defines, or -1.
int defined_register(const Insn& insn);

// True when the instruction dereferences `reg`.
bool needs_address(const Insn& insn, int reg);

}  // namespace bpftime::lowering
