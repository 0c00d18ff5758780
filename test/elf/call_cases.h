// Calls of bpf(2) whose outcome is the same everywhere: checked on our handlers by bpf_calls_test.cpp, and on the
// running kernel, as the oracle of the table itself, by kernel_test.cpp.
#pragma once

#include <linux/bpf.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <functional>

#include "vm/core/encoding.h"

namespace bpftime::test {

// Carries out a command: the result or a negative errno.
using BpfFunction = std::function<long(int command, void* attr, unsigned size)>;

inline bpf_attr empty_attr() {
    bpf_attr attr;
    std::memset(&attr, 0, sizeof(attr));
    return attr;
}

inline std::uint64_t address(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer); }

inline long create(const BpfFunction& bpf, std::uint32_t type, std::uint32_t key, std::uint32_t value,
                   std::uint32_t entries, std::uint32_t flags = 0, const char* name = "", int inner = 0) {
    bpf_attr attr = empty_attr();
    attr.map_type = type;
    attr.key_size = key;
    attr.value_size = value;
    attr.max_entries = entries;
    attr.map_flags = flags;
    attr.inner_map_fd = static_cast<std::uint32_t>(inner);
    std::memcpy(attr.map_name, name, std::min(sizeof(attr.map_name), std::strlen(name)));
    return bpf(BPF_MAP_CREATE, &attr, sizeof(attr));
}

inline long element(const BpfFunction& bpf, int command, long fd, const void* key, const void* value,
                    std::uint64_t flags = 0) {
    bpf_attr attr = empty_attr();
    attr.map_fd = static_cast<std::uint32_t>(fd);
    attr.key = address(key);
    attr.value = address(value);
    attr.flags = flags;
    return bpf(command, &attr, sizeof(attr));
}

inline long load(const BpfFunction& bpf, const RawInsn* code, std::uint32_t count,
                 std::uint32_t type = BPF_PROG_TYPE_SOCKET_FILTER, const char* license = "GPL") {
    bpf_attr attr = empty_attr();
    attr.prog_type = type;
    attr.insns = address(code);
    attr.insn_cnt = count;
    attr.license = address(license);
    return bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
}

inline constexpr RawInsn kReturnZero[] = {{0xb7, 0, 0, 0}, {0x95, 0, 0, 0}};

// The result with a descriptor closed and turned into 0.
inline long closing(long result) {
    if (result < 0) return result;
    close(static_cast<int>(result));
    return 0;
}

struct CallCase {
    const char* name;
    long expected;  // 0 or a negative errno
    long (*run)(const BpfFunction& bpf);
};

// With `fd` closed behind it.
inline long on_map(const BpfFunction& bpf, long fd, long (*body)(const BpfFunction&, long)) {
    if (fd < 0) return fd;
    const long result = body(bpf, fd);
    close(static_cast<int>(fd));
    return result;
}

inline constexpr std::uint32_t kSmallArray[4] = {BPF_MAP_TYPE_ARRAY, 4, 8, 4};
inline long small_array(const BpfFunction& bpf, std::uint32_t flags = 0) {
    return create(bpf, BPF_MAP_TYPE_ARRAY, 4, 8, 4, flags);
}
inline long small_hash(const BpfFunction& bpf, std::uint32_t flags = 0) {
    return create(bpf, BPF_MAP_TYPE_HASH, 4, 8, 2, flags);
}

