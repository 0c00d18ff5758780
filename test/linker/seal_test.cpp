// Sealing: ordinary linkers accept sealed objects in silence, and signatures prove who verified.
#include <unistd.h>

#include "test/catch.h"
#include "test/linker/elf_writer.h"
#include "test/linker/objects.h"
#include "vm/linker/digest.h"

using namespace bpftime;
using namespace bpftime::test;

namespace {

constexpr const char* kProgram = R"(
unsigned long _bpf_helper_ext_0005(void);
static const unsigned long table[4] = {2, 3, 5, 7};
unsigned long bpf_main(void *ctx, unsigned long size) { return table[size & 3] * 10 + _bpf_helper_ext_0005(); }
)";

std::uint64_t five(std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t) { return 5; }
Bindings bindings() {
    Bindings b;
    b.helpers[5] = five;
    return b;
}

std::string link(const Bytes& object, LinkOptions options = {}) {
    return outcome(link_object(object, bindings(), options));
}

}  // namespace

TEST_CASE("sealed objects link with ld, lld and the compilers' drivers, silently, and run") {
    const char* driver = R"(
        #include <stdio.h>
        unsigned long bpf_main(void *, unsigned long);
        unsigned long _bpf_helper_ext_0005(void) { return 5; }
        int main(void) { printf("%lu\n", bpf_main(0, 2)); return 0; }
    )";
    for (const auto& compiler : compilers())
        for (const char* flags : {"-O2 -fPIC -g", "-O2 -g"}) {
            const Bytes sealed = seal_fresh(compile(kProgram, flags, compiler), metadata({5}));
            for (const std::string use : {"", "-fuse-ld=lld"}) {
                if (!use.empty() && shell("command -v ld.lld", {}).status != 0) {
                    WARN("ld.lld is not installed: not tried");
                    continue;
                }
                INFO(compiler << ' ' << flags << ' ' << use);
                const auto result = shell(
                    cat(compiler, " -Wall ", use, " -Wl,--fatal-warnings driver.c prog.o -o driver && ./driver && ",
                        "! readelf -SW driver | grep bpftime"),
                    {{"driver.c", bytes(driver)}, {"prog.o", sealed}});
                CHECK(result.output == "55\n");
                CHECK(result.status == 0);
            }
        }
}

TEST_CASE("readelf, objdump and strip read sealed objects without complaint") {
    const Bytes sealed = seal_fresh(compile(kProgram, "-O2 -fPIC -g"), metadata({5}));
    const auto result = shell(
        "readelf -aW prog.o >/dev/null && objdump -dr prog.o >/dev/null && readelf -SW prog.o | grep -c bpftime.meta",
        {{"prog.o", sealed}});
    CHECK(result.output == "1\n");
    CHECK(result.status == 0);
}

TEST_CASE("a sealed object links here and says what was sealed") {
    const Bytes sealed = seal_fresh(compile(kProgram), metadata({5}));
    const auto read = read_metadata(sealed);
    REQUIRE(read);
    CHECK(read->program == "prog");
    const auto executable = link_object(sealed, bindings(), {});
    REQUIRE(executable);
    CHECK((*executable)->run(nullptr, 3) == 75);
}

TEST_CASE("objects of other machines can be sealed") {
    ElfObject object = code_object(Bytes(16));
    object.machine = EM_RISCV;
    Metadata m = metadata();
    m.triple = "riscv64-unknown-linux-gnu";
    const Bytes sealed = seal_fresh(object.write(), m);
    REQUIRE(read_metadata(sealed));
    CHECK(read_metadata(sealed)->triple == "riscv64-unknown-linux-gnu");
}

TEST_CASE("what cannot be sealed") {
    const Bytes object = compile(kProgram);
    CHECK(outcome(seal(seal_fresh(object, metadata({5})), metadata({5}))) == "the object is sealed already");
    CHECK(outcome(seal(bytes("no object"), metadata())) ==
          "not an ELF object; give an object that bpftime-aot build or a C compiler wrote");
    const KeyPair key = generate_key_pair();
    Metadata unverified = metadata({5});
    unverified.verifier.clear();
    CHECK(outcome(seal(object, unverified, &key.signing)) ==
          "program 'prog': a program that was not verified is not signed");
    const SigningKey broken{Bytes(63)};
    CHECK(outcome(seal(object, metadata({5}), &broken)) == "a signing key has 64 bytes");
}

TEST_CASE("where keys are trusted an object must be signed by one of them") {
    const KeyPair ours = generate_key_pair(), other = generate_key_pair();
    const Bytes object = compile(kProgram);
    LinkOptions options{.trusted_keys = {other.public_key, ours.public_key}};
    CHECK(link(seal_fresh(object, metadata({5}), &ours.signing), options) == "linked");
    CHECK(link(seal_fresh(object, metadata({5}), &ours.signing)) == "linked");

    const std::string hint = "; sign it with a key that is trusted here";
    CHECK(link(seal_fresh(object, metadata({5})), options) == "the object is not signed" + hint);
    options.allow_unverified = true;
    CHECK(link(object, options) == "the object is not signed" + hint);
    options.trusted_keys = {other.public_key};
    CHECK(link(seal_fresh(object, metadata({5}), &ours.signing), options) ==
          "the object is signed by a key that is not trusted here" + hint);
}

TEST_CASE("a signature of other bytes is wrong, even where the digest was made to fit") {
    const KeyPair ours = generate_key_pair(), other = generate_key_pair();
    // An attacker signs with a key of their own and claims ours.
    KeyPair forged = other;
    std::copy(ours.public_key.begin(), ours.public_key.end(), forged.signing.secret.begin() + 32);
    const Bytes sealed = seal_fresh(compile(kProgram), metadata({5}), &forged.signing);
    CHECK(link(sealed) == "linked");
    CHECK(link(sealed, {.trusted_keys = {ours.public_key}}) ==
          "the object's signature is wrong; sign it with a key that is trusted here");
}

TEST_CASE("keys are read raw and as hexadecimal digits") {
    const KeyPair pair = generate_key_pair();
    const auto digits = [](const Bytes& key) { return hexadecimal(key) + "\n"; };
    CHECK(parse_public_key(pair.public_key).value() == pair.public_key);
    CHECK(parse_public_key(bytes(digits(pair.public_key).c_str())).value() == pair.public_key);
    CHECK(parse_signing_key(pair.signing.secret)->secret == pair.signing.secret);
    CHECK(parse_signing_key(bytes(digits(pair.signing.secret).c_str()))->secret == pair.signing.secret);
    CHECK(outcome(parse_public_key(pair.signing.secret)) ==
          "not an Ed25519 public key; the file holds 32 bytes, or 64 hexadecimal digits");
    CHECK(outcome(parse_public_key({})) ==
          "not an Ed25519 public key; the file holds 32 bytes, or 64 hexadecimal digits");
    CHECK(outcome(parse_signing_key(bytes("zz"))) ==
          "not an Ed25519 secret key; the file holds 64 bytes, or 128 hexadecimal digits");
}

TEST_CASE("digests and signatures are the published ones") {
    // FIPS 180-2, "abc"; BLAKE2b-256 of "abc" as b2sum -l 256 prints it; RFC 8032, section 7.1, test 1.
    CHECK(hexadecimal(sha256(bytes("abc"))) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(hexadecimal(blake2b({bytes("a"), bytes("bc")})) ==
          "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
    const auto secret =
        parse_signing_key(bytes("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
                                "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"));
    REQUIRE(secret);
    CHECK(hexadecimal(ed25519_sign({}, secret->secret)) ==
          "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595b"
          "be24655141438e7a100b");
}
