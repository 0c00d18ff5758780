#include "vm/core/engine.h"

namespace bpftime {

namespace {

Status check_insn(const Insn& insn, const Bindings& bindings) {
    switch (insn.op) {
        case Op::CallHelper:
            if (bindings.helpers[static_cast<std::size_t>(insn.imm)] == nullptr)
                return fail(failure("helper bpf_", helper(static_cast<std::uint32_t>(insn.imm))->name, " (", insn.imm,
                                    ") is not offered by this runtime")
                                .with_hint("'bpftime-aot helpers' lists those that are"));
            return {};
        case Op::CallKfunc:
            return fail(failure("kernel function with BTF id ", insn.imm, " is not available in userspace"));
        case Op::LddwMapByFd:
        case Op::LddwMapByIdx:
            if (insn.map_index() >= bindings.maps.size()) return fail(failure("no map is bound to reference ", insn.map_index()));
            return {};
        case Op::LddwMapValue:
        case Op::LddwMapValueByIdx:
            if (insn.map_index() >= bindings.maps.size()) return fail(failure("no map is bound to reference ", insn.map_index()));
            if (bindings.maps[insn.map_index()].values == 0)
                return fail(failure("map '", bindings.maps[insn.map_index()].spec.name, "' has no address for its values"));
            return {};
        case Op::LddwVarAddr:
            if (static_cast<std::uint64_t>(insn.imm) >= bindings.variables.size())
                return fail(failure("variable with BTF id ", static_cast<std::uint32_t>(insn.imm), " is not available in userspace"));
            return {};
        case Op::AddrSpaceCast: return fail(failure("addr_space_cast needs an arena map, which this runtime does not have"));
        default: break;
    }
    if (info(insn.op).family == Family::Packet)
        return fail(failure("legacy packet access needs a kernel socket buffer")
                        .with_hint("load through the context's data and data_end instead"));
    return {};
}

}  // namespace

Status check_bindings(const Program& program, const Bindings& bindings) {
    for (std::size_t slot = 0; slot < program.insns.size(); ++slot)
        if (auto ok = check_insn(program.insns[slot], bindings); !ok)
            return fail(std::move(ok).error().at(static_cast<std::int64_t>(slot)).in_program(program.name));
    return {};
}

}  // namespace bpftime
