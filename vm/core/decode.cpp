#include "vm/core/decode.h"

#include <array>
#include <cstring>

namespace bpftime {

namespace {

// The rows of isa.def that share one opcode byte, chained through `next`.
struct OpcodeIndex {
    static constexpr std::uint16_t kNone = 0xffff;
    std::array<std::uint16_t, 256> first;
    std::array<std::uint16_t, kOpCount> next;

    OpcodeIndex() {
        first.fill(kNone);
        next.fill(kNone);
        for (std::size_t row = kOpCount - 1; row-- > 0;) {  // the last row, LddwHigh, has no encoding of its own
            next[row] = first[kOpTable[row].opcode];
            first[kOpTable[row].opcode] = static_cast<std::uint16_t>(row);
        }
    }
};

const OpcodeIndex& opcode_index() {
    static const OpcodeIndex index;
    return index;
}

// The field that tells the rows of one opcode apart.
std::int32_t selector(const OpInfo& row, const RawInsn& raw) {
    switch (row.family) {
        case Family::Alu: return raw.off;
        case Family::Endian:
        case Family::Atomic: return raw.imm;
        case Family::Lddw: return raw.src();
        case Family::Control: return row.opcode == 0x85 ? raw.src() : 0;
        default: return 0;
    }
}

std::string_view selector_field(Family family) {
    switch (family) {
        case Family::Alu: return "off";
        case Family::Endian:
        case Family::Atomic: return "imm";
        default: return "src";
    }
}

// The fields that a row leaves unused and that must therefore be zero.
struct Unused {
    bool dst = false, src = false, off = false, imm = false;
};

Unused unused_fields(const OpInfo& row) {
    const bool reg = row.source == Source::Reg;
    const bool none = row.source == Source::None;
    switch (row.family) {
        case Family::Alu: return {.src = !reg, .imm = (reg || none) && row.alu() != AluOp::AddrSpaceCast};
        case Family::Endian: return {.src = true, .off = true};
        case Family::Jump: return {.src = !reg, .imm = reg};
        case Family::Load: return {.imm = true};
        case Family::Store: return {.src = !reg, .imm = reg};
        case Family::Atomic: return {};
        case Family::Lddw: return {.off = true};
        case Family::Packet: return {.dst = true, .src = !reg, .off = true};
        case Family::High: return {};
        case Family::Control: break;
    }
    switch (row.shape()) {
        case Shape::JumpOff: return {.dst = true, .src = true, .imm = true};
        case Shape::JumpImm: return {.dst = true, .src = row.opcode != 0x85, .off = true};
        case Shape::CallId: return {.dst = true, .off = true};
        case Shape::CallIdOff: return {.dst = true};
        case Shape::CallReg: return {.src = true, .off = true, .imm = true};
        case Shape::Bare: return {.dst = true, .src = true, .off = true, .imm = true};
    }
    return {};
}

// The registers that a row writes: dst for most, src for a fetching atomic.
bool writes_frame_pointer(const OpInfo& row, const RawInsn& raw) {
    switch (row.family) {
        case Family::Alu:
        case Family::Endian:
        case Family::Load:
        case Family::Lddw: return raw.dst() == kFramePointer;
        case Family::Atomic:
            switch (row.atomic()) {
                case AtomicOp::LoadAcquire: return raw.dst() == kFramePointer;
                case AtomicOp::FetchAdd:
                case AtomicOp::FetchOr:
                case AtomicOp::FetchAnd:
                case AtomicOp::FetchXor:
                case AtomicOp::Xchg: return raw.src() == kFramePointer;
                default: return false;
            }
        default: return false;
    }
}

Result<const OpInfo*> find_row(const RawInsn& raw) {
    const OpcodeIndex& index = opcode_index();
    std::uint16_t row = index.first[raw.opcode];
    if (row == OpcodeIndex::kNone) return fail(failure("unknown opcode ", hex(raw.opcode)));
    const Family family = kOpTable[row].family;
    for (; row != OpcodeIndex::kNone; row = index.next[row])
        if (kOpTable[row].selector == selector(kOpTable[row], raw)) return &kOpTable[row];
    return fail(failure("opcode ", hex(raw.opcode), " has no meaning with ", selector_field(family), ' ',
                        family == Family::Alu ? raw.off : family == Family::Endian || family == Family::Atomic ? raw.imm
                                                                                                            : raw.src()));
}

Status check_fields(const OpInfo& row, const RawInsn& raw) {
    if (raw.dst() >= kRegisters) return fail(failure("register r", raw.dst(), " does not exist"));
    if (raw.src() >= kRegisters) return fail(failure("register r", raw.src(), " does not exist"));
    const Unused unused = unused_fields(row);
    const auto reserved = [&](std::string_view field) {
        return fail(failure("reserved field ", field, " of ", row.name, " is not zero"));
    };
    if (unused.dst && raw.dst() != 0) return reserved("dst");
    if (unused.src && raw.src() != 0) return reserved("src");
    if (unused.off && raw.off != 0) return reserved("off");
    if (unused.imm && raw.imm != 0) return reserved("imm");
    if (row.family == Family::Alu && row.alu() == AluOp::AddrSpaceCast && raw.imm != 1 && raw.imm != 0x10000)
        return fail(failure("addr_space_cast between unknown address spaces"));
    if (writes_frame_pointer(row, raw)) return fail(failure("the frame pointer r10 is read-only"));
    return {};
}

// The second slot of an lddw holds nothing but the high half of its constant.
Status check_lddw(const OpInfo& row, std::span<const RawInsn> code, std::size_t slot) {
    if (slot + 1 == code.size()) return fail(failure("lddw lacks its second half"));
    const RawInsn& high = code[slot + 1];
    if (high.opcode != 0 || high.registers != 0 || high.off != 0)
        return fail(failure("second half of lddw has fields that are not zero").at(static_cast<std::int64_t>(slot) + 1));
    const LddwKind kind = row.lddw();
    const bool needs_zero = kind == LddwKind::MapByFd || kind == LddwKind::MapByIdx || kind == LddwKind::CodeAddr;
    if (needs_zero && high.imm != 0)
        return fail(failure("reserved field imm in the second half of lddw is not zero").at(static_cast<std::int64_t>(slot) + 1));
    return {};
}

Insn to_insn(const OpInfo& row, const RawInsn& raw) {
    Insn insn{.op = static_cast<Op>(&row - kOpTable), .dst = raw.dst(), .src = raw.src(), .off = raw.off, .imm = raw.imm};
    switch (row.family) {
        case Family::Alu: insn.off = 0; break;  // selected the row
        case Family::Endian:
        case Family::Atomic: insn.imm = 0; break;
        case Family::Lddw: insn.src = 0; break;
        case Family::Control:
            insn.src = 0;
            if (row.shape() == Shape::JumpImm) {
                insn.off = raw.imm;
                insn.imm = 0;
            }
            break;
        default: break;
    }
    return insn;
}

}  // namespace

Result<std::vector<Insn>> decode(std::span<const RawInsn> code) {
    if (code.empty()) return fail(failure("the program has no instructions"));
    if (code.size() > kMaxInsns)
        return fail(failure("the program has ", code.size(), " instructions, more than ", kMaxInsns).with_errno(E2BIG));
    std::vector<Insn> insns(code.size());
    for (std::size_t slot = 0; slot < code.size(); ++slot) {
        const auto located = [slot](Error error) {
            if (error.insn < 0) error.insn = static_cast<std::int64_t>(slot);
            return fail(std::move(error));
        };
        auto row = find_row(code[slot]);
        if (!row) return located(std::move(row).error());
        if (auto ok = check_fields(**row, code[slot]); !ok) return located(std::move(ok).error());
        insns[slot] = to_insn(**row, code[slot]);
        if ((*row)->family != Family::Lddw) continue;
        if (auto ok = check_lddw(**row, code, slot); !ok) return located(std::move(ok).error());
        const auto low = static_cast<std::uint32_t>(code[slot].imm);
        const auto high = static_cast<std::uint64_t>(static_cast<std::uint32_t>(code[slot + 1].imm));
        insns[slot].imm = (*row)->lddw() == LddwKind::CodeAddr ? code[slot].imm : static_cast<std::int64_t>(high << 32 | low);
        insns[++slot] = Insn{.op = Op::LddwHigh};
    }
    return insns;
}

Result<std::vector<Insn>> decode(std::span<const std::uint8_t> bytes) {
    if (bytes.size() % sizeof(RawInsn) != 0)
        return fail(failure("the program's length of ", bytes.size(), " bytes is not a multiple of 8"));
    std::vector<RawInsn> code(bytes.size() / sizeof(RawInsn));
    if (!bytes.empty()) std::memcpy(code.data(), bytes.data(), bytes.size());
    return decode(std::span<const RawInsn>(code));
}

Result<Program> make_program(std::span<const std::uint8_t> bytes, std::string name) {
    Program program;
    program.name = std::move(name);
    auto insns = decode(bytes);
    if (!insns) return fail(std::move(insns).error().in_program(program.name));
    program.insns = std::move(*insns);
    auto subprograms = validate(program.insns, 0);
    if (!subprograms) return fail(std::move(subprograms).error().in_program(program.name));
    program.subprograms = std::move(*subprograms);
    return program;
}

}  // namespace bpftime
