// Values that belong to a task: here, a thread.
#include "runtime/helpers/functions.h"
#include "runtime/maps/task_storage.h"
#include "runtime/maps/thread_id.h"
#include "vm/core/kernel_names.h"

namespace bpftime::helpers {

namespace {

constexpr u64 kCreate = 1;  // BPF_LOCAL_STORAGE_GET_F_CREATE

TaskStorageMap* storage_of(u64 handle) {
    auto* map = pointer<Map>(handle);
    const bool is = map->spec().type == static_cast<std::uint32_t>(MapType::TaskStorage);
    return is ? static_cast<TaskStorageMap*>(map) : nullptr;
}

}  // namespace

u64 get_current_task_btf(u64, u64, u64, u64, u64) { return address(task_pointer(thread_id())); }

u64 task_storage_get(u64 map, u64 task, u64 value, u64 flags, u64) {
    TaskStorageMap* storage = storage_of(map);
    if (storage == nullptr || task == 0 || (flags & ~kCreate) != 0) return 0;
    return address(storage->get(pointer(task), flags != 0, pointer(value)));
}

u64 task_storage_delete(u64 map, u64 task, u64, u64, u64) {
    TaskStorageMap* storage = storage_of(map);
    return storage == nullptr || task == 0 ? result(-EINVAL) : result(storage->remove(pointer(task)));
}

}  // namespace bpftime::helpers
