// Our helpers against the running kernel's: the cases of helper_cases.h, run there by helper_cases.bpf.c. Needs the
// right to load.
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "runtime/helpers/helpers.h"
#include "test/catch.h"
#include "test/maps/helper_cases.h"
#include "test/support/skip.h"

namespace {

using u64 = std::uint64_t;

constexpr std::size_t kTextSize = 64;

// Layout of helper_cases.bpf.c.
struct FormatResult {
    std::int64_t status;
    char text[kTextSize];
};
struct NumberResult {
    std::int64_t status, value, unsigned_status;
    u64 unsigned_value;
};
struct NamespaceResult {
    std::int64_t status;
    std::uint32_t pid, tgid;
};
struct Results {
    std::vector<FormatResult> formats;
    std::vector<std::int64_t> traces, compares, checksums;
    std::vector<NumberResult> numbers;
    std::vector<std::int64_t> dynptrs, ticks;
    std::vector<NamespaceResult> namespaces;
};

// The process's pid namespace.
std::array<u64, 2> own_namespace() {
    struct stat status {};
    return stat("/proc/self/ns/pid", &status) == 0 ? std::array<u64, 2>{status.st_dev, status.st_ino} : std::array<u64, 2>{};
}

// A global variable of the object by name: libbpf's skeletons look it up in BTF; its address in the data map's mapping.
class Globals {
public:
    explicit Globals(bpf_object* object) : btf_(bpf_object__btf(object)) {
        bpf_map* map;
        bpf_object__for_each_map(map, object) {
            if (std::strstr(bpf_map__name(map), ".bss") == nullptr) continue;
            bytes_.resize(bpf_map__value_size(map));
            const std::uint32_t key = 0;
            if (bpf_map_lookup_elem(bpf_map__fd(map), &key, bytes_.data()) != 0) bytes_.clear();
        }
    }
    template <class T>
    std::vector<T> read(const char* name) const {
        const int section_id = btf__find_by_name_kind(btf_, ".bss", BTF_KIND_DATASEC);
        const btf_type* section = btf__type_by_id(btf_, static_cast<std::uint32_t>(section_id));
        const btf_var_secinfo* variable = btf_var_secinfos(section);
        for (int i = 0; i < btf_vlen(section); ++i, ++variable) {
            if (std::strcmp(btf__name_by_offset(btf_, btf__type_by_id(btf_, variable->type)->name_off), name) != 0)
                continue;
            std::vector<T> values(variable->size / sizeof(T));
            std::memcpy(values.data(), bytes_.data() + variable->offset, values.size() * sizeof(T));
            return values;
        }
        return {};
    }

private:
    const btf* btf_;
    std::vector<std::uint8_t> bytes_;
};

void run(bpf_object* object, const char* name, void* data, std::uint32_t size) {
    LIBBPF_OPTS(bpf_test_run_opts, options);
    const bpf_program* program = bpf_object__find_program_by_name(object, name);
    const bool packet = program != nullptr && bpf_program__type(program) != BPF_PROG_TYPE_SYSCALL;
    (packet ? options.data_in : options.ctx_in) = data;
    (packet ? options.data_size_in : options.ctx_size_in) = size;
    if (program == nullptr || bpf_prog_test_run_opts(bpf_program__fd(program), &options) != 0)
        bpftime::test::skip_binary(std::string("the kernel does not run ") + name + ": " + std::strerror(errno));
}

Results run_in_kernel() {
    libbpf_set_print(nullptr);
    bpf_object* object = bpf_object__open_file(HELPER_CASES_OBJECT, nullptr);
    if (object == nullptr || bpf_object__load(object) != 0)
        bpftime::test::skip_binary(std::string("the kernel loads no programs for this process: ") +
                                   std::strerror(errno));
    std::vector<std::uint8_t> packet(64);
    run(object, "text_cases", nullptr, 0);
    run(object, "number_and_compare_cases", nullptr, 0);
    run(object, "checksum_cases", packet.data(), static_cast<std::uint32_t>(packet.size()));
    run(object, "dynptr_cases", nullptr, 0);
    auto ids = own_namespace();
    run(object, "host_cases", ids.data(), sizeof ids);
    const Globals globals(object);
    Results results{globals.read<FormatResult>("format_results"), globals.read<std::int64_t>("trace_results"),
                    globals.read<std::int64_t>("compare_results"), globals.read<std::int64_t>("checksum_results"),
                    globals.read<NumberResult>("number_results"), globals.read<std::int64_t>("dynptr_results"),
                    globals.read<std::int64_t>("ticks"), globals.read<NamespaceResult>("namespace_results")};
    bpf_object__close(object);
    return results;
}

const Results kKernel = run_in_kernel();

char hello[] = "hello";
unsigned char address_bytes[16] = {10, 0, 200, 7, 0, 0, 0xab, 0xcd, 0, 1, 2, 3, 4, 5, 6, 255};
#define HELLO reinterpret_cast<u64>(hello)
#define BYTES reinterpret_cast<u64>(address_bytes)

u64 at(const void* pointer) { return reinterpret_cast<u64>(pointer); }
std::int64_t call(std::uint32_t id, u64 a, u64 b, u64 c, u64 d = 0, u64 e = 0) {
    return static_cast<std::int64_t>(bpftime::helper_function(id)(a, b, c, d, e));
}

template <class... Arguments>
std::array<u64, sizeof...(Arguments)> as_words(Arguments... arguments) {
    return {static_cast<u64>(arguments)...};
}

}  // namespace

