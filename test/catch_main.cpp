// The main function of every unit test: Catch2's, after the options of options.h.
#define CATCH_CONFIG_RUNNER
#include <cstdlib>
#include <map>
#include <string>

#include "test/catch.h"
#include "test/support/options.h"

namespace {

std::map<std::string, std::uint64_t>& options() {
    static std::map<std::string, std::uint64_t> all;
    return all;
}

}  // namespace

std::uint64_t bpftime::test::test_option(const char* name, std::uint64_t otherwise) {
    const auto found = options().find(name);
    return found == options().end() ? otherwise : found->second;
}

int main(int argc, char** argv) {
    int kept = 1;
    for (int i = 1; i < argc; ++i) {
        const std::string name = argv[i];
        if ((name == "--count" || name == "--seconds") && i + 1 < argc)
            options()[name.substr(2)] = std::strtoull(argv[++i], nullptr, 10);
        else
            argv[kept++] = argv[i];
    }
    return Catch::Session().run(kept, argv);
}