inline const CallCase kCallCases[] = {
    {"an unknown command", -EINVAL,
     [](const BpfFunction& bpf) {
         auto a = empty_attr();
         return bpf(999, &a, sizeof(a));
     }},
    {"attributes larger than a page", -E2BIG,
     [](const BpfFunction& bpf) {
         auto a = empty_attr();
         return bpf(0, &a, 5000);
     }},
    {"unknown attributes that are not zero", -E2BIG,
     [](const BpfFunction& bpf) {
         std::uint8_t bytes[1024] = {};
         bytes[1000] = 1;
         return bpf(BPF_MAP_CREATE, bytes, sizeof(bytes));
     }},
    {"unknown attributes that are zero", 0,
     [](const BpfFunction& bpf) {
         std::uint32_t words[256] = {BPF_MAP_TYPE_ARRAY, 4, 8, 4};
         return closing(bpf(BPF_MAP_CREATE, words, sizeof(words)));
     }},
    {"attributes that the command does not take", -EINVAL,
     [](const BpfFunction& bpf) {
         return on_map(bpf, small_array(bpf), [](const BpfFunction& f, long fd) {
             std::uint32_t words[sizeof(bpf_attr) / 4] = {static_cast<std::uint32_t>(fd)};
             words[sizeof(bpf_attr) / 4 - 1] = 1;
             return f(BPF_MAP_FREEZE, words, sizeof(bpf_attr));
         });
     }},
    {"attributes at a bad address", -EFAULT,
     [](const BpfFunction& bpf) { return bpf(BPF_MAP_CREATE, reinterpret_cast<void*>(16), sizeof(bpf_attr)); }},
    {"short attributes", 0,
     [](const BpfFunction& bpf) {
         std::uint32_t words[4] = {BPF_MAP_TYPE_ARRAY, 4, 8, 4};
         return closing(bpf(BPF_MAP_CREATE, words, sizeof(words)));
     }},

    {"an array", 0, [](const BpfFunction& bpf) { return closing(small_array(bpf)); }},
    {"an array with a key of 8 bytes", -EINVAL,
     [](const BpfFunction& bpf) { return create(bpf, BPF_MAP_TYPE_ARRAY, 8, 8, 4); }},
    {"an array without entries", -EINVAL,
     [](const BpfFunction& bpf) { return create(bpf, BPF_MAP_TYPE_ARRAY, 4, 8, 0); }},
    {"an array without values", -EINVAL,
     [](const BpfFunction& bpf) { return create(bpf, BPF_MAP_TYPE_ARRAY, 4, 0, 4); }},
    {"an array with flags of another type", -EINVAL,
     [](const BpfFunction& bpf) { return small_array(bpf, BPF_F_NO_PREALLOC); }},
    {"a mappable array", 0, [](const BpfFunction& bpf) { return closing(small_array(bpf, BPF_F_MMAPABLE)); }},
    {"a mappable hash", -EINVAL, [](const BpfFunction& bpf) { return small_hash(bpf, BPF_F_MMAPABLE); }},
    {"a hash without keys", -EINVAL, [](const BpfFunction& bpf) { return create(bpf, BPF_MAP_TYPE_HASH, 0, 8, 2); }},
    {"a map read-only and write-only", -EINVAL,
     [](const BpfFunction& bpf) { return small_hash(bpf, BPF_F_RDONLY | BPF_F_WRONLY); }},
    {"a ring buffer", 0, [](const BpfFunction& bpf) { return closing(create(bpf, BPF_MAP_TYPE_RINGBUF, 0, 0, 4096)); }},
    {"a ring buffer of odd size", -EINVAL,
     [](const BpfFunction& bpf) { return create(bpf, BPF_MAP_TYPE_RINGBUF, 0, 0, 5000); }},
    {"a ring buffer with values", -EINVAL,
     [](const BpfFunction& bpf) { return create(bpf, BPF_MAP_TYPE_RINGBUF, 0, 4, 4096); }},
    {"a queue with keys", -EINVAL, [](const BpfFunction& bpf) { return create(bpf, BPF_MAP_TYPE_QUEUE, 4, 4, 4); }},
    {"a trie that would preallocate", -EINVAL,
     [](const BpfFunction& bpf) { return create(bpf, BPF_MAP_TYPE_LPM_TRIE, 8, 4, 4); }},
    {"a trie with too short keys", -EINVAL,
     [](const BpfFunction& bpf) { return create(bpf, BPF_MAP_TYPE_LPM_TRIE, 4, 4, 4, BPF_F_NO_PREALLOC); }},
    {"stacks of odd size", -EINVAL,
     [](const BpfFunction& bpf) { return create(bpf, BPF_MAP_TYPE_STACK_TRACE, 4, 12, 4); }},
    {"stacks that are too deep", -EINVAL,
     [](const BpfFunction& bpf) { return create(bpf, BPF_MAP_TYPE_STACK_TRACE, 4, 1024, 4); }},
    {"a perf event array with wide values", -EINVAL,
     [](const BpfFunction& bpf) { return create(bpf, BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 8, 4); }},
    {"a map of an unknown type", -EINVAL, [](const BpfFunction& bpf) { return create(bpf, 1000, 4, 4, 4); }},
    {"a map with a bad name", -EINVAL,
     [](const BpfFunction& bpf) { return create(bpf, BPF_MAP_TYPE_ARRAY, 4, 8, 4, 0, "a-b"); }},
    {"a map with a name that does not end", -EINVAL,
     [](const BpfFunction& bpf) { return create(bpf, BPF_MAP_TYPE_ARRAY, 4, 8, 4, 0, "0123456789abcdef"); }},
    {"maps in a map without a template", -EBADF,
     [](const BpfFunction& bpf) { return create(bpf, BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 2, 0, "", 12345); }},
    {"maps in a map", 0,
     [](const BpfFunction& bpf) {
         return on_map(bpf, small_array(bpf), [](const BpfFunction& f, long inner) {
             return closing(create(f, BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 2, 0, "", static_cast<int>(inner)));
         });
     }},

    {"an element of a closed descriptor", -EBADF,
     [](const BpfFunction& bpf) {
         int key = 0;
         return element(bpf, BPF_MAP_LOOKUP_ELEM, 12345, &key, &key);
     }},
    {"an element of something else", -EINVAL,
     [](const BpfFunction& bpf) {
         int key = 0;
         return element(bpf, BPF_MAP_LOOKUP_ELEM, 0, &key, &key);
     }},
    {"an element beyond an array", -ENOENT,
     [](const BpfFunction& bpf) {
         return on_map(bpf, small_array(bpf), [](const BpfFunction& f, long fd) {
             int key = 9;
             long value = 0;
             return element(f, BPF_MAP_LOOKUP_ELEM, fd, &key, &value);
         });
     }},
    {"writing beyond an array", -E2BIG,
     [](const BpfFunction& bpf) {
         return on_map(bpf, small_array(bpf), [](const BpfFunction& f, long fd) {
             int key = 9;
             long value = 1;
             return element(f, BPF_MAP_UPDATE_ELEM, fd, &key, &value);
         });
     }},
    {"a new element of an array", -EEXIST,
     [](const BpfFunction& bpf) {
         return on_map(bpf, small_array(bpf), [](const BpfFunction& f, long fd) {
             int key = 1;
             long value = 1;
             return element(f, BPF_MAP_UPDATE_ELEM, fd, &key, &value, BPF_NOEXIST);
         });
     }},
    {"deleting an element of an array", -EINVAL,
     [](const BpfFunction& bpf) {
         return on_map(bpf, small_array(bpf), [](const BpfFunction& f, long fd) {
             int key = 1;
             return element(f, BPF_MAP_DELETE_ELEM, fd, &key, nullptr);
         });
     }},
    {"an element written to a bad address", -EFAULT,
     [](const BpfFunction& bpf) {
         return on_map(bpf, small_array(bpf), [](const BpfFunction& f, long fd) {
             int key = 1;
             return element(f, BPF_MAP_LOOKUP_ELEM, fd, &key, reinterpret_cast<void*>(16));
         });
     }},
    {"a hash's missing element", -ENOENT,
     [](const BpfFunction& bpf) {
         return on_map(bpf, small_hash(bpf), [](const BpfFunction& f, long fd) {
             int key = 1;
             long value = 0;
             return element(f, BPF_MAP_LOOKUP_ELEM, fd, &key, &value);
         });
     }},
    {"replacing a hash's missing element", -ENOENT,
     [](const BpfFunction& bpf) {
         return on_map(bpf, small_hash(bpf), [](const BpfFunction& f, long fd) {
             int key = 1;
             long value = 1;
             return element(f, BPF_MAP_UPDATE_ELEM, fd, &key, &value, BPF_EXIST);
         });
     }},
    {"more elements than a hash holds", -E2BIG,
     [](const BpfFunction& bpf) {
         return on_map(bpf, small_hash(bpf), [](const BpfFunction& f, long fd) {
             long result = 0;
             for (int key = 0; key < 3; ++key) {
                 long value = key;
                 result = element(f, BPF_MAP_UPDATE_ELEM, fd, &key, &value);
             }
             return result;
         });
     }},
    {"a frozen map", -EPERM,
     [](const BpfFunction& bpf) {
         return on_map(bpf, small_array(bpf), [](const BpfFunction& f, long fd) {
             bpf_attr attr = empty_attr();
             attr.map_fd = static_cast<std::uint32_t>(fd);
             if (const long result = f(BPF_MAP_FREEZE, &attr, sizeof(attr)); result != 0) return result;
             int key = 1;
             long value = 1;
             return element(f, BPF_MAP_UPDATE_ELEM, fd, &key, &value);
         });
     }},
    {"freezing twice", -EPERM,
     [](const BpfFunction& bpf) {
         return on_map(bpf, small_array(bpf), [](const BpfFunction& f, long fd) {
             bpf_attr attr = empty_attr();
             attr.map_fd = static_cast<std::uint32_t>(fd);
             f(BPF_MAP_FREEZE, &attr, sizeof(attr));
             return f(BPF_MAP_FREEZE, &attr, sizeof(attr));
         });
     }},

    {"a program", 0, [](const BpfFunction& bpf) { return closing(load(bpf, kReturnZero, 2)); }},
    {"a program without instructions", -E2BIG, [](const BpfFunction& bpf) { return load(bpf, kReturnZero, 0); }},
    {"a program that is too long", -E2BIG, [](const BpfFunction& bpf) { return load(bpf, kReturnZero, 2'000'000); }},
    {"a program at a bad address", -EFAULT,
     [](const BpfFunction& bpf) { return load(bpf, reinterpret_cast<const RawInsn*>(16), 2); }},
    {"a license at a bad address", -EFAULT,
     [](const BpfFunction& bpf) {
         return load(bpf, kReturnZero, 2, BPF_PROG_TYPE_SOCKET_FILTER, reinterpret_cast<const char*>(16));
     }},
    {"a program of an unknown type", -EINVAL, [](const BpfFunction& bpf) { return load(bpf, kReturnZero, 2, 1000); }},
    {"a program that falls off its end", -EINVAL, [](const BpfFunction& bpf) { return load(bpf, kReturnZero, 1); }},
    {"an unknown instruction", -EINVAL,
     [](const BpfFunction& bpf) {
         const RawInsn code[] = {{0xff, 0, 0, 0}, {0x95, 0, 0, 0}};
         return load(bpf, code, 2);
     }},
    {"an unknown helper", -EINVAL,
     [](const BpfFunction& bpf) {
         const RawInsn code[] = {{0x85, 0, 0, 9999}, {0x95, 0, 0, 0}};
         return load(bpf, code, 2);
     }},
    {"a map that is not open", -EBADF,
     [](const BpfFunction& bpf) {
         const RawInsn code[] = {{0x18, 0x11, 0, 12345}, {0, 0, 0, 0}, {0xb7, 0, 0, 0}, {0x95, 0, 0, 0}};
         return load(bpf, code, 4);
     }},
    {"a map's value beyond its end", -EINVAL,
     [](const BpfFunction& bpf) {
         return on_map(bpf, create(bpf, BPF_MAP_TYPE_ARRAY, 4, 8, 1), [](const BpfFunction& f, long fd) {
             const RawInsn code[] = {
                 {0x18, 0x21, 0, static_cast<int>(fd)}, {0, 0, 0, 8}, {0xb7, 0, 0, 0}, {0x95, 0, 0, 0}};
             return load(f, code, 4);
         });
     }},

    {"BTF that is none", -EINVAL,
     [](const BpfFunction& bpf) {
         const char text[64] = "not BTF";
         bpf_attr attr = empty_attr();
         attr.btf = address(text);
         attr.btf_size = sizeof(text);
         return bpf(BPF_BTF_LOAD, &attr, sizeof(attr));
     }},
    {"BTF", 0,
     [](const BpfFunction& bpf) {
         const std::uint32_t words[] = {0x0001eb9f, 24, 0, 16, 16, 5, 1, 1u << 24, 4, 32, 0x746e6900, 0};
         bpf_attr attr = empty_attr();
         attr.btf = address(words);
         attr.btf_size = 24 + 16 + 5;
         return closing(bpf(BPF_BTF_LOAD, &attr, sizeof(attr)));
     }},
    {"BTF with a longer header", -E2BIG,
     [](const BpfFunction& bpf) {
         const std::uint32_t words[] = {0x0001eb9f, 32, 0, 16, 16, 5, 7, 7, 1, 1u << 24, 4, 32, 0x746e6900, 0};
         bpf_attr attr = empty_attr();
         attr.btf = address(words);
         attr.btf_size = 32 + 16 + 5;
         return bpf(BPF_BTF_LOAD, &attr, sizeof(attr));
     }},
    {"a perf link on no descriptor", -EBADF,
     [](const BpfFunction& bpf) {
         const long program = load(bpf, kReturnZero, 2, BPF_PROG_TYPE_TRACEPOINT);
         if (program < 0) return program;
         bpf_attr attr = empty_attr();
         attr.link_create.prog_fd = static_cast<std::uint32_t>(program);
         attr.link_create.target_fd = static_cast<std::uint32_t>(-1);
         attr.link_create.attach_type = BPF_PERF_EVENT;
         const long result = bpf(BPF_LINK_CREATE, &attr, sizeof(attr));
         close(static_cast<int>(program));
         return result;
     }},
    {"a program by an id that nothing has", -ENOENT,
     [](const BpfFunction& bpf) {
         bpf_attr attr = empty_attr();
         attr.prog_id = 0x7fffff00;
         return bpf(BPF_PROG_GET_FD_BY_ID, &attr, sizeof(attr));
     }},
    {"information on something else", -EINVAL,
     [](const BpfFunction& bpf) {
         bpf_map_info info{};
         bpf_attr attr = empty_attr();
         attr.info.bpf_fd = 0;
         attr.info.info_len = sizeof(info);
         attr.info.info = address(&info);
         return bpf(BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr));
     }},
};

}  // namespace bpftime::test
