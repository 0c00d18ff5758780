#include "vm/llvm-jit/function_lowering.h"

#include <llvm/IR/Dominators.h>
#include <llvm/Transforms/Utils/PromoteMemToReg.h>

namespace bpftime::lowering {

namespace {

std::size_t at(int reg) { return static_cast<std::size_t>(reg); }

}  // namespace

FunctionLowering::FunctionLowering(ModuleLowering& module, std::size_t subprogram)
    : module_(module), program_(module.program()), flow_(module.flow().subprograms[subprogram]),
      types_(module.types().of(subprogram)), subprogram_(subprogram), function_(module.function(subprogram)),
      builder_(module.context()) {}

Status FunctionLowering::run() {
    make_entry();
    for (std::uint32_t i = 0; i < flow_.blocks.size(); ++i) BPFTIME_CHECK(lower_block(i));
    llvm::DominatorTree tree(*function_);
    llvm::PromoteMemToReg(promotable_, tree);
    return {};
}

// ---- Blocks -------------------------------------------------------------------------------------------------------------

void FunctionLowering::make_entry() {
    auto& context = module_.context();
    entry_ = llvm::BasicBlock::Create(context, "entry", function_);
    for (const Block& block : flow_.blocks)
        blocks_.push_back(llvm::BasicBlock::Create(context, "bb_" + llvm::Twine(block.begin), function_));
    builder_.SetInsertPoint(entry_);
    if (types_.frame_bytes != 0) {
        frame_ = builder_.CreateAlloca(llvm::ArrayType::get(builder_.getInt8Ty(), types_.frame_bytes), nullptr, "frame");
        frame_->setAlignment(llvm::Align(16));
    }
    set_slot(flow_.blocks[0].begin);
    bind_arguments();
    leave_block(0);
    builder_.CreateBr(blocks_[0]);
}

// Gives the registers their values at the start: arguments, and 0 for the rest.
void FunctionLowering::bind_arguments() {
    const Signature& signature = module_.signature(subprogram_);
    registers_.fill({});
    for (Register& reg : registers_) reg = {.type = {Kind::Zero, 0}, .changed = true};
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
    block_ = index;
    builder_.SetInsertPoint(blocks_[index]);
    for (int reg = 0; reg < kRegisters; ++reg) registers_[at(reg)] = {.type = types_.at_entry[index][at(reg)]};
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

// Stores what block `to` expects in the registers' variables.
void FunctionLowering::leave_block(std::uint32_t to) {
    for (int reg = 0; reg < kFramePointer; ++reg) {
        if (!has(flow_.blocks[to].live_in, reg)) continue;
        const Form form = form_of(types_.at_entry[to][at(reg)]);
        const bool kept = !registers_[at(reg)].changed && form_of(types_.at_entry[block_][at(reg)]) == form;
        if (form == Form::None || kept) continue;
        llvm::Value* const value = in_form(reg, form);
        builder_.CreateStore(value, variable(reg, form));
    }
}

llvm::BasicBlock* FunctionLowering::new_block(const char* purpose) {
    return llvm::BasicBlock::Create(module_.context(), purpose + llvm::Twine("_") + llvm::Twine(slot_), function_,
                                    builder_.GetInsertBlock()->getNextNode());
}

// ---- Registers ----------------------------------------------------------------------------------------------------------

FunctionLowering::Form FunctionLowering::form_of(Type type) {
    switch (type.kind) {
        case Kind::Word: return Form::Word;
        case Kind::Integer: return Form::Wide;
        case Kind::Pointer: return Form::Pointer;
        default: return Form::None;  // known without a variable
    }
}

llvm::AllocaInst* FunctionLowering::variable(int reg, Form form) {
    Variable& variable = variables_[at(reg)];
    llvm::AllocaInst*& slot = form == Form::Wide ? variable.wide : form == Form::Word ? variable.word : variable.pointer;
    if (slot == nullptr) {
        llvm::Type* const type = form == Form::Wide   ? builder_.getInt64Ty()
                                 : form == Form::Word ? builder_.getInt32Ty()
                                                      : static_cast<llvm::Type*>(builder_.getPtrTy());
        const char* const prefix = form == Form::Word ? "w" : "r";
        slot = new llvm::AllocaInst(type, 0, prefix + llvm::Twine(reg), entry_->begin());
        promotable_.push_back(slot);
    }
    return slot;
}

llvm::Value* FunctionLowering::wide(int reg) {
    Register& value = registers_[at(reg)];
    if (value.wide != nullptr) return value.wide;
    switch (value.type.kind) {
        case Kind::None:
        case Kind::Zero: value.wide = builder_.getInt64(0); break;
        case Kind::Word: value.wide = builder_.CreateZExt(word(reg), builder_.getInt64Ty()); break;
        case Kind::Integer: value.wide = builder_.CreateLoad(builder_.getInt64Ty(), variable(reg, Form::Wide)); break;
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
    if (value.word != nullptr) return value.word;
    if (value.type.kind == Kind::Word && value.wide == nullptr)
        value.word = builder_.CreateLoad(builder_.getInt32Ty(), variable(reg, Form::Word));
    else
        value.word = builder_.CreateTrunc(wide(reg), builder_.getInt32Ty());
    return value.word;
}

llvm::Value* FunctionLowering::pointer(int reg) {
    Register& value = registers_[at(reg)];
    if (value.pointer != nullptr) return value.pointer;
    switch (value.type.kind) {
        case Kind::None:
        case Kind::Zero: value.pointer = llvm::ConstantPointerNull::get(builder_.getPtrTy()); break;
        case Kind::Frame: value.pointer = frame_address(value.type.detail); break;
        case Kind::Pointer:
            value.pointer = builder_.CreateLoad(builder_.getPtrTy(), variable(reg, Form::Pointer));
            break;
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
    registers_[at(reg)] = {.type = type, .changed = true};
    if (value == nullptr) return;
    Register& result = registers_[at(reg)];
    auto* const llvm_type = value->getType();
    switch (type.kind) {
        case Kind::Word:
            result.word = llvm_type->isIntegerTy(32) ? value : builder_.CreateTrunc(value, builder_.getInt32Ty(), name(reg));
            if (llvm_type->isIntegerTy(64)) result.wide = value;
            break;
        case Kind::Integer:
            result.wide = llvm_type->isPointerTy()       ? builder_.CreatePtrToInt(value, builder_.getInt64Ty(), name(reg))
                          : llvm_type->isIntegerTy(32) ? builder_.CreateZExt(value, builder_.getInt64Ty(), name(reg))
                                                         : value;
            break;
        case Kind::Pointer:
            result.pointer = llvm_type->isPointerTy() ? value : builder_.CreateIntToPtr(value, builder_.getPtrTy(), name(reg));
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
