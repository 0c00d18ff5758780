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

bool is_masked_shift(const llvm::Value& value) {
    using namespace llvm::PatternMatch;
    const llvm::APInt* mask = nullptr;
    if (!match(&value, m_And(m_LShr(m_Value(), m_ConstantInt()), m_APInt(mask)))) return false;
    const unsigned zeros = mask->countr_zero();
    return value.getType()->isIntegerTy() && zeros >= 1 && zeros <= 3;
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
        for (llvm::Instruction& instruction : llvm::instructions(function)) {
            if (!is_masked_shift(instruction)) continue;
            found.push_back(&instruction);
            for (llvm::User* user : instruction.users())
                if (llvm::isa<llvm::ZExtInst>(user)) found.push_back(llvm::cast<llvm::Instruction>(user));
        }
    for (llvm::Instruction* instruction : found) separate(*instruction);
}

}  // namespace bpftime::lowering
