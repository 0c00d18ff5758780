// The schema of bpftime's own bpftimetool: an object of handlers by the descriptors that they had. It becomes a document of ours, and
// errors that the import finds in that are told in terms of what the user wrote.
#include <sys/stat.h>

#include <charconv>
#include <filesystem>
#include <map>

#include "tools/bpftimetool/json_field.h"
#include "tools/bpftimetool/schema.h"
#include "vm/core/kernel_names.h"

namespace bpftime::tool {

namespace {

constexpr std::uint32_t kPerfEventLink = 41;                           // BPF_PERF_EVENT of enum bpf_attach_type
constexpr std::uint32_t kSoftware = 1, kTracepoint = 2, kUprobe = 6, kUretprobe = 7;  // types of events there
constexpr std::uint32_t kKprobeProgram = 2;                            // BPF_PROG_TYPE_KPROBE
constexpr std::uint64_t kBpfOutput = 10;                               // PERF_COUNT_SW_BPF_OUTPUT
constexpr std::uint8_t kLddw = 0x18, kMapFd = 1, kMapValue = 2;        // opcode; source register of a load
constexpr std::size_t kSlot = 8;

// "12" as a descriptor.
std::optional<std::uint32_t> descriptor(const std::string& text) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

class Converter {
public:
    explicit Converter(HandlerPlaces& places) : places_(places) {}

    Result<Json> run(const Json& document);

private:
    struct Handler {
        std::uint32_t fd;
        Field field, attr;
    };

    Status sort_out(const Field& field, std::uint32_t fd);
    Status convert_map(const Handler& handler);
    Status convert_program(const Handler& handler);
    Status convert_event(const Handler& handler);
    Status convert_link(const Handler& handler);
    Result<Json> target_of(const Handler& handler, std::uint32_t type) const;
    void add(const char* list, Json row, const Handler& handler) {
        places_.emplace_back(cat(list, "[", out_[list].size(), "]"), cat(handler.field.path(), ".attr"));
        out_[list].push_back(std::move(row));
    }