TEST_CASE("snprintf formats as the kernel does") {
    std::size_t index = 0;
#define FORMAT_CASE(format, ...)                                                                                  \
    {                                                                                                             \
        const auto arguments = as_words(__VA_ARGS__);                                                             \
        char text[kTextSize] = {};                                                                                \
        const auto status = call(165, at(text), sizeof text, at(format), at(arguments.data()), sizeof arguments); \
        INFO(format);                                                                                             \
        CHECK(status == kKernel.formats[index].status);                                                           \
        CHECK(std::string(text) == kKernel.formats[index].text);                                                  \
        ++index;                                                                                                  \
    }
    FORMAT_CASES
    CHECK(index > 20);
}

TEST_CASE("trace_printk accepts the formats that the kernel accepts and returns its length") {
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    bpftime::set_trace_output(nowhere);
    std::size_t index = 0;
#define TRACE_CASE(format, a, b, c)                                                   \
    {                                                                                 \
        INFO(format);                                                                 \
        CHECK(call(6, at(format), sizeof(format), a, b, c) == kKernel.traces[index]); \
        ++index;                                                                      \
    }
    TRACE_CASES
    CHECK(index > 20);
}

TEST_CASE("strtol and strtoul read as the kernel does") {
    std::size_t index = 0;
#define NUMBER_CASE(literal, flags)                                                                              \
    {                                                                                                            \
        NumberResult ours{0, 77, 0, 77};                                                                         \
        if (sizeof(literal) > 1) {                                                                               \
            ours.status = call(105, at(literal), sizeof(literal) - 1, flags, at(&ours.value));                   \
            ours.unsigned_status = call(106, at(literal), sizeof(literal) - 1, flags, at(&ours.unsigned_value)); \
        }                                                                                                        \
        const NumberResult& kernel = kKernel.numbers[index++];                                                   \
        INFO('"' << literal << "\" flags " << flags);                                                            \
        CHECK(ours.status == kernel.status);                                                                     \
        CHECK(ours.value == kernel.value);                                                                       \
        CHECK(ours.unsigned_status == kernel.unsigned_status);                                                   \
        CHECK(ours.unsigned_value == kernel.unsigned_value);                                                     \
    }
    NUMBER_CASES
    CHECK(index > 30);
}

TEST_CASE("strncmp orders as the kernel does") {
    std::size_t index = 0;
#define COMPARE_CASE(left, size, right) CHECK(call(182, at(left), size, at(right)) == kKernel.compares[index++]);
    COMPARE_CASES
    CHECK(index > 5);
}

