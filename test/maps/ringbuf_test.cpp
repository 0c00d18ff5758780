// The ring buffer by itself: layout, room, wake-ups, and producers that die.
#include "runtime/maps/ringbuf.h"

#include <deque>
#include <random>
#include <vector>

#include "test/maps/killed_child.h"
#include "test/maps/map_view.h"
#include "test/maps/ring_reader.h"
#include "test/maps/shared_map.h"

using namespace bpftime;
using namespace bpftime::test;
using Next = RingReader::Next;

namespace {

constexpr std::uint32_t kType = 27;

RingbufMap& ring_of(Map& map) { return static_cast<RingbufMap&>(map); }

void count_wake(RingbufMap&, void* context) { ++*static_cast<int*>(context); }

}  // namespace

TEST_CASE("ring buffers of shapes that the kernel refuses are EINVAL") {
    CHECK(map_storage(spec_of(kType, 0, 0, 4096)).value_or(0) == 4 * 4096);
    CHECK(map_storage(spec_of(kType, 0, 0, 1 << 20, 4)).has_value());
    for (const MapSpec& spec : {spec_of(kType, 4, 0, 4096), spec_of(kType, 0, 8, 4096), spec_of(kType, 0, 0, 0),
                                spec_of(kType, 0, 0, 2048), spec_of(kType, 0, 0, 12288), spec_of(kType, 0, 0, 4096, 1)})
        CHECK(map_storage(spec).error().errnum == EINVAL);
}

