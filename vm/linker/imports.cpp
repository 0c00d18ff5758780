#include "vm/linker/imports.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

#include "vm/linker/abi.h"

namespace bpftime::aot {

namespace {

// What a symbol refers to a map by, and where it is in this process.
struct BoundMap {
    std::uint32_t number;
    const MapBinding* binding;
};

// Maps as the object numbers them; a hand-written object uses this runtime's numbers.
std::size_t map_count(const Linking& linking) {
    return linking.metadata != nullptr ? linking.maps.size() : linking.bindings.maps.size();
}
BoundMap map_at(const Linking& linking, std::size_t i) {
    if (linking.metadata != nullptr) return {linking.metadata->maps[i].spec.number, linking.maps[i]};
    return {linking.bindings.maps[i].spec.number, &linking.bindings.maps[i]};
}

const MapBinding* map_by_number(const Linking& linking, std::uint32_t number) {
    for (std::size_t i = 0; i < map_count(linking); ++i)
        if (const BoundMap map = map_at(linking, i); map.number == number) return map.binding;
    return nullptr;
}

// A decimal number spelled as to_string() would, or with `digits` digits where it has fewer.
std::optional<std::uint32_t> decimal(std::string_view text, std::size_t digits) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || text.size() < digits) return std::nullopt;
    if (text.size() > digits && text[0] == '0') return std::nullopt;
    return value;
}

constexpr std::string_view kAllowed = "an object may import only the symbols that docs/aot-object.md lists";

struct Advice {
    std::string_view name, hint;
};
constexpr Advice kAdvice[] = {
    {"memcpy", "compile with -fno-builtin, and copy in a loop"},
    {"memmove", "compile with -fno-builtin, and copy in a loop"},
    {"memset", "compile with -fno-builtin, and fill in a loop"},
    {"memcmp", "compile with -fno-builtin, and compare in a loop"},
    {"__stack_chk_fail", "compile with -fno-stack-protector"},
};

Error not_permitted(std::string_view name) {
    const auto* row = std::ranges::find(kAdvice, name, &Advice::name);
    return failure("the object imports '", name, "', which is not permitted")
        .with_hint(row != std::end(kAdvice) ? row->hint : kAllowed)
        .with_errno(EACCES);
}

struct Request {
    const Linking& linking;
    std::string_view name;  // the whole symbol
    std::string_view rest;  // behind the prefix
    bool weak;
};

Result<Import> import_helper(const Request& request) {
    const auto id = decimal(request.rest, 4);
    if (!id || helper(*id) == nullptr)
        return fail(failure("the object imports '", request.name, "', which names no helper"));
    const auto* metadata = request.linking.metadata;
    if (metadata != nullptr && !std::ranges::binary_search(metadata->helpers, *id))
        return fail(failure("the object imports '", request.name, "', a helper that its metadata does not list")
                        .with_errno(EACCES));
    const HelperFn function = request.linking.bindings.helpers[*id];
    if (function == nullptr)
        return fail(failure("helper bpf_", helper(*id)->name, " (", *id, ") is not offered by this runtime")
                        .with_hint("'bpftime-aot helpers' lists those that are"));
    return Import{.code = true, .address = reinterpret_cast<std::uint64_t>(function)};
}

// Values may be indexed from their first only where they lie as the compiler assumes: 8-byte aligned sizes apart.
std::uint64_t indexable_values(const MapBinding& map) {
    const std::uint64_t stride = (std::uint64_t{map.spec.value_size} + 7) / 8 * 8;
    return map.spec.max_entries <= 1 || map.stride == stride ? map.values : 0;
}

template <bool Values>
Result<Import> import_map(const Request& request) {
    const auto number = decimal(request.rest, 1);
    if (!number) return fail(not_permitted(request.name));
    const MapBinding* map = map_by_number(request.linking, *number);
    if (map == nullptr && !request.weak)
        return fail(failure("the object imports '", request.name, "', and has no map of that number"));
    if (map == nullptr) return Import{};
    return Import{.address = Values ? indexable_values(*map) : map->handle};
}

template <Thunk T>
Result<Import> import_thunk(const Request&) {
    return Import{.kind = Import::Kind::Thunk, .thunk = T};
}

