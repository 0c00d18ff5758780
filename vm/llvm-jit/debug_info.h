// DWARF from the program's BTF lines: a compile unit, one entry a subprogram, a line table.
#pragma once

#include <llvm/IR/DIBuilder.h>
#include <llvm/IR/Module.h>

#include <memory>
#include <vector>

#include "vm/core/program.h"

namespace bpftime::lowering {

class DebugInfo {
public:
    // Does nothing when `enabled` is false or the program has no lines.
    DebugInfo(const Program& program, llvm::Module& module, bool enabled);

    void attach(llvm::Function& function, const Subprogram& subprogram);
    // Where the instruction at `slot` comes from; null when unknown. `function` has been attached.
    llvm::DebugLoc location(const llvm::Function& function, std::uint32_t slot) const;
    void finish();

private:
    llvm::DIFile* file(std::uint32_t index) const;

    const Program& program_;
    std::unique_ptr<llvm::DIBuilder> builder_;
    std::vector<llvm::DIFile*> files_;
};

}  // namespace bpftime::lowering
