// What is written of an object when it is published, and never changes: its record in a shared registry. Other objects are named
// by kind and id.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "runtime/registry/objects.h"
#include "vm/core/result.h"

namespace bpftime {

struct ObjectReference {
    ObjectKind kind = ObjectKind::Map;
    std::uint32_t id = 0;
    auto operator<=>(const ObjectReference&) const = default;
};

// Objects that live at least as long as `object`, in the order in which its record needs them.
std::vector<ObjectReference> references_of(const BpfObject& object);

std::vector<std::uint8_t> encode_record(const BpfObject& object);

// The first field of every record; the rest is not looked at.
Result<std::vector<ObjectReference>> decode_references(std::span<const std::uint8_t> record);

// Finds the objects that a record names.
using FindObject = std::function<Result<std::shared_ptr<BpfObject>>(ObjectKind, std::uint32_t id)>;

// The object of this kind that a record describes, but for what is stored outside the record: a map's elements. Refuses what is
// truncated, out of range, or does not pass decode() and validate(): other processes of the user can write records.
Result<std::shared_ptr<BpfObject>> decode_record(ObjectKind kind, std::span<const std::uint8_t> record, const FindObject& find);

}  // namespace bpftime
