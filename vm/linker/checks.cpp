// What an object must agree on with this runtime and this host, one function a rule, in the order of the table at the
// end.
#include <algorithm>

#include "vm/core/kernel_names.h"
#include "vm/linker/load_image.h"
#include "vm/linker/target.h"

namespace bpftime::aot {

namespace {

constexpr std::string_view kRebuild = "rebuild the object with this version's bpftime-aot";

std::string helper_name(std::uint32_t id) {
    const HelperInfo* row = helper(id);
    return row == nullptr ? cat("helper ", id) : cat("helper bpf_", row->name, " (", id, ')');
}

Status check_machine(Linking& linking) {
    const auto machine = linking.object.machine();
    if (machine != kHost.target.machine)
        return fail(
            failure(elf::machine_name(machine), " object on an ", elf::machine_name(kHost.target.machine), " host")
                .with_hint(cat("rebuild it with --target ", kHost.target.triple))
                .with_errno(ENOEXEC));
    const auto* metadata = linking.metadata;
    if (metadata != nullptr && !metadata->triple.starts_with(kHost.target.triple))
        return fail(
            failure("the metadata is of a ", metadata->triple, " object, the code is ", elf::machine_name(machine))
                .with_hint(kRebuild));
    return {};
}

Status check_verified(Linking& linking) {
    const auto* metadata = linking.metadata;
    if (linking.options.allow_unverified || (metadata != nullptr && !metadata->verifier.empty())) return {};
    return fail(failure(metadata == nullptr ? "the object has no metadata" : "the object's program was not verified")
                    .with_hint("build it with bpftime-aot, or allow unverified objects (--allow-unverified)")
                    .with_errno(EACCES));
}

Status check_tag(Linking& linking) {
    const auto& expected = linking.options.expected_tag;
    if (linking.metadata == nullptr || !expected || linking.metadata->tag == *expected) return {};
    return fail(failure("the object is of program '", linking.metadata->program, "' with another tag than '",
                        linking.options.expected_program, "' has here")
                    .with_hint("rebuild the object from the program that it is to replace"));
}

Status check_context(Linking& linking) {
    if (linking.metadata == nullptr) return {};
    const Metadata& metadata = *linking.metadata;
    const auto expected = linking.options.program_type;
    if (expected && metadata.program_type != *expected)
        return fail(failure("the object is of a ", prog_type_name(metadata.program_type), " program, and ",
                            prog_type_name(*expected), " is wanted here"));
    const auto here = context_size(metadata.program_type);
    if (here != 0 && metadata.context_size != 0 && metadata.context_size != here)
        return fail(failure("the context of a ", prog_type_name(metadata.program_type), " program has ", here,
                            " bytes here and ", metadata.context_size, " in the object")
                        .with_hint(kRebuild));
    return {};
}

Status check_features(Linking& linking) {
    if (linking.metadata == nullptr) return {};
    for (const std::string& name : linking.metadata->features) {
        const Support support = kHost.feature(name);
        if (support == Support::Present) continue;
        return fail(failure("the code uses the CPU feature ", name, ", which ",
                            support == Support::Missing ? "this host does not have" : "this runtime does not know")
                        .with_hint("rebuild the object with an --mcpu that this host supports")
                        .with_errno(ENOEXEC));
    }
    return {};
}

Status check_helpers(Linking& linking) {
    if (linking.metadata == nullptr) return {};
    for (const MetadataPrototype& there : linking.metadata->prototypes) {
        const HelperInfo* here = helper(there.helper);
        if (here == nullptr) return fail(failure(helper_name(there.helper), " is unknown to this runtime"));
        if (here->effect != there.effect || here->result != there.result || here->args != there.args)
            return fail(
                failure(helper_name(there.helper), " has another prototype here than the object was compiled for")
                    .with_hint(kRebuild));
        if (linking.bindings.helpers[there.helper] == nullptr)
            return fail(failure(helper_name(there.helper), " is not offered by this runtime")
                            .with_hint("'bpftime-aot helpers' lists those that are"));
    }
    return {};
}

// How the shape of a map here differs from the object's: "type hash here and array in the object"; empty if it does
// not.
std::string shape_difference(const MapSpec& here, const MapSpec& there) {
    if (here.type != there.type)
        return cat("type ", map_type_name(here.type), " here and ", map_type_name(there.type), " in the object");
    struct Field {
        std::string_view name;
        std::uint32_t MapSpec::*member;
    };
    static constexpr Field kFields[] = {{"a key size", &MapSpec::key_size},
                                        {"a value size", &MapSpec::value_size},
                                        {"a capacity", &MapSpec::max_entries}};
    for (const Field& field : kFields)
        if (here.*field.member != there.*field.member)
            return cat(field.name, " of ", here.*field.member, " here and ", there.*field.member, " in the object");
    return {};
}

// The map of this runtime that `spec` means: of its name and shape, not taken by another map of the object, its number
// first.
Result<const MapBinding*> match_map(const Linking& linking, const MapSpec& spec) {
    const MapBinding* best = nullptr;
    std::string difference;
    bool named = false;
    for (const MapBinding& map : linking.bindings.maps) {
        if (map.spec.name != spec.name || std::ranges::find(linking.maps, &map) != linking.maps.end()) continue;
        named = true;
        const std::string differs = shape_difference(map.spec, spec);
        if (differs.empty() && (best == nullptr || map.spec.number == spec.number)) best = &map;
        if (difference.empty()) difference = differs;
    }
    if (best != nullptr) return best;
    if (named) return fail(failure("map '", spec.name, "' has ", difference));
    return fail(failure("map '", spec.name, "' is missing here")
                    .with_hint("load the program that creates it first")
                    .with_errno(ENOENT));
}

Status check_maps(Linking& linking) {
    if (linking.metadata == nullptr) return {};
    linking.maps.reserve(linking.metadata->maps.size());
    for (const MetadataMap& map : linking.metadata->maps)
        linking.maps.push_back(BPFTIME_TRY(match_map(linking, map.spec)));
    return {};
}

Status check_stacks(Linking& linking) {
    if (linking.metadata == nullptr) return {};
    const Metadata& metadata = *linking.metadata;
    constexpr std::uint32_t kBpfLimit = kStackSize * kMaxCallDepth;
    if (metadata.bpf_stack > kBpfLimit)
        return fail(failure("the program uses ", metadata.bpf_stack, " bytes of BPF stack, more than the ", kBpfLimit,
                            " of ", kMaxCallDepth, " frames"));
    if (metadata.native_stack > linking.options.max_native_stack)
        return fail(failure("the code uses ", metadata.native_stack, " bytes of stack, more than the ",
                            linking.options.max_native_stack, " allowed here"));
    return {};
}

constexpr Status (*kChecks[])(Linking&) = {
    check_machine, check_verified, check_tag, check_context, check_features, check_helpers, check_maps, check_stacks,
};

}  // namespace

Status check_object(Linking& linking) {
    for (const auto check : kChecks) BPFTIME_CHECK(check(linking));
    return {};
}

}  // namespace bpftime::aot
