// bpftimetool map: what changes maps.
#include "tools/bpftimetool/map_data.h"
#include "vm/core/kernel_names.h"

namespace bpftime::tool {

namespace {

Status check_writable(const MapObject& map) {
    if (map.frozen()) return fail(failure("map ", map.id, " is frozen").with_errno(EPERM));
    return {};
}

// A map without keys, and the word that means it.
struct Line {
    MapType type;
    std::string_view put, get;
};
constexpr Line kLines[] = {{MapType::Queue, "enqueue", "dequeue"}, {MapType::Stack, "push", "pop"}};

// The map that the words begin with, if it is a queue (or a stack, as the command says; peek: either).
Result<MapPtr> take_line(Registry& registry, WordReader& reader, std::string_view command) {
    const MapPtr map = BPFTIME_TRY(take_object<MapObject>(registry, reader));
    for (const Line& line : kLines)
        if (map->spec.type == static_cast<std::uint32_t>(line.type) && (command == "peek" || command == line.put || command == line.get))
            return map;
    const bool either = command == "peek";
    const std::string_view wanted = either ? "queue or stack" : command == "push" || command == "pop" ? "stack" : "queue";
    return fail(failure("map ", map->id, " is of type ", map_type_name(map->spec.type), ", and '", command, "' is for a ", wanted));
}

Result<Answer> put(Registry& registry, const Words& words, std::string_view command) {
    WordReader reader(words);
    const MapPtr map = BPFTIME_TRY(take_line(registry, reader, command));
    const Bytes value = BPFTIME_TRY(take_value(registry, reader, *map, {}));
    reader.end();
    BPFTIME_CHECK(check_writable(*map));
    auto done = map->elements->update({}, value, kUpdateAny);
    if (!done && done.error().errnum == E2BIG)
        return fail(failure("map ", map->id, " is full: it has ", map->spec.max_entries, " elements").with_errno(E2BIG));
    if (!done) return fail(std::move(done).error());
    return Answer{.text = {}, .json = Json::object()};
}

Result<Answer> get(Registry& registry, const Words& words, std::string_view command) {
    WordReader reader(words);
    const MapPtr map = BPFTIME_TRY(take_line(registry, reader, command));
    reader.end();
    if (command != "peek") BPFTIME_CHECK(check_writable(*map));
    const auto value = command == "peek" ? map->elements->lookup({}) : map->elements->take({});
    if (!value && value.error().errnum == ENOENT)
        return fail(failure("map ", map->id, " is empty").with_errno(ENOENT));
    if (!value) return fail(Error(value.error()));
    Json row{{"value", hex_json(*value)}};
    if (!has_types(*map)) return Answer{fmt::format("value: {}\n", hex_bytes(*value)), std::move(row)};
    const Json typed{{"value", typed_value(*map, *value)}};
    row["formatted"] = typed;
    return Answer{typed.dump(4) + "\n", std::move(row)};
}

}  // namespace

Result<Answer> map_update_command(Registry& registry, const Words& words) {
    WordReader reader(words);
    const MapPtr map = BPFTIME_TRY(take_object<MapObject>(registry, reader));
    const Bytes key = BPFTIME_TRY(take_key(reader, *map));
    const Bytes value = BPFTIME_TRY(take_value(registry, reader, *map, key));
    std::uint64_t flags = kUpdateAny;
    if (reader.take("noexist"))
        flags = kUpdateNoExist;
    else if (reader.take("exist"))
        flags = kUpdateExist;
    else
        reader.take("any");
    reader.end();
    BPFTIME_CHECK(check_writable(*map));
    if (auto done = map->elements->update(key, value, flags); !done)
        return fail(in_map(*map, key, std::move(done).error()));
    return Answer{.text = {}, .json = Json::object()};
}

Result<Answer> map_delete_command(Registry& registry, const Words& words) {
    WordReader reader(words);
    const MapPtr map = BPFTIME_TRY(take_object<MapObject>(registry, reader));
    const Bytes key = BPFTIME_TRY(take_key(reader, *map));
    reader.end();
    BPFTIME_CHECK(check_writable(*map));
    if (auto done = map->elements->erase(key); !done) return fail(in_map(*map, key, std::move(done).error()));
    return Answer{.text = {}, .json = Json::object()};
}

Result<Answer> map_push(Registry& registry, const Words& words) { return put(registry, words, "push"); }
Result<Answer> map_enqueue(Registry& registry, const Words& words) { return put(registry, words, "enqueue"); }
Result<Answer> map_pop(Registry& registry, const Words& words) { return get(registry, words, "pop"); }
Result<Answer> map_dequeue(Registry& registry, const Words& words) { return get(registry, words, "dequeue"); }
Result<Answer> map_peek(Registry& registry, const Words& words) { return get(registry, words, "peek"); }

Result<Answer> map_freeze_command(Registry& registry, const Words& words) {
    WordReader reader(words);
    const MapPtr map = BPFTIME_TRY(take_object<MapObject>(registry, reader));
    reader.end();
    BPFTIME_CHECK(check_writable(*map));
    const Fd fd(BPFTIME_TRY(registry.open(*map)));
    BPFTIME_CHECK(registry.freeze(*map, fd.get()));
    return Answer{.text = {}, .json = Json::object()};
}

template <class Object>
Result<Answer> pin(Registry& registry, const Words& words) {
    WordReader reader(words);
    auto object = BPFTIME_TRY(take_object<Object>(registry, reader));
    const std::string path = reader.any("path");
    reader.end();
    if (!path.starts_with('/')) throw UsageError(cat("'", path, "' is no absolute path"));
    if (auto done = registry.pin(path, std::move(object)); !done) {
        Error error = std::move(done).error();
        if (error.errnum == EEXIST) error.cause = "something is pinned there already";
        return fail(std::move(error).in_file(path));
    }
    return Answer{.text = {}, .json = Json::object()};
}

Result<Answer> map_pin(Registry& registry, const Words& words) { return pin<MapObject>(registry, words); }
Result<Answer> prog_pin(Registry& registry, const Words& words) { return pin<ProgramObject>(registry, words); }
Result<Answer> link_pin(Registry& registry, const Words& words) { return pin<LinkObject>(registry, words); }

}  // namespace bpftime::tool
