#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstring>
#include <set>
#include <string>
#include <thread>

#undef MAP_TYPE  // of <sys/mman.h>; the tables of map types use the name

#include "runtime/helpers/format.h"
#include "runtime/helpers/guarded_copy.h"
#include "runtime/helpers/helpers.h"
#include "runtime/helpers/run_context.h"
#include "runtime/maps/cpus.h"
#include "runtime/maps/id_array.h"
#include "runtime/maps/user_ops.h"
#include "test/catch.h"
#include "vm/core/kernel_names.h"

using namespace bpftime;

namespace {

using u64 = std::uint64_t;

u64 at(const void* pointer) { return reinterpret_cast<u64>(pointer); }
std::int64_t call(std::uint32_t id, u64 a = 0, u64 b = 0, u64 c = 0, u64 d = 0, u64 e = 0) {
    return static_cast<std::int64_t>(helper_function(id)(a, b, c, d, e));
}

// A readable page followed by one that is not.
struct Edge {
    char* page = static_cast<char*>(mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    Edge() {
        REQUIRE(page != MAP_FAILED);
        REQUIRE(mprotect(page + 4096, 4096, PROT_NONE) == 0);
    }
    ~Edge() { munmap(page, 8192); }
    char* before(std::size_t bytes) const { return page + 4096 - bytes; }
};

std::unique_ptr<Map> make(MapType type, std::uint32_t entries) {
    MapSpec spec;
    spec.type = static_cast<std::uint32_t>(type);
    spec.key_size = 4;
    spec.value_size = 8;
    spec.max_entries = entries;
    auto map = create_map(spec);
    REQUIRE(map);
    return std::move(*map);
}

// What printk writes while `work` runs.
template <class Work>
std::string traced(Work work) {
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    set_trace_output(ends[1]);
    work();
    set_trace_output(STDERR_FILENO);
    close(ends[1]);
    char text[4096];
    const ssize_t length = read(ends[0], text, sizeof text);
    close(ends[0]);
    return std::string(text, static_cast<std::size_t>(length > 0 ? length : 0));
}

}  // namespace

TEST_CASE("the helper table marks as implemented exactly what this runtime offers") {
    for (std::uint32_t id = 1; id < kHelperLimit; ++id) {
        INFO(helper(id)->name);
        CHECK(helper(id)->implemented == (helper_function(id) != nullptr));
    }
    CHECK(helper_function(0) == nullptr);
    const auto ids = implemented_helpers();
    CHECK(std::set(ids.begin(), ids.end()).size() == ids.size());
    const Bindings bindings = default_bindings(MapSet{});
    for (std::uint32_t id = 0; id < kHelperLimit; ++id) CHECK(bindings.helpers[id] == helper_function(id));
}

TEST_CASE("map helpers work on the handle of a binding") {
    MapSet maps;
    maps.push_back(make(MapType::Hash, 2));
    const Bindings bindings = default_bindings(maps);
    const u64 map = bindings.maps.at(0).handle;
    const std::uint32_t key = 7;
    const u64 value = 99;
    CHECK(call(1, map, at(&key)) == 0);
    CHECK(call(2, map, at(&key), at(&value), 0) == 0);
    const auto* found = reinterpret_cast<const u64*>(call(1, map, at(&key)));
    REQUIRE(found != nullptr);
    CHECK(*found == 99);
    CHECK(call(2, map, at(&key), at(&value), 1) == -EEXIST);
    CHECK(call(3, map, at(&key)) == 0);
    CHECK(call(3, map, at(&key)) == -ENOENT);
}

TEST_CASE("reading memory that is not there fails and zeroes what was asked for") {
    const Edge edge;
    std::memset(edge.page, 'x', 4096);
    char out[16];
    for (const std::uint32_t id : {4u, 112u, 113u, 148u}) {
        CHECK(call(id, at(out), 8, at(edge.before(8))) == 0);
        CHECK(std::memcmp(out, "xxxxxxxx", 8) == 0);
        CHECK(call(id, at(out), 8, at(edge.before(7))) == -EFAULT);
        CHECK(std::memcmp(out, "\0\0\0\0\0\0\0\0", 8) == 0);
        CHECK(call(id, at(out), 8, 0) == -EFAULT);
        CHECK(call(id, at(out), 8, 0xffff888000000000) == -EFAULT);
        CHECK(call(id, at(out), 8, 0x8000000000000000) == -EFAULT);
        CHECK(call(id, at(out), 0, 0) == 0);
    }
    errno = 5;
    CHECK(call(4, at(out), 8, 0) == -EFAULT);
    CHECK(errno == 5);
}

// As who owns the process handles faults; `faults` counts those of copies, others go where they went before.
struct GuardedCopies {
    static inline volatile sig_atomic_t faults = 0;
    struct sigaction before[2];
    static void handle(int number, siginfo_t*, void* context) {
        if (recover_copy(context)) return void(faults = faults + 1);
        signal(number, SIG_DFL);  // the instruction faults again
    }
    GuardedCopies() {
        struct sigaction act {};
        act.sa_sigaction = handle;
        act.sa_flags = SA_SIGINFO;
        sigaction(SIGSEGV, &act, &before[0]);
        sigaction(SIGBUS, &act, &before[1]);
        guard_copies(true);
        faults = 0;
    }
    ~GuardedCopies() {
        guard_copies(false);
        sigaction(SIGSEGV, &before[0], nullptr);
        sigaction(SIGBUS, &before[1], nullptr);
    }
};

TEST_CASE("memory is read without a system call where faults are seen to") {
    const Edge edge;
    for (int i = 0; i < 4096; ++i) edge.page[i] = static_cast<char>(i);
    const GuardedCopies guard;
    char out[64];
    int refused = 0;
    for (std::size_t size = 0; size <= 40; ++size)
        for (std::size_t there = 0; there <= 40; ++there) {
            std::memset(out, '?', sizeof out);
            const std::int64_t status = call(4, at(out), size, at(edge.before(there)));
            REQUIRE(status == (size <= there ? 0 : -EFAULT));
            refused += status != 0;
            const char zeros[40] = {};
            REQUIRE(std::memcmp(out, status == 0 ? edge.before(there) : zeros, size) == 0);
            REQUIRE(out[size] == '?');
        }
    CHECK(GuardedCopies::faults == refused);
    for (const u64 address : {u64{0}, u64{8}, u64{0xffff888000000000}, u64{0x8000000000000000}, ~u64{0} - 7})
        CHECK(call(4, at(out), 8, address) == -EFAULT);
    std::strcpy(edge.before(4), "end");
    CHECK(call(114, at(out), sizeof out, at(edge.before(4))) == 4);
    CHECK(call(114, at(out), sizeof out, at(edge.page + 4096)) == -EFAULT);
    CHECK(call(36, at(edge.before(8)), at("12345678"), 8) == 0);
    CHECK(std::memcmp(edge.before(8), "12345678", 8) == 0);
    CHECK(call(36, at(edge.before(8)), at("123456789"), 9) == -EFAULT);
    // A file that is shorter than its mapping: SIGBUS.
    const int fd = memfd_create("short", MFD_CLOEXEC);
    void* const beyond = mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fd, 0);
    REQUIRE(beyond != MAP_FAILED);
    CHECK(call(4, at(out), 8, at(beyond)) == -EFAULT);
    munmap(beyond, 4096);
    close(fd);
    // Whatever else faults is none of a copy's business.
    const pid_t child = fork();
    if (child == 0) {
        *reinterpret_cast<volatile char*>(edge.page + 4096) = 1;
        _exit(0);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK((WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV));
}

TEST_CASE("strings are read to their NUL, cut to the buffer, and never beyond a page's end") {
    const Edge edge;
    char out[16];
    for (const std::uint32_t id : {45u, 114u, 115u}) {
        std::memset(edge.page, 'x', 4096);
        std::memcpy(edge.before(4), "abc", 4);
        CHECK(call(id, at(out), sizeof out, at(edge.before(4))) == 4);
        CHECK(std::string(out) == "abc");
        CHECK(call(id, at(out), 3, at(edge.before(4))) == 3);
        CHECK(std::string(out) == "ab");
        edge.page[4095] = 'd';
        CHECK(call(id, at(out), sizeof out, at(edge.before(4))) == -EFAULT);
        CHECK(out[0] == 0);
        CHECK(call(id, at(out), 4, at(edge.before(4))) == 4);
        CHECK(std::string(out) == "abc");
        CHECK(call(id, at(out), 0, at(edge.before(4))) == 0);
        CHECK(call(id, at(out), 4, 16) == -EFAULT);
    }
    std::string text(1000, 'y');
    char copy[2000];
    CHECK(call(45, at(copy), sizeof copy, at(text.c_str())) == 1001);
    CHECK(text == copy);
}

TEST_CASE("writing to memory that is not there fails") {
    const Edge edge;
    CHECK(call(36, at(edge.before(3)), at("abc"), 3) == 0);
    CHECK(std::memcmp(edge.before(3), "abc", 3) == 0);
    CHECK(call(36, at(edge.page + 4096), at("abc"), 3) == -EFAULT);
    CHECK(call(36, at("constant"), at("abc"), 3) == -EFAULT);
}

TEST_CASE("clocks are the system's") {
    const struct {
        std::uint32_t id;
        clockid_t clock;
    } rows[] = {{5, CLOCK_MONOTONIC}, {125, CLOCK_BOOTTIME}, {160, CLOCK_MONOTONIC_COARSE}, {208, CLOCK_TAI}};
    for (const auto& row : rows) {
        const auto now = [&] {
            timespec time{};
            clock_gettime(row.clock, &time);
            return time.tv_sec * 1'000'000'000 + time.tv_nsec;
        };
        const std::int64_t before = now(), told = call(row.id), after = now();
        CHECK(before <= told);
        CHECK(told <= after);
    }
}

TEST_CASE("ids, name and place of the calling thread") {
    CHECK(call(14) == (static_cast<std::int64_t>(getpid()) << 32 | gettid()));
    std::thread([] { CHECK(call(14) == (static_cast<std::int64_t>(getpid()) << 32 | gettid())); }).join();
    CHECK(call(15) == (static_cast<std::int64_t>(getgid()) << 32 | getuid()));
    CHECK(call(8) < possible_cpus());
    CHECK(call(42) >= 0);
    prctl(PR_SET_NAME, "fifteen letters");
    char comm[20];
    std::memset(comm, 'x', sizeof comm);
    CHECK(call(16, at(comm), 20) == 0);
    CHECK(std::memcmp(comm, "fifteen letters\0\0\0\0", 20) == 0);
    CHECK(call(16, at(comm), 5) == 0);
    CHECK(std::string(comm) == "fift");
    prctl(PR_SET_NAME, "test-helpers");
}

TEST_CASE("a forked child has its own ids and random numbers") {
    call(14);
    call(7);
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        const std::int64_t told[] = {call(14), call(7), call(7)};
        const bool right = told[0] == (static_cast<std::int64_t>(getpid()) << 32 | gettid());
        _exit(right && write(ends[1], told, sizeof told) == sizeof told ? 0 : 1);
    }
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    std::int64_t told[3] = {};
    REQUIRE(read(ends[0], told, sizeof told) == sizeof told);
    CHECK((told[1] != call(7) || told[2] != call(7)));
    CHECK(call(14) == (static_cast<std::int64_t>(getpid()) << 32 | gettid()));
    close(ends[0]);
    close(ends[1]);
}

