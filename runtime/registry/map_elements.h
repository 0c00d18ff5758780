// What a map of the registry contains, as bpf(2) reads and writes it. Errors carry the kernel's errno.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "runtime/registry/fd.h"
#include "vm/core/program.h"
#include "vm/core/result.h"

namespace bpftime {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

// Keys are key_size bytes, values value_size bytes of the map's spec; the callers see to that.
class MapElements {
public:
    virtual ~MapElements() = default;
    virtual Result<Bytes> lookup(ByteView key) const = 0;
    virtual Status update(ByteView key, ByteView value, std::uint64_t flags) = 0;
    virtual Status erase(ByteView key) = 0;
    // The key after `key`; the first one when `key` is absent or unknown. ENOENT at the end.
    virtual Result<Bytes> next_key(std::optional<ByteView> key) const = 0;
    // The value of the only element of a data section's map, as it stands now; empty for any other map.
    virtual ByteView value_in_place() const { return {}; }
};

// Elements for a map of this shape; `file` stands behind the map and holds the values where they can be mapped (array).
// The type decides what is offered: maps whose elements exist only inside a running program answer ENOTSUPP.
Result<std::unique_ptr<MapElements>> make_elements(const MapSpec& spec, int file);

// Bytes of the file that must stand behind a map of this shape, 0 when its elements live elsewhere.
std::size_t elements_file_size(const MapSpec& spec);

// The kernel's number for "operation not supported", which is not in <errno.h>.
inline constexpr int kNotSupported = 524;

}  // namespace bpftime
