// bpf(2): sequences of commands with any attributes, most of them near what is allowed. Each call gives a result or an
// errno, and writes only where the attributes say.
#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <vector>

#include "runtime/registry/local_registry.h"
#include "runtime/syscall-server/bpf_call.h"
#include "test/fuzz/input.h"
#include "vm/core/decode.h"

using namespace bpftime;
using fuzz::Input;

namespace {

// What the attributes point into, with nothing behind it. Its parts, by what the templates below put there.
constexpr std::size_t kArena = 1 << 16;
constexpr std::size_t kKey = 0, kValue = 1 << 10, kNext = 1 << 14, kInfo = 5 << 12, kText = 6 << 12, kLog = 7 << 12,
                      kCode = 1 << 15;

std::uint8_t* make_arena() {
    void* const base = mmap(nullptr, 2 * kArena, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED || mprotect(base, kArena, PROT_READ | PROT_WRITE) != 0) std::abort();
    return static_cast<std::uint8_t*>(base);
}
std::uint8_t* const arena = make_arena();

std::uint64_t at(std::size_t offset) { return reinterpret_cast<std::uintptr_t>(arena + offset); }

struct Descriptors {
    std::vector<int> all;
    std::uint32_t pick(Input& input) const {
        const auto choice = input.take<std::uint8_t>();
        if (all.empty() || choice > 250) return static_cast<std::uint32_t>(-1);
        return static_cast<std::uint32_t>(all[choice % all.size()]);
    }
};

void map_template(bpf_attr& attr, Input& input) {
    attr.map_type = input.take<std::uint8_t>() % 36;
    attr.key_size = 4;
    attr.value_size = input.take<std::uint8_t>() % 2 == 0 ? 8 : 4;
    attr.max_entries = 1u << input.take<std::uint8_t>() % 14;
    if (attr.map_type == BPF_MAP_TYPE_RINGBUF || attr.map_type == BPF_MAP_TYPE_USER_RINGBUF)
        attr.key_size = attr.value_size = 0;
    if (attr.map_type == BPF_MAP_TYPE_LPM_TRIE) attr.key_size = 8, attr.map_flags = BPF_F_NO_PREALLOC;
}

void program_template(bpf_attr& attr, Input& input) {
    constexpr std::uint32_t kTypes[] = {BPF_PROG_TYPE_SOCKET_FILTER, BPF_PROG_TYPE_KPROBE, BPF_PROG_TYPE_XDP,
                                        BPF_PROG_TYPE_RAW_TRACEPOINT, BPF_PROG_TYPE_SYSCALL};
    attr.prog_type = kTypes[input.take<std::uint8_t>() % std::size(kTypes)];
    const auto code = input.bytes(input.take<std::uint8_t>());
    std::memcpy(arena + kCode, code.data(), code.size());
    const bpf_insn end[] = {{.code = 0xb7, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
                            {.code = 0x95, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
    const std::size_t insns = code.size() / sizeof(bpf_insn);
    std::memcpy(arena + kCode + insns * sizeof(bpf_insn), end, sizeof end);
    attr.insns = at(kCode);
    attr.insn_cnt = static_cast<std::uint32_t>(insns + 2);
    attr.license = at(kText);
    attr.log_buf = at(kLog);
    attr.log_size = 4096;
    attr.log_level = input.take<std::uint8_t>() % 3;
}

void btf_template(bpf_attr& attr, Input& input) {
    const auto types = input.bytes(input.take<std::uint8_t>());
    constexpr std::uint32_t kHeader = 24, kStrings = 16;
    const std::uint32_t size = static_cast<std::uint32_t>(types.size()) / 4 * 4;
    const std::uint32_t header[] = {0x0001eb9f, kHeader, 0, size, size, kStrings};
    std::memcpy(arena + kCode, header, sizeof header);
    std::memcpy(arena + kCode + kHeader, types.data(), size);
    std::memcpy(arena + kCode + kHeader + size, "\0int\0main\0a\0b\0c", kStrings);
    attr.btf = at(kCode);
    attr.btf_size = kHeader + size + kStrings;
}

// Attributes as a client would give them.
bpf_attr attributes(int command, Input& input, const Descriptors& descriptors) {
    bpf_attr attr;
    std::memset(&attr, 0, sizeof attr);
    switch (command) {
        case BPF_MAP_CREATE: map_template(attr, input); break;
        case BPF_PROG_LOAD: program_template(attr, input); break;
        case BPF_BTF_LOAD: btf_template(attr, input); break;
        case BPF_MAP_LOOKUP_ELEM:
        case BPF_MAP_UPDATE_ELEM:
        case BPF_MAP_DELETE_ELEM:
        case BPF_MAP_LOOKUP_AND_DELETE_ELEM:
        case BPF_MAP_GET_NEXT_KEY:
            attr.map_fd = descriptors.pick(input);
            attr.key = at(kKey);
            attr.value = at(kValue);
            if (command == BPF_MAP_UPDATE_ELEM) {
                const std::uint32_t fd = descriptors.pick(input);
                if (input.take<std::uint8_t>() % 2 == 0) std::memcpy(arena + kValue, &fd, sizeof fd);
            }
            break;
        case BPF_MAP_LOOKUP_BATCH:
        case BPF_MAP_LOOKUP_AND_DELETE_BATCH:
        case BPF_MAP_UPDATE_BATCH:
        case BPF_MAP_DELETE_BATCH:
            attr.batch.map_fd = descriptors.pick(input);
            attr.batch.keys = at(kKey);
            attr.batch.values = at(kValue);
            attr.batch.out_batch = at(kNext);
            attr.batch.in_batch = input.take<std::uint8_t>() % 2 == 0 ? 0 : at(kNext);
            attr.batch.count = input.take<std::uint8_t>();
            break;
        case BPF_OBJ_PIN:
        case BPF_OBJ_GET:
            attr.pathname = at(kText);
            if (command == BPF_OBJ_PIN) attr.bpf_fd = descriptors.pick(input);
            break;
        case BPF_OBJ_GET_INFO_BY_FD:
            attr.info.bpf_fd = descriptors.pick(input);
            attr.info.info = at(kInfo);
            attr.info.info_len = input.take<std::uint8_t>();
            std::memset(arena + kInfo, 0, 256);
            fuzz::patch(input, {arena + kInfo, 256});
            break;
        case BPF_LINK_CREATE:
            attr.link_create.prog_fd = descriptors.pick(input);
            attr.link_create.target_fd = descriptors.pick(input);
            attr.link_create.attach_type = input.take<std::uint8_t>();
            break;
        default:
            attr.map_fd = descriptors.pick(input);
            attr.open_flags = 0;
            if (input.take<std::uint8_t>() % 2 == 0) attr.start_id = input.take<std::uint8_t>() % 8;
    }
    return attr;
}

// Contents that take long to make have their own tests.
void limit(int command, bpf_attr& attr) {
    if (command != BPF_MAP_CREATE) return;
    if (attr.max_entries > 1u << 16 && attr.max_entries < UINT32_MAX - 16) attr.max_entries &= 0xffff;
    if (attr.value_size > 1u << 12 && attr.value_size < UINT32_MAX - 16) attr.value_size &= 0xfff;
}

// Whether a run of the program ends soon and calls nothing: whoever loads a program that is not verified may run into
// anything.
bool may_run(LocalRegistry& registry, const bpf_attr& attr) {
    const auto program = registry.get<ProgramObject>(static_cast<int>(attr.test.prog_fd));
    if (!program) return true;
    for (const Insn& insn : (*program)->program.insns) {
        const auto raw = encode(std::span(&insn, 1));
        const std::uint8_t group = raw[0].opcode & 7;
        if ((group == BPF_JMP || group == BPF_JMP32) && raw[0].opcode != (BPF_JMP | BPF_EXIT)) return false;
    }
    return true;
}

void one_call(LocalRegistry& registry, BpfSession& session, Input& input, Descriptors& descriptors) {
    const int command = input.take<std::uint8_t>() % 40;
    bpf_attr attr = attributes(command, input, descriptors);
    fuzz::patch(input, {reinterpret_cast<std::uint8_t*>(&attr), sizeof attr});
    limit(command, attr);
    if (command == BPF_PROG_TEST_RUN) {
        attr.test.repeat = 0;
        if (!may_run(registry, attr)) return;
    }
    const auto short_size = input.take<std::uint8_t>();
    const unsigned size = short_size < 200 ? sizeof attr : short_size - 200u;
    const long result = bpf_call(session, command, &attr, size);
    if (result < -4095) __builtin_trap();  // no error number
    if (result < 0 && (!session.error || session.error->errnum != -result)) __builtin_trap();
    constexpr int kMakers[] = {BPF_MAP_CREATE,       BPF_PROG_LOAD,        BPF_OBJ_GET,           BPF_PROG_GET_FD_BY_ID,
                               BPF_MAP_GET_FD_BY_ID, BPF_BTF_GET_FD_BY_ID, BPF_LINK_GET_FD_BY_ID, BPF_BTF_LOAD,
                               BPF_LINK_CREATE,      BPF_ENABLE_STATS};
    if (result >= 0 && std::ranges::find(kMakers, command) != std::end(kMakers)) {
        if (result < 3) __builtin_trap();  // never a standard stream
        descriptors.all.push_back(static_cast<int>(result));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input({data, size});
    std::memset(arena, 0, kArena);
    std::memcpy(arena + kText, "GPL", 4);
    Descriptors descriptors;
    {
        LocalRegistry registry;
        BpfSession session{registry, {}, {}};
        for (int calls = 0; input && calls < 40; ++calls) one_call(registry, session, input, descriptors);
    }
    for (const int fd : descriptors.all) close(fd);
    return 0;
}
