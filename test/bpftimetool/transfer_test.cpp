// export and import.
#include <fstream>
#include <map>

#include "runtime/maps/cpus.h"
#include "runtime/registry/local_registry.h"
#include "test/catch.h"
#include "tools/bpftimetool/schema.h"

using namespace bpftime;
using namespace bpftime::tool;

namespace {

Json document(const char* path = REGISTRY_JSON) {
    std::ifstream file(path);
    return Json::parse(file);
}

// What import says to a document that `change` has spoilt; nothing may be pinned then.
template <class Change>
std::string refusal(Change change, const char* path = REGISTRY_JSON) {
    Json spoilt = document(path);
    change(spoilt);
    LocalRegistry registry;
    const auto done = import_json(registry, spoilt);
    CHECK(registry.pinned_objects().empty());
    return done ? "accepted" : done.error().cause;
}

}  // namespace

TEST_CASE("what was exported comes back the same") {
    LocalRegistry registry, second;
    const auto made = import_json(registry, document());
    INFO((made ? "" : to_string(made.error())));
    REQUIRE(made);
    CHECK(made->dump() == R"({"programs":[1,2],"maps":[1,2,3],"links":[1]})");
    const auto exported = export_json(registry);
    REQUIRE(exported);
    CHECK(exported->dump(1) == document().dump(1));
    REQUIRE(import_json(second, *exported));
    CHECK(export_json(second)->dump(1) == exported->dump(1));
}

TEST_CASE("events, maps of programs and maps of maps come back") {
    Json source = document();
    const Json map{{"key_size", 4}, {"value_size", 4}, {"max_entries", 3},
                   {"flags", 0},    {"extra", 0},      {"frozen", false}};
    Json jumps{{"id", 4}, {"name", "jumps"}, {"type", "prog_array"}},
        outer{{"id", 5}, {"name", "outer"}, {"type", "array_of_maps"}};
    jumps.update(map);
    outer.update(map);
    jumps["elements"] = {{{"key", "02000000"}, {"object", 2}}};
    outer["inner"] = 1;
    outer["elements"] = {{{"key", "01000000"}, {"object", 1}}};
    source["maps"].push_back(jumps);
    source["maps"].push_back(outer);
    Json event = source["events"][0];
    event["id"] = 2;
    event["target"]["kind"] = "uretprobe";
    event["enabled"] = false;
    event["program"] = 1;  // put there without a link
    source["events"].push_back(event);
    LocalRegistry registry;
    const auto made = import_json(registry, source);
    INFO((made ? "" : to_string(made.error())));
    REQUIRE(made);
    CHECK(export_json(registry)->dump(1) == source.dump(1));
}

TEST_CASE("maps of every type come back") {
    struct Shape {
        const char* type;
        std::uint32_t key, value, entries, flags;
        const char* element;  // its key, "" where elements stay behind
    };
    const std::map<std::uint32_t, Shape> shapes = {
        {1, {"hash", 4, 8, 4, 1, "01000000"}},           {2, {"array", 4, 8, 4, 0, "01000000"}},
        {3, {"prog_array", 4, 4, 4, 0, ""}},             {4, {"perf_event_array", 4, 4, 4, 0, ""}},
        {5, {"percpu_hash", 4, 8, 4, 0, "01000000"}},    {6, {"percpu_array", 4, 8, 4, 0, "01000000"}},
        {7, {"stack_trace", 4, 80, 4, 0, ""}},           {9, {"lru_hash", 4, 8, 4, 0, "01000000"}},
        {10, {"lru_percpu_hash", 4, 8, 4, 0, "01000000"}}, {11, {"lpm_trie", 8, 8, 4, 1, "080000000a000000"}},
        {12, {"array_of_maps", 4, 4, 4, 0, ""}},         {13, {"hash_of_maps", 4, 4, 4, 0, ""}},
        {22, {"queue", 0, 8, 4, 0, ""}},                 {23, {"stack", 0, 8, 4, 0, ""}},
        {27, {"ringbuf", 0, 0, 4096, 0, ""}},            {30, {"bloom_filter", 0, 8, 4, 0, ""}},
    };
    for (const std::uint32_t type : supported_map_types()) {
        INFO(type);
        if (!shapes.contains(type)) {
            WARN("no shape for map type " << type);
            continue;
        }
        const Shape& shape = shapes.at(type);
        const bool outer = type == 12 || type == 13;
        Json source{{"format", kFormat}, {"version", kFormatVersion}, {"btf", Json::array()}, {"maps", Json::array()}};
        if (outer)
            source["maps"].push_back({{"id", 1}, {"name", "inner"}, {"type", "array"}, {"key_size", 4}, {"value_size", 4}, {"max_entries", 1},
                                      {"flags", 0}, {"extra", 0}, {"frozen", false}, {"elements", Json::array()}});
        Json map{{"id", outer ? 2 : 1}, {"name", "one"}, {"type", shape.type}, {"key_size", shape.key}, {"value_size", shape.value},
                 {"max_entries", shape.entries}, {"flags", shape.flags}, {"extra", 0}, {"frozen", false}};
        if (outer) map["inner"] = 1;
        map["elements"] = Json::array();
        const bool each = type == 5 || type == 6 || type == 10;  // CPU
        std::string value;
        for (std::uint32_t cpu = 0; cpu < (each ? possible_cpus() : 1); ++cpu) value += "0102030405060708";
        if (*shape.element != '\0') map["elements"].push_back({{"key", shape.element}, {"value", value}});
        if (outer) map["elements"].push_back({{"key", "01000000"}, {"object", 1}});
        source["maps"].push_back(map);
        source.update({{"programs", Json::array()}, {"events", Json::array()}, {"links", Json::array()}});
        LocalRegistry registry;
        const auto made = import_json(registry, source);
        INFO((made ? "" : to_string(made.error())));
        REQUIRE(made);
        const auto exported = export_json(registry);
        INFO((exported ? "" : to_string(exported.error())));
        REQUIRE(exported);
        CHECK(exported->dump(1) == source.dump(1));
    }
}

