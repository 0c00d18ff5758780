// Objects whose descriptors are waited on: output events and ring buffers. Behind such a descriptor stands a pipe;
// whoever writes a record writes a byte into it. What the client has not read yet follows from the positions in the
// object's pages, its companion "ring".
#pragma once

#include "runtime/registry/registry.h"

namespace bpftime {

// The pipe, of which either end may be opened anew: what Registry::publish() takes.
Result<Fd> new_wake_pipe();

bool is_waited_on(const BpfObject& object);

// The beginning of its pages, with the positions in it. ENOENT as long as there are none.
Result<SharedPages> open_positions(const Registry& registry, const BpfObject& object);

// Makes `fd`, a descriptor of `object`, readable if there are records that the client has not read, and not otherwise:
// whoever waits on it asks this first. `pages`: of open_positions(), empty without.
void settle_readiness(const BpfObject& object, std::span<std::uint8_t> pages, int fd);

}  // namespace bpftime
