// libFuzzer target for native objects: whatever the bytes, linking refuses them or makes an executable, and never runs
// it. Run with -max_len=20000 and a corpus of objects; sealed ones are refused by their digest, so unsealed ones are
// what explores.
#include <cstdint>
#include <span>

#include "vm/core/kernel_names.h"
#include "vm/linker/linker.h"
#include "vm/linker/load_image.h"

using namespace bpftime;

namespace {

std::uint64_t values[4];

std::uint64_t nothing(std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t) { return 0; }

Bindings all_bindings() {
    Bindings bindings;
    bindings.helpers.fill(nothing);
    MapSpec spec;
    spec.name = "counts";
    spec.type = static_cast<std::uint32_t>(MapType::Array);
    spec.key_size = 4;
    spec.value_size = 8;
    spec.max_entries = 4;
    bindings.maps.push_back(
        {.spec = spec, .handle = 7, .values = reinterpret_cast<std::uint64_t>(values), .stride = 8});
    bindings.variables = {1, 2};
    return bindings;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Bindings bindings = all_bindings();
    const std::span<const std::uint8_t> bytes(data, size);
    (void)link_object(bytes, bindings, {.allow_unverified = true});
    (void)load_image(bytes, nullptr, bindings, {.allow_unverified = true});
    // The same bytes as metadata: what decodes also encodes, to the same bytes.
    if (const auto metadata = decode_metadata(bytes)) {
        const auto again = encode_metadata(*metadata);
        if (const auto second = decode_metadata(again); !second || encode_metadata(*second) != again) __builtin_trap();
    }
    return 0;
}
