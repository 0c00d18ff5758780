// The commands on a private registry.
#include <iterator>
#include <sstream>

#include "runtime/maps/cpus.h"
#include "runtime/registry/local_registry.h"
#include "test/catch.h"
#include "tools/bpftimetool/schema.h"
#include "tools/bpftimetool/top.h"
#include "tools/bpftimetool/words.h"

using namespace bpftime;
using namespace bpftime::tool;

namespace {

Json per_cpu_document() {
    return {{"format", kFormat},
            {"version", kFormatVersion},
            {"maps",
             {{{"id", 1},
               {"name", "counts"},
               {"type", "percpu_array"},
               {"key_size", 4},
               {"value_size", 4},
               {"max_entries", 2}},
              {{"id", 2},
               {"name", "jumps"},
               {"type", "prog_array"},
               {"key_size", 4},
               {"value_size", 4},
               {"max_entries", 2},
               {"elements", {{{"key", "00000000"}, {"object", 7}}}}}}},
            {"programs",
             {{{"id", 7},
               {"name", "two"},
               {"type", "xdp"},
               {"license", "GPL"},
               {"insns", {"b700000002000000", "9500000000000000"}}}}}};
}

struct Fixture {
    LocalRegistry registry;
    Fixture() {
        const auto made = import_json(registry, per_cpu_document());
        INFO((made ? "" : to_string(made.error())));
        REQUIRE(made);
    }
    Answer answer(Command command, const Words& words) {
        auto result = command(registry, words);
        INFO((result ? "" : to_string(result.error())));
        REQUIRE(result);
        return *result;
    }
};

}  // namespace

TEST_CASE("an update sets the value of every CPU") {
    Fixture fixture;
    fixture.answer(map_update_command, {"name", "counts", "key", "1", "0", "0", "0", "value", "9", "0", "0", "0"});
    const Answer answer = fixture.answer(map_lookup_command, {"id", "1", "key", "1", "0", "0", "0"});
    REQUIRE(answer.json["values"].size() == possible_cpus());
    for (const Json& row : answer.json["values"]) CHECK(row["value"] == Json({"0x09", "0x00", "0x00", "0x00"}));
    CHECK(answer.text.starts_with("key:\n01 00 00 00\nvalue (CPU 00): 09 00 00 00\n"));
}

TEST_CASE("maps of programs are set by naming a program") {
    Fixture fixture;
    fixture.answer(map_update_command, {"name", "jumps", "key", "1", "0", "0", "0", "value", "name", "two"});
    const Answer answer = fixture.answer(map_lookup_command, {"name", "jumps", "key", "1", "0", "0", "0"});
    CHECK(answer.text == "key: 01 00 00 00  value: 01 00 00 00\n");
    const auto refused =
        map_update_command(fixture.registry, {"name", "jumps", "key", "1", "0", "0", "0", "value", "name", "three"});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().cause == "there is no program with the name 'three'");
}

TEST_CASE("a name that several objects have") {
    Fixture fixture;
    REQUIRE(import_json(fixture.registry, per_cpu_document()));
    const auto refused = prog_show(fixture.registry, {"name", "two"});
    REQUIRE_FALSE(refused);
    CHECK(to_string(refused.error()) == "several programs have the name 'two'; choose one by its id");
}

TEST_CASE("statistics") {
    Fixture fixture;
    const auto object = fixture.registry.by_id(ObjectKind::Program, 1);
    REQUIRE(object);
    (*object)->page->runs = 4;
    (*object)->page->run_time = 100;
    (*object)->page->recursion_misses = 3;
    const Answer answer = fixture.answer(prog_stats, {});
    CHECK(answer.json.dump() == R"([{"id":1,"name":"two","run_cnt":4,"run_time_ns":100,"recursion_misses":3}])");
    CHECK(answer.text.find(" 25.0 ") != std::string::npos);
    CHECK(fixture.answer(prog_show, {}).text.find("run_time_ns 100 run_cnt 4 recursion_misses 3") != std::string::npos);
}

TEST_CASE("words that make no sense") {
    Fixture fixture;
    CHECK_THROWS_AS(prog_show(fixture.registry, {"colour", "red"}), UsageError);
    CHECK_THROWS_AS(prog_show(fixture.registry, {"id", "1", "2"}), UsageError);
    CHECK_THROWS_AS(map_lookup_command(fixture.registry, {"id", "1", "key", "1", "0"}), UsageError);
    CHECK_THROWS_AS(map_lookup_command(fixture.registry, {"id", "1", "key", "0x100000000"}), UsageError);
    CHECK_THROWS_AS(map_lookup_command(fixture.registry, {"id", "1", "key", "json", "1"}), UsageError);  // it has no types
    CHECK_THROWS_AS(map_pin(fixture.registry, {"id", "1", "relative"}), UsageError);
    CHECK_THROWS_AS(prog_dump(fixture.registry, {"xlated", "id", "1", "colours"}), UsageError);
    CHECK_THROWS_AS(map_show(fixture.registry, {"id", "4294967296"}), UsageError);
}

