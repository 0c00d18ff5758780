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
