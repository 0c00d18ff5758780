// The registry in which this process's BPF objects live.
#pragma once

#include "runtime/registry/registry.h"

namespace bpftime::preload {

// The shared registry of this user and $BPFTIME_GLOBAL_SHM_NAME: opened on first use, never closed, as descriptors are
// used until the process ends. An error says why there is none; the next call tries again.
Result<Registry*> process_registry();

// Whether it has been created, here or by a process that this one was forked from; and whether here. Neither takes a
// lock.
bool has_process_registry();
bool owns_process_registry();

}  // namespace bpftime::preload
