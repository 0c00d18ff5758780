// Our ring buffer and the running kernel's: the same operations give the same results, positions, records and wake-ups.
// Needs the right to load programs.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/epoll.h>

#include <cerrno>
#include <random>

#include "runtime/helpers/helpers.h"
#include "runtime/maps/dynptr.h"
#include "runtime/maps/ringbuf.h"
#include "runtime/maps/user_ringbuf.h"
#include "test/maps/map_view.h"
#include "test/maps/ring_reader.h"
#include "test/maps/shared_map.h"
#include "test/support/options.h"
#include "test/support/skip.h"

using namespace bpftime;
using namespace bpftime::test;

namespace {

// Layout of ring_cases.bpf.c.
struct Operation {
    std::uint32_t kind, size;
    std::uint64_t flags, discard;
};
struct Globals {
    Operation operation;
    std::int64_t result;
    std::uint8_t sample[2048];
    std::uint64_t drain_flags, stop_after, met, checksum;
};
constexpr std::uint64_t kReserved[] = {0, 8, 24, 1000, 4088};

class KernelRing {
public:
    KernelRing() {
        libbpf_set_print(nullptr);
        object_ = bpf_object__open_file(RING_CASES_OBJECT, nullptr);
        if (object_ == nullptr || bpf_object__load(object_) != 0)
            skip_binary(std::string("the kernel loads no programs for this process: ") + std::strerror(errno));
        program_ = bpf_program__fd(bpf_object__find_program_by_name(object_, "run_operation"));
        drain_program_ = bpf_program__fd(bpf_object__find_program_by_name(object_, "run_drain"));
        fd = bpf_object__find_map_fd_by_name(object_, "ring");
        user_fd = bpf_object__find_map_fd_by_name(object_, "user_ring");
        bpf_map* map;
        bpf_object__for_each_map(map, object_) {
            if (std::strstr(bpf_map__name(map), ".bss") != nullptr)
                globals_ = static_cast<Globals*>(
                    mmap(nullptr, sizeof(Globals), PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0));
        }
        REQUIRE(globals_ != MAP_FAILED);
        REQUIRE(globals_ != nullptr);
        poll_ = epoll_create1(EPOLL_CLOEXEC);
        epoll_event event{};
        event.events = EPOLLIN | EPOLLET;
        REQUIRE(epoll_ctl(poll_, EPOLL_CTL_ADD, fd, &event) == 0);
    }
    KernelRing(const KernelRing&) = delete;
    KernelRing& operator=(const KernelRing&) = delete;
    ~KernelRing() {
        close(poll_);
        munmap(globals_, sizeof(Globals));
        bpf_object__close(object_);
    }

    std::int64_t run(const Operation& operation, const std::uint8_t* sample) {
        globals_->operation = operation;
        std::memcpy(globals_->sample, sample, sizeof globals_->sample);
        LIBBPF_OPTS(bpf_test_run_opts, options);
        REQUIRE(bpf_prog_test_run_opts(program_, &options) == 0);
        return globals_->result;
    }
    const Globals& drain(std::uint64_t flags, std::uint64_t stop_after) {
        globals_->drain_flags = flags;
        globals_->stop_after = stop_after;
        LIBBPF_OPTS(bpf_test_run_opts, options);
        REQUIRE(bpf_prog_test_run_opts(drain_program_, &options) == 0);
        return *globals_;
    }
    // Whether it woke since the last call.
    bool woke() const {
        epoll_event event;
        return epoll_wait(poll_, &event, 1, 0) == 1;
    }

    int fd = -1, user_fd = -1;

private:
    bpf_object* object_ = nullptr;
    Globals* globals_ = nullptr;
    int program_ = -1, drain_program_ = -1, poll_ = -1;
};

std::int64_t run_here(Map& map, const Operation& operation, const std::uint8_t* sample) {
    const auto at = [](const void* pointer) { return reinterpret_cast<std::uint64_t>(pointer); };
    const auto call = [](std::uint32_t id, auto... arguments) { return helper_function(id)(arguments...); };
    const std::uint64_t handle = map.handle(), none = 0;
    if (operation.kind == 0)
        return static_cast<std::int64_t>(
            call(130, handle, at(sample), std::uint64_t{operation.size & 2047}, operation.flags, none));
    if (operation.kind == 5)
        return static_cast<std::int64_t>(call(134, handle, std::uint64_t{operation.size}, none, none, none));
    const std::uint64_t record = call(131, handle, kReserved[operation.kind], none, none, none);
    if (record == 0) return 0;
    std::memcpy(reinterpret_cast<void*>(record), sample, 8);
    call(operation.discard != 0 ? 133 : 132, record, operation.flags, none, none, none);
    return 1;
}

void count_wake(RingbufMap&, void* context) { ++*static_cast<int*>(context); }

}  // namespace

