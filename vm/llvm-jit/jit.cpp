// The LLVM JIT engine: the AOT compiler, then the linker, in memory.
#include "vm/linker/linker.h"
#include "vm/llvm-jit/compiler.h"

namespace bpftime {

Result<std::unique_ptr<Executable>> llvm_jit(const Program& program, const Bindings& bindings, const CompileOptions& options) {
    BPFTIME_CHECK(check_bindings(program, bindings));
    const Compiler* const compiler = BPFTIME_TRY(load_compiler());
    CompileOptions here = options;
    here.triple.clear();
    if (here.cpu.empty()) here.cpu = "native";
    CompiledObject object = BPFTIME_TRY(compiler->compile(program, here));
    object.metadata.tag = program_tag(program);
    object.metadata.program_info = program_info_digest(object.metadata);
    const auto sealed = BPFTIME_TRY(seal(object.elf, object.metadata));
    return link_object(sealed, bindings, {.entry = here.entry});
}

}  // namespace bpftime
