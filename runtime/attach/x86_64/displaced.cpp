#include "runtime/attach/x86_64/displaced.h"

#include <Zydis/Zydis.h>

#include <cstring>

namespace bpftime::attach::x86_64 {

namespace {

using Form = Instruction::Form;
using bpftime::x86_64::Cond;
using bpftime::x86_64::fits32;
using bpftime::x86_64::rsp;

struct Decoded {
    ZydisDecodedInstruction head;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
};

bool decode(std::span<const std::uint8_t> bytes, Decoded& out) {
    static const ZydisDecoder decoder = [] {
        ZydisDecoder made;
        ZydisDecoderInit(&made, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
        return made;
    }();
    return ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes.data(), bytes.size(), &out.head, out.operands));
}

bool is_padding(const ZydisDecodedInstruction& head) {
    return head.mnemonic == ZYDIS_MNEMONIC_NOP || head.mnemonic == ZYDIS_MNEMONIC_INT3;
}

// Nothing behind these runs by falling through.
bool ends_flow(const ZydisDecodedInstruction& head) {
    switch (head.mnemonic) {
        case ZYDIS_MNEMONIC_JMP:
        case ZYDIS_MNEMONIC_RET:
        case ZYDIS_MNEMONIC_UD2:
        case ZYDIS_MNEMONIC_HLT: return true;
        default: return false;
    }
}

// The operand in memory that is addressed relative to `base`.
const ZydisDecodedOperand* memory_operand(const Decoded& decoded, ZydisRegister base) {
    for (unsigned i = 0; i < decoded.head.operand_count; ++i) {
        const ZydisDecodedOperand& operand = decoded.operands[i];
        if (operand.type == ZYDIS_OPERAND_TYPE_MEMORY && operand.mem.base == base) return &operand;
    }
    return nullptr;
}

// Where a branch's displacement leads.
std::uint64_t branch_target(const ZydisDecodedInstruction& head, std::uint64_t next) {
    return next + static_cast<std::uint64_t>(head.raw.imm[0].value.s);
}

Status classify_branch(const ZydisDecodedInstruction& head, std::uint64_t next, Instruction& out) {
    out.target = branch_target(head, next);
    switch (head.mnemonic) {
        case ZYDIS_MNEMONIC_JMP: out.form = Form::Jump; return {};
        case ZYDIS_MNEMONIC_CALL: out.form = Form::Call; return {};
        case ZYDIS_MNEMONIC_LOOP:
        case ZYDIS_MNEMONIC_LOOPE:
        case ZYDIS_MNEMONIC_LOOPNE:
        case ZYDIS_MNEMONIC_JRCXZ: out.form = Form::Counted; return {};
        default: break;
    }
    const bool conditional = (head.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT && (head.opcode & 0xf0) == 0x70) ||
                             (head.opcode_map == ZYDIS_OPCODE_MAP_0F && (head.opcode & 0xf0) == 0x80);
    if (!conditional) return fail(failure("cannot be moved"));
    out.form = Form::Conditional;
    out.condition = head.opcode & 15;
    return {};
}

// A call through a register or memory keeps its operand and becomes a jump behind a push.
Status classify_indirect_call(const Decoded& decoded, Instruction& out) {
    const ZydisDecodedOperand& operand = decoded.operands[0];
    const bool by_stack = operand.type == ZYDIS_OPERAND_TYPE_REGISTER ? operand.reg.value == ZYDIS_REGISTER_RSP
                                                                      : operand.mem.base == ZYDIS_REGISTER_RSP;
    if (by_stack || decoded.head.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR) return fail(failure("cannot be moved"));
    out.form = Form::IndirectCall;
    out.field = decoded.head.raw.modrm.offset;
    out.rip_operand = operand.type == ZYDIS_OPERAND_TYPE_MEMORY && operand.mem.base == ZYDIS_REGISTER_RIP;
    return {};
}

Status classify(const Decoded& decoded, std::uint64_t address, Instruction& out) {
    const ZydisDecodedInstruction& head = decoded.head;
    const std::uint64_t next = address + head.length;
    out.length = head.length;
    out.ends = ends_flow(head);
    if (memory_operand(decoded, ZYDIS_REGISTER_EIP) != nullptr) return fail(failure("cannot be moved"));
    const ZydisDecodedOperand* const relative = memory_operand(decoded, ZYDIS_REGISTER_RIP);
    if (relative != nullptr) {
        out.form = Form::RipOperand;
        out.field = head.raw.disp.offset;
        out.target = next + static_cast<std::uint64_t>(head.raw.disp.value);
    }
    if (head.raw.imm[0].is_relative) return classify_branch(head, next, out);
    if (head.mnemonic == ZYDIS_MNEMONIC_CALL) return classify_indirect_call(decoded, out);
    return {};
}

// ---- The copy ---------------------------------------------------------------------------------------------------------------

class Copier {
public:
    Copier(const Window& window, Assembler& out, std::uint64_t base) : window_(window), out_(out), base_(base) {}

