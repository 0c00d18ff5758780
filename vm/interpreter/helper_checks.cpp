#include "vm/interpreter/helper_checks.h"

#include <algorithm>
#include <cstring>

namespace bpftime::interpreter {

namespace {

constexpr std::uint32_t kReadOnlyForPrograms = 1u << 7;  // BPF_F_RDONLY_PROG
constexpr std::uint64_t kInnerValueLimit = 64 * 1024;    // an inner map's value size is not known here

bool writable(const MapSpec& spec) { return (spec.flags & kReadOnlyForPrograms) == 0; }
bool holds_maps(const MapSpec& spec) { return spec.type == 12 || spec.type == 13; }  // array_of_maps, hash_of_maps

// The memory that an argument points to: how many bytes, and what the helper does to it.
struct Pointee {
    std::uint64_t bytes = 0;  // 0: nothing to check
    Access access = Access::Read;
    bool may_be_null = false;
};

Pointee pointee(HelperArg kind, std::uint64_t next_argument, const MapSpec* map) {
    const std::uint64_t key = map != nullptr ? map->key_size : 0;
    const std::uint64_t value = map != nullptr ? map->value_size : 0;
    switch (kind) {
        case HelperArg::MapKey: return {key};
        case HelperArg::MapValue: return {value};
        case HelperArg::MapValueOrNull: return {value, Access::Read, true};
        case HelperArg::UninitMapValue: return {value, Access::Write};
        case HelperArg::Mem: return {next_argument};
        case HelperArg::MemOrNull: return {next_argument, Access::Read, true};
        case HelperArg::MemReadWrite:
        case HelperArg::UninitMem: return {next_argument, Access::Write};
        case HelperArg::MemReadWriteOrNull:
        case HelperArg::UninitMemOrNull: return {next_argument, Access::Write, true};
        case HelperArg::ConstString: return {1};
        case HelperArg::SpinLock:
        case HelperArg::IntPointer: return {4, Access::Write};
        case HelperArg::KptrSlot:
        case HelperArg::LongPointer: return {8, Access::Write};
        case HelperArg::Timer:
        case HelperArg::UninitDynptr: return {16, Access::Write};
        case HelperArg::Dynptr: return {16};
        case HelperArg::FixedMem: return {20};
        case HelperArg::FixedMem40: return {40};
        default: return {};
    }
}

}  // namespace

Region values_of(const MapBinding& map) {
    const std::uint64_t bytes = map.stride != 0 ? map.stride * map.spec.max_entries : map.spec.value_size;
    return {map.values, map.values != 0 ? bytes : 0, writable(map.spec), cat("map '", map.spec.name, '\'')};
}

const MapBinding* HelperChecks::map_of(const HelperInfo& helper, const Arguments& args) const {
    const auto position = std::ranges::find(helper.args, HelperArg::Map);
    if (position == helper.args.end()) return nullptr;
    const std::uint64_t handle = args[static_cast<std::size_t>(position - helper.args.begin())];
    const auto found = std::ranges::find(bindings_.maps, handle, &MapBinding::handle);
    return found != bindings_.maps.end() ? &*found : nullptr;
}

Status HelperChecks::check_argument(const HelperInfo& helper, const Arguments& args, std::size_t index) {
    const MapBinding* map = map_of(helper, args);
    const std::uint64_t next = index + 1 < args.size() ? args[index + 1] : 0;
    const Pointee target = pointee(helper.args[index], next, map != nullptr ? &map->spec : nullptr);
    if (target.bytes == 0 || (target.may_be_null && args[index] == 0)) return {};
    return memory_.check(target.access, args[index], target.bytes,
                         cat("argument r", index + 1, " of bpf_", helper.name, target.access == Access::Read ? ", a read" : ", a write"));
}

// A dynptr says where memory is: only one that a helper made, and nobody has written since, is believed.
Status HelperChecks::check_dynptr(const HelperInfo& helper, const Arguments& args, std::size_t index) {
    BPFTIME_CHECK(memory_.check(Access::Read, args[index], sizeof(DynptrBytes), cat("argument r", index + 1, " of bpf_", helper.name)));
    const auto made = dynptrs_.find(args[index]);
    if (made != dynptrs_.end() && std::memcmp(made->second.data(), reinterpret_cast<const void*>(args[index]), sizeof(DynptrBytes)) == 0)
        return {};
    return fail(failure("argument r", index + 1, " of bpf_", helper.name, ", ", hex(args[index]), ", is not a dynptr that a helper made")
                    .with_errno(EACCES));
}

Status HelperChecks::before(const HelperInfo& helper, const Arguments& args) {
    for (std::size_t i = 0; i < args.size(); ++i) {
        BPFTIME_CHECK(check_argument(helper, args, i));
        if (helper.args[i] == HelperArg::Dynptr || helper.args[i] == HelperArg::ReleasedDynptr)
            BPFTIME_CHECK(check_dynptr(helper, args, i));
        if (helper.args[i] != HelperArg::RingbufRecord || memory_.remove(args[i])) continue;
        return fail(failure("argument r", i + 1, " of bpf_", helper.name, ", ", hex(args[i]),
                            ", is not a record that the program holds"));
    }
    return {};
}

void HelperChecks::after(const HelperInfo& helper, const Arguments& args, std::uint64_t result) {
    for (std::size_t i = 0; i < args.size(); ++i)
        if (helper.args[i] == HelperArg::UninitDynptr || helper.args[i] == HelperArg::ReleasedDynptr)
            std::memcpy(dynptrs_[args[i]].data(), reinterpret_cast<const void*>(args[i]), sizeof(DynptrBytes));
    if (result == 0) return;
    switch (helper.result) {
        case HelperReturn::MapValueOrNull: {
            const MapBinding* map = map_of(helper, args);
            if (map != nullptr && holds_maps(map->spec)) {
                inner_maps_.insert(result);
            } else if (map != nullptr) {
                memory_.add({result, map->spec.value_size, writable(map->spec), cat("a value of map '", map->spec.name, '\'')});
            } else if (inner_maps_.contains(args[0])) {
                memory_.add({result, kInnerValueLimit, true, "a value of an inner map"});
            }
            return;
        }
        case HelperReturn::MemOrNull:
        case HelperReturn::DynptrMemOrNull: {
            const auto size = std::ranges::find_if(helper.args, [](HelperArg kind) {
                return kind == HelperArg::ConstAllocSize || kind == HelperArg::ConstSize || kind == HelperArg::ConstSizeOrZero;
            });
            if (size == helper.args.end()) return;
            memory_.add({result, args[static_cast<std::size_t>(size - helper.args.begin())], true,
                         cat("memory from bpf_", helper.name)});
            return;
        }
        default: return;
    }
}

}  // namespace bpftime::interpreter
