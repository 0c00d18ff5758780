// bpftime-aot disasm: bytecode, LLVM IR or native code, interleaved with the source; or the control-flow graph.
#include <fmt/format.h>

#include "tools/aot/command.h"
#include "tools/aot/dot.h"
#include "tools/support/files.h"
#include "tools/aot/input.h"
#include "tools/aot/targets.h"
#include "vm/core/disasm.h"
#include "vm/llvm-jit/compiler.h"

namespace bpftime::aot {

namespace {

struct DisasmOptions {
    InputOptions input;
    CompileOptions compile;
    std::string target;
    std::string syntax = "llvm";
    bool ir = false;
    bool native = false;
    bool dot = false;
};

void print_source(const NativeLine& line, const Program* program) {
    fmt::print("; {}:{}", line.source_file, line.source_line);
    if (program != nullptr)
        for (const SourceLine& known : program->lines)
            if (known.line == line.source_line && program->source_files[known.file].ends_with(line.source_file)) {
                fmt::print(" {}", known.text);
                break;
            }
    fmt::print("\n");
}

Status print_native(const Bytes& object, const Program* program) {
    const Compiler* compiler = BPFTIME_TRY(load_compiler());
    const auto lines = BPFTIME_TRY(compiler->disassemble(object));
    std::int64_t shown = -1;
    for (const NativeLine& line : lines) {
        if (!line.symbol.empty()) fmt::print("{}{}:\n", line.address == 0 ? "" : "\n", line.symbol);
        if (line.source_line > 0 && line.source_line != shown) print_source(line, program);
        if (line.source_line > 0) shown = line.source_line;
        fmt::print("{:8x}:  {}\n", line.address, line.text);
    }
    return {};
}

Status print_program(const DisasmOptions& options, const Program& program) {
    if (options.dot) {
        fmt::print("{}", control_flow_graph(program));
        return {};
    }
    if (!options.ir && !options.native) {
        fmt::print("{}", disassemble(program, options.syntax == "kernel" ? Syntax::Kernel : Syntax::Llvm));
        return {};
    }
    const Compiler* compiler = BPFTIME_TRY(load_compiler());
    if (options.ir) {
        fmt::print("{}", BPFTIME_TRY(compiler->emit_ir(program, options.compile)));
        return {};
    }
    const CompiledObject object = BPFTIME_TRY(compiler->compile(program, options.compile));
    return print_native(object.elf, &program);
}

Status disasm(const DisasmOptions& options) {
    const Bytes contents = BPFTIME_TRY(read_file(options.input.path));
    Status done;
    if (file_kind(contents) == FileKind::Native) {
        done = options.ir || options.dot ? fail(failure("a native object holds neither IR nor a control-flow graph"))
                                         : print_native(contents, nullptr);
    } else {
        const LoadedObject object =
            BPFTIME_TRY(load_elf(options.input.path, {.btf_path = options.input.btf,
                                                      .programs = options.input.program.empty()
                                                                      ? std::vector<std::string>{}
                                                                      : std::vector{options.input.program}}));
        for (const LoadedProgram& program : object.programs) {
            if (!done) break;
            if (object.programs.size() > 1 && !options.dot) fmt::print("; program {} ({})\n", program.name, program.section);
            done = program.program ? print_program(options, *program.program) : fail(program.program.error());
        }
    }
    if (!done && done.error().file.empty()) done.error().file = options.input.path;
    return done;
}

}  // namespace

void add_disasm(CLI::App& app, Action& action) {
    auto options = std::make_shared<DisasmOptions>();
    CLI::App* command = app.add_subcommand("disasm", "Show a program as bytecode, LLVM IR, native code or control-flow graph");
    command->add_option("PATH", options->input.path, "BPF ELF object or native object")->required();
    command->add_option("--program", options->input.program, "only this program of a BPF ELF object");
    command->add_option("--syntax", options->syntax, "how bytecode is written")
        ->check(CLI::IsMember({"llvm", "kernel"}))
        ->capture_default_str();
    auto* form = command->add_option_group("form", "what to show, the bytecode by default");
    form->add_flag("--ir", options->ir, "optimised LLVM IR");
    form->add_flag("--native", options->native, "native code (always so for a native object)");
    form->add_flag("--dot", options->dot, "control-flow graph of the bytecode, for Graphviz");
    form->require_option(0, 1);
    command->add_option("--target", options->target, "architecture or LLVM triple to compile for, this machine's by default");
    command->add_option("--mcpu", options->compile.cpu, "CPU to compile for");
    command->add_option("-O", options->compile.optimise, "optimisation level")->check(CLI::Range(0, 3))->capture_default_str();
    command->add_option("--btf", options->input.btf, "BTF to relocate against (CO-RE), the running kernel's by default");
    command->callback([options, &action] {
        options->compile.triple = target_triple(options->target);
        action = [options] { return disasm(*options); };
    });
}

}  // namespace bpftime::aot
