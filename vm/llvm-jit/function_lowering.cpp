#include "vm/llvm-jit/function_lowering.h"

#include <llvm/ADT/SmallPtrSet.h>
#include <llvm/IR/Dominators.h>
#include <llvm/Transforms/Utils/PromoteMemToReg.h>

#include <algorithm>

namespace bpftime::lowering {

namespace {

std::size_t at(int reg) { return static_cast<std::size_t>(reg); }

}  // namespace

FunctionLowering::FunctionLowering(ModuleLowering& module, std::size_t subprogram)
    : module_(module),
      program_(module.program()),
      flow_(module.flow().subprograms[subprogram]),
      types_(module.types().of(subprogram)),
      subprogram_(subprogram),
      function_(module.function(subprogram)),
      builder_(module.context()) {}

Status FunctionLowering::run() {
    make_entry();
    for (const std::uint32_t i : flow_.order) BPFTIME_CHECK(lower_block(i));
    remove_trivial_phis();
    if (budget_ != nullptr) {
        llvm::DominatorTree tree(*function_);
        llvm::PromoteMemToReg({budget_}, tree);
    }
    return {};
}

// ---- Blocks
// -------------------------------------------------------------------------------------------------------------

void FunctionLowering::make_entry() {
    auto& context = module_.context();
    entry_ = llvm::BasicBlock::Create(context, "entry", function_);
    for (const Block& block : flow_.blocks)
        blocks_.push_back(llvm::BasicBlock::Create(context, "bb_" + llvm::Twine(block.begin), function_));
    at_exit_.resize(flow_.blocks.size());
    phis_.resize(flow_.blocks.size());
    for (std::uint32_t i = 0; i < flow_.blocks.size(); ++i)
        if (!module_.in_memory() && flow_.predecessors[i].size() + (i == 0) > 1) make_phis(i);
    builder_.SetInsertPoint(entry_);
    if (types_.frame_bytes != 0) {
        frame_ =
            builder_.CreateAlloca(llvm::ArrayType::get(builder_.getInt8Ty(), types_.frame_bytes), nullptr, "frame");
        frame_->setAlignment(llvm::Align(16));
    }
    block_ = kNoBlock;
    set_slot(flow_.blocks[0].begin);
    bind_arguments();
    leave_block(0);
    builder_.CreateBr(blocks_[0]);
}

// Gives the registers their values at the start: arguments, and 0 for the rest.
void FunctionLowering::bind_arguments() {
    const Signature& signature = module_.signature(subprogram_);
    registers_.fill({});
    for (Register& reg : registers_) reg.type = {Kind::Zero, 0};
    registers_[kFramePointer].type = {Kind::Frame, 0};
    auto* argument = function_->arg_begin();
    if (signature.hidden) {
        context_ = argument++;
        size_ = argument++;
        context_->setName("ctx");
        size_->setName("size");
    }
    for (int reg = 1; reg <= 5; ++reg) {
        if (!has(signature.arguments, reg)) continue;
        llvm::Argument* const value = argument++;
        value->setName(subprogram_ != 0 ? "r" + llvm::Twine(reg) : reg == 1 ? "ctx" : "size");
        registers_[at(reg)].type = value->getType()->isPointerTy() ? Type{Kind::Pointer, 0} : Type{Kind::Integer, 0};
        (value->getType()->isPointerTy() ? registers_[at(reg)].pointer : registers_[at(reg)].wide) = value;
    }
    if (subprogram_ == 0) {
        context_ = function_->getArg(0);
        size_ = function_->getArg(1);
    }
}

Status FunctionLowering::lower_block(std::uint32_t index) {
    const Block& block = flow_.blocks[index];
    enter_block(index);
    for (std::uint32_t slot = block.begin; slot < block.end; ++slot) {
        set_slot(slot);
        BPFTIME_CHECK(lower(program_.insns[slot]));
    }
    if (builder_.GetInsertBlock()->getTerminator() == nullptr) {
        leave_block(block.next);
        builder_.CreateBr(blocks_[block.next]);
    }
    return {};
}

void FunctionLowering::make_phis(std::uint32_t index) {
    builder_.SetInsertPoint(blocks_[index]);
    phis_[index] = std::make_unique<std::array<llvm::PHINode*, kRegisters>>();
    const auto edges = static_cast<unsigned>(flow_.predecessors[index].size() + (index == 0));
    for (int reg = 0; reg < kFramePointer; ++reg) {
        const Form form = form_of(types_.at_entry[index][at(reg)]);
        if (!has(flow_.live_in[index], reg) || form == Form::None) continue;
        llvm::Type* const type = form == Form::Wide   ? builder_.getInt64Ty()
                                 : form == Form::Word ? builder_.getInt32Ty()
                                                      : static_cast<llvm::Type*>(builder_.getPtrTy());
        slot_ = flow_.blocks[index].begin;
        (*phis_[index])[at(reg)] = builder_.CreatePHI(type, edges, name(reg));
    }
}

// Registers at the start of a block: those at its only predecessor's end, or phis.
void FunctionLowering::enter_block(std::uint32_t index) {
    block_ = index;
    written_ = types_.written[index];
    builder_.SetInsertPoint(blocks_[index]);
    builder_.SetCurrentDebugLocation({});
    if (module_.in_memory()) return load_registers(index);
    if (phis_[index] == nullptr) {
        if (index != 0) registers_ = *at_exit_[flow_.predecessors[index][0]];
    } else {
        registers_.fill({});
        for (std::size_t reg = 0; reg < kRegisters; ++reg) {
            Register& value = registers_[reg];
            value.type = types_.at_entry[index][reg];
            llvm::PHINode* const phi = (*phis_[index])[reg];
            if (phi == nullptr) continue;
            const Form form = form_of(value.type);
            (form == Form::Wide ? value.wide : form == Form::Word ? value.word : value.pointer) = phi;
        }
    }
    for (int reg = 0; reg < kFramePointer; ++reg)
        if (has(flow_.live_in[index], reg)) convert(reg, types_.at_entry[index][at(reg)]);
}

// The registers that the block reads before it changes them; the others stay where they are kept.
void FunctionLowering::load_registers(std::uint32_t index) {
    const Block& block = flow_.blocks[index];
    registers_.fill({});
    for (std::size_t reg = 0; reg < kRegisters; ++reg) registers_[reg].type = types_.at_entry[index][reg];
    kept_ = 0;
    RegSet reads = 0, writes = 0;
    for (std::uint32_t slot = block.begin; slot < block.end; ++slot) {
        const Access access = access_of(program_, module_.flow(), slot);
        reads |= access.reads & ~writes;
        writes |= access.writes;
    }
    for (int reg = 0; reg < kFramePointer; ++reg) {
        Register& value = registers_[at(reg)];
        const Form form = form_of(value.type);
        if (form == Form::None) continue;
        kept_ |= bit(reg);
        if (!has(reads, reg)) continue;
        llvm::Value* const kept = builder_.CreateLoad(builder_.getInt64Ty(), variable(reg));
        if (form == Form::Wide) value.wide = kept;
        else if (form == Form::Word) value.word = builder_.CreateTrunc(kept, builder_.getInt32Ty());
        else value.pointer = builder_.CreateIntToPtr(kept, builder_.getPtrTy());
    }
}

// Puts away the registers that block `to` may read and whose values are not there yet.
void FunctionLowering::store_registers(std::uint32_t to) {
    for (int reg = 0; reg < kFramePointer; ++reg) {
        const bool needed = has(flow_.live_in[to], reg) && form_of(types_.at_entry[to][at(reg)]) != Form::None;
        if (!needed || has(kept_, reg)) continue;
        builder_.CreateStore(wide(reg), variable(reg));
        kept_ |= bit(reg);
    }
}

llvm::AllocaInst* FunctionLowering::variable(int reg) {
    llvm::AllocaInst*& result = variables_[at(reg)];
    if (result == nullptr) {
        llvm::IRBuilder<> at_start(entry_, entry_->begin());
        result = at_start.CreateAlloca(at_start.getInt64Ty());
    }
    return result;
}

// Makes a register be of another type that its value has as well.
void FunctionLowering::convert(int reg, Type type) {
    if (registers_[at(reg)].type == type) return;
    if (const Form form = form_of(type); form != Form::None) in_form(reg, form);
    registers_[at(reg)].type = type;
}

Status FunctionLowering::lower(const Insn& insn) {
    switch (info(insn.op).family) {
        case Family::Alu:
            if (info(insn.op).alu() == AluOp::AddrSpaceCast)
                return fail(refuse("addr_space_cast needs an arena map, which this runtime does not have"));
            lower_alu(insn);
            return {};
        case Family::Endian: lower_endian(insn); return {};
        case Family::Jump: lower_jump(insn); return {};
        case Family::Load: return lower_load(insn);
        case Family::Store: return lower_store(insn);
        case Family::Atomic: return lower_atomic(insn);
        case Family::Lddw: return lower_lddw(insn);
        case Family::Packet:
            return fail(refuse("legacy packet access needs a kernel socket buffer",
                               "load through the context's data and data_end instead"));
        case Family::Control: return lower_control(insn);
        case Family::High: return {};
    }
    return {};
}

// Hands the registers on to block `to`.
void FunctionLowering::leave_block(std::uint32_t to) {
    if (module_.in_memory()) return store_registers(to);
    if (phis_[to] == nullptr) {
        if (block_ != kNoBlock && at_exit_[block_] == nullptr)
            at_exit_[block_] = std::make_unique<Registers>(registers_);
        return;
    }
    for (int reg = 0; reg < kFramePointer; ++reg)
        if (llvm::PHINode* const phi = (*phis_[to])[at(reg)]; phi != nullptr) {
            llvm::Value* const value = in_form(reg, form_of(types_.at_entry[to][at(reg)]));
            phi->addIncoming(value, builder_.GetInsertBlock());
        }
}

// Phis whose operands are all one value (or the phi itself) are that value; removing one may make another trivial.
void FunctionLowering::remove_trivial_phis() {
    std::vector<llvm::PHINode*> work;
    for (const auto& phis : phis_)
        if (phis != nullptr)
            for (llvm::PHINode* const phi : *phis)
                if (phi != nullptr) work.push_back(phi);
    std::ranges::reverse(work);
    llvm::SmallPtrSet<llvm::PHINode*, 16> removed;
    while (!work.empty()) {
        llvm::PHINode* const phi = work.back();
        work.pop_back();
        if (removed.contains(phi)) continue;
        llvm::Value* same = nullptr;
        bool trivial = true;
        for (llvm::Value* const operand : phi->operands()) {
            if (operand == phi || operand == same) continue;
            trivial = same == nullptr;
            same = operand;
            if (!trivial) break;
        }
        if (!trivial || same == nullptr) continue;
        for (llvm::User* const user : phi->users())
            if (auto* const other = llvm::dyn_cast<llvm::PHINode>(user); other != nullptr && other != phi)
                work.push_back(other);
        phi->replaceAllUsesWith(same);
        removed.insert(phi);
    }
    for (llvm::PHINode* const phi : removed) phi->eraseFromParent();
}

llvm::BasicBlock* FunctionLowering::new_block(const char* purpose) {
    return llvm::BasicBlock::Create(module_.context(), purpose + llvm::Twine("_") + llvm::Twine(slot_), function_,
                                    builder_.GetInsertBlock()->getNextNode());
}

// ---- Registers
// ----------------------------------------------------------------------------------------------------------

FunctionLowering::Form FunctionLowering::form_of(Type type) {
    switch (type.kind) {
        case Kind::Word: return Form::Word;
        case Kind::Integer: return Form::Wide;
        case Kind::Pointer: return Form::Pointer;
        default: return Form::None;  // known without a variable
    }
}

llvm::Value* FunctionLowering::wide(int reg) {
    Register& value = registers_[at(reg)];
    if (value.wide != nullptr) return value.wide;
    switch (value.type.kind) {
        case Kind::None:
        case Kind::Zero:
        case Kind::Integer: value.wide = builder_.getInt64(0); break;  // an Integer has this form from the start
        case Kind::Word: value.wide = builder_.CreateZExt(word(reg), builder_.getInt64Ty()); break;
        case Kind::Map:
            value.wide = builder_.CreateCall(module_.map_handle(map_index(value.type), is_by_index(value.type)));
            break;
        case Kind::Frame:
        case Kind::Pointer: value.wide = builder_.CreatePtrToInt(pointer(reg), builder_.getInt64Ty()); break;
    }
    return value.wide;
}

llvm::Value* FunctionLowering::word(int reg) {
    Register& value = registers_[at(reg)];
    if (value.word == nullptr) value.word = builder_.CreateTrunc(wide(reg), builder_.getInt32Ty());
    return value.word;
}

llvm::Value* FunctionLowering::pointer(int reg) {
    Register& value = registers_[at(reg)];
    if (value.pointer != nullptr) return value.pointer;
    switch (value.type.kind) {
        case Kind::None:
        case Kind::Zero: value.pointer = llvm::ConstantPointerNull::get(builder_.getPtrTy()); break;
        case Kind::Frame: value.pointer = frame_address(value.type.detail); break;
        default: value.pointer = builder_.CreateIntToPtr(wide(reg), builder_.getPtrTy()); break;
    }
    return value.pointer;
}

llvm::Value* FunctionLowering::in_form(int reg, Form form) {
    return form == Form::Wide ? wide(reg) : form == Form::Word ? word(reg) : pointer(reg);
}

llvm::Value* FunctionLowering::frame_address(std::int64_t offset) {
    if (frame_ == nullptr) return llvm::ConstantPointerNull::get(builder_.getPtrTy());  // its address is never used
    const std::int64_t from_start = static_cast<std::int64_t>(types_.frame_bytes) + offset;
    return builder_.CreateGEP(builder_.getInt8Ty(), frame_, builder_.getInt64(static_cast<std::uint64_t>(from_start)));
}

// The type of the register that the current instruction defines.
Type FunctionLowering::defined_type() const {
    State state;
    for (std::size_t i = 0; i < kRegisters; ++i) state[i] = registers_[i].type;
    return module_.types().defined(state, slot_);
}

// Sets a register to a value in any form; the analysis says which one it is kept in. Null: the type says it all.
void FunctionLowering::define(int reg, llvm::Value* value) {
    const Type type = defined_type();
    registers_[at(reg)] = {.type = type};
    kept_ &= ~bit(reg);
    if (value == nullptr) return;
    Register& result = registers_[at(reg)];
    auto* const llvm_type = value->getType();
    switch (type.kind) {
        case Kind::Word:
            result.word =
                llvm_type->isIntegerTy(32) ? value : builder_.CreateTrunc(value, builder_.getInt32Ty(), name(reg));
            if (llvm_type->isIntegerTy(64)) result.wide = value;
            break;
        case Kind::Integer:
            result.wide = llvm_type->isPointerTy() ? builder_.CreatePtrToInt(value, builder_.getInt64Ty(), name(reg))
                          : llvm_type->isIntegerTy(32) ? builder_.CreateZExt(value, builder_.getInt64Ty(), name(reg))
                                                       : value;
            break;
        case Kind::Pointer:
            result.pointer =
                llvm_type->isPointerTy() ? value : builder_.CreateIntToPtr(value, builder_.getPtrTy(), name(reg));
            break;
        default: return;  // a constant, a map, an address of the frame: made when it is needed
    }
    if (llvm::isa<llvm::Instruction>(value) && !value->hasName()) value->setName(name(reg));
}

void FunctionLowering::set_slot(std::uint32_t slot) {
    slot_ = slot;
    builder_.SetCurrentDebugLocation(module_.debug_info().location(*function_, slot));
}

std::string FunctionLowering::name(int reg) const {
    return module_.context().shouldDiscardValueNames() ? std::string() : cat("r", reg, "_", slot_);
}

Error FunctionLowering::refuse(std::string_view cause, std::string_view hint) const {
    return failure(cause).at(slot_).in_program(program_.name).with_hint(hint);
}

}  // namespace bpftime::lowering
