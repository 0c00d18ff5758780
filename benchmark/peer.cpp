// Engines from outside, through the C functions of peer.h.
#include "benchmark/peer.h"

#include <dlfcn.h>

#include <cstring>

#include "benchmark/contestant.h"
#include "benchmark/timing.h"
#include "vm/core/decode.h"

namespace bpftime::benchmark {

namespace {

struct Library {
    decltype(&bpftime_peer_compile) compile = nullptr;
    decltype(&bpftime_peer_run) run = nullptr;
    decltype(&bpftime_peer_entry) entry = nullptr;
    decltype(&bpftime_peer_free) free = nullptr;
};

class PeerProgram : public Executable {
public:
    PeerProgram(const Library& library, void* program) : library_(library), program_(program) {}
    ~PeerProgram() override { library_.free(program_); }
    std::uint64_t run(void* ctx, std::uint64_t size) const override { return library_.run(program_, ctx, size); }
    Entry entry() const override {
        return library_.entry ? reinterpret_cast<Entry>(library_.entry(program_)) : nullptr;
    }

private:
    Library library_;
    void* program_;
};

// The program's bytes with every map load a plain constant.
std::vector<std::uint64_t> flat_code(const Program& program, const Bindings& bindings) {
    std::vector<Insn> insns = program.insns;
    for (Insn& insn : insns) {
        if (!is_map_reference(insn.op)) continue;
        const MapBinding& map = bindings.maps[insn.map_index()];
        const bool value = insn.op == Op::LddwMapValue || insn.op == Op::LddwMapValueByIdx;
        insn.imm = static_cast<std::int64_t>(value ? map.values + insn.map_offset() : map.handle);
        insn.op = Op::LddwImm;
    }
    const std::vector<RawInsn> raw = encode(insns);
    std::vector<std::uint64_t> code(raw.size());
    std::memcpy(code.data(), raw.data(), raw.size() * sizeof(RawInsn));
    return code;
}

Result<Ready> prepare(const Library& library, const Input& input) {
    const auto code = flat_code(input.program, input.bindings);
    const auto compile = [&] { return library.compile(code.data(), code.size(), input.bindings.helpers.data()); };
    void* program = compile();
    if (!program) return fail(failure("the peer does not compile it"));
    Ready result;
    result.compile_us = median_us(input.time ? 11 : 0, now_ns, [&] {
        library.free(program);
        program = compile();
    });
    if (!program) return fail(failure("the peer does not compile it twice"));
    auto code_object = std::make_shared<PeerProgram>(library, program);
    result.entry = code_object->entry();
    result.code = std::move(code_object);
    return result;
}

}  // namespace

Result<Contestant> load_peer(const std::string& argument) {
    const auto equals = argument.find('=');
    if (equals == std::string::npos || equals == 0)
        return fail(failure("--peer takes NAME=LIBRARY, not '", argument, "'"));
    const std::string path = argument.substr(equals + 1);
    void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle) return fail(failure("cannot load the peer: ", dlerror()));
    Library library;
    library.compile = reinterpret_cast<decltype(library.compile)>(dlsym(handle, "bpftime_peer_compile"));
    library.run = reinterpret_cast<decltype(library.run)>(dlsym(handle, "bpftime_peer_run"));
    library.entry = reinterpret_cast<decltype(library.entry)>(dlsym(handle, "bpftime_peer_entry"));
    library.free = reinterpret_cast<decltype(library.free)>(dlsym(handle, "bpftime_peer_free"));
    if (!library.compile || !library.run || !library.free)
        return fail(failure("the peer lacks a function of benchmark/peer.h").in_file(path));
    return Contestant{argument.substr(0, equals), [library](const Input& input) { return prepare(library, input); }};
}

}  // namespace bpftime::benchmark
