// Reading JSON from outside: every error names the field by its path, "programs[2].insns".
#pragma once

#include <initializer_list>

#include "runtime/registry/map_elements.h"
#include "tools/bpftimetool/command.h"

namespace bpftime::tool {

// A value of a document, with its path. Refers to the document.
class Field {
public:
    Field(const Json& value, std::string path) : value_(&value), path_(std::move(path)) {}

    const std::string& path() const { return path_; }
    Error wrong(std::string_view what) const { return failure(path_.empty() ? "the document" : path_, ' ', what); }

    // An object with no members but these.
    Status object(std::initializer_list<std::string_view> known) const;
    bool has(const char* name) const { return value_->is_object() && value_->contains(name); }
    Result<Field> at(const char* name) const;

    Result<std::vector<Field>> list() const;
    Result<std::uint64_t> number(std::uint64_t most) const;
    Result<std::uint32_t> u32() const;
    Result<std::int32_t> i32() const;
    Result<std::string> text() const;
    Result<bool> flag() const;
    // Pairs of hexadecimal digits.
    Result<Bytes> bytes() const;

    // The member's number, text, list or flag; what is optional has a value to take instead.
    Result<std::uint64_t> number_at(const char* name, std::uint64_t most) const;
    Result<std::uint32_t> u32(const char* name) const;
    Result<std::uint32_t> u32_or(const char* name, std::uint32_t otherwise) const;
    Result<std::string> text_at(const char* name) const;
    Result<std::vector<Field>> list_or_empty(const char* name) const;

private:
    const Json* value_;
    std::string path_;
};

}  // namespace bpftime::tool
