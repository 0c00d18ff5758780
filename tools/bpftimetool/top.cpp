#include "tools/bpftimetool/top.h"

#include <linux/bpf.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <thread>

#include "runtime/registry/shared_registry.h"
#include "runtime/syscall-server/bpf_call.h"
#include "tools/bpftimetool/words.h"
#include "vm/core/kernel_names.h"

namespace bpftime::tool {

namespace {

using Clock = std::chrono::steady_clock;

struct TopOptions {
    double interval = 1;
    std::uint64_t rounds = 0;  // 0: until interrupted
};

// Programs count their runs as long as the result is open.
Fd switch_statistics_on(Registry& registry) {
    bpf_attr attr;
    std::memset(&attr, 0, sizeof(attr));
    attr.enable_stats.type = BPF_STATS_RUN_TIME;
    BpfSession session{registry, {}, {}};
    return Fd(static_cast<int>(std::max(bpf_call(session, BPF_ENABLE_STATS, &attr, sizeof(attr)), -1L)));
}

// As many lines as the terminal shows.
std::string fitting(const std::string& text) {
    winsize size{};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row < 3) return text;
    std::size_t end = 0;
    for (int line = 0; line < size.ws_row - 1 && end != text.npos; ++line) end = text.find('\n', end == 0 ? 0 : end + 1);
    return end == text.npos ? text : text.substr(0, end + 1);
}

// A terminal is redrawn; anything else gets one table after the other, and JSON a document a line.
void print_round(const Answer& answer, bool json, bool first) {
    if (json) {
        std::fputs((answer.json.dump() + "\n").c_str(), stdout);
    } else if (isatty(STDOUT_FILENO) != 0) {
        std::fputs(("\033[H\033[J" + fitting(answer.text)).c_str(), stdout);
    } else {
        std::fputs(((first ? "" : "\n") + answer.text).c_str(), stdout);
    }
    std::fflush(stdout);
}

Status top(const TopOptions& options, bool json) {
    const auto registry = BPFTIME_TRY(SharedRegistry::open(ShmDirectory::Open::Existing));
    const Fd statistics = switch_statistics_on(*registry);
    RunCounts counts;
    BPFTIME_TRY(top_round(*registry, counts, 1));
    const std::chrono::duration<double> interval(options.interval);
    auto then = Clock::now();
    for (std::uint64_t round = 0; options.rounds == 0 || round < options.rounds; ++round) {
        std::this_thread::sleep_for(interval);
        const auto now = Clock::now();
        const Answer answer = BPFTIME_TRY(top_round(*registry, counts, std::chrono::duration<double>(now - then).count()));
        then = now;
        print_round(answer, json, round == 0);
        if (std::ferror(stdout) != 0) return fail(failure("cannot write to standard output").with_errno(EPIPE));
    }
    return {};
}

struct Row {
    std::shared_ptr<ProgramObject> program;
    RunCount total, recent;
};

// A count that was reset, or belongs to a program that came, is all recent.
RunCount since(const RunCount& now, const RunCount& before) {
    if (now.runs < before.runs || now.time < before.time || now.misses < before.misses) return now;
    return {now.runs - before.runs, now.time - before.time, now.misses - before.misses};
}

}  // namespace

Result<Answer> top_round(Registry& registry, RunCounts& before, double seconds) {
    std::vector<Row> rows;
    RunCounts counts;
    for (auto& program : BPFTIME_TRY(chosen_objects<ProgramObject>(registry, {}))) {
        const ObjectPage& page = *program->page;
        const RunCount now{page.runs, page.run_time, page.recursion_misses};
        counts[program->id] = now;
        rows.push_back({std::move(program), now, since(now, before[counts.rbegin()->first])});
    }
    before = std::move(counts);
    std::ranges::stable_sort(rows, [](const Row& a, const Row& b) {
        return a.recent.time != b.recent.time ? a.recent.time > b.recent.time : a.recent.runs > b.recent.runs;
    });
    Answer answer{.text = fmt::format("{:>6} {:<20} {:<12} {:>11} {:>7} {:>10} {:>8} {:>14}\n", "id", "name", "type", "runs/s", "cpu %",
                                      "ns/run", "misses/s", "runs"),
                  .json = Json::array()};
    const double scale = seconds > 0 ? 1 / seconds : 0;
    for (const Row& row : rows) {
        const auto runs = static_cast<double>(row.recent.runs), time = static_cast<double>(row.recent.time);
        const double each = row.recent.runs == 0 ? 0 : time / runs, cpu = time * scale / 1e7;
        const Program& program = row.program->program;
        const std::string type = prog_type_name(program.type);
        answer.text += fmt::format("{:>6} {:<20} {:<12} {:>11.0f} {:>7.2f} {:>10.1f} {:>8.0f} {:>14}\n", row.program->id, program.name,
                                   type, runs * scale, cpu, each, static_cast<double>(row.recent.misses) * scale, row.total.runs);
        answer.json.push_back({{"id", row.program->id},
                               {"name", program.name},
                               {"type", type},
                               {"period_s", seconds},
                               {"runs", row.recent.runs},
                               {"run_time_ns", row.recent.time},
                               {"recursion_misses", row.recent.misses},
                               {"total_run_cnt", row.total.runs},
                               {"total_run_time_ns", row.total.time},
                               {"total_recursion_misses", row.total.misses}});
    }
    return answer;
}

void add_top(CLI::App& app, const bool& json, const bool& compact, tools::Action& action) {
    CLI::App* command =
        app.add_subcommand("top", "runs, time and misses of programs, those that use most time first, until interrupted");
    command->fallthrough();
    auto options = std::make_shared<TopOptions>();
    const CLI::Validator positive([](const std::string& text) { return CLI::PositiveNumber(text).empty() ? "" : "must be greater than 0"; },
                                  "", "positive");
    command->add_option("-n,--rounds", options->rounds, "end after so many rounds")->check(positive);
    command->add_option("-i,--interval", options->interval, "seconds from one round to the next")
        ->check(positive & CLI::Range(0.0, 86400.0))
        ->capture_default_str();
    command->callback([&json, &compact, &action, options] {
        action = [&json, &compact, options] { return top(*options, json || compact); };
    });
}

}  // namespace bpftime::tool
