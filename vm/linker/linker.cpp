#include "vm/linker/linker.h"

#include "vm/linker/authenticate.h"

namespace bpftime {

Result<Metadata> read_metadata(std::span<const std::uint8_t> bytes) {
    const elf::Object object = BPFTIME_TRY(elf::Object::parse(bytes));
    auto metadata = BPFTIME_TRY(authenticate(object, {}));
    if (!metadata) return fail(failure("the object has no metadata").with_hint("build it with bpftime-aot"));
    return *std::move(metadata);
}

// Damage before meaning: structure, digest and signature of the bytes, then what they say against this runtime and
// host, then whether they can be loaded. Only the last step maps memory.
Result<std::unique_ptr<Executable>> link_object(std::span<const std::uint8_t> bytes, const Bindings& bindings,
                                                const LinkOptions& options) {
    const elf::Object object = BPFTIME_TRY(elf::Object::parse(bytes));
    const std::optional<Metadata> metadata = BPFTIME_TRY(authenticate(object, options));
    const auto link = [&]() -> Result<std::unique_ptr<Executable>> {
        aot::Linking linking{object, metadata ? &*metadata : nullptr, bindings, options};
        BPFTIME_CHECK(aot::check_object(linking));
        BPFTIME_CHECK(check_digests(linking));
        return aot::publish_image(linking);
    };
    auto executable = link();
    if (!executable && metadata) return fail(std::move(executable).error().in_program(metadata->program));
    return executable;
}

}  // namespace bpftime
