// bpftimetool import: any document is imported or refused, and what was imported can be shown, exported and imported again. An input is
// JSON text, or a row of changes to a document that is good.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "runtime/registry/local_registry.h"
#include "tools/bpftimetool/schema.h"

using namespace bpftime;
using namespace bpftime::tool;

namespace {

class Input {
public:
    explicit Input(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
    template <class T>
    T take() {
        T value{};
        const std::size_t size = std::min(sizeof(value), bytes_.size());
        std::memcpy(&value, bytes_.data(), size);
        bytes_ = bytes_.subspan(size);
        return value;
    }
    std::string text(std::size_t most) {
        const std::size_t size = std::min(most, bytes_.size());
        const std::string taken(reinterpret_cast<const char*>(bytes_.data()), size);
        bytes_ = bytes_.subspan(size);
        return taken;
    }
    explicit operator bool() const { return !bytes_.empty(); }
    std::span<const std::uint8_t> rest() const { return bytes_; }

private:
    std::span<const std::uint8_t> bytes_;
};

Json read_document(const char* path) {
    std::ifstream file(path);
    return Json::parse(file, nullptr, false);
}

void collect(Json& node, std::vector<Json*>& nodes) {
    nodes.push_back(&node);
    if (node.is_structured())
        for (Json& child : node) collect(child, nodes);
}

void change(Json& document, Input& input) {
    std::vector<Json*> nodes;
    collect(document, nodes);
    Json& node = *nodes[input.take<std::uint16_t>() % nodes.size()];
    const Json other = *nodes[input.take<std::uint16_t>() % nodes.size()];
    switch (input.take<std::uint8_t>() % 10) {
        case 0: node = input.take<std::uint8_t>(); break;
        case 1: node = input.take<std::uint64_t>(); break;
        case 2: node = input.take<std::int32_t>(); break;
        case 3: node = other; break;
        case 4: node = Json::parse(input.text(input.take<std::uint8_t>()), nullptr, false); break;
        case 5:
            if (node.is_structured() && !node.empty()) node.erase(std::next(node.begin(), input.take<std::uint8_t>() % static_cast<int>(node.size())));
            break;
        case 6:
            if (node.is_array()) node.push_back(other);
            else if (node.is_object()) node[input.text(4)] = other;
            break;
        case 7:
        case 8:
            if (node.is_string() && !node.get_ref<std::string&>().empty()) {
                auto& text = node.get_ref<std::string&>();
                text[input.take<std::uint16_t>() % text.size()] = "0123456789abcdef"[input.take<std::uint8_t>() % 16];
            }
            break;
        case 9:
            if (node.is_string()) node.get_ref<std::string&>().resize(input.take<std::uint8_t>(), '0');
            break;
    }
    if (node.is_discarded()) node = nullptr;
}

// Big maps are legal, and take the memory that they take.
void bound_sizes(Json& node) {
    if (!node.is_structured()) return;
    for (const char* field : {"max_entries", "value_size", "key_size"})
        if (node.is_object() && node.contains(field) && node[field].is_number_integer() && node[field].get<std::uint64_t>() > 8192)
            node[field] = node[field].get<std::uint64_t>() % 8192;
    for (Json& child : node) bound_sizes(child);
}

void require(const char* what, const Status& status) {
    if (status) return;
    std::fprintf(stderr, "%s: %s\n", what, to_string(status.error()).c_str());
    std::abort();
}

void use(Registry& registry) {
    for (std::uint32_t id = 0; const auto next = registry.next_id(ObjectKind::Map, id); id = *next)
        (void)map_dump(registry, {"id", std::to_string(*next)});
    for (std::uint32_t id = 0; const auto next = registry.next_id(ObjectKind::Program, id); id = *next)
        (void)prog_dump(registry, {"xlated", "id", std::to_string(*next)});
    (void)prog_show(registry, {});
    (void)map_show(registry, {});
    (void)link_show(registry, {});
    (void)btf_show(registry, {});
}

Status import_and_drop(Registry& registry, const Json& document) {
    const auto made = import_json(registry, document);
    if (!made) return fail(Error(made.error()));
    return {};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Json seeds[] = {read_document(REGISTRY_JSON), read_document(HANDLERS_JSON)};
    Input input({data, size});
    const auto kind = input.take<std::uint8_t>();
    Json document;
    if (kind % 8 == 0) {
        document = Json::parse(input.rest(), nullptr, false);
        if (document.is_discarded()) return 0;
    } else {
        document = seeds[kind % 4 == 1 ? 1 : 0];
        for (int changes = 0; input && changes < 16; ++changes) change(document, input);
    }
    bound_sizes(document);
    LocalRegistry registry;
    if (!import_json(registry, document)) return 0;
    use(registry);
    const auto exported = export_json(registry);
    if (!exported) require("export", fail(Error(exported.error())));
    LocalRegistry again;
    require("import of what was exported", import_and_drop(again, *exported));
    return 0;
}
