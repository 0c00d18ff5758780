#include "test/lowering/programs.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "test/support/skip.h"
#include "vm/core/decode.h"
#include "vm/core/disasm.h"
#include "vm/core/kernel_names.h"

namespace bpftime::test {

namespace {

// A directory of its own, removed with the object.
class ScratchDirectory {
public:
    ScratchDirectory() {
        std::string pattern = (std::filesystem::temp_directory_path() / "lowering-XXXXXX").string();
        if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory");
        path_ = pattern;
    }
    ~ScratchDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    std::string file(const std::string& name) const { return path_ + "/" + name; }

private:
    std::string path_;
};

void write_bytes(const std::string& path, std::string_view bytes) {
    std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

Linked run(const std::string& command) {
    Linked result;
    FILE* const pipe = popen((command + " 2>&1").c_str(), "r");
    if (pipe == nullptr) throw std::runtime_error("cannot run " + command);
    std::array<char, 4096> buffer{};
    while (const std::size_t size = std::fread(buffer.data(), 1, buffer.size(), pipe))
        result.output.append(buffer.data(), size);
    result.status = pclose(pipe);
    return result;
}

MapSpec parse_map(std::istringstream words, std::uint32_t number) {
    MapSpec map;
    std::string type, frozen, contents;
    words >> map.name >> type >> map.key_size >> map.value_size >> map.max_entries >> frozen >> contents;
    map.number = number;
    map.type = map_type_by_name(type).value();
    map.frozen = frozen == "frozen";
    if (map.frozen) map.flags = 1u << 7;
    for (std::size_t i = 0; i + 1 < contents.size(); i += 2)
        map.contents.push_back(static_cast<std::uint8_t>(std::stoul(contents.substr(i, 2), nullptr, 16)));
    return map;
}

template <class T>
T value_of(Result<T> result) {
    if (!result) throw std::runtime_error(to_string(result.error()));
    return std::move(*result);
}

}  // namespace

const Compiler& compiler() {
    static const Result<const Compiler*> loaded = load_compiler();
    if (!loaded) skip_binary(to_string(loaded.error()));
    return **loaded;
}

Program program(std::string_view text, std::string name) {
    Program result;
    result.name = std::move(name);
    std::istringstream lines{std::string(text)};
    constexpr std::string_view kMap = "; map ";
    for (std::string line; std::getline(lines, line);)
        if (line.starts_with(kMap))
            result.maps.push_back(parse_map(std::istringstream(line.substr(kMap.size())),
                                            static_cast<std::uint32_t>(result.maps.size())));
    result.insns = value_of(assemble(text));
    result.subprograms = value_of(validate(result.insns, result.maps.size()));
    return result;
}

Program with_lines(Program program) {
    program.source_files = {"/src/prog.bpf.c"};
    for (std::uint32_t i = 0; i < program.insns.size(); ++i)
        program.lines.push_back(
            {.insn = i, .line = i + 1, .column = 1, .file = 0, .text = cat("    line ", i + 1, ";")});
    return program;
}

CompiledObject compiled(const Program& program, const CompileOptions& options) {
    return value_of(compiler().compile(program, options));
}

std::string outcome(const Result<CompiledObject>& result) { return result ? "compiled" : to_string(result.error()); }

std::vector<std::string> symbols(const std::vector<std::uint8_t>& elf) {
    const ScratchDirectory directory;
    write_bytes(directory.file("x.o"), {reinterpret_cast<const char*>(elf.data()), elf.size()});
    const Linked printed = run("nm --format=posix " + directory.file("x.o"));
    if (printed.status != 0) throw std::runtime_error(printed.output);
    std::vector<std::string> names;
    std::istringstream lines(printed.output);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string name, type;
        words >> name >> type;
        names.push_back(type + " " + name);
    }
    std::ranges::sort(names);
    return names;
}

Linked link_and_run(const std::string& driver, const std::vector<CompiledObject>& objects, const std::string& flags) {
    const ScratchDirectory directory;
    write_bytes(directory.file("driver.c"), driver);
    std::string inputs = directory.file("driver.c");
    for (std::size_t i = 0; i < objects.size(); ++i) {
        const std::string file = directory.file(cat("p", i, ".o"));
        write_bytes(file, {reinterpret_cast<const char*>(objects[i].elf.data()), objects[i].elf.size()});
        inputs += " " + file;
    }
    const Linked linked = run(cat(BPFTIME_TEST_CC " -O1 -w ", flags, " ", inputs, " -o ", directory.file("driver")));
    return linked.status != 0 ? linked : run(directory.file("driver"));
}

}  // namespace bpftime::test
