// bpftime-aot load: a native object becomes the code of a program in shared memory.
#include <fmt/format.h>

#include "tools/aot/compiling.h"
#include "tools/aot/keys.h"
#include "tools/aot/registry_programs.h"
#include "vm/linker/linker.h"

namespace bpftime::aot {

namespace {

struct LoadOptions {
    std::string path, id;
    std::vector<std::string> keys;
};

Status load(const LoadOptions& options) {
    const auto registry = BPFTIME_TRY(open_registry());
    const auto program = BPFTIME_TRY(find_program(*registry, options.id));
    const Bytes object = BPFTIME_TRY(read_file(options.path));
    LinkOptions checks{.expected_tag = program_tag(program->program),
                       .expected_program = program->program.name,
                       .program_type = program->program.type};
    checks.trusted_keys = BPFTIME_TRY(read_public_keys(options.keys));
    auto linked = link_object(object, bindings_of(*program), checks);
    if (!linked) return fail(std::move(linked).error().in_file(options.path));
    const Metadata metadata = BPFTIME_TRY(read_metadata(object));
    BPFTIME_CHECK(registry->store_companion(*program, kCodeCompanion, object));
    fmt::print("{}: {}: program '{}', {}, checked: {}\n", program->id, options.path, metadata.program,
               summary(metadata, object.size()), metadata.verifier);
    return {};
}

}  // namespace

void add_load(CLI::App& app, Action& action) {
    auto options = std::make_shared<LoadOptions>();
    CLI::App* command = app.add_subcommand("load", "Make a native object the code of a program in shared memory");
    command->add_option("PATH", options->path, "object that build or compile wrote")->required();
    command->add_option("ID", options->id, "program whose code it becomes")->required();
    command->add_option("--trust", options->keys, "require a signature by one of these Ed25519 public keys (may be repeated)");
    command->callback([options, &action] { action = [options] { return load(*options); }; });
}

}  // namespace bpftime::aot
