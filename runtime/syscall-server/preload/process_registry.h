// The registry in which this process's BPF objects live.
#pragma once

#include "runtime/registry/registry.h"

namespace bpftime::preload {

// Created on first use, never destroyed: descriptors are used until the process ends.
Registry& process_registry();

// Whether it has been created, here or by a process that this one was forked from; and whether here. Neither takes a
// lock.
bool has_process_registry();
bool owns_process_registry();

}  // namespace bpftime::preload
