// The code of return pads, and what unwinders are told of it.
#pragma once

#include <asm/ptrace.h>

#include <cstddef>
#include <cstdint>

namespace bpftime::attach::x86_64 {

inline constexpr std::uint32_t kPads = 1024;      // of a block
inline constexpr std::size_t kPadSize = 16;
inline constexpr std::size_t kBlock = 64 * 1024;  // a block's size, and alignment
inline constexpr std::size_t kEntries = kPads * kPadSize;       // offset of the entries: one of 16 bytes for each pad
inline constexpr std::size_t kCommon = kEntries + kPads * 32;   // offset of the address that pads jump to
inline constexpr std::size_t kCommonCode = 4096;

// Pad `index`: r11 becomes the address of its entry, and control goes to the common code. The same bytes in every block.
void write_pad(std::uint8_t* out, std::uint32_t index);

// The common code: calls `returned` with the registers as they are behind the return, and the entry; goes on at registers->ip.
void write_common(std::uint8_t* out, void (*returned)(pt_regs* registers, void* entry));

// DWARF call frame information (.eh_frame, with its terminator) of the pads in [begin, begin + size): a frame of no size, which
// returns to what the first word of its entry says.
inline constexpr std::size_t kFrameInfo = 80;
void write_frame_info(std::uint8_t* out, std::uint64_t begin, std::uint64_t size);

}  // namespace bpftime::attach::x86_64
