// Loaders, compilers and runners of programs killed with kill -9 at any instant, beside one process that lives. What
// must hold afterwards:
//   - no operation of the survivor takes longer than 100 ms,
//   - values that dead programs and loaders left are whole, records of a ring buffer too, and native code is that of
//   one compiler,
//   - the survivor's keys are all there, and its maps take new ones,
//   - ids have only grown,
//   - once nobody else is there, shared memory holds the files that it held at first, and no more bytes.
// --count sets how many processes die (two a round).
#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "runtime/maps/ringbuf.h"
#include "runtime/registry/shared_registry.h"
#include "runtime/syscall-server/bpf_call.h"
#include "test/catch.h"
#include "test/elf/call_cases.h"
#include "test/maps/killed_child.h"
#include "test/support/options.h"
#include "test/support/shm_name.h"
#include "vm/core/decode.h"
#include "vm/core/disasm.h"

namespace bpftime::test {

namespace {

using How = ShmDirectory::Open;

constexpr std::uint32_t kRing = 4096, kKeys = 8, kCode = 9000;

struct Pair {
    std::uint64_t number, inverse;
    bool whole() const { return inverse == ~number; }
};

// One client of the registry: the survivor, or one that dies.
struct Client {
    Client(const ShmName& shm, How how) : registry(*SharedRegistry::open(how, shm.name())) {}
    std::unique_ptr<SharedRegistry> registry;
    BpfSession session{*registry, {}, {}};
    BpfFunction bpf = [this](int command, void* attr, unsigned size) { return bpf_call(session, command, attr, size); };

    int map(std::uint32_t type, std::uint32_t key, std::uint32_t value, std::uint32_t entries) {
        return static_cast<int>(create(bpf, type, key, value, entries, 0, "killed"));
    }
    int find(int command, std::uint32_t id) {
        bpf_attr attr = empty_attr();
        attr.map_id = id;  // and prog_id
        return static_cast<int>(bpf(command, &attr, sizeof attr));
    }
    int run(int program, std::uint64_t number) {
        bpf_attr attr = empty_attr();
        attr.test.prog_fd = static_cast<std::uint32_t>(program);
        attr.test.ctx_in = address(&number);
        attr.test.ctx_size_in = sizeof number;
        return static_cast<int>(bpf(BPF_PROG_TEST_RUN, &attr, sizeof attr));
    }
    std::uint32_t id(int fd) const { return (*registry->at(fd))->id; }
};

// Puts a pair of its argument into the hash and the ring buffer, and counts in the array.
int load(Client& client, int hash, int ring, int array) {
    auto insns = assemble(R"(
        r6 = *(u64 *)(r1 + 0)
        *(u64 *)(r10 - 16) = r6
        r7 = r6
        r7 ^= -1
        *(u64 *)(r10 - 8) = r7
        r6 &= 7
        *(u32 *)(r10 - 24) = r6
        ld_pseudo r1, 1, 0
        r2 = r10
        r2 += -24
        r3 = r10
        r3 += -16
        r4 = 0
        call 2
        ld_pseudo r1, 1, 0
        r2 = r10
        r2 += -16
        r3 = 16
        r4 = 0
        call 130
        ld_pseudo r1, 2, 0
        r2 = 1
        lock *(u64 *)(r1 + 0) += r2
        r0 = 0
        exit)");
    REQUIRE(insns);
    std::vector<RawInsn> code = encode(*insns);
    const int maps[] = {hash, ring, array};
    std::size_t next = 0;
    for (std::size_t slot = 0; slot < code.size() && next < 3; ++slot)
        if (code[slot].opcode == kLddwOpcode) code[slot].imm = maps[next++];
    bpf_attr attr = empty_attr();
    attr.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT;
    attr.insns = address(code.data());
    attr.insn_cnt = static_cast<std::uint32_t>(code.size());
    attr.license = address("GPL");
    return static_cast<int>(client.bpf(BPF_PROG_LOAD, &attr, sizeof attr));
}

// ---- Those who die
// --------------------------------------------------------------------------------------------------------------

struct Shared {
    const ShmName& shm;
    std::uint32_t hash, program;
};

[[noreturn]] void load_for_ever(const Shared& shared, std::uint32_t seed) {
    Client client(shared.shm, How::Existing);
    for (;; ++seed) {
        const int hash = client.map(BPF_MAP_TYPE_HASH, 4, 16, 16), ring = client.map(BPF_MAP_TYPE_RINGBUF, 0, 0, kRing);
        const int array = client.map(BPF_MAP_TYPE_ARRAY, 4, 8, 1), program = load(client, hash, ring, array);
        client.run(program, seed);
        if (seed % 2 == 0) {
            const std::string path = cat("/killed/", getpid());
            (void)client.registry->pin(path, *client.registry->at(program));
            (void)client.registry->unpin(path);
        }
        const int theirs = client.find(BPF_MAP_GET_FD_BY_ID, shared.hash);
        const std::uint32_t key = seed % kKeys;
        const Pair pair{seed, ~std::uint64_t{seed}};
        element(client.bpf, BPF_MAP_UPDATE_ELEM, theirs, &key, &pair);
        for (const int fd : {hash, ring, array, program, theirs}) close(fd);
        client.registry->collect();
    }
}

[[noreturn]] void compile_for_ever(const Shared& shared, std::uint32_t seed) {
    Client client(shared.shm, How::Existing);
    for (;; ++seed) {
        const auto program = client.registry->by_id(ObjectKind::Program, shared.program);
        const std::vector<std::uint8_t> code(kCode, static_cast<std::uint8_t>(seed));
        (void)client.registry->store_companion(**program, kCodeCompanion, code);
    }
}

[[noreturn]] void run_for_ever(const Shared& shared, std::uint32_t seed) {
    Client client(shared.shm, How::Existing);
    const int program = client.find(BPF_PROG_GET_FD_BY_ID, shared.program);
    for (;; ++seed) client.run(program, seed);
}

// ---- The one who lives
// ----------------------------------------------------------------------------------------------------------

class Survivor {
public:
    Survivor()
        : client_(shm_, How::Create),
          hash_(client_.map(BPF_MAP_TYPE_HASH, 4, 16, 16)),
          ring_(client_.map(BPF_MAP_TYPE_RINGBUF, 0, 0, kRing)),
          array_(client_.map(BPF_MAP_TYPE_ARRAY, 4, 8, 1)),
          program_(load(client_, hash_, ring_, array_)) {
        REQUIRE(program_ >= 3);
        for (std::uint64_t number = 0; number < kKeys; ++number) REQUIRE(client_.run(program_, number) == 0);
        store_code();
        drain();
        files_ = files();
    }

