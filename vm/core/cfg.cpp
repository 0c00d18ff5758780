#include "vm/core/cfg.h"

namespace bpftime {

std::vector<Block> basic_blocks(const Program& program, const Subprogram& sub) {
    const std::uint32_t size = sub.end - sub.begin;
    std::vector<char> leader(size + 1, 0);
    leader.front() = 1;
    for (std::uint32_t slot = sub.begin; slot < sub.end; ++slot) {
        const Insn& insn = program.insns[slot];
        if (is_jump(insn.op)) leader[insn.target(slot) - sub.begin] = 1;
        if (is_jump(insn.op) || ends_flow(insn.op)) leader[slot + 1 - sub.begin] = 1;
    }

    std::vector<Block> blocks;
    std::vector<std::uint32_t> index(size);  // of the block, by slot
    for (std::uint32_t at = 0; at < size; ++at) {
        if (leader[at]) blocks.push_back({.begin = sub.begin + at});
        index[at] = static_cast<std::uint32_t>(blocks.size() - 1);
        blocks.back().end = sub.begin + at + 1;
    }
    for (Block& block : blocks) {
        const std::uint32_t last = last_insn(program, block);
        const Insn& insn = program.insns[last];
        if (is_jump(insn.op)) block.taken = index[insn.target(last) - sub.begin];
        if (!ends_flow(insn.op)) block.next = index[block.end - sub.begin];
    }
    return blocks;
}

std::uint32_t last_insn(const Program& program, const Block& block) {
    return block.end - (program.insns[block.end - 1].op == Op::LddwHigh ? 2 : 1);
}

}  // namespace bpftime
