// bpf(2) on a private registry.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <set>

#include "call_cases.h"
#include "runtime/registry/local_registry.h"
#include "runtime/syscall-server/bpf_call.h"
#include "test/catch.h"
#include "vm/core/result.h"

using namespace bpftime;
using namespace bpftime::test;

namespace {

struct Client {
    LocalRegistry registry;
    BpfSession session{registry, {}, {}};
    BpfFunction bpf = [this](int command, void* attr, unsigned size) { return bpf_call(session, command, attr, size); };
};

}  // namespace

TEST_CASE("calls end as the kernel's do") {
    for (const CallCase& row : kCallCases) {
        Client client;
        INFO(row.name);
        const long result = row.run(client.bpf);
        INFO((client.session.error ? to_string(*client.session.error) : "no error"));
        CHECK(result == row.expected);
        if (row.expected < 0) CHECK(client.session.error);
    }
}

TEST_CASE("commands have names") {
    CHECK(bpf_command_name(0) == "MAP_CREATE");
    CHECK(bpf_command_name(36) == "TOKEN_CREATE");
    CHECK(bpf_command_name(999).empty());
    Client client;
    bpf_attr attr = empty_attr();
    CHECK(client.bpf(36, &attr, sizeof(attr)) == -EOPNOTSUPP);
    CHECK(client.session.error->cause == "bpf command TOKEN_CREATE is not available in userspace");
}

TEST_CASE("every way to a descriptor leads to the same object") {
    Client client;
    const int fd = static_cast<int>(small_array(client.bpf));
    REQUIRE(fd >= 3);
    CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    const int copy = dup(fd), placed = fcntl(fd, F_DUPFD, 50);
    CHECK(placed >= 50);
    int key = 2;
    long value = 41, read = 0;
    CHECK(element(client.bpf, BPF_MAP_UPDATE_ELEM, fd, &key, &value) == 0);
    CHECK(element(client.bpf, BPF_MAP_LOOKUP_ELEM, copy, &key, &read) == 0);
    CHECK(read == 41);
    CHECK(dup3(fd, copy, O_CLOEXEC) == copy);
    close(fd);
    CHECK(element(client.bpf, BPF_MAP_LOOKUP_ELEM, fd, &key, &read) == -EBADF);
    read = 0;
    CHECK(element(client.bpf, BPF_MAP_LOOKUP_ELEM, placed, &key, &read) == 0);
    CHECK(read == 41);
    close(copy);
    close(placed);
}

TEST_CASE("an array's descriptor can be mapped, and freezing keeps new writers out") {
    Client client;
    const int fd = static_cast<int>(create(client.bpf, BPF_MAP_TYPE_ARRAY, 4, 100, 1, BPF_F_MMAPABLE));
    REQUIRE(fd >= 0);
    auto* bytes = static_cast<char*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    REQUIRE(bytes != MAP_FAILED);
    bytes[99] = 7;
    int key = 0;
    char value[100] = {};
    CHECK(element(client.bpf, BPF_MAP_LOOKUP_ELEM, fd, &key, value) == 0);
    CHECK(value[99] == 7);
    value[0] = 3;
    CHECK(element(client.bpf, BPF_MAP_UPDATE_ELEM, fd, &key, value) == 0);
    CHECK(bytes[0] == 3);
    bpf_attr attr = empty_attr();
    attr.map_fd = static_cast<std::uint32_t>(fd);
    CHECK(client.bpf(BPF_MAP_FREEZE, &attr, sizeof(attr)) == 0);
    CHECK(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
    void* reader = mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fd, 0);
    CHECK(reader != MAP_FAILED);
    munmap(reader, 4096);
    munmap(bytes, 4096);
    close(fd);
}

TEST_CASE("elements are found, replaced, deleted and walked") {
    Client client;
    const long fd = create(client.bpf, BPF_MAP_TYPE_HASH, 4, 8, 10);
    REQUIRE(fd >= 0);
    for (int key : {3, 1, 2}) {
        long value = key * 10;
        CHECK(element(client.bpf, BPF_MAP_UPDATE_ELEM, fd, &key, &value, BPF_NOEXIST) == 0);
    }
    int key = 1;
    long value = 5;
    CHECK(element(client.bpf, BPF_MAP_UPDATE_ELEM, fd, &key, &value, BPF_EXIST) == 0);
    CHECK(element(client.bpf, BPF_MAP_DELETE_ELEM, fd, &key, nullptr) == 0);
    CHECK(element(client.bpf, BPF_MAP_DELETE_ELEM, fd, &key, nullptr) == -ENOENT);
    std::set<int> seen;
    int next = 0;
    long result = element(client.bpf, BPF_MAP_GET_NEXT_KEY, fd, nullptr, &next);
    while (result == 0) {
        seen.insert(next);
        key = next;
        result = element(client.bpf, BPF_MAP_GET_NEXT_KEY, fd, &key, &next);
    }
    CHECK(result == -ENOENT);
    CHECK(seen == std::set<int>{2, 3});
    close(static_cast<int>(fd));
}

