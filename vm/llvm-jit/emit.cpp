#include "vm/llvm-jit/emit.h"

#include <llvm/CodeGen/MachineModuleInfo.h>
#include <llvm/CodeGen/Passes.h>
#include <llvm/CodeGen/TargetPassConfig.h>
#include <llvm/ExecutionEngine/Orc/CompileUtils.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/Support/DataExtractor.h>
#include <llvm/Support/SmallVectorMemoryBuffer.h>

#include "vm/linker/abi.h"
#include "vm/llvm-jit/object_file.h"

namespace bpftime::lowering {

namespace {

using llvm::object::ObjectFile;
using llvm::object::SectionRef;
using llvm::object::SymbolRef;

bool is_permitted(llvm::StringRef name) {
    for (const std::string_view allowed :
         {abi::kMapByFd, abi::kMapByIdx, abi::kMapValue, abi::kVarAddr, abi::kCodeAddr, abi::kCallHelper})
        if (name == llvm::StringRef(allowed.data(), allowed.size())) return true;
    for (const std::string_view prefix : {abi::kHelperPrefix, abi::kMapHandlePrefix, abi::kMapValuesPrefix})
        if (name.starts_with(llvm::StringRef(prefix.data(), prefix.size()))) return true;
    return name == "_GLOBAL_OFFSET_TABLE_" || name == ".TOC.";  // the linker's own
}

// Functions by the offset at which they begin.
std::map<std::uint64_t, std::string> functions_of(const ObjectFile& object) {
    std::map<std::uint64_t, std::string> functions;
    for (const SymbolRef& symbol : object.symbols()) {
        if (value_or<SymbolRef::Type>(symbol.getType(), SymbolRef::ST_Unknown) != SymbolRef::ST_Function) continue;
        functions[value_or<std::uint64_t>(symbol.getAddress(), 0)] =
            value_or<llvm::StringRef>(symbol.getName(), "").str();
    }
    return functions;
}

// Entries of .stack_sizes are an address (a relocation against code) and a ULEB128 number.
void read_stack_section(const ObjectFile& object, const SectionRef& section,
                        const std::map<std::uint64_t, std::string>& functions,
                        std::map<std::string, std::uint32_t>& sizes) {
    const llvm::StringRef contents = value_or<llvm::StringRef>(section.getContents(), "");
    std::map<std::uint64_t, std::uint64_t> addresses;  // by offset in the section
    for_each_relocation(object, section, [&](const llvm::object::RelocationRef& relocation) {
        const auto symbol = relocation.getSymbol();
        const std::uint64_t base = symbol == object.symbol_end() ? 0 : value_or<std::uint64_t>(symbol->getAddress(), 0);
        const auto addend = value_or<std::int64_t>(llvm::object::ELFRelocationRef(relocation).getAddend(), 0);
        addresses[relocation.getOffset()] = base + static_cast<std::uint64_t>(addend);
    });
    const llvm::DataExtractor data(contents, object.isLittleEndian(), 8);
    for (std::uint64_t offset = 0; offset + 9 <= contents.size();) {
        const auto address = addresses.find(offset);
        offset += 8;
        const std::uint64_t size = data.getULEB128(&offset);
        if (address == addresses.end()) continue;
        if (const auto function = functions.find(address->second); function != functions.end())
            sizes[function->second] = static_cast<std::uint32_t>(size);
    }
}

std::vector<std::uint8_t> to_vector(llvm::StringRef bytes) { return {bytes.bytes_begin(), bytes.bytes_end()}; }

// The code generator's own sequence of passes, without those whose time grows faster than the program and whose gain is
// small.
Result<std::vector<std::uint8_t>> emit_quickly(llvm::Module& module, llvm::LLVMTargetMachine& machine) {
    llvm::SmallVector<char, 0> buffer;
    llvm::raw_svector_ostream out(buffer);
    llvm::legacy::PassManager passes;
    llvm::TargetPassConfig* const config = machine.createPassConfig(passes);
    config->setDisableVerify(true);
    passes.add(config);
    auto* const information = new llvm::MachineModuleInfoWrapperPass(&machine);
    passes.add(information);
    for (char* const pass :
         {&llvm::EarlyTailDuplicateID, &llvm::TailDuplicateID, &llvm::OptimizePHIsID, &llvm::EarlyIfConverterID,
          &llvm::MachineCombinerID, &llvm::EarlyMachineLICMID, &llvm::MachineLICMID, &llvm::MachineCSEID,
          &llvm::MachineSinkingID, &llvm::PeepholeOptimizerID, &llvm::MachineSchedulerID, &llvm::ShrinkWrapID,
          &llvm::BranchFolderPassID, &llvm::MachineBlockPlacementID, &llvm::PostRASchedulerID,
          &llvm::MachineCopyPropagationID, &llvm::MachineLateInstrsCleanupID, &llvm::StackSlotColoringID})
        config->disablePass(pass);
    if (config->addISelPasses()) return fail(failure("this target emits no machine code"));
    machine.setFastISel(true);
    config->addMachinePasses();
    config->setInitialized();
    if (machine.addAsmPrinter(passes, out, nullptr, llvm::CodeGenFileType::ObjectFile,
                              information->getMMI().getContext()))
        return fail(failure("this target emits no objects"));
    passes.run(module);
    return to_vector(out.str());
}

}  // namespace

Result<std::vector<std::uint8_t>> emit_object(llvm::Module& module, llvm::TargetMachine& machine, bool quick) {
    if (quick) return emit_quickly(module, static_cast<llvm::LLVMTargetMachine&>(machine));
    llvm::orc::SimpleCompiler compiler(machine);
    auto buffer = compiler(module);
    if (!buffer) return fail(failure("emitting machine code failed: ", llvm::toString(buffer.takeError())));
    return to_vector((*buffer)->getBuffer());
}

std::map<std::string, std::set<std::string>> call_graph(const llvm::Module& module) {
    std::map<std::string, std::set<std::string>> graph;
    for (const llvm::Function& function : module) {
        if (function.isDeclaration()) continue;
        graph[function.getName().str()];
        for (const llvm::User* user : function.users())
            if (const auto* instruction = llvm::dyn_cast<llvm::Instruction>(user))
                graph[instruction->getFunction()->getName().str()].insert(function.getName().str());
    }
    return graph;
}

Result<std::map<std::string, std::uint32_t>> stack_sizes(std::span<const std::uint8_t> elf) {
    const auto object = BPFTIME_TRY(open_object(elf));
    const auto functions = functions_of(*object);
    std::map<std::string, std::uint32_t> sizes;
    for (const SectionRef& section : object->sections())
        if (value_or<llvm::StringRef>(section.getName(), "") == ".stack_sizes")
            read_stack_section(*object, section, functions, sizes);
    return sizes;
}

Status check_imports(std::span<const std::uint8_t> elf) {
    const auto object = BPFTIME_TRY(open_object(elf));
    for (const SymbolRef& symbol : object->symbols()) {
        const std::uint32_t flags = value_or<std::uint32_t>(symbol.getFlags(), 0);
        if ((flags & SymbolRef::SF_Undefined) == 0 || (flags & SymbolRef::SF_FormatSpecific) != 0) continue;
        const llvm::StringRef name = value_or<llvm::StringRef>(symbol.getName(), "");
        if (!is_permitted(name))
            return fail(failure("the code for this target calls '", std::string_view(name),
                                "' of the compiler's runtime library, "
                                "which an object may not import")
                            .with_hint("choose a CPU that has the instruction, with --mcpu"));
    }
    return {};
}

}  // namespace bpftime::lowering
