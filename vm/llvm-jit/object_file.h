// Small conveniences for reading ELF objects through LLVM; errors of single symbols and relocations count as "nothing
// known".
#pragma once

#include <llvm/Object/ELFObjectFile.h>

#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "vm/core/result.h"

namespace bpftime::lowering {

// Value of an llvm::Expected, or the fallback.
template <class T>
T value_or(llvm::Expected<T> expected, T fallback) {
    if (expected) return std::move(*expected);
    llvm::consumeError(expected.takeError());
    return fallback;
}

inline Result<std::unique_ptr<llvm::object::ObjectFile>> open_object(std::span<const std::uint8_t> elf) {
    const llvm::MemoryBufferRef buffer(llvm::StringRef(reinterpret_cast<const char*>(elf.data()), elf.size()),
                                       "object");
    auto object = llvm::object::ObjectFile::createELFObjectFile(buffer);
    if (!object) return fail(failure("not a readable ELF object: ", llvm::toString(object.takeError())));
    return std::move(*object);
}

// Calls `visit` with each relocation that applies to `section`.
template <class Visit>
void for_each_relocation(const llvm::object::ObjectFile& object, const llvm::object::SectionRef& section, Visit visit) {
    for (const llvm::object::SectionRef& other : object.sections()) {
        const auto relocated = value_or(other.getRelocatedSection(), object.section_end());
        if (relocated == object.section_end() || *relocated != section) continue;
        for (const auto& relocation : other.relocations()) visit(relocation);
    }
}

}  // namespace bpftime::lowering
