// Our ring buffer and the running kernel's: the same operations give the same results, positions, records and wake-ups.
// Needs the right to load programs.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/epoll.h>

#include <cerrno>
#include <random>

#include "runtime/helpers/helpers.h"
#include "runtime/maps/ringbuf.h"
#include "test/maps/map_view.h"
#include "test/maps/ring_reader.h"
#include "test/maps/shared_map.h"
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
        fd = bpf_object__find_map_fd_by_name(object_, "ring");
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
    // Whether it woke since the last call.
    bool woke() const {
        epoll_event event;
        return epoll_wait(poll_, &event, 1, 0) == 1;
    }

    int fd = -1;

private:
    bpf_object* object_ = nullptr;
    Globals* globals_ = nullptr;
    int program_ = -1, poll_ = -1;
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
    std::uint8_t sample[2048];
    std::string a, b;
    for (int i = 0; i < 60'000; ++i) {
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
