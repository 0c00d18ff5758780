// What the linker must know of a machine: its relocations, stubs and thunks. Each machine is one arch_*.cpp, and each
// compiles on every host; only host_*.cpp is chosen by the build.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace bpftime::aot {

// Where a relocation patches, while the image is being filled.
struct Place {
    std::uint8_t* bytes = nullptr;  // the field itself
    std::uint64_t address = 0;      // P: where the field will be when the code runs
    std::int64_t addend = 0;        // A
    std::uint64_t offset = 0;       // of the field in its section: how many bytes may be read before it
};

// What the value given to `apply` stands for.
enum class Via : std::uint8_t {
    Symbol,  // S: the symbol's address
    Branch,  // L: S, or a stub that jumps to S when `apply` cannot reach S itself
    Got,     // G: address of a slot that holds S
};

// One row a relocation kind. `formula` is the psABI's, `range` what is required of it; both appear in the message when
// the value does not fit.
struct RelocationKind {
    std::uint32_t type;
    std::string_view name;
    Via via;
    std::uint8_t size;  // bytes patched
    std::string_view formula, range;
    bool (*apply)(const Place& place, std::uint64_t value);  // false: out of range, nothing written
    // Got only, may be null: changes the instruction to use S instead of the slot. False: not possible, nothing
    // written.
    bool (*relax)(const Place& place, std::uint64_t symbol) = nullptr;
    bool low = false;  // the image must lie in the lowest 2 GiB for it to fit
};

inline constexpr std::size_t kStubSize = 16;
inline constexpr std::size_t kLookupThunkSize = 32;
inline constexpr std::size_t kDispatchThunkSize = 64;

struct Target {
    std::uint16_t machine;     // e_machine
    std::string_view triple;   // first component of its triples: "x86_64"
    std::uint32_t code_align;  // of every instruction
    std::span<const RelocationKind> relocations;
    // Jumps to `to`, changing only registers that the procedure call standard gives to linkers. kStubSize bytes.
    void (*write_stub)(std::uint8_t* at, std::uint64_t to);
    // f(x) -> function(x, table). kLookupThunkSize bytes.
    void (*write_lookup)(std::uint8_t* at, std::uint64_t function, std::uint64_t table);
    // f(id, r1..r5) -> table[id](r1..r5); -EINVAL where id >= limit or table[id] is null. kDispatchThunkSize bytes.
    void (*write_dispatch)(std::uint8_t* at, std::uint64_t table, std::uint32_t limit);
};

extern const Target kX86_64;
extern const Target kAArch64;

const RelocationKind* relocation_kind(const Target& target, std::uint32_t type);

// This host.
enum class Support : std::uint8_t { Present, Missing, Unknown };
struct Host {
    const Target& target;
    Support (*feature)(std::string_view name);  // by LLVM's name of a CPU feature: "avx2"
};
extern const Host kHost;

}  // namespace bpftime::aot
