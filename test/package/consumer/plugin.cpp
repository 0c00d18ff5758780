// plugin OBJECT...: the same with the C++ header.
#include <bpftime/bpftime.hpp>
#include <cstdio>

int main(int argc, char** argv) {
    const auto registry = bpftime::Registry::make_private();
    for (int i = 1; i < argc; ++i) {
        const auto program = registry->load(argv[i]);
        if (!program) {
            std::fprintf(stderr, "%s\n", program.error().message.c_str());
            return 1;
        }
        const auto first = program->run(nullptr, 0), second = program->run(nullptr, 0);
        std::printf("c++: %d %d\n", static_cast<int>(first.value()), static_cast<int>(second.value()));
    }
}