TEST_CASE("records of all sizes reach a consumer that maps the file as the kernel's, whole and in order") {
    for (const bool twice : {true, false}) {
        SharedMap shared(spec_of(kType, 0, 0, 4096));
        RingbufMap& ring = ring_of(*shared.map);
        RingReader reader(shared.fd(), 4096, twice);
        std::mt19937 random(1);
        std::deque<std::string> sent;
        std::string sample;
        std::uint32_t refused = 0, seen = 0, dropped = 0;
        for (int i = 0; i < 20'000; ++i) {
            std::string text(random() % 700, static_cast<char>('a' + i % 26));
            if (!text.empty()) text.back() = '.';
            void* to = ring.reserve(text.size());
            refused += to == nullptr;
            if (to != nullptr) {
                std::memcpy(to, text.data(), text.size());
                const bool discard = random() % 4 == 0;
                CHECK(RingbufMap::of_sample(to) == &ring);
                ring.commit(to, 0, discard);
                sent.push_back(discard ? "(discarded)" : text);
            }
            while (random() % 21 < 11) {
                const Next next = reader.next(sample);
                if (next == Next::Empty) break;
                REQUIRE(next != Next::Busy);
                REQUIRE(!sent.empty());
                REQUIRE((next == Next::Discarded ? "(discarded)" : sample) == sent.front());
                sent.pop_front();
                (next == Next::Discarded ? dropped : seen) += 1;
            }
        }
        CHECK(refused > 100);
        CHECK(seen > 5'000);
        CHECK(dropped > 1'000);
    }
}

TEST_CASE("room ends one byte before the ring does, also behind a record that is not committed") {
    const auto map = *create_map(spec_of(kType, 0, 0, 4096));
    RingbufMap& ring = ring_of(*map);
    CHECK(ring.reserve(4089) == nullptr);
    CHECK(ring.reserve(4088) == nullptr);  // 4096 with its header: the positions would meet
    CHECK(ring.reserve(UINT32_MAX) == nullptr);
    CHECK(ring.reserve(~std::uint64_t{0}) == nullptr);
    void* first = ring.reserve(4080);
    REQUIRE(first != nullptr);
    CHECK(ring.reserve(0) == nullptr);
    CHECK(ring.output("x", 1, 0) == -EAGAIN);
    CHECK(ring.output("x", 1, 4) == -EINVAL);
    CHECK(ring.query(0) == 4088);
    CHECK(ring.query(1) == 4096);
    CHECK(ring.query(2) == 0);
    CHECK(ring.query(3) == 4088);
    CHECK(ring.query(4) == 0);
    ring.commit(first, 0, false);
    CHECK(ring.reserve(0) == nullptr);
    std::uint8_t value[8];
    CHECK(ring.copy_out(nullptr, value) == -524);
    CHECK(ring.copy_in(nullptr, value, 0) == -524);
    CHECK(ring.erase(nullptr) == -524);
    CHECK(ring.next_key(nullptr, value) == -524);
    CHECK(ring.take(nullptr, value) == -524);
}

TEST_CASE("a commit wakes when the consumer has come to that record, or as its flags say") {
    SharedMap shared(spec_of(kType, 0, 0, 4096));
    RingbufMap& ring = ring_of(*shared.map);
    RingReader reader(shared.fd(), 4096);
    int wakes = 0;
    ring.set_wake(count_wake, &wakes);
    std::string sample;
    ring.output("a", 1, 0);
    CHECK(wakes == 1);
    ring.output("b", 1, 0);  // the consumer has not come that far
    CHECK(wakes == 1);
    ring.output("c", 1, kRingForceWakeup);
    CHECK(wakes == 2);
    while (reader.next(sample) == Next::Sample) {
    }
    CHECK(!ring.readable());
    ring.output("d", 1, kRingNoWakeup);
    CHECK(wakes == 2);
    CHECK(ring.readable());
    CHECK(reader.next(sample) == Next::Sample);
    void* record = ring.reserve(8);
    CHECK(ring.readable());
    CHECK(reader.next(sample) == Next::Busy);
    ring.commit(record, 0, true);  // discarded ones wake as well
    CHECK(wakes == 3);
    ring.output("e", 1, kRingNoWakeup | kRingForceWakeup);
    CHECK(wakes == 4);
}

TEST_CASE("positions and headers that someone spoilt keep nobody and reach nothing outside") {
    SharedMap shared(spec_of(kType, 0, 0, 4096));
    RingbufMap& ring = ring_of(*shared.map);
    auto* words = static_cast<std::uint64_t*>(mmap(nullptr, 16384, PROT_READ | PROT_WRITE, MAP_SHARED, shared.fd(), 0));
    REQUIRE(words != MAP_FAILED);
    std::mt19937_64 random(3);
    std::uint32_t reserved = 0;
    for (int i = 0; i < 20'000; ++i) {
        const std::uint64_t spoilt = random() >> (random() % 64);
        constexpr std::size_t kWords[] = {0, 512, 513, 1024, 1025, 1030};
        words[kWords[random() % 6]] = random() % 3 == 0 ? 0 : spoilt;
        const std::uint64_t size = random() % 600;
        auto* to = static_cast<std::uint8_t*>(ring.reserve(size));
        if (to == nullptr) continue;
        ++reserved;
        std::memset(to, 0xff, size);
        if (i % 5 != 0) ring.commit(to, 0, i % 2 == 0);
    }
    CHECK(reserved > 100);
    munmap(words, 16384);
}

TEST_CASE("a record of a producer that died is discarded, those behind it arrive") {
    SharedMap shared(spec_of(kType, 0, 0, 4096));
    RingbufMap& ring = ring_of(*shared.map);
    RingReader reader(shared.fd(), 4096);
    int wakes = 0;
    ring.set_wake(count_wake, &wakes);
    const pid_t child = fork();
    if (child == 0) {
        const auto mine = shared.open();
        RingbufMap& same = ring_of(*mine);
        const bool first = same.output("one", 3, kRingNoWakeup) == 0 && same.reserve(100) != nullptr;
        _exit(first && same.output("two", 3, 0) == 0 ? 0 : 1);
    }
    int status = -1;
    std::string sample;
    SECTION("reaped") { REQUIRE(waitpid(child, &status, 0) == child); }
    SECTION("still a zombie") {
        siginfo_t info;
        REQUIRE(waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT) == 0);
    }
    REQUIRE(reader.next(sample) == Next::Sample);
    CHECK(sample == "one");
    CHECK(reader.next(sample) == Next::Busy);
    CHECK(ring.reclaim());
    CHECK(wakes == 1);
    CHECK(!ring.reclaim());
    CHECK(reader.next(sample) == Next::Discarded);
    REQUIRE(reader.next(sample) == Next::Sample);
    CHECK(sample == "two");
    CHECK(reader.next(sample) == Next::Empty);
    waitpid(child, &status, 0);
}

TEST_CASE("a record of a producer that lives stays") {
    SharedMap shared(spec_of(kType, 0, 0, 4096));
    RingbufMap& ring = ring_of(*shared.map);
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    const pid_t child = fork();
    if (child == 0) {
        const auto mine = shared.open();
        char byte = ring_of(*mine).reserve(100) != nullptr;
        _exit(write(ends[1], &byte, 1) == 1 && pause() ? 0 : 1);
    }
    char byte = 0;
    REQUIRE(read(ends[0], &byte, 1) == 1);
    CHECK(byte == 1);
    CHECK(!ring.reclaim());
    CHECK(ring.reserve(4000) == nullptr);
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    CHECK(ring.reserve(4000) == nullptr);  // discards the record, but the consumer has not passed it
    RingReader reader(shared.fd(), 4096);
    std::string sample;
    CHECK(reader.next(sample) == Next::Discarded);
    CHECK(ring.reserve(4000) != nullptr);
    close(ends[0]);
    close(ends[1]);
}

// Producers in processes of their own, killed at random instants: what one committed arrives whole and in order, and
// the ring never stays blocked while another producer, which lives, goes on.
TEST_CASE("kill -9 of producers at any instant keeps the ring going") {
    constexpr std::uint32_t kSize = 1 << 20;
    SharedMap shared(spec_of(kType, 0, 0, kSize));
    RingReader reader(shared.fd(), kSize);
    struct Record {
        std::uint32_t producer, number, length;
    };
    const auto produce = [&](std::uint32_t producer) {
        const auto mine = shared.open();
        RingbufMap& ring = ring_of(*mine);
        std::mt19937 random(producer);
        for (std::uint32_t number = 1;; ++number) {
            const Record record{producer, number, static_cast<std::uint32_t>(sizeof(Record) + random() % 600)};
            void* sample;
            while ((sample = ring.reserve(record.length)) == nullptr) sched_yield();
            std::memset(sample, static_cast<int>(number), record.length);
            std::memcpy(sample, &record, sizeof record);
            for (std::uint32_t left = random() % 10'000; left > 0; --left) __asm__ volatile("");
            ring.commit(sample, 0, false);
        }
    };
    std::vector<std::uint32_t> last(1, 0);
    std::uint64_t seen = 0, discarded = 0, slowest = 0, beyond = 0;
    std::string sample;
    const auto consume_one = [&] {
        const Next next = reader.next(sample);
        discarded += next == Next::Discarded;
        if (next != Next::Sample) return next;
        Record record{};
        REQUIRE(sample.size() >= sizeof record);
        std::memcpy(&record, sample.data(), sizeof record);
        REQUIRE(record.length == sample.size());
        REQUIRE(record.producer < last.size());
        REQUIRE(record.number == last[record.producer] + 1);
        last[record.producer] = record.number;
        REQUIRE(sample.find_first_not_of(static_cast<char>(record.number), sizeof record) == std::string::npos);
        ++seen;
        return next;
    };
    std::mt19937 random(5);
    constexpr int kDeaths = 1'000;
    for (int i = 0; i < kDeaths; ++i) {
        const auto producer = static_cast<std::uint32_t>(last.size());
        last.push_back(0);
        const pid_t child = start_doomed(random() % 1'000, [&] { produce(producer); });
        bool wrongly = false;
        while (!has_died(child, wrongly))
            for (int left = 0; left < 100; ++left) consume_one();
        REQUIRE(!wrongly);
        // One that lives gets a record through within 100 ms, whatever the dead one held.
        const std::uint64_t begin = now_us(), queued = queued_us();
        const auto survivor = static_cast<std::uint32_t>(last.size());
        last.push_back(0);
        const auto mine = shared.open();
        Record record{survivor, 1, sizeof record};
        bool sent = false;
        while (last[survivor] == 0 && now_us() - begin < 1'000'000) {
            if (!sent) sent = ring_of(*mine).output(&record, sizeof record, 0) == 0;
            if (consume_one() == Next::Busy) ring_of(*mine).reclaim();
        }
        REQUIRE(last[survivor] == 1);
        const std::uint64_t elapsed = now_us() - begin, took = elapsed - std::min(queued_us() - queued, elapsed);
        slowest = std::max(slowest, took);
        beyond += took > 100'000;
    }
    INFO("records " << seen << ", discarded " << discarded << ", slowest " << slowest << " us");
    CHECK(beyond == 0);
    CHECK(discarded > 50);
    CHECK(seen > kDeaths);
}
