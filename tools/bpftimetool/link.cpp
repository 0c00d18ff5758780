// bpftimetool link and btf.
#include <map>

#include "tools/bpftimetool/probes.h"
#include "tools/bpftimetool/words.h"

namespace bpftime::tool {

namespace {
constexpr std::uint32_t kPerfEvent = 41;  // BPF_PERF_EVENT of enum bpf_attach_type
}

Result<Answer> link_show(Registry& registry, const Words& words) {
    Answer answer{.text = {}, .json = Json::array()};
    for (const auto& link : BPFTIME_TRY(chosen_objects<LinkObject>(registry, words))) {
        const bool multi = link->attach_type != kPerfEvent;
        Json row{{"id", link->id},
                 {"type", multi ? "uprobe_multi" : "perf_event"},
                 {"prog_id", link->program->id},
                 {"active", link->active()},
                 {"target", probe_json(link->target)}};
        answer.text += fmt::format("{}: {}  prog {}\n\t{}{}\n", link->id, row["type"].get<std::string>(),
                                   link->program->id, probe_text(link->target), link->active() ? "" : "  disabled");
        answer.json.push_back(std::move(row));
    }
    if (!words.empty()) answer.json = Json(answer.json.front());
    return answer;
}

Result<Answer> btf_show(Registry& registry, const Words& words) {
    // Who uses which.
    std::map<std::uint32_t, std::vector<std::uint32_t>> programs, maps;
    for (const auto& program : BPFTIME_TRY(chosen_objects<ProgramObject>(registry, {})))
        if (program->btf) programs[program->btf->id].push_back(program->id);
    for (const auto& map : BPFTIME_TRY(chosen_objects<MapObject>(registry, {})))
        if (map->btf) maps[map->btf->id].push_back(map->id);
    Answer answer{.text = {}, .json = Json::array()};
    for (const auto& btf : BPFTIME_TRY(chosen_objects<BtfObject>(registry, words))) {
        Json row{{"id", btf->id}, {"size", btf->bytes.size()}, {"types", btf->view.type_count() - 1}};
        answer.text += fmt::format("{}: size {}B  types {}", btf->id, btf->bytes.size(), btf->view.type_count() - 1);
        if (const auto& ids = programs[btf->id]; !ids.empty()) {
            row["prog_ids"] = ids;
            answer.text += fmt::format("  prog_ids {}", fmt::join(ids, ","));
        }
        if (const auto& ids = maps[btf->id]; !ids.empty()) {
            row["map_ids"] = ids;
            answer.text += fmt::format("  map_ids {}", fmt::join(ids, ","));
        }
        answer.text += "\n";
        answer.json.push_back(std::move(row));
    }
    if (!words.empty()) answer.json = Json(answer.json.front());
    return answer;
}

}  // namespace bpftime::tool