TEST_CASE("links are shown, and go with their program's pin") {
    Fixture fixture;
    auto link = std::make_shared<LinkObject>();
    const auto program = fixture.registry.by_id(ObjectKind::Program, 1);
    REQUIRE(program);
    link->program = std::static_pointer_cast<ProgramObject>(*program);
    link->attach_type = 41;
    link->target.path = "/bin/demo";
    link->target.sites = {{.offset = 0x40}, {.offset = 0x50}};
    link->target.pid = 7;
    const auto fd = fixture.registry.publish(link);
    REQUIRE(fd);
    const Fd closes(*fd);
    REQUIRE(fixture.registry.pin("/sys/fs/bpf/link", link));
    CHECK(fixture.answer(link_show, {}).text == "1: perf_event  prog 1\n\tuprobe  /bin/demo+0x40 and 1 more  pid 7\n");
    const Answer removed = fixture.answer(remove_objects, {"1"});
    CHECK(removed.json["unpinned"].size() == 2);
    CHECK_FALSE(fixture.registry.pinned("/sys/fs/bpf/link"));
    CHECK(fixture.answer(remove_objects, {}).json["unpinned"].size() == 2);  // the maps
}

namespace {

Json lines_document() {
    const auto line = [](int id, const char* name, const char* type) {
        return Json{{"id", id}, {"name", name}, {"type", type}, {"key_size", 0}, {"value_size", 4}, {"max_entries", 2}};
    };
    return {{"format", kFormat}, {"version", kFormatVersion}, {"maps", {line(1, "queue", "queue"), line(2, "stack", "stack")}}};
}

std::string refusal(const Result<Answer>& result, int errnum) {
    REQUIRE_FALSE(result);
    CHECK(result.error().errnum == errnum);
    return to_string(result.error());
}

}  // namespace

TEST_CASE("one number stands for as many bytes as are wanted") {
    Fixture fixture;
    fixture.answer(map_update_command, {"name", "counts", "key", "1", "value", "0x01020304"});
    const Answer answer = fixture.answer(map_lookup_command, {"id", "1", "key", "1", "0", "0", "0"});
    CHECK(answer.json["values"][0]["value"] == Json({"0x04", "0x03", "0x02", "0x01"}));
}

TEST_CASE("queues and stacks") {
    LocalRegistry registry;
    REQUIRE(import_json(registry, lines_document()));
    for (const char* value : {"7", "8"}) {
        REQUIRE(map_enqueue(registry, {"name", "queue", "value", value}));
        REQUIRE(map_push(registry, {"name", "stack", "value", value}));
    }
    CHECK(refusal(map_enqueue(registry, {"name", "queue", "value", "9"}), E2BIG) == "map 1 is full: it has 2 elements");
    CHECK(map_peek(registry, {"name", "queue"})->text == "value: 07 00 00 00\n");
    CHECK(map_peek(registry, {"name", "stack"})->json.dump() == R"({"value":["0x08","0x00","0x00","0x00"]})");
    CHECK(map_dequeue(registry, {"name", "queue"})->text == "value: 07 00 00 00\n");
    CHECK(map_pop(registry, {"name", "stack"})->text == "value: 08 00 00 00\n");
    CHECK(map_pop(registry, {"name", "stack"})->text == "value: 07 00 00 00\n");
    CHECK(refusal(map_pop(registry, {"name", "stack"}), ENOENT) == "map 2 is empty");
    CHECK(refusal(map_pop(registry, {"name", "queue"}), EINVAL) == "map 1 is of type queue, and 'pop' is for a stack");
    REQUIRE(map_freeze_command(registry, {"name", "queue"}));
    CHECK(refusal(map_dequeue(registry, {"name", "queue"}), EPERM) == "map 1 is frozen");
}

TEST_CASE("pinning") {
    Fixture fixture;
    fixture.answer(prog_pin, {"name", "two", "/sys/fs/bpf/two"});
    CHECK(refusal(map_pin(fixture.registry, {"name", "counts", "/sys/fs/bpf/two"}), EEXIST) ==
          "/sys/fs/bpf/two: something is pinned there already");
    CHECK(fixture.answer(prog_show, {"pinned", "/sys/fs/bpf/two"}).json["name"] == "two");
}

TEST_CASE("a round of top counts what happened since the last one") {
    Fixture fixture;
    const auto object = fixture.registry.by_id(ObjectKind::Program, 1);
    REQUIRE(object);
    RunCounts before;
    (*object)->page->runs = 100;
    REQUIRE(top_round(fixture.registry, before, 1));
    (*object)->page->runs = 110;
    (*object)->page->run_time = 20'000'000;
    (*object)->page->recursion_misses = 4;
    const auto round = top_round(fixture.registry, before, 2);
    REQUIRE(round);
    CHECK(round->json[0]["runs"] == 10);
    CHECK(round->json[0]["total_run_cnt"] == 110);
    // 5 runs a second, 1 % of a processor, 2 ms a run, 2 misses a second.
    std::istringstream row(round->text.substr(round->text.find('\n')));
    std::vector<std::string> columns(std::istream_iterator<std::string>(row), {});
    CHECK(columns == std::vector<std::string>{"1", "two", "xdp", "5", "1.00", "2000000.0", "2", "110"});
    (*object)->page->runs = 3;  // was reset
    CHECK(top_round(fixture.registry, before, 1)->json[0]["runs"] == 3);
}
