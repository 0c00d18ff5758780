// What Linux 6.6 and later add to the UAPI for links, by value: the headers of the build machine may be older.
#pragma once

#include <cstdint>

namespace bpftime {

inline constexpr std::uint32_t kAttachPerfEvent = 41, kAttachKprobeMulti = 42, kAttachUprobeMulti = 48,
                               kAttachKprobeSession = 56, kAttachUprobeSession = 57;  // enum bpf_attach_type
inline constexpr std::uint32_t kLinkPerfEvent = 7, kLinkUprobeMulti = 12;             // enum bpf_link_type
inline constexpr std::uint32_t kUprobeMultiReturn = 1;                                // BPF_F_UPROBE_MULTI_RETURN

// bpf_attr.link_create.uprobe_multi, at its offset, and the end of what LINK_CREATE takes.
struct UprobeMultiAttributes {
    static constexpr std::size_t kOffset = 16;
    std::uint64_t path, offsets, ref_ctr_offsets, cookies;
    std::uint32_t count, flags, pid;
};
inline constexpr std::size_t kLinkCreateSize = 60;

// enum bpf_perf_event_type
enum class PerfLinkType : std::uint32_t { Uprobe = 1, Uretprobe = 2, Tracepoint = 5, Event = 6 };

// struct bpf_link_info, as far as the links of userspace use it. Names and arrays are the caller's buffers.
struct LinkInfo {
    struct UprobeMulti {
        std::uint64_t path, offsets, ref_ctr_offsets, cookies;
        std::uint32_t path_size, count, flags, pid;
    };
    struct Perf {
        std::uint32_t type, reserved;
        union {
            struct {
                std::uint64_t file_name;
                std::uint32_t name_length, offset;
                std::uint64_t cookie, ref_ctr_offset;
            } uprobe;
            struct {
                std::uint64_t name;
                std::uint32_t name_length, reserved;
                std::uint64_t cookie;
            } tracepoint;
            struct {
                std::uint64_t config;
                std::uint32_t type, reserved;
                std::uint64_t cookie;
            } event;
        };
    };

    std::uint32_t type, id, program_id, reserved;
    union {
        UprobeMulti uprobe_multi;
        Perf perf;
        std::uint64_t whole[6];
    };
};
static_assert(sizeof(LinkInfo) == 64);

}  // namespace bpftime
