#include "tools/bpftimetool/map_data.h"

#include "tools/bpftimetool/btf_value.h"
#include "vm/core/kernel_names.h"

namespace bpftime::tool {

namespace {

// The values in what bpf(2) gives: one, or one for each CPU.
std::vector<ByteView> values_of(const MapObject& map, ByteView value) {
    if (value.size() == map.spec.value_size) return {value};
    std::vector<ByteView> values;
    const std::size_t stride = (std::size_t{map.spec.value_size} + 7) / 8 * 8;
    for (std::size_t at = 0; stride != 0 && at + stride <= value.size(); at += stride)
        values.push_back(value.subspan(at, map.spec.value_size));
    return values;
}

Json typed_key(const MapObject& map, ByteView key) {
    return map.key_type != 0 ? btf_value(map.btf->view, map.key_type, key) : Json(hex_json(key));
}

// DATA for something of `size` bytes and of this type; `bytes` is what it is before.
Status take_data(WordReader& reader, const MapObject& map, std::uint32_t type, std::span<std::uint8_t> bytes, std::string_view what) {
    if (!reader.take("json")) {
        std::ranges::copy(reader.bytes(bytes.size(), what), bytes.begin());
        return {};
    }
    const std::string& text = reader.any(cat("JSON of the ", what));
    if (!map.btf || type == 0) throw UsageError(cat("map ", map.id, " has no types: the ", what, " must be given as bytes"));
    Json value = Json::parse(text, nullptr, false);
    if (value.is_discarded()) value = text;  // an enumerator, or text, without quotes
    return btf_assign(map.btf->view, type, value, bytes, std::string(what));
}

// The id of the object that a map of programs or maps shall hold.
Result<std::uint32_t> take_held(Registry& registry, WordReader& reader, bool programs) {
    if (programs) return BPFTIME_TRY(take_object<ProgramObject>(registry, reader))->id;
    return BPFTIME_TRY(take_object<MapObject>(registry, reader))->id;
}

}  // namespace

bool has_types(const MapObject& map) { return map.btf && map.value_type != 0; }

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

Json typed_value(const MapObject& map, ByteView value) { return btf_value(map.btf->view, map.value_type, value); }

Result<Bytes> take_key(WordReader& reader, const MapObject& map) {
    Bytes key(map.spec.key_size);
    if (key.empty()) return key;
    if (!reader.take("key")) throw UsageError("'key' and its bytes are expected");
    BPFTIME_CHECK(take_data(reader, map, map.key_type, key, "key"));
    return key;
}

Result<Bytes> take_value(Registry& registry, WordReader& reader, const MapObject& map, const Bytes& key) {
    if (!reader.take("value")) throw UsageError("'value' and its bytes are expected");
    const auto type = static_cast<MapType>(map.spec.type);
    const bool programs = type == MapType::ProgArray,
               maps = type == MapType::ArrayOfMaps || type == MapType::HashOfMaps;
    if (programs || maps) {
        const std::uint32_t id = BPFTIME_TRY(take_held(registry, reader, programs));
        const auto* bytes = reinterpret_cast<const std::uint8_t*>(&id);
        return Bytes(bytes, bytes + sizeof(id));
    }
    Bytes value(map.elements->value_size());
    if (!key.empty())
        if (auto there = map.elements->lookup(key)) value = *std::move(there);
    // Every CPU gets the value that was given.
    const std::size_t one = map.spec.value_size, stride = value.size() == one ? one : (one + 7) / 8 * 8;
    const WordReader begin = reader;
    for (std::size_t at = 0; stride != 0 && at + stride <= value.size(); at += stride) {
        reader = begin;
        BPFTIME_CHECK(take_data(reader, map, map.value_type, std::span(value).subspan(at, one), "value"));
    }
    return value;
}

// What bpf(2) would say of the element, in words.
Error in_map(const MapObject& map, ByteView key, Error error) {
    if (error.errnum == ENOENT) error.cause = cat("map ", map.id, " has no element with the key ", hex_bytes(key));
    if (error.errnum == EEXIST)
        error.cause = cat("map ", map.id, " has an element with the key ", hex_bytes(key), " already");
    return error;
}

}  // namespace bpftime::tool
