// What processes of one registry do to each other: wake-ups, statistics, and who may take part.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <functional>

#include "runtime/registry/local_registry.h"
#include "runtime/registry/shared_registry.h"
#include "runtime/registry/statistics.h"
#include "runtime/syscall-server/bpf_call.h"
#include "test/catch.h"
#include "test/elf/call_cases.h"
#include "test/registry/open_registry.h"
#include "vm/core/decode.h"

namespace bpftime::test {

namespace {

using How = ShmDirectory::Open;

int call(Registry& registry, int command, bpf_attr& attr) {
    BpfSession session{registry, {}, {}};
    return static_cast<int>(bpf_call(session, command, &attr, sizeof attr));
}

int make_ring(Registry& registry) {
    bpf_attr attr = empty_attr();
    attr.map_type = BPF_MAP_TYPE_RINGBUF;
    attr.max_entries = static_cast<std::uint32_t>(getpagesize());
    return call(registry, BPF_MAP_CREATE, attr);
}

bool readable(int fd) {
    pollfd polled{.fd = fd, .events = POLLIN, .revents = 0};
    return poll(&polled, 1, 0) == 1;
}

// A process that does `work`, says so, and waits to be killed.
class Process {
public:
    explicit Process(const std::function<bool()>& work) {
        int ends[2];
        REQUIRE(pipe(ends) == 0);
        child_ = fork();
        if (child_ == 0) {
            if (!work() || write(ends[1], "", 1) != 1) _exit(1);
            for (;;) pause();
        }
        close(ends[1]);
        char byte;
        works_ = read(ends[0], &byte, 1) == 1;
        close(ends[0]);
    }
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;
    ~Process() { end(); }
    bool works() const { return works_; }
    void end() {
        if (child_ > 0) kill(child_, SIGKILL), waitpid(child_, nullptr, 0);
        child_ = -1;
    }

private:
    pid_t child_ = -1;
    bool works_ = false;
};

int load_nothing(Registry& registry) {
    const std::vector<RawInsn> code = {{.opcode = 0xb7}, {.opcode = 0x95}};
    bpf_attr attr = empty_attr();
    attr.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT;
    attr.insns = reinterpret_cast<std::uintptr_t>(code.data());
    attr.insn_cnt = 2;
    attr.license = reinterpret_cast<std::uintptr_t>("GPL");
    return call(registry, BPF_PROG_LOAD, attr);
}

bool run_once(Registry& registry, int fd) {
    bpf_attr attr = empty_attr();
    attr.test.prog_fd = static_cast<std::uint32_t>(fd);
    return call(registry, BPF_PROG_TEST_RUN, attr) == 0;
}

int enable_stats(Registry& registry) {
    bpf_attr attr = empty_attr();
    return call(registry, BPF_ENABLE_STATS, attr);
}

}  // namespace

TEST_CASE("a waker wakes who waits on a descriptor, in a process that takes its descriptors away as well") {
    const ShmName shm;
    const auto registry = open_registry(shm);
    const int fd = make_ring(*registry);
    REQUIRE(fd >= 3);
    const auto other = open_registry(shm);
    const auto waker = other->waker(**registry->at(fd));
    CHECK_FALSE(readable(fd));
    waker->wake();
    CHECK(readable(fd));
    char bytes[16];
    CHECK(read(fd, bytes, sizeof bytes) == 1);

    // The descriptor is closed behind the waker's back and its number given to a file, which must not be written.
    int number = -1;
    for (int i = 3; i < 1024; ++i) {
        const auto name = other->directory().name_of(i);
        if (i != fd && name && name->ends_with(".wake")) number = i;
    }
    REQUIRE(number >= 3);
    const auto file = anonymous_file("theirs", 0);
    REQUIRE(dup2(file->get(), number) == number);
    errno = 77;
    waker->wake();
    CHECK(errno == 77);
    CHECK(lseek(number, 0, SEEK_END) == 0);
    CHECK(readable(fd));
    close(number);

    for (int i = 0; i < 100'000; ++i) waker->wake();  // a full pipe is no reason to wait
    close(fd);
    registry->collect();
    waker->wake();
}

TEST_CASE("a private registry wakes too") {
    LocalRegistry registry;
    const int fd = make_ring(registry);
    REQUIRE(fd >= 3);
    CHECK_FALSE(readable(fd));
    registry.waker(**registry.at(fd))->wake();
    CHECK(readable(fd));
}

TEST_CASE("statistics count in every process while one wants them, and no longer") {
    const ShmName shm;
    const auto registry = open_registry(shm);
    const int fd = load_nothing(*registry);
    REQUIRE(fd >= 3);
    const auto program = *registry->get<ProgramObject>(fd);
    const auto runs = [&] { return program->page->runs.load(); };
    REQUIRE(run_once(*registry, fd));
    CHECK(runs() == 0);

    const int holder = enable_stats(*registry), second = dup(holder);
    REQUIRE(holder >= 3);
    CHECK(registry->at(holder).error().errnum == EINVAL);
    REQUIRE(run_once(*registry, fd));
    CHECK(runs() == 1);
    CHECK(program->page->run_time.load() > 0);
    close(holder);
    Process another([&] {
        const auto theirs = SharedRegistry::open(How::Existing, shm.name());
        const auto found = (*theirs)->by_id(ObjectKind::Program, program->id);
        return run_once(**theirs, *(*theirs)->open(**found));
    });
    CHECK(another.works());
    another.end();  // it has a copy of the descriptor
    CHECK(runs() == 2);
    close(second);
    registry->collect();
    REQUIRE(run_once(*registry, fd));
    CHECK(runs() == 2);

    Process wanting([&] { return enable_stats(**SharedRegistry::open(How::Existing, shm.name())) >= 3; });
    REQUIRE(run_once(*registry, fd));
    CHECK(runs() == 3);
    wanting.end();
    usleep(50'000);  // it is looked for holders every 10 ms
    REQUIRE(run_once(*registry, fd));
    CHECK(runs() == 3);
}

TEST_CASE("statistics of a private registry end with the last descriptor") {
    LocalRegistry registry;
    const int fd = load_nothing(registry), holder = enable_stats(registry);
    const auto program = *registry.get<ProgramObject>(fd);
    REQUIRE(run_once(registry, fd));
    close(holder);
    REQUIRE(run_once(registry, fd));
    CHECK(program->page->runs.load() == 1);
}

TEST_CASE("of two loaders each leaves, and the other's objects stay") {
    const ShmName shm;
    const auto load = [&](std::uint32_t entries) {
        return [&, entries] {
            auto mine = SharedRegistry::open(How::Create, shm.name());
            bpf_attr attr = empty_attr();
            attr.map_type = BPF_MAP_TYPE_HASH;
            attr.key_size = attr.value_size = 4;
            attr.max_entries = entries;
            SharedRegistry& registry = *mine->release();  // it lives until the process is killed
            return call(registry, BPF_MAP_CREATE, attr) >= 3 && load_nothing(registry) >= 3;
        };
    };
    auto first = std::make_unique<Process>(load(10));
    auto second = std::make_unique<Process>(load(20));
    const auto reader = SharedRegistry::open(How::Existing, shm.name());
    REQUIRE(reader);
    const auto entries = [&] {
        (*reader)->collect();
        std::vector<std::uint32_t> all;
        for (const std::uint32_t id : (*reader)->ids(ObjectKind::Map))
            all.push_back(static_cast<const MapObject&>(**(*reader)->by_id(ObjectKind::Map, id)).spec.max_entries);
        return all;
    };
    CHECK(entries() == std::vector<std::uint32_t>{10, 20});
    CHECK((*reader)->ids(ObjectKind::Program).size() == 2);
    first.reset();
    CHECK(entries() == std::vector<std::uint32_t>{20});
    CHECK((*reader)->ids(ObjectKind::Program).size() == 1);
    first = std::make_unique<Process>(load(30));
    second.reset();
    CHECK(entries() == std::vector<std::uint32_t>{30});
    first.reset();
    CHECK(entries().empty());
    CHECK((*reader)->ids(ObjectKind::Program).empty());
}

TEST_CASE("processes of other namespaces are refused") {
    const ShmName shm;
    const auto refusal = [&] {
        const auto opened = ShmDirectory::open(shm.name(), How::Existing);
        return opened ? std::string() : to_string(opened.error());
    };
    const auto registry = open_registry(shm);
    ControlPage& page = registry->directory().control();
    REQUIRE(page.pid_namespace != 0);
    const std::uint64_t pids = std::exchange(page.pid_namespace, 1);
    CHECK(refusal().find(" belongs to processes of another pid namespace; set another BPFTIME_GLOBAL_SHM_NAME in each namespace") !=
          std::string::npos);
    page.pid_namespace = 0;  // unknown
    CHECK(refusal().empty());
    page.pid_namespace = pids;
    page.time_namespace = 1;
    CHECK(refusal().find(" belongs to processes of another time namespace") != std::string::npos);
}

}  // namespace bpftime::test
