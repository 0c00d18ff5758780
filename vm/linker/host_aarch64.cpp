// CPU features of an AArch64 host by LLVM's names, from the kernel's hardware capabilities (AT_HWCAP, AT_HWCAP2).
#include <asm/hwcap.h>
#include <sys/auxv.h>

#include <algorithm>

#include "vm/linker/target.h"

namespace bpftime::aot {

namespace {

struct Feature {
    std::string_view name;  // LLVM's
    unsigned long hwcap, hwcap2;
};

// Bits of AT_HWCAP2 that older kernel headers have no names for.
constexpr unsigned long kCssc = 1ul << 34, kMops = 1ul << 43, kLrcpc3 = 1ul << 46, kLse128 = 1ul << 47;

// clang-format off
constexpr Feature kFeatures[] = {
    // Part of every ARMv8-A CPU that runs Linux, or nothing that code of ours can use.
    {"v8a", 0, 0}, {"fp-armv8", 0, 0}, {"neon", 0, 0}, {"outline-atomics", 0, 0}, {"perfmon", 0, 0}, {"ras", 0, 0}, {"spe", 0, 0},
    {"aes", HWCAP_AES | HWCAP_PMULL, 0},
    {"sha2", HWCAP_SHA1 | HWCAP_SHA2, 0},
    {"sha3", HWCAP_SHA3 | HWCAP_SHA512, 0},
    {"sm4", HWCAP_SM3 | HWCAP_SM4, 0},
    {"crc", HWCAP_CRC32, 0},
    {"lse", HWCAP_ATOMICS, 0},
    {"lse2", HWCAP_USCAT, 0},
    {"rdm", HWCAP_ASIMDRDM, 0},
    {"fullfp16", HWCAP_FPHP | HWCAP_ASIMDHP, 0},
    {"fp16fml", HWCAP_ASIMDFHM, 0},
    {"dotprod", HWCAP_ASIMDDP, 0},
    {"jsconv", HWCAP_JSCVT, 0},
    {"complxnum", HWCAP_FCMA, 0},
    {"rcpc", HWCAP_LRCPC, 0},
    {"rcpc-immo", HWCAP_ILRCPC, 0},
    {"ccpp", HWCAP_DCPOP, 0},
    {"ccdp", 0, HWCAP2_DCPODP},
    {"dit", HWCAP_DIT, 0},
    {"flagm", HWCAP_FLAGM, 0},
    {"altnzcv", 0, HWCAP2_FLAGM2},
    {"ssbs", HWCAP_SSBS, 0},
    {"sb", HWCAP_SB, 0},
    {"pauth", HWCAP_PACA | HWCAP_PACG, 0},
    {"sve", HWCAP_SVE, 0},
    {"sve2", HWCAP_SVE, HWCAP2_SVE2},
    {"fptoint", 0, HWCAP2_FRINT},
    {"i8mm", 0, HWCAP2_I8MM},
    {"bf16", 0, HWCAP2_BF16},
    {"rand", 0, HWCAP2_RNG},
    {"bti", 0, HWCAP2_BTI},
    {"cssc", 0, kCssc},
    {"mops", 0, kMops},
    {"rcpc3", 0, kLrcpc3},
    {"lse128", 0, kLse128},
};
// clang-format on

Support feature(std::string_view name) {
    const auto* row = std::ranges::find(kFeatures, name, &Feature::name);
    if (row == std::end(kFeatures)) return Support::Unknown;
    const bool present =
        (getauxval(AT_HWCAP) & row->hwcap) == row->hwcap && (getauxval(AT_HWCAP2) & row->hwcap2) == row->hwcap2;
    return present ? Support::Present : Support::Missing;
}

}  // namespace

constinit const Host kHost = {kAArch64, feature};

}  // namespace bpftime::aot