TEST_CASE("random numbers use all 32 bits evenly") {
    std::uint32_t ones[32] = {};
    std::set<std::int64_t> seen;
    constexpr int kCount = 20'000;
    for (int i = 0; i < kCount; ++i) {
        const std::int64_t number = call(7);
        REQUIRE(number >> 32 == 0);
        seen.insert(number);
        for (int bit = 0; bit < 32; ++bit) ones[bit] += number >> bit & 1;
    }
    for (const std::uint32_t count : ones) CHECK((count > kCount * 46 / 100 && count < kCount * 54 / 100));
    CHECK(seen.size() > kCount - 5);
}

TEST_CASE("printk writes one line a call") {
    const char plain[] = "hello %d", ended[] = "done\n", vformat[] = "%d %d %d %d";
    const u64 four[] = {1, 2, 3, 4};
    CHECK(traced([&] { CHECK(call(6, at(plain), sizeof plain, 7) == 7); }) == "hello 7\n");
    CHECK(traced([&] { CHECK(call(6, at(ended), sizeof ended) == 5); }) == "done\n");
    CHECK(traced([&] { CHECK(call(177, at(vformat), sizeof vformat, at(four), 32) == 7); }) == "1 2 3 4\n");
    CHECK(traced([&] { CHECK(call(177, at(vformat), sizeof vformat, at(four), 24) == -EINVAL); }).empty());
    CHECK(traced([&] { CHECK(call(177, at(vformat), sizeof vformat, at(four), 31) == -EINVAL); }).empty());
    CHECK(traced([&] { CHECK(call(177, at(vformat), sizeof vformat, 0, 32) == -EINVAL); }).empty());
    CHECK(traced([&] { CHECK(call(6, at(plain), 5, 7) == -EINVAL); }).empty());  // no NUL within the size
    const char wide[] = "%1100d";
    CHECK(traced([&] { CHECK(call(6, at(wide), sizeof wide, 7) == 1100); }).size() == 1024);
}

