// `compile` in the registry and `build` from the ELF file make the same code of a program: an application's libbpf loads the object
// under the syscall server, the loader here reads the file, and tags and machine code are compared. Only the numbers of maps differ,
// ids there and positions here, so those of the one are put into the other.
#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "runtime/loader/elf_loader.h"
#include "runtime/registry/shared_registry.h"
#include "test/catch.h"
#include "test/support/shm_name.h"
#include "vm/llvm-jit/compiler.h"

using namespace bpftime;

namespace {

// An application that loads one object and keeps it.
class Application {
public:
    Application(const std::string& object, const std::string& registry) {
        int input[2], output[2];
        REQUIRE(pipe2(input, O_CLOEXEC) == 0);
        REQUIRE(pipe2(output, O_CLOEXEC) == 0);
        posix_spawn_file_actions_t files;
        posix_spawn_file_actions_init(&files);
        posix_spawn_file_actions_adddup2(&files, input[0], 0);
        posix_spawn_file_actions_adddup2(&files, output[1], 1);
        const std::string preload = "LD_PRELOAD=" SYSCALL_SERVER, name = "BPFTIME_GLOBAL_SHM_NAME=" + registry;
        char* const environment[] = {const_cast<char*>(preload.c_str()), const_cast<char*>(name.c_str()), nullptr};
        char* const arguments[] = {const_cast<char*>(HOLDER), const_cast<char*>(object.c_str()), nullptr};
        REQUIRE(posix_spawn(&pid_, HOLDER, &files, nullptr, arguments, environment) == 0);
        posix_spawn_file_actions_destroy(&files);
        close(input[0]);
        close(output[1]);
        input_ = Fd(input[1]);
        const Fd answers(output[0]);
        char answer[16] = {};
        REQUIRE(read(answers.get(), answer, sizeof(answer) - 1) > 0);
        REQUIRE(std::string(answer) == "loaded\n");
    }
    Application(const Application&) = delete;
    Application& operator=(const Application&) = delete;
    ~Application() {
        input_ = Fd();
        waitpid(pid_, nullptr, 0);
    }

private:
    pid_t pid_ = 0;
    Fd input_;
};

std::vector<std::uint8_t> section(const std::vector<std::uint8_t>& elf, std::string_view wanted) {
    const auto* header = reinterpret_cast<const Elf64_Ehdr*>(elf.data());
    const auto* sections = reinterpret_cast<const Elf64_Shdr*>(elf.data() + header->e_shoff);
    const auto* names = reinterpret_cast<const char*>(elf.data() + sections[header->e_shstrndx].sh_offset);
    for (unsigned index = 0; index < header->e_shnum; ++index) {
        if (names + sections[index].sh_name != wanted) continue;
        const auto* begin = elf.data() + sections[index].sh_offset;
        return {begin, begin + sections[index].sh_size};
    }
    return {};
}

struct Code {
    Digest tag;
    std::vector<std::uint8_t> text;
};

Code compiled(const Program& program) {
    auto object = compile_object(program, {});
    INFO((object ? "" : to_string(object.error())));
    REQUIRE(object);
    return {object->metadata.tag, section(object->bytes, ".text")};
}

}  // namespace

TEST_CASE("compile and build agree") {
    for (const std::string name : {"callbacks", "cpu-v2", "cpu-v3", "cpu-v4", "globals", "kconfig", "maps"}) {
        INFO(name);
        const std::string path = std::string(BPF_OBJECTS "/elf-") + name + ".bpf.o";
        const test::ShmName shm;
        const Application application(path, shm.name());
        auto registry = SharedRegistry::open(ShmDirectory::Open::Existing, shm.name());
        REQUIRE(registry);
        auto file = load_elf(path);
        REQUIRE(file);
        const auto ids = (*registry)->ids(ObjectKind::Program);
        REQUIRE(ids.size() == file->programs.size());
        for (std::size_t index = 0; index < ids.size(); ++index) {
            INFO(file->programs[index].name);
            const auto object = (*registry)->by_id(ObjectKind::Program, ids[index]);
            REQUIRE(object);
            Program captured = static_cast<const ProgramObject&>(**object).program;
            REQUIRE(file->programs[index].program);
            const Program& built = *file->programs[index].program;
            CHECK(captured.name == built.name);
            REQUIRE(captured.maps.size() == built.maps.size());
            for (std::size_t map = 0; map < built.maps.size(); ++map) {
                CHECK(captured.maps[map].name == built.maps[map].name);
                captured.maps[map].number = built.maps[map].number;
            }
            const Code here = compiled(built), there = compiled(captured);
            CHECK(here.text.size() > 0);
            CHECK(here.tag == there.tag);
            CHECK(here.text == there.text);
        }
    }
}
