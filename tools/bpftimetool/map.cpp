// bpftimetool map: the maps of the registry and their elements, worded as bpftool words the kernel's. Maps whose keys
// and values have BTF types are shown by them.
#include "tools/bpftimetool/map_data.h"
#include "tools/bpftimetool/words.h"
#include "vm/core/kernel_names.h"

namespace bpftime::tool {

namespace {

Json describe(const MapObject& map) {
    Json row{{"id", map.id}, {"type", map_type_name(map.spec.type)}};
    if (!map.spec.name.empty()) row["name"] = map.spec.name;
    row["flags"] = map.spec.flags;
    row["bytes_key"] = map.spec.key_size;
    row["bytes_value"] = map.spec.value_size;
    row["max_entries"] = map.spec.max_entries;
    row["frozen"] = map.frozen() ? 1 : 0;
    if (map.btf) row["btf_id"] = map.btf->id;
    return row;
}

std::string show_text(const MapObject& map) {
    std::string text = fmt::format("{}: {}", map.id, map_type_name(map.spec.type));
    if (!map.spec.name.empty()) text += fmt::format("  name {}", map.spec.name);
    text += fmt::format("  flags {:#x}\n\tkey {}B  value {}B  max_entries {}", map.spec.flags, map.spec.key_size,
                        map.spec.value_size, map.spec.max_entries);
    if (map.btf || map.frozen()) text += "\n\t";
    if (map.btf) text += fmt::format("btf_id {}", map.btf->id);
    if (map.frozen()) text += map.btf ? "  frozen" : "frozen";
    return text + "\n";
}

}  // namespace

Result<Answer> map_show(Registry& registry, const Words& words) {
    Answer answer{.text = {}, .json = Json::array()};
    for (const MapPtr& map : BPFTIME_TRY(chosen_objects<MapObject>(registry, words))) {
        answer.json.push_back(describe(*map));
        answer.text += show_text(*map);
    }
    if (!words.empty()) answer.json = Json(answer.json.front());
    return answer;
}

Result<Answer> map_dump(Registry& registry, const Words& words) {
    WordReader reader(words);
    const MapPtr map = BPFTIME_TRY(take_object<MapObject>(registry, reader));
    reader.end();
    Answer answer{.text = {}, .json = Json::array()};
    Json typed = Json::array();
    std::size_t count = 0;
    std::optional<Bytes> key;
    while (true) {
        auto next = map->elements->next_key(key ? std::optional<ByteView>(*key) : std::nullopt);
        if (!next && next.error().errnum != ENOENT) return fail(std::move(next).error());
        if (!next) break;
        key = *std::move(next);
        const auto value = map->elements->lookup(*key);
        if (!value) continue;  // deleted meanwhile
        ++count;
        answer.json.push_back(plain_element(*map, *key, *value));
        if (has_types(*map))
            typed.push_back(typed_element(*map, *key, *value));
        else
            answer.text += plain_text(*map, *key, *value);
    }
    if (has_types(*map))
        answer.text = typed.dump(4) + "\n";
    else
        answer.text += fmt::format("Found {} element{}\n", count, count == 1 ? "" : "s");
    return answer;
}

Result<Answer> map_lookup_command(Registry& registry, const Words& words) {
    WordReader reader(words);
    const MapPtr map = BPFTIME_TRY(take_object<MapObject>(registry, reader));
    const Bytes key = BPFTIME_TRY(take_key(reader, *map));
    reader.end();
    auto value = map->elements->lookup(key);
    if (!value) return fail(in_map(*map, key, std::move(value).error()));
    if (has_types(*map))
        return Answer{typed_element(*map, key, *value).dump(4) + "\n", plain_element(*map, key, *value)};
    return Answer{plain_text(*map, key, *value), plain_element(*map, key, *value)};
}

Result<Answer> map_getnext(Registry& registry, const Words& words) {
    WordReader reader(words);
    const MapPtr map = BPFTIME_TRY(take_object<MapObject>(registry, reader));
    std::optional<Bytes> key;
    if (!reader.empty()) key = BPFTIME_TRY(take_key(reader, *map));
    reader.end();
    auto next = map->elements->next_key(key ? std::optional<ByteView>(*key) : std::nullopt);
    if (!next && next.error().errnum == ENOENT)
        return fail(failure("map ", map->id, " has no further key").with_errno(ENOENT));
    if (!next) return fail(std::move(next).error());
    Answer answer{.text = fmt::format("key: {}\nnext key: {}\n", key ? hex_bytes(*key) : "none", hex_bytes(*next)),
                  .json = {{"key", key ? hex_json(*key) : Json()}, {"next_key", hex_json(*next)}}};
    return answer;
}

}  // namespace bpftime::tool
