// The rings that helpers write records and lines into: what a reader finds, with several writers, and with writers
// killed at random instants.
#include <linux/perf_event.h>
#include <signal.h>
#include <sys/mman.h>

#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "runtime/helpers/perf_output.h"
#include "runtime/helpers/trace_ring.h"
#include "runtime/maps/cpus.h"
#include "runtime/maps/task_lock.h"
#include "test/catch.h"
#include "test/maps/killed_child.h"

using namespace bpftime;
using namespace bpftime::test;

namespace {

// Pages of one file, as many times as processes would map them.
class SharedFile {
public:
    explicit SharedFile(std::uint64_t size) : fd_(memfd_create("ring", MFD_CLOEXEC)), size_(size) {
        REQUIRE(ftruncate(fd_, static_cast<off_t>(size)) == 0);
    }
    SharedFile(const SharedFile&) = delete;
    SharedFile& operator=(const SharedFile&) = delete;
    ~SharedFile() { close(fd_); }
    Pages map() const {
        auto pages = Pages::share(fd_, size_);
        REQUIRE(pages);
        return *std::move(pages);
    }

private:
    int fd_;
    std::uint64_t size_;
};

Pages shared_pages(std::uint64_t size) { return SharedFile(size).map(); }

// An output event with `data` bytes of records, and a reader of these.
struct Event {
    explicit Event(std::uint64_t data) : pages(shared_pages(kPage + data)), size(data) {
        output.takes_records = true;
        output.id = 5;
        output.sample_type = kPerfRaw;
        output.wakeup = 1;
        output.enabled = &on;
        output.paused = &off;
        output.pages = {pages.data(), pages.size()};
        output.wake = [](void* count) { ++*static_cast<int*>(count); };
        output.wake_context = &wakes;
    }

    perf_event_mmap_page& control() { return *reinterpret_cast<perf_event_mmap_page*>(pages.data()); }
    int write(const void* bytes, std::size_t count) {
        const PerfPart part{bytes, count};
        return output.write({&part, 1}, 0);
    }
    void take(void* to, std::size_t count) {
        for (std::size_t i = 0; i < count; ++i)
            static_cast<std::uint8_t*>(to)[i] = pages.data()[kPage + (position + i) % size];
    }
    // The next record, whole; empty at the end. Its space is free again at once.
    std::vector<std::uint8_t> read() {
        if (__atomic_load_n(&control().data_head, __ATOMIC_ACQUIRE) == position) return {};
        perf_event_header header;
        take(&header, sizeof header);
        std::vector<std::uint8_t> record(header.size);
        take(record.data(), record.size());
        position += header.size;
        __atomic_store_n(&control().data_tail, position, __ATOMIC_RELEASE);
        return record;
    }

    Pages pages;
    std::uint64_t size, position = 0;
    std::atomic<std::uint32_t> on = 1, off = 0;
    int wakes = 0;
    PerfOutput output;
};

template <class T>
T at(const std::vector<std::uint8_t>& record, std::size_t offset) {
    T value{};
    if (record.size() >= offset + sizeof value) std::memcpy(&value, record.data() + offset, sizeof value);
    return value;
}

// Words that say who wrote them and that they belong together.
struct Marked {
    std::uint64_t writer = 0, number = 0, sum = 0;
    char filling[40] = {};
    Marked() = default;
    Marked(std::uint64_t by, std::uint64_t count) : writer(by), number(count), sum(by * 31 + count * 7) {
        std::memset(filling, static_cast<int>(count), sizeof filling);
    }
    bool whole() const { return std::memcmp(this, &static_cast<const Marked&>(Marked(writer, number)), sizeof *this) == 0; }
};

}  // namespace

TEST_CASE("a perf record says how long it is, padded to eight bytes, wherever the ring wraps") {
    Event event(4096);
    std::uint8_t bytes[100];
    for (unsigned i = 0; i < sizeof bytes; ++i) bytes[i] = static_cast<std::uint8_t>(i);
    for (std::size_t length = 0; length < 300; ++length) {
        const std::size_t size = length % 100;
        REQUIRE(event.write(bytes, size) == 0);
        const auto record = event.read();
        const auto header = at<perf_event_header>(record, 0);
        CHECK(header.type == PERF_RECORD_SAMPLE);
        CHECK(header.size % 8 == 0);
        const std::uint32_t raw = at<std::uint32_t>(record, 8);
        REQUIRE(raw + 12 == header.size);
        CHECK((raw >= size && raw < size + 8));
        CHECK(std::memcmp(record.data() + 12, bytes, size) == 0);
    }
    CHECK(event.read().empty());
    CHECK(event.wakes == 300);
}

