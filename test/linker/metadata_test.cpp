// Encoding of metadata, and the identities it carries.
#include "vm/linker/metadata.h"

#include "test/catch.h"
#include "test/linker/objects.h"
#include "vm/core/decode.h"

using namespace bpftime;
using namespace bpftime::test;

namespace {

Metadata full() {
    Metadata m = metadata({1, 2, 14}, {map_spec("counts", 3), map_spec(".rodata", 4)});
    m.features = {"avx2", "bmi"};
    m.maps[1].folded = true;
    m.maps[1].contents_digest.fill(7);
    m.maps[1].spec.contents = {0, 1, 0};
    m.maps[1].spec.frozen = true;
    m.maps[1].spec.flags = 0x80;
    m.maps[1].spec.extra = 0x1122334455667788;
    m.subprograms.push_back({.name = "sub_5", .begin = 5, .end = 12, .native_stack = 8});
    m.expected_attach_type = 9;
    return m;
}

std::string decode(const Bytes& bytes) { return outcome(decode_metadata(bytes)); }

// r1 = map `index` by fd (or by index), r0 = 0, exit.
Program program_with_map(Op op, std::uint32_t index) {
    Program program;
    program.insns = {{.op = op, .dst = 1, .imm = index}, {.op = Op::LddwHigh}, {.op = Op::Mov64Imm}, {.op = Op::Exit}};
    return program;
}

}  // namespace

TEST_CASE("metadata survives encoding") {
    const Metadata in = full();
    const auto out = decode_metadata(encode_metadata(in));
    REQUIRE(out);
    CHECK(out->program == in.program);
    CHECK(out->section == in.section);
    CHECK(out->license == in.license);
    CHECK(out->program_type == in.program_type);
    CHECK(out->expected_attach_type == 9);
    CHECK(out->context_size == in.context_size);
    CHECK(out->tag == in.tag);
    CHECK(out->insn_count == 12);
    CHECK(out->triple == in.triple);
    CHECK(out->cpu == "generic");
    CHECK(out->features == in.features);
    CHECK(out->entry == "bpf_main");
    CHECK(out->helpers == in.helpers);
    REQUIRE(out->prototypes.size() == 3);
    CHECK(out->prototypes[0].args == helper(1)->args);
    REQUIRE(out->maps.size() == 2);
    CHECK(out->maps[0].spec.name == "counts");
    CHECK(out->maps[0].spec.number == 3);
    CHECK_FALSE(out->maps[0].folded);
    CHECK(out->maps[1].folded);
    CHECK(out->maps[1].contents_digest == in.maps[1].contents_digest);
    CHECK(out->maps[1].spec.contents == Bytes{0, 1});  // without the zeros at its end
    CHECK(out->maps[1].spec.frozen);
    CHECK(out->maps[1].spec.flags == 0x80);
    CHECK(out->maps[1].spec.extra == 0x1122334455667788);
    REQUIRE(out->subprograms.size() == 2);
    CHECK(out->subprograms[1].name == "sub_5");
    CHECK(out->subprograms[1].end == 12);
    CHECK(out->bpf_stack == 16);
    CHECK(out->native_stack == 64);
    CHECK(out->verifier == "structure");
    CHECK(out->producer == "test");
    CHECK(encode_metadata(*out) == encode_metadata(in));
}

TEST_CASE("the first bytes of the encoding are those that docs/aot-object.md states") {
    const Bytes encoded = encode_metadata(full());
    const Bytes first{1, 0, 0, 0, 4, 0, 0, 0, 'p', 'r', 'o', 'g', 6, 0, 0, 0, 'u', 'p', 'r', 'o', 'b', 'e'};
    CHECK(Bytes(encoded.begin(), encoded.begin() + static_cast<std::ptrdiff_t>(first.size())) == first);
}

TEST_CASE("metadata cut short at any byte is refused") {
    const Bytes encoded = encode_metadata(full());
    for (std::size_t size = 0; size < encoded.size(); ++size) {
        INFO(size);
        CHECK(decode(Bytes(encoded.begin(), encoded.begin() + static_cast<std::ptrdiff_t>(size))) ==
              "the object's metadata is truncated; the object is damaged or was not sealed by bpftime");
    }
}