TEST_CASE("csum_diff sums as the kernel does") {
    std::uint32_t words[32];
    for (std::uint32_t i = 0; i < 32; ++i) words[i] = (i + 1) * 0x9e3779b1u;
    std::size_t index = 0;
#define CHECKSUM_CASE(from, to, seed)                                                             \
    {                                                                                             \
        INFO("from " << from << " to " << to << " seed " << seed);                                \
        CHECK(call(28, at(words), from, at(words + 16), to, seed) == kKernel.checksums[index++]); \
    }
    CHECKSUM_CASES
    CHECK(index > 10);
}

namespace {

// The helpers of these cases, by the names that the kernel's side has for them.
struct bpf_dynptr_words {
    u64 words[2];
};
std::int64_t bpf_dynptr_from_mem(const void* data, u64 size, u64 flags, bpf_dynptr_words* out) {
    return call(197, at(data), size, flags, at(out));
}
std::int64_t bpf_dynptr_read(void* to, u64 size, bpf_dynptr_words* from, u64 offset, u64 flags) {
    return call(201, at(to), size, at(from), offset, flags);
}
std::int64_t bpf_dynptr_write(bpf_dynptr_words* to, u64 offset, const void* from, u64 size, u64 flags) {
    return call(202, at(to), offset, at(from), size, flags);
}
u64 bpf_dynptr_data(bpf_dynptr_words* from, u64 offset, u64 size) { return static_cast<u64>(call(203, at(from), offset, size)); }

}  // namespace

TEST_CASE("dynptrs refuse and allow what the kernel's do") {
    bpftime::MapSpec spec;
    spec.type = BPF_MAP_TYPE_RINGBUF;
    spec.max_entries = 4096;
    const auto map = *bpftime::create_map(spec);
    const auto& ring = *map;
    const auto bpf_ringbuf_reserve_dynptr = [](const bpftime::Map* to, u64 size, u64 flags, bpf_dynptr_words* out) {
        return call(198, to->handle(), size, flags, at(out));
    };
    const auto bpf_ringbuf_submit_dynptr = [](bpf_dynptr_words* record, u64 flags) { call(199, at(record), flags, 0); };
    const auto bpf_ringbuf_discard_dynptr = [](bpf_dynptr_words* record, u64 flags) { call(200, at(record), flags, 0); };
    const auto bpf_ringbuf_query = [](const bpftime::Map* of, u64 what) { return call(134, of->handle(), what, 0); };
    char memory[64] = {};
    unsigned char buffer[16] = {};
    bpf_dynptr_words d{{9, 9}}, r{{9, 9}};
    std::size_t index = 0;
#undef DYNPTR_CASE
#undef DYNPTR_END
#define DYNPTR_CASE(expression)                                                             \
    {                                                                                       \
        INFO(#expression);                                                                  \
        CHECK(static_cast<std::int64_t>(expression) == kKernel.dynptrs[index]);             \
        ++index;                                                                            \
    }
#define DYNPTR_END(call) call;
    DYNPTR_CASES
    CHECK(index > 20);
}

TEST_CASE("ids in a namespace and ticks are the kernel's") {
    const auto [device, inode] = own_namespace();
    std::size_t index = 0;
#define NAMESPACE_CASE(device, inode, size)                                                    \
    {                                                                                          \
        NamespaceResult ours{0, 7, 7};                                                         \
        ours.status = call(120, device, inode, at(&ours.pid), size);                           \
        INFO("case " << index);                                                                \
        CHECK(ours.status == kKernel.namespaces[index].status);                                \
        CHECK(ours.pid == kKernel.namespaces[index].pid);                                      \
        CHECK(ours.tgid == kKernel.namespaces[index].tgid);                                    \
        ++index;                                                                               \
    }
    NAMESPACE_CASES
    // The kernel was asked when this process began.
    const std::int64_t ahead = call(118, 0, 0, 0) - kKernel.ticks.at(0);
    CHECK(ahead >= -10);
    CHECK(ahead < 60'000);
}
