#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>

#include "test/maps/map_view.h"

namespace bpftime::test {

namespace {

int bpf(bpf_cmd command, bpf_attr& attr) {
    const long status = syscall(SYS_bpf, command, &attr, sizeof attr);
    return status < 0 ? -errno : static_cast<int>(status);
}

std::uint64_t address(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer); }

int create(std::uint32_t type, std::uint32_t key, std::uint32_t value) {
    bpf_attr attr;
    std::memset(&attr, 0, sizeof attr);
    attr.map_type = type;
    attr.key_size = key;
    attr.value_size = value;
    attr.max_entries = 1;
    return bpf(BPF_MAP_CREATE, attr);
}

int load_program() {
    constexpr std::uint64_t kCode[] = {0xb7, 0x95};  // r0 = 0; exit
    bpf_attr attr;
    std::memset(&attr, 0, sizeof attr);
    attr.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
    attr.insn_cnt = 2;
    attr.insns = address(kCode);
    attr.license = address("GPL");
    return bpf(BPF_PROG_LOAD, attr);
}

// The id is the second word of what the kernel tells of a program, and of a map.
std::uint32_t id_of(int fd) {
    std::uint32_t info[2] = {};
    bpf_attr attr;
    std::memset(&attr, 0, sizeof attr);
    attr.info.bpf_fd = static_cast<std::uint32_t>(fd);
    attr.info.info_len = sizeof info;
    attr.info.info = address(info);
    return bpf(BPF_OBJ_GET_INFO_BY_FD, attr) == 0 ? info[1] : 0;
}

class IdView final : public MapView {
public:
    IdView(std::unique_ptr<MapView> view, std::vector<KernelObject> objects)
        : view_(std::move(view)), objects_(std::move(objects)) {}
    ~IdView() override {
        for (const KernelObject& object : objects_) close(object.fd);
    }
    int lookup(const Bytes& key, Bytes& value, std::uint64_t flags) override {
        return view_->lookup(key, value, flags);
    }
    int update(const Bytes& key, const Bytes& value, std::uint64_t flags) override {
        Bytes descriptor(4, 0xff);
        std::uint32_t id;
        std::memcpy(&id, value.data(), sizeof id);
        for (const KernelObject& object : objects_)
            if (object.id == id) std::memcpy(descriptor.data(), &object.fd, 4);
        return view_->update(key, descriptor, flags);
    }
    int erase(const Bytes& key) override { return view_->erase(key); }
    int take(const Bytes& key, Bytes& value) override { return view_->take(key, value); }
    int next_key(const Bytes* key, Bytes& next) override { return view_->next_key(key, next); }

private:
    std::unique_ptr<MapView> view_;
    std::vector<KernelObject> objects_;
};

class KernelView final : public MapView {
public:
    explicit KernelView(int fd) : fd_(fd) {}
    ~KernelView() override { close(fd_); }

    int lookup(const Bytes& key, Bytes& value, std::uint64_t flags) override {
        return element(BPF_MAP_LOOKUP_ELEM, key.data(), value.data(), flags);
    }
    int update(const Bytes& key, const Bytes& value, std::uint64_t flags) override {
        return element(BPF_MAP_UPDATE_ELEM, key.data(), value.data(), flags);
    }
    int erase(const Bytes& key) override { return element(BPF_MAP_DELETE_ELEM, key.data(), nullptr, 0); }
    int take(const Bytes& key, Bytes& value) override {
        return element(BPF_MAP_LOOKUP_AND_DELETE_ELEM, key.data(), value.data(), 0);
    }
    int next_key(const Bytes* key, Bytes& next) override {
        return element(BPF_MAP_GET_NEXT_KEY, key == nullptr ? nullptr : key->data(), next.data(), 0);
    }

private:
    int element(bpf_cmd command, const void* key, const void* value, std::uint64_t flags) const {
        bpf_attr attr;
        std::memset(&attr, 0, sizeof attr);
        attr.map_fd = static_cast<std::uint32_t>(fd_);
        attr.key = address(key);
        attr.value = address(value);
        attr.flags = flags;
        return bpf(command, attr);
    }
    int fd_;
};

// BTF of an int, which task storage wants of its keys and values.
int load_int_btf() {
    static const struct {
        std::uint32_t header[6] = {0x0001eb9f, 24, 0, 16, 16, 5};
        std::uint32_t types[4] = {1, 1u << 24, 4, 1u << 24 | 32};
        char strings[8] = "\0int";
    } kBtf;
    bpf_attr attr;
    std::memset(&attr, 0, sizeof attr);
    attr.btf = address(&kBtf);
    attr.btf_size = sizeof kBtf.header + sizeof kBtf.types + 5;
    return bpf(BPF_BTF_LOAD, attr);
}

bool holds_maps(std::uint32_t type) { return type == BPF_MAP_TYPE_ARRAY_OF_MAPS || type == BPF_MAP_TYPE_HASH_OF_MAPS; }

}  // namespace

std::vector<KernelObject> kernel_objects(std::uint32_t map_type) {
    std::vector<KernelObject> objects;
    for (int i = 0; i < 3; ++i) {
        const int fd = holds_maps(map_type) ? create(BPF_MAP_TYPE_HASH, 4, 4) : load_program();
        if (fd >= 0) objects.push_back({fd, id_of(fd)});
    }
    return objects;
}

std::unique_ptr<MapView> by_id(std::unique_ptr<MapView> view, std::vector<KernelObject> objects) {
    return std::make_unique<IdView>(std::move(view), std::move(objects));
}

Result<std::unique_ptr<MapView>> kernel_map(const MapSpec& spec) {
    bpf_attr attr;
    std::memset(&attr, 0, sizeof attr);
    attr.map_type = spec.type;
    attr.key_size = spec.key_size;
    attr.value_size = spec.value_size;
    attr.max_entries = spec.max_entries;
    attr.map_flags = spec.flags;
    attr.map_extra = spec.extra;
    const int inner = holds_maps(spec.type) ? create(BPF_MAP_TYPE_HASH, 4, 4) : -1;
    if (inner >= 0) attr.inner_map_fd = static_cast<std::uint32_t>(inner);
    const int btf = spec.type == BPF_MAP_TYPE_TASK_STORAGE ? load_int_btf() : -1;
    if (btf >= 0) {
        attr.btf_fd = static_cast<std::uint32_t>(btf);
        attr.btf_key_type_id = attr.btf_value_type_id = 1;
    }
    const int fd = bpf(BPF_MAP_CREATE, attr);
    if (btf >= 0) close(btf);
    if (inner >= 0) close(inner);
    if (fd < 0) return fail(failure("BPF_MAP_CREATE: ", std::strerror(-fd)).with_errno(-fd));
    return std::unique_ptr<MapView>(std::make_unique<KernelView>(fd));
}

}  // namespace bpftime::test
