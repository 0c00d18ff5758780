#include "benchmark/measure.h"

#include "benchmark/timing.h"
#include "runtime/helpers/helpers.h"
#include "runtime/loader/elf_loader.h"
#include "runtime/maps/map.h"
#include "vm/interpreter/interpreter.h"

namespace bpftime::benchmark {

namespace {

constexpr double kBatchNs = 1e6;  // one sample: as many calls as take a millisecond
constexpr std::uint32_t kStepHelper = 48;

struct Loaded {
    Program program;
    std::vector<std::unique_ptr<Map>> maps;
    Bindings bindings;
};

Result<Loaded> load(const std::string& object) {
    LoadedObject file = BPFTIME_TRY(load_elf(object, {}));
    if (file.programs.size() != 1) return fail(failure("expected one program").in_file(object));
    Loaded loaded;
    loaded.program = BPFTIME_TRY(std::move(file.programs.front().program));
    for (const MapSpec& spec : loaded.program.maps) loaded.maps.push_back(BPFTIME_TRY(create_map(spec)));
    loaded.bindings = default_bindings(loaded.maps);
    loaded.bindings.helpers[kStepHelper] = helper_step;
    set_native_map(loaded.maps.empty() ? 0 : loaded.maps.front()->handle());
    return loaded;
}

// Calls `n` times; the loop is the same for all, the call is what differs.
double batch_ns(const Ready& ready, std::vector<std::uint8_t>& memory, std::uint64_t n) {
    std::uint64_t sink = 0;
    const double begin = cpu_ns();
    if (ready.entry)
        for (std::uint64_t i = 0; i < n; ++i) sink += ready.entry(memory.data(), memory.size());
    else
        for (std::uint64_t i = 0; i < n; ++i) sink += ready.code->run(memory.data(), memory.size());
    const double end = cpu_ns();
    asm volatile("" : : "r"(sink));
    return end - begin;
}

std::uint64_t calibrate(const Ready& ready, std::vector<std::uint8_t>& memory) {
    for (std::uint64_t n = 1;; n *= 2) {
        const double ns = batch_ns(ready, memory, n);
        const double wanted = static_cast<double>(n) * kBatchNs / ns;
        if (ns > kBatchNs / 4) return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(wanted));
    }
}

// Instructions of one call: the least limit with which a checked run reaches its end.
std::uint64_t count_executed(const Workload& workload, const Loaded& loaded) {
    const auto ends_within = [&](std::uint64_t limit) {
        auto memory = initial_memory(workload);
        CheckedLimits limits;
        limits.max_insns = limit;
        return run_checked(loaded.program, loaded.bindings, memory.data(), memory.size(), limits).has_value();
    };
    std::uint64_t high = 1;
    while (!ends_within(high)) {
        high *= 2;
        if (high > 1'000'000'000) return 0;  // not for its length: the checked run refuses it
    }
    std::uint64_t low = high / 2;
    while (high - low > 1) {
        const std::uint64_t middle = low + (high - low) / 2;
        (ends_within(middle) ? high : low) = middle;
    }
    return high;
}

struct Outcome {
    std::uint64_t r0 = 0;
    std::vector<std::uint8_t> memory;
    bool operator==(const Outcome&) const = default;
};

Outcome run_once(const Workload& workload, const Ready& ready) {
    Outcome outcome{.r0 = 0, .memory = initial_memory(workload)};
    outcome.r0 = ready.entry ? ready.entry(outcome.memory.data(), outcome.memory.size())
                             : ready.code->run(outcome.memory.data(), outcome.memory.size());
    return outcome;
}

// Interleaved, so that a slow moment of the machine meets all contestants alike.
void time_rounds(const Workload& workload, const std::vector<Ready>& ready, int rounds, Row& row) {
    auto memory = initial_memory(workload);
    std::vector<std::uint64_t> calls(ready.size());
    std::vector<std::vector<double>> samples(ready.size());
    const auto takes_part = [&](std::size_t i) { return row.figures[i].error.empty(); };
    for (std::size_t i = 0; i < ready.size(); ++i)
        if (takes_part(i)) calls[i] = calibrate(ready[i], memory);
    for (int round = 0; round < rounds; ++round)
        for (std::size_t i = 0; i < ready.size(); ++i)
            if (takes_part(i))
                samples[i].push_back(batch_ns(ready[i], memory, calls[i]) / static_cast<double>(calls[i]));
    for (std::size_t i = 0; i < ready.size(); ++i) row.figures[i].ns = median(std::move(samples[i]));
}

}  // namespace

Result<Row> measure(const Workload& workload, const std::string& object, const std::vector<Contestant>& contestants,
                    int rounds) {
    const Loaded loaded = BPFTIME_TRY(load(object));
    Row row;
    row.workload = workload.name;
    row.slots = loaded.program.insns.size();
    std::vector<Ready> ready(contestants.size());
    Outcome expected;
    for (std::size_t i = 0; i < contestants.size(); ++i) {
        Figure& figure = row.figures.emplace_back();
        auto prepared = contestants[i].prepare({workload, loaded.program, loaded.bindings, rounds > 0});
        if (!prepared) {
            figure.error = to_string(prepared.error());
            continue;
        }
        ready[i] = std::move(*prepared);
        figure.compile_us = ready[i].compile_us;
        figure.load_us = ready[i].load_us;
        figure.code_bytes = ready[i].code_bytes;
        Outcome outcome = run_once(workload, ready[i]);
        if (i == 0) {
            row.r0 = outcome.r0;
            expected = std::move(outcome);
        } else if (outcome != expected) {
            row.wrong.push_back(cat(contestants[i].name, ": r0 ", hex(outcome.r0), " instead of ", hex(expected.r0),
                                    outcome.memory == expected.memory ? "" : ", and other memory"));
            figure.error = "wrong result";
        }
    }
    if (rounds == 0) return row;
    row.executed = count_executed(workload, loaded);
    time_rounds(workload, ready, rounds, row);
    return row;
}

}  // namespace bpftime::benchmark
