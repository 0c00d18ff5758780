// Random formats with random arguments: our bpf_snprintf against the running kernel's. A format is a constant that the
// verifier looks at, so that each is a program of its own; one that it refuses must be -EINVAL here.
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "runtime/helpers/helpers.h"
#include "test/catch.h"
#include "test/support/skip.h"
#include "vm/core/encoding.h"

using namespace bpftime;

namespace {

using u64 = std::uint64_t;

constexpr std::size_t kFormatSize = 128, kOutSize = 256;
constexpr int kRounds = 3000;

long bpf(int command, bpf_attr& attr) { return syscall(SYS_bpf, command, &attr, sizeof(attr)); }
u64 at(const void* pointer) { return reinterpret_cast<u64>(pointer); }

class Descriptor {
public:
    explicit Descriptor(long fd) : fd_(static_cast<int>(fd)) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (fd_ >= 0) close(fd_);
    }
    int get() const { return fd_; }

private:
    int fd_;
};

long make_array(std::uint32_t value_size, std::uint32_t flags) {
    bpf_attr attr{};
    attr.map_type = BPF_MAP_TYPE_ARRAY;
    attr.key_size = 4;
    attr.value_size = value_size;
    attr.max_entries = 1;
    attr.map_flags = flags;
    return bpf(BPF_MAP_CREATE, attr);
}

long element(int command, int map, void* value) {
    const std::uint32_t key = 0;
    bpf_attr attr{};
    attr.map_fd = static_cast<std::uint32_t>(map);
    attr.key = at(&key);
    attr.value = at(value);
    return bpf(command, attr);
}

struct Argument {
    u64 value = 0;
    bool text = false;  // the address `value` bytes into the texts
};

struct Case {
    char format[kFormatSize] = {};
    std::vector<Argument> arguments;
    std::uint32_t size = 0;  // of the output
};

struct Outcome {
    std::int64_t status = 0;
    char text[kOutSize] = {};
};

// What strings and addresses are read from: the value of a map, or our memory.
struct Texts {
    char bytes[256];
    Texts() {
        for (std::size_t i = 0; i < sizeof bytes; ++i) bytes[i] = i % 23 == 22 ? 0 : static_cast<char>('!' + i * 7 % 90);
        bytes[sizeof bytes - 1] = 0;
    }
};

// ---- The kernel -----------------------------------------------------------------------------------------------------

class Kernel {
public:
    explicit Kernel(Texts& texts) : texts_(make_array(sizeof(Texts), 0)), out_(make_array(sizeof(Outcome), 0)) {
        element(BPF_MAP_UPDATE_ELEM, texts_.get(), &texts);
    }

    // -EINVAL where the verifier refuses the format.
    Outcome run(Case& one) {
        Descriptor format(make_array(kFormatSize, BPF_F_RDONLY_PROG));
        element(BPF_MAP_UPDATE_ELEM, format.get(), one.format);
        bpf_attr freeze{};
        freeze.map_fd = static_cast<std::uint32_t>(format.get());
        bpf(BPF_MAP_FREEZE, freeze);
        Outcome outcome;
        std::memset(outcome.text, 'z', sizeof outcome.text);
        element(BPF_MAP_UPDATE_ELEM, out_.get(), &outcome);
        const Descriptor program(load(one, format.get()));
        if (program.get() < 0) {
            outcome.status = errno == EINVAL ? -EINVAL : -1000 - errno;
            return outcome;
        }
        bpf_attr attr{};
        attr.test.prog_fd = static_cast<std::uint32_t>(program.get());
        if (bpf(BPF_PROG_TEST_RUN, attr) != 0) outcome.status = -2000 - errno;
        else element(BPF_MAP_LOOKUP_ELEM, out_.get(), &outcome);
        return outcome;
    }

private:
    static void address(std::vector<RawInsn>& code, std::uint8_t reg, int map, std::int32_t offset) {
        code.push_back({0x18, static_cast<std::uint8_t>(reg | 0x20), 0, map});
        code.push_back({0, 0, 0, offset});
    }

