// Keeps LLVM 19's x86 instruction selector from an access to freed memory.
//
// The selector turns an index "(x >> c) & mask", whose mask ends in one to three zeros, into a scaled one. It replaces
// the node of the mask and deletes it, also while another operand of the instruction being selected (the value that a
// store writes, the other side of an addition with the loaded value) is that very node: the compiler crashes, or the
// operand is lost. An empty assembler statement between the value and its uses as data makes two nodes of them.
#include <llvm/ADT/SmallVector.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InlineAsm.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/PatternMatch.h>

#include "vm/llvm-jit/optimise.h"

namespace bpftime::lowering {

namespace {

// What is such a mask, or becomes one: the code generator makes "(x >> c) & mask" of "(x >> b) << a", and its shifts of divisions by
// constants too.
bool may_become_index(const llvm::Instruction& value) {
    using namespace llvm::PatternMatch;
    if (!value.getType()->isIntegerTy()) return false;
    const auto scales = [](unsigned bits) { return bits >= 1 && bits <= 3; };
    const llvm::APInt* constant = nullptr;
    if (match(&value, m_Shl(m_Value(), m_APInt(constant)))) return constant->ule(3);
    if (match(&value, m_And(m_Value(), m_APInt(constant))) || match(&value, m_Mul(m_Value(), m_APInt(constant))))
        return scales(constant->countr_zero());
    const auto* const extended = llvm::dyn_cast<llvm::ZExtInst>(&value);
    const auto* const narrow = extended ? llvm::dyn_cast<llvm::Instruction>(extended->getOperand(0)) : nullptr;
    return narrow != nullptr && may_become_index(*narrow);
}

// True of an instruction that makes an address, or part of one, of its operand.
bool makes_address(const llvm::User& user, int depth = 4) {
    if (llvm::isa<llvm::GetElementPtrInst, llvm::IntToPtrInst>(user)) return true;
    if (depth == 0 || !llvm::isa<llvm::BinaryOperator, llvm::ZExtInst>(user)) return false;
    return std::ranges::any_of(user.users(), [&](const llvm::User* next) { return makes_address(*next, depth - 1); });
}

void separate(llvm::Instruction& value) {
    llvm::SmallVector<llvm::Use*> data;
    bool addresses = false;
    for (llvm::Use& use : value.uses())
        if (makes_address(*use.getUser())) addresses = true;
        else data.push_back(&use);
    if (!addresses || data.empty()) return;
    llvm::IRBuilder<> builder(value.getNextNode());
    llvm::Type* const type = value.getType();
    auto* const nothing = llvm::InlineAsm::get(llvm::FunctionType::get(type, {type}, false), "", "=r,0", false);
    llvm::CallInst* const copy = builder.CreateCall(nothing, {&value});
    copy->setDoesNotThrow();
    copy->setDoesNotAccessMemory();
    for (llvm::Use* use : data) use->set(copy);
}

}  // namespace

void separate_scaled_indices(llvm::Module& module) {
    llvm::SmallVector<llvm::Instruction*> found;
    for (llvm::Function& function : module)
        for (llvm::Instruction& instruction : llvm::instructions(function))
            if (may_become_index(instruction)) found.push_back(&instruction);
    for (llvm::Instruction* instruction : found) separate(*instruction);
}

}  // namespace bpftime::lowering
