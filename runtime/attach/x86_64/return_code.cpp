#include "runtime/attach/x86_64/return_code.h"

#include <cstring>
#include <initializer_list>

#include "runtime/attach/x86_64/registers.h"

namespace bpftime::attach::x86_64 {

namespace {

using namespace bpftime::x86_64;

constexpr std::int32_t kFlags = 0x202;  // they mean nothing at a return

// Bytes of call frame information.
class FrameWriter {
public:
    explicit FrameWriter(std::uint8_t* out) : begin_(out), at_(out) {}

    template <class T>
    void number(T value) {
        std::memcpy(at_, &value, sizeof value);
        at_ += sizeof value;
    }
    void bytes(std::initializer_list<int> values) {
        for (const int value : values) *at_++ = static_cast<std::uint8_t>(value);
    }
    std::uint32_t position() const { return static_cast<std::uint32_t>(at_ - begin_); }
    // A record: its length, what `body` writes, padding with DW_CFA_nop.
    template <class Body>
    void record(Body body) {
        std::uint8_t* const length = at_;
        number(std::uint32_t{0});
        body();
        while (position() % 8 != 0) bytes({0});
        const auto size = static_cast<std::uint32_t>(at_ - length - 4);
        std::memcpy(length, &size, sizeof size);
    }

private:
    std::uint8_t* begin_;
    std::uint8_t* at_;
};

}  // namespace

void write_pad(std::uint8_t* out, std::uint32_t index) {
    Assembler a(out);
    a.patch32(a.lea_rip(r11), kEntries);  // 16 bytes an entry, as a pad: the same distance from each
    a.u8(0xff);                           // jmp [rip + common]
    a.u8(0x25);
    const auto distance = static_cast<std::uint32_t>(kCommon - (index * kPadSize + a.position() + 4));
    for (unsigned shift = 0; shift < 32; shift += 8) a.u8(static_cast<std::uint8_t>(distance >> shift));
}

// At a return rax and rdx hold the result; r11 is nobody's.
void write_common(std::uint8_t* out, void (*returned)(pt_regs*, void*)) {
    Assembler a(out);
    a.lea(64, rsp, {.base = rsp, .disp = -kFrame});
    save_registers(a);
    a.store_imm(64, field(offsetof(pt_regs, eflags)), kFlags);
    a.lea(64, rax, field(kFrame));
    a.store(64, field(offsetof(pt_regs, rsp)), rax);
    a.mov(64, rsi, r11);
    call_with_registers(a, reinterpret_cast<std::uint64_t>(returned));
    restore_registers(a);
    a.load(64, r11, field(offsetof(pt_regs, rip)));
    a.load(64, rsp, field(offsetof(pt_regs, rsp)));
    a.jmp(r11);
}

// DWARF 5, sections 6.4.1 and 7.24; Linux Standard Base, .eh_frame.
void write_frame_info(std::uint8_t* out, std::uint64_t begin, std::uint64_t size) {
    constexpr int kDefCfa = 0x0c, kValExpression = 0x16, kDeref = 0x06, kBreg7 = 0x77, kBreg16 = 0x80;
    constexpr int kRsp = 7, kReturnAddress = 16, kAbsolute = 0;
    static_assert(kEntries == 0x4000);  // as SLEB128 below
    FrameWriter w(out);
    w.record([&] {
        w.number(std::uint32_t{0});  // a CIE
        w.bytes({1, 'z', 'R', 0, 1, 0x78, kReturnAddress, 1, kAbsolute});
        // Unwinders know a frame by its CFA, so this one differs from the caller's; the stack pointer does not.
        w.bytes({kDefCfa, kRsp, 1});
        w.bytes({kValExpression, kRsp, 2, kBreg7, 0});
        // The pad's address is what the callee returns to; the entry lies kEntries behind it.
        w.bytes({kValExpression, kReturnAddress, 5, kBreg16, 0x80, 0x80, 0x01, kDeref});
    });
    w.record([&] {
        w.number(w.position());  // distance back to the CIE, which is at 0
        w.number(begin);
        w.number(size);
        w.bytes({0});
    });
    w.number(std::uint32_t{0});
}

}  // namespace bpftime::attach::x86_64
