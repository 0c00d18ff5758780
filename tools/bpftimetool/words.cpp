#include "tools/bpftimetool/words.h"

#include <charconv>
#include <cstring>

namespace bpftime::tool {

namespace {

std::optional<std::uint64_t> parse_number(std::string_view text, int base) {
    if (text.starts_with("0x")) {
        text.remove_prefix(2);
        base = 16;
    }
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::string_view name_of(const BtfObject&) { return ""; }
std::string_view name_of(const LinkObject&) { return ""; }
std::string_view name_of(const PerfEventObject&) { return ""; }
std::string_view name_of(const MapObject& map) { return map.spec.name; }
std::string_view name_of(const ProgramObject& program) { return program.program.name; }

std::string tag_of(const BpfObject&) { return ""; }
std::string tag_of(const ProgramObject& program) {
    std::string text;
    for (const std::uint8_t byte : program.tag) text += fmt::format("{:02x}", byte);
    return text;
}

template <class Object>
Result<std::shared_ptr<Object>> by_id(Registry& registry, std::uint32_t id) {
    return std::static_pointer_cast<Object>(BPFTIME_TRY(registry.by_id(Object::kKind, id)));
}

template <class Object>
Result<std::vector<std::shared_ptr<Object>>> all(Registry& registry) {
    std::vector<std::shared_ptr<Object>> objects;
    std::uint32_t id = 0;
    while (const auto next = registry.next_id(Object::kKind, id)) {
        id = *next;
        auto object = by_id<Object>(registry, id);
        if (object) objects.push_back(*std::move(object));
        // Others may take objects away while we look.
        else if (object.error().errnum != ENOENT)
            return fail(std::move(object).error());
    }
    return objects;
}

template <class Object, class Holds>
Result<std::shared_ptr<Object>> only(Registry& registry, const std::string& what, Holds holds) {
    std::shared_ptr<Object> found;
    for (auto& object : BPFTIME_TRY(all<Object>(registry))) {
        if (!holds(*object)) continue;
        if (found)
            return fail(
                failure("several ", kind_name(Object::kKind), "s have the ", what).with_hint("choose one by its id"));
        found = std::move(object);
    }
    if (!found) return fail(failure("there is no ", kind_name(Object::kKind), " with the ", what).with_errno(ENOENT));
    return found;
}

}  // namespace

bool WordReader::take(std::string_view word) {
    if (empty() || (*words_)[next_].empty() || !word.starts_with((*words_)[next_])) return false;
    ++next_;
    return true;
}

const std::string& WordReader::any(std::string_view what) {
    if (empty()) throw UsageError(cat(what, " is missing"));
    return (*words_)[next_++];
}

std::uint32_t WordReader::number(std::string_view what) {
    const std::string& text = any(what);
    const auto value = parse_number(text, 10);
    if (!value || *value > ~std::uint32_t{0}) throw UsageError(cat("'", text, "' is no ", what));
    return static_cast<std::uint32_t>(*value);
}

Bytes WordReader::bytes(std::size_t size, std::string_view what) {
    const int base = take("hex") ? 16 : 10;
    Bytes bytes;
    if (base == 10 && numbers(base) == 1 && (size == 2 || size == 4 || size == 8)) {
        const std::string& text = any(what);
        const std::uint64_t value = *parse_number(text, base);
        if (size < 8 && value >> size * 8 != 0) throw UsageError(cat("'", text, "' does not fit into the ", size, " bytes of the ", what));
        bytes.resize(size);
        std::memcpy(bytes.data(), &value, size);
        return bytes;
    }
    while (bytes.size() < size) {
        if (empty()) throw UsageError(cat(what, " has ", bytes.size(), " bytes, and the map takes ", size));
        const std::string& text = any(what);
        const auto value = parse_number(text, base);
        if (!value || *value > 255) throw UsageError(cat("'", text, "' in the ", what, " is no byte"));
        bytes.push_back(static_cast<std::uint8_t>(*value));
    }
    return bytes;
}

std::size_t WordReader::numbers(int base) const {
    std::size_t count = 0;
    while (next_ + count < words_->size() && parse_number((*words_)[next_ + count], base)) ++count;
    return count;
}

void WordReader::end() const {
    if (!empty()) throw UsageError(cat("'", (*words_)[next_], "' is not expected here"));
}

template <class Object>
Result<std::shared_ptr<Object>> take_object(Registry& registry, WordReader& words) {
    if (words.take("id")) return by_id<Object>(registry, words.number("id"));
    if (words.take("pinned")) {
        const std::string& path = words.any("path");
        auto object = BPFTIME_TRY(registry.pinned(path));
        if (object->kind() != Object::kKind) return fail(failure(path, " is not a ", kind_name(Object::kKind)));
        return std::static_pointer_cast<Object>(std::move(object));
    }
    if (words.take("name")) {
        const std::string& name = words.any("name");
        return only<Object>(registry, cat("name '", name, "'"),
                            [&](const Object& object) { return name_of(object) == name && !name.empty(); });
    }
    if (Object::kKind == ObjectKind::Program && words.take("tag")) {
        const std::string& tag = words.any("tag");
        return only<Object>(registry, cat("tag ", tag), [&](const Object& object) { return tag_of(object) == tag; });
    }
    constexpr bool kProgram = Object::kKind == ObjectKind::Program,
                   kNamed = kProgram || Object::kKind == ObjectKind::Map;
    throw UsageError(cat("a ", kind_name(Object::kKind), " is named by id N", kNamed ? ", name NAME" : "",
                         kProgram ? ", tag TAG" : "", " or pinned PATH"));
}

template <class Object>
Result<std::vector<std::shared_ptr<Object>>> chosen_objects(Registry& registry, const Words& words) {
    if (words.empty()) return all<Object>(registry);
    WordReader reader(words);
    auto object = take_object<Object>(registry, reader);
    reader.end();
    if (!object) return fail(std::move(object).error());
    return std::vector{*std::move(object)};
}

#define INSTANTIATE(Object)                                                               \
    template Result<std::shared_ptr<Object>> take_object<Object>(Registry&, WordReader&); \
    template Result<std::vector<std::shared_ptr<Object>>> chosen_objects<Object>(Registry&, const Words&);
INSTANTIATE(MapObject)
INSTANTIATE(ProgramObject)
INSTANTIATE(BtfObject)
INSTANTIATE(LinkObject)
INSTANTIATE(PerfEventObject)
#undef INSTANTIATE

std::string hex_bytes(ByteView bytes) {
    std::string text;
    for (const std::uint8_t byte : bytes) text += fmt::format("{}{:02x}", text.empty() ? "" : " ", byte);
    return text;
}

Json hex_json(ByteView bytes) {
    Json list = Json::array();
    for (const std::uint8_t byte : bytes) list.push_back(fmt::format("0x{:02x}", byte));
    return list;
}

}  // namespace bpftime::tool
