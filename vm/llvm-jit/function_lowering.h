// One subprogram as an LLVM function. Each instruction family has a file of its own: lower_alu.cpp, lower_memory.cpp,
// lower_control.cpp, lower_calls.cpp, lower_maps.cpp.
#pragma once

#include <llvm/IR/IRBuilder.h>

#include <array>
#include <vector>

#include "vm/llvm-jit/module_lowering.h"

namespace bpftime::lowering {

class FunctionLowering {
public:
    FunctionLowering(ModuleLowering& module, std::size_t subprogram);

    Status run();

private:
    // A register: its type and the forms of its value made so far. The form that its type asks for is always there.
    struct Register {
        Type type;
        llvm::Value* wide = nullptr;     // i64
        llvm::Value* word = nullptr;     // i32: the low half
        llvm::Value* pointer = nullptr;  // ptr
    };
    using Registers = std::array<Register, kRegisters>;
    enum class Form : std::uint8_t { None, Wide, Word, Pointer };

    // ---- function_lowering.cpp: blocks and registers
    void make_entry();
    void bind_arguments();
    Status lower_block(std::uint32_t index);
    Status lower(const Insn& insn);
    void leave_block(std::uint32_t to);
    void make_phis(std::uint32_t index);
    void enter_block(std::uint32_t index);
    void load_registers(std::uint32_t index);
    void store_registers(std::uint32_t to);
    llvm::AllocaInst* variable(int reg);
    void convert(int reg, Type type);
    void remove_trivial_phis();
    static Form form_of(Type type);
    llvm::Value* wide(int reg);
    llvm::Value* word(int reg);
    llvm::Value* pointer(int reg);
    llvm::Value* in_form(int reg, Form form);
    llvm::Value* frame_address(std::int64_t offset);
    Type defined_type() const;
    void define(int reg, llvm::Value* value);
    void set_slot(std::uint32_t slot);
    std::string name(int reg) const;
    Error refuse(std::string_view cause, std::string_view hint = {}) const;
    llvm::BasicBlock* new_block(const char* purpose);

    // ---- lower_alu.cpp
    void lower_alu(const Insn& insn);
    void lower_move(const Insn& insn);
    void lower_pointer_arithmetic(const Insn& insn);
    void lower_endian(const Insn& insn);
    llvm::Value* operand(const Insn& insn, int width);
    llvm::Value* arithmetic(AluOp op, llvm::Value* dst, llvm::Value* src);
    llvm::Value* divide(AluOp op, llvm::Value* dst, llvm::Value* src);

    // ---- lower_memory.cpp
    Status lower_load(const Insn& insn);
    Status lower_store(const Insn& insn);
    Status lower_atomic(const Insn& insn);
    Result<llvm::Value*> address(int reg, std::int32_t offset, int bytes);
    llvm::Align alignment(int reg, std::int32_t offset, int bytes) const;
    llvm::Value* settled(llvm::Value* value, const llvm::Value& where, int reg, std::int32_t offset, int bytes);

    // ---- lower_control.cpp
    Status lower_control(const Insn& insn);
    void lower_jump(const Insn& insn);
    void lower_may_goto(const Insn& insn);
    void lower_exit();
    void branch(llvm::Value* condition);
    llvm::Value* compare(const Insn& insn);

    // ---- lower_calls.cpp
    void lower_helper_call(std::uint32_t id);
    void call_local(std::size_t callee);
    void call_register(int reg);
    void call_tail();
    std::vector<llvm::Value*> helper_arguments(llvm::FunctionType* type);

    // ---- lower_maps.cpp
    Status lower_lddw(const Insn& insn);
    bool lookup_inline();

    ModuleLowering& module_;
    const Program& program_;
    const Flow& flow_;
    const SubprogramTypes& types_;
    const std::size_t subprogram_;
    llvm::Function* const function_;
    llvm::IRBuilder<> builder_;
    Registers registers_;
    FrameBytes written_;  // bytes of the frame that have been stored to
    // Registers at the end of a block, kept for successors that have no other predecessor.
    std::vector<std::unique_ptr<Registers>> at_exit_;
    // Of blocks that several edges lead to: a phi for each live register that needs one, by register.
    std::vector<std::unique_ptr<std::array<llvm::PHINode*, kRegisters>>> phis_;
    // With ModuleLowering::in_memory(): where each register is kept between blocks, and those whose present value is there.
    std::array<llvm::AllocaInst*, kRegisters> variables_{};
    RegSet kept_ = 0;
    std::vector<llvm::BasicBlock*> blocks_;  // by block of the flow
    llvm::BasicBlock* entry_ = nullptr;      // holds the frame and the variables
    llvm::AllocaInst* frame_ = nullptr;      // null when no byte of it can be touched
    llvm::AllocaInst* budget_ = nullptr;     // what is left of the frame's may_goto iterations
    llvm::Value* context_ = nullptr;         // the entry's arguments; null where they are not known
    llvm::Value* size_ = nullptr;
    std::uint32_t slot_ = 0;
    std::uint32_t block_ = 0;  // that is being lowered; kNoBlock before the first
};

}  // namespace bpftime::lowering
