// What stands behind the handles of bpftime.h, and how its functions report errors.
#pragma once

#include <algorithm>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "runtime/api/include/bpftime/bpftime.h"
#include "runtime/helpers/run_context.h"
#include "runtime/registry/registry.h"
#include "vm/core/engine.h"

struct bpftime_registry {
    std::shared_ptr<bpftime::Registry> registry;
};

struct bpftime_map {
    std::shared_ptr<bpftime::Registry> registry;
    std::shared_ptr<bpftime::MapObject> object;
    bpftime::Fd held;  // as long as it is open, the object stays
};

struct bpftime_program {
    std::shared_ptr<bpftime::Registry> registry;
    std::shared_ptr<bpftime::ProgramObject> object;  // its id is 0 if it is not entered in the registry
    std::vector<bpftime::Fd> held;                   // descriptors of the program and its maps
    std::unique_ptr<bpftime::Executable> code;
    bpftime::RunContext about;  // what helpers shall know of a run; each run has a copy
};

namespace bpftime::api {

// Notes why a function failed; its return value.
int report(const Error& error) noexcept;

// The body of a function that returns 0 or a negative errno: nothing is thrown at the caller.
template <class Work>
int guarded(Work work) noexcept {
    try {
        const Status done = work();
        return done ? 0 : report(done.error());
    } catch (const std::bad_alloc&) {
        return report(Error{.cause = {}, .hint = {}, .file = {}, .program = {}, .errnum = ENOMEM});
    } catch (...) {
        return report(Error{.cause = {}, .hint = {}, .file = {}, .program = {}, .errnum = EIO});
    }
}

inline Status needed(std::initializer_list<const void*> pointers) {
    if (std::ranges::count(pointers, nullptr) == 0) return {};
    return fail(failure("an argument is NULL"));
}

// A structure of a caller that was compiled against this header or an older or newer one: `size` of its bytes count, what is
// absent is zero, and what this library does not know must be.
template <class T>
Result<T> read_struct(const T* given) {
    T copy{};
    if (given == nullptr) return copy;
    if (given->size < sizeof(given->size) || given->size > 4096) return fail(failure("the structure's size is not set"));
    const auto* bytes = reinterpret_cast<const char*>(given);
    const bool known =
        given->size <= sizeof(T) || std::all_of(bytes + sizeof(T), bytes + given->size, [](char byte) { return byte == 0; });
    if (!known) return fail(failure("the structure asks for what this version does not know").with_errno(E2BIG));
    std::memcpy(&copy, given, std::min(given->size, sizeof(T)));
    return copy;
}

// Fills as much as the caller's structure has room for.
template <class T>
Status fill_struct(T* given, T filled) {
    if (given == nullptr) return fail(failure("an argument is NULL"));
    if (given->size < sizeof(given->size) || given->size > 4096) return fail(failure("the structure's size is not set"));
    filled.size = given->size;
    if (given->size > sizeof(T)) std::memset(reinterpret_cast<char*>(given) + sizeof(T), 0, given->size - sizeof(T));
    std::memcpy(given, &filled, std::min(given->size, sizeof(T)));
    return {};
}

template <std::size_t N>
void copy_text(char (&field)[N], const std::string& text) {
    text.copy(field, N - 1);
}

// The objects of a kind, by id.
template <class Object>
Result<std::vector<std::shared_ptr<Object>>> all_objects(const Registry& registry) {
    std::vector<std::shared_ptr<Object>> objects;
    for (auto id = registry.next_id(Object::kKind, 0); id; id = registry.next_id(Object::kKind, *id)) {
        auto object = registry.by_id(Object::kKind, *id);
        if (object) objects.push_back(std::static_pointer_cast<Object>(*std::move(object)));
        else if (object.error().errnum != ENOENT) return fail(std::move(object).error());  // else it went meanwhile
    }
    return objects;
}

// The only one of which `holds` is true; `what` names it in errors. ENOENT, EEXIST.
template <class Object, class Holds>
Result<std::shared_ptr<Object>> only_object(const Registry& registry, const std::string& what, Holds holds) {
    std::shared_ptr<Object> found;
    for (auto& object : BPFTIME_TRY(all_objects<Object>(registry))) {
        if (!holds(*object)) continue;
        if (found) return fail(failure("several ", kind_name(Object::kKind), "s are ", what).with_hint("choose one by its id").with_errno(EEXIST));
        found = std::move(object);
    }
    if (!found) return fail(failure("there is no ", kind_name(Object::kKind), ' ', what).with_errno(ENOENT));
    return found;
}

Status open_map(std::shared_ptr<Registry> registry, std::shared_ptr<MapObject> object, Fd held, bpftime_map** map);

struct NewMap {
    std::shared_ptr<MapObject> object;
    Fd held;
};
// Enters a map of this shape, with its contents. Errors are those of BPF_MAP_CREATE.
Result<NewMap> create_map(Registry& registry, const MapSpec& spec);

}  // namespace bpftime::api
