#include "vm/core/program.h"

#include <algorithm>

#include "vm/core/helpers.h"

namespace bpftime {

std::size_t Program::subprogram_at(std::uint32_t slot) const {
    const auto after = std::ranges::upper_bound(subprograms, slot, {}, &Subprogram::begin);
    return after == subprograms.begin() ? 0 : static_cast<std::size_t>(after - subprograms.begin()) - 1;
}

const SourceLine* Program::line_at(std::uint32_t slot) const {
    const auto after = std::ranges::upper_bound(lines, slot, {}, &SourceLine::insn);
    return after == lines.begin() ? nullptr : &*(after - 1);
}

std::vector<std::uint32_t> helpers_used(const Program& program) {
    std::array<bool, kHelperLimit> used{};
    for (const Insn& insn : program.insns)
        if (insn.op == Op::CallHelper && insn.imm >= 0 && insn.imm < kHelperLimit) used[static_cast<std::size_t>(insn.imm)] = true;
    std::vector<std::uint32_t> ids;
    for (std::uint32_t id = 0; id < kHelperLimit; ++id)
        if (used[id]) ids.push_back(id);
    return ids;
}

}  // namespace bpftime
