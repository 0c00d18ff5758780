// libbpftime for C++23: bpftime/bpftime.h with handles that close themselves and typed keys and values. Header only, no exceptions: what
// can fail returns std::expected<T, bpftime::Error>.
//
//   auto registry = bpftime::Registry::make_private();
//   auto program = registry->load("filter.o");
//   auto verdict = program->run(packet);             // std::expected<std::uint64_t, Error>
//   auto counts = program->map("counts");
//   auto seen = counts->get<std::uint64_t>(key);     // ENOENT in the error where there is no such key
#pragma once

#include <bpftime/bpftime.h>

#include <cerrno>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace bpftime {
inline namespace api {

struct Error {
    int code = 0;         // an errno, positive
    std::string message;  // one sentence
};
template <class T>
using Expected = std::expected<T, Error>;

namespace detail {

inline std::unexpected<Error> error(int code) { return std::unexpected(Error{code < 0 ? -code : code, bpftime_error()}); }

template <auto Close>
struct Closer {
    template <class Handle>
    void operator()(Handle* handle) const {
        Close(handle);
    }
};

// What a function gives back through its last argument.
template <class Wrapper, class Handle, class Call>
Expected<Wrapper> take(Call call) {
    Handle* handle = nullptr;
    if (const int code = call(&handle); code != 0) return error(code);
    return Wrapper(handle);
}

template <class Info, class Next>
std::vector<Info> list(Next next) {
    std::vector<Info> all;
    Info info{};
    info.size = sizeof(info);
    while (next(info.id, &info) == 0) all.push_back(info);
    return all;
}

template <class T>
concept Plain = std::is_trivially_copyable_v<T> && !std::is_pointer_v<T>;

}  // namespace detail

using ProgramInfo = ::bpftime_program_info;
using MapInfo = ::bpftime_map_info;
using Entry = ::bpftime_entry;

class Map {
public:
    explicit Map(bpftime_map* owned) : handle_(owned) {}
    bpftime_map* get_handle() const { return handle_.get(); }

    MapInfo info() const {
        MapInfo info{};
        info.size = sizeof(info);
        bpftime_map_get_info(handle_.get(), &info);
        return info;
    }

    // Keys and values of the map's exact size; std::vector and std::span for sizes known at run time and per-CPU values.
    template <detail::Plain V, detail::Plain K>
    Expected<V> get(const K& key) const {
        V value{};
        if (const int code = bpftime_map_lookup(handle_.get(), &key, sizeof(key), &value, sizeof(value))) return detail::error(code);
        return value;
    }
    template <detail::Plain K, detail::Plain V>
    Expected<void> set(const K& key, const V& value, std::uint64_t flags = 0) const {
        return done(bpftime_map_update(handle_.get(), &key, sizeof(key), &value, sizeof(value), flags));
    }
    template <detail::Plain K>
    Expected<void> erase(const K& key) const {
        return done(bpftime_map_delete(handle_.get(), &key, sizeof(key)));
    }
    Expected<void> lookup(std::span<const std::byte> key, std::span<std::byte> value) const {
        return done(bpftime_map_lookup(handle_.get(), key.data(), key.size(), value.data(), value.size()));
    }
    Expected<void> update(std::span<const std::byte> key, std::span<const std::byte> value, std::uint64_t flags = 0) const {
        return done(bpftime_map_update(handle_.get(), key.data(), key.size(), value.data(), value.size(), flags));
    }
    // Queues and stacks.
    template <detail::Plain V>
    Expected<void> push(const V& value, std::uint64_t flags = 0) const {
        return done(bpftime_map_update(handle_.get(), nullptr, 0, &value, sizeof(value), flags));
    }
    template <detail::Plain V>
    Expected<V> pop() const {
        V value{};
        if (const int code = bpftime_map_take(handle_.get(), nullptr, 0, &value, sizeof(value))) return detail::error(code);
        return value;
    }
    // Calls visit(key) for every key; those that come or go meanwhile may be missed.
    template <detail::Plain K, class Visit>
    Expected<void> for_each_key(Visit visit) const {
        K key{}, next{};
        int code = bpftime_map_next_key(handle_.get(), nullptr, &next, sizeof(next));
        for (; code == 0; code = bpftime_map_next_key(handle_.get(), &key, &next, sizeof(next))) visit(std::as_const(key = next));
        return done(code == -ENOENT ? 0 : code);
    }
    // The values of an array, or a data section, in place; empty where they do not lie in a row of V.
    template <detail::Plain V>
    std::span<V> values() const {
        std::size_t stride = 0;
        const MapInfo about = info();
        void* const first = bpftime_map_values(handle_.get(), &stride);
        if (first == nullptr || alignof(V) > 8) return {};
        if (about.max_entries == 1 && sizeof(V) <= about.value_size) return {static_cast<V*>(first), 1};
        return stride == sizeof(V) ? std::span<V>(static_cast<V*>(first), about.max_entries) : std::span<V>();
    }

private:
    static Expected<void> done(int code) {
        if (code != 0) return detail::error(code);
        return {};
    }
    std::unique_ptr<bpftime_map, detail::Closer<bpftime_map_close>> handle_;
};

class Program {
public:
    explicit Program(bpftime_program* owned) : handle_(owned) {}
    bpftime_program* get_handle() const { return handle_.get(); }

    ProgramInfo info() const {
        ProgramInfo info{};
        info.size = sizeof(info);
        bpftime_program_get_info(handle_.get(), &info);
        return info;
    }
    Expected<std::uint64_t> run(void* context, std::size_t size) const {
        std::uint64_t result = 0;
        if (const int code = bpftime_program_run(handle_.get(), context, size, &result)) return detail::error(code);
        return result;
    }
    template <detail::Plain T>
    Expected<std::uint64_t> run(T& context) const {
        return run(&context, sizeof(context));
    }
    // The native code itself, null of a program that is interpreted. Valid as long as this object.
    Entry entry() const { return bpftime_program_entry(handle_.get()); }
    Expected<Map> map(const std::string& name) const {
        return detail::take<Map, bpftime_map>(
            [&](bpftime_map** map) { return bpftime_program_map(handle_.get(), name.c_str(), map); });
    }

private:
    std::unique_ptr<bpftime_program, detail::Closer<bpftime_program_close>> handle_;
};

// bpftime_load_options. Pointers in it refer to what the caller keeps during the call.
struct LoadOptions : ::bpftime_load_options {
    LoadOptions() : ::bpftime_load_options{} { size = sizeof(::bpftime_load_options); }
};

class Registry {
public:
    explicit Registry(bpftime_registry* owned) : handle_(owned) {}
    bpftime_registry* get_handle() const { return handle_.get(); }

    static Expected<Registry> make_private() { return detail::take<Registry, bpftime_registry>(bpftime_registry_private); }
    // Empty: the default name. Flags: BPFTIME_CREATE.
    static Expected<Registry> open(const std::string& name = {}, std::uint32_t flags = 0) {
        return detail::take<Registry, bpftime_registry>([&](bpftime_registry** registry) {
            return bpftime_registry_open(name.empty() ? nullptr : name.c_str(), flags, registry);
        });
    }

    Expected<Program> load(const std::string& path, const LoadOptions& options = {}) const {
        return program_by([&](bpftime_program** to) { return bpftime_load(handle_.get(), path.c_str(), &options, to); });
    }
    Expected<Program> load(std::span<const std::byte> bytes, const std::string& name, const LoadOptions& options = {}) const {
        return program_by([&](bpftime_program** to) {
            return bpftime_load_memory(handle_.get(), bytes.data(), bytes.size(), name.c_str(), &options, to);
        });
    }
    Expected<Program> program(std::uint32_t id, const LoadOptions& options = {}) const {
        return program_by([&](bpftime_program** to) { return bpftime_program_by_id(handle_.get(), id, &options, to); });
    }
    Expected<Program> program(const std::string& name, const LoadOptions& options = {}) const {
        return program_by([&](bpftime_program** to) { return bpftime_program_by_name(handle_.get(), name.c_str(), &options, to); });
    }
    Expected<Map> map(std::uint32_t id) const {
        return map_by([&](bpftime_map** to) { return bpftime_map_by_id(handle_.get(), id, to); });
    }
    Expected<Map> map(const std::string& name) const {
        return map_by([&](bpftime_map** to) { return bpftime_map_by_name(handle_.get(), name.c_str(), to); });
    }
    Expected<Map> create_map(std::uint32_t type, const std::string& name, std::uint32_t key_size, std::uint32_t value_size,
                             std::uint32_t max_entries, std::uint32_t flags = 0) const {
        return map_by([&](bpftime_map** to) {
            return bpftime_map_create(handle_.get(), type, name.c_str(), key_size, value_size, max_entries, flags, to);
        });
    }

    std::vector<ProgramInfo> programs() const {
        return detail::list<ProgramInfo>([&](auto after, auto* info) { return bpftime_program_next(handle_.get(), after, info); });
    }
    std::vector<MapInfo> maps() const {
        return detail::list<MapInfo>([&](auto after, auto* info) { return bpftime_map_next(handle_.get(), after, info); });
    }

private:
    template <class Call>
    static Expected<Program> program_by(Call call) {
        return detail::take<Program, bpftime_program>(call);
    }
    template <class Call>
    static Expected<Map> map_by(Call call) {
        return detail::take<Map, bpftime_map>(call);
    }
    std::unique_ptr<bpftime_registry, detail::Closer<bpftime_registry_close>> handle_;
};

}  // namespace api
}  // namespace bpftime
