// Read-only view of BTF type information (kernel Documentation/bpf/btf.rst): bounds-checked once, then read without
// checks.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "vm/core/result.h"

namespace bpftime {

enum class BtfKind : std::uint8_t {
    Void,
    Int,
    Ptr,
    Array,
    Struct,
    Union,
    Enum,
    Fwd,
    Typedef,
    Volatile,
    Const,
    Restrict,
    Func,
    FuncProto,
    Var,
    Datasec,
    Float,
    DeclTag,
    TypeTag,
    Enum64
};
inline constexpr std::uint32_t kBtfKinds = 20;

// One type record. `extra` is what follows its three fixed words, in words.
struct BtfType {
    BtfKind kind = BtfKind::Void;
    std::uint32_t name = 0;   // offset into the strings
    std::uint32_t count = 0;  // vlen
    bool flag = false;        // kind_flag: members have bit fields' sizes, enumerators are signed
    std::uint32_t size_or_type = 0;
    std::span<const std::uint32_t> extra;
};

// Refers to the bytes it was parsed from, which must outlive it and be aligned to four bytes.
class Btf {
public:
    // Refuses a wrong header, sections out of bounds, truncated or unknown records, type ids and names out of range,
    // and chains of modifiers or typedefs that never end. E2BIG for a longer header with unknown contents, as the
    // kernel.
    static Result<Btf> parse(std::span<const std::uint8_t> bytes);

    // Types 1..type_count()-1; 0 is void.
    std::uint32_t type_count() const { return static_cast<std::uint32_t>(types_.size()); }
    const BtfType& type(std::uint32_t id) const { return types_[id]; }
    // The string at `offset`, empty when it is out of range.
    std::string_view string(std::uint32_t offset) const;
    std::string_view name(std::uint32_t id) const { return id < types_.size() ? string(types_[id].name) : ""; }

private:
    Status read_types(std::span<const std::uint32_t> words);
    Status check_type(std::uint32_t id) const;
    Status check_chains() const;

    std::vector<BtfType> types_;
    std::string_view strings_;
};

}  // namespace bpftime
