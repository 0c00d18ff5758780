#include "tools/aot/compiling.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cctype>
#include <cstdio>

#include "runtime/rt/header.h"
#include "tools/aot/keys.h"
#include "tools/aot/targets.h"
#include "vm/linker/abi.h"

namespace bpftime::aot {

Progress::Progress(std::size_t total) : total_(total), shown_(total > 1 && isatty(STDERR_FILENO) != 0) {}
Progress::~Progress() { clear(); }
void Progress::step(const std::string& name) {
    ++done_;
    if (shown_) fmt::print(stderr, "\r\033[Kcompiling {}/{} {}", done_, total_, name);
}
void Progress::clear() const {
    if (shown_) std::fputs("\r\033[K", stderr);
}

void add_compile_arguments(CLI::App& command, CompileArguments& arguments) {
    CompileOptions& compile = arguments.compile;
    command.add_option("-o,--output", arguments.directory, "directory for the results")->capture_default_str();
    command.add_flag("-e,--emit_llvm,--emit-llvm", arguments.emit_llvm, "write readable LLVM IR (<program>.ll) instead of objects");
    command.add_option("--entry", arguments.entry, "name of the entry function, bpf_main by default");
    command.add_flag("--header", arguments.header, "also write <program>.aot.h for C drivers");
    command.add_option("--target", arguments.target, "architecture or LLVM triple to compile for, this machine's by default");
    command.add_option("--mcpu", compile.cpu, "CPU to compile for; 'native' is this machine's, the baseline by default");
    command.add_option("--mattr", compile.features, "CPU features to add or remove: +avx2,-sse4.1");
    command.add_option("-O", compile.optimise, "optimisation level")->check(CLI::Range(0, 3))->capture_default_str();
    command.add_option("--sign", arguments.key_file, "sign the objects with this Ed25519 secret key");
    command.add_flag("--no-debug", arguments.no_debug, "leave out the DWARF line table");
    command.add_flag("--no-fold", arguments.no_fold, "keep frozen read-only maps in memory instead of folding them into the code");
}

void check_compile_arguments(CompileArguments& arguments) {
    CompileOptions& compile = arguments.compile;
    if (!arguments.entry.empty()) {
        if (!is_c_identifier(arguments.entry)) throw UsageError("--entry: '" + arguments.entry + "' is not a C identifier");
        compile.entry = arguments.entry;
    }
    compile.triple = target_triple(arguments.target);
    compile.debug_info = !arguments.no_debug;
    compile.fold_frozen = !arguments.no_fold;
}

Result<ObjectWriter> ObjectWriter::create(const CompileArguments& arguments) {
    ObjectWriter writer(arguments, *BPFTIME_TRY(load_compiler()));
    if (!arguments.key_file.empty()) writer.key_ = BPFTIME_TRY(read_signing_key(arguments.key_file));
    return writer;
}

Result<SealedObject> ObjectWriter::write(const Program& program, const std::string& name, std::string& path) const {
    const std::string base = fmt::format("{}/{}", arguments_.directory, name);
    path = base + (arguments_.emit_llvm ? ".ll" : ".o");
    SealedObject object = BPFTIME_TRY(compile_object(program, arguments_.compile, key_ ? &*key_ : nullptr));
    BPFTIME_CHECK(make_directory(arguments_.directory));
    if (arguments_.emit_llvm) {
        const std::string ir = BPFTIME_TRY(compiler_.emit_ir(program, arguments_.compile));
        BPFTIME_CHECK(write_file(path, ir));
    } else {
        BPFTIME_CHECK(write_file(path, object.bytes));
    }
    if (!arguments_.header) return object;
    const std::string header = BPFTIME_TRY(aot_header(object.metadata));
    BPFTIME_CHECK(write_file(base + ".aot.h", header));
    return object;
}

std::string file_name(std::string_view program) {
    std::string name(program);
    for (char& c : name)
        if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_' && c != '-' && c != '.') c = '_';
    if (name.empty()) name = "program";
    if (name.front() == '.') name.front() = '_';
    return name;
}

std::string verdict(const Metadata& metadata) {
    const bool proved = !metadata.verifier.empty() && metadata.verifier != "structure";
    return proved ? fmt::format("verified by {}", metadata.verifier) : "not verified";
}

std::string summary(const Metadata& metadata, std::size_t bytes) {
    std::string helpers, maps;
    for (const std::uint32_t id : metadata.helpers) helpers += fmt::format(" {}", helper(id)->name);
    for (const MetadataMap& map : metadata.maps) maps += fmt::format(" {}", map.spec.name);
    return fmt::format("{} instructions, {} bytes, helpers:{}, maps:{}", metadata.insn_count, bytes,
                       helpers.empty() ? " none" : helpers, maps.empty() ? " none" : maps);
}

}  // namespace bpftime::aot
