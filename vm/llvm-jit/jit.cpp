// The LLVM JIT engine: the AOT compiler, then the linker, in memory.
#include "vm/linker/linker.h"
#include "vm/llvm-jit/compiler.h"

namespace bpftime {

Result<SealedObject> compile_object(const Program& program, const CompileOptions& options, const SigningKey* key) {
    const Compiler* const compiler = BPFTIME_TRY(load_compiler());
    CompiledObject object = BPFTIME_TRY(compiler->compile(program, options));
    object.metadata.tag = program_tag(program);
    object.metadata.program_info = program_info_digest(object.metadata);
    auto bytes = BPFTIME_TRY(seal(object.elf, object.metadata, key));
    return SealedObject{.bytes = std::move(bytes), .metadata = std::move(object.metadata)};
}

Result<std::unique_ptr<Executable>> llvm_jit(const Program& program, const Bindings& bindings,
                                             const CompileOptions& options) {
    BPFTIME_CHECK(check_bindings(program, bindings));
    CompileOptions here = options;
    here.triple.clear();
    if (here.cpu.empty()) here.cpu = "native";
    const SealedObject object = BPFTIME_TRY(compile_object(program, here));
    return link_object(object.bytes, bindings, {.entry = here.entry});
}

}  // namespace bpftime
