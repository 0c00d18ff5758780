#include <llvm/IR/AssemblyAnnotationWriter.h>
#include <llvm/IR/DebugInfo.h>
#include <llvm/IR/DebugInfoMetadata.h>
#include <llvm/IR/Instructions.h>
#include <llvm/Support/FormattedStream.h>
#include <llvm/Support/raw_ostream.h>

#include <map>
#include <unordered_map>

#include "vm/llvm-jit/emit.h"

namespace bpftime::lowering {

namespace {

using Notes = std::unordered_map<const llvm::Instruction*, std::string>;

// The text of each known source line.
std::map<std::pair<std::string, unsigned>, std::string> source_texts(const Program& program) {
    std::map<std::pair<std::string, unsigned>, std::string> texts;
    for (const SourceLine& line : program.lines) {
        const std::string file = line.file < program.source_files.size() ? program.source_files[line.file] : "";
        texts[{file.substr(file.rfind('/') + 1), line.line}] = line.text;
    }
    return texts;
}

// "file:line: text" for the first instruction of each line in a block.
Notes make_notes(const llvm::Module& module, const Program& program) {
    const auto texts = source_texts(program);
    Notes notes;
    for (const llvm::Function& function : module)
        for (const llvm::BasicBlock& block : function) {
            std::pair<std::string, unsigned> current{"", 0};
            for (const llvm::Instruction& instruction : block) {
                const llvm::DebugLoc& where = instruction.getDebugLoc();
                if (!where || where.getLine() == 0) continue;
                std::pair<std::string, unsigned> line{where->getFilename().str(), where.getLine()};
                if (line == current) continue;
                const auto text = texts.find(line);
                std::string_view words = text == texts.end() ? std::string_view() : text->second;
                words.remove_prefix(std::min(words.find_first_not_of(" \t"), words.size()));
                notes[&instruction] = cat(line.first, ":", line.second, words.empty() ? "" : ": ", words);
                current = std::move(line);
            }
        }
    return notes;
}

class NoteWriter : public llvm::AssemblyAnnotationWriter {
public:
    explicit NoteWriter(Notes notes) : notes_(std::move(notes)) {}
    void emitInstructionAnnot(const llvm::Instruction* instruction, llvm::formatted_raw_ostream& out) override {
        if (const auto note = notes_.find(instruction); note != notes_.end()) out << "  ; " << note->second << '\n';
    }

private:
    Notes notes_;
};

}  // namespace

std::string print_ir(llvm::Module& module, const Program& program) {
    NoteWriter writer(make_notes(module, program));
    llvm::StripDebugInfo(module);
    std::string text;
    llvm::raw_string_ostream out(text);
    module.print(out, &writer);
    return text;
}

}  // namespace bpftime::lowering