    HandlerPlaces& places_;
    Json out_{{"format", kFormat},    {"version", kFormatVersion}, {"maps", Json::array()}, {"programs", Json::array()},
              {"events", Json::array()}, {"links", Json::array()}};
    std::vector<Handler> maps_, programs_, events_, links_;
    std::map<std::uint32_t, std::uint32_t> attached_;  // programs by event, as "attach_fds" has it
    std::map<std::uint32_t, Json> targets_;            // by event
};

Status Converter::sort_out(const Field& field, std::uint32_t fd) {
    const Field type = BPFTIME_TRY(field.at("type"));
    const std::string name = BPFTIME_TRY(type.text());
    if (name == "epoll_handler") return {};  // of a process that is gone
    struct Row {
        std::string_view type;
        std::vector<Handler> Converter::*list;
    };
    static constexpr Row kRows[] = {{"bpf_map_handler", &Converter::maps_},
                                    {"bpf_prog_handler", &Converter::programs_},
                                    {"bpf_perf_event_handler", &Converter::events_},
                                    {"bpf_link_handler", &Converter::links_}};
    const auto* row = std::ranges::find(kRows, name, &Row::type);
    if (row == std::end(kRows)) return fail(type.wrong(cat("'", name, "' is no type of handler")));
    BPFTIME_CHECK(field.object({"type", "name", "attr", "enabled"}));
    const Field attr = BPFTIME_TRY(field.at("attr"));
    (this->*row->list).push_back({fd, field, attr});
    return {};
}

// Types of keys and values are left out: their BTF is not in the file.
Status Converter::convert_map(const Handler& handler) {
    const Field& attr = handler.attr;
    BPFTIME_CHECK(attr.object({"map_type", "key_size", "value_size", "max_entries", "flags", "ifindex", "map_extra", "btf_id", "btf_key_type_id",
                               "btf_value_type_id", "btf_vmlinux_value_type_id", "kernel_bpf_map_id"}));
    const std::uint32_t type = BPFTIME_TRY(attr.u32("map_type"));
    Json row{{"id", handler.fd}, {"name", BPFTIME_TRY(handler.field.text_at("name"))}, {"type", map_type_name(type)}};
    for (const char* name : {"key_size", "value_size", "max_entries"}) row[name] = BPFTIME_TRY(attr.u32(name));
    row["flags"] = BPFTIME_TRY(attr.u32_or("flags", 0));
    if (attr.has("map_extra")) row["extra"] = BPFTIME_TRY(attr.number_at("map_extra", ~std::uint64_t{0}));
    // Names there may be longer than a map's can be here.
    constexpr std::size_t kLongest = 15;
    row["name"] = row["name"].get<std::string>().substr(0, kLongest);
    add("maps", std::move(row), handler);
    return {};
}

Status Converter::convert_program(const Handler& handler) {
    const Field& attr = handler.attr;
    BPFTIME_CHECK(attr.object({"type", "cnt", "insns", "attach_fds"}));
    const Field insns = BPFTIME_TRY(attr.at("insns")), count = BPFTIME_TRY(attr.at("cnt"));
    const Bytes code = BPFTIME_TRY(insns.bytes());
    const std::uint32_t slots = BPFTIME_TRY(count.u32());
    if (code.size() != slots * std::uint64_t{kSlot})
        return fail(insns.wrong(cat("has ", code.size(), " bytes, and ", slots, " instructions have ", slots * std::uint64_t{kSlot})));
    Json row{{"id", handler.fd}, {"name", BPFTIME_TRY(handler.field.text_at("name"))}, {"license", "GPL"}, {"maps", Json::array()}};
    std::vector<std::uint32_t> maps;
    for (std::size_t at = 0; at < code.size(); at += kSlot) {
        Bytes slot(code.begin() + static_cast<std::ptrdiff_t>(at), code.begin() + static_cast<std::ptrdiff_t>(at + kSlot));
        const std::uint8_t source = slot[1] >> 4;
        const bool wide = slot[0] == kLddw;
        if (wide && (source == kMapFd || source == kMapValue)) {
            // Descriptors become positions among the program's maps.
            std::uint32_t fd = 0;
            std::memcpy(&fd, slot.data() + 4, sizeof(fd));
            const auto known = std::ranges::find(maps_, fd, &Handler::fd);
            if (known == maps_.end()) return fail(insns.wrong(cat("refers to map ", fd, " in instruction ", at / kSlot, ", which is not in the file")));
            const auto found = std::ranges::find(maps, fd);
            const auto position = static_cast<std::uint32_t>(found - maps.begin());
            if (found == maps.end()) maps.push_back(fd);
            std::memcpy(slot.data() + 4, &position, sizeof(position));
        }
        std::string digits;
        for (const std::uint8_t byte : slot) digits += fmt::format("{:02x}", byte);
        row["insns"].push_back(digits);
        if (!wide || at + 2 * kSlot > code.size()) continue;
        at += kSlot;
        digits.clear();
        for (std::size_t byte = 0; byte < kSlot; ++byte) digits += fmt::format("{:02x}", code[at + byte]);
        row["insns"].push_back(digits);
    }
    row["maps"] = maps;
    const auto fds = BPFTIME_TRY(attr.list_or_empty("attach_fds"));
    for (const Field& fd : fds) attached_[BPFTIME_TRY(fd.u32())] = handler.fd;
    // Attached programs may come without a type.
    std::uint32_t type = BPFTIME_TRY(attr.u32("type"));
    if (type == 0) type = kKprobeProgram;
    row["type"] = prog_type_name(type);
    if (slots == 0) row["insns"] = Json::array();
    add("programs", std::move(row), handler);
    return {};
}

Result<Json> Converter::target_of(const Handler& handler, std::uint32_t type) const {
    const Field& attr = handler.attr;
    const std::string path = BPFTIME_TRY(attr.text_at("_module_name"));
    const std::uint64_t offset = BPFTIME_TRY(attr.number_at("offset", ~std::uint64_t{0} >> 1)),
                        semaphore = BPFTIME_TRY(attr.number_at("ref_ctr_off", ~std::uint64_t{0}));
    const Field pid = BPFTIME_TRY(attr.at("pid"));
    std::error_code ignored;
    const std::string absolute = std::filesystem::absolute(path, ignored).lexically_normal().string();
    struct stat file {};
    const bool there = stat(absolute.c_str(), &file) == 0;
    return Json{{"kind", type == kUprobe ? "uprobe" : "uretprobe"},
                {"path", absolute},
                {"device", there ? static_cast<std::uint64_t>(file.st_dev) : 0},
                {"inode", there ? static_cast<std::uint64_t>(file.st_ino) : 0},
                {"sites", {{{"offset", offset}, {"ref_ctr_offset", semaphore}, {"cookie", 0}}}},
                {"pid", std::max(BPFTIME_TRY(pid.i32()), 0)},  // -1: any
                {"cpu", -1}};
}

Status Converter::convert_event(const Handler& handler) {
    const Field& attr = handler.attr;
    BPFTIME_CHECK(attr.object({"type", "data_type", "offset", "pid", "ref_ctr_off", "_module_name", "tracepoint_id", "cpu", "config", "sample_type"}));
    const Field type_field = BPFTIME_TRY(attr.at("type"));
    const std::uint32_t type = BPFTIME_TRY(type_field.u32());
    if (type == kTracepoint)
        return fail(type_field.wrong("is a tracepoint's, whose number means nothing on another machine"));
    if (type == kSoftware) {
        const Field config = BPFTIME_TRY(attr.at("config"));
        if (BPFTIME_TRY(config.number(~std::uint64_t{0})) == kBpfOutput) return {};  // lives by the mappings of a process
        return fail(config.wrong("is of a sampling event, whose period the file does not have"));
    }
    if (type != kUprobe && type != kUretprobe) return fail(type_field.wrong(cat(type, " is no type of event that can be attached here")));
    bool enabled = true;
    if (handler.field.has("enabled")) {
        const Field flag = BPFTIME_TRY(handler.field.at("enabled"));
        enabled = BPFTIME_TRY(flag.flag());
    }
    Json target = BPFTIME_TRY(target_of(handler, type));
    Json row{{"id", handler.fd}, {"target", target}, {"enabled", enabled}, {"period", 0}};
    targets_[handler.fd] = std::move(target);
    if (const auto found = attached_.find(handler.fd); found != attached_.end()) row["program"] = found->second;
    add("events", std::move(row), handler);
    return {};
}

Status Converter::convert_link(const Handler& handler) {
    BPFTIME_CHECK(handler.attr.object({"prog_fd", "target_fd"}));
    const std::uint32_t program = BPFTIME_TRY(handler.attr.u32("prog_fd"));
    const Field target = BPFTIME_TRY(handler.attr.at("target_fd"));
    const std::uint32_t event = BPFTIME_TRY(target.u32());
    const auto found = targets_.find(event);
    if (found == targets_.end()) return fail(target.wrong(cat("names event ", event, ", which is not in the file")));
    // What is attached by a link is not attached twice.
    for (Json& row : out_["events"])
        if (row["id"] == event) row.erase("program");
    add("links",
        {{"id", handler.fd}, {"program", program}, {"attach_type", kPerfEventLink}, {"flags", 0}, {"target", found->second}, {"event", event}},
        handler);
    return {};
}

Result<Json> Converter::run(const Json& document) {
    for (const auto& [name, value] : document.items()) BPFTIME_CHECK(sort_out(Field(value, name), *descriptor(name)));
    for (const Handler& handler : maps_) BPFTIME_CHECK(convert_map(handler));
    for (const Handler& handler : programs_) BPFTIME_CHECK(convert_program(handler));
    for (const Handler& handler : events_) BPFTIME_CHECK(convert_event(handler));
    for (const Handler& handler : links_) BPFTIME_CHECK(convert_link(handler));
    return std::move(out_);
}

}  // namespace

bool is_handlers(const Json& document) {
    if (!document.is_object() || document.empty()) return false;
    return std::ranges::all_of(document.items(), [](const auto& item) { return descriptor(item.key()).has_value(); });
}

Result<Json> from_handlers(const Json& document, HandlerPlaces& places) { return Converter(places).run(document); }

}  // namespace bpftime::tool
