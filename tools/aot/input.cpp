#include "tools/aot/input.h"

#include <algorithm>

namespace bpftime::aot {

Result<Program> load_program(const InputOptions& options) {
    ElfOptions elf{.btf_path = options.btf, .programs = {}};
    if (!options.program.empty()) elf.programs = {options.program};
    LoadedObject object = BPFTIME_TRY(load_elf(options.path, elf));
    if (object.programs.size() > 1) {
        std::string names;
        for (const LoadedProgram& program : object.programs) names += cat(names.empty() ? "" : ", ", program.name);
        return fail(failure("holds ", object.programs.size(), " programs: ", names)
                        .in_file(options.path)
                        .with_hint("choose one with --program"));
    }
    if (object.programs.empty()) return fail(failure("holds no program").in_file(options.path));
    auto program = std::move(object.programs.front().program);
    if (!program) return fail(std::move(program).error().in_file(options.path));
    return std::move(*program);
}

}  // namespace bpftime::aot
