// The helper functions of this runtime, as native code calls them: r1..r5 in, r0 out. Map arguments are Map::handle().
#pragma once

#include <span>
#include <vector>

#include "runtime/maps/map.h"
#include "vm/core/engine.h"

namespace bpftime {

// The function of helper `id`, or null when this runtime does not offer it.
HelperFn helper_function(std::uint32_t id);

// Ids of all helpers offered, ascending.
std::vector<std::uint32_t> implemented_helpers();

// All helpers, and `maps` in the order given: what engines and the linker take. The maps outlive whatever uses the
// result.
Bindings default_bindings(std::span<const std::unique_ptr<Map>> maps = {});
Bindings default_bindings(std::span<Map* const> maps);

// File descriptor that trace_printk and trace_vprintk write to, a line a call, in runs without a ring for it
// (run_context.h); standard error at first; -1: nowhere.
void set_trace_output(int fd);

}  // namespace bpftime