TEST_CASE("formats: bad pointers print as empty or zero, and strings share 512 bytes") {
    char out[1200];
    const std::string long_text(600, 'z');
    const u64 bad[] = {8, 8, at(long_text.c_str()), at(long_text.c_str())};
    CHECK(format_bpf(out, sizeof out, "[%s] [%pI4]", bad) == 12);
    CHECK(std::string(out) == "[] [0.0.0.0]");
    const u64 texts[] = {at(long_text.c_str()), at(long_text.c_str())};
    CHECK(format_bpf(out, sizeof out, "%s", texts) == 511);
    CHECK(format_bpf(out, sizeof out, "%s%s", texts) == -ENOSPC);
    CHECK(format_bpf(nullptr, 0, "%d", texts) > 0);
}

namespace {

u64 stop_at_three(u64 index, u64 context, u64, u64, u64) {
    *reinterpret_cast<u64*>(context) += index;
    return index == 3;
}
u64 sum_values(u64, u64 key, u64 value, u64 context, u64) {
    *reinterpret_cast<u64*>(context) += *reinterpret_cast<u64*>(value) + *reinterpret_cast<std::uint32_t*>(key);
    return 0;
}
u64 stop_at_once(u64, u64, u64, u64, u64) { return 1; }

}  // namespace

