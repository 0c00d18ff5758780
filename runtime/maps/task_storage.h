// BPF_MAP_TYPE_TASK_STORAGE: a value for each task, here: thread. Programs name it by task_pointer(), bpf(2) by a pidfd. A
// hash by the thread's token (task_lock.h) lies under it, whose capacity is kMostBytes of elements; values of threads that
// ended are dropped when it is full. Replacing a value from outside puts another element in its place, as the kernel
// does.
#pragma once

#include "runtime/maps/hash.h"

namespace bpftime {

class TaskStorageMap final : public HashMap {
public:
    static constexpr std::uint32_t kMostTasks = 8192, kLeastTasks = 64;
    static constexpr std::uint64_t kMostBytes = 16u << 20;

    static Result<std::uint64_t> storage_size(const MapSpec& spec);
    static std::unique_ptr<Map> open(const MapSpec& spec, Pages pages, bool fresh);
    static std::uint32_t capacity(const MapSpec& spec);

    // bpf_task_storage_get(), _delete(): the value of a task, made from `value` (null: zeros) if it is to be.
    void* get(const void* task, bool create, const void* value);
    int remove(const void* task);

    // Programs have no keys; keys of bpf(2) are pidfds.
    void* lookup(const void*) override { return nullptr; }
    int update(const void*, const void*, std::uint64_t) override { return -kEnotsupp; }
    int erase(const void* key) override;
    bool next(MapCursor&, MapEntry&) override { return false; }
    int copy_out(const void* key, void* value) override;
    int copy_in(const void* key, const void* value, std::uint64_t flags) override;
    int take(const void*, void*) override { return -kEnotsupp; }
    int next_key(const void*, void*) override { return -kEnotsupp; }

private:
    TaskStorageMap(const MapSpec& spec, Pages pages, bool fresh) : HashMap(spec, std::move(pages), fresh) {}
    void* find(std::uint32_t token);
    int put(std::uint32_t token, const void* value, std::uint64_t flags);
    bool drop_ended();
};

// What a program gets for a struct task_struct of the thread, and gives back to helpers: the address of zeros, so that
// reading its fields is harmless, and tells nothing. Null where there is no memory for it.
const void* task_pointer(std::uint32_t thread);

}  // namespace bpftime
