// Counts in per-CPU values by plain additions, from many more threads than CPUs, preempted and moved between the load and
// the store: none may be lost. And slots of threads that were killed in a run.
#include <sched.h>

#include <atomic>
#include <thread>

#include "runtime/helpers/helpers.h"
#include "runtime/maps/program_run.h"
#include "runtime/maps/task_lock.h"
#include "runtime/maps/user_ops.h"
#include "test/maps/killed_child.h"
#include "test/maps/shared_map.h"
#include "test/ubpf/programs.h"
#include "vm/core/kernel_names.h"

using namespace bpftime;
using namespace bpftime::test;

namespace {

constexpr std::uint32_t kDisturb = 5;  // the helper that stands between load and store: ktime_get_ns
constexpr std::uint64_t kKey = 1;

// Now and then gives the CPU to others: on a busy machine that takes milliseconds.
std::uint64_t only_yield(std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t) {
    thread_local std::uint32_t calls = 0;
    if (++calls % 16 == 0) sched_yield();
    return 0;
}

// ...and moves to another one.
std::uint64_t disturb(std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t) {
    thread_local std::uint32_t calls = 0;
    if (++calls % 32 != 0) return only_yield(0, 0, 0, 0, 0);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(calls / 32 % possible_cpus(), &one);
    sched_setaffinity(0, sizeof one, &one);
    return 0;
}

// ++*map_lookup_elem(map, &key), with the call in between; then the same CPU must be there still. The context holds the
// map's handle.
std::unique_ptr<Executable> counter(HelperFn between) {
    Bindings bindings = default_bindings();
    bindings.helpers[kDisturb] = between;
    return jit(make("r6 = *(u64 *)(r1 + 0)\n"
                    "call get_smp_processor_id\n"
                    "r9 = r0\n"
                    "r1 = 1\n"
                    "*(u64 *)(r10 - 8) = r1\n"
                    "r1 = r6\n"
                    "r2 = r10\n"
                    "r2 += -8\n"
                    "call map_lookup_elem\n"
                    "if r0 == 0 goto none\n"
                    "r7 = r0\n"
                    "r8 = *(u64 *)(r7 + 0)\n"
                    "call 5\n"
                    "r8 += 1\n"
                    "*(u64 *)(r7 + 0) = r8\n"
                    "call get_smp_processor_id\n"
                    "if r0 != r9 goto none\n"
                    "r0 = 0\n"
                    "exit\n"
                    "none:\n"
                    "r0 = 1\n"
                    "exit\n"),
               bindings);
}

MapSpec percpu_spec(MapType type) {
    MapSpec spec;
    spec.name = "counts";
    spec.type = static_cast<std::uint32_t>(type);
    spec.key_size = type == MapType::PercpuArray ? 4 : 8;
    spec.value_size = 8;
    spec.max_entries = 8;
    return spec;
}

void insert_key(Map& map) {
    const std::vector<std::uint64_t> zeros(possible_cpus());
    REQUIRE(user_update(map, &kKey, zeros.data(), kUpdateAny) == 0);
}

std::uint64_t sum(Map& map) {
    std::vector<std::uint64_t> values(possible_cpus());
    REQUIRE(user_lookup(map, &kKey, values.data()) == 0);
    std::uint64_t total = 0;
    for (const std::uint64_t value : values) total += value;
    return total;
}

// Slots in memory that children share.
CpuSlots new_slots() {
    auto pages = Pages::inherit(CpuSlots::storage_size());
    REQUIRE(pages);
    return CpuSlots(*std::move(pages));
}

// The number of runs, out of `runs` in each of `threads`, that failed.
std::uint64_t count_in_threads(Map& map, CpuSlots* slots, const Executable& code, std::uint32_t threads,
                               std::uint32_t runs) {
    std::atomic<std::uint64_t> failed{0};
    std::vector<std::thread> all;
    for (std::uint32_t i = 0; i < threads; ++i)
        all.emplace_back([&] {
            std::uint64_t context = map.handle();
            for (std::uint32_t run = 0; run < runs; ++run) {
                const ProgramRun in(slots);
                failed += code.run(&context, sizeof context);
            }
        });
    for (auto& thread : all) thread.join();
    return failed;
}

class OnOneCpu {
public:
    OnOneCpu() {
        sched_getaffinity(0, sizeof before_, &before_);
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(sched_getcpu(), &one);
        REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
    }
    ~OnOneCpu() { sched_setaffinity(0, sizeof before_, &before_); }

private:
    cpu_set_t before_;
};

}  // namespace

TEST_CASE("plain additions of many threads in two processes are all there, on one CPU and on all") {
    constexpr std::uint32_t kThreads = 8, kRuns = 300;
    for (const HelperFn between : {only_yield, disturb})
        for (const MapType type : {MapType::PercpuArray, MapType::PercpuHash, MapType::LruPercpuHash}) {
            INFO(map_type_name(static_cast<std::uint32_t>(type)));
            std::optional<OnOneCpu> pinned;
            if (between == only_yield) pinned.emplace();
            const SharedMap shared(percpu_spec(type));
            CpuSlots slots = new_slots();
            insert_key(*shared.map);
            const auto code = counter(between);
            const pid_t child = fork();
            if (child == 0) {
                const auto map = shared.open();
                _exit(map == nullptr || count_in_threads(*map, &slots, *code, kThreads, kRuns) != 0);
            }
            REQUIRE(child > 0);
            CHECK(count_in_threads(*shared.map, &slots, *code, kThreads, kRuns) == 0);
            int status = -1;
            REQUIRE(waitpid(child, &status, 0) == child);
            CHECK(status == 0);
            CHECK(sum(*shared.map) == 2ull * kThreads * kRuns);
        }
}