    long load(const Case& one, int format) const {
        std::vector<RawInsn> code;
        for (std::size_t i = 0; i < one.arguments.size(); ++i) {
            const Argument& argument = one.arguments[i];
            if (argument.text) {
                address(code, 1, texts_.get(), static_cast<std::int32_t>(argument.value));
            } else {
                code.push_back({0x18, 1, 0, static_cast<std::int32_t>(argument.value)});
                code.push_back({0, 0, 0, static_cast<std::int32_t>(argument.value >> 32)});
            }
            code.push_back({0x7b, 0x1a, static_cast<std::int16_t>(-96 + 8 * static_cast<int>(i)), 0});  // to the stack
        }
        address(code, 1, out_.get(), offsetof(Outcome, text));
        code.push_back({0xb7, 2, 0, static_cast<std::int32_t>(one.size)});
        address(code, 3, format, 0);
        code.push_back({0xbf, 0xa4, 0, 0});  // r4 = r10 - 96
        code.push_back({0x07, 4, 0, -96});
        code.push_back({0xb7, 5, 0, static_cast<std::int32_t>(8 * one.arguments.size())});
        code.push_back({0x85, 0, 0, 165});
        address(code, 1, out_.get(), 0);
        code.push_back({0x7b, 0x01, 0, 0});
        code.push_back({0xb7, 0, 0, 0});
        code.push_back({0x95, 0, 0, 0});
        bpf_attr attr{};
        attr.prog_type = BPF_PROG_TYPE_SYSCALL;
        attr.prog_flags = BPF_F_SLEEPABLE;
        attr.insns = at(code.data());
        attr.insn_cnt = static_cast<std::uint32_t>(code.size());
        attr.license = at("GPL");
        return bpf(BPF_PROG_LOAD, attr);
    }

    Descriptor texts_, out_;
};

// ---- This runtime ---------------------------------------------------------------------------------------------------

Outcome run_here(const Case& one, const Texts& texts) {
    Outcome outcome;
    std::memset(outcome.text, 'z', sizeof outcome.text);
    std::vector<u64> values;
    for (const Argument& argument : one.arguments) values.push_back(argument.text ? at(texts.bytes) + argument.value : argument.value);
    values.resize(12);
    outcome.status = static_cast<std::int64_t>(
        helper_function(165)(at(outcome.text), one.size, at(one.format), at(values.data()), 8 * one.arguments.size()));
    return outcome;
}

// ---- Cases ----------------------------------------------------------------------------------------------------------

class Generator {
public:
    explicit Generator(std::uint32_t seed) : random_(seed) {}

    Case next() {
        Case one;
        std::string format;
        const std::uint32_t parts = below(6);
        for (std::uint32_t i = 0; i < parts; ++i) {
            if (below(2) == 0) format += literal();
            if (below(12) == 0) format += "%%";
            if (one.arguments.size() < 11) format += conversion(one);
        }
        if (below(2) == 0) format += literal();
        if (below(60) == 0) format += '%';
        if (below(10) == 0 && !one.arguments.empty()) one.arguments.pop_back();
        if (below(10) == 0) one.arguments.push_back({});
        if (format.size() >= kFormatSize) format.resize(kFormatSize - 1);
        std::memcpy(one.format, format.data(), format.size());
        one.size = below(4) == 0 ? below(20) : below(kOutSize) + 1;
        return one;
    }

private:
    std::uint32_t below(std::uint32_t limit) { return random_() % limit; }
    template <std::size_t N>
    const char* pick(const char* const (&from)[N]) {
        return from[below(N)];
    }

    std::string literal() {
        static constexpr const char* kTexts[] = {" ", "a", ",", "x=", "0", "s", "ks", "\n", "\t", "end.", "[", "]", "4", "l", "\x01", "\xe9", "\xa0", "\xb5", "\x80", "\xd7"};
        return pick(kTexts);
    }

