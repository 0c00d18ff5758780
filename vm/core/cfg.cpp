#include "vm/core/cfg.h"

namespace bpftime {

std::vector<Block> basic_blocks(const Program& program, const Subprogram& sub) {
    std::vector<char> leader(sub.end - sub.begin + 1, 0);
    leader.front() = leader.back() = 1;
    for (std::uint32_t slot = sub.begin; slot < sub.end; ++slot) {
        const Insn& insn = program.insns[slot];
        if (is_jump(insn.op)) leader[insn.target(slot) - sub.begin] = 1;
        if (is_jump(insn.op) || ends_flow(insn.op)) leader[slot + 1 - sub.begin] = 1;
    }

    std::vector<Block> blocks;
    for (std::uint32_t begin = sub.begin; begin < sub.end;) {
        Block block{.begin = begin, .end = begin + 1, .last = begin, .successors = {}};
        while (!leader[block.end - sub.begin]) ++block.end;
        block.last = program.insns[block.end - 1].op == Op::LddwHigh ? block.end - 2 : block.end - 1;
        const Insn& last = program.insns[block.last];
        if (is_jump(last.op)) block.successors.push_back(last.target(block.last));
        if (!ends_flow(last.op)) block.successors.push_back(block.end);
        begin = block.end;
        blocks.push_back(std::move(block));
    }
    return blocks;
}

}  // namespace bpftime
