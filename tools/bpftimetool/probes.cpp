#include "tools/bpftimetool/probes.h"

#include <algorithm>

namespace bpftime::tool {

namespace {

struct KindRow {
    ProbeKind kind;
    std::string_view name;
};
constexpr KindRow kKinds[] = {
    {ProbeKind::Uprobe, "uprobe"},     {ProbeKind::Uretprobe, "uretprobe"}, {ProbeKind::Tracepoint, "tracepoint"},
    {ProbeKind::Sampling, "sampling"}, {ProbeKind::Output, "output"},
};

std::string_view kind_name(ProbeKind kind) { return std::ranges::find(kKinds, kind, &KindRow::kind)->name; }

bool in_file(ProbeKind kind) { return kind == ProbeKind::Uprobe || kind == ProbeKind::Uretprobe; }

Result<std::vector<ProbeSite>> read_sites(const Field& field) {
    const auto rows = BPFTIME_TRY(field.list_or_empty("sites"));
    std::vector<ProbeSite> sites;
    for (const Field& row : rows) {
        BPFTIME_CHECK(row.object({"offset", "ref_ctr_offset", "cookie"}));
        ProbeSite site;
        site.offset = BPFTIME_TRY(row.number_at("offset", ~std::uint64_t{0} >> 1));
        site.ref_ctr_offset = BPFTIME_TRY(row.number_at("ref_ctr_offset", ~std::uint64_t{0}));
        site.cookie = BPFTIME_TRY(row.number_at("cookie", ~std::uint64_t{0}));
        sites.push_back(site);
    }
    if (sites.empty()) return fail(failure(field.path(), ".sites is missing or empty"));
    return sites;
}

}  // namespace

Json probe_json(const ProbeTarget& target) {
    Json row{{"kind", kind_name(target.kind)}};
    if (in_file(target.kind)) {
        row["path"] = target.path;
        row["device"] = target.file.device;
        row["inode"] = target.file.inode;
    }
    if (target.kind == ProbeKind::Tracepoint) row["tracepoint"] = target.tracepoint;
    row["sites"] = Json::array();
    for (const ProbeSite& site : target.sites)
        row["sites"].push_back(
            {{"offset", site.offset}, {"ref_ctr_offset", site.ref_ctr_offset}, {"cookie", site.cookie}});
    row["pid"] = target.pid;
    row["cpu"] = target.cpu;
    row["type"] = target.type;
    row["config"] = target.config;
    row["frequency"] = target.frequency;
    return row;
}

Result<ProbeTarget> read_probe(const Field& field) {
    BPFTIME_CHECK(field.object(
        {"kind", "path", "device", "inode", "tracepoint", "sites", "pid", "cpu", "type", "config", "frequency"}));
    const Field kind = BPFTIME_TRY(field.at("kind"));
    const std::string name = BPFTIME_TRY(kind.text());
    const auto* row = std::ranges::find(kKinds, name, &KindRow::name);
    if (row == std::end(kKinds)) return fail(kind.wrong(cat("'", name, "' is no kind of probe")));
    ProbeTarget target;
    target.kind = row->kind;
    if (in_file(target.kind)) {
        target.path = BPFTIME_TRY(field.text_at("path"));
        target.file.device = BPFTIME_TRY(field.number_at("device", ~std::uint64_t{0}));
        target.file.inode = BPFTIME_TRY(field.number_at("inode", ~std::uint64_t{0}));
    }
    if (target.kind == ProbeKind::Tracepoint) target.tracepoint = BPFTIME_TRY(field.text_at("tracepoint"));
    target.sites = BPFTIME_TRY(read_sites(field));
    target.pid = BPFTIME_TRY(field.u32_or("pid", 0));
    const Field cpu = BPFTIME_TRY(field.at("cpu"));
    target.cpu = BPFTIME_TRY(cpu.i32());
    target.type = BPFTIME_TRY(field.u32_or("type", 0));
    if (field.has("config")) target.config = BPFTIME_TRY(field.number_at("config", ~std::uint64_t{0}));
    if (!field.has("frequency")) return target;
    const Field frequency = BPFTIME_TRY(field.at("frequency"));
    target.frequency = BPFTIME_TRY(frequency.flag());
    return target;
}

std::string probe_text(const ProbeTarget& target) {
    std::string text(kind_name(target.kind));
    if (in_file(target.kind)) text += fmt::format("  {}+{:#x}", target.path, target.sites.front().offset);
    if (target.kind == ProbeKind::Tracepoint) text += fmt::format("  {}", target.tracepoint);
    if (target.sites.size() > 1) text += fmt::format(" and {} more", target.sites.size() - 1);
    if (target.pid != 0) text += fmt::format("  pid {}", target.pid);
    if (target.cpu >= 0) text += fmt::format("  cpu {}", target.cpu);
    return text;
}

}  // namespace bpftime::tool
