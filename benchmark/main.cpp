// bpftime-benchmark: every engine beside clang on the same C source, in one run.
#include <sched.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "benchmark/contestant.h"
#include "benchmark/measure.h"
#include "benchmark/report.h"
#include "benchmark/scale.h"

using namespace bpftime;
using namespace bpftime::benchmark;

namespace {

constexpr const char* kUsage =
    "usage: bpftime-benchmark [options]\n"
    "  --filter TEXT        only programs whose name contains TEXT\n"
    "  --engine TEXT        only engines whose name contains TEXT (native code always runs)\n"
    "  --rounds N           interleaved rounds, of which medians are printed (15)\n"
    "  --check              compare results only, measure nothing\n"
    "  --cpu v3|v4          -mcpu of the BPF objects (v3)\n"
    "  --scale              measure how compile time grows with the program instead, up to 1,000,000 instructions\n"
    "  --all                both\n"
    "  --peer NAME=LIBRARY  another engine, see benchmark/peer.h; may be repeated\n"
    "  --json FILE          write the figures to FILE\n"
    "  --objects DIR        the BPF objects (where the build put them)\n"
    "  --list               print the names of the programs\n";

struct Options {
    std::string filter, engine, json, cpu = "v3", objects = BENCHMARK_OBJECTS;
    std::vector<std::string> peers;
    int rounds = 15;
    bool programs = true, scale = false, list = false, help = false;
};

Result<Options> parse(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string name = argv[i];
        if (name == "--scale") options.scale = true, options.programs = false;
        else if (name == "--all") options.scale = true;
        else if (name == "--list") options.list = true;
        else if (name == "--help") options.help = true;
        else if (name == "--check") options.rounds = 0;
        else {
            if (i + 1 == argc) return fail(failure("'", name, "' is unknown or lacks its value"));
            const std::string value = argv[++i];
            if (name == "--filter") options.filter = value;
            else if (name == "--engine") options.engine = value;
            else if (name == "--json") options.json = value;
            else if (name == "--cpu" && (value == "v3" || value == "v4")) options.cpu = value;
            else if (name == "--objects") options.objects = value;
            else if (name == "--peer") options.peers.push_back(value);
            else if (name == "--rounds" && std::atoi(value.c_str()) > 0) options.rounds = std::atoi(value.c_str());
            else return fail(failure("'", name, " ", value, "' is not an option"));
        }
    }
    return options;
}

// Stays on one processor, so that rounds compare.
void pin() {
    cpu_set_t set;
    CPU_ZERO(&set);
    const int cpu = sched_getcpu();
    if (cpu >= 0) CPU_SET(static_cast<unsigned>(cpu), &set);
    if (cpu >= 0) sched_setaffinity(0, sizeof set, &set);
}

Result<std::vector<Contestant>> choose_contestants(const Options& options) {
    std::vector<std::string> missing;
    std::vector<Contestant> all = own_contestants(missing);
    for (const std::string& why : missing) std::fprintf(stderr, "not measured: %s\n", why.c_str());
    for (const std::string& peer : options.peers) all.push_back(BPFTIME_TRY(load_peer(peer)));
    std::vector<Contestant> chosen;
    for (std::size_t i = 0; i < all.size(); ++i)
        if (i < 2 || all[i].name.find(options.engine) != std::string::npos) chosen.push_back(std::move(all[i]));
    return chosen;
}

// On a terminal, what is being measured.
void progress(const std::string& what) {
    if (isatty(STDERR_FILENO)) std::fprintf(stderr, "\r\033[K%s", what.c_str());
}

// Measures every chosen program; false when a result was wrong or an engine failed.
bool measure_programs(const Options& options, const std::vector<Contestant>& contestants, Report& report) {
    bool good = true;
    for (const Workload& workload : workloads()) {
        if (workload.name.find(options.filter) == std::string_view::npos) continue;
        const std::string object = cat(options.objects, "/benchmark-", workload.name, ".", options.cpu, ".bpf.o");
        progress(std::string(workload.name));
        auto row = measure(workload, object, contestants, options.rounds);
        if (!row) {
            std::fprintf(stderr, "%s: %s\n", std::string(workload.name).c_str(), to_string(row.error()).c_str());
            good = false;
            continue;
        }
        for (const std::string& wrong : row->wrong)
            std::fprintf(stderr, "%s: WRONG RESULT: %s\n", row->workload.c_str(), wrong.c_str());
        for (std::size_t i = 0; i < contestants.size(); ++i)
            if (const std::string& error = row->figures[i].error; !error.empty()) {
                std::fprintf(stderr, "%s: %s: %s\n", row->workload.c_str(), contestants[i].name.c_str(), error.c_str());
                good = false;
            }
        report.rows.push_back(std::move(*row));
    }
    if (good && report.rows.empty()) std::fprintf(stderr, "no program is called '%s'\n", options.filter.c_str());
    return good && !report.rows.empty();
}

int run(const Options& options) {
    pin();
    auto contestants = choose_contestants(options);
    if (!contestants) {
        std::fprintf(stderr, "bpftime-benchmark: %s\n", to_string(contestants.error()).c_str());
        return 1;
    }
    Report report;
    report.cpu = options.cpu;
    report.rounds = options.rounds;
    for (const Contestant& contestant : *contestants) report.contestants.push_back(contestant.name);
    bool good = !options.programs || measure_programs(options, *contestants, report);
    if (options.scale) {
        auto scale = measure_scale(progress);
        if (scale) report.scale = std::move(*scale);
        else std::fprintf(stderr, "scale: %s\n", to_string(scale.error()).c_str());
        good = good && scale;
    }
    progress("");
    if (options.rounds > 0) std::fputs(tables(report).c_str(), stdout);
    else if (good)
        std::printf("%zu programs, %zu contestants: all results equal\n", report.rows.size(), contestants->size());
    if (!options.json.empty() && !(std::ofstream(options.json) << json(report))) {
        std::fprintf(stderr, "bpftime-benchmark: cannot write '%s'\n", options.json.c_str());
        return 1;
    }
    return good ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    const auto options = parse(argc, argv);
    if (!options || options->help) {
        if (!options) std::fprintf(stderr, "bpftime-benchmark: %s\n", to_string(options.error()).c_str());
        std::fputs(kUsage, options ? stdout : stderr);
        return options ? 0 : 2;
    }
    if (options->list) {
        for (const Workload& workload : workloads()) std::printf("%s\n", std::string(workload.name).c_str());
        return 0;
    }
    return run(*options);
}
