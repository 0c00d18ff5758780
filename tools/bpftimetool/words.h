// The words of a command, one after the other, as bpftool takes them.
#pragma once

#include "tools/bpftimetool/command.h"

namespace bpftime::tool {

class WordReader {
public:
    explicit WordReader(const Words& words) : words_(&words) {}

    bool empty() const { return next_ == words_->size(); }
    // Takes the word if it comes next, or may be the beginning of it ("k" for "key") as bpftool allows.
    bool take(std::string_view word);
    // The next word, whatever it is; `what` names it in the mistake when there is none.
    const std::string& any(std::string_view what);
    // A decimal or 0x number of 32 bits.
    std::uint32_t number(std::string_view what);
    // `size` bytes: decimal or 0x numbers, or hexadecimal ones behind the word "hex"; or one number of so many bytes.
    Bytes bytes(std::size_t size, std::string_view what);
    // Nothing may follow.
    void end() const;
    // How many numbers come next.
    std::size_t numbers(int base) const;

private:
    const Words* words_;
    std::size_t next_ = 0;
};

// Which object is meant: "id N", "name NAME", "tag TAG" (programs), "pinned PATH". Errors: none or several such.
template <class Object>
Result<std::shared_ptr<Object>> take_object(Registry& registry, WordReader& words);

// All objects of a kind, by id, or the one that the words name.
template <class Object>
Result<std::vector<std::shared_ptr<Object>>> chosen_objects(Registry& registry, const Words& words);

// "00 01 02"; and as bpftool gives bytes in JSON, ["0x00","0x01","0x02"].
std::string hex_bytes(ByteView bytes);
Json hex_json(ByteView bytes);

}  // namespace bpftime::tool