TEST_CASE("a perf event refuses records as the kernel does") {
    Event event(4096);
    const char byte = 1;
    std::vector<char> much(70000);
    CHECK(event.write(much.data(), 5000) == -ENOSPC);
    CHECK(event.write(much.data(), much.size()) == -E2BIG);
    event.off = 1;
    CHECK(event.write(&byte, 1) == -ENOSPC);
    event.off = 0;
    event.on = 0;
    CHECK(event.write(&byte, 1) == -EOPNOTSUPP);
    event.on = 1;
    event.output.cpu = 3;
    CHECK(event.write(&byte, 1) == -EOPNOTSUPP);
    event.output.cpu = 0;
    event.output.thread = 1;
    CHECK(event.write(&byte, 1) == -EOPNOTSUPP);
    event.output.thread = 0;
    event.output.takes_records = false;
    CHECK(event.write(&byte, 1) == -EINVAL);
    event.output.takes_records = true;
    CHECK(event.read().empty());
    // What had no room is told of before the next record.
    REQUIRE(event.write(&byte, 1) == 0);
    const auto lost = event.read();
    CHECK(at<perf_event_header>(lost, 0).type == PERF_RECORD_LOST);
    CHECK(at<std::uint64_t>(lost, 8) == 5);
    CHECK(at<std::uint64_t>(lost, 16) == 2);
    CHECK(at<perf_event_header>(event.read(), 0).type == PERF_RECORD_SAMPLE);
    event.output.pages = {};
    CHECK(event.write(&byte, 1) == -ENOSPC);
    event.output.pages = {event.pages.data(), kPage + 4000};
    CHECK(event.write(&byte, 1) == -ENOSPC);
}

TEST_CASE("a perf event wakes its client as often as it says, as on the kernel") {
    struct Row {
        std::uint32_t wakeup;
        bool watermark;
        int records;  // of 104 bytes until the first wake-up: what the kernel takes in a ring of 8192
    };
    for (const Row& row : {Row{1, false, 1}, Row{3, false, 3}, Row{0, false, 40}, Row{1000, true, 10}, Row{0, true, 40}}) {
        Event event(8192);
        event.output.wakeup = row.wakeup;
        event.output.watermark = row.watermark;
        const char bytes[92] = {};
        int written = 0;
        while (event.wakes == 0 && written < 70) written += event.write(bytes, sizeof bytes) == 0;
        CHECK(written == row.records);
    }
}

TEST_CASE("positions that a client spoils lead nowhere outside the ring") {
    Event event(4096);
    const Marked words(1, 2);
    for (const std::uint64_t spoilt : {std::uint64_t{1}, ~std::uint64_t{0}, std::uint64_t{1} << 63, std::uint64_t{4095}}) {
        event.control().data_head = spoilt;
        event.control().data_tail = spoilt;
        event.control().data_size = spoilt;
        event.control().data_offset = spoilt;
        CHECK(event.write(&words, sizeof words) == 0);
    }
}

TEST_CASE("threads share a perf event's ring") {
    Event event(1 << 14);
    constexpr std::uint64_t kWriters = 3, kEach = 20'000;
    std::vector<std::thread> threads;
    std::atomic<std::uint64_t> refused = 0;
    std::atomic<int> running = kWriters;
    for (std::uint64_t writer = 0; writer < kWriters; ++writer)
        threads.emplace_back([&, writer] {
            for (std::uint64_t number = 0; number < kEach; ++number) {
                const Marked words(writer, number);
                if (event.write(&words, sizeof words) != 0) ++refused;
            }
            --running;
        });
    std::uint64_t samples = 0, lost = 0, next[kWriters] = {};
    bool good = true;
    for (bool last = false;; last = running == 0) {
        for (auto record = event.read(); !record.empty(); record = event.read()) {
            if (at<perf_event_header>(record, 0).type == PERF_RECORD_LOST) {
                lost += at<std::uint64_t>(record, 16);
                continue;
            }
            const auto words = at<Marked>(record, 12);
            good &= words.whole() && words.writer < kWriters && words.number >= next[words.writer];
            if (words.writer < kWriters) next[words.writer] = words.number + 1;
            ++samples;
        }
        if (last) break;
    }
    for (auto& thread : threads) thread.join();
    CHECK(good);
    CHECK(samples + refused == kWriters * kEach);
    CHECK(lost <= refused);  // those after the last record are not told of yet
}

