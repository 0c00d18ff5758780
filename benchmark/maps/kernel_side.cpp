// Through libbpf, unchanged.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "benchmark/maps/sides.h"

namespace bpftime::benchmark {

namespace {

class KernelSide final : public Side {
public:
    explicit KernelSide(bpf_object* object) : object_(object) {}
    ~KernelSide() override { bpf_object__close(object_); }

    Result<std::uint64_t> run(const std::string& program, std::uint32_t repeat) override {
        const bpf_program* found = bpf_object__find_program_by_name(object_, program.c_str());
        if (found == nullptr) return fail(failure("no program '", program, "'"));
        std::uint8_t packet[64] = {};
        LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet, .data_size_in = sizeof packet,
                    .repeat = static_cast<int>(repeat));
        if (bpf_prog_test_run_opts(bpf_program__fd(found), &options) != 0)
            return fail(failure("the kernel cannot run '", program, "': ", std::strerror(errno)).with_errno(errno));
        return options.retval;
    }

    void empty_ring() override {
        const bpf_map* ring = bpf_object__find_map_by_name(object_, "ring");
        const auto page = static_cast<std::size_t>(getpagesize());
        void* const consumer = mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(ring), 0);
        void* const producer = mmap(nullptr, page, PROT_READ, MAP_SHARED, bpf_map__fd(ring), static_cast<off_t>(page));
        if (consumer != MAP_FAILED && producer != MAP_FAILED)
            static_cast<std::atomic<std::uint64_t>*>(consumer)->store(
                static_cast<const std::atomic<std::uint64_t>*>(producer)->load());
        if (consumer != MAP_FAILED) munmap(consumer, page);
        if (producer != MAP_FAILED) munmap(producer, page);
    }

    Status fill_all() {
        const auto cpus = static_cast<std::uint32_t>(libbpf_num_possible_cpus());
        for (const Filling& filling : fillings()) {
            const int fd = bpf_object__find_map_fd_by_name(object_, filling.map.c_str());
            BPFTIME_CHECK(fill(filling, cpus, [fd](const void* key, const void* value) {
                return bpf_map_update_elem(fd, key, value, BPF_ANY);
            }));
        }
        return {};
    }

private:
    bpf_object* object_;
};

int quiet(libbpf_print_level, const char*, va_list) { return 0; }

}  // namespace

Result<std::unique_ptr<Side>> kernel_side(const std::string& path) {
    libbpf_set_print(quiet);
    bpf_object* const object = bpf_object__open(path.c_str());
    if (object == nullptr) return fail(failure("libbpf cannot open ", path));
    auto side = std::make_unique<KernelSide>(object);
    if (bpf_object__load(object) != 0)
        return fail(failure("the kernel does not load the programs: ", std::strerror(errno)).with_errno(errno));
    BPFTIME_CHECK(side->fill_all());
    return side;
}

}  // namespace bpftime::benchmark
