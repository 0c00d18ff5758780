#include "vm/llvm-jit/describe.h"

#include <llvm/Support/SHA256.h>

#include <algorithm>

#include "vm/core/kernel_names.h"

namespace bpftime::lowering {

namespace {

MetadataMap describe_map(const MapSpec& map, const CompileOptions& options, bool used_as_constant) {
    MetadataMap row;
    row.spec = map;
    row.folded = used_as_constant && is_foldable(map, options);
    if (row.folded) row.contents_digest = llvm::SHA256::hash(map.contents);
    return row;
}

// Positions of the maps whose values some reachable lddw addresses.
std::set<std::uint32_t> addressed_maps(const Program& program, const ProgramFlow& flow) {
    std::set<std::uint32_t> maps;
    for (const Flow& sub : flow.subprograms)
        for (const Block& block : sub.blocks)
            for (std::uint32_t slot = block.begin; slot < block.end; ++slot) {
                const Op op = program.insns[slot].op;
                if (op == Op::LddwMapValue || op == Op::LddwMapValueByIdx) maps.insert(program.insns[slot].map_index());
            }
    return maps;
}

// Bytes of BPF stack on the deepest chain of calls; a callback counts where its address is taken.
std::uint32_t bpf_stack(const Program& program, const ProgramFlow& flow, const ProgramTypes& types) {
    std::vector<std::uint32_t> deepest(program.subprograms.size(), 0);
    for (const std::uint32_t sub : flow.callees_first) {
        std::uint32_t below = 0;
        for (const Block& block : flow.subprograms[sub].blocks)
            for (std::uint32_t slot = block.begin; slot < block.end; ++slot)
                if (program.insns[slot].op == Op::CallLocal || program.insns[slot].op == Op::LddwCodeAddr)
                    below = std::max(below, deepest[callee_index(program, slot)]);
        deepest[sub] = types.of(sub).frame_bytes + below;
    }
    return deepest[0];
}

std::uint32_t deepest_chain(const std::string& function, const std::map<std::string, std::uint32_t>& sizes,
                            const std::map<std::string, std::set<std::string>>& calls,
                            std::map<std::string, std::uint32_t>& known) {
    if (const auto found = known.find(function); found != known.end()) return found->second;
    known[function] = 0;  // no recursion; a cycle would count once
    std::uint32_t below = 0;
    if (const auto row = calls.find(function); row != calls.end())
        for (const std::string& callee : row->second)
            below = std::max(below, deepest_chain(callee, sizes, calls, known));
    constexpr std::uint32_t kReturnAddress = 8;
    const auto own = sizes.find(function);
    return known[function] = below + kReturnAddress + (own == sizes.end() ? 0 : own->second);
}

}  // namespace

Status check_entry_name(std::string_view name) {
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
    const auto plain = [&](char c) { return letter(c) || (c >= '0' && c <= '9'); };
    if (name.empty() || !letter(name[0]) || !std::ranges::all_of(name, plain))
        return fail(failure("entry name '", name, "' is not a C identifier"));
    for (const std::string_view prefix :
         {abi::kHelperPrefix, std::string_view("__lddw_helper_"), std::string_view("__bpftime_")})
        if (name.starts_with(prefix))
            return fail(
                failure("entry name '", name, "' is reserved").with_hint(cat("names must not begin with ", prefix)));
    return {};
}

Metadata describe(const Program& program, const CompileOptions& options, const Target& target, const ProgramFlow& flow,
                  const ProgramTypes& types) {
    Metadata metadata;
    metadata.program = program.name;
    metadata.section = program.section;
    metadata.license = program.license;
    metadata.program_type = program.type;
    metadata.expected_attach_type = program.expected_attach_type;
    metadata.context_size = context_size(program.type);
    metadata.insn_count = static_cast<std::uint32_t>(program.insns.size());
    metadata.triple = target.triple.str();
    metadata.cpu = target.cpu;
    metadata.features = target.features;
    metadata.entry = options.entry;
    metadata.helpers = helpers_used(program);
    const auto addressed = addressed_maps(program, flow);
    for (std::uint32_t i = 0; i < program.maps.size(); ++i)
        metadata.maps.push_back(describe_map(program.maps[i], options, addressed.contains(i)));
    for (const Subprogram& sub : program.subprograms) metadata.subprograms.push_back({sub.name, sub.begin, sub.end, 0});
    metadata.bpf_stack = bpf_stack(program, flow, types);
    metadata.verifier = "structure";
    metadata.producer = "bpftime " BPFTIME_VERSION " LLVM " LLVM_VERSION_STRING;
    return metadata;
}

void add_native_stack(Metadata& metadata, const ModuleLowering& lowering,
                      const std::map<std::string, std::uint32_t>& sizes,
                      const std::map<std::string, std::set<std::string>>& calls) {
    // Functions that were inlined away are gone from the module, so they are told by symbol.
    for (std::size_t i = 0; i < metadata.subprograms.size(); ++i)
        if (const auto size = sizes.find(lowering.symbol(i)); size != sizes.end())
            metadata.subprograms[i].native_stack = size->second;
    std::map<std::string, std::uint32_t> known;
    metadata.native_stack = deepest_chain(metadata.entry, sizes, calls, known);
}

}  // namespace bpftime::lowering