TEST_CASE("loop counts its calls and stops when told") {
    u64 sum = 0;
    CHECK(call(181, 3, at(reinterpret_cast<void*>(stop_at_three)), at(&sum), 0) == 3);
    CHECK(sum == 3);
    sum = 0;
    CHECK(call(181, 100, at(reinterpret_cast<void*>(stop_at_three)), at(&sum), 0) == 4);
    CHECK(sum == 6);
    CHECK(call(181, 0, 0, 0, 0) == 0);
    CHECK(call(181, 1, 0, 0, 1) == -EINVAL);
    CHECK(call(181, (1 << 23) + 1, 0, 0, 0) == -E2BIG);
}

TEST_CASE("for_each_map_elem visits every element of every map type") {
    for (const MapType type : {MapType::Array, MapType::PercpuArray, MapType::Hash}) {
        const auto map = make(type, 4);
        for (std::uint32_t key = 0; key < 4; ++key) {
            const u64 value = 10;
            CHECK(map->update(&key, &value, kUpdateAny) == 0);
        }
        u64 sum = 0;
        // The values of a per-CPU map are this CPU's; the scheduler may move us, so the sum is exact for the others
        // only.
        CHECK(call(164, map->handle(), at(reinterpret_cast<void*>(sum_values)), at(&sum), 0) == 4);
        if (type != MapType::PercpuArray) CHECK(sum == 46);
        CHECK(call(164, map->handle(), at(reinterpret_cast<void*>(stop_at_once)), 0, 0) == 1);
        CHECK(call(164, map->handle(), 0, 0, 1) == -EINVAL);
    }
}

TEST_CASE("another CPU's value by number") {
    const auto map = make(MapType::PercpuArray, 1);
    const std::uint32_t key = 0;
    CHECK(call(195, map->handle(), at(&key), 0) == static_cast<std::int64_t>(at(map->lookup_cpu(&key, 0))));
    CHECK(call(195, map->handle(), at(&key), possible_cpus()) == 0);
    const auto array = make(MapType::Array, 1);
    CHECK(call(195, array->handle(), at(&key), 0) == 0);
}

