// The scenarios on our handlers, over a private registry.
#include "runtime/registry/local_registry.h"
#include "runtime/syscall-server/bpf_call.h"
#include "scenario.h"
#include "test/catch.h"

using namespace bpftime;
using namespace bpftime::test;

TEST_CASE("commands answer as the kernel's do") {
    for_each_scenario([](const Scenario& scenario) {
        LocalRegistry registry;
        BpfSession session{registry, {}, {}};
        INFO(scenario.name);
        const std::string answered = scenario.run(
            [&](int command, void* attr, unsigned size) { return bpf_call(session, command, attr, size); });
        INFO((session.error ? to_string(*session.error) : "no error"));
        CHECK(answered == scenario.expected);
    });
}

TEST_CASE("map types whose objects only a kernel has are refused when they are created, and the log says why") {
    LocalRegistry registry;
    BpfSession session{registry, {}, {}};
    const BpfFunction bpf = [&](int command, void* attr, unsigned size) {
        return bpf_call(session, command, attr, size);
    };
    for (const std::uint32_t type : {8, 14, 15, 16, 17, 18, 19, 20, 21, 24, 25, 26, 28, 32, 33, 34, 1000}) {
        INFO(type);
        CHECK(create(bpf, type, 4, 4, 4) == -EINVAL);
        REQUIRE(session.error);
        CHECK(to_string(*session.error).find("this runtime does not have the type") != std::string::npos);
    }
}

// The kernel refuses such programs when they are loaded; here they must not take their loader down.
TEST_CASE("a program that leaves its memory ends with an error") {
    const RawInsn reads[] = {{0xb7, 1, 0, 0x1234}, {0x79, 0x10, 0, 0}, {0x95, 0, 0, 0}};
    const RawInsn writes_behind[] = {{0x61, 0x12, 4, 0}, {0x72, 2, 0, 1}, {0xb7, 0, 0, 0}, {0x95, 0, 0, 0}};
    for (const std::span<const RawInsn> code :
         {std::span<const RawInsn>(reads), std::span<const RawInsn>(writes_behind)}) {
        LocalRegistry registry;
        BpfSession session{registry, {}, {}};
        const BpfFunction bpf = [&](int command, void* attr, unsigned size) {
            return bpf_call(session, command, attr, size);
        };
        const Handle program(load(bpf, code.data(), static_cast<std::uint32_t>(code.size()), BPF_PROG_TYPE_XDP));
        REQUIRE(program.get() >= 0);
        std::uint8_t packet[64] = {};
        bpf_attr attr = empty_attr();
        attr.test.prog_fd = static_cast<std::uint32_t>(program.get());
        attr.test.data_in = address(packet);
        attr.test.data_size_in = sizeof(packet);
        attr.test.repeat = 100;
        CHECK(bpf(BPF_PROG_TEST_RUN, &attr, sizeof(attr)) < 0);
        REQUIRE(session.error);
        CHECK(session.error->insn == 1);
    }
}

// The answers are the kernel's for a uprobe at 0x1000 of /bin/true.
TEST_CASE("queries tell what is attached to an event") {
    LocalRegistry registry;
    BpfSession session{registry, {}, {}};
    const BpfFunction bpf = [&](int command, void* attr, unsigned size) {
        return bpf_call(session, command, attr, size);
    };
    auto probe = std::make_shared<PerfEventObject>();
    probe->target.path = "/bin/true";
    probe->target.sites = {{.offset = 0x1000}};
    const auto published = registry.publish(probe);
    REQUIRE(published);
    const Handle event(*published), program(load(bpf, kReturnZero, 2, BPF_PROG_TYPE_KPROBE));
    const auto query = [&](std::uint32_t room) {
        char name[100] = "untouched";
        bpf_attr attr = empty_attr();
        attr.task_fd_query.pid = static_cast<std::uint32_t>(getpid());
        attr.task_fd_query.fd = static_cast<std::uint32_t>(event.get());
        attr.task_fd_query.buf_len = room;
        attr.task_fd_query.buf = address(name);
        const long result = bpf(BPF_TASK_FD_QUERY, &attr, sizeof(attr));
        return cat(result, " length ", attr.task_fd_query.buf_len, " type ", attr.task_fd_query.fd_type, " program ",
                   attr.task_fd_query.prog_id, " offset ", attr.task_fd_query.probe_offset, ' ', name);
    };
    CHECK(query(100) == "-2 length 100 type 0 program 0 offset 0 untouched");
    probe->page->program = 1;
    CHECK(query(100) == "0 length 9 type 4 program 1 offset 4096 /bin/true");
    CHECK(query(10) == "0 length 9 type 4 program 1 offset 4096 /bin/true");
    CHECK(query(9) == "-28 length 9 type 4 program 1 offset 4096 /bin/tru");
    CHECK(query(4) == "-28 length 9 type 4 program 1 offset 4096 /bi");
    CHECK(query(0) == "0 length 9 type 4 program 1 offset 4096 untouched");
    probe->target.kind = ProbeKind::Tracepoint;
    probe->target.tracepoint = "sched:sched_switch";
    CHECK(query(100) == "0 length 12 type 1 program 1 offset 0 sched_switch");
    probe->target.kind = ProbeKind::Sampling;
    CHECK(query(100) == "-95 length 100 type 0 program 0 offset 0 untouched");
}
