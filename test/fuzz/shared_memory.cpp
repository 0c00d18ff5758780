// The files of a shared registry, as other processes of the user may leave them: any bytes give an object or an error,
// and an object can be asked and changed as one that is whole.
#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <vector>

#include "runtime/registry/shared_registry.h"
#include "runtime/syscall-server/bpf_call.h"
#include "runtime/syscall-server/fd_info.h"
#include "runtime/syscall-server/program_info.h"
#include "test/fuzz/input.h"
#include "test/support/shm_name.h"

using namespace bpftime;
using fuzz::Input;

namespace {

using Bytes8 = std::vector<std::uint8_t>;

long call(SharedRegistry& registry, int command, bpf_attr& attr) {
    BpfSession session{registry, {}, {}};
    return bpf_call(session, command, &attr, sizeof attr);
}

bpf_attr empty() {
    bpf_attr attr;
    std::memset(&attr, 0, sizeof attr);
    return attr;
}

// A registry of one object of each kind and several maps, and its files as they were written.
class Sample {
public:
    Sample() : registry_(*SharedRegistry::open(ShmDirectory::Open::Create, shm_.name())) {
        constexpr std::uint32_t kTypes[] = {BPF_MAP_TYPE_ARRAY,      BPF_MAP_TYPE_HASH,       BPF_MAP_TYPE_PERCPU_ARRAY,
                                            BPF_MAP_TYPE_LRU_HASH,   BPF_MAP_TYPE_QUEUE,      BPF_MAP_TYPE_STACK_TRACE,
                                            BPF_MAP_TYPE_RINGBUF,    BPF_MAP_TYPE_LPM_TRIE,   BPF_MAP_TYPE_BLOOM_FILTER,
                                            BPF_MAP_TYPE_PROG_ARRAY, BPF_MAP_TYPE_PERCPU_HASH};
        for (const std::uint32_t type : kTypes) make_map(type);
        load_btf();
        load_program();
        for (const std::string& name : registry_->directory().names()) files_[name] = read(name);
        files_["control"] = read("control");
    }
    ~Sample() {
        for (const int fd : fds_) close(fd);
    }

