#include "runtime/syscall-server/fd_info.h"

#include <algorithm>

#include "runtime/syscall-server/link_uapi.h"

namespace bpftime {

namespace {

class Lines {
public:
    template <class Value>
    Lines& add(std::string_view name, const Value& value) {
        text_ += cat(name, ":\t", value, '\n');
        return *this;
    }
    std::string text() && { return std::move(text_); }

private:
    std::string text_;
};

constexpr std::uint64_t kPageUnit = kShmPage;

std::string hex_bytes(const ProgramTag& tag) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : tag) text += {kDigits[byte >> 4], kDigits[byte & 15]};
    return text;
}

std::string map_lines(const MapObject& map) {
    const std::uint64_t memory = elements_file_size(map.spec).value_or(0);
    return std::move(Lines()
                         .add("map_type", map.spec.type)
                         .add("key_size", map.spec.key_size)
                         .add("value_size", map.spec.value_size)
                         .add("max_entries", map.spec.max_entries)
                         .add("map_flags", hex(map.spec.flags))
                         .add("map_extra", hex(map.spec.extra))
                         .add("memlock", memory)
                         .add("map_id", map.id)
                         .add("frozen", map.frozen() ? 1 : 0))
        .text();
}

std::string program_lines(const ProgramObject& program) {
    const std::uint64_t code = program.program.insns.size() * sizeof(RawInsn);
    const auto instructions = static_cast<std::uint64_t>(
        std::ranges::count_if(program.program.insns, [](const Insn& insn) { return insn.op != Op::LddwHigh; }));
    return std::move(Lines()
                         .add("prog_type", program.program.type)
                         .add("prog_jited", 1)
                         .add("prog_tag", hex_bytes(program.tag))
                         .add("memlock", (code + kPageUnit - 1) / kPageUnit * kPageUnit)
                         .add("prog_id", program.id)
                         .add("run_time_ns", program.page->run_time.load())
                         .add("run_cnt", program.page->runs.load())
                         .add("recursion_misses", program.page->recursion_misses.load())
                         .add("verified_insns", instructions))
        .text();
}

void add_perf_event(Lines& lines, const ProbeTarget& target) {
    const ProbeSite& site = target.sites.front();
    switch (target.kind) {
        case ProbeKind::Uprobe:
        case ProbeKind::Uretprobe:
            lines.add("name", target.path).add("offset", hex(site.offset)).add("ref_ctr_offset", hex(site.ref_ctr_offset));
            lines.add("event_type", target.kind == ProbeKind::Uprobe ? "uprobe" : "uretprobe");
            break;
        case ProbeKind::Tracepoint:
            lines.add("tp_name", target.tracepoint.substr(target.tracepoint.find(':') + 1)).add("event_type", "tracepoint");
            break;
        case ProbeKind::Sampling:
        case ProbeKind::Output:
            lines.add("type", target.type).add("config", target.config).add("event_type", "event");
            break;
    }
    lines.add("cookie", site.cookie);
}

std::string link_lines(const LinkObject& link) {
    const bool multi = link.attach_type == kAttachUprobeMulti;
    Lines lines;
    lines.add("link_type", multi ? "uprobe_multi" : "perf").add("link_id", link.id);
    lines.add("prog_tag", hex_bytes(link.program->tag)).add("prog_id", link.program->id);
    if (!multi) {
        add_perf_event(lines, link.target);
        return std::move(lines).text();
    }
    lines.add("uprobe_cnt", link.target.sites.size()).add("pid", link.target.pid).add("path", link.target.path);
    std::string places = "cookie\t offset\t ref_ctr_offset\n";
    for (const ProbeSite& site : link.target.sites)
        places += cat(site.cookie, "\t ", hex(site.offset), "\t ", hex(site.ref_ctr_offset), '\n');
    return std::move(lines).text() + places;
}

}  // namespace

std::string fd_info(const BpfObject& object) {
    switch (object.kind()) {
        case ObjectKind::Map: return map_lines(static_cast<const MapObject&>(object));
        case ObjectKind::Program: return program_lines(static_cast<const ProgramObject&>(object));
        case ObjectKind::Btf: return cat("btf_id:\t", object.id, '\n');
        case ObjectKind::Link: return link_lines(static_cast<const LinkObject&>(object));
        case ObjectKind::PerfEvent: break;
    }
    return {};
}

std::string_view fd_link(const BpfObject& object) {
    switch (object.kind()) {
        case ObjectKind::Map: return "anon_inode:bpf-map";
        case ObjectKind::Program: return "anon_inode:bpf-prog";
        case ObjectKind::Btf: return "anon_inode:btf";
        case ObjectKind::Link: return "anon_inode:bpf_link";
        case ObjectKind::PerfEvent: break;
    }
    return "anon_inode:[perf_event]";
}

}  // namespace bpftime
