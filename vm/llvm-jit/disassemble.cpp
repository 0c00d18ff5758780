#include <llvm/DebugInfo/DWARF/DWARFContext.h>
#include <llvm/MC/MCAsmInfo.h>
#include <llvm/MC/MCContext.h>
#include <llvm/MC/MCDisassembler/MCDisassembler.h>
#include <llvm/MC/MCInst.h>
#include <llvm/MC/MCInstPrinter.h>
#include <llvm/MC/MCInstrInfo.h>
#include <llvm/MC/MCRegisterInfo.h>
#include <llvm/MC/MCSubtargetInfo.h>
#include <llvm/MC/TargetRegistry.h>

#include <algorithm>

#include "vm/llvm-jit/emit.h"
#include "vm/llvm-jit/object_file.h"
#include "vm/llvm-jit/target.h"

namespace bpftime::lowering {

namespace {

using llvm::object::ObjectFile;
using llvm::object::SectionRef;
using llvm::object::SymbolRef;

// Everything that printing instructions of one target takes.
struct Printer {
    llvm::Triple triple;
    std::unique_ptr<llvm::MCRegisterInfo> registers;
    std::unique_ptr<llvm::MCAsmInfo> assembly;
    std::unique_ptr<llvm::MCInstrInfo> instructions;
    std::unique_ptr<llvm::MCSubtargetInfo> subtarget;
    std::unique_ptr<llvm::MCContext> context;
    std::unique_ptr<llvm::MCDisassembler> disassembler;
    std::unique_ptr<llvm::MCInstPrinter> printer;
};

Result<Printer> make_printer(const ObjectFile& object) {
    Printer p;
    p.triple = object.makeTriple();
    const llvm::Target* const target = BPFTIME_TRY(find_target(p.triple));
    const std::string triple = p.triple.str();
    const std::string attributes =
        value_or<llvm::SubtargetFeatures>(object.getFeatures(), llvm::SubtargetFeatures()).getString();
    const llvm::MCTargetOptions options;
    p.registers.reset(target->createMCRegInfo(triple));
    if (p.registers) p.assembly.reset(target->createMCAsmInfo(*p.registers, triple, options));
    p.instructions.reset(target->createMCInstrInfo());
    // Every feature on: an object for a newer CPU shows its instructions too.
    const char* const all = p.triple.isAArch64() ? "+all" : "";
    p.subtarget.reset(target->createMCSubtargetInfo(triple, "", attributes.empty() ? all : attributes));
    if (!p.registers || !p.assembly || !p.instructions || !p.subtarget)
        return fail(failure("LLVM cannot disassemble code for ", triple));
    p.context = std::make_unique<llvm::MCContext>(p.triple, p.assembly.get(), p.registers.get(), p.subtarget.get());
    p.disassembler.reset(target->createMCDisassembler(*p.subtarget, *p.context));
    const unsigned intel = p.triple.isX86() ? 1 : p.assembly->getAssemblerDialect();
    p.printer.reset(target->createMCInstPrinter(p.triple, intel, *p.assembly, *p.instructions, *p.registers));
    if (!p.disassembler || !p.printer) return fail(failure("LLVM cannot disassemble code for ", triple));
    p.printer->setPrintImmHex(true);
    p.printer->setPrintBranchImmAsAddress(true);
    return p;
}

// Text of an instruction, its columns separated by one space.
// x86 counts branch distances from the end of the instruction.
std::string print(Printer& p, const llvm::MCInst& instruction, std::uint64_t address, std::uint64_t size) {
    std::string text;
    llvm::raw_string_ostream out(text);
    p.printer->printInst(&instruction, p.triple.isX86() ? address + size : address, "", *p.subtarget, out);
    std::ranges::replace(text, '\t', ' ');
    text.erase(0, std::min(text.find_first_not_of(' '), text.size()));
    return text;
}

// Names at the places of a section where relocations or functions are.
struct Names {
    std::map<std::uint64_t, std::string> functions;
    std::map<std::uint64_t, std::string> references;
};

Names names_of(const ObjectFile& object, const SectionRef& section) {
    Names names;
    for (const SymbolRef& symbol : object.symbols()) {
        const auto where = value_or(symbol.getSection(), object.section_end());
        const auto type = value_or<SymbolRef::Type>(symbol.getType(), SymbolRef::ST_Unknown);
        if (type == SymbolRef::ST_Function && where != object.section_end() && *where == section)
            names.functions[value_or<std::uint64_t>(symbol.getAddress(), 0)] =
                value_or<llvm::StringRef>(symbol.getName(), "").str();
    }
    for_each_relocation(object, section, [&](const llvm::object::RelocationRef& relocation) {
        if (relocation.getSymbol() == object.symbol_end()) return;
        names.references[relocation.getOffset()] =
            value_or<llvm::StringRef>(relocation.getSymbol()->getName(), "").str();
    });
    return names;
}

class SectionReader {
public:
    SectionReader(const ObjectFile& object, const SectionRef& section, Printer& printer, llvm::DWARFContext& dwarf)
        : section_(section), printer_(printer), dwarf_(dwarf), names_(names_of(object, section)) {}