TEST_CASE("every kind of probe comes back, by link or event") {
    Json source = document();
    source["events"] = Json::array();
    source["links"] = Json::array();
    const Json site{{"offset", 16}, {"ref_ctr_offset", 8}, {"cookie", 3}}, at_file{{"path", "/usr/bin/demo"}, {"device", 5}, {"inode", 77}};
    for (const char* type : {"tracepoint", "perf_event"}) {
        source["programs"].push_back(source["programs"][1]);
        source["programs"].back()["id"] = source["programs"].size();
        source["programs"].back()["type"] = type;
    }
    std::uint32_t id = 0;
    for (const char* kind : {"uprobe", "uretprobe", "tracepoint", "sampling"}) {
        Json target{{"kind", kind}};
        if (std::string(kind).starts_with("u")) target.update(at_file);
        if (std::string(kind) == "tracepoint") target["tracepoint"] = "syscalls:sys_enter_openat";
        target["sites"] = {site};
        target.update({{"pid", 3}, {"cpu", 1}, {"type", 1}, {"config", 7}, {"frequency", id == 3}});
        source["events"].push_back({{"id", ++id}, {"target", target}, {"enabled", id % 2 == 0}, {"period", id}});
        source["links"].push_back({{"id", id}, {"program", id < 3 ? 1 : id}, {"attach_type", 41}, {"flags", 0}, {"target", target}, {"event", id}});
    }
    Json several = source["links"][0];  // uprobe_multi: no event, several places
    several.erase("event");
    several["id"] = 5;
    several["attach_type"] = 48;
    several["flags"] = 1;
    several["target"]["sites"].push_back(site);
    source["links"].push_back(several);
    LocalRegistry registry;
    const auto made = import_json(registry, source);
    INFO((made ? "" : to_string(made.error())));
    REQUIRE(made);
    CHECK(export_json(registry)->dump(1) == source.dump(1));
}

TEST_CASE("what nothing refers to is pinned") {
    LocalRegistry registry;
    REQUIRE(import_json(registry, document()));
    std::vector<std::string> paths;
    for (const PinnedObject& pin : registry.pinned_objects()) paths.push_back(pin.path);
    CHECK(paths == std::vector<std::string>{"/sys/fs/bpf/bpftimetool/link_1", "/sys/fs/bpf/bpftimetool/map_2",
                                            "/sys/fs/bpf/bpftimetool/program_2"});
}

