// bpftime-benchmark-maps: what an operation on a map costs a program, on ours and on the kernel's in the same run.
#include <sched.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "benchmark/maps/sides.h"
#include "benchmark/timing.h"

using namespace bpftime;
using namespace bpftime::benchmark;

namespace {

struct RowSpec {
    const char* program;
    const char* title;
    bool two_threads;
};
constexpr RowSpec kRows[] = {
    {"array_lookup", "array lookup", true},
    {"array_update", "array update", false},
    {"percpu_array_lookup", "per-CPU array lookup", true},
    {"percpu_array_update", "per-CPU array update", false},
    {"hash_lookup", "hash lookup", true},
    {"hash_update", "hash update", false},
    {"hash_alloc_lookup", "hash, not preallocated, lookup", true},
    {"hash_alloc_update", "hash, not preallocated, update", false},
    {"percpu_hash_lookup", "per-CPU hash lookup", true},
    {"percpu_hash_update", "per-CPU hash update", false},
    {"lru_hash_lookup", "LRU hash lookup", true},
    {"lru_hash_update", "LRU hash update", false},
    {"lpm_trie_lookup", "LPM trie lookup", true},
    {"lpm_trie_update", "LPM trie update", false},
    {"queue_push_pop", "queue push and pop", false},
    {"ring_record", "ring buffer record", false},
};

struct Options {
    std::string filter, json, object = MAPS_OBJECT;
    int rounds = 15;
    bool help = false;
};

Result<Options> parse(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string name = argv[i];
        if (name == "--help") {
            options.help = true;
            continue;
        }
        if (name == "--check") {
            options.rounds = 0;
            continue;
        }
        if (i + 1 == argc) return fail(failure("'", name, "' is unknown or lacks its value"));
        const std::string value = argv[++i];
        if (name == "--filter") options.filter = value;
        else if (name == "--json") options.json = value;
        else if (name == "--object") options.object = value;
        else if (name == "--rounds" && std::atoi(value.c_str()) > 0) options.rounds = std::atoi(value.c_str());
        else return fail(failure("'", name, " ", value, "' is not an option"));
    }
    return options;
}

struct Contestant {
    const char* name;
    std::unique_ptr<Side> side;
    std::uint32_t repeat = 0;  // runs that take some milliseconds
    double ns = 0;             // an operation, median
    double two = 0;            // ...of each of two threads
    std::vector<double> samples, two_samples;
};

constexpr std::uint32_t kMostRuns = 8'000;  // that the ring buffer has room for
constexpr double kSampleNs = 4e6;

void stay_on(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<unsigned>(cpu), &set);
    sched_setaffinity(0, sizeof set, &set);
}

// Processor time of an operation.
Result<double> sample(Contestant& who, const char* program, std::uint32_t repeat) {
    who.side->empty_ring();
    const double begin = cpu_ns();
    const std::uint64_t result = BPFTIME_TRY(who.side->run(program, repeat));
    const double spent = cpu_ns() - begin;
    if (result != kOperations) return fail(failure(who.name, ": ", program, " gives ", result, " instead of ", kOperations));
    return spent / (static_cast<double>(repeat) * kOperations);
}

// Two threads on two CPUs at once: the mean of what an operation of each takes.
double sample_two(Contestant& who, const char* program) {
    std::atomic<int> ready{0};
    double ns[2] = {};
    const auto work = [&](int me) {
        stay_on(me);
        ++ready;
        while (ready < 2) continue;
        ns[me] = sample(who, program, 2 * who.repeat).value_or(0);
    };
    std::thread first(work, 0), second(work, 1);
    first.join();
    second.join();
    return (ns[0] + ns[1]) / 2;
}

Status measure(const RowSpec& row, std::vector<Contestant>& contestants, int rounds) {
    for (Contestant& who : contestants) {
        const double ns = BPFTIME_TRY(sample(who, row.program, 100));
        who.repeat = static_cast<std::uint32_t>(std::clamp(kSampleNs / (ns * kOperations), 10.0, double{kMostRuns}));
        who.samples.clear();
        who.two_samples.clear();
    }
    for (int round = 0; round < rounds; ++round)
        for (Contestant& who : contestants) {
            who.samples.push_back(BPFTIME_TRY(sample(who, row.program, who.repeat)));
            if (row.two_threads) who.two_samples.push_back(sample_two(who, row.program));
        }
    for (Contestant& who : contestants) {
        who.ns = median(who.samples);
        who.two = median(who.two_samples);
    }
    return {};
}

