// Objects in shared memory, seen by the process that made them and by others.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <functional>

#include "runtime/registry/shared_registry.h"
#include "runtime/syscall-server/bpf_call.h"
#include "test/catch.h"
#include "test/elf/call_cases.h"
#include "test/registry/open_registry.h"
#include "vm/core/decode.h"
#include "vm/core/disasm.h"

namespace bpftime::test {

namespace {

using How = ShmDirectory::Open;

struct Client {
    explicit Client(const ShmName& shm) : registry(open_registry(shm)) {}
    std::unique_ptr<SharedRegistry> registry;
    BpfSession session{*registry, {}, {}};
    BpfFunction bpf = [this](int command, void* attr, unsigned size) { return bpf_call(session, command, attr, size); };
};

// Runs `work` in another process and returns whether it succeeded there.
bool in_child(const std::function<bool()>& work) {
    const pid_t child = fork();
    if (child == 0) _exit(work() ? 0 : 1);
    int status = -1;
    waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int make_map(Client& client, std::uint32_t type, std::uint32_t key, std::uint32_t value, std::uint32_t entries) {
    bpf_attr attr = empty_attr();
    attr.map_type = type;
    attr.key_size = key;
    attr.value_size = value;
    attr.max_entries = entries;
    std::strcpy(attr.map_name, "shared");
    return static_cast<int>(client.bpf(BPF_MAP_CREATE, &attr, sizeof attr));
}

// A program that refers to the map behind `fd`.
int load_program(Client& client, int fd) {
    std::vector<RawInsn> code = encode(*assemble("ld_pseudo r1, 1, 0\nr0 = 7\nexit"));
    code[0].imm = fd;
    bpf_attr attr = empty_attr();
    attr.prog_type = BPF_PROG_TYPE_KPROBE;
    attr.insns = reinterpret_cast<std::uintptr_t>(code.data());
    attr.insn_cnt = static_cast<std::uint32_t>(code.size());
    attr.license = reinterpret_cast<std::uintptr_t>("GPL");
    std::strcpy(attr.prog_name, "probe");
    return static_cast<int>(client.bpf(BPF_PROG_LOAD, &attr, sizeof attr));
}

std::uint32_t id_of(const Client& client, int fd) { return (*client.registry->at(fd))->id; }

}  // namespace

TEST_CASE("calls on a shared registry end as the kernel's do") {
    for (const CallCase& row : kCallCases) {
        const ShmName shm;
        Client client(shm);
        INFO(row.name);
        const long result = row.run(client.bpf);
        INFO((client.session.error ? to_string(*client.session.error) : "no error"));
        CHECK(result == row.expected);
    }
}

TEST_CASE("another process finds a map by its id and both see what either writes") {
    for (const std::uint32_t type : {BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_HASH}) {
        const ShmName shm;
        Client client(shm);
        const int fd = make_map(client, type, 4, 8, 16);
        REQUIRE(fd >= 3);
        int key = 3;
        long value = 41;
        REQUIRE(element(client.bpf, BPF_MAP_UPDATE_ELEM, fd, &key, &value) == 0);
        const std::uint32_t id = id_of(client, fd);
        CHECK(in_child([&] {
            Client other(shm);
            bpf_attr attr = empty_attr();
            attr.map_id = id;
            const int theirs = static_cast<int>(other.bpf(BPF_MAP_GET_FD_BY_ID, &attr, sizeof attr));
            long seen = 0, next = 42;
            return element(other.bpf, BPF_MAP_LOOKUP_ELEM, theirs, &key, &seen) == 0 && seen == 41 &&
                   element(other.bpf, BPF_MAP_UPDATE_ELEM, theirs, &key, &next) == 0;
        }));
        CHECK(element(client.bpf, BPF_MAP_LOOKUP_ELEM, fd, &key, &value) == 0);
        CHECK(value == 42);
    }
}

TEST_CASE("another process finds a program, its code, maps and names") {
    const ShmName shm;
    Client client(shm);
    const int map = make_map(client, BPF_MAP_TYPE_HASH, 8, 16, 32);
    const int fd = load_program(client, map);
    REQUIRE(fd >= 3);
    const std::uint32_t id = id_of(client, fd), map_id = id_of(client, map);
    CHECK(in_child([&] {
        const auto registry = SharedRegistry::open(How::Existing, shm.name());
        if (!registry) return false;
        const auto object = (*registry)->by_id(ObjectKind::Program, id);
        if (!object) return false;
        const auto& program = static_cast<const ProgramObject&>(**object);
        const Program& p = program.program;
        return p.name == "probe" && p.type == BPF_PROG_TYPE_KPROBE && p.license == "GPL" && p.insns.size() == 4 &&
               p.subprograms.size() == 1 && program.maps.size() == 1 && program.maps[0]->id == map_id &&
               p.maps[0].name == "shared" && p.maps[0].number == map_id && p.maps[0].value_size == 16;
    }));
}

TEST_CASE("a frozen map is frozen for everybody") {
    const ShmName shm;
    Client client(shm);
    const int fd = make_map(client, BPF_MAP_TYPE_ARRAY, 4, 8, 1);
    const std::uint32_t id = id_of(client, fd);
    const auto other = open_registry(shm);
    const auto before = other->by_id(ObjectKind::Map, id);
    REQUIRE(before);
    CHECK_FALSE(static_cast<const MapObject&>(**before).frozen());
    bpf_attr attr = empty_attr();
    attr.map_fd = static_cast<std::uint32_t>(fd);
    REQUIRE(client.bpf(BPF_MAP_FREEZE, &attr, sizeof attr) == 0);
    CHECK(client.bpf(BPF_MAP_FREEZE, &attr, sizeof attr) == -EPERM);
    CHECK(static_cast<const MapObject&>(**before).frozen());
}

TEST_CASE("a descriptor of an array maps its values") {
    const ShmName shm;
    Client client(shm);
    const int fd = make_map(client, BPF_MAP_TYPE_ARRAY, 4, 8, 4);
    void* const base = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    REQUIRE(base != MAP_FAILED);
    int key = 2;
    long value = 77;
    REQUIRE(element(client.bpf, BPF_MAP_UPDATE_ELEM, fd, &key, &value) == 0);
    CHECK(static_cast<long*>(base)[2] == 77);
    munmap(base, 4096);
}

TEST_CASE("records that are damaged are refused, not followed") {
    const ShmName shm;
    Client client(shm);
    const int map = make_map(client, BPF_MAP_TYPE_HASH, 4, 4, 4);
    const int fd = load_program(client, map);
    const std::uint32_t id = id_of(client, fd);
    const std::string path = cat(shm.path(), "/program.", id);
    const int file = open(path.c_str(), O_RDWR);
    REQUIRE(file >= 0);
    std::vector<std::uint8_t> record(200), zeros(4096);
    REQUIRE(pread(file, record.data(), record.size(), 0) == static_cast<ssize_t>(record.size()));
    for (std::size_t i = 0; i < record.size(); ++i) {
        const std::uint8_t flipped = record[i] ^ 0xff;
        REQUIRE(pwrite(file, &flipped, 1, static_cast<off_t>(i)) == 1);
        CHECK(in_child([&] {
            const auto registry = SharedRegistry::open(How::Existing, shm.name());
            const auto object = (*registry)->by_id(ObjectKind::Program, id);  // either, but no crash
            return object || object.error().errnum != 0;
        }));
        REQUIRE(pwrite(file, &record[i], 1, static_cast<off_t>(i)) == 1);
    }
    REQUIRE(pwrite(file, zeros.data(), zeros.size(), 4096) == 4096);  // the object's page
    const auto other = open_registry(shm);
    CHECK(to_string(other->by_id(ObjectKind::Program, id).error()).find("has a wrong header") != std::string::npos);
    REQUIRE(ftruncate(file, 100) == 0);
    CHECK(to_string(other->by_id(ObjectKind::Program, id).error()).find("is truncated") != std::string::npos);
    close(file);
}

}  // namespace bpftime::test
