// The stage of linking that needs cryptography: are these the bytes that were sealed, by someone trusted, for this
// runtime?
#pragma once

#include <optional>

#include "vm/linker/load_image.h"

namespace bpftime {

// The metadata of a sealed object whose digest is right, signed as `options.trusted_keys` asks; nothing for a
// hand-written object, which no key can vouch for.
Result<std::optional<Metadata>> authenticate(const elf::Object& object, const LinkOptions& options);

// What the metadata assumed, by digest: the program-info digest against this runtime's tables, folded map contents
// against the maps that check_object() found.
Status check_digests(const aot::Linking& linking);

}  // namespace bpftime
