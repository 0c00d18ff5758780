// bpftime-aot load: a native object becomes the code of a program in shared memory.
#include <fmt/format.h>

#include "tools/aot/compiling.h"
#include "tools/aot/keys.h"
#include "tools/aot/registry_programs.h"
#include "vm/linker/linker.h"

namespace bpftime::aot {

namespace {

struct LoadOptions {
    std::string path, id_text;
    std::uint32_t id = 0;
    std::vector<std::string> keys;
};

// What the object says of itself, if it can be the program's code.
Result<Metadata> check(const Bytes& object, const ProgramObject& program, const LinkOptions& checks) {
    if (file_kind(object) == FileKind::Bpf)
        return fail(failure("it is bytecode, not a native object").with_hint("make one with bpftime-aot build or compile"));
    const Metadata metadata = BPFTIME_TRY(read_metadata(object));
    BPFTIME_TRY(link_object(object, bindings_of(program), checks));
    return metadata;
}

Status load(const LoadOptions& options) {
    const Bytes object = BPFTIME_TRY(read_file(options.path));
    const auto registry = BPFTIME_TRY(open_registry());
    auto found = find_program(*registry, options.id);
    if (!found) return fail(std::move(found).error().in_file(options.path));
    const ProgramObject& program = **found;
    LinkOptions checks{.expected_tag = program_tag(program.program),
                       .expected_program = program.program.name,
                       .program_type = program.program.type};
    checks.trusted_keys = BPFTIME_TRY(read_public_keys(options.keys));
    auto metadata = check(object, program, checks);
    if (!metadata) {
        Error error = std::move(metadata).error();
        error.cause = cat("it cannot become the code of ", describe(program), ": ", error.cause);
        error.program.clear();  // both are named
        return fail(std::move(error).in_file(options.path));
    }
    BPFTIME_CHECK(registry->store_companion(program, kCodeCompanion, object));
    fmt::print("{}: {}: program '{}', {}, {}\n", program.id, options.path, program.program.name, summary(*metadata, object.size()),
               verdict(*metadata));
    return {};
}

}  // namespace

void add_load(CLI::App& app, Action& action) {
    auto options = std::make_shared<LoadOptions>();
    CLI::App* command = app.add_subcommand("load", "Make a native object the code of a program in shared memory");
    command->add_option("PATH", options->path, "object that build or compile wrote")->required();
    command->add_option("ID", options->id_text, "program whose code it becomes")->required();
    command->add_option("--trust", options->keys, "require a signature by one of these Ed25519 public keys (may be repeated)");
    command->callback([options, &action] {
        options->id = program_id(options->id_text);
        action = [options] { return load(*options); };
    });
}

}  // namespace bpftime::aot
