// ELF input: whatever the bytes, load_elf() returns an object or a sentence. Seeds: any BPF objects, such as
// build/bpf/*.bpf.o.
#include <cstdint>
#include <cstdlib>

#include "runtime/loader/elf_loader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto object = bpftime::load_elf({data, size}, "fuzz.o");
    if (!object && object.error().cause.empty()) std::abort();
    if (object)
        for (const bpftime::LoadedProgram& program : object->programs) {
            if (!program.program && program.program.error().cause.empty()) std::abort();
            if (program.program && program.program->subprograms.empty()) std::abort();
        }
    return 0;
}
