// The functions of peer.h around this project's own template JIT.
#include <algorithm>
#include <memory>

#include "benchmark/peer.h"
#include "vm/core/decode.h"
#include "vm/ubpf-jit/ubpf_jit.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

EXPORT void* bpftime_peer_compile(const uint64_t* instructions, size_t count, const bpftime_peer_helper* helpers) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(instructions);
    const auto program = bpftime::make_program({bytes, count * 8});
    if (!program) return nullptr;
    bpftime::Bindings bindings;
    std::copy_n(helpers, bindings.helpers.size(), bindings.helpers.begin());
    auto code = bpftime::ubpf_jit(*program, bindings);
    return code ? code->release() : nullptr;
}

EXPORT uint64_t bpftime_peer_run(void* program, void* memory, uint64_t size) {
    return static_cast<bpftime::Executable*>(program)->run(memory, size);
}

EXPORT void* bpftime_peer_entry(void* program) {
    return reinterpret_cast<void*>(static_cast<bpftime::Executable*>(program)->entry());
}

EXPORT void bpftime_peer_free(void* program) { delete static_cast<bpftime::Executable*>(program); }
