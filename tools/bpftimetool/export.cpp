// bpftimetool export: the registry as JSON (docs/cli.md has the schema). Objects are named by their ids here, which an
// import gives anew.
#include <algorithm>

#include "tools/bpftimetool/probes.h"
#include "tools/bpftimetool/schema.h"
#include "tools/bpftimetool/words.h"
#include "tools/support/files.h"
#include "vm/core/decode.h"
#include "vm/core/kernel_names.h"

namespace bpftime::tool {

namespace {

std::string digits(ByteView bytes) {
    std::string text;
    for (const std::uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
    return text;
}

bool all_zero(ByteView bytes) {
    return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

// Whether elements can be listed, and set again by an import: not without keys, nor where programs alone fill the map (stack traces) or
// elements belong to a process (perf events).
bool has_elements(const MapSpec& spec) {
    const auto type = static_cast<MapType>(spec.type);
    return spec.key_size != 0 && type != MapType::StackTrace && type != MapType::PerfEventArray;
}

// Elements that differ from those of a new map.
Result<Json> elements(const MapObject& map) {
    Json list = Json::array();
    if (!has_elements(map.spec)) return list;
    const auto type = static_cast<MapType>(map.spec.type);
    const bool array = type == MapType::Array || type == MapType::PercpuArray;
    std::optional<Bytes> key;
    while (true) {
        auto next = map.elements->next_key(key ? std::optional<ByteView>(*key) : std::nullopt);
        if (!next && (next.error().errnum == ENOENT || next.error().errnum == kNotSupported)) return list;
        if (!next) return fail(std::move(next).error());
        key = *std::move(next);
        const auto value = map.elements->lookup(*key);
        if (!value || (array && all_zero(*value))) continue;
        if (!holds_objects(map.spec.type)) {
            list.push_back({{"key", digits(*key)}, {"value", digits(*value)}});
            continue;
        }
        std::uint32_t id = 0;
        std::memcpy(&id, value->data(), sizeof(id));
        list.push_back({{"key", digits(*key)}, {"object", id}});
    }
}

Result<Json> map_json(const MapObject& map) {
    Json row{{"id", map.id},
             {"name", map.spec.name},
             {"type", map_type_name(map.spec.type)},
             {"key_size", map.spec.key_size},
             {"value_size", map.spec.value_size},
             {"max_entries", map.spec.max_entries},
             {"flags", map.spec.flags},
             {"extra", map.spec.extra},
             {"frozen", map.frozen()}};
    if (map.btf) {
        row["btf"] = map.btf->id;
        row["key_type"] = map.key_type;
        row["value_type"] = map.value_type;
    }
    if (map.inner) row["inner"] = map.inner->id;
    row["elements"] = BPFTIME_TRY(elements(map));
    return row;
}

Json program_json(const ProgramObject& object) {
    const Program& program = object.program;
    Json row{{"id", object.id},
             {"name", program.name},
             {"type", prog_type_name(program.type)},
             {"expected_attach_type", program.expected_attach_type},
             {"license", program.license},
             {"flags", object.flags},
             {"maps", Json::array()},
             {"bound", bound_maps(*object.page)},
             {"insns", Json::array()}};
    for (const auto& map : object.maps) row["maps"].push_back(map->id);
    // Maps in the code are positions in "maps".
    for (const RawInsn& insn : encode(program.insns))
        row["insns"].push_back(digits({reinterpret_cast<const std::uint8_t*>(&insn), sizeof(insn)}));
    if (!object.btf) return row;
    row["btf"] = object.btf->id;
    row["functions"] = Json::array();
    for (const FuncRecord& function : object.functions) row["functions"].push_back({function.insn, function.type});
    row["lines"] = Json::array();
    for (const LineRecord& line : object.lines)
        row["lines"].push_back({line.insn, line.file_name, line.line, line.line_column});
    return row;
}

}  // namespace

bool holds_objects(std::uint32_t map_type) {
    const auto type = static_cast<MapType>(map_type);
    return type == MapType::ProgArray || type == MapType::ArrayOfMaps || type == MapType::HashOfMaps;
}

Result<Json> export_json(Registry& registry) {
    Json document{{"format", kFormat},     {"version", kFormatVersion}, {"btf", Json::array()},
                  {"maps", Json::array()}, {"programs", Json::array()}, {"events", Json::array()},
                  {"links", Json::array()}};
    for (const auto& btf : BPFTIME_TRY(chosen_objects<BtfObject>(registry, {})))
        document["btf"].push_back({{"id", btf->id}, {"data", digits(btf->bytes)}});
    for (const auto& map : BPFTIME_TRY(chosen_objects<MapObject>(registry, {})))
        document["maps"].push_back(BPFTIME_TRY(map_json(*map)));
    for (const auto& program : BPFTIME_TRY(chosen_objects<ProgramObject>(registry, {})))
        document["programs"].push_back(program_json(*program));
    for (const auto& event : BPFTIME_TRY(chosen_objects<PerfEventObject>(registry, {}))) {
        if (event->target.kind == ProbeKind::Output) continue;  // lives by the mappings of a process
        Json row{{"id", event->id},
                 {"target", probe_json(event->target)},
                 {"enabled", event->enabled()},
                 {"period", event->page->period.load()}};
        // A link brings its program itself.
        const std::uint32_t program = event->page->program;
        if (program != 0 && event->page->link == 0) row["program"] = program;
        document["events"].push_back(std::move(row));
    }
    for (const auto& link : BPFTIME_TRY(chosen_objects<LinkObject>(registry, {}))) {
        Json row{{"id", link->id},
                 {"program", link->program->id},
                 {"attach_type", link->attach_type},
                 {"flags", link->flags},
                 {"target", probe_json(link->target)}};
        if (link->event) row["event"] = link->event->id;
        document["links"].push_back(std::move(row));
    }
    return document;
}

Result<Answer> export_objects(Registry& registry, const Words& words) {
    WordReader reader(words);
    const std::string path = reader.any("file to write");
    reader.end();
    const Json document = BPFTIME_TRY(export_json(registry));
    BPFTIME_CHECK(tools::write_file(path, document.dump(2) + "\n"));
    const std::size_t programs = document["programs"].size(), maps = document["maps"].size(),
                      links = document["links"].size();
    return Answer{fmt::format("{} programs, {} maps and {} links written to {}\n", programs, maps, links, path),
                  {{"programs", programs}, {"maps", maps}, {"links", links}}};
}

}  // namespace bpftime::tool
