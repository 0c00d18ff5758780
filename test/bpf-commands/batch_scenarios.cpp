// MAP_LOOKUP_BATCH, MAP_LOOKUP_AND_DELETE_BATCH, MAP_UPDATE_BATCH and MAP_DELETE_BATCH.
#include <array>
#include <map>
#include <vector>

#include "runtime/maps/cpus.h"
#include "scenario.h"

namespace bpftime::test {

namespace {

using Key = std::uint32_t;
using Value = std::uint64_t;

constexpr int kEveryBatch[] = {BPF_MAP_LOOKUP_BATCH, BPF_MAP_LOOKUP_AND_DELETE_BATCH, BPF_MAP_UPDATE_BATCH,
                               BPF_MAP_DELETE_BATCH};

struct Answer {
    long result = 0;
    std::uint32_t count = 0;
};

struct BatchCall {
    int command;
    int map;
    const void* keys = nullptr;
    const void* values = nullptr;
    std::uint32_t count = 0;
    const void* in = nullptr;
    const void* out = nullptr;
    std::uint64_t elem_flags = 0, flags = 0;
};

Answer batch(const BpfFunction& bpf, const BatchCall& call) {
    bpf_attr attr = empty_attr();
    attr.batch.map_fd = static_cast<std::uint32_t>(call.map);
    attr.batch.keys = address(call.keys);
    attr.batch.values = address(call.values);
    attr.batch.count = call.count;
    attr.batch.in_batch = address(call.in);
    attr.batch.out_batch = address(call.out);
    attr.batch.elem_flags = call.elem_flags;
    attr.batch.flags = call.flags;
    const long result = bpf(call.command, &attr, sizeof(attr));
    return {result, attr.batch.count};
}

std::string text(const Answer& answer) { return cat(answer.result, "/", answer.count); }

// Keys 1..count with ten times their number.
void fill(const BpfFunction& bpf, int map, Key count, Key first = 1) {
    for (Key key = first; key < first + count; ++key) {
        Value value = key * 10;
        element(bpf, BPF_MAP_UPDATE_ELEM, map, &key, &value);
    }
}

// Reads the whole map in steps of `step`, more where a step has no room, and says what was met and how it ended.
std::string read_all(const BpfFunction& bpf, int map, int command, std::uint32_t step, std::size_t key_size = 4) {
    std::map<Key, Value> met;
    std::array<std::uint8_t, 16> token{}, next{};
    const void* in = nullptr;
    long result = 0;
    std::string repeated;
    for (int calls = 0; calls < 1000; ++calls) {
        std::vector<std::uint8_t> keys(step * key_size);
        std::vector<Value> values(step);
        const Answer answer = batch(bpf, {.command = command,
                                          .map = map,
                                          .keys = keys.data(),
                                          .values = values.data(),
                                          .count = step,
                                          .in = in,
                                          .out = next.data()});
        result = answer.result;
        if (result == -ENOSPC) {
            step *= 2;
            continue;
        }
        for (std::uint32_t index = 0; index < answer.count; ++index) {
            Key key = 0;
            std::memcpy(&key, keys.data() + index * key_size + (key_size - 4), sizeof(key));
            if (!met.emplace(key, values[index]).second) repeated = " repeated";
        }
        if (result != 0) break;
        token = next;
        in = token.data();
    }
    Value keys = 0, values = 0;
    for (const auto& [key, value] : met) keys += key, values += value;
    return cat(met.size(), " elements, keys ", keys, ", values ", values, repeated, ", end ", result);
}

std::string every_type(const BpfFunction& bpf) {
    struct Shape {
        const char* name;
        std::uint32_t type, key, value, flags;
    };
    constexpr Shape kShapes[] = {
        {"hash", BPF_MAP_TYPE_HASH, 4, 8, 0},
        {"array", BPF_MAP_TYPE_ARRAY, 4, 8, 0},
        {"prog_array", BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 0},
        {"perf_event_array", BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 0},
        {"percpu_hash", BPF_MAP_TYPE_PERCPU_HASH, 4, 8, 0},
        {"percpu_array", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 0},
        {"stack_trace", BPF_MAP_TYPE_STACK_TRACE, 4, 64, 0},
        {"lru_hash", BPF_MAP_TYPE_LRU_HASH, 4, 8, 0},
        {"lru_percpu_hash", BPF_MAP_TYPE_LRU_PERCPU_HASH, 4, 8, 0},
        {"lpm_trie", BPF_MAP_TYPE_LPM_TRIE, 8, 8, BPF_F_NO_PREALLOC},
        {"array_of_maps", BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 0},
        {"hash_of_maps", BPF_MAP_TYPE_HASH_OF_MAPS, 4, 4, 0},
        {"queue", BPF_MAP_TYPE_QUEUE, 0, 8, 0},
        {"stack", BPF_MAP_TYPE_STACK, 0, 8, 0},
        {"bloom_filter", BPF_MAP_TYPE_BLOOM_FILTER, 0, 8, 0},
    };
    const Handle inner(create(bpf, BPF_MAP_TYPE_ARRAY, 4, 8, 1));
    std::string out;
    for (const Shape& shape : kShapes) {
        const bool nests = shape.type == BPF_MAP_TYPE_ARRAY_OF_MAPS || shape.type == BPF_MAP_TYPE_HASH_OF_MAPS;
        const Handle map(create(bpf, shape.type, shape.key, shape.value, 4, shape.flags, "", nests ? inner.get() : 0));
        out += cat(shape.name, ":");
        for (const int command : kEveryBatch) {
            // Nothing asked for; with flags for the call; with flags for the elements; with a lock.
            out += ' ';
            out += cat(batch(bpf, {.command = command, .map = map.get()}).result, ",");
            out += cat(batch(bpf, {.command = command, .map = map.get(), .flags = 1}).result, ",");
            out += cat(batch(bpf, {.command = command, .map = map.get(), .elem_flags = BPF_NOEXIST}).result, ",");
            out += cat(batch(bpf, {.command = command, .map = map.get(), .elem_flags = BPF_F_LOCK}).result);
        }
        out += '\n';
    }
    return out;
}

std::string walk_in_steps(const BpfFunction& bpf, std::uint32_t type, std::uint32_t entries, std::uint32_t used,
                          Key first) {
    const Handle map(create(bpf, type, 4, 8, entries));
    fill(bpf, map.get(), used, first);
    std::string out;
    for (const std::uint32_t step : {1u, 3u, used, 1000u})
        out += cat(step, ": ", read_all(bpf, map.get(), BPF_MAP_LOOKUP_BATCH, step), "\n");
    return out;
}

const Scenario kScenarios[] = {
    {"batch commands of every map type", every_type,
     R"(hash: 0,-22,-22,-22 0,-22,-22,-22 0,0,-22,-22 0,0,-22,-22
array: 0,0,-22,-22 -524,-524,-524,-524 0,0,-22,-22 -524,-524,-524,-524
prog_array: -524,-524,-524,-524 -524,-524,-524,-524 -524,-524,-524,-524 -524,-524,-524,-524
perf_event_array: -524,-524,-524,-524 -524,-524,-524,-524 -524,-524,-524,-524 -524,-524,-524,-524
percpu_hash: 0,-22,-22,-22 0,-22,-22,-22 0,0,-22,-22 0,0,-22,-22
percpu_array: 0,0,-22,-22 -524,-524,-524,-524 0,0,-22,-22 -524,-524,-524,-524
stack_trace: -524,-524,-524,-524 -524,-524,-524,-524 -524,-524,-524,-524 -524,-524,-524,-524
lru_hash: 0,-22,-22,-22 0,-22,-22,-22 0,0,-22,-22 0,0,-22,-22
lru_percpu_hash: 0,-22,-22,-22 0,-22,-22,-22 0,0,-22,-22 0,0,-22,-22
lpm_trie: 0,0,-22,-22 -524,-524,-524,-524 0,0,-22,-22 0,0,-22,-22
array_of_maps: 0,0,-22,-22 -524,-524,-524,-524 0,0,-22,-22 -524,-524,-524,-524
hash_of_maps: 0,-22,-22,-22 0,-22,-22,-22 0,0,-22,-22 0,0,-22,-22
queue: -524,-524,-524,-524 -524,-524,-524,-524 -524,-524,-524,-524 -524,-524,-524,-524
stack: -524,-524,-524,-524 -524,-524,-524,-524 -524,-524,-524,-524 -524,-524,-524,-524
bloom_filter: -524,-524,-524,-524 -524,-524,-524,-524 -524,-524,-524,-524 -524,-524,-524,-524
)"},
    {"a hash read in batches", [](const BpfFunction& bpf) { return walk_in_steps(bpf, BPF_MAP_TYPE_HASH, 100, 50, 1); },
     R"(1: 50 elements, keys 1275, values 12750, end -2
3: 50 elements, keys 1275, values 12750, end -2
50: 50 elements, keys 1275, values 12750, end -2
1000: 50 elements, keys 1275, values 12750, end -2
)"},
    {"an array read in batches",
     [](const BpfFunction& bpf) { return walk_in_steps(bpf, BPF_MAP_TYPE_ARRAY, 20, 20, 0); },
     R"(1: 20 elements, keys 190, values 1900, end -2
3: 20 elements, keys 190, values 1900, end -2
20: 20 elements, keys 190, values 1900, end -2
1000: 20 elements, keys 190, values 1900, end -2
)"},
    {"an array's call that is just filled",
     [](const BpfFunction& bpf) {
         const Handle map(create(bpf, BPF_MAP_TYPE_ARRAY, 4, 8, 4));
         Key keys[4], out = 77;
         Value values[4];
         BatchCall call{.command = BPF_MAP_LOOKUP_BATCH,
                        .map = map.get(),
                        .keys = keys,
                        .values = values,
                        .count = 4,
                        .in = nullptr,
                        .out = &out};
         std::string answers = cat(text(batch(bpf, call)), " out ", out, "; ");
         call.in = &out;
         answers += cat(text(batch(bpf, call)), " out ", out);
         return answers;
     },
     "0/4 out 3; -2/0 out 3"},
    {"an empty hash",
     [](const BpfFunction& bpf) {
         const Handle map(small_hash(bpf));
         Key keys[4];
         Value values[4];
         std::uint32_t out = 0;
         BatchCall call{.command = BPF_MAP_LOOKUP_BATCH,
                        .map = map.get(),
                        .keys = keys,
                        .values = values,
                        .count = 4,
                        .in = nullptr,
                        .out = &out};
         std::string answers = text(batch(bpf, call));
         call.in = &out;
         return cat(answers, ' ', text(batch(bpf, call)));
     },
     "-2/0 -2/0"},
    {"a walk that nobody began",
     [](const BpfFunction& bpf) {
         const Handle map(small_hash(bpf));
         fill(bpf, map.get(), 2);
         Key keys[4];
         Value values[4];
         const std::uint32_t in = 0x7fffffff;
         std::uint32_t out = 5;
         const Answer answer = batch(bpf, {.command = BPF_MAP_LOOKUP_BATCH,
                                           .map = map.get(),
                                           .keys = keys,
                                           .values = values,
                                           .count = 4,
                                           .in = &in,
                                           .out = &out});
         return cat(text(answer), " out ", out);
     },
     "-2/0 out 5"},
    {"reading and deleting in batches",
     [](const BpfFunction& bpf) {
         const Handle map(create(bpf, BPF_MAP_TYPE_HASH, 4, 8, 200));
         fill(bpf, map.get(), 100);
         std::string answers = read_all(bpf, map.get(), BPF_MAP_LOOKUP_AND_DELETE_BATCH, 7);
         return cat(answers, "; ", read_all(bpf, map.get(), BPF_MAP_LOOKUP_AND_DELETE_BATCH, 7));
     },
     "100 elements, keys 5050, values 50500, end -2; 0 elements, keys 0, values 0, end -2"},
    {"updating in batches",
     [](const BpfFunction& bpf) {
         const Handle map(create(bpf, BPF_MAP_TYPE_HASH, 4, 8, 3));
         const Key keys[] = {1, 2, 3, 4, 5};
         const Value values[] = {10, 20, 30, 40, 50};
         BatchCall call{.command = BPF_MAP_UPDATE_BATCH, .map = map.get(), .keys = keys, .values = values, .count = 5};
         std::string answers = text(batch(bpf, call));  // full after three
         call.count = 2;
         answers += cat(' ', text(batch(bpf, call)));
         return cat(answers, "; ", read_all(bpf, map.get(), BPF_MAP_LOOKUP_BATCH, 10));
     },
     "-7/3 0/2; 3 elements, keys 6, values 60, end -2"},
    {"per-CPU values in batches",
     [](const BpfFunction& bpf) {
         const Handle map(create(bpf, BPF_MAP_TYPE_PERCPU_HASH, 4, 4, 10));
         const std::uint32_t cpus = possible_cpus();
         const Key keys[] = {1, 2};
         std::vector<Value> values(2 * cpus);
         for (std::uint32_t index = 0; index < values.size(); ++index) values[index] = index + 1;
         std::string answers = text(batch(
             bpf,
             {.command = BPF_MAP_UPDATE_BATCH, .map = map.get(), .keys = keys, .values = values.data(), .count = 2}));
         Key read[8] = {};
         std::vector<Value> back(8 * cpus);
         std::uint32_t out = 0;
         answers += cat(' ', text(batch(bpf, {.command = BPF_MAP_LOOKUP_BATCH,
                                              .map = map.get(),
                                              .keys = read,
                                              .values = back.data(),
                                              .count = 8,
                                              .in = nullptr,
                                              .out = &out})));
         const std::size_t first = read[0] == 1 ? 0 : cpus, second = cpus - first;
         const bool same = std::equal(values.begin(), values.begin() + cpus, back.begin() + first) &&
                           std::equal(values.begin() + cpus, values.end(), back.begin() + second);
         return cat(answers, same ? " the same" : " others");
     },
     "0/2 -2/2 the same"},
    {"updating an array beyond its end",
     [](const BpfFunction& bpf) {
         const Handle map(small_array(bpf));
         const Key keys[] = {0, 3, 4};
         const Value values[] = {1, 2, 3};
         return text(batch(
             bpf, {.command = BPF_MAP_UPDATE_BATCH, .map = map.get(), .keys = keys, .values = values, .count = 3}));
     },
     "-7/2"},
    {"deleting in batches",
     [](const BpfFunction& bpf) {
         const Handle map(create(bpf, BPF_MAP_TYPE_HASH, 4, 8, 10));
         fill(bpf, map.get(), 5);
         const Key keys[] = {1, 3, 9, 5};
         BatchCall call{.command = BPF_MAP_DELETE_BATCH, .map = map.get(), .keys = keys, .count = 4};
         const std::string answer = text(batch(bpf, call));
         return cat(answer, "; ", read_all(bpf, map.get(), BPF_MAP_LOOKUP_BATCH, 10));
     },
     "-2/2; 3 elements, keys 11, values 110, end -2"},
    {"batches at bad addresses",
     [](const BpfFunction& bpf) {
         const Handle hash(create(bpf, BPF_MAP_TYPE_HASH, 4, 8, 10)), array(small_array(bpf));
         fill(bpf, hash.get(), 1);
         const void* bad = reinterpret_cast<const void*>(16);
         Key keys[4] = {};
         Value values[4] = {};
         std::uint32_t out = 0;
         std::string answers;
         for (const int map : {hash.get(), array.get()})
             for (const int command : {BPF_MAP_LOOKUP_BATCH, BPF_MAP_UPDATE_BATCH})
                 for (int which = 0; which < 4; ++which) {
                     BatchCall call{.command = command,
                                    .map = map,
                                    .keys = keys,
                                    .values = values,
                                    .count = 1,
                                    .in = nullptr,
                                    .out = &out};
                     (which == 0 ? call.keys : which == 1 ? call.values : which == 2 ? call.in : call.out) = bad;
                     answers += cat(text(batch(bpf, call)), which == 3 ? "\n" : " ");
                 }
         return answers;
     },
     "-14/0 -14/0 -14/0 -14/0\n-14/0 -14/0 0/1 0/1\n-14/0 -14/0 -14/0 -14/1\n-14/0 -14/0 0/1 0/1\n"},
    {"batches on what is no map",
     [](const BpfFunction& bpf) {
         std::string answers;
         for (const int command : kEveryBatch)
             for (const int map : {12345, 0})
                 answers += cat(text(batch(bpf, {.command = command, .map = map, .count = 3})), ' ');
         return answers;
     },
     "-9/3 -22/3 -9/3 -22/3 -9/3 -22/3 -9/3 -22/3 "},
    {"batches on a frozen map",
     [](const BpfFunction& bpf) {
         const Handle map(small_array(bpf));
         bpf_attr attr = empty_attr();
         attr.map_fd = static_cast<std::uint32_t>(map.get());
         bpf(BPF_MAP_FREEZE, &attr, sizeof(attr));
         std::string answers;
         for (const int command : kEveryBatch)
             answers += cat(text(batch(bpf, {.command = command, .map = map.get()})), ' ');
         return answers;
     },
     "0/0 -1/0 -1/0 -1/0 "},
    {"batches on maps that are read-only or write-only",
     [](const BpfFunction& bpf) {
         std::string answers;
         for (const std::uint32_t flag : {BPF_F_RDONLY, BPF_F_WRONLY}) {
             const Handle map(small_hash(bpf, flag));
             for (const int command : kEveryBatch)
                 answers += cat(text(batch(bpf, {.command = command, .map = map.get()})), ' ');
         }
         return answers;
     },
     "0/0 -1/0 -1/0 -1/0 -1/0 -1/0 0/0 0/0 "},
    {"maps of maps without a map",
     [](const BpfFunction& bpf) {
         const Handle inner(create(bpf, BPF_MAP_TYPE_ARRAY, 4, 8, 1));
         const Handle map(create(bpf, BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 4, 0, "", inner.get()));
         Key keys[] = {1, 2}, values[] = {static_cast<Key>(inner.get()), 12345}, out = 0;
         std::string answers = text(batch(
             bpf, {.command = BPF_MAP_UPDATE_BATCH, .map = map.get(), .keys = keys, .values = values, .count = 2}));
         const Answer read = batch(bpf, {.command = BPF_MAP_LOOKUP_BATCH,
                                         .map = map.get(),
                                         .keys = keys,
                                         .values = values,
                                         .count = 2,
                                         .in = nullptr,
                                         .out = &out});
         return cat(answers, "; ", text(read), " key ", keys[0]);
     },
     "-9/1; -2/1 key 1"},
};

}  // namespace

std::span<const Scenario> batch_scenarios() { return kScenarios; }

}  // namespace bpftime::test
