#include "runtime/maps/task_storage.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#undef MAP_TYPE  // of <sys/mman.h>; the tables of map types use the name

#include "runtime/maps/spec_check.h"
#include "runtime/maps/task_lock.h"
#include "runtime/maps/thread_id.h"

namespace bpftime {

namespace {

constexpr std::uint32_t kThreads = 1u << 22;    // PID_MAX_LIMIT
constexpr std::uint64_t kTaskSize = 64u << 10;  // more than any struct task_struct
constexpr std::uint32_t kMaxValue = 65407;      // the kernel's BPF_LOCAL_STORAGE_MAX_VALUE_SIZE
constexpr std::uint32_t kClone = 1u << 9;       // BPF_F_CLONE

// A task_struct begins at `tasks` + the thread's id.
std::atomic<const std::uint8_t*> tasks = nullptr;

const std::uint8_t* make_tasks() {
    void* pages = mmap(nullptr, kThreads + kTaskSize, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pages == MAP_FAILED) return nullptr;
    const std::uint8_t* there = nullptr;
    const auto* const made = static_cast<const std::uint8_t*>(pages);
    if (tasks.compare_exchange_strong(there, made, std::memory_order_acq_rel)) return made;
    munmap(pages, kThreads + kTaskSize);
    return there;
}

std::uint32_t token_of(std::uint32_t thread) { return thread == thread_id() ? task_token() : make_task_token(thread); }

// 0: it is none of ours.
std::uint32_t token_of(const void* task) {
    const std::uint8_t* const base = tasks.load(std::memory_order_acquire);
    const auto thread = reinterpret_cast<std::uintptr_t>(task) - reinterpret_cast<std::uintptr_t>(base);
    return base == nullptr || thread == 0 || thread >= kThreads ? 0 : token_of(static_cast<std::uint32_t>(thread));
}

// The task of the pidfd in a key: 0, -EBADF: it is no pidfd, -ENOENT: its process is gone.
int token_of_key(const void* key, std::uint32_t& token) {
    int fd;
    std::memcpy(&fd, key, sizeof fd);
    char path[48];
    std::snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
    const int info = open(path, O_RDONLY | O_CLOEXEC);
    if (info < 0) return -EBADF;
    char text[512];
    const ssize_t length = read(info, text, sizeof text - 1);
    close(info);
    text[std::max<ssize_t>(length, 0)] = 0;
    const char* const field = std::strstr(text, "\nPid:\t");
    if (field == nullptr) return -EBADF;
    const long id = std::strtol(field + 6, nullptr, 10);
    if (id <= 0 || id >= static_cast<long>(kThreads)) return -ENOENT;
    token = token_of(static_cast<std::uint32_t>(id));
    return 0;
}

}  // namespace

const void* task_pointer(std::uint32_t thread) {
    const std::uint8_t* base = tasks.load(std::memory_order_acquire);
    if (base == nullptr) base = make_tasks();
    return base == nullptr || thread >= kThreads ? nullptr : base + thread;
}

std::uint32_t TaskStorageMap::capacity(const MapSpec& spec) {
    const std::uint64_t fit = kMostBytes / (8 + round_up(spec.value_size, 8));
    return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(fit, kLeastTasks, kMostTasks));
}

Result<std::uint64_t> TaskStorageMap::storage_size(const MapSpec& spec) {
    if ((spec.flags & ~(map_flag::kNoPrealloc | kClone)) != 0 || (spec.flags & map_flag::kNoPrealloc) == 0 || spec.extra != 0)
        return fail(failure("task storage takes BPF_F_NO_PREALLOC, which it needs, and BPF_F_CLONE"));
    if (spec.key_size != 4 || spec.value_size == 0 || spec.max_entries != 0)
        return fail(failure("task storage has keys of 4 bytes, values, and no max entries"));
    if (spec.value_size > kMaxValue)
        return fail(failure("value of ", spec.value_size, " bytes exceeds ", kMaxValue).with_errno(E2BIG));
    return HashTable::storage_size(shape(spec));
}

std::unique_ptr<Map> TaskStorageMap::open(const MapSpec& spec, Pages pages, bool fresh) {
    return std::unique_ptr<Map>(new TaskStorageMap(spec, std::move(pages), fresh));
}

void* TaskStorageMap::find(std::uint32_t token) {
    const std::uint32_t number = table_.find<4>(&token);
    return number == 0 ? nullptr : table_.element(number) + value_at_;
}

bool TaskStorageMap::drop_ended() {
    bool dropped = false;
    MapCursor cursor;
    std::uint32_t token = 0;
    while (table_.step(cursor, &token) != 0)
        if (task_gone(token)) dropped = HashMap::erase(&token) == 0 || dropped;
    return dropped;
}

int TaskStorageMap::put(std::uint32_t token, const void* value, std::uint64_t flags) {
    int error = HashMap::update(&token, value, flags);
    if (error == -E2BIG && drop_ended()) error = HashMap::update(&token, value, flags);
    return error == -E2BIG ? -ENOMEM : error;
}

void* TaskStorageMap::get(const void* task, bool create, const void* value) {
    static constexpr std::uint8_t kZeros[kMaxValue + 1] = {};
    const std::uint32_t token = token_of(task);
    if (token == 0) return nullptr;
    void* found = find(token);
    if (found != nullptr || !create) return found;
    put(token, value == nullptr ? kZeros : value, kUpdateNoExist);  // or another did
    return find(token);
}

int TaskStorageMap::remove(const void* task) {
    const std::uint32_t token = token_of(task);
    return token == 0 ? -EINVAL : HashMap::erase(&token);
}

int TaskStorageMap::erase(const void* key) {
    std::uint32_t token = 0;
    const int error = token_of_key(key, token);
    return error != 0 ? error : HashMap::erase(&token);
}

int TaskStorageMap::copy_out(const void* key, void* value) {
    std::uint32_t token = 0;
    const int error = token_of_key(key, token);
    return error != 0 ? error : HashMap::copy_out(&token, value);
}

int TaskStorageMap::copy_in(const void* key, const void* value, std::uint64_t flags) {
    std::uint32_t token = 0;
    const int error = token_of_key(key, token);
    return error != 0 ? error : put(token, value, flags);
}

}  // namespace bpftime
