// A whole program as an LLVM module: functions, outside symbols, maps and debug information.
#pragma once

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "vm/core/program.h"
#include "vm/core/result.h"
#include "vm/linker/abi.h"
#include "vm/llvm-jit/compiler.h"
#include "vm/llvm-jit/debug_info.h"
#include "vm/llvm-jit/flow.h"
#include "vm/llvm-jit/types.h"

namespace bpftime::lowering {

// Stand-ins for a map's handle and for the address of its first value: pure functions that the optimiser may merge and
// hoist, replaced by expand_map_references() when it is done.
inline constexpr llvm::StringLiteral kMapHandleStandIn = "bpftime.map_handle.";
inline constexpr llvm::StringLiteral kMapValuesStandIn = "bpftime.map_values.";

// How a subprogram is called. Hidden arguments come first, then those of r1..r5 that it reads.
struct Signature {
    llvm::FunctionType* type = nullptr;
    bool hidden = false;  // takes the entry's ctx and size, for tail calls
    RegSet arguments = 0;
};

class ModuleLowering {
public:
    ModuleLowering(const Program& program, const CompileOptions& options, llvm::Module& module,
                   const llvm::Triple& triple);

    // Fills the module. `in_memory` keeps registers in memory between blocks, not in phis.
    Status run(bool in_memory);

    // Values that meet where several jumps lead: the most phis that the module may get.
    std::size_t joins() const;

    const Program& program() const { return program_; }
    const ProgramFlow& flow() const { return flow_; }
    const ProgramTypes& types() const { return types_; }
    llvm::Module& module() { return module_; }
    llvm::LLVMContext& context() { return module_.getContext(); }
    DebugInfo& debug_info() { return debug_info_; }

    llvm::Function* function(std::size_t subprogram) const { return functions_[subprogram]; }
    // Its symbol in the module; empty when it is not reachable.
    const std::string& symbol(std::size_t subprogram) const { return symbols_[subprogram]; }
    const Signature& signature(std::size_t subprogram) const { return signatures_[subprogram]; }

    // Declarations, made at their first use.
    llvm::Function* helper(std::uint32_t id);
    llvm::Function* lddw_function(llvm::StringRef name, llvm::Type* result, llvm::Type* argument);
    llvm::Function* call_helper_function();
    llvm::Function* map_handle(std::uint32_t index, bool by_index);
    llvm::Function* map_values(std::uint32_t index, bool by_index);

    // Weak symbol whose address is the map's first value.
    llvm::GlobalVariable* weak_values(std::uint32_t index);

    // The map's contents as a constant, or null when they may change or must not be folded.
    llvm::GlobalVariable* folded(std::uint32_t index);

    bool in_memory() const { return in_memory_; }

    // Whether this target can be made to turn a call into a jump.
    bool has_musttail() const { return has_musttail_; }

private:
    Signature make_signature(std::size_t subprogram);
    void declare(std::size_t subprogram);
    void set_attributes(llvm::Function& function);
    std::string symbol_name(const Subprogram& subprogram) const;
    llvm::Function* stand_in(llvm::StringRef prefix, std::uint32_t index, bool by_index, llvm::Type* result);

    const Program& program_;
    const CompileOptions& options_;
    llvm::Module& module_;
    ProgramFlow flow_;
    ProgramTypes types_;
    DebugInfo debug_info_;
    bool has_musttail_;
    bool in_memory_ = false;
    std::vector<llvm::Function*> functions_;
    std::vector<std::string> symbols_;
    std::vector<Signature> signatures_;
    std::map<std::uint32_t, llvm::GlobalVariable*> folded_;
};

// True of a map whose contents are constants that the code may contain.
bool is_foldable(const MapSpec& map, const CompileOptions& options);

// Gives the stand-ins their meaning: the weak symbol where the linker provides it, else a call of the lddw functions.
void expand_map_references(llvm::Module& module);

}  // namespace bpftime::lowering
