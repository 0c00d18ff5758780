#include "vm/llvm-jit/module_lowering.h"

#include <llvm/IR/Constants.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Support/raw_ostream.h>

#include <algorithm>
#include <bit>

#include "vm/llvm-jit/function_lowering.h"
#include "vm/llvm-jit/helper_shapes.h"
#include "vm/llvm-jit/llvm_versions.h"

namespace bpftime::lowering {

namespace {

constexpr std::uint32_t kReadOnlyForPrograms = 1u << 7;  // BPF_F_RDONLY_PROG

bool is_reserved(std::string_view name, const std::string& entry) {
    return name.empty() || name == entry || name.starts_with("llvm.") || name.starts_with("bpftime.") ||
           name.starts_with("__lddw_helper_") || name.starts_with("__bpftime_") || name.starts_with(abi::kHelperPrefix);
}

llvm::MemoryEffects memory_effects(HelperEffect effect) {
    using llvm::MemoryEffects;
    using llvm::ModRefInfo;
    // What a helper keeps for itself (clock, generator, map internals) is no memory of the program's.
    const MemoryEffects own = MemoryEffects::inaccessibleMemOnly(ModRefInfo::ModRef);
    switch (effect) {
        case HelperEffect::Pure: return own;
        case HelperEffect::ReadsArgs: return own | MemoryEffects::argMemOnly(ModRefInfo::Ref);
        case HelperEffect::WritesArgs: return own | MemoryEffects::argMemOnly(ModRefInfo::ModRef);
        case HelperEffect::Any: return MemoryEffects::unknown();
    }
    return MemoryEffects::unknown();
}

void make_pure(llvm::Function& function) {
    function.setDoesNotThrow();
    function.setWillReturn();
    function.setDoesNotAccessMemory();
    function.setSpeculatable();
}

}  // namespace

bool is_foldable(const MapSpec& map, const CompileOptions& options) {
    return options.fold_frozen && map.frozen && (map.flags & kReadOnlyForPrograms) != 0 && !map.contents.empty();
}

ModuleLowering::ModuleLowering(const Program& program, const CompileOptions& options, llvm::Module& module,
                               const llvm::Triple& triple)
    : program_(program),
      options_(options),
      module_(module),
      flow_(analyse_flow(program)),
      types_(program, flow_),
      debug_info_(program, module, options.debug_info),
      has_musttail_(triple.isX86() || triple.isAArch64() || triple.isRISCV()),
      functions_(program.subprograms.size()),
      symbols_(program.subprograms.size()),
      signatures_(program.subprograms.size()) {}

std::size_t ModuleLowering::joins() const {
    std::size_t count = 0;
    for (const std::uint32_t i : flow_.callees_first) {
        const Flow& flow = flow_.subprograms[i];
        for (std::size_t block = 0; block < flow.blocks.size(); ++block)
            if (flow.predecessors[block].size() + (block == 0) > 1)
                count += static_cast<std::size_t>(std::popcount(flow.live_in[block]));
    }
    return count;
}

Status ModuleLowering::run(bool in_memory) {
    in_memory_ = in_memory;
    for (std::size_t i = 0; i < program_.subprograms.size(); ++i)
        if (flow_.subprograms[i].reachable) declare(i);
    for (std::size_t i = 0; i < program_.subprograms.size(); ++i)
        if (flow_.subprograms[i].reachable) BPFTIME_CHECK(FunctionLowering(*this, i).run());
    debug_info_.finish();

    std::string message;
    llvm::raw_string_ostream out(message);
    if (llvm::verifyModule(module_, &out))
        return fail(failure("internal error: the IR made from it is not valid: ", message).in_program(program_.name));
    return {};
}

Signature ModuleLowering::make_signature(std::size_t subprogram) {
    const Flow& flow = flow_.subprograms[subprogram];
    auto* const i64 = llvm::Type::getInt64Ty(context());
    auto* const ptr = llvm::PointerType::getUnqual(context());
    Signature signature;
    std::vector<llvm::Type*> parameters;
    llvm::Type* result = i64;
    if (subprogram == 0) {
        signature.arguments = bit(1) | bit(2);
        parameters = {ptr, i64};
    } else if (flow.address_taken) {
        signature.arguments = kArgumentRegs;
        parameters.assign(5, i64);
    } else {
        signature.hidden = flow.tail_calls;
        if (signature.hidden) parameters = {ptr, i64};
        signature.arguments = flow.arguments;
        const State& at_entry = types_.of(subprogram).at_entry[0];
        for (int reg = 1; reg <= 5; ++reg)
            if (has(flow.arguments, reg))
                parameters.push_back(
                    at_entry[static_cast<std::size_t>(reg)].is_pointer() ? static_cast<llvm::Type*>(ptr) : i64);
        if (types_.of(subprogram).result.is_pointer()) result = ptr;
    }
    signature.type = llvm::FunctionType::get(result, parameters, false);
    return signature;
}

std::string ModuleLowering::symbol_name(const Subprogram& subprogram) const {
    const bool plain = std::ranges::all_of(subprogram.name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
               c == '$';
    });
    if (!plain || is_reserved(subprogram.name, options_.entry)) return cat("sub_", subprogram.begin);
    return subprogram.name;
}

