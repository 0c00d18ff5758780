// bpftimetool map: the maps of the registry and their elements, worded as bpftool words the kernel's. Maps whose keys
// and values have BTF types are shown by them.
#include "tools/bpftimetool/btf_value.h"
#include "tools/bpftimetool/words.h"
#include "vm/core/kernel_names.h"

namespace bpftime::tool {

namespace {

using MapPtr = std::shared_ptr<MapObject>;

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

// The values in what bpf(2) gives: one, or one for each CPU.
std::vector<ByteView> values_of(const MapObject& map, ByteView value) {
    if (value.size() == map.spec.value_size) return {value};
    std::vector<ByteView> values;
    const std::size_t stride = (std::size_t{map.spec.value_size} + 7) / 8 * 8;
    for (std::size_t at = 0; stride != 0 && at + stride <= value.size(); at += stride)
        values.push_back(value.subspan(at, map.spec.value_size));
    return values;
}

bool has_types(const MapObject& map) { return map.btf && map.value_type != 0; }

Json typed_key(const MapObject& map, ByteView key) {
    return map.key_type != 0 ? btf_value(map.btf->view, map.key_type, key) : Json(hex_json(key));
}

// {"key": …, "value": …}, or "values" by CPU.
Json typed_element(const MapObject& map, ByteView key, ByteView value) {
    const auto values = values_of(map, value);
    Json row{{"key", typed_key(map, key)}};
    if (value.size() == map.spec.value_size) {
        row["value"] = btf_value(map.btf->view, map.value_type, value);
        return row;
    }
    row["values"] = Json::array();
    for (std::size_t cpu = 0; cpu < values.size(); ++cpu)
        row["values"].push_back({{"cpu", cpu}, {"value", btf_value(map.btf->view, map.value_type, values[cpu])}});
    return row;
}

Json plain_element(const MapObject& map, ByteView key, ByteView value) {
    Json row{{"key", hex_json(key)}};
    if (value.size() == map.spec.value_size) {
        row["value"] = hex_json(value);
    } else {
        row["values"] = Json::array();
        const auto values = values_of(map, value);
        for (std::size_t cpu = 0; cpu < values.size(); ++cpu)
            row["values"].push_back({{"cpu", cpu}, {"value", hex_json(values[cpu])}});
    }
    if (has_types(map)) row["formatted"] = typed_element(map, key, value);
    return row;
}

std::string plain_text(const MapObject& map, ByteView key, ByteView value) {
    if (value.size() == map.spec.value_size)
        return fmt::format("key: {}  value: {}\n", hex_bytes(key), hex_bytes(value));
    std::string text = fmt::format("key:\n{}\n", hex_bytes(key));
    const auto values = values_of(map, value);
    for (std::size_t cpu = 0; cpu < values.size(); ++cpu)
        text += fmt::format("value (CPU {:02}): {}\n", cpu, hex_bytes(values[cpu]));
    return text;
}

// What bpf(2) would say of the element, in words.
Error in_map(const MapObject& map, ByteView key, Error error) {
    if (error.errnum == ENOENT) error.cause = cat("map ", map.id, " has no element with the key ", hex_bytes(key));
    if (error.errnum == EEXIST)
        error.cause = cat("map ", map.id, " has an element with the key ", hex_bytes(key), " already");
    return error;
}

// Words between "key" and whatever follows.
Bytes take_key(WordReader& reader, const MapObject& map) {
    if (map.spec.key_size == 0) return {};
    if (!reader.take("key")) throw UsageError("'key' and its bytes are expected");
    return reader.bytes(map.spec.key_size, "key");
}

// The id of the object that a map of programs or maps shall hold.
Result<std::uint32_t> take_held(Registry& registry, WordReader& reader, bool programs) {
    if (programs) return BPFTIME_TRY(take_object<ProgramObject>(registry, reader))->id;
    return BPFTIME_TRY(take_object<MapObject>(registry, reader))->id;
}

Result<Bytes> take_value(Registry& registry, WordReader& reader, const MapObject& map) {
    if (!reader.take("value")) throw UsageError("'value' and its bytes are expected");
    const auto type = static_cast<MapType>(map.spec.type);
    const bool programs = type == MapType::ProgArray,
               maps = type == MapType::ArrayOfMaps || type == MapType::HashOfMaps;
    if (programs || maps) {
        const std::uint32_t id = BPFTIME_TRY(take_held(registry, reader, programs));
        const auto* bytes = reinterpret_cast<const std::uint8_t*>(&id);
        return Bytes(bytes, bytes + sizeof(id));
    }
    const Bytes one = reader.bytes(map.spec.value_size, "value");
    // Every CPU gets the value that was given.
    Bytes value(map.elements->value_size());
    const std::size_t stride = value.size() == one.size() ? one.size() : (one.size() + 7) / 8 * 8;
    for (std::size_t at = 0; stride != 0 && at + stride <= value.size(); at += stride)
        std::ranges::copy(one, value.begin() + static_cast<std::ptrdiff_t>(at));
    return value;
}

Status check_writable(const MapObject& map) {
    if (map.frozen()) return fail(failure("map ", map.id, " is frozen").with_errno(EPERM));
    return {};
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
    const Bytes key = take_key(reader, *map);
    reader.end();
    auto value = map->elements->lookup(key);
    if (!value) return fail(in_map(*map, key, std::move(value).error()));
    if (has_types(*map))
        return Answer{typed_element(*map, key, *value).dump(4) + "\n", plain_element(*map, key, *value)};
    return Answer{plain_text(*map, key, *value), plain_element(*map, key, *value)};
}

Result<Answer> map_update_command(Registry& registry, const Words& words) {
    WordReader reader(words);
    const MapPtr map = BPFTIME_TRY(take_object<MapObject>(registry, reader));
    const Bytes key = take_key(reader, *map);
    const Bytes value = BPFTIME_TRY(take_value(registry, reader, *map));
    std::uint64_t flags = kUpdateAny;
    if (reader.take("noexist"))
        flags = kUpdateNoExist;
    else if (reader.take("exist"))
        flags = kUpdateExist;
    else
        reader.take("any");
    reader.end();
    BPFTIME_CHECK(check_writable(*map));
    if (auto done = map->elements->update(key, value, flags); !done)
        return fail(in_map(*map, key, std::move(done).error()));
    return Answer{.text = {}, .json = Json::object()};
}

Result<Answer> map_delete_command(Registry& registry, const Words& words) {
    WordReader reader(words);
    const MapPtr map = BPFTIME_TRY(take_object<MapObject>(registry, reader));
    const Bytes key = take_key(reader, *map);
    reader.end();
    BPFTIME_CHECK(check_writable(*map));
    if (auto done = map->elements->erase(key); !done) return fail(in_map(*map, key, std::move(done).error()));
    return Answer{.text = {}, .json = Json::object()};
}

Result<Answer> map_getnext(Registry& registry, const Words& words) {
    WordReader reader(words);
    const MapPtr map = BPFTIME_TRY(take_object<MapObject>(registry, reader));
    std::optional<Bytes> key;
    if (!reader.empty()) key = take_key(reader, *map);
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