TEST_CASE("push, pop and peek of maps without keys") {
    MapSpec spec;
    spec.value_size = 8;
    spec.max_entries = 2;
    for (const MapType type : {MapType::Queue, MapType::Stack}) {
        spec.type = static_cast<std::uint32_t>(type);
        const auto map = *create_map(spec);
        u64 values[] = {1, 2, 3}, out = 77;
        CHECK(call(88, map->handle(), at(&out)) == -ENOENT);
        CHECK(out == 0);
        CHECK(call(87, map->handle(), at(&values[0]), 0) == 0);
        CHECK(call(87, map->handle(), at(&values[1]), 0) == 0);
        CHECK(call(87, map->handle(), at(&values[2]), 0) == -E2BIG);
        CHECK(call(87, map->handle(), at(&values[2]), 1) == -EINVAL);
        CHECK(call(87, map->handle(), at(&values[2]), 2) == 0);
        CHECK(call(89, map->handle(), at(&out)) == 0);
        CHECK(out == (type == MapType::Queue ? 2 : 3));
        CHECK(call(88, map->handle(), at(&out)) == 0);
        CHECK(call(88, map->handle(), at(&out)) == 0);
        CHECK(out == (type == MapType::Queue ? 3 : 2));
        CHECK(call(1, map->handle(), at(&out)) == 0);
        CHECK(call(2, map->handle(), at(&out), at(&out), 0) == -EINVAL);
    }
    spec.type = static_cast<std::uint32_t>(MapType::BloomFilter);
    const auto filter = *create_map(spec);
    u64 value = 5;
    CHECK(call(89, filter->handle(), at(&value)) == -ENOENT);
    CHECK(call(87, filter->handle(), at(&value), 0) == 0);
    CHECK(call(89, filter->handle(), at(&value)) == 0);
    CHECK(call(88, filter->handle(), at(&value)) == -EOPNOTSUPP);
    const auto array = make(MapType::Array, 1);
    for (const std::uint32_t id : {87u, 88u, 89u}) CHECK(call(id, array->handle(), at(&value)) == -EOPNOTSUPP);
}

TEST_CASE("records of a ring buffer know their map") {
    MapSpec spec;
    spec.type = static_cast<std::uint32_t>(MapType::Ringbuf);
    spec.max_entries = 4096;
    const auto first = *create_map(spec), second = *create_map(spec);
    const u64 sample = 5;
    const auto a = static_cast<u64>(call(131, first->handle(), 8, 0)),
               b = static_cast<u64>(call(131, second->handle(), 100, 0));
    REQUIRE(a != 0);
    REQUIRE(b != 0);
    CHECK(call(131, first->handle(), 8, 1) == 0);
    CHECK(call(132, a, 0) == 0);
    CHECK(call(133, b, 0) == 0);
    CHECK(call(130, first->handle(), at(&sample), 8, 0) == 0);
    CHECK(call(130, first->handle(), at(&sample), 8, 4) == -EINVAL);
    CHECK(call(134, first->handle(), 0) == 32);
    CHECK(call(134, second->handle(), 0) == 112);
    CHECK(call(134, second->handle(), 1) == 4096);
    CHECK(call(132, at(&sample), 0) == 0);  // no record of anything: nothing happens
    const auto array = make(MapType::Array, 1);
    CHECK(call(130, array->handle(), at(&sample), 8, 0) == -EINVAL);
    CHECK(call(131, array->handle(), 8, 0) == 0);
    CHECK(call(134, array->handle(), 1) == 0);
}

TEST_CASE("a tail call goes where the prog array says, 33 times in a run at most") {
    MapSpec spec;
    spec.type = static_cast<std::uint32_t>(MapType::ProgArray);
    spec.key_size = spec.value_size = 4;
    spec.max_entries = 2;
    const auto map = *create_map(spec);
    static const char entry = 0;
    const std::uint32_t key = 1, id = 77;
    REQUIRE(map->copy_in(&key, &id, 0) == 0);
    auto& programs = static_cast<IdArrayMap&>(*map);
    programs.set_resolver({[](std::uint32_t wanted, void* to) { return wanted == 77 ? reinterpret_cast<u64>(to) : 0; },
                           const_cast<char*>(&entry)});
    CHECK(call(12, 0, map->handle(), 1) == 0);  // nobody counts
    RunContext context;
    for (int run = 0; run < 2; ++run) {
        const RunScope scope(context);
        CHECK(call(12, 0, map->handle(), 0) == 0);
        CHECK(call(12, 0, map->handle(), 2) == 0);
        for (int i = 0; i < 33; ++i) CHECK(call(12, 0, map->handle(), 1) == static_cast<std::int64_t>(at(&entry)));
        CHECK(call(12, 0, map->handle(), 1) == 0);
    }
    CHECK(call(12, 0, make(MapType::Array, 2)->handle(), 1) == 0);
}

