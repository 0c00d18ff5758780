#include "tools/aot/dot.h"

#include <fmt/format.h>

#include <algorithm>

#include "vm/core/cfg.h"
#include "vm/core/disasm.h"

namespace bpftime::aot {

namespace {

// Text of a left-aligned line inside a quoted label.
std::string quoted(const std::string& text) {
    std::string out;
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out;
}

std::string block_label(const Program& program, const Block& block) {
    std::string label;
    const SourceLine* shown = nullptr;
    for (std::uint32_t slot = block.begin; slot < block.end; ++slot) {
        if (program.insns[slot].op == Op::LddwHigh) continue;
        const SourceLine* line = program.line_at(slot);
        const bool new_line = line != nullptr && (shown == nullptr || line->line != shown->line || line->file != shown->file);
        if (new_line && !line->text.empty())
            label += fmt::format("; {}\\l", quoted(line->text.substr(line->text.find_first_not_of(" \t"))));
        shown = line;
        label += fmt::format("{}: {}\\l", slot, quoted(disassemble(program.insns[slot], slot, Syntax::Llvm, &program)));
    }
    return label;
}

}  // namespace

std::string control_flow_graph(const Program& program) {
    std::string out = fmt::format("digraph \"{}\" {{\n  node [shape=box, fontname=\"monospace\"];\n", quoted(program.name));
    for (const Subprogram& sub : program.subprograms) {
        out += fmt::format("  subgraph \"cluster_{}\" {{\n    label=\"{}\";\n", sub.begin, quoted(sub.name));
        std::string edges;
        const std::vector<Block> blocks = basic_blocks(program, sub);
        for (const Block& block : blocks) {
            out += fmt::format("    b{} [label=\"{}\"];\n", block.begin, block_label(program, block));
            const auto edge = [&](std::uint32_t to, const char* label) {
                if (to != kNoBlock) edges += fmt::format("  b{} -> b{}{};\n", block.begin, blocks[to].begin, label);
            };
            const bool conditional = block.taken != kNoBlock && block.next != kNoBlock;
            edge(block.taken, conditional ? " [label=\"true\"]" : "");
            edge(block.next, conditional ? " [label=\"false\"]" : "");
            for (std::uint32_t slot = block.begin; slot < block.end; ++slot)
                if (program.insns[slot].op == Op::CallLocal)
                    edges += fmt::format("  b{} -> b{} [style=dotted, label=\"call\"];\n", block.begin, program.insns[slot].target(slot));
        }
        out += "  }\n" + edges;
    }
    return out + "}\n";
}

}  // namespace bpftime::aot
