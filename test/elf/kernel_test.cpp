// The running kernel as the oracle, which needs root: the table of calls, and what libbpf gives the kernel for our
// objects compared with what it gives us. Also what an unprivileged user and a kernel without BTF get, which takes root
// to arrange.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cstdarg>
#include <cstdio>
#include <map>

#include "call_cases.h"
#include "objects.h"
#include "test/support/skip.h"
#include "vm/core/decode.h"
#include "vm/core/kernel_names.h"

using namespace bpftime;
using namespace bpftime::test;

namespace {

int failures = 0;

void check(bool holds, const std::string& what) {
    if (holds) return;
    ++failures;
    std::printf("FAILED: %s\n", what.c_str());
}

long kernel_bpf(int command, void* attr, unsigned size) {
    const long result = syscall(SYS_bpf, command, attr, size);
    return result >= 0 ? result : -errno;
}

void compare_calls() {
    for (const CallCase& row : kCallCases) {
        const long result = row.run(kernel_bpf);
        check(result == row.expected,
              cat(row.name, ": the kernel answers ", result, ", the table says ", row.expected));
    }
}

// A map in the kernel beside the one we recorded.
void compare_map(const bpf_map* map, const MapSpec& ours) {
    const std::string name = cat("map '", bpf_map__name(map), "': ");
    bpf_map_info info{};
    std::uint32_t size = sizeof(info);
    if (bpf_obj_get_info_by_fd(bpf_map__fd(map), &info, &size) != 0) return check(false, cat(name, "no information"));
    check(info.type == ours.type, cat(name, "type"));
    check(info.key_size == ours.key_size, cat(name, "key size"));
    check(info.value_size == ours.value_size, cat(name, "value size"));
    check(info.max_entries == ours.max_entries, cat(name, "entries"));
    check(info.map_flags == ours.flags, cat(name, "flags"));
    check(info.map_extra == ours.extra, cat(name, "extra"));
    if (ours.contents.empty()) return;
    std::vector<std::uint8_t> contents(ours.value_size);
    std::uint32_t key = 0;
    check(bpf_map_lookup_elem(bpf_map__fd(map), &key, contents.data()) == 0, cat(name, "contents cannot be read"));
    check(contents == ours.contents, cat(name, "contents"));
}

// What libbpf writes over an instruction that it cannot relocate, and what is left of it here when nothing reaches it.
constexpr RawInsn kPoisonedCall{0x85, 0, 0, 195896080}, kGotoNext{0x05, 0, 0, 0};

// The instructions that libbpf gave the kernel, with descriptors replaced by the maps' numbers in the object.
std::vector<RawInsn> given_to_kernel(const bpf_program* program, const std::map<int, std::uint32_t>& numbers) {
    std::vector<RawInsn> code(bpf_program__insn_cnt(program));
    std::memcpy(static_cast<void*>(code.data()), bpf_program__insns(program), code.size() * sizeof(RawInsn));
    for (RawInsn& insn : code) {
        if (insn.opcode == kLddwOpcode && (insn.src() == 1 || insn.src() == 2))
            insn.imm = static_cast<int>(numbers.at(insn.imm));
        if (insn == kPoisonedCall) insn = kGotoNext;
    }
    return code;
}

std::vector<RawInsn> given_to_us(const Program& program) {
    std::vector<RawInsn> code = encode(program.insns);
    for (RawInsn& insn : code)
        if (insn.opcode == kLddwOpcode && (insn.src() == 1 || insn.src() == 2))
            insn.imm = static_cast<int>(program.maps.at(static_cast<std::size_t>(insn.imm)).number);
    return code;
}

int quiet(libbpf_print_level, const char*, va_list) { return 0; }

// Loads the object into the kernel and compares maps and programs one by one. `without` names what only userspace can
// load.
void compare_object(const std::string& name, const std::vector<std::string>& without = {}) {
    const auto ours = load_elf(object_path(name));
    if (!ours) return check(false, to_string(ours.error()));
    libbpf_set_print(quiet);
    bpf_object* object = bpf_object__open_file(object_path(name).c_str(), nullptr);
    if (object == nullptr) return check(false, cat(name, ": libbpf does not open it"));
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, object)
        bpf_program__set_autoload(program, std::ranges::find(without, bpf_program__name(program)) == without.end());
    if (const int error = bpf_object__load(object); error != 0) {
        bpf_object__close(object);
        return check(false, cat(name, ": the kernel does not load it: ", strerror(-error)));
    }
    std::map<int, std::uint32_t> numbers;
    std::uint32_t number = 0;
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, object) {
        numbers[bpf_map__fd(map)] = number;
        if (number < ours->maps.size()) compare_map(map, ours->maps[number]);
        ++number;
    }
    check(number == ours->maps.size(), cat(name, ": number of maps"));
    std::size_t compared = 0;
    bpf_object__for_each_program(program, object) {
        if (bpf_program__fd(program) < 0) continue;
        const std::string program_name = bpf_program__name(program);
        const LoadedProgram* found = find(*ours, program_name);
        if (found == nullptr || !found->program) {
            check(false, cat(name, ": program '", program_name, "' is ", verdict(*ours, program_name)));
            continue;
        }
        check(given_to_us(*found->program) == given_to_kernel(program, numbers),
              cat(name, ": code of '", program_name, "'"));
        check(found->program->type == static_cast<std::uint32_t>(bpf_program__type(program)),
              cat(name, ": type of ", program_name));
        ++compared;
    }
    check(compared > 0, cat(name, ": no program was compared"));
    std::printf("%s: %zu programs and %zu maps as the kernel has them\n", name.c_str(), compared, ours->maps.size());
    bpf_object__close(object);
}

