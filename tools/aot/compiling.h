// What build and compile share: the options that say how to compile, and what is written and printed of each program.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "tools/aot/command.h"
#include "vm/llvm-jit/compiler.h"

namespace bpftime::aot {

struct CompileArguments {
    std::string directory = ".";
    std::string entry;
    std::string key_file;
    std::string target;
    CompileOptions compile;
    bool emit_llvm = false;
    bool header = false;
    bool no_debug = false;
    bool no_fold = false;
};

// Declares -o, -e, --entry, --target and the like; check_compile_arguments() belongs into the subcommand's callback.
void add_compile_arguments(CLI::App& command, CompileArguments& arguments);
void check_compile_arguments(CompileArguments& arguments);

// A line of progress on a terminal, erased when the next one comes.
class Progress {
public:
    explicit Progress(std::size_t total);
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    ~Progress();
    void step(const std::string& name);
    void clear() const;

private:
    std::size_t total_, done_ = 0;
    bool shown_;
};

// Compiles programs and writes them where the arguments say.
class ObjectWriter {
public:
    static Result<ObjectWriter> create(const CompileArguments& arguments);

    // Writes DIRECTORY/NAME.o (or .ll), and NAME.aot.h if asked for. Returns the object; the path is `path`. `name` is one that
    // file_name() gave.
    Result<SealedObject> write(const Program& program, const std::string& name, std::string& path) const;

private:
    ObjectWriter(const CompileArguments& arguments, const Compiler& compiler) : arguments_(arguments), compiler_(compiler) {}

    const CompileArguments& arguments_;
    const Compiler& compiler_;
    std::optional<SigningKey> key_;
};

// A program's name as the name of a file: letters, digits, '_', '-' and '.' stay, no directory and no hidden file comes of it.
std::string file_name(std::string_view program);

// "verified by bpftime 0.1" or "not verified": that the structure was checked is no proof.
std::string verdict(const Metadata& metadata);

// "41 instructions, 3528 bytes, helpers: map_lookup_elem, maps: counts"
std::string summary(const Metadata& metadata, std::size_t bytes);

}  // namespace bpftime::aot
