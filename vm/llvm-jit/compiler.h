// The LLVM compiler as the rest of the project sees it. It lives in libbpftime-llvm.so, opened by load_compiler() when a
// command compiles; nothing else links LLVM.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "vm/core/engine.h"
#include "vm/linker/metadata.h"

namespace bpftime {

struct CompileOptions {
    std::string triple{};      // empty: this host's
    std::string cpu{};         // LLVM's -mcpu; empty: the triple's baseline (objects run anywhere); "native": this host's
    std::string features{};    // LLVM's "+a,-b", added to the CPU's
    std::string entry = "bpf_main";
    int optimise = 3;          // 0..3
    bool debug_info = true;    // DWARF line table from the program's BTF lines
    bool fold_frozen = true;   // contents of frozen read-only maps become constants
};

struct CompiledObject {
    std::vector<std::uint8_t> elf;  // relocatable object, not sealed
    Metadata metadata;              // everything that seal() needs
};

// A stretch of native code and the BPF slot it comes from.
struct NativeLine {
    std::uint64_t address = 0;
    std::string text;            // "mov rax, rdi"
    std::string symbol;          // function it belongs to, at its first instruction
    std::int64_t source_line = -1;
    std::string source_file;
};

class Compiler {
public:
    virtual ~Compiler() = default;
    virtual Result<CompiledObject> compile(const Program& program, const CompileOptions& options) const = 0;
    // Textual LLVM IR: as lowered (optimise 0) or as optimised.
    virtual Result<std::string> emit_ir(const Program& program, const CompileOptions& options) const = 0;
    // Disassembles the code of an ELF object for the triple it was built for; line numbers from its DWARF.
    virtual Result<std::vector<NativeLine>> disassemble(std::span<const std::uint8_t> elf) const = 0;
    virtual std::string version() const = 0;  // "LLVM 19.1.7"
};

// Opens libbpftime-llvm.so, found beside this binary, in ../lib, or by the dynamic linker's own search. The result lives until
// the process ends.
Result<const Compiler*> load_compiler();

struct SealedObject {
    std::vector<std::uint8_t> bytes;
    Metadata metadata;  // as sealed, tag and program-info digest included
};

// load_compiler + compile + seal: the object that `build` writes and the LLVM JIT links.
Result<SealedObject> compile_object(const Program& program, const CompileOptions& options, const SigningKey* key = nullptr);

// compile_object for this host + link_object in memory: the LLVM JIT engine.
Result<std::unique_ptr<Executable>> llvm_jit(const Program& program, const Bindings& bindings, const CompileOptions& options = {});

}  // namespace bpftime