TEST_CASE("a program is kept decoded, with its maps in order of reference") {
    Client client;
    const int first = static_cast<int>(small_array(client.bpf)), second = static_cast<int>(small_hash(client.bpf));
    const RawInsn code[] = {{0x18, 0x11, 0, second}, {0, 0, 0, 0}, {0x18, 0x12, 0, first}, {0, 0, 0, 0},
                            {0x18, 0x13, 0, second}, {0, 0, 0, 0}, {0xb7, 0, 0, 0},        {0x95, 0, 0, 0}};
    const long fd = load(client.bpf, code, std::size(code));
    INFO((client.session.error ? to_string(*client.session.error) : "no error"));
    REQUIRE(fd >= 0);
    const auto program = client.registry.get<ProgramObject>(static_cast<int>(fd));
    REQUIRE(program);
    REQUIRE((*program)->program.maps.size() == 2);
    CHECK((*program)->program.maps[0].max_entries == 2);
    CHECK((*program)->program.insns[0].map_index() == 0);
    CHECK((*program)->program.insns[2].map_index() == 1);
    CHECK((*program)->program.insns[4].map_index() == 0);
    CHECK((*program)->program.license == "GPL");

    // bpftool's view of it.
    bpf_prog_info info{};
    std::uint32_t ids[4] = {};
    info.nr_map_ids = 4;
    info.map_ids = address(ids);
    bpf_attr attr = empty_attr();
    attr.info.bpf_fd = static_cast<std::uint32_t>(fd);
    attr.info.info_len = sizeof(info);
    attr.info.info = address(&info);
    CHECK(client.bpf(BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr)) == 0);
    CHECK(info.type == BPF_PROG_TYPE_SOCKET_FILTER);
    CHECK(info.nr_map_ids == 2);
    CHECK(info.xlated_prog_len == sizeof(code));
    CHECK(ids[0] == 2);
    CHECK(ids[1] == 1);
}

TEST_CASE("maps by the index of a descriptor") {
    Client client;
    const int fds[] = {static_cast<int>(small_hash(client.bpf)),
                       static_cast<int>(create(client.bpf, BPF_MAP_TYPE_ARRAY, 4, 8, 1))};
    const RawInsn code[] = {{0x18, 0x51, 0, 0}, {0, 0, 0, 0},    {0x18, 0x62, 0, 1},
                            {0, 0, 0, 4},       {0xb7, 0, 0, 0}, {0x95, 0, 0, 0}};
    bpf_attr attr = empty_attr();
    attr.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
    attr.insns = address(code);
    attr.insn_cnt = std::size(code);
    attr.license = address("GPL");
    attr.fd_array = address(fds);
    const long fd = client.bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
    INFO((client.session.error ? to_string(*client.session.error) : "no error"));
    REQUIRE(fd >= 0);
    const Program& program = (*client.registry.get<ProgramObject>(static_cast<int>(fd)))->program;
    CHECK(program.insns[0].op == Op::LddwMapByIdx);
    CHECK(program.insns[2].op == Op::LddwMapValueByIdx);
    CHECK(program.insns[2].map_index() == 1);
    CHECK(program.insns[2].map_offset() == 4);
    attr.fd_array = 0;
    CHECK(client.bpf(BPF_PROG_LOAD, &attr, sizeof(attr)) == -EINVAL);
}

TEST_CASE("the caller's log says why, where tools look for it") {
    Client client;
    const RawInsn code[] = {{0xb7, 0, 0, 0}, {0x85, 0, 0, 195896080}, {0x95, 0, 0, 0}};
    char log[256] = "";
    bpf_attr attr = empty_attr();
    attr.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
    attr.insns = address(code);
    attr.insn_cnt = std::size(code);
    attr.license = address("GPL");
    attr.log_buf = address(log);
    attr.log_size = sizeof(log);
    attr.log_level = 1;
    CHECK(client.bpf(BPF_PROG_LOAD, &attr, sizeof(attr)) == -EACCES);
    CHECK(std::string(log) == "1: (85) call unknown#195896080\ninvalid func unknown#195896080\n");
    attr.log_size = 8;
    CHECK(client.bpf(BPF_PROG_LOAD, &attr, sizeof(attr)) < 0);
    CHECK(std::string(log) == "1: (85)");
}

TEST_CASE("objects are found by id and by pinned path") {
    Client client;
    const int fd = static_cast<int>(small_array(client.bpf));
    bpf_attr attr = empty_attr();
    CHECK(client.bpf(BPF_MAP_GET_NEXT_ID, &attr, sizeof(attr)) == 0);
    CHECK(attr.next_id == 1);
    attr = empty_attr();
    attr.map_id = 1;
    const long by_id = client.bpf(BPF_MAP_GET_FD_BY_ID, &attr, sizeof(attr));
    REQUIRE(by_id >= 0);
    CHECK(*client.registry.at(static_cast<int>(by_id)) == *client.registry.at(fd));
    attr = empty_attr();
    attr.pathname = address("/sys/fs/bpf/mine");
    CHECK(client.bpf(BPF_OBJ_GET, &attr, sizeof(attr)) == -ENOENT);
    attr.bpf_fd = static_cast<std::uint32_t>(fd);
    CHECK(client.bpf(BPF_OBJ_PIN, &attr, sizeof(attr)) == 0);
    CHECK(client.bpf(BPF_OBJ_PIN, &attr, sizeof(attr)) == -EEXIST);
    attr.bpf_fd = 0;
    const long pinned = client.bpf(BPF_OBJ_GET, &attr, sizeof(attr));
    REQUIRE(pinned >= 0);
    CHECK(*client.registry.at(static_cast<int>(pinned)) == *client.registry.at(fd));
    close(fd);
    close(static_cast<int>(by_id));
    close(static_cast<int>(pinned));
}
