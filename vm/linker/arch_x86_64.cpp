// x86-64: System V psABI, section 4.4 (relocation types) and appendix B (relaxation of GOTPCRELX).
#include <elf.h>

#include <cstring>

#include "vm/linker/target.h"

namespace bpftime::aot {

namespace {

template <class T>
bool store(std::uint8_t* at, T value) {
    std::memcpy(at, &value, sizeof value);
    return true;
}

bool fits_signed(std::uint64_t value) { return static_cast<std::int64_t>(value) == static_cast<std::int32_t>(value); }

bool absolute64(const Place& p, std::uint64_t s) { return store(p.bytes, s + static_cast<std::uint64_t>(p.addend)); }

bool absolute32(const Place& p, std::uint64_t s) {
    const auto value = s + static_cast<std::uint64_t>(p.addend);
    return value <= UINT32_MAX && store(p.bytes, static_cast<std::uint32_t>(value));
}

bool absolute32s(const Place& p, std::uint64_t s) {
    const auto value = s + static_cast<std::uint64_t>(p.addend);
    return fits_signed(value) && store(p.bytes, static_cast<std::uint32_t>(value));
}

bool relative64(const Place& p, std::uint64_t s) {
    return store(p.bytes, s + static_cast<std::uint64_t>(p.addend) - p.address);
}

bool relative32(const Place& p, std::uint64_t s) {
    const auto value = s + static_cast<std::uint64_t>(p.addend) - p.address;
    return fits_signed(value) && store(p.bytes, static_cast<std::uint32_t>(value));
}

// call *slot(%rip) -> addr32 call S;  jmp *slot(%rip) -> jmp S; nop. The addend is -4: the field ends the instruction.
bool relax_branch(const Place& p, std::uint64_t s) {
    if (p.offset < 2 || p.addend != -4 || p.bytes[-2] != 0xff) return false;
    if (p.bytes[-1] == 0x15) {
        if (!relative32(p, s)) return false;
        p.bytes[-2] = 0x67;
        p.bytes[-1] = 0xe8;
        return true;
    }
    if (p.bytes[-1] != 0x25) return false;
    const auto distance = s - (p.address + 3);
    if (!fits_signed(distance)) return false;
    p.bytes[-2] = 0xe9;
    store(p.bytes - 1, static_cast<std::uint32_t>(distance));
    p.bytes[3] = 0x90;
    return true;
}

// mov slot(%rip), %reg -> lea S(%rip), %reg, or mov $S, %reg where S itself fits: a null weak symbol does.
bool relax_load(const Place& p, std::uint64_t s) {
    if (p.offset < 3 || p.addend != -4) return false;
    std::uint8_t& rex = p.bytes[-3];
    std::uint8_t& opcode = p.bytes[-2];
    std::uint8_t& modrm = p.bytes[-1];
    if ((rex & 0xf8) != 0x48 || opcode != 0x8b || (modrm & 0xc7) != 0x05) return false;
    if (relative32(p, s)) {
        opcode = 0x8d;
        return true;
    }
    if (!fits_signed(s)) return false;
    const unsigned reg = (modrm >> 3) & 7;
    rex = static_cast<std::uint8_t>(0x48 | ((rex >> 2) & 1));  // REX.R, which extended reg, becomes REX.B
    opcode = 0xc7;
    modrm = static_cast<std::uint8_t>(0xc0 | reg);
    return store(p.bytes, static_cast<std::uint32_t>(s));
}

// clang-format off
constexpr RelocationKind kRelocations[] = {
    // A 64-bit address.
    {R_X86_64_64, "R_X86_64_64", Via::Symbol, 8, "S + A", "any value", absolute64},
    // A distance from the field: constants, local calls, data of this object.
    {R_X86_64_PC32, "R_X86_64_PC32", Via::Symbol, 4, "S + A - P", "32 signed bits", relative32},
    // The same of a call or jump, which may go through a stub.
    {R_X86_64_PLT32, "R_X86_64_PLT32", Via::Branch, 4, "L + A - P", "32 signed bits", relative32},
    // The distance to a slot that holds the address.
    {R_X86_64_GOTPCREL, "R_X86_64_GOTPCREL", Via::Got, 4, "G + GOT + A - P", "32 signed bits", relative32},
    // The same where the instruction may be changed: call, jmp.
    {R_X86_64_GOTPCRELX, "R_X86_64_GOTPCRELX", Via::Got, 4, "G + GOT + A - P", "32 signed bits", relative32, relax_branch},
    // The same behind a REX prefix: mov.
    {R_X86_64_REX_GOTPCRELX, "R_X86_64_REX_GOTPCRELX", Via::Got, 4, "G + GOT + A - P", "32 signed bits", relative32, relax_load},
    // A 32-bit address, zero-extended.
    {R_X86_64_32, "R_X86_64_32", Via::Symbol, 4, "S + A", "32 unsigned bits", absolute32, nullptr, true},
    // A 32-bit address, sign-extended.
    {R_X86_64_32S, "R_X86_64_32S", Via::Symbol, 4, "S + A", "32 signed bits", absolute32s, nullptr, true},
    // A 64-bit distance from the field.
    {R_X86_64_PC64, "R_X86_64_PC64", Via::Symbol, 8, "S + A - P", "any value", relative64},
};
// clang-format on

template <std::size_t Size>
void store_code(std::uint8_t* at, const std::uint8_t (&code)[Size]) {
    std::memcpy(at, code, Size);
}

void write_stub(std::uint8_t* at, std::uint64_t to) {
    // clang-format off
    static constexpr std::uint8_t kCode[kStubSize] = {
        0x49, 0xbb, 0, 0, 0, 0, 0, 0, 0, 0,  //  0 movabs $to, %r11
        0x41, 0xff, 0xe3,                    // 10 jmp *%r11
        0xcc, 0xcc, 0xcc,
    };
    // clang-format on
    store_code(at, kCode);
    store(at + 2, to);
}

void write_lookup(std::uint8_t* at, std::uint64_t function, std::uint64_t table) {
    // clang-format off
    static constexpr std::uint8_t kCode[] = {
        0x48, 0xbe, 0, 0, 0, 0, 0, 0, 0, 0,  //  0 movabs $table, %rsi
        0x49, 0xbb, 0, 0, 0, 0, 0, 0, 0, 0,  // 10 movabs $function, %r11
        0x41, 0xff, 0xe3,                    // 20 jmp *%r11
    };
    // clang-format on
    static_assert(sizeof kCode <= kLookupThunkSize);
    store_code(at, kCode);
    store(at + 2, table);
    store(at + 12, function);
}

void write_dispatch(std::uint8_t* at, std::uint64_t table, std::uint32_t limit) {
    // clang-format off
    static constexpr std::uint8_t kCode[] = {
        0x48, 0x81, 0xff, 0, 0, 0, 0,              //  0 cmp $limit, %rdi
        0x73, 0x24,                                //  7 jae 45
        0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0,        //  9 movabs $table, %rax
        0x48, 0x8b, 0x04, 0xf8,                    // 19 mov (%rax,%rdi,8), %rax
        0x48, 0x85, 0xc0,                          // 23 test %rax, %rax
        0x74, 0x11,                                // 26 je 45
        0x48, 0x89, 0xf7,                          // 28 mov %rsi, %rdi
        0x48, 0x89, 0xd6,                          // 31 mov %rdx, %rsi
        0x48, 0x89, 0xca,                          // 34 mov %rcx, %rdx
        0x4c, 0x89, 0xc1,                          // 37 mov %r8, %rcx
        0x4d, 0x89, 0xc8,                          // 40 mov %r9, %r8
        0xff, 0xe0,                                // 43 jmp *%rax
        0x48, 0xc7, 0xc0, 0xea, 0xff, 0xff, 0xff,  // 45 mov $-EINVAL, %rax
        0xc3,                                      // 52 ret
    };
    // clang-format on
    static_assert(sizeof kCode <= kDispatchThunkSize);
    store_code(at, kCode);
    store(at + 3, limit);
    store(at + 11, table);
}

}  // namespace

constinit const Target kX86_64 = {EM_X86_64, "x86_64", 1, kRelocations, write_stub, write_lookup, write_dispatch};

}  // namespace bpftime::aot
