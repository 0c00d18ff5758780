// BPF_F_LOCK, maps whose values have a struct bpf_spin_lock, and task storage: what needs the BTF of a value.
#include <sys/syscall.h>

#include <array>

#include "scenario.h"

namespace bpftime::test {

namespace {

// 1 u32, 2 struct bpf_spin_lock, 3 struct { a; lock; b; }, 4 a typedef of 3, 5 int f(void).
struct LockBtf {
    static constexpr std::uint32_t kStruct = 4u << 24;
    std::uint32_t types[28] = {1,  1u << 24,    4,  1u << 24 | 32,                   //
                               5,  kStruct | 1, 4,  19, 1, 0,                        //
                               0,  kStruct | 3, 12, 23, 1, 0, 25, 2, 32, 30, 1, 64,  //
                               32, 8u << 24,    3,                                   //
                               0,  13u << 24,   1};
    char strings[35] = "\0int\0bpf_spin_lock\0val\0a\0lock\0b\0t\0";
};

constexpr std::uint32_t kPlain = 3, kTypedef = 4;

long load_btf(const BpfFunction& bpf) {
    static const LockBtf btf;
    struct {
        std::uint32_t header[6];
        std::uint8_t body[sizeof btf.types + sizeof btf.strings];
    } blob{};
    constexpr std::uint32_t kTypes = sizeof btf.types;
    const std::uint32_t header[6] = {0x0001eb9f, 24, 0, kTypes, kTypes, sizeof btf.strings};
    std::memcpy(blob.header, header, sizeof header);
    std::memcpy(blob.body, btf.types, kTypes);
    std::memcpy(blob.body + kTypes, btf.strings, sizeof btf.strings);
    bpf_attr attr = empty_attr();
    attr.btf = address(&blob);
    attr.btf_size = sizeof header + kTypes + sizeof btf.strings;
    return bpf(BPF_BTF_LOAD, &attr, sizeof(attr));
}

struct Value {
    std::uint32_t a = 0, lock = 0, b = 0;
};

long create_locked(const BpfFunction& bpf, const Handle& btf, std::uint32_t type, std::uint32_t value_type = kPlain,
                   std::uint32_t flags = 0) {
    bpf_attr attr = empty_attr();
    attr.map_type = type;
    attr.key_size = 4;
    attr.value_size = sizeof(Value);
    attr.max_entries = 4;
    attr.map_flags = flags;
    attr.btf_fd = static_cast<std::uint32_t>(btf.get());
    attr.btf_key_type_id = 1;
    attr.btf_value_type_id = value_type;
    return bpf(BPF_MAP_CREATE, &attr, sizeof(attr));
}

std::string creation(const BpfFunction& bpf) {
    const Handle btf(load_btf(bpf));
    std::string out = btf.get() >= 0 ? "btf" : "no btf";
    for (const std::uint32_t type : {BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_PERCPU_ARRAY,
                                     BPF_MAP_TYPE_PERCPU_HASH, BPF_MAP_TYPE_LRU_HASH, BPF_MAP_TYPE_LRU_PERCPU_HASH})
        out += cat(' ', closing(create_locked(bpf, btf, type)));
    out += cat("; typedef ", closing(create_locked(bpf, btf, BPF_MAP_TYPE_HASH, kTypedef)));
    out += cat(" read-only ", closing(create_locked(bpf, btf, BPF_MAP_TYPE_HASH, kPlain, BPF_F_RDONLY_PROG)));
    return out;
}

// What each combination of flags answers for a key that is there and one that is not, and what is read afterwards.
std::string updates(const BpfFunction& bpf, std::uint32_t type) {
    const Handle btf(load_btf(bpf)), map(create_locked(bpf, btf, type));
    const std::uint32_t there = 1;
    Value value{7, 0, 8};
    std::string out = cat(element(bpf, BPF_MAP_UPDATE_ELEM, map.get(), &there, &value));
    for (std::uint64_t flags = 0; flags < 9; ++flags) {
        const auto absent = static_cast<std::uint32_t>(type == BPF_MAP_TYPE_HASH ? 100 + flags % 3 : 100);
        value.a = static_cast<std::uint32_t>(flags);
        value.lock = 77;
        const long first = element(bpf, BPF_MAP_UPDATE_ELEM, map.get(), &there, &value, flags);
        out += cat(' ', first, '/', element(bpf, BPF_MAP_UPDATE_ELEM, map.get(), &absent, &value, flags));
    }
    for (std::uint64_t flags = 0; flags < 6; ++flags) {
        Value read{1, 1, 1};
        const long result = element(bpf, BPF_MAP_LOOKUP_ELEM, map.get(), &there, &read, flags);
        out += cat("; ", result, ' ', read.a, ',', read.lock, ',', read.b);
    }
    for (const std::uint64_t flags : {1, 4, 0}) {
        Value read{1, 1, 1};
        const long result = element(bpf, BPF_MAP_LOOKUP_AND_DELETE_ELEM, map.get(), &there, &read, flags);
        out += cat("; took ", result, ' ', read.a, ',', read.lock, ',', read.b);
    }
    return out;
}

std::string without_lock(const BpfFunction& bpf) {
    std::string out;
    for (const std::uint32_t type : {BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_PERCPU_ARRAY, BPF_MAP_TYPE_LRU_HASH}) {
        const Handle map(create(bpf, type, 4, 8, 4));
        const std::uint32_t key = 1;
        std::array<std::uint64_t, 256> value{};
        element(bpf, BPF_MAP_UPDATE_ELEM, map.get(), &key, value.data());
        for (const int command : {BPF_MAP_LOOKUP_ELEM, BPF_MAP_UPDATE_ELEM, BPF_MAP_LOOKUP_AND_DELETE_ELEM})
            out += cat(element(bpf, command, map.get(), &key, value.data(), BPF_F_LOCK), ' ');
    }
    return out;
}

std::string batches(const BpfFunction& bpf) {
    const Handle btf(load_btf(bpf)), locked(create_locked(bpf, btf, BPF_MAP_TYPE_HASH)),
        plain(create(bpf, BPF_MAP_TYPE_HASH, 4, 12, 4));
    std::string out;
    for (const Handle* map : {&locked, &plain})
        for (const std::uint64_t flags : {0, 4, 8}) {
            std::uint32_t keys[2] = {1, 2};
            std::uint64_t token = 0;
            Value values[2] = {{1, 9, 1}, {2, 9, 2}};
            for (const int command : {BPF_MAP_UPDATE_BATCH, BPF_MAP_LOOKUP_BATCH}) {
                bpf_attr attr = empty_attr();
                attr.batch.map_fd = static_cast<std::uint32_t>(map->get());
                attr.batch.keys = address(keys);
                attr.batch.values = address(values);
                attr.batch.count = 2;
                attr.batch.out_batch = command == BPF_MAP_LOOKUP_BATCH ? address(&token) : 0;
                attr.batch.elem_flags = flags;
                const long result = bpf(command, &attr, sizeof(attr));
                out += cat(result, '/', attr.batch.count, ' ', values[0].lock, "; ");
            }
        }
    return out;
}

long create_storage(const BpfFunction& bpf, const Handle& btf, std::uint32_t flags = BPF_F_NO_PREALLOC,
                    std::uint32_t key_size = 4, std::uint32_t entries = 0, std::uint32_t value_type = 1) {
    bpf_attr attr = empty_attr();
    attr.map_type = BPF_MAP_TYPE_TASK_STORAGE;
    attr.key_size = key_size;
    attr.value_size = 4;
    attr.max_entries = entries;
    attr.map_flags = flags;
    attr.btf_fd = static_cast<std::uint32_t>(btf.get());
    attr.btf_key_type_id = value_type;
    attr.btf_value_type_id = value_type;
    return bpf(BPF_MAP_CREATE, &attr, sizeof(attr));
}

std::string task_storage(const BpfFunction& bpf) {
    const Handle btf(load_btf(bpf)), map(create_storage(bpf, btf));
    std::string out = cat("create ", closing(create_storage(bpf, btf, BPF_F_NO_PREALLOC | BPF_F_CLONE)), ' ',
                          create_storage(bpf, btf, 0), ' ', create_storage(bpf, btf, BPF_F_NO_PREALLOC, 8), ' ',
                          create_storage(bpf, btf, BPF_F_NO_PREALLOC, 4, 1), ' ',
                          create_storage(bpf, btf, BPF_F_NO_PREALLOC, 4, 0, 0));
    const Handle self(syscall(SYS_pidfd_open, getpid(), 0));
    for (const int fd : {self.get(), map.get(), 9'999}) {
        std::uint32_t value = 5;
        out += "; flags";
        for (const std::uint64_t flags : {2, 0, 1, 2, 3, 4, 8})
            out += cat(' ', element(bpf, BPF_MAP_UPDATE_ELEM, map.get(), &fd, &value, flags));
        value = 0;
        out += cat(" lookup ", element(bpf, BPF_MAP_LOOKUP_ELEM, map.get(), &fd, &value), ' ', value);
        out += cat(" locked ", element(bpf, BPF_MAP_LOOKUP_ELEM, map.get(), &fd, &value, BPF_F_LOCK));
        out += cat(" take ", element(bpf, BPF_MAP_LOOKUP_AND_DELETE_ELEM, map.get(), &fd, &value));
        out += cat(" next ", element(bpf, BPF_MAP_GET_NEXT_KEY, map.get(), &fd, &value));
        for (int i = 0; i < 2; ++i) {
            bpf_attr attr = empty_attr();
            attr.map_fd = static_cast<std::uint32_t>(map.get());
            attr.key = address(&fd);
            out += cat(" delete ", bpf(BPF_MAP_DELETE_ELEM, &attr, sizeof(attr)));
        }
    }
    return out;
}

const Scenario kScenarios[] = {
    {"task storage by pidfd", task_storage,
     "create 0 -22 -22 -22 -22; flags -2 0 -17 0 -22 -22 -22 lookup 0 5 locked -22 take -524 next -524 delete 0 delete -2; "
     "flags -9 -9 -9 -9 -9 -22 -9 lookup -9 0 locked -22 take -524 next -524 delete -9 delete -9; "
     "flags -9 -9 -9 -9 -9 -22 -9 lookup -9 0 locked -22 take -524 next -524 delete -9 delete -9", 6004},
    {"maps with a spin lock in their values", creation,
     "btf 0 0 -95 -95 -95 -95; typedef 0 read-only -13", 6004},
    {"a locked array", [](const BpfFunction& bpf) { return updates(bpf, BPF_MAP_TYPE_ARRAY); },
     "0 0/-7 -17/-7 0/-7 -22/-22 0/-7 -17/-7 0/-7 -22/-22 -22/-22; 0 6,0,8; -22 1,1,1; -22 1,1,1; -22 1,1,1; 0 6,0,8; "
     "-22 1,1,1; took -22 1,1,1; took -524 1,1,1; took -524 1,1,1", 6004},
    {"a locked hash", [](const BpfFunction& bpf) { return updates(bpf, BPF_MAP_TYPE_HASH); },
     "0 0/0 -17/0 0/-2 -22/-22 0/0 -17/0 0/0 -22/-22 -22/-22; 0 6,0,8; -22 1,1,1; -22 1,1,1; -22 1,1,1; 0 6,0,8; "
     "-22 1,1,1; took -22 1,1,1; took 0 6,0,8; took -2 1,1,1", 6004},
    {"BPF_F_LOCK where there is no lock", without_lock, "-22 -22 -22 -22 -22 -22 -22 -22 -22 -22 -22 -22 "},
    {"BPF_F_LOCK in batches", batches,
     "0/2 9; -2/2 0; 0/2 9; -2/2 0; -22/2 9; -22/2 9; 0/2 9; -2/2 9; -22/2 9; -22/2 9; -22/2 9; -22/2 9; ", 6004},
};

}  // namespace

std::span<const Scenario> lock_scenarios() { return kScenarios; }

}  // namespace bpftime::test
