// The registry in which this process's BPF objects live.
#pragma once

#include "runtime/registry/registry.h"

namespace bpftime::preload {

// The shared registry of this user and $BPFTIME_GLOBAL_SHM_NAME: opened on first use, never closed, as descriptors are
// used until the process ends. An error says why there is none; the next call tries again.
Result<Registry*> process_registry();

// Whether it has been opened, here or by a process that this one was forked from; and whether this process may take its locks: not
// between vfork and exec, nor in a child that was made without fork(). Neither takes a lock.
bool has_process_registry();
bool owns_process_registry();

// Opens the registry if descriptors of its objects came through exec.
void adopt_inherited_descriptors();

// For forking.h.
void lock_process_registry();
void unlock_process_registry();
void own_process_registry();

}  // namespace bpftime::preload