    void run(std::uint32_t rounds) {
        const Shared shared{shm_, client_.id(hash_), client_.id(program_)};
        void (*const roles[])(const Shared&, std::uint32_t) = {
            [](const Shared& all, std::uint32_t seed) { load_for_ever(all, seed); },
            [](const Shared& all, std::uint32_t seed) { compile_for_ever(all, seed); },
            [](const Shared& all, std::uint32_t seed) { run_for_ever(all, seed); }};
        for (std::uint32_t round = 0; round < rounds; ++round) {
            pid_t children[2];
            for (pid_t& child : children) {
                const std::uint32_t seed = random_();
                child = start_doomed(random_() % 6000, [&] { roles[seed % 3](shared, seed); });
                REQUIRE(child > 0);
            }
            bool wrongly = false;
            slowest_.alone = false;
            for (const pid_t child : children) {
                while (!has_died(child, wrongly)) operate();
                REQUIRE(!wrongly);
            }
            slowest_.alone = true;
            for (int operations = 0; operations < 5; ++operations) operate();
            if (round % 25 == 0 || round + 1 == rounds) check_all();
        }
        INFO("slowest operation " << slowest_.us << " us, " << slowest_.beyond << " beyond 100 ms, " << records_ << " records");
        CHECK(slowest_.hung == 0);
        CHECK(records_ > 0);
    }

private:
    void operate() {
        const std::uint32_t choice = random_() % 6, key = random_() % kKeys;
        Pair pair{choice, ~std::uint64_t{choice}};
        if (choice == 0)
            REQUIRE(slowest_.time([&] { return element(client_.bpf, BPF_MAP_UPDATE_ELEM, hash_, &key, &pair); }) == 0);
        if (choice == 1) {
            REQUIRE(slowest_.time([&] { return element(client_.bpf, BPF_MAP_LOOKUP_ELEM, hash_, &key, &pair); }) == 0);
            REQUIRE(pair.whole());
        }
        if (choice == 2) REQUIRE(slowest_.time([&] { return client_.run(program_, random_()); }) == 0);
        if (choice == 3) slowest_.time([&] { return client_.registry->collect(), 0; });
        if (choice == 4) {
            const int fd = slowest_.time([&] { return client_.map(BPF_MAP_TYPE_ARRAY, 4, 8, 1); });
            REQUIRE(fd >= 3);
            REQUIRE(client_.id(fd) > last_id_);
            last_id_ = client_.id(fd);
            close(fd);
        }
        if (choice == 5) drain();
    }

