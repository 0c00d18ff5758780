// The C header beside an AOT object: what `bpftime-aot build --header` writes.
#pragma once

#include <string>

#include "vm/core/result.h"
#include "vm/linker/metadata.h"

namespace bpftime {

// Contents of <program>.aot.h, for C and C++: prototypes of the entry (metadata.entry), the helpers and the lddw
// functions, and the map table that bpftime_rt_create_maps takes. Needs no other header of this project; the objects it
// describes link with hand-written helpers or with libbpftime-rt.a. Refuses an entry that is not a C identifier, and
// helper ids that do not exist.
Result<std::string> aot_header(const Metadata& metadata);

// `name` with every character that C does not allow in an identifier replaced by '_'.
std::string c_identifier(std::string_view name);

}  // namespace bpftime
