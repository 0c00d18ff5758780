// Objects whose descriptors are waited on: output events and ring buffers. Behind such a descriptor stands a pipe;
// whoever wakes the client writes a byte into it.
#pragma once

#include "runtime/registry/registry.h"

namespace bpftime {

// The pipe, of which either end may be opened anew: what Registry::publish() takes.
Result<Fd> new_wake_pipe();

bool is_waited_on(const BpfObject& object);

// When such a descriptor is readable: a ring buffer's as long as there are records that the client has not read
// (ringbuf_map_poll_kern() of the kernel), an output event's once for each time that the client was woken, however many records there
// are (perf_poll()).
bool is_ready_by_records(const BpfObject& object);

// The beginning of a ring buffer's pages, with the positions in it. ENOENT as long as there are none.
Result<SharedPages> open_positions(const Registry& registry, const BpfObject& object);

// Before somebody waits on `fd`, a descriptor of the ring buffer `object`: makes it readable if there are records, and not otherwise.
// `pages`: of open_positions(), empty without.
void settle_readiness(const BpfObject& object, std::span<std::uint8_t> pages, int fd);

// After somebody was told that `fd`, a descriptor of an output event, is readable: it no longer is.
void take_wakeups(int fd);

}  // namespace bpftime
