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

#include "vm/llvm-jit/optimise.h"

namespace bpftime::lowering {

namespace {

// What may be such an index once the code generator has combined it with what it is made of: a division by a constant becomes a
// multiplication and a shift, a shift of that a mask.
bool may_become_index(const llvm::Instruction& value) {
    if (!value.getType()->isIntegerTy(32) && !value.getType()->isIntegerTy(64)) return false;
    switch (value.getOpcode()) {
        case llvm::Instruction::And:
        case llvm::Instruction::Shl:
        case llvm::Instruction::LShr:
        case llvm::Instruction::Mul:
        case llvm::Instruction::UDiv:
        case llvm::Instruction::URem:
        case llvm::Instruction::ZExt: return true;
        default: return false;
    }
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