// Runs `body` in a child, which ends with its number of failures.
template <class Body>
void in_child(const std::string& what, Body body) {
    std::fflush(nullptr);
    const pid_t child = fork();
    if (child == 0) {
        failures = 0;
        body();
        std::fflush(nullptr);
        _exit(failures);
    }
    int status = 0;
    waitpid(child, &status, 0);
    check(WIFEXITED(status) && WEXITSTATUS(status) == 0, what);
}

void as_nobody() {
    check(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0, "dropping privileges");
    check(kernel_bpf(BPF_MAP_CREATE, nullptr, 0) < 0, "bpf() is still permitted");
    for (const char* name : {"globals", "maps", "subprograms", "callbacks", "core_kernel"}) {
        const auto object = load_elf(object_path(name));
        check(object && object->programs.at(0).program, cat(name, ": an unprivileged user cannot load it"));
    }
}

void without_kernel_btf() {
    // In a chroot the root is no mount point, but then /sys is one.
    const auto keep_apart = [](const char* where) { return mount(nullptr, where, nullptr, MS_REC | MS_PRIVATE, nullptr) == 0; };
    const bool hidden = access("/sys/kernel/btf", F_OK) != 0 ||
                        (unshare(CLONE_NEWNS) == 0 && (keep_apart("/") || keep_apart("/sys")) &&
                         mount("none", "/sys/kernel/btf", "tmpfs", 0, nullptr) == 0);
    if (!hidden) return check(false, "hiding /sys/kernel/btf");
    for (const char* name : {"globals", "maps", "callbacks", "sections", "externs"}) {
        const auto object = load_elf(object_path(name));
        check(object && std::ranges::any_of(object->programs, [](const LoadedProgram& p) { return bool(p.program); }),
              cat(name, ": cannot be loaded without kernel BTF"));
    }
    const auto core = load_elf(object_path("core"));
    check(core && verdict(*core, "plain") == "built", "a program without relocations does not load without kernel BTF");
    if (core) {
        const std::string why = verdict(*core, "guarded");
        check(why.find("CO-RE relocation needs the target's BTF") != std::string::npos,
              cat("without kernel BTF: ", why));
    }
}

}  // namespace

int main() {
    if (geteuid() != 0) skip_binary("comparing with the kernel needs root");
    if (const long fd = create(kernel_bpf, BPF_MAP_TYPE_ARRAY, 4, 8, 1); fd < 0)
        skip_binary(cat("bpf() is not permitted here: ", strerror(static_cast<int>(-fd))));
    else
        close(static_cast<int>(fd));
    compare_calls();
    compare_object("globals");
    compare_object("subprograms", {"none"});
    compare_object("maps");
    compare_object("callbacks");
    compare_object("core_kernel", {"broken"});
    for (const char* cpu : {"cpu-v2", "cpu-v3", "cpu-v4"}) compare_object(cpu);
    in_child("an unprivileged user", as_nobody);
    in_child("a kernel without BTF", without_kernel_btf);
    std::printf("%d failures\n", failures);
    return failures == 0 ? 0 : 1;
}
