// bpftime-aot compile: native code for the programs of the shared registry.
#include <fmt/format.h>

#include <cstdio>
#include <map>
#include <set>

#include "tools/aot/compiling.h"
#include "tools/aot/registry_programs.h"

namespace bpftime::aot {

namespace {

struct CompileCommand : CompileArguments {
    std::vector<std::string> ids;
    std::set<std::uint32_t> chosen;  // `ids`, read
};

using Programs = std::vector<std::shared_ptr<ProgramObject>>;

// Those named, each once, or all.
Result<Programs> choose(const SharedRegistry& registry, const std::set<std::uint32_t>& ids) {
    Programs programs;
    for (const std::uint32_t id : ids) programs.push_back(BPFTIME_TRY(find_program(registry, id)));
    if (!ids.empty()) return programs;
    for (const std::uint32_t id : registry.ids(ObjectKind::Program)) {
        auto object = registry.by_id(ObjectKind::Program, id);
        if (object) programs.push_back(std::static_pointer_cast<ProgramObject>(*object));
        else if (object.error().errnum != ENOENT) return fail(std::move(object).error());  // else it went meanwhile
    }
    if (programs.empty()) return fail(failure("there is no program in ", registry.directory().path()));
    return programs;
}

// File names: the program's, and its id where two share one.
std::map<std::uint32_t, std::string> names_of(const Programs& programs) {
    std::map<std::string, int> used;
    for (const auto& object : programs) ++used[file_name(object->program.name)];
    std::map<std::uint32_t, std::string> names;
    for (const auto& object : programs) {
        std::string name = file_name(object->program.name);
        if (used[name] > 1 || object->program.name.empty()) {
            do name += fmt::format("_{}", object->id);
            while (used.contains(name));  // as another program may be called
            ++used[name];
        }
        names[object->id] = std::move(name);
    }
    return names;
}

Status compile(SharedRegistry& registry, const CompileCommand& options, const ObjectWriter& writer, const ProgramObject& object,
               const std::string& name) {
    std::string path;
    const SealedObject sealed = BPFTIME_TRY(writer.write(object.program, name, path));
    if (options.emit_llvm) {
        fmt::print("{}: {}: program '{}'\n", object.id, path, object.program.name);
        return {};
    }
    const bool runs_here = options.target.empty();
    if (runs_here) BPFTIME_CHECK(registry.store_companion(object, kCodeCompanion, sealed.bytes));
    fmt::print("{}: {}: program '{}', {}, {}\n", object.id, path, object.program.name,
               summary(sealed.metadata, sealed.bytes.size()), verdict(sealed.metadata));
    return {};
}

// Compiles every program that can be compiled; the others are told one by one, and the command fails.
Status compile_all(const CompileCommand& options) {
    const auto registry = BPFTIME_TRY(open_registry());
    const Programs programs = BPFTIME_TRY(choose(*registry, options.chosen));
    const ObjectWriter writer = BPFTIME_TRY(ObjectWriter::create(options));
    const auto names = names_of(programs);
    Progress progress(programs.size());
    std::vector<Error> refused;
    for (const auto& object : programs) {
        progress.step(object->program.name);
        Status status = compile(*registry, options, writer, *object, names.at(object->id));
        progress.clear();
        if (status) continue;
        Error error = std::move(status).error();
        error.cause = cat("program ", object->id, ": ", error.cause);
        refused.push_back(std::move(error));
    }
    if (refused.empty()) return {};
    for (std::size_t i = 0; i + 1 < refused.size(); ++i) fmt::print(stderr, "bpftime-aot: {}\n", to_string(refused[i]));
    return fail(std::move(refused.back()));
}

}  // namespace

void add_compile(CLI::App& app, Action& action) {
    auto options = std::make_shared<CompileCommand>();
    CLI::App* command = app.add_subcommand("compile", "Compile the programs in shared memory, and keep the code there as well");
    command->add_option("ID", options->ids, "programs to compile, all by default");
    add_compile_arguments(*command, *options);
    command->callback([options, &action] {
        check_compile_arguments(*options);
        for (const std::string& id : options->ids) options->chosen.insert(program_id(id));
        action = [options] { return compile_all(*options); };
    });
}

}  // namespace bpftime::aot
