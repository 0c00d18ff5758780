// What the undefined symbols of an object mean: the names of abi.h, and no others.
#pragma once

#include <cstdint>
#include <string_view>

#include "vm/linker/load_image.h"

namespace bpftime::aot {

// Functions that the linker writes into the image because they need a table of the object's own.
enum class Thunk : std::uint8_t { MapHandle, MapValues, VariableAddress, Dispatch };
inline constexpr std::size_t kThunkCount = 4;

struct Import {
    enum class Kind : std::uint8_t { Address, Thunk, Unusable } kind = Kind::Address;
    Thunk thunk = Thunk::MapHandle;
    bool code = false;  // Address of a function
    std::uint64_t address = 0;
};

// Refuses a name outside the permitted set, a helper that the metadata does not list or the runtime does not offer, and
// a map that the object has not. Weak symbols of maps without an address are null.
Result<Import> resolve_import(const Linking& linking, std::string_view name, bool weak);

// A row of the table that the map thunks search.
struct MapRow {
    std::uint64_t number, handle, values;
};
struct MapTable {
    std::uint64_t count;
    MapRow rows[];
};
struct VariableTable {
    std::uint64_t count;
    std::uint64_t addresses[];
};

// Writes what a thunk's table holds and returns its size; only measures when `at` is null.
std::size_t write_table(const Linking& linking, Thunk thunk, std::uint8_t* at);
// The C++ function that a lookup thunk jumps to: u64 (u64 argument, const table *).
std::uint64_t lookup_function(Thunk thunk);

}  // namespace bpftime::aot
