// What an object expects from outside of itself (.ksyms): kernel functions and variables, none of which exist in
// userspace.
#pragma once

#include <set>
#include <utility>
#include <vector>

#include "runtime/loader/elf_image.h"
#include "runtime/syscall-server/bpf_call.h"

namespace bpftime {

// Makes strong references to kernel symbols weak, so that libbpf goes on and a program is refused only when it needs
// one. Configuration variables (.kconfig) are left alone: libbpf knows their values.
void weaken_kernel_symbols(ElfImage& image);

// Instructions (section, byte offset) whose value comes from the target's BTF.
using CoreRelocations = std::set<std::pair<std::uint32_t, std::uint64_t>>;
CoreRelocations core_relocations(const ElfImage& image);

// Finds what a program that libbpf has relocated refers to in vain. Weak kernel addresses become null. Absent are calls
// of kernel functions, addresses of what the source says must exist, and `unresolved` relocations.
std::vector<AbsentReference> resolve_references(const ElfImage& image, const CoreRelocations& unresolved,
                                                ProgramDraft& draft);

}  // namespace bpftime
