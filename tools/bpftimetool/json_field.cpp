#include "tools/bpftimetool/json_field.h"

#include <algorithm>
#include <limits>

namespace bpftime::tool {

namespace {

int digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

}  // namespace

Status Field::object(std::initializer_list<std::string_view> known) const {
    if (!value_->is_object()) return fail(wrong("is no object"));
    for (const auto& [name, value] : value_->items())
        if (std::ranges::find(known, name) == known.end())
            return fail(Field(value, path_.empty() ? name : cat(path_, ".", name)).wrong("is not known"));
    return {};
}

Result<Field> Field::at(const char* name) const {
    const std::string path = path_.empty() ? std::string(name) : cat(path_, ".", name);
    if (!has(name)) return fail(failure(path, " is missing"));
    return Field((*value_)[name], path);
}

Result<std::vector<Field>> Field::list() const {
    if (!value_->is_array()) return fail(wrong("is no list"));
    std::vector<Field> fields;
    for (std::size_t index = 0; index < value_->size(); ++index)
        fields.emplace_back((*value_)[index], cat(path_, "[", index, "]"));
    return fields;
}

Result<std::uint64_t> Field::number(std::uint64_t most) const {
    const bool counts =
        value_->is_number_unsigned() || (value_->is_number_integer() && value_->get<std::int64_t>() >= 0);
    if (!counts) return fail(wrong("is no number of 0 or more"));
    const auto number = value_->get<std::uint64_t>();
    if (number > most) return fail(wrong("is too large"));
    return number;
}

Result<std::string> Field::text() const {
    if (!value_->is_string()) return fail(wrong("is no text"));
    return value_->get<std::string>();
}

Result<bool> Field::flag() const {
    if (!value_->is_boolean()) return fail(wrong("is neither true nor false"));
    return value_->get<bool>();
}

Result<Bytes> Field::bytes() const {
    const std::string digits = BPFTIME_TRY(text());
    if (digits.size() % 2 != 0) return fail(wrong("has an odd number of hexadecimal digits"));
    Bytes bytes;
    bytes.reserve(digits.size() / 2);
    for (std::size_t index = 0; index < digits.size(); index += 2) {
        const int high = digit(digits[index]), low = digit(digits[index + 1]);
        if (high < 0 || low < 0) return fail(wrong("holds something else than hexadecimal digits"));
        bytes.push_back(static_cast<std::uint8_t>(high << 4 | low));
    }
    return bytes;
}

Result<std::uint64_t> Field::number_at(const char* name, std::uint64_t most) const {
    const Field field = BPFTIME_TRY(at(name));
    return field.number(most);
}

Result<std::uint32_t> Field::u32() const { return static_cast<std::uint32_t>(BPFTIME_TRY(number(~std::uint32_t{0}))); }

Result<std::int32_t> Field::i32() const {
    constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max(),
                           kLeast = std::numeric_limits<std::int32_t>::min();
    if (!value_->is_number_integer()) return fail(wrong("is no number"));
    const auto number = value_->get<std::int64_t>();
    if (number < kLeast || number > kMost) return fail(wrong("is out of range"));
    return static_cast<std::int32_t>(number);
}

Result<std::uint32_t> Field::u32(const char* name) const {
    const Field field = BPFTIME_TRY(at(name));
    return field.u32();
}

Result<std::uint32_t> Field::u32_or(const char* name, std::uint32_t otherwise) const {
    if (!has(name)) return otherwise;
    return u32(name);
}

Result<std::string> Field::text_at(const char* name) const {
    const Field field = BPFTIME_TRY(at(name));
    return field.text();
}

Result<std::vector<Field>> Field::list_or_empty(const char* name) const {
    if (!has(name)) return std::vector<Field>();
    const Field field = BPFTIME_TRY(at(name));
    return field.list();
}

}  // namespace bpftime::tool
