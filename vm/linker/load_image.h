// The stages of linking that need no cryptography: check what the object says of itself against this runtime, then
// place, relocate and publish. linker.cpp puts authentication in front; cross builds without libsodium use load_image()
// alone.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "vm/core/engine.h"
#include "vm/linker/elf.h"
#include "vm/linker/linker.h"

namespace bpftime {

// Links an object whose bytes and metadata the caller vouches for. `metadata` is null for a hand-written object, which
// is refused unless `options.allow_unverified`. Digests and signatures are not looked at.
Result<std::unique_ptr<Executable>> load_image(std::span<const std::uint8_t> object, const Metadata* metadata,
                                               const Bindings& bindings, const LinkOptions& options = {});

namespace aot {

// One linking in progress. What it refers to outlives it.
struct Linking {
    const elf::Object& object;
    const Metadata* metadata;  // null: hand-written
    const Bindings& bindings;
    const LinkOptions& options;
    std::vector<const MapBinding*> maps = {};  // what each map of the metadata is here; check_object() fills it

    std::string_view entry() const {
        if (!options.entry.empty()) return options.entry;
        return metadata != nullptr ? std::string_view(metadata->entry) : "bpf_main";
    }
};

// Runs the table of checks in checks.cpp: machine, verification, tag, type, features, helpers, maps, stacks.
Status check_object(Linking& linking);

// Places, binds and relocates. Refuses what cannot be loaded: see image.cpp and imports.cpp.
Result<std::unique_ptr<Executable>> publish_image(const Linking& linking);

}  // namespace aot
}  // namespace bpftime