TEST_CASE("what a probe knows of the function it is in") {
    u64 out = 5;
    CHECK(call(58, 0, 7) == -EOPNOTSUPP);
    CHECK(call(173, 0) == 0);
    CHECK(call(174, 0) == 0);
    CHECK(call(183, 0, 0, at(&out)) == -EINVAL);
    CHECK(call(184, 0, at(&out)) == -EOPNOTSUPP);
    CHECK(call(185, 0) == 0);
    CHECK(out == 5);
    const u64 arguments[] = {11, 22};
    std::optional<u64> replaced;
    RunContext context;
    context.cookie = 0x1234;
    context.function = 0x5000;
    context.arguments = arguments;
    context.returned = 33;
    context.replaced = &replaced;
    const RunScope scope(context);
    {
        RunContext inner;
        const RunScope inside(inner);
        CHECK(call(174, 0) == 0);
    }
    CHECK(call(174, 0) == 0x1234);
    CHECK(call(173, 0) == 0x5000);
    CHECK(call(185, 0) == 2);
    CHECK(call(183, 0, 1, at(&out)) == 0);
    CHECK(out == 22);
    CHECK(call(183, 0, 2, at(&out)) == -EINVAL);
    CHECK(call(184, 0, at(&out)) == 0);
    CHECK(out == 33);
    CHECK(call(58, 0, static_cast<u64>(-5)) == 0);
    CHECK(replaced == static_cast<u64>(-5));
}

TEST_CASE("stacks are walked by frame pointers and no further than memory goes") {
    const Edge edge;
    // Two frames, the outer one at the edge, and a frame pointer that leads beyond it.
    auto* const inner = reinterpret_cast<u64*>(edge.before(64));
    auto* const outer = reinterpret_cast<u64*>(edge.before(16));
    inner[0] = at(outer), inner[1] = 0x1001;
    outer[0] = at(edge.before(8)), outer[1] = 0x1002;
    RunContext context;
    context.registers = ProbeRegisters{.ip = 0x1000, .sp = at(inner), .fp = at(inner)};
    u64 out[8];
    constexpr u64 kUser = 1u << 8;
    CHECK(call(67, 0, at(out), sizeof out, kUser) == -EFAULT);
    CHECK(out[0] == 0);
    const RunScope scope(context);
    CHECK(call(67, 0, at(out), sizeof out, kUser) == 24);
    CHECK((out[0] == 0x1000 && out[1] == 0x1001 && out[2] == 0x1002 && out[3] == 0));
    CHECK(call(67, 0, at(out), 8, kUser | 1) == 8);
    CHECK(out[0] == 0x1001);
    CHECK(call(67, 0, at(out), sizeof out, kUser | 3) == -EFAULT);
    CHECK(call(67, 0, at(out), sizeof out, 0) == -EFAULT);
    CHECK(call(67, 0, at(out), 12, kUser) == -EINVAL);
    CHECK(call(67, 0, at(out), 8, kUser | 1 << 12) == -EINVAL);
    CHECK(call(67, 0, at(out), 32, 1 << 11) == -EINVAL);
    CHECK(call(67, 0, at(out), 64, kUser | 1 << 11) == 64);
    CHECK((static_cast<std::uint32_t>(out[0]) == 2 && out[3] == 0x1000 && out[7] == 0x1001));
    // At the function's first instruction the return address is on top of the stack.
    context.function = 0x1000;
    context.registers->sp = at(&inner[1]);
    context.registers->fp = at(outer);
    CHECK(call(67, 0, at(out), sizeof out, kUser) == 24);
    CHECK((out[1] == 0x1001 && out[2] == 0x1002));
    context.registers->link = 0x2000;
    CHECK(call(67, 0, at(out), sizeof out, kUser) == 24);
    CHECK(out[1] == 0x2000);

    MapSpec spec;
    spec.type = static_cast<std::uint32_t>(MapType::StackTrace);
    spec.key_size = 4;
    spec.value_size = 64;
    spec.max_entries = 16;
    const auto stacks = *create_map(spec);
    const std::int64_t id = call(27, 0, stacks->handle(), kUser);
    REQUIRE((id >= 0 && id < 16));
    CHECK(call(27, 0, stacks->handle(), kUser) == id);
    CHECK(call(27, 0, stacks->handle(), 0) == -EFAULT);
    CHECK(call(27, 0, stacks->handle(), kUser | 1 << 11) == -EINVAL);
    const auto key = static_cast<std::uint32_t>(id);
    REQUIRE(user_lookup(*stacks, &key, out) == 0);
    CHECK((out[0] == 0x1000 && out[1] == 0x2000 && out[2] == 0x1002 && out[3] == 0));
}