    // Takes all records, as a client of the ring buffer does.
    void drain() {
        const auto pages =
            *SharedPages::map(client_.registry->open_companion(**client_.registry->at(ring_), kRingCompanion)->get(),
                              RingbufMap::kDataOffset + 2 * kRing);
        std::uint8_t* const base = pages.bytes().data();
        auto* const consumer = reinterpret_cast<std::uint64_t*>(base);
        const auto* const producer = reinterpret_cast<const std::uint64_t*>(base + RingbufMap::kProducerOffset);
        while (*consumer < __atomic_load_n(producer, __ATOMIC_ACQUIRE)) {
            const std::uint8_t* const record = base + RingbufMap::kDataOffset + *consumer % kRing;
            const std::uint32_t length =
                __atomic_load_n(reinterpret_cast<const std::uint32_t*>(record), __ATOMIC_ACQUIRE);
            if ((length & kRingBusy) != 0) break;  // its producer lives, or reserve() will find that it does not
            Pair pair;
            std::memcpy(&pair, record + 8, sizeof pair);
            if ((length & kRingDiscard) == 0) {
                REQUIRE(length == sizeof pair);
                REQUIRE(pair.whole());
                ++records_;
            }
            __atomic_store_n(consumer, *consumer + ((length & ~kRingDiscard) + 8 + 7) / 8 * 8, __ATOMIC_SEQ_CST);
        }
    }

    void store_code() {
        const std::vector<std::uint8_t> code(kCode, 1);
        REQUIRE(client_.registry->store_companion(**client_.registry->at(program_), kCodeCompanion, code));
    }

    // Every file that nobody but this process needs, with its size.
    std::vector<std::pair<std::string, std::uint64_t>> files() {
        for (const PinnedObject& pinned : client_.registry->pinned_objects())
            REQUIRE(client_.registry->unpin(pinned.path));
        client_.registry->collect();
        std::vector<std::pair<std::string, std::uint64_t>> result;
        for (const std::string& name : client_.registry->directory().names()) {
            struct stat status{};
            if (stat(cat(shm_.path(), '/', name).c_str(), &status) == 0)
                result.emplace_back(name, static_cast<std::uint64_t>(status.st_blocks));
        }
        std::ranges::sort(result);
        return result;
    }

    void check_all() {
        CHECK(files() == files_);
        for (std::uint32_t key = 0; key < kKeys; ++key) {
            Pair pair{};
            REQUIRE(element(client_.bpf, BPF_MAP_LOOKUP_ELEM, hash_, &key, &pair) == 0);
            REQUIRE(pair.whole());
        }
        for (std::uint32_t key = 100; key < 108; ++key) {  // all the room that is left is there
            const Pair pair{key, ~std::uint64_t{key}};
            REQUIRE(element(client_.bpf, BPF_MAP_UPDATE_ELEM, hash_, &key, &pair) == 0);
        }
        for (std::uint32_t key = 100; key < 108; ++key)
            REQUIRE(element(client_.bpf, BPF_MAP_DELETE_ELEM, hash_, &key, nullptr) == 0);
        const auto code = client_.registry->open_companion(**client_.registry->at(program_), kCodeCompanion);
        std::vector<std::uint8_t> bytes(kCode + 1);
        REQUIRE(code);
        REQUIRE(pread(code->get(), bytes.data(), bytes.size(), 0) == kCode);
        bytes.pop_back();
        REQUIRE(std::ranges::all_of(bytes, [&](std::uint8_t byte) { return byte == bytes[0]; }));
        // A producer that died over a record is noticed within 10 ms by the next.
        usleep(15'000);
        REQUIRE(client_.run(program_, 5) == 0);
        drain();
        const std::uint64_t before = records_;
        REQUIRE(client_.run(program_, 6) == 0);
        drain();
        REQUIRE(records_ > before);
    }

    ShmName shm_;
    Client client_;
    int hash_, ring_, array_, program_;
    std::vector<std::pair<std::string, std::uint64_t>> files_;
    std::mt19937 random_{1};
    Slowest slowest_;
    std::uint32_t last_id_ = 0;
    std::uint64_t records_ = 0;
};

}  // namespace

TEST_CASE("whoever is killed at whatever instant, the others go on and nothing is left behind") {
    Survivor().run(static_cast<std::uint32_t>(std::max<std::uint64_t>(2, test_option("count", 200)) / 2));
}

}  // namespace bpftime::test
