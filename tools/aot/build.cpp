// bpftime-aot build: one native object (or one .ll) for each program of a BPF ELF object.
#include <fmt/format.h>

#include <cstdio>

#include "runtime/loader/elf_loader.h"
#include "tools/aot/compiling.h"
#include "tools/support/files.h"

namespace bpftime::aot {

namespace {

struct BuildOptions : CompileArguments {
    std::string path;
    std::string btf;
    std::vector<std::string> programs;
};

Status build(const BuildOptions& options, const ObjectWriter& writer, const Program& program) {
    std::string path;
    const SealedObject object = BPFTIME_TRY(writer.write(program, file_name(program.name), path));
    if (options.emit_llvm) fmt::print("{}: program '{}'\n", path, program.name);
    else fmt::print("{}: program '{}', {}\n", path, program.name, summary(object.metadata, object.bytes.size()));
    return {};
}

// Builds every program that can be built; the others are told one by one, and the command fails.
Status build_all(const BuildOptions& options) {
    const LoadedObject object = BPFTIME_TRY(load_elf(options.path, {.btf_path = options.btf, .programs = options.programs}));
    if (object.programs.empty()) return fail(failure("holds no program").in_file(options.path));
    if (!options.entry.empty() && object.programs.size() > 1)
        return fail(failure("holds ", object.programs.size(), " programs, but --entry names the entry of one")
                        .in_file(options.path)
                        .with_hint("choose it with --program"));
    const ObjectWriter writer = BPFTIME_TRY(ObjectWriter::create(options));
    Progress progress(object.programs.size());
    std::vector<Error> refused;
    for (const LoadedProgram& program : object.programs) {
        progress.step(program.name);
        Status status = program.program ? build(options, writer, *program.program) : fail(program.program.error());
        progress.clear();
        if (status) continue;
        Error error = std::move(status).error();
        if (error.file.empty()) error.file = options.path;
        if (error.program.empty()) error.program = program.name;
        refused.push_back(std::move(error));
    }
    if (refused.empty()) return {};
    for (std::size_t i = 0; i + 1 < refused.size(); ++i) fmt::print(stderr, "bpftime-aot: {}\n", to_string(refused[i]));
    return fail(std::move(refused.back()));
}

}  // namespace

void add_build(CLI::App& app, Action& action) {
    auto options = std::make_shared<BuildOptions>();
    CLI::App* command = app.add_subcommand("build", "Compile each program of a BPF ELF object to <program>.o");
    command->add_option("EBPF_ELF", options->path, "BPF ELF object, as clang -target bpf writes it")->required();
    command->add_option("--program", options->programs, "build only this program (may be repeated)");
    command->add_option("--btf", options->btf, "BTF to relocate against (CO-RE), the running kernel's by default");
    add_compile_arguments(*command, *options);
    command->callback([options, &action] {
        check_compile_arguments(*options);
        action = [options] { return build_all(*options); };
    });
}

}  // namespace bpftime::aot
