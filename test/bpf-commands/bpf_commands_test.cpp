// The scenarios on our handlers, over a private registry.
#include <vector>

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

// libbpf-tools have such a map each, and use it when they are asked to.
TEST_CASE("maps of types whose objects only a kernel has can be made, and their elements are refused") {
    LocalRegistry registry;
    BpfSession session{registry, {}, {}};
    const BpfFunction bpf = [&](int command, void* attr, unsigned size) {
        return bpf_call(session, command, attr, size);
    };
    for (const std::uint32_t type : {8, 14, 15, 16, 17, 18, 20, 25}) {
        INFO(type);
        const Handle map(create(bpf, type, 4, 4, 4));
        REQUIRE(map.get() >= 0);
        const std::uint32_t key = 0, value = 0;
        CHECK(element(bpf, BPF_MAP_UPDATE_ELEM, map.get(), &key, &value) == -kNotSupported);
        CHECK(element(bpf, BPF_MAP_LOOKUP_ELEM, map.get(), &key, &value) == -kNotSupported);
    }
}

TEST_CASE("map types that this runtime does not know are refused, and the log says why") {
    LocalRegistry registry;
    BpfSession session{registry, {}, {}};
    const BpfFunction bpf = [&](int command, void* attr, unsigned size) {
        return bpf_call(session, command, attr, size);
    };
    for (const std::uint32_t type : {26, 34, 1000}) {
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

// A dynptr that the program wrote itself would lead anywhere.
TEST_CASE("only dynptrs that a helper made are followed") {
    constexpr RawInsn kTo[] = {{0xbf, 0xa1, 0, 0}, {0x07, 1, 0, -32}, {0xb7, 2, 0, 8}};           // r1 = r10 - 32, r2 = 8
    constexpr RawInsn kFrom[] = {{0xbf, 0xa3, 0, 0}, {0x07, 3, 0, -16}, {0xb7, 4, 0, 0}, {0xb7, 5, 0, 0}};  // r3 = r10 - 16
    constexpr RawInsn kMade[] = {{0xbf, 0xa1, 0, 0}, {0x07, 1, 0, -64}, {0xb7, 2, 0, 16}, {0xb7, 3, 0, 0},
                                 {0xbf, 0xa4, 0, 0}, {0x07, 4, 0, -16}, {0x85, 0, 0, 197}};
    constexpr RawInsn kForged[] = {{0x7b, 0xaa, -16, 0}, {0x62, 10, -8, 0x10000008}, {0x62, 10, -4, 0}};
    const auto run = [&](bool made, bool forged) {
        std::vector<RawInsn> code;
        if (made) code.insert(code.end(), std::begin(kMade), std::end(kMade));
        if (forged) code.insert(code.end(), std::begin(kForged), std::end(kForged));
        code.insert(code.end(), std::begin(kTo), std::end(kTo));
        code.insert(code.end(), std::begin(kFrom), std::end(kFrom));
        code.push_back({0x85, 0, 0, 201});
        code.push_back({0x95, 0, 0, 0});
        LocalRegistry registry;
        BpfSession session{registry, {}, {}};
        const BpfFunction bpf = [&](int command, void* attr, unsigned size) { return bpf_call(session, command, attr, size); };
        const Handle program(load(bpf, code.data(), static_cast<std::uint32_t>(code.size()), BPF_PROG_TYPE_RAW_TRACEPOINT));
        bpf_attr attr = empty_attr();
        attr.test.prog_fd = static_cast<std::uint32_t>(program.get());
        const long result = bpf(BPF_PROG_TEST_RUN, &attr, sizeof(attr));
        return result == 0 ? static_cast<long>(attr.test.retval) : result;
    };
    CHECK(run(true, false) == 0);
    CHECK(run(true, true) == -EACCES);
    CHECK(run(false, true) == -EACCES);
    CHECK(run(false, false) == -EACCES);
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
