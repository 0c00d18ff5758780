#include "vm/llvm-jit/debug_info.h"

#include <llvm/BinaryFormat/Dwarf.h>
#include <llvm/IR/DebugInfoMetadata.h>
#include <llvm/Support/Path.h>

namespace bpftime::lowering {

namespace {

llvm::DIFile* make_file(llvm::DIBuilder& builder, llvm::StringRef path) {
    return builder.createFile(llvm::sys::path::filename(path), llvm::sys::path::parent_path(path));
}

}  // namespace

DebugInfo::DebugInfo(const Program& program, llvm::Module& module, bool enabled) : program_(program) {
    if (!enabled || program.lines.empty()) return;
    builder_ = std::make_unique<llvm::DIBuilder>(module);
    for (const std::string& path : program.source_files) files_.push_back(make_file(*builder_, path));
    if (files_.empty()) files_.push_back(make_file(*builder_, program.name + ".bpf.c"));
    builder_->createCompileUnit(llvm::dwarf::DW_LANG_C11, files_[0], "bpftime " BPFTIME_VERSION, /*isOptimized=*/true,
                                "", 0, "", llvm::DICompileUnit::LineTablesOnly);
    module.addModuleFlag(llvm::Module::Warning, "Debug Info Version", llvm::DEBUG_METADATA_VERSION);
    module.addModuleFlag(llvm::Module::Max, "Dwarf Version", 4);
}

llvm::DIFile* DebugInfo::file(std::uint32_t index) const { return files_[index < files_.size() ? index : 0]; }

void DebugInfo::attach(llvm::Function& function, const Subprogram& subprogram) {
    if (!builder_) return;
    const SourceLine* line = program_.line_at(subprogram.begin);
    const unsigned number = line != nullptr ? line->line : 0;
    llvm::DIFile* const where = file(line != nullptr ? line->file : 0);
    auto* const type = builder_->createSubroutineType(builder_->getOrCreateTypeArray({}));
    const auto flags =
        llvm::DISubprogram::SPFlagDefinition | llvm::DISubprogram::SPFlagOptimized |
        (function.hasLocalLinkage() ? llvm::DISubprogram::SPFlagLocalToUnit : llvm::DISubprogram::SPFlagZero);
    function.setSubprogram(builder_->createFunction(where, subprogram.name, function.getName(), where, number, type,
                                                    number, llvm::DINode::FlagPrototyped, flags));
}

llvm::DebugLoc DebugInfo::location(const llvm::Function& function, std::uint32_t slot) const {
    if (!builder_) return {};
    llvm::DISubprogram* const subprogram = function.getSubprogram();
    const SourceLine* line = program_.line_at(slot);
    if (line == nullptr) return llvm::DILocation::get(function.getContext(), 0, 0, subprogram);
    llvm::DIScope* scope = subprogram;
    if (file(line->file) != subprogram->getFile())
        scope = llvm::DILexicalBlockFile::get(function.getContext(), subprogram, file(line->file), 0);
    return llvm::DILocation::get(function.getContext(), line->line, line->column, scope);
}

void DebugInfo::finish() {
    if (builder_) builder_->finalize();
}

}  // namespace bpftime::lowering