void ModuleLowering::declare(std::size_t subprogram) {
    signatures_[subprogram] = make_signature(subprogram);
    const bool entry = subprogram == 0;
    auto* const function = llvm::Function::Create(
        signatures_[subprogram].type, entry ? llvm::GlobalValue::ExternalLinkage : llvm::GlobalValue::InternalLinkage,
        entry ? options_.entry : symbol_name(program_.subprograms[subprogram]), module_);
    function->setDSOLocal(true);
    if (!entry && !flow_.subprograms[subprogram].address_taken) function->setCallingConv(llvm::CallingConv::Fast);
    for (llvm::Argument& argument : function->args()) argument.addAttr(llvm::Attribute::NoUndef);
    set_attributes(*function);
    debug_info_.attach(*function, program_.subprograms[subprogram]);
    functions_[subprogram] = function;
    symbols_[subprogram] = function->getName().str();
}

void ModuleLowering::set_attributes(llvm::Function& function) {
    function.setDoesNotThrow();
    function.setUWTableKind(llvm::UWTableKind::Async);
    // No calls of C library functions out of recognised loops: an object imports helpers only.
    function.addFnAttr("no-builtins");
    if (options_.cpu.empty() && llvm::Triple(module_.getTargetTriple()).isX86())
        function.addFnAttr("tune-cpu", "generic");
}

llvm::Function* ModuleLowering::helper(std::uint32_t id) {
    const std::string name = abi::helper_symbol(id);
    if (auto* const known = module_.getFunction(name)) return known;
    const HelperShape& shape = helper_shape(id);
    auto* const i64 = llvm::Type::getInt64Ty(context());
    auto* const ptr = llvm::PointerType::getUnqual(context());
    std::vector<llvm::Type*> parameters;
    for (int i = 0; i < shape.arguments; ++i)
        parameters.push_back(has(shape.pointers, i + 1) ? static_cast<llvm::Type*>(ptr) : i64);
    auto* const type =
        llvm::FunctionType::get(shape.returns_pointer ? static_cast<llvm::Type*>(ptr) : i64, parameters, false);
    auto* const function = llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, name, module_);
    function->setDoesNotThrow();
    function->setMemoryEffects(memory_effects(shape.effect));
    if (shape.effect != HelperEffect::Any) function->setWillReturn();
    for (int i = 0; i < shape.arguments; ++i) {
        const Reach reach = shape.reach[static_cast<std::size_t>(i)];
        const auto index = static_cast<unsigned>(i);
        if (reach == Reach::Borrowed || reach == Reach::ReadOnly)
            function->addParamAttr(index, compat::no_capture(context()));
        if (reach == Reach::ReadOnly) function->addParamAttr(index, llvm::Attribute::ReadOnly);
    }
    return function;
}

llvm::Function* ModuleLowering::lddw_function(llvm::StringRef name, llvm::Type* result, llvm::Type* argument) {
    if (auto* const known = module_.getFunction(name)) return known;
    auto* const type = llvm::FunctionType::get(result, {argument}, false);
    auto* const function = llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, name, module_);
    make_pure(*function);
    return function;
}

llvm::Function* ModuleLowering::call_helper_function() {
    const llvm::StringRef name(abi::kCallHelper.data(), abi::kCallHelper.size());
    if (auto* const known = module_.getFunction(name)) return known;
    auto* const i64 = llvm::Type::getInt64Ty(context());
    auto* const type = llvm::FunctionType::get(i64, std::vector<llvm::Type*>(6, i64), false);
    auto* const function = llvm::Function::Create(type, llvm::GlobalValue::ExternalWeakLinkage, name, module_);
    function->setDoesNotThrow();
    return function;
}

llvm::Function* ModuleLowering::stand_in(llvm::StringRef prefix, std::uint32_t index, bool by_index,
                                         llvm::Type* result) {
    const std::string name = cat(std::string_view(prefix), by_index ? "idx." : "fd.", program_.maps[index].number);
    if (auto* const known = module_.getFunction(name)) return known;
    auto* const type = llvm::FunctionType::get(result, false);
    auto* const function = llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, name, module_);
    make_pure(*function);
    return function;
}

llvm::Function* ModuleLowering::map_handle(std::uint32_t index, bool by_index) {
    return stand_in(kMapHandleStandIn, index, by_index, llvm::Type::getInt64Ty(context()));
}

llvm::Function* ModuleLowering::map_values(std::uint32_t index, bool by_index) {
    return stand_in(kMapValuesStandIn, index, by_index, llvm::PointerType::getUnqual(context()));
}

llvm::GlobalVariable* ModuleLowering::weak_values(std::uint32_t index) {
    const std::string name = abi::map_values_symbol(program_.maps[index].number);
    if (auto* const known = module_.getNamedGlobal(name)) return known;
    return new llvm::GlobalVariable(module_, llvm::Type::getInt8Ty(context()), false,
                                    llvm::GlobalValue::ExternalWeakLinkage, nullptr, name);
}

llvm::GlobalVariable* ModuleLowering::folded(std::uint32_t index) {
    const MapSpec& map = program_.maps[index];
    if (!is_foldable(map, options_)) return nullptr;
    llvm::GlobalVariable*& global = folded_[index];
    if (global == nullptr) {
        auto* const bytes = llvm::ConstantDataArray::get(context(), llvm::ArrayRef<std::uint8_t>(map.contents));
        global = new llvm::GlobalVariable(module_, bytes->getType(), true, llvm::GlobalValue::PrivateLinkage, bytes,
                                          cat("rodata.", map.number));
        global->setAlignment(llvm::Align(8));
    }
    return global;
}

}  // namespace bpftime::lowering