    const std::string& name() const { return shm_.name(); }
    const std::map<std::string, Bytes8>& files() const { return files_; }
    void write(const std::string& name, const Bytes8& bytes) const {
        const int fd = ::open(cat(shm_.path(), '/', name).c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC);
        if (fd < 0 || ::write(fd, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) __builtin_trap();
        close(fd);
    }

private:
    Bytes8 read(const std::string& name) const {
        const std::string path = cat(shm_.path(), '/', name);
        Bytes8 bytes(std::filesystem::is_regular_file(path) ? std::filesystem::file_size(path) : 0);
        const int fd = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        if (::read(fd, bytes.data(), bytes.size()) < 0) bytes.clear();
        close(fd);
        return bytes;
    }
    void keep(long fd) {
        if (fd < 0) __builtin_trap();
        fds_.push_back(static_cast<int>(fd));
    }
    void make_map(std::uint32_t type) {
        bpf_attr attr = empty();
        attr.map_type = type;
        attr.key_size = type == BPF_MAP_TYPE_LPM_TRIE                                     ? 8
                        : type == BPF_MAP_TYPE_QUEUE || type == BPF_MAP_TYPE_BLOOM_FILTER ? 0
                                                                                          : 4;
        attr.value_size = type == BPF_MAP_TYPE_PROG_ARRAY ? 4 : type == BPF_MAP_TYPE_STACK_TRACE ? 64 : 8;
        attr.max_entries = 16;
        if (type == BPF_MAP_TYPE_RINGBUF) attr.key_size = attr.value_size = 0, attr.max_entries = 4096;
        if (type == BPF_MAP_TYPE_LPM_TRIE) attr.map_flags = BPF_F_NO_PREALLOC;
        keep(call(*registry_, BPF_MAP_CREATE, attr));
    }
    void load_btf() {
        const std::uint32_t blob[] = {0x0001eb9f, 24, 0, 16, 16, 8, 1, 0x01000000, 4, 0x01000020, 0x746e6900, 0};
        bpf_attr attr = empty();
        attr.btf = reinterpret_cast<std::uintptr_t>(blob);
        attr.btf_size = sizeof blob;
        keep(call(*registry_, BPF_BTF_LOAD, attr));
    }
    void load_program() {
        const bpf_insn code[] = {{.code = 0x18, .dst_reg = 1, .src_reg = 1, .off = 0, .imm = fds_[1]},
                                 {},
                                 {.code = 0xb7, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
                                 {.code = 0x95, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
        bpf_attr attr = empty();
        attr.prog_type = BPF_PROG_TYPE_KPROBE;
        attr.insns = reinterpret_cast<std::uintptr_t>(code);
        attr.insn_cnt = 4;
        attr.license = reinterpret_cast<std::uintptr_t>("GPL");
        keep(call(*registry_, BPF_PROG_LOAD, attr));
    }

    test::ShmName shm_;
    std::unique_ptr<SharedRegistry> registry_;
    std::vector<int> fds_;
    std::map<std::string, Bytes8> files_;
};

void use_map(SharedRegistry& registry, int fd) {
    std::uint8_t key[16] = {1}, value[4096] = {};
    for (const int command : {BPF_MAP_LOOKUP_ELEM, BPF_MAP_UPDATE_ELEM, BPF_MAP_GET_NEXT_KEY,
                              BPF_MAP_LOOKUP_AND_DELETE_ELEM, BPF_MAP_DELETE_ELEM, BPF_MAP_UPDATE_ELEM}) {
        bpf_attr attr = empty();
        attr.map_fd = static_cast<std::uint32_t>(fd);
        attr.key = reinterpret_cast<std::uintptr_t>(key);
        attr.value = reinterpret_cast<std::uintptr_t>(value);
        (void)call(registry, command, attr);
    }
}

void use(SharedRegistry& registry, const BpfObject& object) {
    (void)fd_info(object);
    if (object.kind() == ObjectKind::Program) {
        const auto& program = static_cast<const ProgramObject&>(object);
        (void)shown_code(program);
        (void)native_code(program);
    }
    const auto fd = registry.open(object);
    if (!fd) return;
    if (object.kind() == ObjectKind::Map) use_map(registry, *fd);
    close(*fd);
}

// The objects that files belong to, and the program, which refers to others.
void look_around(const Sample& sample, const std::vector<std::string>& files) {
    const auto registry = SharedRegistry::open(ShmDirectory::Open::Existing, sample.name());
    if (!registry) return;
    for (std::size_t kind = 0; kind < kObjectKinds; ++kind)
        for (const std::uint32_t id : (*registry)->ids(static_cast<ObjectKind>(kind))) {
            const std::string number = cat('.', id);
            const bool looked_at = static_cast<ObjectKind>(kind) == ObjectKind::Program ||
                                   std::ranges::any_of(files, [&](const std::string& file) {
                                       return file.find(number) != std::string::npos;
                                   });
            if (!looked_at) continue;
            if (const auto object = (*registry)->by_id(static_cast<ObjectKind>(kind), id)) use(**registry, **object);
        }
}

// The record of a file begins behind its storage; it is what the input changes most.
Bytes8 changed(Input& input, Bytes8 bytes) {
    const auto how = input.take<std::uint8_t>() % 4;
    const std::size_t page = bytes.size() >= 4096 ? bytes.size() - 4096 : 0;
    const std::size_t record = page >= 4096 ? page - 4096 : 0;
    if (how == 0)
        fuzz::patch(input, std::span(bytes).subspan(record, std::min<std::size_t>(256, bytes.size() - record)));
    if (how == 1) fuzz::patch(input, std::span(bytes).subspan(page, std::min<std::size_t>(512, bytes.size() - page)));
    if (how == 2) fuzz::patch(input, bytes);
    if (how == 3) {
        const auto contents = input.bytes(512);
        std::ranges::copy(contents.first(std::min(contents.size(), bytes.size() - record)),
                          bytes.begin() + static_cast<std::ptrdiff_t>(record));
    }
    if (input.take<std::uint8_t>() == 1) bytes.resize(input.take<std::uint16_t>());
    return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Sample sample;
    Input input({data, size});
    std::vector<std::string> written;
    for (int files = 0; input && files < 2; ++files) {
        auto file = sample.files().begin();
        std::advance(file, input.take<std::uint8_t>() % sample.files().size());
        if (file->second.empty()) continue;
        sample.write(file->first, changed(input, file->second));
        written.push_back(file->first);
    }
    look_around(sample, written);
    for (const std::string& name : written) sample.write(name, sample.files().at(name));
    return 0;
}
