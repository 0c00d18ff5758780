// Programs for tests of the template JIT, from text or from instructions.
#pragma once

#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "test/catch.h"
#include "vm/core/code_memory.h"
#include "vm/core/decode.h"
#include "vm/core/disasm.h"
#include "vm/ubpf-jit/ubpf_jit.h"

namespace bpftime::test {

inline Program make(std::vector<Insn> insns) {
    Program program;
    program.name = "test";
    auto subprograms = validate(insns, 0);
    if (!subprograms) FAIL(to_string(subprograms.error()));
    program.subprograms = std::move(*subprograms);
    program.insns = std::move(insns);
    return program;
}

inline Program make(std::string_view text) {
    auto insns = assemble(text);
    if (!insns) FAIL(to_string(insns.error()));
    return make(std::move(*insns));
}

// Code from ubpf_emit: for the architecture's baseline, nothing reached by displacement.
class Baseline {
public:
    explicit Baseline(const Program& program, const Bindings& bindings = {}) {
        auto code = ubpf_emit(program, bindings, host_arch());
        if (!code) FAIL(to_string(code.error()));
        auto memory = CodeMemory::publish({.code = code->size()}, nullptr, [&](const CodePointers& to) -> Status {
            std::memcpy(to.code, code->data(), code->size());
            return {};
        });
        if (!memory) FAIL(to_string(memory.error()));
        memory_ = std::move(*memory);
    }
    std::uint64_t run(void* ctx, std::uint64_t size) const {
        return reinterpret_cast<Entry>(reinterpret_cast<std::uintptr_t>(memory_.code()))(ctx, size);
    }

private:
    CodeMemory memory_;
};

inline std::unique_ptr<Executable> jit(const Program& program, const Bindings& bindings = {}) {
    auto executable = ubpf_jit(program, bindings);
    if (!executable) FAIL(to_string(executable.error()));
    return std::move(*executable);
}

inline std::uint64_t run(std::string_view text, void* ctx = nullptr, std::uint64_t size = 0, const Bindings& bindings = {}) {
    return jit(make(text), bindings)->run(ctx, size);
}

}  // namespace bpftime::test