TEST_CASE("a wrong field is refused by its path") {
    CHECK(refusal([](Json& d) { d = Json::array(); }) == "the document is no object");
    CHECK(refusal([](Json& d) { d.erase("format"); }) == "format is missing");
    CHECK(refusal([](Json& d) { d["format"] = "other"; }) == "format is not 'bpftime registry'");
    CHECK(refusal([](Json& d) { d["version"] = 9; }) == "version 9 is unknown here; this is version 1");
    CHECK(refusal([](Json& d) { d["colour"] = "red"; }) == "colour is not known");
    CHECK(refusal([](Json& d) { d["maps"] = 3; }) == "maps is no list");
    CHECK(refusal([](Json& d) { d["maps"][1] = 3; }) == "maps[1] is no object");
    CHECK(refusal([](Json& d) { d["maps"][1]["size"] = 3; }) == "maps[1].size is not known");
    CHECK(refusal([](Json& d) { d["maps"][1].erase("key_size"); }) == "maps[1].key_size is missing");
    CHECK(refusal([](Json& d) { d["maps"][1]["key_size"] = -4; }) == "maps[1].key_size is no number of 0 or more");
    CHECK(refusal([](Json& d) { d["maps"][1]["key_size"] = 1ull << 32; }) == "maps[1].key_size is too large");
    CHECK(refusal([](Json& d) { d["maps"][1]["type"] = "pile"; }) == "maps[1].type 'pile' is no map type");
    CHECK(refusal([](Json& d) { d["maps"][1]["id"] = 1; }) == "maps[1].id is that of another map too");
    CHECK(refusal([](Json& d) { d["maps"][1]["btf"] = 5; }) ==
          "maps[1].btf names BTF object 5, which is not in the file");
    CHECK(refusal([](Json& d) {
              d["maps"][1]["value_type"] = 500;
          }).starts_with("maps[1]: BTF type 500 of map 'events'"));
    CHECK(refusal([](Json& d) { d["maps"][0]["max_entries"] = 0; }).starts_with("maps[0]: map 'calls'"));
    CHECK(refusal([](Json& d) { d["maps"][0]["frozen"] = 1; }) == "maps[0].frozen is neither true nor false");
    CHECK(refusal([](Json& d) { d["maps"][0]["elements"][0]["key"] = "0102"; }) ==
          "maps[0].elements[0].key has 2 bytes, and keys of the map have 4");
    CHECK(refusal([](Json& d) { d["maps"][0]["elements"][0]["value"] = "01"; }) ==
          "maps[0].elements[0].value has 1 bytes, and values of the map have 8 here");
    CHECK(
        refusal([](Json& d) { d["maps"][0]["elements"][0]["key"] = "ff000000"; }).starts_with("maps[0].elements[0]: "));
    CHECK(refusal([](Json& d) { d["maps"][0]["elements"][0]["value"] = "0"; }) ==
          "maps[0].elements[0].value has an odd number of hexadecimal digits");
    CHECK(refusal([](Json& d) { d["btf"][0]["data"] = "zz"; }) ==
          "btf[0].data holds something else than hexadecimal digits");
    CHECK(refusal([](Json& d) { d["btf"][0]["data"] = "00"; }).starts_with("btf[0].data: the BTF is shorter"));
}

TEST_CASE("a wrong program is refused by its path") {
    CHECK(refusal([](Json& d) { d["programs"][1]["type"] = "xyz"; }) == "programs[1].type 'xyz' is no program type");
    CHECK(refusal([](Json& d) { d["programs"][1].erase("insns"); }) == "programs[1].insns is missing");
    CHECK(refusal([](Json& d) { d["programs"][1]["insns"][2] = "00"; }) == "programs[1].insns[2] is not of 8 bytes");
    CHECK(refusal([](Json& d) { d["programs"][1]["insns"].erase(3); }).starts_with("programs[1].insns: program 'sum'"));
    CHECK(refusal([](Json& d) {
              d["programs"][1]["insns"] = Json::array();
          }).starts_with("programs[1].insns: program 'sum'"));
    CHECK(refusal([](Json& d) { d["programs"][0]["maps"] = Json::array(); }) ==
          "programs[0].insns[4] refers to map 0 of 0");
    CHECK(refusal([](Json& d) { d["programs"][0]["maps"][0] = 8; }) ==
          "programs[0].maps[0] names map 8, which is not in the file");
    CHECK(refusal([](Json& d) {
              d["programs"][0]["lines"][1] = {1, 2};
          }) == "programs[0].lines[1] is not of 4 numbers");
    CHECK(refusal([](Json& d) { d["programs"][0]["functions"][0][1] = 1; }).starts_with("programs[0].insns: "));
    CHECK(refusal([](Json& d) { d["programs"][0]["license"] = 1; }) == "programs[0].license is no text");
}

