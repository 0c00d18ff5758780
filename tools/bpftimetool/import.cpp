// bpftimetool import: objects are made by the same bpf() commands that an application issues, so that they are checked
// alike.
#include <linux/bpf.h>

#include <cstring>
#include <map>
#include <set>

#include "runtime/syscall-server/bpf_call.h"
#include "runtime/syscall-server/perf_events.h"
#include "tools/bpftimetool/probes.h"
#include "tools/bpftimetool/schema.h"
#include "tools/bpftimetool/words.h"
#include "tools/support/files.h"
#include "vm/core/kernel_names.h"

namespace bpftime::tool {

namespace {

constexpr std::uint32_t kMaxProgramType = 64, kMapFd = 1, kMapValue = 2;

std::uint64_t address(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer); }

std::optional<std::uint32_t> program_type_by_name(const std::string& name) {
    for (std::uint32_t type = 0; type < kMaxProgramType; ++type)
        if (prog_type_name(type) == name) return type;
    return std::nullopt;
}

template <std::size_t N>
void copy_name(char (&field)[N], const std::string& name) {
    std::memcpy(field, name.data(), std::min(name.size(), N - 1));
}

class Importer {
public:
    explicit Importer(Registry& registry) : registry_(registry), session_{registry, {}, {}} {}

    Status run(const Field& document);
    Status pin_roots();
    Json created() const;

private:
    struct Made {
        Fd fd;
        std::uint32_t id = 0;  // the new one
        bool referred = false;
    };
    struct HeldElement {
        Field field;
        int map;
        bool programs;
        Bytes key;
        std::uint32_t object;
    };

    Status check_head(const Field& document);
    Status make_btf(const Field& field);
    Status make_map(const Field& field);
    Status fill_map(const Field& field, int fd, const MapObject& map);
    Status make_program(const Field& field);
    Status make_event(const Field& field);
    Status make_link(const Field& field);
    Status attach(const Field& field, PerfEventObject& event, int program_fd);
    Result<std::vector<RawInsn>> read_code(const Field& field, const std::vector<int>& maps);
    template <class Record>
    Result<std::vector<Record>> read_records(const Field& field, const char* name);
    Status set_held(const HeldElement& element);

    // Carries out a command; its failure is the field's.
    Result<long> call(int command, bpf_attr& attr, const Field& field) {
        const long result = bpf_call(session_, command, &attr, sizeof(attr));
        if (result >= 0) return result;
        return fail(failure(field.path(), ": ", to_string(*session_.error)).with_errno(static_cast<int>(-result)));
    }
    Status enter(ObjectKind kind, const Field& field, long fd);
    // The new descriptor of the object whose id in the document `field` is.
    Result<int> refer(ObjectKind kind, const Field& field);
    Result<int> refer_at(ObjectKind kind, const Field& field, const char* name) {
        const Field id = BPFTIME_TRY(field.at(name));
        return refer(kind, id);
    }
    std::map<std::uint32_t, Made>& made(ObjectKind kind) { return made_[static_cast<std::size_t>(kind)]; }

