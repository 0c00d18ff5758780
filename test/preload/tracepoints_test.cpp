// Names and ids of the tracepoints of system calls.
#include "runtime/syscall-server/tracepoints.h"

#include "test/catch.h"

using namespace bpftime;

TEST_CASE("names and ids of tracepoints lead to each other") {
    int known = 0;
    for (std::uint64_t id = 0; id < (1u << 21); ++id) {
        const auto name = tracepoint_name(id);
        if (!name) continue;
        ++known;
        const std::size_t colon = name->find(':');
        REQUIRE(colon != std::string::npos);
        INFO(*name);
        const auto back = tracepoint_id(name->substr(0, colon), name->substr(colon + 1));
        REQUIRE(back);
        CHECK(*back == id);
    }
    CHECK(known > 500);  // two for each call
}

TEST_CASE("tracepoints have the kernel's names") {
    for (const char* name : {"sys_enter_openat", "sys_exit_openat", "sys_enter_read", "sys_enter_newuname",
                             "sys_exit_mmap", "sys_enter_bpf", "sys_enter_pidfd_open"})
        CHECK(tracepoint_id("syscalls", name));
    for (const char* name : {"sys_enter_uname", "sys_enter_", "sys_enter", "openat", "", "sys_leave_openat",
                             "sys_enteropenat", "sys_enter_syscalls"})
        CHECK_FALSE(tracepoint_id("syscalls", name));
    CHECK(tracepoint_name(*tracepoint_id("raw_syscalls", "sys_exit")) == "raw_syscalls:sys_exit");
    CHECK_FALSE(tracepoint_id("raw_syscalls", "sys_enter_openat"));
    CHECK_FALSE(tracepoint_id("sched", "sched_switch"));
    CHECK_FALSE(tracepoint_name(300));
}

TEST_CASE("paths of tracefs are taken apart") {
    const auto parts = split_tracepoint_path("/sys/kernel/debug/tracing/events/syscalls/sys_enter_read/id");
    REQUIRE(parts);
    CHECK(parts->category == "syscalls");
    CHECK(parts->name == "sys_enter_read");
    CHECK(parts->file == "id");
    CHECK(split_tracepoint_path("/sys/kernel/tracing/events/a/b/format"));
    for (const char* path : {"/sys/kernel/tracing/events/a/b", "/sys/kernel/tracing/events/",
                             "/sys/kernel/tracing/a/b/id", "/sys/kernel/tracing/events/a/b/c/id", "", "events/a/b/id"})
        CHECK_FALSE(split_tracepoint_path(path));
}
