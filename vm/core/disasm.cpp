#include "vm/core/disasm.h"

#include <algorithm>
#include <cstdio>

#include "vm/core/disasm_pattern.h"
#include "vm/core/helpers.h"

namespace bpftime {

namespace {

// "0x5", "-0x80000000".
std::string signed_hex(std::int64_t value) {
    const auto bits = static_cast<std::uint64_t>(value);
    return value < 0 ? cat("-", hex(0 - bits)) : hex(bits);
}

// "+5" or "-5" in the base of the syntax.
std::string with_sign(std::int64_t value, Syntax syntax) {
    const char* sign = value < 0 ? "" : "+";
    return cat(sign, syntax == Syntax::Llvm ? signed_hex(value) : std::to_string(value));
}

// objdump's " <symbol+0x10>" of a slot.
std::string symbol_suffix(const Program& program, std::uint32_t slot) {
    if (program.subprograms.empty() || slot >= program.insns.size()) return {};
    const Subprogram& sub = program.subprograms[program.subprogram_at(slot)];
    const std::uint64_t bytes = std::uint64_t{slot - sub.begin} * 8;
    return bytes == 0 ? cat(" <", sub.name, ">") : cat(" <", sub.name, "+", hex(bytes), ">");
}

struct Printer {
    const Insn& insn;
    std::uint32_t slot;
    Syntax syntax;
    const Program* program;

    bool llvm() const { return syntax == Syntax::Llvm; }
    std::uint32_t low() const { return static_cast<std::uint32_t>(insn.imm); }
    std::uint32_t high() const { return static_cast<std::uint32_t>(static_cast<std::uint64_t>(insn.imm) >> 32); }
    std::string number(std::int64_t value) const { return llvm() ? signed_hex(value) : std::to_string(value); }

    std::string displacement() const {
        if (!llvm()) return with_sign(insn.off, syntax);
        return cat(insn.off < 0 ? "- " : "+ ", hex(static_cast<std::uint64_t>(std::abs(std::int64_t{insn.off}))));
    }
    std::string distance() const {
        return with_sign(insn.off, syntax) + (llvm() && program ? symbol_suffix(*program, insn.target(slot)) : "");
    }
    std::string indirect() const {
        if (!llvm()) return cat(" + ", insn.imm);
        if (insn.imm == 0) return {};
        return cat(insn.imm < 0 ? " - " : " + ", hex(static_cast<std::uint64_t>(std::abs(insn.imm))));
    }
    std::string helper_name() const {
        if (llvm()) return hex(low());
        const HelperInfo* row = helper(low());
        return cat(row ? cat("bpf_", row->name) : insn.imm == 0 ? "bpf_unspec" : "unknown", "#", insn.imm);
    }
    std::string kernel_function() const {
        if (!llvm()) return std::to_string(insn.imm);
        return hex(low()) + (insn.off == 0 ? "" : cat(", ", signed_hex(insn.off)));
    }
    std::string payload() const {
        if (llvm()) return hex(low()) + (high() == 0 || insn.op == Op::LddwCodeAddr ? "" : cat(", ", hex(high())));
        const bool known = program && is_map_reference(insn.op) && low() < program->maps.size();
        const std::uint32_t map = known ? program->maps[low()].number : low();
        switch (insn.op) {
            case Op::LddwMapByFd: return cat("map[id:", map, "]");
            case Op::LddwMapValue: return cat("map[id:", map, "][0]+", high());
            case Op::LddwMapByIdx: return cat("map[idx:", map, "]");
            case Op::LddwMapValueByIdx: return cat("map[idx:", map, "][0]+", high());
            case Op::LddwCodeAddr: return cat("subprog[", with_sign(static_cast<std::int32_t>(low()), syntax), "]");
            default: return hex(static_cast<std::uint64_t>(insn.imm));
        }
    }

    std::string hole(std::string_view name) const {
        if (name.size() == 2) {
            const char letter = name[0] == 'w' || name[0] == 'h' ? 'w' : 'r';
            return cat(letter, int{name[1] == 'd' ? insn.dst : insn.src});
        }
        switch (name[0]) {
            case 'i': return number(insn.imm);
            case 'c': return llvm() ? signed_hex(insn.imm) : hex(low());
            case 'm': return displacement();
            case 'j': return distance();
            case 'l': return llvm() ? signed_hex(insn.imm) : hex(static_cast<std::uint64_t>(insn.imm));
            case 'p': return payload();
            case 'h': return helper_name();
            case 'k': return kernel_function();
            case 'a': return number(low() >> 16);
            case 'b': return number(low() & 0xffff);
            case 'x': return indirect();
            default: return {};
        }
    }
};

// What the listing adds to an instruction in the LLVM syntax: the name behind a number.
std::string annotation(const Insn& insn, const Program& program) {
    if (insn.op == Op::CallHelper) {
        const HelperInfo* row = helper(static_cast<std::uint32_t>(insn.imm));
        return row ? cat("  # ", row->name) : std::string();
    }
    if (is_map_reference(insn.op) && insn.map_index() < program.maps.size())
        return cat("  # map ", program.maps[insn.map_index()].name);
    if (insn.op == Op::LddwVarAddr) return cat("  # variable ", insn.imm);
    return {};
}

std::string slot_prefix(std::uint32_t slot, Syntax syntax) {
    char text[16];
    std::snprintf(text, sizeof text, syntax == Syntax::Llvm ? "%8u:\t" : "%4u: ", slot);
    return text;
}

}  // namespace

std::string disassemble(const Insn& insn, std::uint32_t slot, Syntax syntax, const Program* program) {
    const std::string& pattern = detail::text_pattern(insn.op, syntax);
    if (pattern.empty()) return {};
    const Printer printer{insn, slot, syntax, program};
    std::string out;
    if (syntax == Syntax::Kernel) {
        char opcode[8];
        std::snprintf(opcode, sizeof opcode, "(%02x) ", info(insn.op).opcode);
        out = opcode;
    }
    for (std::size_t at = 0; at < pattern.size();) {
        if (pattern[at] != '{') {
            out += pattern[at++];
            continue;
        }
        const std::size_t close = pattern.find('}', at);
        out += printer.hole(std::string_view(pattern).substr(at + 1, close - at - 1));
        at = close + 1;
    }
    return out;
}

// Whether entry `at` of Program::lines shows text that the entry before it did not: entries also differ by column alone.
static bool is_new_line(const Program& program, std::size_t at) {
    const SourceLine& line = program.lines[at];
    if (line.text.empty()) return false;
    return at == 0 || program.lines[at - 1].line != line.line || program.lines[at - 1].file != line.file;
}

std::string disassemble(const Program& program, Syntax syntax) {
    std::string out;
    std::size_t sub = 0;
    std::size_t line = 0;
    for (std::uint32_t slot = 0; slot < program.insns.size(); ++slot) {
        const Insn& insn = program.insns[slot];
        for (; sub < program.subprograms.size() && program.subprograms[sub].begin <= slot; ++sub)
            out += program.subprograms[sub].name + ":\n";
        for (; line < program.lines.size() && program.lines[line].insn <= slot; ++line)
            if (is_new_line(program, line)) out += "; " + program.lines[line].text + "\n";
        if (insn.op == Op::LddwHigh) continue;
        out += slot_prefix(slot, syntax) + disassemble(insn, slot, syntax, &program);
        if (syntax == Syntax::Llvm) out += annotation(insn, program);
        out += '\n';
    }
    return out;
}

}  // namespace bpftime