TEST_CASE("a run takes its home CPU, gives it back, and one within it goes on with it") {
    const OnOneCpu pinned;
    CpuSlots slots = new_slots();
    const std::uint32_t home = home_cpu();
    for (int i = 0; i < 3; ++i) {
        const ProgramRun run(&slots);
        CHECK(current_cpu() == home);
        const ProgramRun inner(&slots);
        CHECK(current_cpu() == home);
    }
    const ProgramRun outer(&slots);
    CHECK(current_cpu() == home);
    std::uint32_t other = kNoCpu;
    if (possible_cpus() > 1)  // else it would wait for this one
        std::thread([&] {
            const ProgramRun run(&slots);
            other = current_cpu();
        }).join();
    CHECK(other != home);
    CHECK(current_cpu() == home);
}

TEST_CASE("a run that has to be on one CPU waits for that one") {
    const std::uint32_t wanted = possible_cpus() - 1;
    CpuSlots slots = new_slots();
    std::atomic<bool> waiting{false}, ended{false}, waited{false};
    std::atomic<std::uint32_t> cpu{kNoCpu};
    std::optional<ProgramRun> first(std::in_place, &slots, wanted);
    REQUIRE(current_cpu() == wanted);
    std::thread second([&] {
        const ProgramRun run(&slots, wanted);
        waiting = true;
        cpu = current_cpu();
        waited = ended.load();
    });
    while (!waiting) sched_yield();
    usleep(2'000);
    ended = true;
    first.reset();
    second.join();
    CHECK(cpu == wanted);
    CHECK(waited);
}

TEST_CASE("slots of threads that were killed in a run come back") {
    CpuSlots slots = new_slots();
    const SharedMap shared(percpu_spec(MapType::PercpuArray));
    const auto code = counter(only_yield);
    for (int round = 0; round < 5; ++round) {
        std::vector<pid_t> holders;
        for (std::uint32_t cpu = 0; cpu < possible_cpus(); ++cpu) {
            int ready[2];
            REQUIRE(pipe(ready) == 0);
            holders.push_back(fork());
            if (holders.back() == 0) {
                const ProgramRun run(&slots);
                const auto mine = static_cast<char>(current_cpu());
                if (write(ready[1], &mine, 1) != 1) _exit(1);
                for (;;) pause();
            }
            char taken;
            REQUIRE(read(ready[0], &taken, 1) == 1);
            close(ready[0]);
            close(ready[1]);
        }
        for (const pid_t holder : holders) {
            REQUIRE(kill(holder, SIGKILL) == 0);
            REQUIRE(waitpid(holder, nullptr, 0) == holder);
        }
        const std::uint64_t begin = now_us();
        CHECK(count_in_threads(*shared.map, &slots, *code, 4, 10) == 0);
        CHECK(now_us() - begin < 1'000'000);
    }
    CHECK(sum(*shared.map) == 5 * 4 * 10);
}

TEST_CASE("no count of those who live is lost while others are killed in their runs") {
    CpuSlots slots = new_slots();
    const SharedMap shared(percpu_spec(MapType::PercpuArray)), of_the_dead(percpu_spec(MapType::PercpuArray));
    const auto code = counter(only_yield);
    std::atomic<bool> done{false};
    std::atomic<std::uint32_t> wrong{0};
    std::thread killer([&] {
        for (std::uint32_t death = 0; death < 100; ++death) {
            const pid_t child = start_doomed(death * 37 % 1'000, [&] {
                for (std::uint64_t context = of_the_dead.map->handle();;) {
                    const ProgramRun run(&slots);
                    code->run(&context, sizeof context);
                }
            });
            bool wrongly = false;
            while (!has_died(child, wrongly)) usleep(100);
            wrong += wrongly;
        }
        done = true;
    });
    std::uint64_t rounds = 0, failed = 0;
    for (; !done; ++rounds) failed += count_in_threads(*shared.map, &slots, *code, 4, 50);
    killer.join();
    CHECK(wrong == 0);
    CHECK(failed == 0);
    CHECK(sum(*shared.map) == rounds * 4 * 50);
}

// Last: from now on threads outside runs keep no slots.
TEST_CASE("threads outside runs are exact up to the number of CPUs, and never keep runs waiting") {
    const auto array = *create_map(percpu_spec(MapType::PercpuArray));
    const auto code = counter(only_yield);
    constexpr std::uint32_t kRuns = 5'000;
    std::atomic<std::uint64_t> failed_runs{0};
    const auto in_threads = [&](std::uint32_t count, bool hold) {
        std::atomic<std::uint64_t> failed{0};
        std::vector<std::thread> threads;
        for (std::uint32_t i = 0; i < count; ++i)
            threads.emplace_back([&, hold] {
                std::uint64_t context = array->handle();
                for (std::uint32_t run = 0; run < kRuns; ++run) failed += code->run(&context, sizeof context);
                if (hold) failed_runs += count_in_threads(*array, private_cpu_slots(), *code, 2, 10);
            });
        for (auto& thread : threads) thread.join();
        return failed.load();
    };
    for (std::uint64_t round = 1; round <= 3; ++round) {
        CHECK(in_threads(possible_cpus(), false) == 0);
        CHECK(sum(*array) == round * possible_cpus() * kRuns);
    }
    in_threads(possible_cpus() + 3, true);
    CHECK(failed_runs == 0);
}
