#include "tools/conformance-plugin/engines.h"

#include <algorithm>
#include <string>

#include "vm/interpreter/interpreter.h"
#ifdef BPFTIME_WITH_UBPF
#include "vm/ubpf-jit/ubpf_jit.h"
#endif
#ifdef BPFTIME_WITH_COMPILER
#include "vm/linker/linker.h"
#include "vm/llvm-jit/compiler.h"
#endif

namespace bpftime {

namespace {

using Loaded = Result<std::unique_ptr<Executable>>;

#ifdef BPFTIME_WITH_COMPILER
Loaded llvm(const Program& program, const Bindings& bindings) { return llvm_jit(program, bindings); }

Loaded aot(const Program& program, const Bindings& bindings) {
    const SealedObject object = BPFTIME_TRY(compile_object(program, {}));
    return link_object(object.bytes, bindings);
}
#endif

constexpr Engine kEngines[] = {
    {"interpreter", interpret},
#ifdef BPFTIME_WITH_UBPF
    {"ubpf", ubpf_jit},
#endif
#ifdef BPFTIME_WITH_COMPILER
    {"llvm", llvm},
    {"aot", aot},
#endif
};

}  // namespace

std::span<const Engine> engines() { return kEngines; }

Result<const Engine*> find_engine(std::string_view name) {
    const auto* found = std::ranges::find(kEngines, name, &Engine::name);
    if (found != std::end(kEngines)) return found;
    std::string names;
    for (const Engine& engine : kEngines) names += cat(names.empty() ? "" : ", ", engine.name);
    return fail(failure("there is no engine '", name, "'").with_hint(cat("this build has ", names)));
}

}  // namespace bpftime
