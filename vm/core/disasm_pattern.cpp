#include "vm/core/disasm_pattern.h"

#include <array>

namespace bpftime::detail {

namespace {

// By AluOp; the unary ones and the casts have patterns of their own.
constexpr const char* kAluSymbol[] = {"+=", "-=", "*=", "/=", "s/=", "|=", "&=", "<<=", ">>=", "%=", "s%=", "^=", "=", "s>>="};
// By Condition.
constexpr const char* kConditionSymbol[] = {"==", ">", ">=", "&", "!=", "s>", "s>=", "<", "<=", "s<", "s<="};
// By EndianOp.
constexpr const char* kEndianName[] = {"le", "be", "bswap"};
// By AtomicOp: the assignment of the plain ones, the name of the rest.
constexpr const char* kAtomicSymbol[] = {"+=", "|=", "&=", "^="};
constexpr const char* kAtomicName[] = {"fetch_add", "fetch_or", "fetch_and", "fetch_xor",
                                       "xchg",      "cmpxchg",  "load_acquire", "store_release"};

std::string alu(const OpInfo& row) {
    const std::string dst = row.width == 32 ? "{wd}" : "{rd}";
    const std::string src = row.source == Source::Imm ? "{i}" : row.width == 32 ? "{ws}" : "{rs}";
    switch (row.alu()) {
        case AluOp::Neg: return dst + " = -" + dst;
        case AluOp::MovSx8: return dst + " = (s8)" + src;
        case AluOp::MovSx16: return dst + " = (s16)" + src;
        case AluOp::MovSx32: return dst + " = (s32)" + src;
        case AluOp::AddrSpaceCast: return "{rd} = addr_space_cast({rs}, {a}, {b})";
        default: return dst + " " + kAluSymbol[row.operation] + " " + src;
    }
}

std::string endian(const OpInfo& row) { return cat("{rd} = ", kEndianName[row.operation], row.width, " {rd}"); }

std::string jump(const OpInfo& row, const std::string& distance) {
    const bool narrow = row.width == 32;
    const char* src = row.source == Source::Imm ? "{c}" : narrow ? "{ws}" : "{rs}";
    return cat("if ", narrow ? "{wd} " : "{rd} ", kConditionSymbol[row.operation], " ", src, " goto ", distance);
}

std::string load(const OpInfo& row) {
    const bool sign = row.extension() == Extension::Sign;
    const char* dst = sign || row.width == 64 ? "{rd}" : "{nd}";
    return cat(dst, " = *(", sign ? "s" : "u", row.width, " *)({rs} {m})");
}

std::string store(const OpInfo& row) {
    const char* src = row.source == Source::Imm ? "{i}" : row.width == 64 ? "{rs}" : "{ns}";
    return cat("*(u", row.width, " *)({rd} {m}) = ", src);
}

// LLVM prints the registers of 32-bit atomics as w, all but those of the old xadd; the kernel prints r throughout.
std::string atomic(const OpInfo& row, Syntax syntax) {
    const bool llvm = syntax == Syntax::Llvm;
    const AtomicOp op = row.atomic();
    const bool as_w = llvm && row.width != 64 && op != AtomicOp::Add;
    const std::string src = as_w ? "{hs}" : row.width != 64 ? "{ns}" : "{rs}";
    const std::string zero = as_w ? "w0" : "r0";
    const std::string cell = cat("(u", row.width, " *)({rd} {m})");
    if (op <= AtomicOp::Xor) return "lock *" + cell + " " + kAtomicSymbol[row.operation] + " " + src;

    const std::string name = kAtomicName[row.operation - static_cast<int>(AtomicOp::FetchAdd)];
    if (op == AtomicOp::LoadAcquire)
        return cat(as_w ? "{hd}" : row.width != 64 ? "{nd}" : "{rd}", " = ", name, "((u", row.width, " *)({rs} {m}))");
    if (op == AtomicOp::StoreRelease) return name + "(" + cell + ", " + src + ")";

    const bool exchange = op == AtomicOp::Xchg || op == AtomicOp::CmpXchg;
    const std::string result = op == AtomicOp::CmpXchg ? zero : src;
    const std::string expected = op == AtomicOp::CmpXchg ? zero + ", " : "";
    if (llvm && exchange)
        return result + " = " + name + (row.width == 32 ? "32_32" : "_64") + "({rd} {m}, " + expected + src + ")";
    const char* prefix = llvm || row.width == 32 ? "atomic_" : "atomic64_";
    return result + " = " + prefix + name + "(" + cell + ", " + expected + src + ")";
}

std::string lddw(const OpInfo& row, Syntax syntax) {
    if (syntax == Syntax::Kernel) return row.lddw() == LddwKind::Imm ? "{rd} = {l}" : "{rd} = {p}";
    if (row.lddw() == LddwKind::Imm) return "{rd} = {l} ll";
    return cat("ld_pseudo\t{rd}, ", hex(static_cast<std::uint64_t>(row.selector)), ", {p}");
}

std::string packet(const OpInfo& row) {
    return cat("r0 = *(u", row.width, " *)skb[", row.source == Source::Imm ? "{i}" : "{rs}{x}", "]");
}

std::string control(Op op, Syntax syntax, const std::string& distance) {
    switch (op) {
        case Op::Ja: return "goto " + distance;
        case Op::Ja32: return "gotol " + distance;
        case Op::MayGoto: return "may_goto " + distance;
        case Op::CallHelper: return "call {h}";
        case Op::CallLocal: return "call " + distance;
        case Op::CallKfunc: return syntax == Syntax::Llvm ? "call kfunc {k}" : "call kernel-function#{k}";
        case Op::CallReg: return "callx {rd}";
        default: return "exit";
    }
}

std::string make_pattern(Op op, Syntax syntax) {
    const OpInfo& row = info(op);
    const std::string distance = syntax == Syntax::Llvm ? "{j}" : "pc{j}";
    switch (row.family) {
        case Family::Alu: return alu(row);
        case Family::Endian: return endian(row);
        case Family::Jump: return jump(row, distance);
        case Family::Load: return load(row);
        case Family::Store: return store(row);
        case Family::Atomic: return atomic(row, syntax);
        case Family::Lddw: return lddw(row, syntax);
        case Family::Packet: return packet(row);
        case Family::Control: return control(op, syntax, distance);
        case Family::High: return {};
    }
    return {};
}

using PatternTable = std::array<std::string, kOpCount>;

PatternTable make_table(Syntax syntax) {
    PatternTable table;
    for (std::size_t i = 0; i < kOpCount; ++i) table[i] = make_pattern(static_cast<Op>(i), syntax);
    return table;
}

}  // namespace

const std::string& text_pattern(Op op, Syntax syntax) {
    static const PatternTable llvm = make_table(Syntax::Llvm);
    static const PatternTable kernel = make_table(Syntax::Kernel);
    return (syntax == Syntax::Llvm ? llvm : kernel)[static_cast<std::size_t>(op)];
}

}  // namespace bpftime::detail
