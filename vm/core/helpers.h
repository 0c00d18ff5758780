// The kernel's helper functions: id, name and prototype of each. One table serves the decoder, the engines, the linker's
// prototype check and the verifier.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace bpftime {

inline constexpr std::uint32_t kHelperCount = 211;               // ids 1..211, as of Linux 6.18
inline constexpr std::uint32_t kHelperLimit = kHelperCount + 1;  // size of an array indexed by id

// What a helper returns, in the verifier's terms.
enum class HelperReturn : std::uint8_t {
    Integer,         // scalar
    Void,
    MapValueOrNull,  // pointer to a value of the map argument
    MemOrNull,       // pointer to as many bytes as the constant size argument
    SockOrNull,      // some kernel socket type
    BtfIdOrNull,     // kernel object described by BTF
    BtfId,
    MemOrBtfId,      // address of a per-CPU variable
    MemOrBtfIdOrNull,
    DynptrMemOrNull, // pointer into a dynptr's data
    MapValue,        // never null: get_local_storage
};

// What a helper takes, in the verifier's terms.
enum class HelperArg : std::uint8_t {
    None,
    Anything,          // any initialised value
    Context,           // the program's context
    ContextOrNull,
    Map,               // a map reference from lddw
    MapKey,            // readable, of the map's key size
    MapValue,          // readable, of the map's value size
    MapValueOrNull,
    UninitMapValue,    // writable, of the map's value size
    Mem,               // readable memory, its size in the next argument
    MemOrNull,
    MemReadWrite,      // initialised memory that the helper also changes
    UninitMem,         // memory that the helper fills
    UninitMemOrNull,
    ConstSize,         // size of the memory before it, not 0
    ConstSizeOrZero,
    ConstAllocSize,    // constant: bytes to reserve
    ConstString,       // NUL-terminated string in a read-only map
    Function,          // callback: address of a subprogram
    StackPointerOrNull,// callback's context
    SpinLock,
    Timer,
    KptrSlot,          // map field that holds a kernel pointer
    Dynptr,
    UninitDynptr,
    RingbufRecord,     // pointer from ringbuf_reserve
    SockCommon,
    Socket,
    BtfSock,
    BtfId,             // kernel object described by BTF
    PercpuBtfId,
    IntPointer,        // readable and writable 4-byte integer
    LongPointer,       // writable 8-byte integer, need not be initialised
    FixedMem,          // readable, 20 bytes: an IPv4 or TCP header
    FixedMem40,        // readable, 40 bytes: an IPv6 header
    Vararg,            // passed on as it is; need not be initialised
    MemReadWriteOrNull,
    BtfIdOrNull,
    ReleasedBtfIdOrNull,  // a reference that the call takes over
    ReleasedBtfSock,
    ReleasedDynptr,
};

// What running the helper may do to memory that the program can see; the compiler's memory effects derive from it. A number of
// kind Anything that the helper takes for an address (probe_read's last) counts as an argument it reads through.
enum class HelperEffect : std::uint8_t {
    Pure,       // neither reads nor writes the program's memory: get_smp_processor_id
    ReadsArgs,  // reads through its arguments only: csum_diff, strncmp
    WritesArgs, // reads and writes through its arguments only: probe_read
    Any,        // map operations, callbacks, anything that may touch shared memory
};

struct HelperInfo {
    std::uint32_t id;
    std::string_view name;  // "map_lookup_elem", without bpf_
    bool implemented;       // offered by this runtime
    HelperEffect effect;
    HelperReturn result;
    std::array<HelperArg, 5> args;

    int arg_count() const;
};

// The row of helper `id`, or null when there is no such helper.
const HelperInfo* helper(std::uint32_t id);
// The row of the helper called `name` ("map_lookup_elem" or "bpf_map_lookup_elem"), or null.
const HelperInfo* helper(std::string_view name);

}  // namespace bpftime
