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
        const std::string answered = scenario.run([&](int command, void* attr, unsigned size) {
            return bpf_call(session, command, attr, size);
        });
        INFO((session.error ? to_string(*session.error) : "no error"));
        CHECK(answered == scenario.expected);
    });
}
