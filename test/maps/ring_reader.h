// A consumer of ring buffers that knows only the kernel's layout: file descriptor, offsets, header bits.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#undef MAP_TYPE  // of <sys/mman.h>; the tables of map types use the name

#include <cstdint>
#include <cstring>
#include <string>

#include "test/catch.h"

namespace bpftime::test {

class RingReader {
public:
    // `twice` as libbpf maps the data; else once, with records that wrap put together here.
    RingReader(int fd, std::uint64_t size, bool twice = true) : size_(size), twice_(twice) {
        consumer_ = static_cast<std::uint8_t*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
        length_ = 4096 + (twice ? 2 : 1) * size;
        producer_ = static_cast<std::uint8_t*>(mmap(nullptr, length_, PROT_READ, MAP_SHARED, fd, 4096));
        REQUIRE(consumer_ != MAP_FAILED);
        REQUIRE(producer_ != MAP_FAILED);
    }
    RingReader(const RingReader&) = delete;
    RingReader& operator=(const RingReader&) = delete;
    ~RingReader() {
        munmap(consumer_, 4096);
        munmap(producer_, length_);
    }

    std::uint64_t consumed() const { return __atomic_load_n(word(consumer_), __ATOMIC_ACQUIRE); }
    std::uint64_t produced() const { return __atomic_load_n(word(producer_), __ATOMIC_ACQUIRE); }
    void set_consumed(std::uint64_t position) { __atomic_store_n(word(consumer_), position, __ATOMIC_RELEASE); }

    enum class Next { Empty, Busy, Discarded, Sample };
    Next next(std::string& sample) {
        const std::uint64_t position = consumed();
        if (position == produced()) return Next::Empty;
        const std::uint8_t* data = producer_ + 4096;
        const std::uint64_t at = position & (size_ - 1);
        std::uint32_t length;
        __atomic_load(reinterpret_cast<const std::uint32_t*>(data + at), &length, __ATOMIC_ACQUIRE);
        if ((length & 1u << 31) != 0) return Next::Busy;
        const bool discarded = (length & 1u << 30) != 0;
        length &= ~(1u << 30);
        sample.resize(length);
        for (std::uint32_t i = 0; !discarded && i < length; ++i)
            sample[i] = static_cast<char>(data[twice_ ? at + 8 + i : (at + 8 + i) & (size_ - 1)]);
        set_consumed(position + (length + 8 + 7) / 8 * 8);
        return discarded ? Next::Discarded : Next::Sample;
    }

private:
    static std::uint64_t* word(std::uint8_t* page) { return reinterpret_cast<std::uint64_t*>(page); }
    std::uint8_t *consumer_, *producer_;
    std::uint64_t size_, length_;
    bool twice_;
};

}  // namespace bpftime::test