    Result<Copied> run() {
        const std::uint32_t begin = out_.position();
        for (std::uint32_t i = 0; i < window_.count; ++i) {
            copied_.offsets[i] = static_cast<std::uint16_t>(out_.position() - begin);
            copy(window_.instructions[i]);
        }
        copied_.size = out_.position() - begin;
        copied_.goes_on = !window_.instructions[window_.count - 1].ends;
        if (!reached_)
            return fail(failure("the code it refers to is too far away to be reached from a trampoline").with_errno(ERANGE));
        return copied_;
    }

private:
    std::uint64_t here() const { return base_ + out_.position(); }
    const std::uint8_t* bytes(const Instruction& one) const { return window_.bytes.data() + one.offset; }

    void put(const std::uint8_t* from, std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) out_.u8(from[i]);
    }
    // The displacement in the four bytes before `end` leads to `target`.
    void aim(std::uint32_t field, std::uint64_t end, std::uint64_t target) {
        const auto distance = static_cast<std::int64_t>(target - end);
        reached_ &= fits32(distance);
        const auto narrow = static_cast<std::int32_t>(distance);
        std::memcpy(out_.begin() + field, &narrow, sizeof narrow);
    }
    void branch(std::uint32_t field, std::uint64_t target) { aim(field, base_ + field + 4, target); }

    void push_return(const Instruction& one) {
        const std::uint64_t next = window_.address + one.offset + one.length;
        out_.lea(64, rsp, {.base = rsp, .disp = -8});  // as push, without touching flags
        out_.store_imm(32, {.base = rsp}, static_cast<std::int32_t>(next));
        out_.store_imm(32, {.base = rsp, .disp = 4}, static_cast<std::int32_t>(next >> 32));
    }

    void copy(const Instruction& one) {
        switch (one.form) {
            case Form::Plain: return put(bytes(one), one.length);
            case Form::RipOperand: {
                const std::uint32_t begin = out_.position();
                put(bytes(one), one.length);
                return aim(begin + one.field, here(), one.target);
            }
            case Form::Jump: return branch(out_.jmp_near(), one.target);
            case Form::Conditional: return branch(out_.jcc_near(static_cast<Cond>(one.condition)), one.target);
            case Form::Counted: return counted(one);
            case Form::Call: push_return(one); return branch(out_.jmp_near(), one.target);
            case Form::IndirectCall: return indirect_call(one);
        }
    }

    // loop +2; jmp short +5; jmp target
    void counted(const Instruction& one) {
        put(bytes(one), one.length - 1u);
        out_.u8(2);
        const std::uint32_t over = out_.jmp_short();
        branch(out_.jmp_near(), one.target);
        out_.patch8_here(over);
    }

    // FF /2 becomes FF /4.
    void indirect_call(const Instruction& one) {
        push_return(one);
        const std::uint32_t begin = out_.position();
        put(bytes(one), one.length);
        std::uint8_t& modrm = out_.begin()[begin + one.field];
        modrm = static_cast<std::uint8_t>((modrm & ~0x38) | 4 << 3);
        if (one.rip_operand) aim(begin + one.field + 1u, here(), one.target);
    }

    const Window& window_;
    Assembler& out_;
    std::uint64_t base_;
    Copied copied_;
    bool reached_ = true;
};

}  // namespace

std::uint32_t Window::boundaries() const {
    std::uint32_t result = 0;
    for (const Instruction& one : all())
        if (one.offset > 0 && one.offset < kJumpSize) result |= 1u << one.offset;
    return result;
}

Result<Window> decode_window(std::span<const std::uint8_t> code, std::uint64_t address, std::uint32_t wanted) {
    Window window{.address = address, .instructions = {}, .bytes = {}};
    bool ended = false;
    while (window.size < wanted) {
        Decoded decoded;
        const auto rest = code.subspan(std::min<std::size_t>(window.size, code.size()));
        if (rest.empty() || !decode(rest, decoded))
            return fail(failure("the bytes at +", window.size, " are no instruction"));
        if (ended && !is_padding(decoded.head))
            return fail(failure("the function ends after ", window.size, " bytes").with_errno(ENOSPC));
        Instruction one{.offset = static_cast<std::uint8_t>(window.size)};
        const Status known = classify(decoded, address + window.size, one);
        if (!known)
            return fail(failure("the instruction at +", window.size, " (", ZydisMnemonicGetString(decoded.head.mnemonic), ") ",
                                known.error().cause));
        ended = ended || one.ends;
        one.ends = ended;
        std::memcpy(window.bytes.data() + window.size, rest.data(), one.length);
        window.instructions[window.count++] = one;
        window.size += one.length;
    }
    return window;
}

Result<Copied> copy_window(const Window& window, Assembler& out, std::uint64_t base) { return Copier(window, out, base).run(); }

}  // namespace bpftime::attach::x86_64