    Registry& registry_;
    BpfSession session_;
    std::map<std::uint32_t, Made> made_[kObjectKinds];  // by the document's ids
    std::vector<HeldElement> held_;
    std::vector<std::pair<int, Field>> to_freeze_;
};

bpf_attr empty() {
    bpf_attr attr;
    std::memset(&attr, 0, sizeof(attr));
    return attr;
}

Status Importer::enter(ObjectKind kind, const Field& field, long fd) {
    Made entry{.fd = Fd(static_cast<int>(fd))};
    entry.id = BPFTIME_TRY(registry_.at(static_cast<int>(fd)))->id;
    const Field id = BPFTIME_TRY(field.at("id"));
    const std::uint32_t number = BPFTIME_TRY(id.u32());
    if (!made(kind).emplace(number, std::move(entry)).second)
        return fail(id.wrong(cat("is that of another ", kind_name(kind), " too")));
    return {};
}

Result<int> Importer::refer(ObjectKind kind, const Field& field) {
    const std::uint32_t id = BPFTIME_TRY(field.u32());
    const auto found = made(kind).find(id);
    if (found == made(kind).end())
        return fail(field.wrong(cat("names ", kind_name(kind), " ", id, ", which is not in the file")));
    found->second.referred = true;
    return found->second.fd.get();
}

Status Importer::check_head(const Field& document) {
    BPFTIME_CHECK(document.object({"format", "version", "btf", "maps", "programs", "events", "links"}));
    const std::string format = BPFTIME_TRY(document.text_at("format"));
    if (format != kFormat) return fail(failure("format is not '", kFormat, "'"));
    const std::uint32_t version = BPFTIME_TRY(document.u32("version"));
    if (version != kFormatVersion)
        return fail(failure("version ", version, " is unknown here; this is version ", kFormatVersion));
    return {};
}

Status Importer::make_btf(const Field& field) {
    BPFTIME_CHECK(field.object({"id", "data"}));
    const Field data = BPFTIME_TRY(field.at("data"));
    const Bytes bytes = BPFTIME_TRY(data.bytes());
    bpf_attr attr = empty();
    attr.btf = address(bytes.data());
    attr.btf_size = static_cast<std::uint32_t>(bytes.size());
    const long fd = BPFTIME_TRY(call(BPF_BTF_LOAD, attr, data));
    return enter(ObjectKind::Btf, field, fd);
}

Status Importer::make_map(const Field& field) {
    BPFTIME_CHECK(field.object({"id", "name", "type", "key_size", "value_size", "max_entries", "flags", "extra",
                                "frozen", "btf", "key_type", "value_type", "inner", "elements"}));
    const Field type = BPFTIME_TRY(field.at("type"));
    const std::string type_name = BPFTIME_TRY(type.text());
    const auto number = map_type_by_name(type_name);
    if (!number) return fail(type.wrong(cat("'", type_name, "' is no map type")));
    bpf_attr attr = empty();
    attr.map_type = *number;
    attr.key_size = BPFTIME_TRY(field.u32("key_size"));
    attr.value_size = BPFTIME_TRY(field.u32("value_size"));
    attr.max_entries = BPFTIME_TRY(field.u32("max_entries"));
    attr.map_flags = BPFTIME_TRY(field.u32_or("flags", 0));
    if (field.has("extra")) attr.map_extra = BPFTIME_TRY(field.number_at("extra", ~std::uint64_t{0}));
    copy_name(attr.map_name, BPFTIME_TRY(field.text_at("name")));
    if (field.has("btf")) {
        attr.btf_fd = static_cast<std::uint32_t>(BPFTIME_TRY(refer_at(ObjectKind::Btf, field, "btf")));
        attr.btf_key_type_id = BPFTIME_TRY(field.u32("key_type"));
        attr.btf_value_type_id = BPFTIME_TRY(field.u32("value_type"));
    }
    if (field.has("inner"))
        attr.inner_map_fd = static_cast<std::uint32_t>(BPFTIME_TRY(refer_at(ObjectKind::Map, field, "inner")));
    const long fd = BPFTIME_TRY(call(BPF_MAP_CREATE, attr, field));
    BPFTIME_CHECK(enter(ObjectKind::Map, field, fd));
    const auto map = BPFTIME_TRY(registry_.get<MapObject>(static_cast<int>(fd)));
    BPFTIME_CHECK(fill_map(field, static_cast<int>(fd), *map));
    if (!field.has("frozen")) return {};
    const Field frozen = BPFTIME_TRY(field.at("frozen"));
    if (BPFTIME_TRY(frozen.flag())) to_freeze_.emplace_back(static_cast<int>(fd), frozen);
    return {};
}

Status Importer::fill_map(const Field& field, int fd, const MapObject& map) {
    const bool objects = holds_objects(map.spec.type);
    const auto elements = BPFTIME_TRY(field.list_or_empty("elements"));
    for (const Field& element : elements) {
        BPFTIME_CHECK(objects ? element.object({"key", "object"}) : element.object({"key", "value"}));
        const Field key_field = BPFTIME_TRY(element.at("key"));
        Bytes key = BPFTIME_TRY(key_field.bytes());
        if (key.size() != map.spec.key_size)
            return fail(
                key_field.wrong(cat("has ", key.size(), " bytes, and keys of the map have ", map.spec.key_size)));
        if (objects) {
            const bool programs = static_cast<MapType>(map.spec.type) == MapType::ProgArray;
            const Field object = BPFTIME_TRY(element.at("object"));
            const std::uint32_t id = BPFTIME_TRY(object.u32());
            held_.push_back({object, fd, programs, std::move(key), id});
            continue;
        }
        const Field value_field = BPFTIME_TRY(element.at("value"));
        const Bytes value = BPFTIME_TRY(value_field.bytes());
        if (value.size() != map.elements->value_size())
            return fail(value_field.wrong(
                cat("has ", value.size(), " bytes, and values of the map have ", map.elements->value_size(), " here")));
        bpf_attr attr = empty();
        attr.map_fd = static_cast<std::uint32_t>(fd);
        attr.key = address(key.data());
        attr.value = address(value.data());
        BPFTIME_TRY(call(BPF_MAP_UPDATE_ELEM, attr, element));
    }
    return {};
}

Status Importer::set_held(const HeldElement& element) {
    const ObjectKind kind = element.programs ? ObjectKind::Program : ObjectKind::Map;
    const int fd = BPFTIME_TRY(refer(kind, element.field));
    bpf_attr attr = empty();
    attr.map_fd = static_cast<std::uint32_t>(element.map);
    attr.key = address(element.key.data());
    attr.value = address(&fd);
    BPFTIME_TRY(call(BPF_MAP_UPDATE_ELEM, attr, element.field));
    // Being an element keeps no object alive.
    made(kind).find(element.object)->second.referred = false;
    return {};
}

Result<std::vector<RawInsn>> Importer::read_code(const Field& field, const std::vector<int>& maps) {
    std::vector<RawInsn> code;
    const auto slots = BPFTIME_TRY(field.list());
    for (const Field& slot : slots) {
        const Bytes bytes = BPFTIME_TRY(slot.bytes());
        if (bytes.size() != sizeof(RawInsn)) return fail(slot.wrong("is not of 8 bytes"));
        std::memcpy(&code.emplace_back(), bytes.data(), sizeof(RawInsn));
    }
    for (std::size_t slot = 0; slot + 1 < code.size(); ++slot) {
        if (code[slot].opcode != kLddwOpcode) continue;
        constexpr std::uint8_t kMapIdx = 5, kMapIdxValue = 6;
        const std::uint8_t source = code[slot].src();
        const bool address = source == kMapFd || source == kMapIdx,
                   value = source == kMapValue || source == kMapIdxValue;
        if (address || value) {
            const auto position = static_cast<std::uint32_t>(code[slot].imm);
            if (position >= maps.size())
                return fail(failure(field.path(), "[", slot, "] refers to map ", position, " of ", maps.size()));
            code[slot].registers = static_cast<std::uint8_t>(code[slot].dst() | (address ? kMapFd : kMapValue) << 4);
            code[slot].imm = maps[position];
        }
        ++slot;
    }
    return code;
}

template <class Record>
Result<std::vector<Record>> Importer::read_records(const Field& field, const char* name) {
    constexpr std::size_t kWords = sizeof(Record) / sizeof(std::uint32_t);
    std::vector<Record> records;
    const auto rows = BPFTIME_TRY(field.list_or_empty(name));
    for (const Field& row : rows) {
        const auto numbers = BPFTIME_TRY(row.list());
        if (numbers.size() != kWords) return fail(row.wrong(cat("is not of ", kWords, " numbers")));
        std::uint32_t words[kWords];
        for (std::size_t index = 0; index < kWords; ++index) words[index] = BPFTIME_TRY(numbers[index].u32());
        std::memcpy(&records.emplace_back(), words, sizeof(words));
    }
    return records;
}

Status Importer::make_program(const Field& field) {
    BPFTIME_CHECK(field.object({"id", "name", "type", "expected_attach_type", "license", "flags", "maps", "bound",
                                "insns", "btf", "functions", "lines"}));
    const Field type = BPFTIME_TRY(field.at("type"));
    const std::string type_name = BPFTIME_TRY(type.text());
    const auto number = program_type_by_name(type_name);
    if (!number) return fail(type.wrong(cat("'", type_name, "' is no program type")));
    std::vector<int> maps, bound;
    for (const char* name : {"maps", "bound"}) {
        const auto ids = BPFTIME_TRY(field.list_or_empty(name));
        for (const Field& id : ids) {
            bound.push_back(BPFTIME_TRY(refer(ObjectKind::Map, id)));
            if (std::string_view(name) == "maps") maps.push_back(bound.back());
        }
    }
    const Field insns = BPFTIME_TRY(field.at("insns"));
    const std::vector<RawInsn> code = BPFTIME_TRY(read_code(insns, maps));
    const std::string license = BPFTIME_TRY(field.text_at("license"));
    const auto functions = BPFTIME_TRY(read_records<FuncRecord>(field, "functions"));
    const auto lines = BPFTIME_TRY(read_records<LineRecord>(field, "lines"));

    bpf_attr attr = empty();
    attr.prog_type = *number;
    attr.expected_attach_type = BPFTIME_TRY(field.u32_or("expected_attach_type", 0));
    attr.prog_flags = BPFTIME_TRY(field.u32_or("flags", 0));
    copy_name(attr.prog_name, BPFTIME_TRY(field.text_at("name")));
    attr.license = address(license.c_str());
    attr.insns = address(code.data());
    attr.insn_cnt = static_cast<std::uint32_t>(code.size());
    if (field.has("btf"))
        attr.prog_btf_fd = static_cast<std::uint32_t>(BPFTIME_TRY(refer_at(ObjectKind::Btf, field, "btf")));
    attr.func_info = address(functions.data());
    attr.func_info_cnt = static_cast<std::uint32_t>(functions.size());
    attr.func_info_rec_size = functions.empty() ? 0 : sizeof(FuncRecord);
    attr.line_info = address(lines.data());
    attr.line_info_cnt = static_cast<std::uint32_t>(lines.size());
    attr.line_info_rec_size = lines.empty() ? 0 : sizeof(LineRecord);
    const long fd = BPFTIME_TRY(call(BPF_PROG_LOAD, attr, insns));
    BPFTIME_CHECK(enter(ObjectKind::Program, field, fd));
    for (const int map : bound) {
        bpf_attr bind = empty();
        bind.prog_bind_map.prog_fd = static_cast<std::uint32_t>(fd);
        bind.prog_bind_map.map_fd = static_cast<std::uint32_t>(map);
        BPFTIME_TRY(call(BPF_PROG_BIND_MAP, bind, field));
    }
    return {};
}

Status Importer::make_event(const Field& field) {
    BPFTIME_CHECK(field.object({"id", "target", "enabled", "period", "program"}));
    const Field target = BPFTIME_TRY(field.at("target")), enabled = BPFTIME_TRY(field.at("enabled"));
    auto event = std::make_shared<PerfEventObject>();
    event->target = BPFTIME_TRY(read_probe(target));
    if (event->target.kind == ProbeKind::Output)
        return fail(target.wrong("is where programs write, which no file brings back"));
    const bool runs = BPFTIME_TRY(enabled.flag());
    const std::uint64_t period = BPFTIME_TRY(field.number_at("period", ~std::uint64_t{0}));
    const int fd = BPFTIME_TRY(registry_.publish(event));
    BPFTIME_CHECK(enter(ObjectKind::PerfEvent, field, fd));
    event->page->period = period;
    event->page->enabled = runs ? 1 : 0;
    if (!field.has("program")) return {};
    const int program_fd = BPFTIME_TRY(refer_at(ObjectKind::Program, field, "program"));
    return attach(field, *event, program_fd);
}

Status Importer::attach(const Field& field, PerfEventObject& event, int program_fd) {
    const auto program = BPFTIME_TRY(registry_.get<ProgramObject>(program_fd));
    auto done = attach_to_event(event, *program);
    if (!done) return fail(failure(field.path(), ": ", done.error().cause).with_errno(done.error().errnum));
    return {};
}

Status Importer::make_link(const Field& field) {
    BPFTIME_CHECK(field.object({"id", "program", "attach_type", "flags", "target", "event"}));
    const Field target = BPFTIME_TRY(field.at("target"));
    auto link = std::make_shared<LinkObject>();
    link->attach_type = BPFTIME_TRY(field.u32("attach_type"));
    link->flags = BPFTIME_TRY(field.u32_or("flags", 0));
    link->target = BPFTIME_TRY(read_probe(target));
    const int fd = BPFTIME_TRY(refer_at(ObjectKind::Program, field, "program"));
    link->program = BPFTIME_TRY(registry_.get<ProgramObject>(fd));
    if (field.has("event")) {
        const int event = BPFTIME_TRY(refer_at(ObjectKind::PerfEvent, field, "event"));
        link->event = BPFTIME_TRY(registry_.get<PerfEventObject>(event));
        BPFTIME_CHECK(attach(field, *link->event, fd));
    }
    const int made = BPFTIME_TRY(registry_.publish(link));
    if (link->event) link->event->page->link = link->id;
    return enter(ObjectKind::Link, field, made);
}

Status Importer::run(const Field& document) {
    BPFTIME_CHECK(check_head(document));
    const auto btf = BPFTIME_TRY(document.list_or_empty("btf")), maps = BPFTIME_TRY(document.list_or_empty("maps"));
    const auto programs = BPFTIME_TRY(document.list_or_empty("programs")),
               links = BPFTIME_TRY(document.list_or_empty("links"));
    const auto events = BPFTIME_TRY(document.list_or_empty("events"));
    for (const Field& field : btf) BPFTIME_CHECK(make_btf(field));
    for (const Field& field : maps) BPFTIME_CHECK(make_map(field));
    // Constant maps are constant before programs are loaded, as libbpf has it.
    for (const auto& [fd, field] : to_freeze_) {
        bpf_attr attr = empty();
        attr.map_fd = static_cast<std::uint32_t>(fd);
        BPFTIME_TRY(call(BPF_MAP_FREEZE, attr, field));
    }
    for (const Field& field : programs) BPFTIME_CHECK(make_program(field));
    for (const HeldElement& element : held_) BPFTIME_CHECK(set_held(element));
    for (const Field& field : events) BPFTIME_CHECK(make_event(field));
    for (const Field& field : links) BPFTIME_CHECK(make_link(field));
    return {};
}

// What nothing else keeps alive lives by its pin.
Status Importer::pin_roots() {
    constexpr const char* kNames[kObjectKinds] = {"map", "program", "btf", "link", "event"};
    std::vector<std::string> pinned;
    for (std::size_t kind = 0; kind < kObjectKinds; ++kind)
        for (const auto& [old, object] : made_[kind]) {
            if (object.referred) continue;
            const std::string path = cat("/sys/fs/bpf/bpftimetool/", kNames[kind], "_", object.id);
            auto target = BPFTIME_TRY(registry_.at(object.fd.get()));
            auto done = registry_.pin(path, std::move(target));
            if (done) {
                pinned.push_back(path);
                continue;
            }
            for (const std::string& undo : pinned) (void)registry_.unpin(undo);
            return done;
        }
    return {};
}

Json Importer::created() const {
    const auto ids = [&](ObjectKind kind) {
        Json list = Json::array();
        for (const auto& [old, object] : made_[static_cast<std::size_t>(kind)]) list.push_back(object.id);
        return list;
    };
    return {{"programs", ids(ObjectKind::Program)}, {"maps", ids(ObjectKind::Map)}, {"links", ids(ObjectKind::Link)}};
}

}  // namespace