TEST_CASE("writers killed at any instant leave a perf ring that others write and read") {
    Event event(1 << 13);
    bool good = true, wrongly = false;
    std::uint64_t read = 0;
    int late = 0;
    for (std::uint32_t round = 0; round < 300; ++round) {
        pid_t children[2];
        for (std::uint32_t i = 0; i < 2; ++i)
            children[i] = start_doomed(300 + (round * 37 + i * 91) % 400, [&] {
                for (std::uint64_t number = 0;; ++number) {
                    const Marked words(i, number);
                    event.write(&words, sizeof words);
                }
            });
        for (int alive = 2; alive > 0;) {
            for (const pid_t child : children)
                if (child > 0 && has_died(child, wrongly)) {
                    --alive;
                    children[child == children[0] ? 0 : 1] = 0;
                }
            for (auto record = event.read(); !record.empty(); record = event.read()) {
                if (at<perf_event_header>(record, 0).type != PERF_RECORD_SAMPLE) continue;
                good &= at<Marked>(record, 12).whole();
                ++read;
            }
            REQUIRE(!wrongly);
        }
        const std::uint64_t start = now_us();
        const Marked words(9, round);
        while (event.write(&words, sizeof words) == -ENOSPC) event.read();
        late += now_us() - start > 100'000;
    }
    CHECK(good);
    CHECK(late <= 3);  // of 300, where others keep the machine busy
    CHECK(read > 300);
}

TEST_CASE("a writer stopped inside a perf ring does not stop others, a dead one not for long") {
    Event event(4096);
    const Marked words(1, 2);
    auto& lock = *reinterpret_cast<std::atomic<std::uint32_t>*>(event.pages.data() + 2048);
    const pid_t child = fork();
    if (child == 0) {
        lock = task_token();
        for (;;) pause();
    }
    while (lock == 0) sched_yield();
    std::uint64_t start = now_us();
    CHECK(event.write(&words, sizeof words) == -EBUSY);
    CHECK(now_us() - start < 1'000'000);  // 20 ms of it are ours
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    start = now_us();
    CHECK(event.write(&words, sizeof words) == 0);
    CHECK(now_us() - start < 1'000'000);
    CHECK(at<perf_event_header>(event.read(), 0).type == PERF_RECORD_LOST);
    CHECK(at<Marked>(event.read(), 12).whole());
    lock = task_token();  // as in a handler of a signal that came while we were inside
    CHECK(event.write(&words, sizeof words) == -EBUSY);
    lock = 0;
    CHECK(event.write(&words, sizeof words) == 0);
}

TEST_CASE("a line of the trace ring says who wrote it, when and where") {
    TraceRing ring(shared_pages(TraceRing::kStorage));
    TraceLine line;
    CHECK(ring.read(line) == TraceRing::Read::Empty);
    errno = 7;
    ring.write("hello\n");
    CHECK(errno == 7);
    ring.write("");
    ring.write(std::string(2000, 'x'));
    REQUIRE(ring.read(line) == TraceRing::Read::Line);
    CHECK(line.words() == "hello");
    CHECK(line.process == static_cast<std::uint32_t>(getpid()));
    CHECK(line.thread == static_cast<std::uint32_t>(gettid()));
    CHECK(line.cpu < possible_cpus());
    CHECK(std::string_view(line.comm).starts_with("test-helper"));
    line.time = 1234567890123;
    line.thread = 77;
    line.cpu = 2;
    std::strcpy(line.comm, "sh");
    char text[1200];
    CHECK(std::string(text, format_trace_line(line, text)) ==
          "              sh-77      [002] .....  1234.567890: bpf_trace_printk: hello\n");
    REQUIRE(ring.read(line) == TraceRing::Read::Line);
    CHECK(line.words().empty());
    REQUIRE(ring.read(line) == TraceRing::Read::Line);
    CHECK(line.words() == std::string(1023, 'x'));
    CHECK(format_trace_line(line, text) > 1023);
    CHECK(ring.read(line) == TraceRing::Read::Empty);
}