    u64 number() {
        const u64 any = u64{random_()} << 32 | random_();
        switch (below(6)) {
            case 0: return below(300);
            case 1: return 0 - u64{below(300)};
            case 2: return 0x80000000u;
            case 3: return any >> below(64);
            case 4: return u64{1} << below(64);
            default: return any;
        }
    }

    std::string conversion(Case& one) {
        static constexpr const char* kFlags[] = {"0", "+", "-", " ", "00", "-0", "+-", " +"};
        static constexpr const char* kNumbers[] = {"d", "i", "u", "x", "X", "ld", "lu", "lx", "lX", "li", "lld", "llu", "llx", "llX", "lli"};
        static constexpr const char* kTexts[] = {"s", "pks", "pus"};
        static constexpr const char* kAddresses[] = {"pi4", "pI4", "pi6", "pI6"};
        static constexpr const char* kWrong[] = {"h", ".3d", "*d", "#x", "n", "f", "5%", "z", "lll", "q", "pz", "pI5", "hhd", "'d", "o", "lc", "ls", "pk", "pu"};
        std::string text = "%";
        if (below(3) == 0) text += pick(kFlags);
        if (below(3) == 0) text += std::to_string(below(8) == 0 ? below(300) : below(24));
        switch (below(40)) {
            case 0: one.arguments.push_back({number()}); return text + pick(kWrong);
            case 1: case 2: case 3: case 4: one.arguments.push_back({number()}); return text + "c";
            case 5: case 6: case 7: case 8: one.arguments.push_back({number() | 1u << 20}); return text + "px";
            case 9: case 10: case 11: case 12: case 13: case 14: case 15: case 16: {
                const char* kind = pick(kTexts);
                // Strings of the user's are looked for in our own memory, where a map's are not.
                if (kind[1] == 'u') one.arguments.push_back({0});
                else one.arguments.push_back({below(sizeof(Texts)), true});
                return text + kind;
            }
            case 17: case 18: case 19: case 20: one.arguments.push_back({below(sizeof(Texts) - 16), true}); return text + pick(kAddresses);
            default: one.arguments.push_back({number()}); return text + pick(kNumbers);
        }
    }

    std::mt19937 random_;
};

std::string shown(const Case& one) {
    std::string out = "format \"" + std::string(one.format) + "\" size " + std::to_string(one.size);
    for (const Argument& argument : one.arguments) out += (argument.text ? " text " : " ") + std::to_string(argument.value);
    return out;
}

}  // namespace

TEST_CASE("random formats: the same text, length and errors as the kernel's bpf_snprintf") {
    Texts texts;
    Kernel kernel(texts);
    Case plain;
    std::memcpy(plain.format, "%d", 3);
    plain.arguments = {{42}};
    plain.size = 10;
    const Outcome first = kernel.run(plain);
    if (first.status <= -1000) bpftime::test::skip_binary("the kernel loads and runs no programs for this process");
    REQUIRE(std::string(first.text) == "42");
    Generator generator(20'250'601);
    int good = 0, refused = 0;
    for (int round = 0; round < kRounds; ++round) {
        Case one = generator.next();
        const Outcome theirs = kernel.run(one), ours = run_here(one, texts);
        INFO(shown(one));
        REQUIRE(theirs.status > -1000);
        // Once there is no room, the kernel neither counts what it has read for a pointer nor goes on to the next argument.
        const bool miscounted = ours.status > one.size && std::strstr(one.format, "p") != nullptr && theirs.status >= 0;
        if (!miscounted) CHECK(ours.status == theirs.status);
        if (theirs.status >= 0) CHECK(std::string_view(ours.text, kOutSize) == std::string_view(theirs.text, kOutSize));
        ++(theirs.status >= 0 ? good : refused);
    }
    CHECK(good > kRounds / 3);
    CHECK(refused > kRounds / 20);
}
