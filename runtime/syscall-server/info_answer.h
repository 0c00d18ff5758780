// OBJ_GET_INFO_BY_FD: the structure that the caller offers and gets back, which may be shorter or longer than ours.
#pragma once

#include <algorithm>
#include <cstring>
#include <vector>

#include "runtime/syscall-server/handlers.h"
#include "runtime/syscall-server/user_memory.h"

namespace bpftime {

// Reads what the caller asks for. E2BIG when a longer structure asks for what is unknown here.
template <class Info>
Result<Info> asked_info(const bpf_attr& attr) {
    Bytes bytes(std::max<std::size_t>(attr.info.info_len, sizeof(Info)));
    BPFTIME_CHECK(read_user(attr.info.info, std::span(bytes).first(attr.info.info_len)));
    if (std::ranges::any_of(std::span(bytes).subspan(sizeof(Info)), [](std::uint8_t byte) { return byte != 0; }))
        return fail(failure("the info structure has fields that are unknown here").with_errno(E2BIG));
    Info info{};
    std::memcpy(&info, bytes.data(), sizeof(info));
    return info;
}

template <class Info>
Result<long> answer(bpf_attr& attr, const Info& info) {
    attr.info.info_len = std::min<std::uint32_t>(attr.info.info_len, sizeof(Info));
    BPFTIME_CHECK(write_user(attr.info.info, {reinterpret_cast<const std::uint8_t*>(&info), attr.info.info_len}));
    return 0;
}

}  // namespace bpftime
