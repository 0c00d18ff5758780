// CPU features of an x86-64 host by LLVM's names.
#include <cpuid.h>

#include <algorithm>

#include "vm/linker/target.h"

namespace bpftime::aot {

namespace {

struct Feature {
    std::string_view name;  // LLVM's
    bool (*present)();
};

bool always() { return true; }

// CPUID leaf 7, sub-leaf 1, EAX: features that the oldest supported compiler has no name for. Asked once: in a virtual
// machine CPUID is slow.
bool later_avx(int bit) {
    static const unsigned kBits = [] {
        unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
        return __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0 ? eax : 0u;
    }();
    return ((kBits >> bit) & 1) != 0 && __builtin_cpu_supports("avx2") != 0;
}

// `gcc` is the compiler's name of the same thing; the answer comes from what its runtime read at start-up, without
// CPUID, and covers the operating system's support for wide registers.
#define FEATURE(name, gcc)                                    \
    {                                                         \
        name, [] { return __builtin_cpu_supports(gcc) != 0; } \
    }

const Feature kFeatures[] = {
    // Part of every x86-64 CPU.
    {"64bit", always},
    {"cmov", always},
    {"cx8", always},
    {"fxsr", always},
    {"mmx", always},
    {"sse", always},
    {"sse2", always},
    {"x87", always},
    {"nopl", always},
    // Instructions of the kernel, which code of ours cannot use.
    {"invpcid", always},
    {"avxifma", [] { return later_avx(23); }},
    // cx16 and sahf have no name that all compilers know; the level x86-64-v2 includes both.
    FEATURE("adx", "adx"),
    FEATURE("aes", "aes"),
    FEATURE("amx-tile", "amx-tile"),
    FEATURE("avx", "avx"),
    FEATURE("avx2", "avx2"),
    FEATURE("avx512bf16", "avx512bf16"),
    FEATURE("avx512bitalg", "avx512bitalg"),
    FEATURE("avx512bw", "avx512bw"),
    FEATURE("avx512cd", "avx512cd"),
    FEATURE("avx512dq", "avx512dq"),
    FEATURE("avx512f", "avx512f"),
    FEATURE("avx512ifma", "avx512ifma"),
    FEATURE("avx512vbmi", "avx512vbmi"),
    FEATURE("avx512vbmi2", "avx512vbmi2"),
    FEATURE("avx512vl", "avx512vl"),
    FEATURE("avx512vnni", "avx512vnni"),
    FEATURE("avx512vpopcntdq", "avx512vpopcntdq"),
    FEATURE("avxvnni", "avxvnni"),
    FEATURE("bmi", "bmi"),
    FEATURE("bmi2", "bmi2"),
    FEATURE("clflushopt", "clflushopt"),
    FEATURE("clwb", "clwb"),
    FEATURE("clzero", "clzero"),
    FEATURE("crc32", "sse4.2"),
    FEATURE("cx16", "x86-64-v2"),
    FEATURE("evex512", "avx512f"),
    FEATURE("f16c", "f16c"),
    FEATURE("fma", "fma"),
    FEATURE("fma4", "fma4"),
    FEATURE("fsgsbase", "fsgsbase"),
    FEATURE("gfni", "gfni"),
    FEATURE("lwp", "lwp"),
    FEATURE("lzcnt", "lzcnt"),
    FEATURE("movbe", "movbe"),
    FEATURE("movdir64b", "movdir64b"),
    FEATURE("movdiri", "movdiri"),
    FEATURE("mwaitx", "mwaitx"),
    FEATURE("pclmul", "pclmul"),
    FEATURE("pku", "pku"),
    FEATURE("popcnt", "popcnt"),
    FEATURE("prfchw", "prfchw"),
    FEATURE("rdpid", "rdpid"),
    FEATURE("rdrnd", "rdrnd"),
    FEATURE("rdseed", "rdseed"),
    FEATURE("rtm", "rtm"),
    FEATURE("sahf", "x86-64-v2"),
    FEATURE("serialize", "serialize"),
    FEATURE("sha", "sha"),
    FEATURE("shstk", "shstk"),
    FEATURE("sse3", "sse3"),
    FEATURE("sse4.1", "sse4.1"),
    FEATURE("sse4.2", "sse4.2"),
    FEATURE("sse4a", "sse4a"),
    FEATURE("ssse3", "ssse3"),
    FEATURE("tbm", "tbm"),
    FEATURE("vaes", "vaes"),
    FEATURE("vpclmulqdq", "vpclmulqdq"),
    FEATURE("waitpkg", "waitpkg"),
    FEATURE("wbnoinvd", "wbnoinvd"),
    FEATURE("xop", "xop"),
    FEATURE("xsave", "xsave"),
    FEATURE("xsavec", "xsavec"),
    FEATURE("xsaveopt", "xsaveopt"),
    FEATURE("xsaves", "xsaves"),
};
#undef FEATURE

Support feature(std::string_view name) {
    const auto* row = std::ranges::find(kFeatures, name, &Feature::name);
    if (row == std::end(kFeatures)) return Support::Unknown;
    return row->present() ? Support::Present : Support::Missing;
}

}  // namespace

constinit const Host kHost = {kX86_64, feature};

}  // namespace bpftime::aot
