// bpftimetool remove: unpins. An object goes when it is neither pinned nor used: by a process, a link, or another
// object.
#include <algorithm>

#include "tools/bpftimetool/words.h"

namespace bpftime::tool {

namespace {

// Whether the pinned object is the program, or a link of it.
Result<bool> belongs(Registry& registry, const PinnedObject& pin, std::uint32_t program) {
    if (pin.kind == ObjectKind::Program) return pin.id == program;
    if (pin.kind != ObjectKind::Link) return false;
    const auto link = std::static_pointer_cast<LinkObject>(BPFTIME_TRY(registry.by_id(pin.kind, pin.id)));
    return link->program && link->program->id == program;
}

}  // namespace

Result<Answer> remove_objects(Registry& registry, const Words& words) {
    std::vector<PinnedObject> chosen;
    const std::vector<PinnedObject> pins = registry.pinned_objects();
    WordReader reader(words);
    if (reader.empty()) chosen = pins;
    while (!reader.empty()) {
        const std::uint32_t id = reader.number("program id");
        const auto program =
            std::static_pointer_cast<ProgramObject>(BPFTIME_TRY(registry.by_id(ObjectKind::Program, id)));
        const std::size_t before = chosen.size();
        for (const PinnedObject& pin : pins)
            if (BPFTIME_TRY(belongs(registry, pin, id))) chosen.push_back(pin);
        if (chosen.size() == before)
            return fail(failure("program ", id, " '", program->program.name, "' is not pinned")
                            .with_hint("it goes when the processes that use it end")
                            .with_errno(EBUSY));
    }
    Answer answer{.text = {}, .json = {{"unpinned", Json::array()}}};
    for (const PinnedObject& pin : chosen) {
        if (auto done = registry.unpin(pin.path); !done && done.error().errnum != ENOENT)
            return fail(std::move(done).error());
        answer.text += fmt::format("unpinned {} {}: {}\n", kind_name(pin.kind), pin.id, pin.path);
        answer.json["unpinned"].push_back({{"kind", kind_name(pin.kind)}, {"id", pin.id}, {"path", pin.path}});
    }
    return answer;
}

}  // namespace bpftime::tool
