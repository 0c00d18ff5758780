// Keys and values of maps: as they are typed, and as they are shown.
#pragma once

#include "tools/bpftimetool/words.h"

namespace bpftime::tool {

using MapPtr = std::shared_ptr<MapObject>;

// Whether values have a type to show them by.
bool has_types(const MapObject& map);

// An element as JSON: by its types, or as bytes (with "formatted" beside them where there are types); and as bpftool prints bytes.
// Values of per-CPU maps are shown CPU by CPU.
Json typed_element(const MapObject& map, ByteView key, ByteView value);
Json plain_element(const MapObject& map, ByteView key, ByteView value);
std::string plain_text(const MapObject& map, ByteView key, ByteView value);

// The same for the value alone, of a map without keys.
Json typed_value(const MapObject& map, ByteView value);

// "key DATA" and "value VALUE". DATA is bytes; one number; or "json" and a value as it is shown by type. VALUE is DATA, or a program
// or map for maps that hold these. What JSON does not name stays as it is in the element `key`.
Result<Bytes> take_key(WordReader& reader, const MapObject& map);
Result<Bytes> take_value(Registry& registry, WordReader& reader, const MapObject& map, const Bytes& key);

// What bpf(2) would say of the element, in words.
Error in_map(const MapObject& map, ByteView key, Error error);

}  // namespace bpftime::tool
