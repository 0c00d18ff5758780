// libbpf's own consumer over our ring buffer: ring_buffer__new() and ring_buffer__poll() unchanged, over the descriptor
// of the storage file. Only what a file cannot do stands beside it, as the server of the system call will do it:
// telling what map it is, and being polled.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <random>
#include <vector>

#include "runtime/maps/dynptr.h"
#include "runtime/maps/ringbuf.h"
#include "runtime/maps/user_ringbuf.h"
#include "test/maps/killed_child.h"
#include "test/maps/map_view.h"
#include "test/maps/shared_map.h"
#include "test/support/options.h"

namespace {

constexpr std::uint32_t kSize = 64 << 10;
int map_fd = -1, wake_fd = -1;  // the storage file, and what stands for it in epoll
std::uint32_t map_type = BPF_MAP_TYPE_RINGBUF;

}  // namespace

// The names that --wrap gives.
extern "C" {
long __real_syscall(long number, ...);
int __real_epoll_ctl(int epoll, int operation, int fd, epoll_event* event);

long __wrap_syscall(long number, ...) {
    va_list arguments;
    va_start(arguments, number);
    long a[6];
    for (long& argument : a) argument = va_arg(arguments, long);
    va_end(arguments);
    auto* attr = reinterpret_cast<bpf_attr*>(a[1]);
    if (number == SYS_bpf && a[0] == BPF_OBJ_GET_INFO_BY_FD &&
        attr->info.bpf_fd == static_cast<std::uint32_t>(map_fd)) {
        auto* info = reinterpret_cast<bpf_map_info*>(attr->info.info);
        info->type = map_type;
        info->max_entries = kSize;
        return 0;
    }
    return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

// As the server maps a user ring buffer: the data twice.
void* __real_mmap(void* at, std::size_t size, int protection, int flags, int fd, off_t offset);
void* __wrap_mmap(void* at, std::size_t size, int protection, int flags, int fd, off_t offset) {
    void* const pages = __real_mmap(at, size, protection, flags, fd, offset);
    if (fd != map_fd || map_type != BPF_MAP_TYPE_USER_RINGBUF || offset == 0 || pages == MAP_FAILED) return pages;
    auto* const again = static_cast<std::uint8_t*>(pages) + 4096 + kSize;
    return __real_mmap(again, kSize, protection, flags | MAP_FIXED, fd, 8192) == again ? pages : MAP_FAILED;
}
void* __wrap_mmap64(void* at, std::size_t size, int protection, int flags, int fd, off_t offset) {
    return __wrap_mmap(at, size, protection, flags, fd, offset);
}

int __wrap_epoll_ctl(int epoll, int operation, int fd, epoll_event* event) {
    return __real_epoll_ctl(epoll, operation, fd == map_fd ? wake_fd : fd, event);
}
}

using namespace bpftime;
using namespace bpftime::test;

namespace {

struct Record {
    std::uint32_t producer, number, length, seed;
};

constexpr std::uint32_t kProducers = 3;
// Of each producer.
std::uint32_t records() { return static_cast<std::uint32_t>(test_option("count", 450'000) / kProducers); }

struct Seen {
    std::uint32_t last[kProducers] = {}, count = 0;
    std::string wrong;
};

int on_record(void* context, void* data, std::size_t size) {
    auto& seen = *static_cast<Seen*>(context);
    Record record{};
    if (size >= sizeof record) std::memcpy(&record, data, sizeof record);
    const auto* bytes = static_cast<const std::uint8_t*>(data);
    if (size != record.length || record.producer >= kProducers || record.number <= seen.last[record.producer])
        seen.wrong = cat("record ", record.number, " of ", record.producer, " has ", size, " bytes");
    for (std::size_t i = sizeof record; i < size && seen.wrong.empty(); ++i)
        if (bytes[i] != static_cast<std::uint8_t>(record.seed + i)) seen.wrong = cat("byte ", i, " of ", size);
    if (!seen.wrong.empty()) return -1;
    if (record.number != seen.last[record.producer] + 1) seen.wrong = cat("lost before ", record.number);
    seen.last[record.producer] = record.number;
    ++seen.count;
    return 0;
}

void wake(RingbufMap&, void*) {
    const std::uint64_t one = 1;
    if (write(wake_fd, &one, sizeof one) != sizeof one) _exit(3);
}

[[noreturn]] void produce(const SharedMap& shared, std::uint32_t producer) {
    const auto map = shared.open();
    auto& ring = static_cast<RingbufMap&>(*map);
    ring.set_wake(wake, nullptr);
    std::mt19937 random(producer);
    const std::uint32_t count = records();
    std::vector<std::uint8_t> sample(3'000);
    for (std::uint32_t number = 1; number <= count; ++number) {
        const Record record{producer, number,
                            static_cast<std::uint32_t>(sizeof(Record) + random() % (number % 50 == 0 ? 2'900 : 100)),
                            static_cast<std::uint32_t>(random())};
        for (std::size_t i = 0; i < record.length; ++i) sample[i] = static_cast<std::uint8_t>(record.seed + i);
        std::memcpy(sample.data(), &record, sizeof record);
        while (ring.output(sample.data(), record.length, 0) != 0) sched_yield();
    }
    _exit(0);
}

}  // namespace

TEST_CASE("libbpf consumes what three processes produce: nothing lost, out of order, corrupt or unannounced") {
    SharedMap shared(spec_of(BPF_MAP_TYPE_RINGBUF, 0, 0, kSize));
    map_fd = shared.fd();
    wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    Seen seen;
    ring_buffer* consumer = ring_buffer__new(map_fd, on_record, &seen, nullptr);
    REQUIRE(consumer != nullptr);
    pid_t children[kProducers];
    for (std::uint32_t i = 0; i < kProducers; ++i) {
        children[i] = fork();
        if (children[i] == 0) produce(shared, i);
    }
    auto& ring = static_cast<RingbufMap&>(*shared.map);
    while (seen.count < kProducers * records() && seen.wrong.empty()) {
        // As poll(2) on a ring buffer does: it is readable while there is data. The eventfd only ends the sleep.
        pollfd sleep{.fd = wake_fd, .events = POLLIN, .revents = 0};
        if (!ring.readable()) {
            REQUIRE(poll(&sleep, 1, 10'000) == 1);
        }
        std::uint64_t count = 0;
        (void)!read(wake_fd, &count, sizeof count);
        const int consumed = ring_buffer__consume(consumer);
        if (consumed < 0) break;
    }
    CHECK(seen.wrong == "");
    CHECK(seen.count == kProducers * records());
    for (const pid_t child : children) {
        int status = -1;
        if (!seen.wrong.empty()) kill(child, SIGKILL);
        CHECK(waitpid(child, &status, 0) == child);
        CHECK(status == 0);
    }
    // Its poll() as well, which sleeps in epoll until a record is committed.
    const auto map = shared.open();
    auto& mine = static_cast<RingbufMap&>(*map);
    mine.set_wake(wake, nullptr);
    seen = Seen();
    CHECK(ring_buffer__poll(consumer, 0) == 0);
    const Record record{0, 1, sizeof record, 0};
    CHECK(mine.output(&record, sizeof record, 0) == 0);
    CHECK(ring_buffer__poll(consumer, 1'000) == 1);
    CHECK(seen.count == 1);
    ring_buffer__free(consumer);
    close(wake_fd);
}

namespace {

struct Drained {
    std::uint64_t next = 0, wrong = 0, stop_after = ~0ull;
};

std::uint64_t on_sample(std::uint64_t dynptr_at, std::uint64_t context, std::uint64_t, std::uint64_t, std::uint64_t) {
    const Dynptr& dynptr = *reinterpret_cast<const Dynptr*>(dynptr_at);
    auto& drained = *reinterpret_cast<Drained*>(context);
    const std::uint32_t size = dynptr.size & kMaxDynptr;
    const auto* bytes = static_cast<const std::uint8_t*>(dynptr.data);
    std::uint64_t number = 0;
    if (size >= sizeof number) std::memcpy(&number, bytes, sizeof number);
    while (drained.next % 7 == 3) ++drained.next;  // those were discarded
    drained.wrong += number != drained.next || size != 8 + number % 500;
    for (std::uint32_t i = 8; i < size; ++i) drained.wrong += bytes[i] != static_cast<std::uint8_t>(number + i);
    ++drained.next;
    return drained.next >= drained.stop_after ? 1 : 0;
}

}  // namespace

TEST_CASE("programs get what libbpf's user_ring_buffer submits, over many turns of the ring") {
    SharedMap shared(spec_of(BPF_MAP_TYPE_USER_RINGBUF, 0, 0, kSize));
    map_fd = shared.fd();
    map_type = BPF_MAP_TYPE_USER_RINGBUF;
    wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    user_ring_buffer* const client = user_ring_buffer__new(map_fd, nullptr);
    REQUIRE(client != nullptr);
    auto& ring = static_cast<UserRingbufMap&>(*shared.map);
    Drained drained;
    const auto drain = [&](std::uint64_t flags = 0) {
        return ring.drain(on_sample, reinterpret_cast<std::uintptr_t>(&drained), flags);
    };
    CHECK(drain() == 0);
    CHECK(drain(4) == -EINVAL);
    constexpr std::uint64_t kSamples = 20'000;
    std::int64_t met = 0;
    std::uint64_t discarded = 0, full = 0;
    for (std::uint64_t number = 0; number < kSamples; ++number) {
        const auto size = static_cast<std::uint32_t>(8 + number % 500);
        auto* sample = static_cast<std::uint8_t*>(user_ring_buffer__reserve(client, size));
        if (sample == nullptr) {
            REQUIRE(errno == ENOSPC);
            ++full;
            met += drain();
            sample = static_cast<std::uint8_t*>(user_ring_buffer__reserve(client, size));
            REQUIRE(sample != nullptr);
        }
        std::memcpy(sample, &number, sizeof number);
        for (std::uint32_t i = 8; i < size; ++i) sample[i] = static_cast<std::uint8_t>(number + i);
        if (number % 7 == 3) {
            user_ring_buffer__discard(client, sample);
            ++discarded;
        } else {
            user_ring_buffer__submit(client, sample);
        }
    }
    drained.stop_after = drained.next + 5;
    const std::int64_t some = drain();
    CHECK((some >= 1 && some <= 5));
    drained.stop_after = ~0ull;
    met += some + drain();
    CHECK(drained.wrong == 0);
    CHECK(full > 50);
    CHECK(met == static_cast<std::int64_t>(kSamples - discarded));

    // A sample that was reserved only holds up those behind it; nonsense from the client is refused.
    void* const open = user_ring_buffer__reserve(client, 8);
    CHECK(drain() == 0);
    user_ring_buffer__discard(client, open);
    CHECK(drain() == 0);
    auto& produced = *reinterpret_cast<std::atomic<std::uint64_t>*>(
        static_cast<std::uint8_t*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, shared.fd(), 4096)));
    produced += 4;
    CHECK(drain() == -EINVAL);
    produced += 4;
    const std::int64_t nonsense = drain();  // the length is whatever was there
    CHECK((nonsense == -EINVAL || nonsense == -E2BIG || nonsense == 0));
    user_ring_buffer__free(client);
    close(wake_fd);
}
