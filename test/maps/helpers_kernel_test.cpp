// Our helpers against the running kernel's: the cases of helper_cases.h, run there by helper_cases.bpf.c. Needs the
// right to load.
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <sys/mman.h>

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
struct Results {
    std::vector<FormatResult> formats;
    std::vector<std::int64_t> traces, compares, checksums;
    std::vector<NumberResult> numbers;
};

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
    options.data_in = data;
    options.data_size_in = size;
    const bpf_program* program = bpf_object__find_program_by_name(object, name);
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
    const Globals globals(object);
    Results results{globals.read<FormatResult>("format_results"), globals.read<std::int64_t>("trace_results"),
                    globals.read<std::int64_t>("compare_results"), globals.read<std::int64_t>("checksum_results"),
                    globals.read<NumberResult>("number_results")};
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