TEST_CASE("ring buffers are made of the shapes that the kernel makes them of") {
    std::uint32_t accepted = 0;
    std::mt19937 random(2);
    for (int i = 0; i < 2'000; ++i) {
        constexpr std::uint32_t kEntries[] = {0, 1, 2048, 4096, 4096, 8192, 12288, 16384, 1 << 20};
        MapSpec spec = spec_of(27, random() % 8 == 0 ? 4 : 0, random() % 8 == 0 ? 4 : 0, kEntries[random() % 9]);
        if (random() % 4 == 0) spec.flags = 1u << random() % 18;
        if (random() % 20 == 0) spec.extra = 1;
        const auto ours = create_map(spec);
        const auto kernel = kernel_map(spec);
        INFO("key " << spec.key_size << " value " << spec.value_size << " entries " << spec.max_entries << " flags "
                    << spec.flags << " extra " << spec.extra);
        REQUIRE((ours ? 0 : ours.error().errnum) == (kernel ? 0 : kernel.error().errnum));
        accepted += ours.has_value();
    }
    CHECK(accepted > 300);
}

TEST_CASE("random operations on a ring buffer do what they do in the kernel") {
    KernelRing kernel;
    SharedMap shared(spec_of(27, 0, 0, 4096));
    int wakes = 0, all_wakes = 0;
    static_cast<RingbufMap&>(*shared.map).set_wake(count_wake, &wakes);
    RingReader theirs(kernel.fd, 4096), ours(shared.fd(), 4096);
    std::mt19937 random(9);
    const auto count = static_cast<int>(test_option("count", 60'000));
    std::uint8_t sample[2048];
    std::string a, b;
    for (int i = 0; i < count; ++i) {
        for (auto& byte : sample) byte = static_cast<std::uint8_t>(i * 7 + (&byte - sample));
        constexpr std::uint64_t kFlags[] = {0, 0, 0, 1, 2, 3, 4, std::uint64_t{1} << 40};
        const std::uint32_t kind = random() % 6;
        const std::uint64_t flags = kFlags[random() % (kind == 0 ? 8 : 6)];
        const Operation operation{kind,
                                  static_cast<std::uint32_t>(random() % (kind == 5           ? 6
                                                                         : random() % 2 == 0 ? 64
                                                                                             : 2048)),
                                  flags, random() % 3 == 0};
        INFO("operation " << i << ": kind " << kind << " size " << operation.size << " flags " << flags);
        wakes = 0;
        if (kind == 5 && operation.size == 4) continue;  // BPF_RB_OVERWRITE_POS of newer kernels
        REQUIRE(run_here(*shared.map, operation, sample) == kernel.run(operation, sample));
        REQUIRE((wakes != 0) == kernel.woke());
        all_wakes += wakes;
        REQUIRE(ours.produced() == theirs.produced());
        while (random() % 9 < 4) {
            const auto next = ours.next(a);
            REQUIRE(next == theirs.next(b));
            if (next == RingReader::Next::Empty) break;
            // What a program reserved and did not write shows what was there before, in both.
            const std::size_t written = a.size() == 24 || a.size() == 1000 || a.size() == 4088 ? 8 : a.size();
            if (next == RingReader::Next::Sample) REQUIRE(a.substr(0, written) == b.substr(0, written));
        }
        REQUIRE(ours.consumed() == theirs.consumed());
    }
    CHECK(all_wakes > 1'000);
}

namespace {

// The client's side of a user ring buffer of 4096 bytes.
class UserClient {
public:
    explicit UserClient(int fd) {
        consumer_ = static_cast<std::uint8_t*>(mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fd, 0));
        pages_ = static_cast<std::uint8_t*>(mmap(nullptr, 2 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4096));
        REQUIRE(consumer_ != MAP_FAILED);
        REQUIRE(pages_ != MAP_FAILED);
    }
    UserClient(const UserClient&) = delete;
    UserClient& operator=(const UserClient&) = delete;
    ~UserClient() {
        munmap(consumer_, 4096);
        munmap(pages_, 2 * 4096);
    }
    std::uint64_t consumed() const { return __atomic_load_n(reinterpret_cast<std::uint64_t*>(consumer_), __ATOMIC_ACQUIRE); }
    void set_produced(std::uint64_t position) {
        __atomic_store_n(reinterpret_cast<std::uint64_t*>(pages_), position, __ATOMIC_RELEASE);
    }
    void set_header(std::uint64_t position, std::uint32_t word) {
        std::memcpy(pages_ + 4096 + (position & 4095), &word, sizeof word);
    }
    void write(std::uint64_t position, std::uint8_t byte) { pages_[4096 + (position & 4095)] = byte; }

private:
    std::uint8_t *consumer_, *pages_;
};

struct Drained {
    std::uint64_t stop_after = 0, met = 0, checksum = 0;
};

// As on_record of ring_cases.bpf.c.
std::uint64_t on_record(std::uint64_t at, std::uint64_t context, std::uint64_t, std::uint64_t, std::uint64_t) {
    const Dynptr& record = *reinterpret_cast<const Dynptr*>(at);
    auto& drained = *reinterpret_cast<Drained*>(context);
    for (const std::uint32_t offset : {0, 1, 7, 8, 15, 31, 100, 500, 3000}) {
        const bool inside = offset < (record.size & kMaxDynptr);
        const std::uint64_t byte = inside ? static_cast<const std::uint8_t*>(record.data)[offset] : 0;
        drained.checksum = drained.checksum * 31 + byte + static_cast<std::uint64_t>(inside ? 0 : -E2BIG);
    }
    return ++drained.met >= drained.stop_after;
}

}  // namespace

TEST_CASE("what a client writes into a user ring buffer, nonsense too, is drained as by the kernel") {
    KernelRing kernel;
    SharedMap shared(spec_of(31, 0, 0, 4096));
    auto& ring = static_cast<UserRingbufMap&>(*shared.map);
    UserClient clients[] = {UserClient(kernel.user_fd), UserClient(shared.fd())};
    std::mt19937 random(4);
    std::uint64_t produced = 0, all = 0, refused = 0;
    std::uint64_t busy = ~0ull;  // position of a record that is reserved only
    std::uint32_t busy_size = 0;
    const auto count = static_cast<int>(test_option("count", 60'000));
    for (int i = 0; i < count; ++i) {
        const std::uint64_t consumed = clients[0].consumed();
        REQUIRE(consumed == clients[1].consumed());
        const std::uint32_t kind = random() % 16;
        std::uint32_t size = random() % (random() % 8 == 0 ? 4088 : 300);
        if (kind < 8 && produced - consumed + (size + 15) / 8 * 8 <= 4096) {
            std::uint32_t word = size;
            if (kind == 0) word |= kRingDiscard;
            if (kind == 1 && busy == ~0ull) word |= kRingBusy, busy = produced, busy_size = size;
            for (UserClient& client : clients) {
                client.set_header(produced, word);
                for (std::uint32_t at = 0; at < size; ++at) client.write(produced + 8 + at, static_cast<std::uint8_t>(i + at));
                client.set_produced(produced + (size + 15) / 8 * 8);
            }
            produced += (size + 15) / 8 * 8;
            continue;
        }
        if (kind == 8 && busy != ~0ull) {
            for (UserClient& client : clients) client.set_header(busy, busy_size | (i % 2 == 0 ? kRingDiscard : 0));
            busy = ~0ull;
        }
        const bool nonsense = kind == 9 && busy == ~0ull;
        if (nonsense) {
            const std::uint64_t end = consumed + random() % 64;
            const std::uint32_t word = random() % 2 == 0 ? static_cast<std::uint32_t>(random()) : size;
            for (UserClient& client : clients) {
                client.set_header(consumed, word & ~kRingBusy);
                client.set_produced(end);
            }
        }
        constexpr std::uint64_t kFlags[] = {0, 0, 0, 1, 2, 3, 4, std::uint64_t{1} << 40};
        const std::uint64_t flags = kFlags[random() % 8], stop_after = random() % 4 == 0 ? 1 + random() % 3 : ~0ull;
        Drained drained{.stop_after = stop_after};
        const std::int64_t ours = ring.drain(on_record, reinterpret_cast<std::uintptr_t>(&drained), flags);
        const Globals& theirs = kernel.drain(flags, stop_after);
        INFO("operation " << i << ": consumed " << consumed << " produced " << produced << " flags " << flags << " stop "
                          << stop_after << " nonsense " << nonsense);
        REQUIRE(ours == theirs.result);
        REQUIRE(drained.met == theirs.met);
        REQUIRE(drained.checksum == theirs.checksum);
        all += drained.met;
        refused += ours < 0;
        if (nonsense) {
            produced = (clients[0].consumed() + 7) / 8 * 8;
            for (UserClient& client : clients) client.set_produced(produced);
        }
    }
    CHECK(all > static_cast<std::uint64_t>(count / 10));
    CHECK(refused > static_cast<std::uint64_t>(count / 100));
}