TEST_CASE("the thread, its namespace and its cgroup as the host has them") {
    const auto task = static_cast<u64>(call(35));
    CHECK(task >> 63 == 1);
    CHECK(static_cast<u64>(call(35)) == task);
    u64 others = task, out = 0;
    std::thread([&] { others = static_cast<u64>(call(35)); }).join();
    CHECK(others != task);
    CHECK(call(113, at(&out), 8, task) == -EFAULT);

    struct stat status {};
    REQUIRE(stat("/proc/self/ns/pid", &status) == 0);
    std::uint32_t ids[2] = {9, 9};
    CHECK(call(120, status.st_dev, status.st_ino, at(ids), 8) == 0);
    CHECK((ids[0] == static_cast<std::uint32_t>(gettid()) && ids[1] == static_cast<std::uint32_t>(getpid())));
    CHECK(call(120, status.st_dev, status.st_ino + 1, at(ids), 8) == -EINVAL);
    CHECK((ids[0] == 0 && ids[1] == 0));
    CHECK(call(120, status.st_dev, status.st_ino, at(ids), 4) == -EINVAL);

    errno = 7;
    const std::int64_t cgroup = call(80);
    CHECK(call(80) == cgroup);
    CHECK(errno == 7);
}

TEST_CASE("dynptrs read, write and lend only what they mean") {
    std::uint8_t memory[32] = {}, out[16] = {};
    u64 pointer[2] = {9, 9};
    REQUIRE(call(197, at(memory), sizeof memory, 0, at(pointer)) == 0);
    CHECK(call(202, at(pointer), 30, at("ab"), 2, 0) == 0);
    CHECK(call(202, at(pointer), 31, at("ab"), 2, 0) == -E2BIG);
    CHECK(call(202, at(pointer), 0, at("ab"), 2, 1) == -EINVAL);
    CHECK(call(201, at(out), 3, at(pointer), 29, 0) == 0);
    CHECK(std::memcmp(out, "\0ab", 3) == 0);
    CHECK(call(201, at(out), 4, at(pointer), 29, 0) == -E2BIG);
    CHECK(call(201, at(out), 1, at(pointer), 0xffffffff, 0) == -E2BIG);
    CHECK(call(201, at(out), 1, at(pointer), 0, 1) == -EINVAL);
    CHECK(static_cast<u64>(call(203, at(pointer), 8, 24)) == at(memory + 8));
    CHECK(call(203, at(pointer), 8, 25) == 0);
    CHECK(call(197, at(memory), 8, 1, at(pointer)) == -EINVAL);
    CHECK((pointer[0] == 0 && pointer[1] == 0));
    CHECK(call(197, at(memory), 1 << 24, 0, at(pointer)) == -E2BIG);
    CHECK(call(201, at(out), 0, at(pointer), 0, 0) == -EINVAL);

    MapSpec spec;
    spec.type = static_cast<std::uint32_t>(MapType::Ringbuf);
    spec.max_entries = 4096;
    const auto ring = *create_map(spec);
    REQUIRE(call(198, ring->handle(), 16, 0, at(pointer)) == 0);
    CHECK(call(202, at(pointer), 4, at("xyz"), 3, 0) == 0);
    CHECK(call(199, at(pointer), 0) == 0);
    CHECK(call(134, ring->handle(), 0) == 24);
    CHECK(call(199, at(pointer), 0) == 0);  // null by now
    CHECK(call(198, ring->handle(), 16, 1, at(pointer)) == -EINVAL);
    CHECK(call(198, ring->handle(), 5000, 0, at(pointer)) == -EINVAL);
    CHECK(call(200, at(pointer), 0) == 0);
    CHECK(call(198, ring->handle(), 16, 0, at(pointer)) == 0);
    CHECK(call(200, at(pointer), 0) == 0);
    CHECK(call(134, ring->handle(), 0) == 48);
}