Result<Import> import_code_address(const Request& request) {
    return fail(
        failure("the object imports '", request.name, "', and addresses of subprograms have no meaning outside it")
            .with_hint("resolve lddw src=4 inside the object, as bpftime-aot does"));
}

// The assembler names it beside any relocation that goes through the table; nothing that we load refers to it.
Result<Import> import_nothing(const Request&) { return Import{.kind = Import::Kind::Unusable}; }

struct Rule {
    std::string_view name;
    bool prefix;
    Result<Import> (*bind)(const Request&);
};
constexpr Rule kRules[] = {
    {abi::kHelperPrefix, true, import_helper},
    {abi::kMapHandlePrefix, true, import_map<false>},
    {abi::kMapValuesPrefix, true, import_map<true>},
    {abi::kMapByFd, false, import_thunk<Thunk::MapHandle>},
    {abi::kMapByIdx, false, import_thunk<Thunk::MapHandle>},
    {abi::kMapValue, false, import_thunk<Thunk::MapValues>},
    {abi::kVarAddr, false, import_thunk<Thunk::VariableAddress>},
    {abi::kCallHelper, false, import_thunk<Thunk::Dispatch>},
    {abi::kCodeAddr, false, import_code_address},
    {"_GLOBAL_OFFSET_TABLE_", false, import_nothing},
};

std::uint64_t handle_of(std::uint64_t argument, const void* address) {
    const auto& table = *static_cast<const MapTable*>(address);
    const auto number = static_cast<std::uint32_t>(argument);
    if (number < table.count && table.rows[number].number == number) return table.rows[number].handle;
    for (std::uint64_t i = 0; i < table.count; ++i)
        if (table.rows[i].number == number) return table.rows[i].handle;
    return 0;
}

std::uint64_t values_of(std::uint64_t handle, const void* address) {
    const auto& table = *static_cast<const MapTable*>(address);
    for (std::uint64_t i = 0; i < table.count; ++i)
        if (table.rows[i].handle == handle) return table.rows[i].values;
    return 0;
}

std::uint64_t variable_address(std::uint64_t argument, const void* address) {
    const auto& table = *static_cast<const VariableTable*>(address);
    const auto id = static_cast<std::uint32_t>(argument);
    return id < table.count ? table.addresses[id] : 0;
}

void store(std::uint8_t*& at, std::uint64_t value) {
    std::memcpy(at, &value, sizeof value);
    at += sizeof value;
}

}  // namespace

Result<Import> resolve_import(const Linking& linking, std::string_view name, bool weak) {
    for (const Rule& rule : kRules)
        if (rule.prefix ? name.starts_with(rule.name) : name == rule.name)
            return rule.bind({linking, name, name.substr(rule.name.size()), weak});
    return fail(not_permitted(name));
}

std::size_t write_table(const Linking& linking, Thunk thunk, std::uint8_t* at) {
    const Bindings& bindings = linking.bindings;
    if (thunk == Thunk::Dispatch) {
        if (at != nullptr) std::memcpy(at, bindings.helpers.data(), sizeof bindings.helpers);
        return sizeof bindings.helpers;
    }
    if (thunk == Thunk::VariableAddress) {
        if (at != nullptr) {
            store(at, bindings.variables.size());
            for (const std::uint64_t address : bindings.variables) store(at, address);
        }
        return sizeof(VariableTable) + bindings.variables.size() * sizeof(std::uint64_t);
    }
    const std::size_t count = map_count(linking);
    if (at != nullptr) {
        store(at, count);
        for (std::size_t i = 0; i < count; ++i) {
            const BoundMap map = map_at(linking, i);
            store(at, map.number);
            store(at, map.binding->handle);
            store(at, map.binding->values);
        }
    }
    return sizeof(MapTable) + count * sizeof(MapRow);
}

std::uint64_t lookup_function(Thunk thunk) {
    using Lookup = std::uint64_t (*)(std::uint64_t, const void*);
    static constexpr Lookup kLookups[] = {handle_of, values_of, variable_address};
    return reinterpret_cast<std::uint64_t>(kLookups[static_cast<std::size_t>(thunk)]);
}

}  // namespace bpftime::aot
