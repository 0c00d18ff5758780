#include "runtime/maps/spec_check.h"

#include "runtime/maps/pages.h"

namespace bpftime {

Status check_map_flags(const MapSpec& spec, std::uint32_t allowed_flags) {
    if ((spec.flags & ~allowed_flags) != 0)
        return fail(failure("flags ", hex(spec.flags & ~allowed_flags), " do not apply to this map type"));
    for (const std::uint32_t both :
         {map_flag::kRdonly | map_flag::kWronly, map_flag::kRdonlyProg | map_flag::kWronlyProg})
        if ((spec.flags & both) == both) return fail(failure("a map cannot be both read-only and write-only"));
    if (spec.extra != 0) return fail(failure("map_extra ", hex(spec.extra), " does not apply to this map type"));
    return {};
}

Status check_map_sizes(const MapSpec& spec) {
    if (spec.key_size == 0 || spec.value_size == 0 || spec.max_entries == 0)
        return fail(failure("key size ", spec.key_size, ", value size ", spec.value_size, " and max entries ",
                            spec.max_entries, " must not be 0"));
    return {};
}

Status check_map_shape(const MapSpec& spec, std::uint32_t allowed_flags) {
    BPFTIME_CHECK(check_map_flags(spec, allowed_flags));
    return check_map_sizes(spec);
}

Status check_percpu_value(const MapSpec& spec) {
    if (round_up(spec.value_size, 8) > kMaxPercpuValue)
        return fail(
            failure("per-CPU value of ", spec.value_size, " bytes exceeds ", kMaxPercpuValue).with_errno(E2BIG));
    return {};
}

}  // namespace bpftime
