// The compiler behind the shared library's one symbol: checks, lowering, optimisation, code, metadata.
#include <llvm/IR/DiagnosticInfo.h>
#include <llvm/IR/DiagnosticPrinter.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/Support/ErrorHandling.h>
#include <llvm/Support/raw_ostream.h>

#include <algorithm>
#include <mutex>

#include "vm/core/decode.h"
#include "vm/llvm-jit/describe.h"
#include "vm/llvm-jit/emit.h"
#include "vm/llvm-jit/llvm_versions.h"
#include "vm/llvm-jit/module_lowering.h"
#include "vm/llvm-jit/optimise.h"
#include "vm/llvm-jit/target.h"

namespace bpftime::lowering {

namespace {

// LLVM reports what it cannot do at all by calling a handler that must not return; ours unwinds to guarded().
struct FatalError {
    std::string reason;
};
void on_fatal_error(void*, const char* reason, bool) { throw FatalError{reason}; }

// Runs `work`; what LLVM calls fatal becomes an Error.
template <class Work>
auto guarded(const std::string& program, Work work) -> decltype(work()) {
    static std::once_flag once;
    std::call_once(once, [] { llvm::install_fatal_error_handler(on_fatal_error, nullptr); });
    try {
        return work();
    } catch (const FatalError& error) {
        return fail(failure("LLVM cannot compile this: ", error.reason).in_program(program));
    } catch (const std::bad_alloc&) {
        return fail(failure("out of memory while compiling").in_program(program).with_errno(ENOMEM));
    }
}

// Collects LLVM's errors; remarks and warnings are dropped.
class Diagnostics : public llvm::DiagnosticHandler {
public:
    explicit Diagnostics(std::string& errors) : errors_(errors) {}
    bool handleDiagnostics(const llvm::DiagnosticInfo& info) override {
        if (info.getSeverity() != llvm::DS_Error) return true;
        llvm::raw_string_ostream out(errors_);
        llvm::DiagnosticPrinterRawOStream printer(out);
        if (!errors_.empty()) out << "; ";
        info.print(printer);
        return true;
    }

private:
    std::string& errors_;
};

// One compilation: a context of its own, so that several threads may compile at once.
class Compilation {
public:
    Compilation(const Program& program, const CompileOptions& options, bool keep_names, bool spare_stack = false)
        : program_(program), options_(options), spare_stack_(spare_stack), module_(std::make_unique<llvm::Module>(program.name, context_)) {
        context_.setDiscardValueNames(!keep_names);
        context_.setDiagnosticHandler(std::make_unique<Diagnostics>(errors_));
    }

    Status build() {
        BPFTIME_CHECK(check_program());
        target_ = BPFTIME_TRY(make_target(options_));
        compat::set_triple(*module_, target_.triple);
        module_->setDataLayout(target_.machine->createDataLayout());
        module_->setPICLevel(llvm::PICLevel::SmallPIC);
        if (const auto& abi = target_.machine->Options.MCOptions.ABIName; !abi.empty())
            module_->addModuleFlag(llvm::Module::Error, "target-abi", llvm::MDString::get(context_, abi));
        lowering_ = std::make_unique<ModuleLowering>(program_, options_, *module_, target_.triple);
        effort_ = choose_effort(options_.optimise, program_.insns.size(), lowering_->joins(), spare_stack_);
        BPFTIME_CHECK(lowering_->run(effort_.in_memory));
        target_.machine->setOptLevel(code_level(effort_.code_level));
        optimise(*module_, *target_.machine, effort_);
        expand_map_references(*module_);
        if (target_.triple.isX86()) separate_scaled_indices(*module_);
        return check_errors();
    }

    Result<CompiledObject> object() {
        const auto calls = call_graph(*module_);
        CompiledObject result;
        result.elf = BPFTIME_TRY(emit_object(*module_, *target_.machine, effort_.quick));
        BPFTIME_CHECK(check_errors());
        BPFTIME_CHECK(check_imports(result.elf));
        result.metadata = describe(program_, options_, target_, lowering_->flow(), lowering_->types());
        add_native_stack(result.metadata, *lowering_, BPFTIME_TRY(stack_sizes(result.elf)), calls);
        return result;
    }

    std::string text() { return print_ir(*module_, program_); }

private:
    // Programs come from decode() and validate(); one made in another way must not bring the compiler down.
    Status check_program() const {
        auto subprograms = BPFTIME_TRY(validate(program_.insns, program_.maps.size()));
        if (!std::ranges::equal(subprograms, program_.subprograms, {}, &Subprogram::begin, &Subprogram::begin))
            return fail(failure("the list of subprograms does not agree with the instructions"));
        return check_entry_name(options_.entry);
    }

    Status check_errors() const {
        if (errors_.empty()) return {};
        return fail(failure("LLVM: ", errors_));
    }

    const Program& program_;
    const CompileOptions& options_;
    bool spare_stack_;
    std::string errors_;
    llvm::LLVMContext context_;
    std::unique_ptr<llvm::Module> module_;
    Target target_;
    Effort effort_;
    std::unique_ptr<ModuleLowering> lowering_;
};

template <class T>
Result<T> named(Result<T> result, const Program& program) {
    if (!result && result.error().program.empty()) result.error().program = program.name;
    return result;
}

// Bytes of native stack that are worth a second compilation to avoid; the linker refuses twice as much.
constexpr std::uint32_t kMuchStack = 128 * 1024;

class LlvmCompiler final : public Compiler {
public:
    Result<CompiledObject> compile(const Program& program, const CompileOptions& options) const override {
        return named(guarded(program.name,
                             [&]() -> Result<CompiledObject> {
                                 Compilation first(program, options, false);
                                 BPFTIME_CHECK(first.build());
                                 auto object = first.object();
                                 if (!object || object->metadata.native_stack <= kMuchStack) return object;
                                 Compilation second(program, options, false, true);
                                 BPFTIME_CHECK(second.build());
                                 return second.object();
                             }),
                     program);
    }

    Result<std::string> emit_ir(const Program& program, const CompileOptions& options) const override {
        return named(guarded(program.name,
                             [&]() -> Result<std::string> {
                                 Compilation compilation(program, options, true);
                                 BPFTIME_CHECK(compilation.build());
                                 return compilation.text();
                             }),
                     program);
    }

    Result<std::vector<NativeLine>> disassemble(std::span<const std::uint8_t> elf) const override {
        return guarded("", [&] { return disassemble_object(elf); });
    }

    std::string version() const override { return "LLVM " LLVM_VERSION_STRING; }
};

}  // namespace

}  // namespace bpftime::lowering

extern "C" __attribute__((visibility("default"))) const bpftime::Compiler* bpftime_llvm_compiler() {
    static const bpftime::lowering::LlvmCompiler compiler;
    return &compiler;
}
