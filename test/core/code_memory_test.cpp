// Memory for code: what may be done with its pages, read from the kernel's own list of them.
#include "test/catch.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "vm/core/code_memory.h"
#include "vm/core/page_pool.h"

using namespace bpftime;

namespace {

// "r-xp" of the page that holds `address`; empty where nothing is mapped.
std::string protection(const void* address) {
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        unsigned long first = 0, end = 0;
        char what[5] = {};
        if (std::sscanf(line.c_str(), "%lx-%lx %4s", &first, &end, what) != 3) continue;
        const auto at = reinterpret_cast<unsigned long>(address);
        if (at >= first && at < end) return what;
    }
    return {};
}

CodeMemory published(const CodeLayout& layout, std::uint8_t fill, std::string* while_written = nullptr) {
    auto memory = CodeMemory::publish(layout, nullptr, [&](const CodePointers& to) -> Status {
        std::memset(to.code, fill, layout.code);
        std::memset(to.constants, fill, layout.constants);
        if (while_written != nullptr) *while_written = protection(to.code);
        return {};
    });
    if (!memory) FAIL(to_string(memory.error()));
    return std::move(*memory);
}

}  // namespace

TEST_CASE("code is never writable and executable at once, constants are read-only, data stays writable") {
    const std::size_t page = PagePool::page_size();
    for (const std::size_t code : {page - 1, 3 * page}) {  // of the pool, and too large for it
        std::string before;
        const CodeMemory memory = published({.code = code, .constants = 8, .data = 8}, 0xc3, &before);
        const std::uint8_t* const constants = memory.code() + (code + page - 1) / page * page;
        CHECK(before == "rw-p");
        CHECK(protection(memory.code()) == "r-xp");
        CHECK(protection(constants - 1) == "r-xp");
        CHECK(protection(constants) == "r--p");
        CHECK(protection(constants + page) == "rw-p");
    }
}

TEST_CASE("an inaccessible page follows what comes from the pool") {
    const std::size_t page = PagePool::page_size();
    std::vector<CodeMemory> several;
    for (int i = 0; i < 40; ++i) {
        several.push_back(published({.code = 1, .data = 1}, 0xc3));
        CHECK(protection(several.back().code() + 2 * page - 1) == "rw-p");
        CHECK(protection(several.back().code() + 2 * page) == "---p");
    }
}

TEST_CASE("returned pages come back writable and zeroed") {
    const std::uint8_t* first = nullptr;
    {
        const CodeMemory memory = published({.code = 64}, 0xc3);
        first = memory.code();
    }
    CHECK(protection(first) == "rw-p");
    const auto again = CodeMemory::publish({.code = 64}, nullptr, [&](const CodePointers& to) -> Status {
        CHECK(to.code == first);
        CHECK(std::all_of(to.code, to.code + PagePool::page_size(), [](std::uint8_t byte) { return byte == 0; }));
        return {};
    });
    REQUIRE(again);
}

TEST_CASE("a failing fill publishes nothing") {
    const std::uint8_t* at = nullptr;
    const auto refused = CodeMemory::publish({.code = 64}, nullptr, [&](const CodePointers& to) -> Status {
        at = to.code;
        return fail(failure("no"));
    });
    REQUIRE_FALSE(refused);
    CHECK(protection(at).find('x') == std::string::npos);
}