Result<Json> import_json(Registry& registry, const Json& document) {
    if (is_handlers(document)) {
        HandlerPlaces places;
        const Json converted = BPFTIME_TRY(from_handlers(document, places));
        auto made = import_json(registry, converted);
        if (made) return made;
        Error error = std::move(made).error();
        for (const auto& [here, there] : places)
            if (error.cause.starts_with(here)) error.cause.replace(0, here.size(), there);
        return fail(std::move(error));
    }
    Importer importer(registry);
    BPFTIME_CHECK(importer.run(Field(document, {})));
    BPFTIME_CHECK(importer.pin_roots());
    return importer.created();
}

Result<Answer> import_objects(Registry& registry, const Words& words) {
    WordReader reader(words);
    const std::string path = reader.any("file to read");
    reader.end();
    const auto contents = BPFTIME_TRY(tools::read_file(path));
    const Json document = Json::parse(contents, nullptr, false);
    if (document.is_discarded()) return fail(failure("is not JSON").in_file(path));
    auto created = import_json(registry, document);
    if (!created) return fail(std::move(created).error().in_file(path));
    std::string text;
    for (const auto& [kind, ids] : created->items())
        if (!ids.empty()) text += fmt::format("{}: {}\n", kind, fmt::join(ids.get<std::vector<std::uint32_t>>(), " "));
    return Answer{text, *std::move(created)};
}

}  // namespace bpftime::tool
