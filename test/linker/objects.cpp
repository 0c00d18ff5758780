#include "test/linker/objects.h"

#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <stdexcept>

#include "vm/core/kernel_names.h"
#include "vm/linker/target.h"

namespace bpftime::test {

namespace {

// A directory that disappears with the object.
class TemporaryDirectory {
public:
    TemporaryDirectory() {
        std::string name = (std::filesystem::temp_directory_path() / "bpftime-linker-XXXXXX").string();
        if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a temporary directory");
        path_ = name;
    }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

CommandResult run_in(const std::filesystem::path& directory, const std::string& command) {
    CommandResult result;
    const std::string line = cat("cd '", directory.string(), "' && { ", command, " ; } 2>&1");
    FILE* pipe = popen(line.c_str(), "r");
    if (pipe == nullptr) throw std::runtime_error("cannot run a shell");
    std::array<char, 4096> buffer{};
    for (std::size_t n; (n = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) result.output.append(buffer.data(), n);
    result.status = pclose(pipe);
    return result;
}

void write_file(const std::filesystem::path& path, const Bytes& contents) {
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(contents.data()), static_cast<std::streamsize>(contents.size()));
}

Bytes read_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

// Where a command really is; empty if it is not installed.
std::string location(const std::string& compiler) {
    const auto result = shell("readlink -f \"$(command -v " + compiler + ")\"", {});
    return result.status == 0 ? result.output : "";
}

}  // namespace

CommandResult shell(const std::string& command, const std::vector<NamedFile>& files) {
    const TemporaryDirectory directory;
    for (const NamedFile& file : files) write_file(directory.path() / file.name, file.contents);
    return run_in(directory.path(), command);
}

const std::vector<std::string>& compilers() {
    static const std::vector<std::string> all = [] {
        std::vector<std::string> names{BPFTIME_TEST_CC};
        std::set<std::string> seen{location(BPFTIME_TEST_CC)};
        for (const char* name : {"gcc", "clang", "clang-19"})
            if (const auto where = location(name); !where.empty() && seen.insert(where).second) names.push_back(name);
        return names;
    }();
    return all;
}

// Without the stack protector that some distributions' compilers switch on by themselves.
Bytes compile(const std::string& source, const std::string& flags, const std::string& compiler) {
    const TemporaryDirectory directory;
    write_file(directory.path() / "program.c", bytes(source.c_str()));
    const auto result = run_in(directory.path(), cat(compiler, " -fno-stack-protector ", flags, " -c program.c -o program.o"));
    if (result.status != 0) throw std::runtime_error(compiler + " failed: " + result.output);
    return read_file(directory.path() / "program.o");
}

MapSpec map_spec(std::string name, std::uint32_t number) {
    MapSpec spec;
    spec.name = std::move(name);
    spec.number = number;
    spec.type = static_cast<std::uint32_t>(MapType::Array);
    spec.key_size = 4;
    spec.value_size = 8;
    spec.max_entries = 3;
    return spec;
}

Metadata metadata(std::vector<std::uint32_t> helpers, std::vector<MapSpec> maps) {
    Metadata m;
    m.program = "prog";
    m.section = "uprobe";
    m.license = "MIT";
    m.program_type = static_cast<std::uint32_t>(ProgType::Kprobe);
    m.context_size = context_size(m.program_type);
    m.tag.fill(0x5a);
    m.insn_count = 12;
    m.triple = cat(aot::kHost.target.triple, "-pc-linux-gnu");
    m.cpu = "generic";
    m.entry = "bpf_main";
    m.helpers = std::move(helpers);
    for (MapSpec& spec : maps) m.maps.push_back({.spec = std::move(spec)});
    m.subprograms.push_back({.name = "entry", .begin = 0, .end = 12, .native_stack = 64});
    m.bpf_stack = 16;
    m.native_stack = 64;
    m.verifier = "structure";
    m.producer = "test";
    return m;
}

std::string hexadecimal(std::span<const std::uint8_t> data) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : data) text += {digits[byte >> 4], digits[byte & 15]};
    return text;
}

Bytes seal_fresh(const Bytes& object, Metadata m, const SigningKey* key) {
    m.program_info = program_info_digest(m);
    auto sealed = seal(object, m, key);
    if (!sealed) throw std::runtime_error("seal failed: " + to_string(sealed.error()));
    return *std::move(sealed);
}

}  // namespace bpftime::test