TEST_CASE("metadata with any byte changed is decoded or refused, and never asks for much memory") {
    const Bytes encoded = encode_metadata(full());
    for (std::size_t i = 0; i < encoded.size(); ++i)
        for (const std::uint8_t mask : {0x01, 0x80, 0xff}) {
            Bytes damaged = encoded;
            damaged[i] ^= mask;
            if (const auto metadata = decode_metadata(damaged))
                CHECK(metadata->maps.size() + metadata->helpers.size() < encoded.size());
        }
}

TEST_CASE("metadata that breaks a rule is refused") {
    const std::string hint = "; the object is damaged or was not sealed by bpftime";
    Bytes longer = encode_metadata(full());
    longer.push_back(0);
    CHECK(decode(longer) == "the object's metadata is followed by 1 bytes that belong to nothing" + hint);

    Bytes newer = encode_metadata(full());
    newer[0] = 2;
    CHECK(decode(newer) ==
          "metadata version 2 is unknown to this runtime, which reads version 1; "
          "rebuild the object with this version's bpftime-aot");

    Metadata m = full();
    m.helpers = {2, 1};
    CHECK(decode(encode_metadata(m)) == "the object's metadata lists its helpers out of order" + hint);
    m = full();
    m.program = "evil\x1b[2J";
    CHECK(decode(encode_metadata(m)) == "the object's metadata holds control characters in a name" + hint);
    m = full();
    m.subprograms[1].end = 13;
    CHECK(decode(encode_metadata(m)) == "the object's metadata names subprogram sub_5 outside the program" + hint);
    m = full();
    m.maps[0].spec.contents.assign(9, 1);
    CHECK(decode(encode_metadata(m)) == "the object's metadata has more contents than fit map counts" + hint);
    m = full();
    m.entry.clear();
    CHECK(decode(encode_metadata(m)) == "the object's metadata names no entry" + hint);
}

TEST_CASE("a tag is that of the instructions, whatever map references are called") {
    const auto tag = program_tag(program_with_map(Op::LddwMapByFd, 0));
    CHECK(tag == program_tag(program_with_map(Op::LddwMapByIdx, 0)));
    CHECK(tag != program_tag(program_with_map(Op::LddwMapByFd, 1)));
    CHECK(tag != program_tag(program_with_map(Op::LddwMapValue, 0)));
    // printf 'b700000000000000 9500000000000000' | xxd -r -p | sha256sum
    Program zero;
    zero.insns = {{.op = Op::Mov64Imm}, {.op = Op::Exit}};
    CHECK(hexadecimal(program_tag(zero)) == "59f4a931744dcdc62944a018ed3990e666ec6444616418d3b09a82dc5c753d52");
}

TEST_CASE("a digest of contents is that of the whole value") {
    CHECK(contents_digest(Bytes{1, 2, 0, 0}, 4) == contents_digest(Bytes{1, 2}, 4));
    CHECK(contents_digest(Bytes{1, 2}, 2) != contents_digest(Bytes{1, 2}, 4));
    // head -c 8 /dev/zero | sha256sum
    CHECK(hexadecimal(contents_digest({}, 8)) == "af5570f5a1810b7af78caf4bc70a660f0df51e42baf91d4de5b2328de0e83dfc");
}

TEST_CASE("the program-info digest follows everything that compiling assumed") {
    const auto digest = program_info_digest(full());
    Metadata m = full();
    m.helpers.push_back(15);
    CHECK(program_info_digest(m) != digest);
    m = full();
    m.program_type = 6;
    CHECK(program_info_digest(m) != digest);
    m = full();
    m.maps[0].spec.value_size = 16;
    CHECK(program_info_digest(m) != digest);
    m = full();
    m.maps[0].spec.number = 77;  // numbering is no assumption
    m.producer = "another";
    CHECK(program_info_digest(m) == digest);
}
