#include "runtime/loader/elf_loader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <set>

#include "runtime/loader/externs.h"
#include "runtime/loader/kernel_btf.h"
#include "runtime/loader/libbpf_object.h"

namespace bpftime {

namespace {

Result<std::vector<std::uint8_t>> read_file(const std::string& path) {
    const auto cannot = [](int error) {
        return fail(failure("cannot read it: ", std::strerror(error)).with_errno(error));
    };
    const Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return cannot(errno);
    struct stat status {};
    if (fstat(fd.get(), &status) != 0) return cannot(errno);
    if (S_ISDIR(status.st_mode)) return cannot(EISDIR);
    std::vector<std::uint8_t> bytes;
    std::uint8_t block[65536];
    for (;;) {
        const ssize_t count = read(fd.get(), block, sizeof(block));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return cannot(errno);
        if (count == 0) return bytes;
        bytes.insert(bytes.end(), block, block + count);
    }
}

// Loads what can be loaded: all at once if libbpf lets it, else without the programs that stand in the way.
class Loading {
public:
    explicit Loading(const LoadInput& input) : input_(input) {}

    Result<LoadedObject> run(const std::vector<std::string>& names) {
        programs_ = BPFTIME_TRY(list_programs(input_));
        BPFTIME_CHECK(check_recursion());
        if (programs_.empty())
            return fail(failure("the object contains no BPF programs")
                            .with_hint("functions in .text are subprograms; a program stands in a section of its own: SEC(\"xdp\")"));
        BPFTIME_CHECK(check_names());
        std::set<std::string> wanted = BPFTIME_TRY(choose(names));
        const std::set<std::string> chosen = wanted;
        while (!wanted.empty()) {
            auto outcome = BPFTIME_TRY(load_once(input_, wanted));
            keep(outcome);
            if (!outcome.error) break;
            if (wanted.contains(outcome.blamed)) {
                refuse(outcome.blamed, *outcome.error);
                wanted.erase(outcome.blamed);
                continue;
            }
            BPFTIME_CHECK(one_by_one(wanted, *outcome.error));
            break;
        }
        return collect(chosen);
    }

private:
    // Everything that follows tells programs apart by name, as a linker would.
    Status check_names() const {
        std::set<std::string> seen;
        for (const ElfProgram& program : programs_) {
            if (program.name.empty()) return fail(failure("the object has a program without a name"));
            if (!seen.insert(program.name).second)
                return fail(failure("the object has several programs called '", program.name, "'"));
        }
        return {};
    }

    // The only function of an object can call nothing but itself, on which libbpf 1.1 corrupts its memory; 1.5 takes such a
    // function for no program.
    Status check_recursion() const {
        if (programs_.size() > 1 || (programs_.size() == 1 && programs_.front().section != ".text")) return {};
        const ElfSymbol* only = nullptr;
        for (const ElfSymbol& symbol : input_.image.symbols()) {
            if (!symbol.function() || symbol.undefined()) continue;
            if (only != nullptr) return {};
            only = &symbol;
        }
        if (only == nullptr) return {};
        if (const auto slot = input_.image.local_call(*only))
            return fail(failure("the function calls itself, which BPF does not allow").in_program(only->name).at(*slot));
        return {};
    }

    Result<std::set<std::string>> choose(const std::vector<std::string>& names) const {
        std::set<std::string> wanted(names.begin(), names.end());
        if (names.empty())
            for (const ElfProgram& program : programs_) wanted.insert(program.name);
        for (const std::string& name : wanted) {
            if (std::ranges::find(programs_, name, &ElfProgram::name) != programs_.end()) continue;
            std::string known;
            for (const ElfProgram& program : programs_) known += cat(known.empty() ? "" : ", ", program.name);
            return fail(failure("there is no program '", name, "' in the object")
                            .with_hint(cat("it has ", known))
                            .with_errno(ENOENT));
        }
        return wanted;
    }

    void refuse(const std::string& name, Error error) {
        results_.emplace(name, fail(std::move(error).in_program(name)));
    }

    void keep(LoadOutcome& outcome) {
        for (Program& program : outcome.loaded) {
            std::string name = program.name;
            results_.emplace(std::move(name), std::move(program));
        }
        if (maps_.empty() || !outcome.error) maps_ = std::move(outcome.maps);
    }

    // libbpf blamed no program: if it refuses the object even without any, all share the reason; else each is tried
    // alone.
    Status one_by_one(const std::set<std::string>& wanted, const Error& error) {
        const auto bare = BPFTIME_TRY(load_once(input_, {}));
        for (const std::string& name : wanted) {
            if (bare.error || wanted.size() == 1) {
                refuse(name, bare.error ? *bare.error : error);
                continue;
            }
            auto outcome = BPFTIME_TRY(load_once(input_, {name}));
            keep(outcome);
            if (outcome.error) refuse(name, *outcome.error);
        }
        return {};
    }

    LoadedObject collect(const std::set<std::string>& chosen) {
        LoadedObject object;
        for (const ElfProgram& program : programs_) {
            if (!chosen.contains(program.name)) continue;
            auto found = results_.find(program.name);
            if (found == results_.end()) continue;
            if (found->second) found->second->section = program.section;
            object.programs.push_back({program.name, program.section, std::move(found->second)});
        }
        object.maps = std::move(maps_);
        return object;
    }

    const LoadInput& input_;
    std::vector<ElfProgram> programs_;
    std::map<std::string, Result<Program>> results_;
    std::vector<MapSpec> maps_;
};

Result<LoadedObject> load(std::span<const std::uint8_t> bytes, const std::string& name, const ElfOptions& options) {
    ElfImage image = BPFTIME_TRY(ElfImage::parse(bytes));
    weaken_kernel_symbols(image);
    const BtfFile target = BPFTIME_TRY(open_target_btf(options.btf_path));
    const BtfFile empty = BPFTIME_TRY(make_empty_btf());
    const LoadInput input{image, name, target ? target.path() : std::string(), empty.path()};
    return Loading(input).run(options.programs);
}

// Every error names the object, unless it names another file already.
Result<LoadedObject> in_file(Result<LoadedObject> result, const std::string& name) {
    const auto place = [&](Error& error) {
        if (error.file.empty()) error.file = name;
    };
    if (!result) {
        place(result.error());
        return result;
    }
    for (LoadedProgram& program : result->programs)
        if (!program.program) place(program.program.error());
    return result;
}

}  // namespace

Result<LoadedObject> load_elf(const std::string& path, const ElfOptions& options) {
    auto bytes = read_file(path);
    if (!bytes) return fail(std::move(bytes).error().in_file(path));
    return load_elf(*bytes, path, options);
}

Result<LoadedObject> load_elf(std::span<const std::uint8_t> object, const std::string& name,
                              const ElfOptions& options) {
    return in_file(load(object, name, options), name);
}

}  // namespace bpftime
