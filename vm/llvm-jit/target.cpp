#include "vm/llvm-jit/target.h"

#include <llvm/ADT/StringMap.h>
#include <llvm/MC/MCSubtargetInfo.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Support/CommandLine.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/TargetParser/Host.h>

#include <algorithm>
#include <mutex>

namespace bpftime::lowering {

namespace {

// What a machine has without being asked, where LLVM's own default is less than every such system offers.
struct Baseline {
    llvm::Triple::ArchType arch;
    const char* cpu;
    const char* features;
    const char* abi;
};
constexpr Baseline kBaselines[] = {
    {llvm::Triple::x86_64, "x86-64", "", ""},
    {llvm::Triple::aarch64, "generic", "+neon", ""},
    {llvm::Triple::riscv64, "generic-rv64", "+m,+a,+f,+d,+c", "lp64d"},
    {llvm::Triple::loongarch64, "generic-la64", "+d", "lp64d"},
};
constexpr Baseline kOther{llvm::Triple::UnknownArch, "", "", ""};

// Features worth recording: those that instruction selection uses in code like ours.
constexpr const char* kNotedFeatures[] = {
    // x86-64
    "sse3", "ssse3", "sse4.1", "sse4.2", "popcnt", "avx", "avx2", "avx512f", "avx512bw", "avx512cd", "avx512dq",
    "avx512vl", "avx512ifma", "avx512vbmi", "avx512vbmi2", "avx512vnni", "avx512bitalg", "avx512vpopcntdq", "avxvnni",
    "avxifma", "bmi", "bmi2", "lzcnt", "movbe", "adx", "fma", "f16c", "gfni", "aes", "vaes", "pclmul", "vpclmulqdq",
    "sha", "cx16", "sahf", "crc32", "sse4a", "xop", "fma4", "tbm", "lwp", "movdiri", "movdir64b", "amx-tile",
    // AArch64
    "lse", "lse2", "rcpc", "rcpc-immo", "crc", "dotprod", "fullfp16", "sve", "sve2", "rdm", "jsconv", "complxnum",
    "altnzcv", "flagm", "bf16", "i8mm", "mops", "cssc", "lse128", "rcpc3", "sha3",
    // RISC-V
    "zba", "zbb", "zbc", "zbs", "zbkb", "zicond", "zacas", "zabha", "zcb", "zfa", "v", "zvbb", "unaligned-scalar-mem",
    "unaligned-vector-mem"};

// X86's domain reassignment takes time quadratic in the size of a function on AVX-512 processors (half a minute for
// 10,000 branchy instructions) and moves values to mask registers, which code like ours does not use.
void switch_off_domain_reassignment() {
    const auto& options = llvm::cl::getRegisteredOptions();
    const auto option = options.find("disable-x86-domain-reassignment");
    if (option != options.end()) static_cast<llvm::cl::opt<bool>*>(option->second)->setValue(true);
}

void initialise_host() {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    llvm::InitializeNativeTargetAsmParser();
    llvm::InitializeNativeTargetDisassembler();
    switch_off_domain_reassignment();
}

void initialise_all() {
    llvm::InitializeAllTargetInfos();
    llvm::InitializeAllTargets();
    llvm::InitializeAllTargetMCs();
    llvm::InitializeAllAsmPrinters();
    llvm::InitializeAllAsmParsers();
    llvm::InitializeAllDisassemblers();
}

llvm::Triple host_triple() { return llvm::Triple(llvm::Triple::normalize(llvm::sys::getProcessTriple())); }

Status check_machine(const llvm::Triple& triple) {
    if (!triple.isLittleEndian())
        return fail(failure("target ", triple.str(),
                            " is big-endian: BPF bytecode is little-endian and shares memory with its host"));
    if (!triple.isArch64Bit())
        return fail(failure("target ", triple.str(), " is not a 64-bit machine: BPF addresses have 64 bits"));
    if (!triple.isOSBinFormatELF()) return fail(failure("target ", triple.str(), " does not use ELF objects"));
    if (triple.isBPF() || triple.isNVPTX() || triple.isAMDGPU() || triple.isSPIRV())
        return fail(failure("target ", triple.str(), " is not a processor that objects can be linked for"));
    return {};
}

const Baseline& baseline(const llvm::Triple& triple) {
    const auto* row = std::ranges::find(kBaselines, triple.getArch(), &Baseline::arch);
    return row == std::end(kBaselines) ? kOther : *row;
}

std::string join(std::string_view a, std::string_view b) { return a.empty() || b.empty() ? cat(a, b) : cat(a, ",", b); }

std::string host_features() {
    std::string all;
    for (const auto& feature : llvm::sys::getHostCPUFeatures())
        all = join(all, cat(feature.second ? "+" : "-", std::string_view(feature.first())));
    return all;
}

Status check_features(const llvm::MCSubtargetInfo& info, const std::string& features) {
    llvm::SmallVector<llvm::StringRef> parts;
    llvm::StringRef(features).split(parts, ',', -1, false);
    for (const llvm::StringRef part : parts) {
        const llvm::StringRef name = part.substr(1);
        const auto known = info.getAllProcessorFeatures();
        const bool exists = std::ranges::any_of(known, [&](const auto& row) { return name == row.Key; });
        if ((part[0] != '+' && part[0] != '-') || !exists)
            return fail(failure("feature '", std::string_view(part), "' is unknown for ", info.getTargetTriple().str())
                            .with_hint("features are '+name' or '-name'; 'llc -mtriple=" +
                                       info.getTargetTriple().str() + " -mattr=help' lists them"));
    }
    return {};
}

// Names of the noted features that `with` has and `without` has not.
std::vector<std::string> added_features(const llvm::MCSubtargetInfo& without, const llvm::MCSubtargetInfo& with) {
    std::vector<std::string> names;
    for (const char* name : kNotedFeatures) {
        const auto known = with.getAllProcessorFeatures();
        const bool exists =
            std::ranges::any_of(known, [&](const auto& row) { return llvm::StringRef(name) == row.Key; });
        if (!exists) continue;
        const std::string flag = cat("+", name);
        if (with.checkFeatures(flag) && !without.checkFeatures(flag)) names.emplace_back(name);
    }
    return names;
}

}  // namespace

Result<const llvm::Target*> find_target(const llvm::Triple& triple) {
    static std::once_flag host, all;
    std::call_once(host, initialise_host);
    std::string message;
    if (triple.getArch() == host_triple().getArch())
        if (const auto* target = llvm::TargetRegistry::lookupTarget(triple.str(), message)) return target;
    std::call_once(all, initialise_all);
    if (const auto* target = llvm::TargetRegistry::lookupTarget(triple.str(), message)) return target;
    return fail(failure("target '", triple.str(), "' is unknown to LLVM ", LLVM_VERSION_STRING)
                    .with_hint("'llc --version' lists its architectures; a triple is like aarch64-linux-gnu"));
}

llvm::CodeGenOptLevel code_level(int level) {
    if (level <= 0) return llvm::CodeGenOptLevel::None;
    if (level == 1) return llvm::CodeGenOptLevel::Less;
    return level == 2 ? llvm::CodeGenOptLevel::Default : llvm::CodeGenOptLevel::Aggressive;
}

Result<Target> make_target(const CompileOptions& options) {
    Target result;
    result.triple = options.triple.empty() ? host_triple() : llvm::Triple(llvm::Triple::normalize(options.triple));
    const llvm::Target* const target = BPFTIME_TRY(find_target(result.triple));
    BPFTIME_CHECK(check_machine(result.triple));

    const Baseline& base = baseline(result.triple);
    const bool native = options.cpu == "native";
    if (native && result.triple.getArch() != host_triple().getArch())
        return fail(failure("cpu 'native' is this host's, which is no ", result.triple.str()));
    result.cpu = native ? llvm::sys::getHostCPUName().str() : options.cpu.empty() ? base.cpu : options.cpu;
    std::string features = native ? host_features() : options.cpu.empty() ? base.features : "";

    const std::unique_ptr<llvm::MCSubtargetInfo> plain(
        target->createMCSubtargetInfo(result.triple.str(), base.cpu, base.features));
    if (plain == nullptr) return fail(failure("target ", result.triple.str(), " cannot be compiled for by this LLVM"));
    if (!result.cpu.empty() && !plain->isCPUStringValid(result.cpu))
        return fail(
            failure("cpu '", result.cpu, "' is unknown for ", result.triple.str())
                .with_hint("'llc -mtriple=" + result.triple.str() + " -mcpu=help' lists those that LLVM knows"));
    BPFTIME_CHECK(check_features(*plain, options.features));
    features = join(features, options.features);

    llvm::TargetOptions machine_options;
    machine_options.EmitStackSizeSection = true;
    machine_options.MCOptions.ABIName = base.abi;
    result.machine.reset(target->createTargetMachine(result.triple.str(), result.cpu, features, machine_options,
                                                     llvm::Reloc::PIC_, llvm::CodeModel::Small,
                                                     code_level(options.optimise)));
    if (result.machine == nullptr)
        return fail(failure("target ", result.triple.str(), " cannot be compiled for by this LLVM"));
    result.features = added_features(*plain, *result.machine->getMCSubtargetInfo());
    return result;
}

}  // namespace bpftime::lowering