TEST_CASE("the trace ring keeps the newest lines and says that older ones are lost") {
    TraceRing ring(shared_pages(TraceRing::kStorage));
    TraceLine line;
    constexpr int kLines = 20'000;
    for (int i = 0; i < kLines; ++i) ring.write("line " + std::to_string(i) + std::string(static_cast<std::size_t>(i % 300), '.'));
    REQUIRE(ring.read(line) == TraceRing::Read::Lost);
    int first = -1, next = -1, lost = 0;
    for (auto read = ring.read(line); read != TraceRing::Read::Empty; read = ring.read(line)) {
        if (read == TraceRing::Read::Lost) {
            ++lost;
            continue;
        }
        const int number = std::stoi(std::string(line.words().substr(5)));
        if (first < 0) first = next = number;
        REQUIRE(number == next++);
        REQUIRE(line.words().size() == 5 + std::to_string(number).size() + static_cast<std::size_t>(number % 300));
    }
    CHECK(lost == 0);
    CHECK(next == kLines);
    CHECK(kLines - first > 1000);
}

TEST_CASE("several writers and readers of the trace ring: each line whole and once") {
    const SharedFile file(TraceRing::kStorage);
    TraceRing ring(file.map());
    constexpr int kWriters = 2, kEach = 1500;  // all of them fit
    std::vector<std::thread> threads;
    std::vector<std::vector<int>> seen(2);
    std::atomic<int> running = kWriters;
    for (int writer = 0; writer < kWriters; ++writer)
        threads.emplace_back([&, writer] {
            for (int i = 0; i < kEach; ++i) ring.write(std::to_string(writer * kEach + i) + " written");
            --running;
        });
    std::atomic<bool> good = true;
    for (auto& mine : seen)
        threads.emplace_back([&, reader = std::make_shared<TraceRing>(file.map())] {
            for (bool last = false;; last = running == 0) {
                TraceLine line;
                for (auto read = reader->read(line, 1'000'000); read != TraceRing::Read::Empty;
                     read = reader->read(line, 1'000'000)) {
                    if (read != TraceRing::Read::Line || !line.words().ends_with(" written")) good = false;
                    else mine.push_back(std::stoi(std::string(line.words())));
                }
                if (last) break;
            }
        });
    for (auto& thread : threads) thread.join();
    CHECK(good);
    std::vector<int> all;
    for (const auto& mine : seen) all.insert(all.end(), mine.begin(), mine.end());
    std::ranges::sort(all);
    REQUIRE(all.size() == kWriters * kEach);
    for (int i = 0; i < kWriters * kEach; ++i) CHECK(all[static_cast<std::size_t>(i)] == i);
}

TEST_CASE("writers killed at any instant leave a trace ring that others write and read") {
    TraceRing ring(shared_pages(TraceRing::kStorage));
    bool good = true, wrongly = false;
    int read = 0;
    TraceLine line;
    for (std::uint32_t round = 0; round < 300; ++round) {
        const std::size_t length = round % 400;
        const pid_t child = start_doomed(200 + round % 300, [&] {
            for (;;) ring.write(std::string(length, static_cast<char>('a' + round % 26)) + "#");
        });
        while (!has_died(child, wrongly)) continue;
        REQUIRE(!wrongly);
        ring.write("alive " + std::to_string(round));
        std::string last;
        for (auto found = ring.read(line, 0); found != TraceRing::Read::Empty; found = ring.read(line, 0)) {
            if (found == TraceRing::Read::Lost) continue;
            last = line.words();
            ++read;
            good &= last.starts_with("alive ") || (last.size() == length + 1 && last.ends_with('#') &&
                                                   last.find_first_not_of(static_cast<char>('a' + round % 26)) == length);
        }
        REQUIRE(last == "alive " + std::to_string(round));
    }
    CHECK(good);
    CHECK(read > 300);
}
