// bpftime-aot build: one native object (or one .ll) for each program of a BPF ELF object.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "runtime/loader/elf_loader.h"
#include "runtime/rt/header.h"
#include "tools/aot/command.h"
#include "tools/support/files.h"
#include "tools/aot/targets.h"
#include "vm/linker/abi.h"
#include "vm/llvm-jit/compiler.h"

namespace bpftime::aot {

namespace {

struct BuildOptions {
    std::string path;
    std::string directory = ".";
    std::string btf;
    std::vector<std::string> programs;
    std::string entry;
    std::string key_file;
    std::string target;
    CompileOptions compile;
    bool emit_llvm = false;
    bool header = false;
    bool no_debug = false;
    bool no_fold = false;
};

// A line of progress on a terminal, erased when the next one comes.
class Progress {
public:
    explicit Progress(std::size_t total) : total_(total), shown_(total > 1 && isatty(STDERR_FILENO) != 0) {}
    ~Progress() {
        if (shown_) std::fputs("\r\033[K", stderr);
    }
    void step(const std::string& name) {
        ++done_;
        if (shown_) fmt::print(stderr, "\r\033[Kbuilding {}/{} {}", done_, total_, name);
    }
    void clear() const {
        if (shown_) std::fputs("\r\033[K", stderr);
    }

private:
    std::size_t total_, done_ = 0;
    bool shown_;
};

Result<SigningKey> read_key(const std::string& path) {
    const Bytes bytes = BPFTIME_TRY(read_file(path));
    auto key = parse_signing_key(bytes);
    if (!key) return fail(std::move(key).error().in_file(path));
    return key;
}

std::string summary(const std::string& path, const Metadata& metadata, std::size_t bytes) {
    std::string helpers, maps;
    for (const std::uint32_t id : metadata.helpers) helpers += fmt::format(" {}", helper(id)->name);
    for (const MetadataMap& map : metadata.maps) maps += fmt::format(" {}", map.spec.name);
    return fmt::format("{}: program '{}', {} instructions, {} bytes, helpers:{}, maps:{}\n", path, metadata.program,
                       metadata.insn_count, bytes, helpers.empty() ? " none" : helpers, maps.empty() ? " none" : maps);
}

class Builder {
public:
    Builder(const BuildOptions& options, const Compiler& compiler, const SigningKey* key)
        : options_(options), compiler_(compiler), key_(key) {}

    Status build(const Program& program) const {
        const std::string base = fmt::format("{}/{}", options_.directory, program.name);
        const SealedObject object = BPFTIME_TRY(compile_object(program, options_.compile, key_));
        BPFTIME_CHECK(make_directory(options_.directory));
        if (options_.emit_llvm) {
            const std::string ir = BPFTIME_TRY(compiler_.emit_ir(program, options_.compile));
            BPFTIME_CHECK(write_file(base + ".ll", ir));
            fmt::print("{}.ll: program '{}'\n", base, program.name);
        } else {
            BPFTIME_CHECK(write_file(base + ".o", object.bytes));
            fmt::print("{}", summary(base + ".o", object.metadata, object.bytes.size()));
        }
        if (!options_.header) return {};
        const std::string header = BPFTIME_TRY(aot_header(object.metadata));
        return write_file(base + ".aot.h", header);
    }

private:
    const BuildOptions& options_;
    const Compiler& compiler_;
    const SigningKey* key_;
};

// Builds every program that can be built; the others are told one by one, and the command fails.
Status build_all(const BuildOptions& options) {
    const LoadedObject object = BPFTIME_TRY(load_elf(options.path, {.btf_path = options.btf, .programs = options.programs}));
    if (object.programs.empty()) return fail(failure("holds no program").in_file(options.path));
    if (!options.entry.empty() && object.programs.size() > 1)
        return fail(failure("holds ", object.programs.size(), " programs, but --entry names the entry of one")
                        .in_file(options.path)
                        .with_hint("choose it with --program"));
    SigningKey key;
    if (!options.key_file.empty()) key = BPFTIME_TRY(read_key(options.key_file));
    const Compiler* compiler = BPFTIME_TRY(load_compiler());
    const Builder builder(options, *compiler, options.key_file.empty() ? nullptr : &key);
    Progress progress(object.programs.size());
    std::vector<Error> refused;
    for (const LoadedProgram& program : object.programs) {
        progress.step(program.name);
        Status status = program.program ? builder.build(*program.program) : fail(program.program.error());
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
    command->add_option("-o,--output", options->directory, "directory for the results")->capture_default_str();
    command->add_flag("-e,--emit_llvm,--emit-llvm", options->emit_llvm, "write readable LLVM IR (<program>.ll) instead of objects");
    command->add_option("--program", options->programs, "build only this program (may be repeated)");
    command->add_option("--entry", options->entry, "name of the entry function, bpf_main by default");
    command->add_flag("--header", options->header, "also write <program>.aot.h for C drivers");
    command->add_option("--target", options->target, "architecture or LLVM triple to compile for, this machine's by default");
    command->add_option("--mcpu", options->compile.cpu, "CPU to compile for; 'native' is this machine's, the baseline by default");
    command->add_option("--mattr", options->compile.features, "CPU features to add or remove: +avx2,-sse4.1");
    command->add_option("-O", options->compile.optimise, "optimisation level")->check(CLI::Range(0, 3))->capture_default_str();
    command->add_option("--btf", options->btf, "BTF to relocate against (CO-RE), the running kernel's by default");
    command->add_option("--sign", options->key_file, "sign the objects with this Ed25519 secret key");
    command->add_flag("--no-debug", options->no_debug, "leave out the DWARF line table");
    command->add_flag("--no-fold", options->no_fold, "keep frozen read-only maps in memory instead of folding them into the code");
    command->callback([options, &action] {
        if (!options->entry.empty()) {
            if (!is_c_identifier(options->entry)) throw UsageError("--entry: '" + options->entry + "' is not a C identifier");
            options->compile.entry = options->entry;
        }
        options->compile.triple = target_triple(options->target);
        options->compile.debug_info = !options->no_debug;
        options->compile.fold_frozen = !options->no_fold;
        action = [options] { return build_all(*options); };
    });
}

}  // namespace bpftime::aot
