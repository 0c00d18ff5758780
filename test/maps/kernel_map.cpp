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

}  // namespace

Result<std::unique_ptr<MapView>> kernel_map(const MapSpec& spec) {
    bpf_attr attr;
    std::memset(&attr, 0, sizeof attr);
    attr.map_type = spec.type;
    attr.key_size = spec.key_size;
    attr.value_size = spec.value_size;
    attr.max_entries = spec.max_entries;
    attr.map_flags = spec.flags;
    attr.map_extra = spec.extra;
    const int fd = bpf(BPF_MAP_CREATE, attr);
    if (fd < 0) return fail(failure("BPF_MAP_CREATE: ", std::strerror(-fd)).with_errno(-fd));
    return std::unique_ptr<MapView>(std::make_unique<KernelView>(fd));
}

}  // namespace bpftime::test
