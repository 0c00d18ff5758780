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

#include "runtime/maps/ringbuf.h"
#include "test/maps/killed_child.h"
#include "test/maps/map_view.h"
#include "test/maps/shared_map.h"

namespace {

constexpr std::uint32_t kSize = 64 << 10;
int map_fd = -1, wake_fd = -1;  // the storage file, and what stands for it in epoll

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
        info->type = BPF_MAP_TYPE_RINGBUF;
        info->max_entries = kSize;
        return 0;
    }
    return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
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

constexpr std::uint32_t kProducers = 3, kRecords = 150'000;

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
    std::vector<std::uint8_t> sample(3'000);
    for (std::uint32_t number = 1; number <= kRecords; ++number) {
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
    while (seen.count < kProducers * kRecords && seen.wrong.empty()) {
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
    CHECK(seen.count == kProducers * kRecords);
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
