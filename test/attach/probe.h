// What the tests attach to places: counts, and follows returns.
#pragma once

#include <atomic>
#include <cstdint>

#include "runtime/attach/patch.h"
#include "runtime/attach/returns.h"

namespace bpftime::test {

struct Probe {
    std::atomic<std::uint64_t> entries = 0, returns = 0, dropped = 0;
    std::atomic<std::uint64_t> last_result = 0, last_ip = 0;
    attach::Patch* patch = nullptr;
};

// Handlers (patch.h), in a file that is compiled without vector registers.
void enter_probe(pt_regs* registers, void* place);

}  // namespace bpftime::test
