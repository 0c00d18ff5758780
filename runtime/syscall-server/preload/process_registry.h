// The registry in which this process's BPF objects live.
#pragma once

#include "runtime/registry/registry.h"

namespace bpftime::preload {

// Created on first use, never destroyed: descriptors are used until the process ends.
Registry& process_registry();

// Whether it has been created, by this process and not by one that it was forked from. Takes no lock.
bool has_process_registry();

}  // namespace bpftime::preload
