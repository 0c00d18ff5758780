// The JSON that export writes and import reads.
#pragma once

#include "tools/bpftimetool/command.h"

namespace bpftime::tool {

inline constexpr const char* kFormat = "bpftime registry";
inline constexpr std::uint32_t kFormatVersion = 1;

Result<Json> export_json(Registry& registry);

// Creates what the document describes, with new ids, and pins what nothing else in it refers to. Refuses a document
// with a field that is missing, unknown or wrong, by the field's path, and leaves nothing pinned then. Returns the new
// objects as {"programs": [ids], …}.
Result<Json> import_json(Registry& registry, const Json& document);

// The schema of bpftime's own bpftimetool, by which numbers name "handlers". from_handlers() makes a document of ours of it; `places`
// says which part of that came from which handler, "programs[0]" from "4".
using HandlerPlaces = std::vector<std::pair<std::string, std::string>>;
bool is_handlers(const Json& document);
Result<Json> from_handlers(const Json& document, HandlerPlaces& places);

// Whether a map's values are programs or maps.
bool holds_objects(std::uint32_t map_type);

}  // namespace bpftime::tool