std::string number(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.*f", value >= 100 ? 0 : value >= 10 ? 1 : 2, value);
    return text;
}

// A line of the table, and of the JSON.
struct Lines {
    std::string table, json;
};

Lines lines_of(const RowSpec& row, const std::vector<Contestant>& contestants) {
    Lines lines;
    char title[40];
    std::snprintf(title, sizeof title, "| %-30s |", row.title);
    lines.table = title;
    lines.json = cat("    {\"operation\": \"", row.title, "\"");
    const double kernel = contestants[0].ns;
    for (const Contestant& who : contestants) {
        char cells[64];
        const bool first = &who == &contestants[0];
        std::snprintf(cells, sizeof cells, first ? " %8s |" : " %8s | %5s |", number(who.ns).c_str(),
                      kernel > 0 ? number(who.ns / kernel).c_str() : "-");
        lines.table += cells;
        lines.json += cat(", \"", who.name, "\": {\"ns\": ", number(who.ns));
        if (row.two_threads) lines.json += cat(", \"two_threads_ns\": ", number(who.two));
        lines.json += "}";
    }
    for (const Contestant& who : contestants) {
        char cell[32];
        std::snprintf(cell, sizeof cell, " %8s |", row.two_threads && who.ns > 0 ? number(who.two / who.ns).c_str() : "");
        lines.table += cell;
    }
    lines.table += '\n';
    lines.json += '}';
    return lines;
}

std::string head(const std::vector<Contestant>& contestants) {
    std::string names = "| ns an operation                |", rule = "|--------------------------------|";
    for (const Contestant& who : contestants) {
        char cells[64];
        const bool first = &who == &contestants[0];
        std::snprintf(cells, sizeof cells, first ? " %8s |" : " %8s | ratio |", who.name);
        names += cells;
        rule += first ? "---------:|" : "---------:|------:|";
    }
    for (const Contestant& who : contestants) {
        char cell[32];
        std::snprintf(cell, sizeof cell, " 2: %5s |", who.name);
        names += cell;
        rule += "---------:|";
    }
    return names + '\n' + rule + '\n';
}

Result<std::vector<Contestant>> make_contestants(const std::string& object) {
    std::vector<Contestant> all;
    auto kernel = kernel_side(object);
    if (kernel) all.push_back({.name = "kernel", .side = *std::move(kernel)});
    else std::fprintf(stderr, "not measured: kernel: %s\n", to_string(kernel.error()).c_str());
    all.push_back({.name = "ubpf", .side = BPFTIME_TRY(our_side(object, OurEngine::Ubpf))});
    auto aot = our_side(object, OurEngine::Aot);
    if (aot) all.push_back({.name = "aot", .side = *std::move(aot)});
    else std::fprintf(stderr, "not measured: aot: %s\n", to_string(aot.error()).c_str());
    return all;
}

Status run(const Options& options) {
    stay_on(0);
    auto contestants = BPFTIME_TRY(make_contestants(options.object));
    if (options.rounds > 0) std::fputs(head(contestants).c_str(), stdout);
    std::string json = cat("{\n  \"rounds\": ", options.rounds, ",\n  \"operations\": [\n");
    bool first = true;
    for (const RowSpec& row : kRows) {
        if (std::string_view(row.title).find(options.filter) == std::string_view::npos) continue;
        BPFTIME_CHECK(measure(row, contestants, options.rounds));
        const Lines lines = lines_of(row, contestants);
        if (options.rounds > 0) std::fputs(lines.table.c_str(), stdout);
        std::fflush(stdout);
        json += cat(first ? "" : ",\n", lines.json);
        first = false;
    }
    if (options.rounds == 0) std::printf("every operation did what it should\n");
    if (!options.json.empty() && !(std::ofstream(options.json) << json << "\n  ]\n}\n"))
        return fail(failure("cannot write '", options.json, "'"));
    return {};
}

}  // namespace

int main(int argc, char** argv) {
    const auto options = parse(argc, argv);
    if (!options || options->help) {
        if (!options) std::fprintf(stderr, "bpftime-benchmark-maps: %s\n", to_string(options.error()).c_str());
        std::fputs("usage: bpftime-benchmark-maps [--filter TEXT] [--rounds N] [--check] [--json FILE] [--object FILE]\n",
                   options ? stdout : stderr);
        return options ? 0 : 2;
    }
    if (const Status done = run(*options); !done) {
        std::fprintf(stderr, "bpftime-benchmark-maps: %s\n", to_string(done.error()).c_str());
        return 1;
    }
    return 0;
}
