// The shared registry of a test.
#pragma once

#include "runtime/registry/shared_registry.h"
#include "test/catch.h"
#include "test/support/shm_name.h"

namespace bpftime::test {

inline std::unique_ptr<SharedRegistry> open_registry(const ShmName& shm) {
    auto registry = SharedRegistry::open(ShmDirectory::Open::Create, shm.name());
    REQUIRE(registry);
    return *std::move(registry);
}

}  // namespace bpftime::test
