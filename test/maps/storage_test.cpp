// Values with a spin lock, and values that belong to tasks.
#include <sys/syscall.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "runtime/helpers/functions.h"
#include "runtime/helpers/helpers.h"
#include "runtime/maps/program_run.h"
#include "runtime/maps/spin_lock.h"
#include "runtime/maps/task_storage.h"
#include "runtime/maps/thread_id.h"
#include "runtime/maps/user_ops.h"
#include "test/maps/killed_child.h"
#include "test/maps/map_view.h"
#include "test/maps/shared_map.h"
#include "vm/core/kernel_names.h"

using namespace bpftime;
using namespace bpftime::test;

namespace {

constexpr std::uint32_t kLockAt = 8;

struct Locked {
    std::uint64_t first = 0;
    std::uint32_t lock = 0, middle = 0;
    std::uint64_t last[6] = {};
    bool whole() const {
        for (const std::uint64_t word : last)
            if (word != first) return false;
        return middle == static_cast<std::uint32_t>(first);
    }
    void fill(std::uint64_t number) {
        first = number;
        middle = static_cast<std::uint32_t>(number);
        for (std::uint64_t& word : last) word = number;
    }
};
static_assert(offsetof(Locked, lock) == kLockAt);

std::unique_ptr<Map> locked_map(MapType type) {
    auto map = create_map(spec_of(static_cast<std::uint32_t>(type), 4, sizeof(Locked), 4));
    REQUIRE(map);
    (*map)->set_spin_lock(kLockAt);
    return *std::move(map);
}

MapSpec storage_spec(std::uint32_t value_size = 8) {
    return spec_of(static_cast<std::uint32_t>(MapType::TaskStorage), 4, value_size, 0, 1);
}

int pidfd_of(pid_t process) { return static_cast<int>(syscall(SYS_pidfd_open, process, 0)); }

}  // namespace

TEST_CASE("values with a spin lock are never met torn under it") {
    for (const MapType type : {MapType::Array, MapType::Hash}) {
        const auto map = locked_map(type);
        const std::uint32_t key = 1;
        Locked value;
        REQUIRE(user_update(*map, &key, &value, kUpdateAny) == 0);
        std::atomic<bool> done{false};
        std::atomic<std::uint64_t> torn{0}, failed{0}, lock_seen{0};
        std::vector<std::thread> threads;
        for (std::uint64_t writer = 1; writer <= 4; ++writer)
            threads.emplace_back([&, writer] {
                Locked mine;
                mine.lock = 12345;  // never copied in
                for (std::uint64_t i = 0; i < 20'000; ++i) {
                    if (writer % 2 == 0) {
                        mine.fill(i << 8 | writer);
                        failed += map->update(&key, &mine, kUpdateExist | kUpdateLock) != 0;
                        continue;
                    }
                    auto* there = static_cast<Locked*>(map->lookup(&key));  // as a program does
                    helpers::spin_lock(helpers::address(&there->lock), 0, 0, 0, 0);
                    torn += !there->whole();
                    there->fill(i << 8 | writer);
                    helpers::spin_unlock(helpers::address(&there->lock), 0, 0, 0, 0);
                }
            });
        for (int reader = 0; reader < 2; ++reader)
            threads.emplace_back([&] {
                while (!done) {
                    Locked copy;
                    failed += user_lookup(*map, &key, &copy, kUpdateLock) != 0;
                    torn += !copy.whole();
                    lock_seen += copy.lock != 0;
                }
            });
        for (int writer = 0; writer < 4; ++writer) threads[static_cast<std::size_t>(writer)].join();
        done = true;
        threads[4].join();
        threads[5].join();
        CHECK(torn == 0);
        CHECK(failed == 0);
        CHECK(lock_seen == 0);
        CHECK(static_cast<const Locked*>(map->lookup(&key))->lock == 0);
    }
}

TEST_CASE("BPF_F_LOCK is refused where values have no lock, and updates in place where they have one") {
    const auto plain = *create_map(spec_of(static_cast<std::uint32_t>(MapType::Hash), 4, 8, 4));
    const std::uint32_t key = 1;
    std::uint64_t number = 5;
    CHECK(plain->update(&key, &number, kUpdateLock) == -EINVAL);
    CHECK(user_update(*plain, &key, &number, kUpdateLock) == -EINVAL);
    CHECK(user_lookup(*plain, &key, &number, kUpdateLock) == -EINVAL);
    CHECK(user_lookup_and_delete(*plain, &key, &number, kUpdateLock) == -EINVAL);
    const auto map = locked_map(MapType::Hash);
    Locked value;
    value.fill(1);
    CHECK(map->update(&key, &value, kUpdateExist | kUpdateLock) == -ENOENT);
    CHECK(map->update(&key, &value, kUpdateNoExist | kUpdateLock) == 0);
    CHECK(map->update(&key, &value, kUpdateNoExist | kUpdateLock) == -EEXIST);
    const void* const there = map->lookup(&key);
    value.fill(2);
    CHECK(map->update(&key, &value, kUpdateLock) == 0);
    CHECK(map->lookup(&key) == there);
    CHECK(map->update(&key, &value, kUpdateAny) == 0);
    CHECK(map->lookup(&key) != there);
}

