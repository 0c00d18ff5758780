// Names and ids of the tracepoints of system calls.
#include "runtime/syscall-server/tracepoints.h"

#include <cstdio>
#include <fstream>

#include "test/catch.h"
#include "vm/core/result.h"

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

namespace {

// Where the kernel's tracefs can be read, its text; without the number, which is ours.
std::string kernel_format(const std::string& category, const std::string& name) {
    std::string text, line;
    for (const char* root : {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"}) {
        std::ifstream file(cat(root, "/events/", category, '/', name, "/format"));
        while (text.empty() && std::getline(file, line)) {
            do
                if (!line.starts_with("ID:")) text += line + '\n';
            while (std::getline(file, line));
        }
    }
    return text;
}

}  // namespace

TEST_CASE("formats of tracepoints describe their contexts") {
    CHECK(*tracepoint_format("syscalls", "sys_enter_openat") ==
          cat("name: sys_enter_openat\nID: ", *tracepoint_id("syscalls", "sys_enter_openat"), R"(
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:unsigned char common_flags;	offset:2;	size:1;	signed:0;
	field:unsigned char common_preempt_count;	offset:3;	size:1;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

	field:int __syscall_nr;	offset:8;	size:4;	signed:1;
	field:int dfd;	offset:16;	size:8;	signed:0;
	field:const char * filename;	offset:24;	size:8;	signed:0;
	field:int flags;	offset:32;	size:8;	signed:0;
	field:umode_t mode;	offset:40;	size:8;	signed:0;

print fmt: "dfd: 0x%08lx, filename: 0x%08lx, flags: 0x%08lx, mode: 0x%08lx", ((unsigned long)(REC->dfd)), ((unsigned long)(REC->filename)), ((unsigned long)(REC->flags)), ((unsigned long)(REC->mode))
)"));
    CHECK(tracepoint_format("raw_syscalls", "sys_exit")->ends_with("print fmt: \"NR %ld = %ld\", REC->id, REC->ret\n"));
    CHECK(tracepoint_format("syscalls", "sys_enter_getpid")->ends_with("print fmt: \"\"\n"));
    CHECK_FALSE(tracepoint_format("syscalls", "sys_enter_no_such_call"));
    CHECK_FALSE(tracepoint_format("sched", "sched_switch"));

    int compared = 0;
    for (std::uint64_t id = 1u << 20; const auto name = tracepoint_name(id); ++id) {
        const std::size_t colon = name->find(':');
        const std::string category = name->substr(0, colon), event = name->substr(colon + 1);
        const std::string theirs = kernel_format(category, event);
        const auto ours = tracepoint_format(category, event);
        if (theirs.empty() || !ours) continue;
        INFO(*name);
        CHECK(ours->substr(0, ours->find("ID:")) + ours->substr(ours->find("format:")) == theirs);
        ++compared;
    }
    std::printf("%d formats compared with the kernel's%s\n", compared, compared == 0 ? ", which cannot be read here" : "");
}

TEST_CASE("every tracepoint is listed") {
    const std::string list = '\n' + available_tracepoints();
    CHECK(list.find("\nsyscalls:sys_enter_openat\n") != std::string::npos);
    CHECK(list.find("\nraw_syscalls:sys_exit\n") != std::string::npos);
    CHECK(list.find("\nsched:") == std::string::npos);
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
