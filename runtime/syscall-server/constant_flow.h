// Which instructions a program can reach once constants are known: the branches that libbpf leaves behind for absent
// fields, types, kernel functions and configuration options are decided by values that loading has just filled in.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "runtime/registry/map_elements.h"
#include "runtime/syscall-server/bpf_call.h"
#include "vm/core/insn.h"

namespace bpftime {

// The contents of map `index` when nothing can change them any more, else empty.
using ConstantMaps = std::function<ByteView(std::uint32_t index)>;

// True for every slot that is reachable from slot 0 with constants propagated through registers, arithmetic, constant
// maps and conditional jumps. Never false for a slot that a run can reach. Tolerates code that validate() has not seen.
std::vector<bool> reachable_slots(std::span<const Insn> insns, const ConstantMaps& constants);

// Replaces the slots of `absent` that nothing reaches with "goto +0" (a lddw with one of 0); the reason of the first
// one that is reached is the error. EACCES, as the kernel's verifier.
Status remove_unreached(std::vector<Insn>& insns, std::span<const AbsentReference> absent,
                        const ConstantMaps& constants);

}  // namespace bpftime
