// How a program of libbpftime comes to its code and its maps.
#pragma once

#include "runtime/api/handles.h"

namespace bpftime::api {

// bpftime_load_options, checked.
struct LoadRequest {
    std::string program;
    std::string engine;
    std::vector<const bpftime_map*> maps;
    std::vector<std::vector<std::uint8_t>> trusted_keys;
    bool unverified = false, own_maps = false;
};
Result<LoadRequest> read_options(const struct bpftime_load_options* given);

Result<Bytes> read_input(const std::string& path);

// A native object or a program of a BPF ELF object, with the maps that it needs.
Result<std::unique_ptr<bpftime_program>> load(std::shared_ptr<Registry> registry, ByteView bytes, const std::string& name,
                                              const LoadRequest& request);

// The code of a program of the registry: its native object if it has one, else its bytecode on the engine asked for.
Result<std::unique_ptr<Executable>> code_of(const Registry& registry, const ProgramObject& object, const LoadRequest& request);

}  // namespace bpftime::api
