// bpftime-aot inspect: what a native object says about itself, or what a BPF ELF object holds.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "runtime/loader/elf_loader.h"
#include "tools/aot/command.h"
#include "tools/support/files.h"
#include "vm/core/kernel_names.h"
#include "vm/linker/linker.h"

namespace bpftime::aot {

namespace {

using Json = nlohmann::ordered_json;

std::string hex_digest(const Digest& digest) {
    std::string out;
    for (const std::uint8_t byte : digest) out += fmt::format("{:02x}", byte);
    return out;
}

Json map_json(const MapSpec& map) {
    return {{"number", map.number},           {"name", map.name},
            {"type", map_type_name(map.type)}, {"key_size", map.key_size},
            {"value_size", map.value_size},    {"max_entries", map.max_entries},
            {"flags", map.flags}};
}

Json describe(const Metadata& metadata, std::size_t bytes) {
    Json helpers = Json::array(), maps = Json::array(), subprograms = Json::array();
    for (const std::uint32_t id : metadata.helpers)
        helpers.push_back({{"id", id}, {"name", fmt::format("bpf_{}", helper(id)->name)}, {"arguments", helper(id)->arg_count()}});
    for (const MetadataMap& map : metadata.maps) {
        Json row = map_json(map.spec);
        if (map.folded) row["folded_contents"] = hex_digest(map.contents_digest);
        maps.push_back(std::move(row));
    }
    for (const MetadataSubprogram& sub : metadata.subprograms)
        subprograms.push_back({{"name", sub.name}, {"begin", sub.begin}, {"end", sub.end}, {"native_stack", sub.native_stack}});
    return {{"format", metadata.version},
            {"program", metadata.program},
            {"section", metadata.section},
            {"type", prog_type_name(metadata.program_type)},
            {"license", metadata.license},
            {"tag", hex_digest(metadata.tag)},
            {"instructions", metadata.insn_count},
            {"target", metadata.triple},
            {"cpu", metadata.cpu},
            {"features", metadata.features},
            {"entry", metadata.entry},
            {"helpers", std::move(helpers)},
            {"maps", std::move(maps)},
            {"subprograms", std::move(subprograms)},
            {"context_size", metadata.context_size},
            {"bpf_stack", metadata.bpf_stack},
            {"native_stack", metadata.native_stack},
            {"verified_by", metadata.verifier},
            {"program_info", hex_digest(metadata.program_info)},
            {"producer", metadata.producer},
            {"object_bytes", bytes}};
}

Json describe(const LoadedObject& object) {
    Json programs = Json::array(), maps = Json::array();
    for (const LoadedProgram& loaded : object.programs) {
        Json row{{"name", loaded.name}, {"section", loaded.section}};
        if (loaded.program) {
            Json helpers = Json::array();
            for (const std::uint32_t id : helpers_used(*loaded.program)) helpers.push_back(fmt::format("bpf_{}", helper(id)->name));
            row["type"] = prog_type_name(loaded.program->type);
            row["instructions"] = loaded.program->insns.size();
            row["tag"] = hex_digest(program_tag(*loaded.program));
            row["helpers"] = std::move(helpers);
        } else {
            row["refused"] = to_string(loaded.program.error());
        }
        programs.push_back(std::move(row));
    }
    for (const MapSpec& map : object.maps) maps.push_back(map_json(map));
    return {{"programs", std::move(programs)}, {"maps", std::move(maps)}};
}

// A JSON value as a person reads it: "name: value" lines, one line for each member of a list.
void print_text(const Json& value, int indent = 0) {
    const auto inline_text = [](const Json& scalar) { return scalar.is_string() ? scalar.get<std::string>() : scalar.dump(); };
    const auto list_text = [](const Json& list) {
        return list.empty() ? "none" : fmt::format("{}", fmt::join(list.get<std::vector<std::string>>(), " "));
    };
    const auto row_text = [&](const Json& row) {
        std::string text;
        for (const auto& [key, field] : row.items())
            text += fmt::format("{}{} {}", text.empty() ? "" : ", ", key, field.is_array() ? list_text(field) : inline_text(field));
        return text;
    };
    for (const auto& [key, field] : value.items()) {
        if (field.is_array() && !field.empty() && field.front().is_object()) {
            fmt::print("{:{}}{}:\n", "", indent, key);
            for (const Json& row : field) fmt::print("{:{}}{}\n", "", indent + 2, row_text(row));
        } else if (field.is_array()) {
            fmt::print("{:{}}{}: {}\n", "", indent, key, list_text(field));
        } else {
            const std::string text = inline_text(field);
            fmt::print("{:{}}{}: {}\n", "", indent, key, text.empty() ? "none" : text);
        }
    }
}

Status inspect(const std::string& path, bool json) {
    const Bytes contents = BPFTIME_TRY(read_file(path));
    Json description;
    if (file_kind(contents) == FileKind::Bpf) {
        description = describe(BPFTIME_TRY(load_elf(path)));
    } else {
        auto metadata = read_metadata(contents);
        if (!metadata) return fail(std::move(metadata).error().in_file(path));
        description = describe(*metadata, contents.size());
    }
    if (json) fmt::print("{}\n", description.dump(2));
    else print_text(description);
    return {};
}

}  // namespace

void add_inspect(CLI::App& app, Action& action) {
    struct Options {
        std::string path;
        bool json = false;
    };
    auto options = std::make_shared<Options>();
    CLI::App* command = app.add_subcommand("inspect", "Print what a native object says about itself");
    command->add_option("PATH", options->path, "native object, or BPF ELF object")->required();
    command->add_flag("--json", options->json, "as JSON");
    command->callback([options, &action] { action = [options] { return inspect(options->path, options->json); }; });
}

}  // namespace bpftime::aot
