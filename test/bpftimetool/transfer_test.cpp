// export and import.
#include <fstream>

#include "runtime/registry/local_registry.h"
#include "test/catch.h"
#include "tools/bpftimetool/schema.h"

using namespace bpftime;
using namespace bpftime::tool;

namespace {

Json document() {
    std::ifstream file(REGISTRY_JSON);
    return Json::parse(file);
}

// What import says to a document that `change` has spoilt; nothing may be pinned then.
template <class Change>
std::string refusal(Change change) {
    Json spoilt = document();
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
