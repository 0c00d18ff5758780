// BTF: what the reader takes and what it refuses.
#include "runtime/registry/btf.h"

#include <cstring>

#include "test/catch.h"

using namespace bpftime;

namespace {

constexpr std::uint32_t info(BtfKind kind, std::uint32_t count = 0) {
    return static_cast<std::uint32_t>(kind) << 24 | count;
}

// Header, the words given as types, and the strings "", "int", "name".
std::vector<std::uint8_t> make(const std::vector<std::uint32_t>& words,
                               std::string_view strings = {"\0int\0name\0", 10}) {
    const auto types = static_cast<std::uint32_t>(words.size() * 4), size = static_cast<std::uint32_t>(strings.size());
    std::vector<std::uint32_t> all = {0x0001eb9f, 24, 0, types, types, size};
    all.insert(all.end(), words.begin(), words.end());
    std::vector<std::uint8_t> bytes(all.size() * 4);
    std::memcpy(bytes.data(), all.data(), bytes.size());
    bytes.insert(bytes.end(), strings.begin(), strings.end());
    return bytes;
}

std::string refusal(const std::vector<std::uint8_t>& bytes) {
    const auto btf = Btf::parse(bytes);
    return btf ? "accepted" : btf.error().cause;
}

const std::vector<std::uint32_t> kInt = {1, info(BtfKind::Int), 4, 32};

std::vector<std::uint32_t> after_int(std::initializer_list<std::uint32_t> words) {
    auto all = kInt;
    all.insert(all.end(), words);
    return all;
}

}  // namespace

TEST_CASE("BTF is read") {
    const auto bytes = make(after_int({5, info(BtfKind::Struct, 1), 4, 5, 1, 0}));
    const auto btf = Btf::parse(bytes);
    REQUIRE(btf);
    CHECK(btf->type_count() == 3);
    CHECK(btf->type(1).kind == BtfKind::Int);
    CHECK(btf->name(1) == "int");
    CHECK(btf->type(2).extra[1] == 1);
    CHECK(btf->name(2) == "name");
    CHECK(btf->name(99) == "");
}

TEST_CASE("BTF that is damaged is refused") {
    CHECK(refusal({}) == "the BTF is shorter than its header");
    auto bytes = make(kInt);
    bytes[0] = 0;
    CHECK(refusal(bytes) == "the BTF does not begin with its magic number");
    bytes = make(kInt);
    bytes[8] = 255;
    CHECK(refusal(bytes) == "the BTF's types or strings lie outside of it");
    CHECK(refusal(make({1, info(BtfKind::Int), 4})) == "BTF type 1 is truncated");
    CHECK(refusal(make({1, info(static_cast<BtfKind>(25)), 4})) == "BTF type 1 is of unknown kind 25");
    CHECK(refusal(make({99, info(BtfKind::Int), 4, 32})) == "BTF type 1 refers to a name out of range");
    CHECK(refusal(make({0, info(BtfKind::Ptr), 7})) == "BTF type 1 refers to a type out of range");
    CHECK(refusal(make({1, info(BtfKind::Typedef), 1})) == "BTF type 1 contains itself");
    CHECK(refusal(make({0, info(BtfKind::Const), 2, 0, info(BtfKind::Volatile), 1})) == "BTF type 1 contains itself");
    CHECK(refusal(make({1, info(BtfKind::Struct, 1), 4, 1, 1, 0})) == "BTF type 1 contains itself");
    CHECK(refusal(make(after_int({1, info(BtfKind::Func), 1}))) == "BTF type 2 refers to a prototype out of range");
    CHECK(refusal(make(kInt, {"\0int\0name", 9})) == "the BTF's strings do not begin and end with a zero byte");
    // A structure may point at itself.
    CHECK(refusal(make({1, info(BtfKind::Struct, 1), 8, 1, 2, 0, 0, info(BtfKind::Ptr), 1})) == "accepted");
}
