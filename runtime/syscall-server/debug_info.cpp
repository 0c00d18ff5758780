#include "runtime/syscall-server/debug_info.h"

#include <algorithm>
#include <cstring>
#include <unordered_map>

#include "runtime/syscall-server/user_memory.h"

namespace bpftime {

namespace {

constexpr std::uint32_t kMaxRecord = 252;  // the kernel's MAX_FUNCINFO_REC_SIZE

// `count` records of `size` bytes, of which the first sizeof(T) are known here; what is behind must be zero.
template <class T>
Result<std::vector<T>> read_records(std::uint64_t address, std::uint32_t count, std::uint32_t size, std::uint32_t slots,
                                    std::string_view what) {
    if (count == 0) return std::vector<T>();
    if (size < sizeof(T) || size > kMaxRecord || size % 4 != 0)
        return fail(failure("records of ", what, " have a wrong size"));
    if (count > slots) return fail(failure("there are more records of ", what, " than instructions"));
    Bytes bytes(std::size_t{count} * size);
    BPFTIME_CHECK(read_user(address, bytes));
    std::vector<T> records(count);
    for (std::uint32_t index = 0; index < count; ++index) {
        const auto record = std::span(bytes).subspan(std::size_t{index} * size, size);
        if (std::ranges::any_of(record.subspan(sizeof(T)), [](std::uint8_t byte) { return byte != 0; }))
            return fail(failure("records of ", what, " have fields that are unknown here").with_errno(E2BIG));
        std::memcpy(&records[index], record.data(), sizeof(T));
        const bool ascends = index == 0 || records[index - 1].insn_off < records[index].insn_off;
        if (!ascends || records[index].insn_off >= slots)
            return fail(failure("records of ", what, " do not ascend within the program"));
    }
    if (records.front().insn_off != 0) return fail(failure("records of ", what, " do not begin with the program"));
    return records;
}

}  // namespace

Result<std::vector<DraftFunction>> read_functions(const bpf_attr& attr, const Btf& btf, std::uint32_t slots) {
    const auto records = BPFTIME_TRY(
        read_records<bpf_func_info>(attr.func_info, attr.func_info_cnt, attr.func_info_rec_size, slots, "func_info"));
    std::vector<DraftFunction> functions;
    for (const bpf_func_info& record : records) {
        if (record.type_id >= btf.type_count() || btf.type(record.type_id).kind != BtfKind::Func)
            return fail(
                failure("func_info names BTF type ", record.type_id, ", which is no function").at(record.insn_off));
        functions.push_back({std::string(btf.name(record.type_id)), record.insn_off});
    }
    return functions;
}

Status read_lines(const bpf_attr& attr, const Btf& btf, Program& program, std::uint32_t slots) {
    const auto records = BPFTIME_TRY(
        read_records<bpf_line_info>(attr.line_info, attr.line_info_cnt, attr.line_info_rec_size, slots, "line_info"));
    std::unordered_map<std::string_view, std::uint32_t> files;
    program.lines.reserve(records.size());
    for (const bpf_line_info& record : records) {
        const std::string_view file = btf.string(record.file_name_off);
        const auto [found, fresh] = files.try_emplace(file, static_cast<std::uint32_t>(program.source_files.size()));
        if (fresh) program.source_files.emplace_back(file);
        program.lines.push_back({.insn = record.insn_off,
                                 .line = BPF_LINE_INFO_LINE_NUM(record.line_col),
                                 .column = BPF_LINE_INFO_LINE_COL(record.line_col),
                                 .file = found->second,
                                 .text = std::string(btf.string(record.line_off))});
    }
    return {};
}

}  // namespace bpftime