    Status read(std::vector<NativeLine>& lines) {
        auto contents = section_.getContents();
        if (!contents) return fail(failure("unreadable code: ", llvm::toString(contents.takeError())));
        const llvm::ArrayRef<std::uint8_t> bytes(contents->bytes_begin(), contents->size());
        for (std::uint64_t offset = 0; offset < bytes.size();) {
            llvm::MCInst instruction;
            std::uint64_t size = 0;
            const auto status =
                printer_.disassembler->getInstruction(instruction, size, bytes.slice(offset), offset, llvm::nulls());
            NativeLine line;
            line.address = offset;
            size = std::clamp<std::uint64_t>(size, 1, bytes.size() - offset);
            if (status == llvm::MCDisassembler::Fail)
                line.text = raw(bytes.slice(offset, size));
            else
                line.text = print(printer_, instruction, offset, size) + reference(offset, size);
            annotate(line);
            lines.push_back(std::move(line));
            offset += size;
        }
        return {};
    }

private:
    static std::string raw(llvm::ArrayRef<std::uint8_t> bytes) {
        std::string text = ".byte";
        for (const std::uint8_t byte : bytes) text += cat(" ", hex(byte));
        return text;
    }

    std::string reference(std::uint64_t offset, std::uint64_t size) const {
        const auto found = names_.references.lower_bound(offset);
        return found != names_.references.end() && found->first < offset + size ? cat("  ; ", found->second)
                                                                                : std::string();
    }

    void annotate(NativeLine& line) {
        if (const auto name = names_.functions.find(line.address); name != names_.functions.end())
            line.symbol = name->second;
        llvm::DILineInfoSpecifier what(llvm::DILineInfoSpecifier::FileLineInfoKind::RelativeFilePath);
        const llvm::DILineInfo where = dwarf_.getLineInfoForAddress({line.address, section_.getIndex()}, what);
        if (where.Line == 0) return;
        line.source_line = where.Line;
        line.source_file = where.FileName;
    }

    const SectionRef section_;
    Printer& printer_;
    llvm::DWARFContext& dwarf_;
    Names names_;
};

}  // namespace

Result<std::vector<NativeLine>> disassemble_object(std::span<const std::uint8_t> elf) {
    const auto object = BPFTIME_TRY(open_object(elf));
    Printer printer = BPFTIME_TRY(make_printer(*object));
    const auto ignore = [](llvm::Error error) { llvm::consumeError(std::move(error)); };
    const auto dwarf = llvm::DWARFContext::create(*object, llvm::DWARFContext::ProcessDebugRelocations::Process,
                                                  nullptr, "", ignore, ignore);
    std::vector<NativeLine> lines;
    for (const SectionRef& section : object->sections())
        if (section.isText()) BPFTIME_CHECK(SectionReader(*object, section, printer, *dwarf).read(lines));
    return lines;
}

}  // namespace bpftime::lowering