TEST_CASE("a wrong event or link is refused by its path") {
    CHECK(refusal([](Json& d) { d["links"][0]["program"] = 3; }) ==
          "links[0].program names program 3, which is not in the file");
    CHECK(refusal([](Json& d) { d["links"][0]["event"] = 3; }) ==
          "links[0].event names perf event 3, which is not in the file");
    CHECK(refusal([](Json& d) { d["links"][0]["program"] = 2; }).starts_with("links[0]: program 'sum' of type xdp"));
    CHECK(refusal([](Json& d) { d["links"].push_back(d["links"][0]); }) == "links[1]: the event has a program already");
    CHECK(refusal([](Json& d) { d["links"][0]["target"]["sites"] = Json::array(); }) ==
          "links[0].target.sites is missing or empty");
    CHECK(refusal([](Json& d) { d["events"][0]["target"]["kind"] = "kprobe"; }) ==
          "events[0].target.kind 'kprobe' is no kind of probe");
    CHECK(refusal([](Json& d) { d["events"][0]["target"].erase("path"); }) == "events[0].target.path is missing");
    CHECK(refusal([](Json& d) { d["events"][0]["target"]["cpu"] = 1ll << 40; }) ==
          "events[0].target.cpu is out of range");
}

TEST_CASE("the schema of bpftime's own tool") {
    LocalRegistry registry;
    const auto made = import_json(registry, document(HANDLERS_JSON));
    INFO((made ? "" : to_string(made.error())));
    REQUIRE(made);
    CHECK(made->dump() == R"({"programs":[1,2],"maps":[1],"links":[1]})");
    const auto exported = export_json(registry);
    REQUIRE(exported);
    const Json &programs = (*exported)["programs"], &events = (*exported)["events"];
    CHECK(programs[0]["insns"][4] == "1811000000000000");  // the first of its maps
    CHECK(programs[0]["type"] == "kprobe");
    CHECK(programs[1]["type"] == "kprobe");
    CHECK((*exported)["maps"][0]["type"] == "hash");
    CHECK((*exported)["links"][0]["event"] == 1);
    CHECK(events[0]["target"]["kind"] == "uprobe");
    CHECK(events[0]["target"]["pid"] == 0);
    CHECK_FALSE(events[0].contains("program"));
    CHECK(events[1]["target"]["kind"] == "uretprobe");
    CHECK(events[1]["target"]["pid"] == 12);
    CHECK(events[1]["program"] == 2);
}

TEST_CASE("a wrong field of that schema is refused by its path") {
    const auto refused = [](auto change) { return refusal(change, HANDLERS_JSON); };
    CHECK(refused([](Json& d) { d["3"]["type"] = "pile"; }) == "3.type 'pile' is no type of handler");
    CHECK(refused([](Json& d) { d["3"].erase("attr"); }) == "3.attr is missing");
    CHECK(refused([](Json& d) { d["3"] = 7; }) == "3.type is missing");
    CHECK(refused([](Json& d) { d["3"]["attr"].erase("key_size"); }) == "3.attr.key_size is missing");
    CHECK(refused([](Json& d) { d["3"]["attr"]["colour"] = 1; }) == "3.attr.colour is not known");
    CHECK(refused([](Json& d) { d["3"]["attr"]["max_entries"] = 0; }).starts_with("3.attr: map 'counts'"));
    CHECK(refused([](Json& d) { d["4"]["attr"]["cnt"] = 11; }) == "4.attr.insns has 96 bytes, and 11 instructions have 88");
    CHECK(refused([](Json& d) { d["4"]["attr"]["insns"] = "zz"; }) == "4.attr.insns holds something else than hexadecimal digits");
    CHECK(refused([](Json& d) { d.erase("3"); }) == "4.attr.insns refers to map 3 in instruction 4, which is not in the file");
    CHECK(refused([](Json& d) { d["7"]["attr"]["insns"] = "b700000000000000ff00000000000000"; }).starts_with("7.attr.insns: "));
    CHECK(refused([](Json& d) { d["5"]["attr"]["type"] = 2; }).starts_with("5.attr.type is a tracepoint's"));
    CHECK(refused([](Json& d) { d["5"]["attr"]["type"] = 99; }) == "5.attr.type 99 is no type of event that can be attached here");
    CHECK(refused([](Json& d) { d["5"]["attr"].erase("_module_name"); }) == "5.attr._module_name is missing");
    CHECK(refused([](Json& d) { d["6"]["attr"]["target_fd"] = 50; }) == "6.attr.target_fd names event 50, which is not in the file");
    CHECK(refused([](Json& d) { d["6"]["attr"]["prog_fd"] = 50; }) == "6.attr.program names program 50, which is not in the file");
    CHECK(refused([](Json& d) { d["x"] = 1; }) == "3 is not known");
}