TEST_CASE("a spin lock comes back from a thread that died holding it") {
    const SharedMap shared(spec_of(static_cast<std::uint32_t>(MapType::Array), 4, sizeof(Locked), 1));
    shared.map->set_spin_lock(kLockAt);
    const std::uint32_t key = 0;
    auto* value = static_cast<Locked*>(shared.map->lookup(&key));
    for (int i = 0; i < 5; ++i) {
        const pid_t child = fork();
        if (child == 0) {
            spin_lock(&value->lock);
            kill(getpid(), SIGKILL);
        }
        REQUIRE(waitpid(child, nullptr, 0) == child);
        REQUIRE(value->lock != 0);
        Locked copy;
        CHECK(user_lookup(*shared.map, &key, &copy, kUpdateLock) == 0);
        CHECK(value->lock == 0);
    }
}

TEST_CASE("each thread has a value of its own in task storage") {
    const auto map = *create_map(storage_spec());
    const std::uint64_t handle = map->handle();
    const auto get = [handle](std::uint64_t flags, const std::uint64_t* first = nullptr) {
        const std::uint64_t task = helpers::get_current_task_btf(0, 0, 0, 0, 0);
        return helpers::pointer<std::uint64_t>(
            helpers::task_storage_get(handle, task, helpers::address(first), flags, 0));
    };
    CHECK(get(0) == nullptr);
    CHECK(get(2) == nullptr);
    CHECK(helpers::task_storage_get(handle, 0, 0, 1, 0) == 0);
    CHECK(helpers::task_storage_delete(handle, 0, 0, 0, 0) == helpers::result(-EINVAL));
    std::atomic<std::uint32_t> wrong{0};
    std::vector<std::thread> threads;
    for (std::uint64_t i = 1; i <= 8; ++i)
        threads.emplace_back([&, i] {
            std::uint64_t* const value = get(1, &i);
            wrong += value == nullptr || *value != i || get(0) != value;
            for (int round = 0; round < 1'000 && value != nullptr; ++round) ++*get(1);
            wrong += value == nullptr || *value != i + 1'000;
            const std::uint64_t task = helpers::get_current_task_btf(0, 0, 0, 0, 0);
            wrong += *helpers::pointer<const std::uint64_t>(task + 1'000) != 0;
            wrong += helpers::task_storage_delete(handle, task, 0, 0, 0) != 0;
            wrong += helpers::task_storage_delete(handle, task, 0, 0, 0) != helpers::result(-ENOENT);
            wrong += get(0) != nullptr;
        });
    for (auto& thread : threads) thread.join();
    CHECK(wrong == 0);
    std::uint64_t* const made = get(1);
    REQUIRE(made != nullptr);
    CHECK(*made == 0);
}

TEST_CASE("bpf() reaches task storage by pidfd, of other processes too") {
    const SharedMap shared(storage_spec());
    int ready[2], go[2];
    REQUIRE(pipe(ready) == 0);
    REQUIRE(pipe(go) == 0);
    const pid_t child = fork();
    if (child == 0) {
        const auto map = shared.open();
        auto* value = static_cast<std::uint64_t*>(
            static_cast<TaskStorageMap&>(*map).get(task_pointer(thread_id()), true, nullptr));
        *value = 41;
        char byte = 0;
        if (write(ready[1], &byte, 1) != 1 || read(go[0], &byte, 1) != 1) _exit(1);
        value = static_cast<std::uint64_t*>(
            static_cast<TaskStorageMap&>(*map).get(task_pointer(thread_id()), false, nullptr));
        _exit(value != nullptr && *value == 43 ? 0 : 2);
    }
    char byte = 0;
    REQUIRE(read(ready[0], &byte, 1) == 1);
    const int theirs = pidfd_of(child), mine = pidfd_of(getpid()), bad = 9'999;
    REQUIRE(theirs >= 0);
    std::uint64_t value = 0;
    CHECK(user_lookup(*shared.map, &theirs, &value) == 0);
    CHECK(value == 41);
    CHECK(user_lookup(*shared.map, &mine, &value) == -ENOENT);
    CHECK(user_lookup(*shared.map, &bad, &value) == -EBADF);
    CHECK(user_delete(*shared.map, &bad) == -EBADF);
    value = 43;
    CHECK(user_update(*shared.map, &theirs, &value, kUpdateNoExist) == -EEXIST);
    CHECK(user_update(*shared.map, &theirs, &value, 3) == -EINVAL);
    CHECK(user_update(*shared.map, &theirs, &value, kUpdateLock) == -EINVAL);
    CHECK(user_update(*shared.map, &theirs, &value, kUpdateExist) == 0);
    CHECK(user_update(*shared.map, &mine, &value, kUpdateExist) == -ENOENT);
    REQUIRE(write(go[1], &byte, 1) == 1);
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    CHECK(user_lookup(*shared.map, &theirs, &value) == -ENOENT);
    CHECK(user_update(*shared.map, &theirs, &value, kUpdateAny) == -ENOENT);
    CHECK(user_next_key(*shared.map, nullptr, &value) == -kEnotsupp);
    CHECK(user_lookup_and_delete(*shared.map, &mine, &value) == -kEnotsupp);
    for (const int fd : {ready[0], ready[1], go[0], go[1], theirs, mine}) close(fd);
}

TEST_CASE("values of threads that ended make room in task storage") {
    const MapSpec spec = storage_spec(60'000);
    const auto map = *create_map(spec);
    auto& storage = static_cast<TaskStorageMap&>(*map);
    std::uint32_t given = 0;
    const std::uint32_t wanted = TaskStorageMap::capacity(spec) + 50;
    for (std::uint32_t i = 0; i < wanted; ++i)
        std::thread([&] { given += storage.get(task_pointer(thread_id()), true, nullptr) != nullptr; }).join();
    CHECK(given == wanted);
}
