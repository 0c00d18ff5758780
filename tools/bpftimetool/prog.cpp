// bpftimetool prog: the programs of the registry, worded as bpftool words the kernel's.
#include <sys/stat.h>
#include <time.h>

#include "runtime/syscall-server/program_info.h"
#include "tools/bpftimetool/words.h"
#include "tools/support/files.h"
#include "vm/core/decode.h"
#include "vm/core/disasm.h"
#include "vm/core/kernel_names.h"

namespace bpftime::tool {

namespace {

using ProgramPtr = std::shared_ptr<ProgramObject>;

std::string tag_text(const ProgramObject& program) {
    std::string text;
    for (const std::uint8_t byte : program.tag) text += fmt::format("{:02x}", byte);
    return text;
}

// Seconds since the epoch at which the program was loaded.
std::int64_t loaded_at(const ProgramObject& program) {
    timespec real{}, boot{};
    clock_gettime(CLOCK_REALTIME, &real);
    clock_gettime(CLOCK_BOOTTIME, &boot);
    return real.tv_sec - boot.tv_sec + static_cast<std::int64_t>(program.load_time / 1'000'000'000);
}

std::string time_text(std::int64_t seconds) {
    const time_t moment = seconds;
    tm parts{};
    localtime_r(&moment, &parts);
    char text[64];
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S%z", &parts);
    return text;
}

std::vector<std::uint32_t> map_ids(const ProgramObject& program) {
    std::vector<std::uint32_t> ids;
    for (const auto& map : program.maps) ids.push_back(map->id);
    for (const std::uint32_t id : bound_maps(*program.page)) ids.push_back(id);
    return ids;
}

// Bytes of the native object that the program has in the registry, 0 without one.
std::size_t object_bytes(const Registry& registry, const ProgramObject& program) {
    struct stat status {};
    const auto file = registry.open_companion(program, kCodeCompanion);
    return file && fstat(file->get(), &status) == 0 ? static_cast<std::size_t>(status.st_size) : 0;
}

Json describe(const Registry& registry, const ProgramObject& program) {
    Json row{{"id", program.id}, {"type", prog_type_name(program.program.type)}};
    if (!program.program.name.empty()) row["name"] = program.program.name;
    row["tag"] = tag_text(program);
    row["gpl_compatible"] = gpl_compatible(program.program.license);
    if (const std::uint64_t runs = program.page->runs; runs != 0) {
        row["run_time_ns"] = program.page->run_time.load();
        row["run_cnt"] = runs;
    }
    if (const std::uint64_t misses = program.page->recursion_misses; misses != 0) row["recursion_misses"] = misses;
    row["loaded_at"] = loaded_at(program);
    row["uid"] = program.user;
    row["bytes_xlated"] = program.program.insns.size() * sizeof(RawInsn);
    const std::size_t native = native_code(program).size();
    row["jited"] = native != 0;
    if (native != 0) row["bytes_jited"] = native;
    if (const std::size_t object = object_bytes(registry, program); object != 0) row["bytes_object"] = object;
    if (const auto ids = map_ids(program); !ids.empty()) row["map_ids"] = ids;
    if (program.btf) row["btf_id"] = program.btf->id;
    return row;
}

std::string show_text(const Json& row) {
    std::string text = fmt::format("{}: {}", row["id"].get<std::uint32_t>(), row["type"].get<std::string>());
    if (row.contains("name")) text += fmt::format("  name {}", row["name"].get<std::string>());
    text += fmt::format("  tag {}", row["tag"].get<std::string>());
    if (row["gpl_compatible"].get<bool>()) text += "  gpl";
    if (row.contains("run_cnt"))
        text += fmt::format(" run_time_ns {} run_cnt {}", row["run_time_ns"].get<std::uint64_t>(),
                            row["run_cnt"].get<std::uint64_t>());
    if (row.contains("recursion_misses"))
        text += fmt::format(" recursion_misses {}", row["recursion_misses"].get<std::uint64_t>());
    text += fmt::format("\n\tloaded_at {}  uid {}\n\txlated {}B", time_text(row["loaded_at"].get<std::int64_t>()),
                        row["uid"].get<std::uint32_t>(), row["bytes_xlated"].get<std::size_t>());
    if (row["jited"].get<bool>())
        text += fmt::format("  jited {}B", row["bytes_jited"].get<std::size_t>());
    else
        text += "  not jited";
    if (row.contains("bytes_object")) text += fmt::format("  object {}B", row["bytes_object"].get<std::size_t>());
    if (row.contains("map_ids"))
        text += fmt::format("  map_ids {}", fmt::join(row["map_ids"].get<std::vector<std::uint32_t>>(), ","));
    if (row.contains("btf_id")) text += fmt::format("\n\tbtf_id {}", row["btf_id"].get<std::uint32_t>());
    return text + "\n";
}

// "   0: (b7) r0 = 0", with maps by id, as bpftool prints translated code.
Answer dump_xlated(const ProgramObject& object, bool opcodes) {
    const std::vector<RawInsn> code = shown_code(object);
    const ByteView bytes{reinterpret_cast<const std::uint8_t*>(code.data()), code.size() * sizeof(RawInsn)};
    const std::vector<Insn>& insns = object.program.insns;
    Answer answer{.text = {}, .json = Json::array()};
    for (std::uint32_t slot = 0; slot < insns.size(); ++slot) {
        if (insns[slot].op == Op::LddwHigh) continue;
        Insn shown = insns[slot];
        // In the kernel's syntax a map is map[id:N].
        if (is_map_reference(shown.op))
            shown.imm =
                static_cast<std::int64_t>(std::uint64_t{shown.map_offset()} << 32 | object.maps[shown.map_index()]->id);
        const std::string text = disassemble(shown, slot, Syntax::Kernel);
        for (const Subprogram& sub : object.program.subprograms)
            if (sub.begin == slot && object.program.subprograms.size() > 1)
                answer.text += fmt::format("{}:\n", sub.name);
        const SourceLine* line = object.program.line_at(slot);
        if (line != nullptr && line->insn == slot && !line->text.empty())
            answer.text += fmt::format("; {}\n", line->text);
        answer.text += fmt::format("{:4}: {}\n", slot, text);
        Json row{{"disasm", text}};
        if (line != nullptr && line->insn == slot && !line->text.empty()) row["src"] = line->text;
        if (opcodes) {
            const std::size_t slots = slot + 1 < insns.size() && insns[slot + 1].op == Op::LddwHigh ? 2 : 1;
            const ByteView raw = bytes.subspan(slot * sizeof(RawInsn), slots * sizeof(RawInsn));
            answer.text += fmt::format("       {}\n", hex_bytes(raw));
            row["opcodes"] = hex_json(raw);
        }
        answer.json.push_back(std::move(row));
    }
    return answer;
}

Result<Answer> dump_jited(const ProgramObject& program) {
    const std::vector<std::uint8_t> code = native_code(program);
    if (code.empty())
        return fail(failure("has no native code here: a helper or a map of it is not available")
                        .in_program(program.program.name));
    Answer answer;
    constexpr std::size_t kRow = 16;
    for (std::size_t at = 0; at < code.size(); at += kRow)
        answer.text +=
            fmt::format("{:4x}:  {}\n", at, hex_bytes(ByteView(code).subspan(at, std::min(kRow, code.size() - at))));
    answer.json = {{"id", program.id}, {"code", hex_json(code)}};
    return answer;
}

}  // namespace

Result<Answer> prog_show(Registry& registry, const Words& words) {
    Answer answer{.text = {}, .json = Json::array()};
    for (const ProgramPtr& program : BPFTIME_TRY(chosen_objects<ProgramObject>(registry, words))) {
        answer.json.push_back(describe(registry, *program));
        answer.text += show_text(answer.json.back());
    }
    if (!words.empty()) answer.json = Json(answer.json.front());
    return answer;
}

Result<Answer> prog_dump(Registry& registry, const Words& words) {
    WordReader reader(words);
    const bool xlated = reader.take("xlated");
    if (!xlated && !reader.take("jited")) throw UsageError("prog dump takes xlated or jited, and a program");
    const auto program = BPFTIME_TRY(take_object<ProgramObject>(registry, reader));
    bool opcodes = false;
    std::string path;
    while (!reader.empty()) {
        if (reader.take("opcodes")) opcodes = true;
        else if (reader.take("file")) path = reader.any("file");
        else reader.end();
    }
    if (path.empty()) return xlated ? dump_xlated(*program, opcodes) : dump_jited(*program);
    if (!xlated) BPFTIME_TRY(dump_jited(*program));  // which says why there may be none
    const std::vector<RawInsn> code = shown_code(*program);
    const auto* begin = reinterpret_cast<const std::uint8_t*>(code.data());
    BPFTIME_CHECK(tools::write_file(path, xlated ? Bytes(begin, begin + code.size() * sizeof(RawInsn)) : native_code(*program)));
    return Answer{.text = {}, .json = Json::object()};
}

Result<Answer> prog_stats(Registry& registry, const Words& words) {
    Answer answer{.text = fmt::format("{:>6} {:<20} {:>12} {:>12} {:>10} {:>8}\n", "id", "name", "runs", "time ns",
                                      "ns/run", "misses"),
                  .json = Json::array()};
    for (const ProgramPtr& program : BPFTIME_TRY(chosen_objects<ProgramObject>(registry, words))) {
        const std::uint64_t runs = program->page->runs, time = program->page->run_time,
                            misses = program->page->recursion_misses;
        const double each = runs == 0 ? 0 : static_cast<double>(time) / static_cast<double>(runs);
        answer.text += fmt::format("{:>6} {:<20} {:>12} {:>12} {:>10.1f} {:>8}\n", program->id, program->program.name,
                                   runs, time, each, misses);
        answer.json.push_back({{"id", program->id},
                               {"name", program->program.name},
                               {"run_cnt", runs},
                               {"run_time_ns", time},
                               {"recursion_misses", misses}});
    }
    return answer;
}

}  // namespace bpftime::tool
