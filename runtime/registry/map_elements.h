// What a map of the registry contains, as bpf(2) reads and writes it. Errors carry the kernel's errno.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "runtime/maps/map.h"
#include "runtime/registry/fd.h"
#include "runtime/registry/waker.h"
#include "vm/core/program.h"
#include "vm/core/result.h"

namespace bpftime {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

// Keys are key_size bytes of the map's spec, values value_size() bytes; the callers see to that.
class MapElements {
public:
    virtual ~MapElements() = default;
    // Bytes of a value as bpf(2) passes it: of a per-CPU map those of all CPUs.
    virtual std::size_t value_size() const = 0;
    virtual Result<Bytes> lookup(ByteView key) const = 0;
    virtual Status update(ByteView key, ByteView value, std::uint64_t flags) = 0;
    virtual Status erase(ByteView key) = 0;
    // lookup() and erase() in one step.
    virtual Result<Bytes> take(ByteView key);
    // The key after `key`; the first one when `key` is absent or unknown. ENOENT at the end.
    virtual Result<Bytes> next_key(std::optional<ByteView> key) const = 0;
    // The value of the only element of a data section's map, as it stands now; empty for any other map.
    virtual ByteView value_in_place() const { return {}; }
    // The map as programs use it; null for the types that runtime/maps does not have.
    virtual Map* map() const { return nullptr; }
    // Of a ring buffer: who waits on its descriptor is woken so from now on. To be set before programs run.
    virtual void wake_by(std::unique_ptr<Waker>) {}
};

// A ring buffer, of whichever direction: its descriptor is waited on, and its pages are the companion "ring".
bool is_ring(const MapSpec& spec);

// Elements for a map of this shape, in the first elements_file_size() bytes of `file`, which are zero if `fresh`, else
// a map of this shape already. Types that runtime/maps does not have answer ENOTSUPP.
Result<std::unique_ptr<MapElements>> make_elements(const MapSpec& spec, int file, bool fresh = true);

// Bytes of the file that must stand behind a map of this shape. Errors are those of
// BPF_MAP_CREATE.
Result<std::uint64_t> elements_file_size(const MapSpec& spec);

// The kernel's number for "operation not supported", which is not in <errno.h>.
inline constexpr int kNotSupported = 524;

}  // namespace bpftime
