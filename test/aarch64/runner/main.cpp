// Runs many cases in one process, so that qemu starts once. Reads lines from stdin; HEX may be empty:
//   program HEX                              bytecode
//   memory HEX                               what r1 points to
//   map TYPE KEY VALUE MAX FLAGS NAME HEX    the next map, with the bytes of its values
//   variable HEX                             what the next lddw src=3 id leads to
//   object HEX                               a native object, for the engine aot
//   metadata HEX                             what it says of itself
//   run ENGINE                               interpreter, ubpf or aot; forgets the case afterwards
//   compare SEED COUNT                       random programs on interpreter and ubpf
// and answers each run with "r0 <hex> <memory afterwards as hex>" or "error <message>", compare with "agreed COUNT" or an error.
#include <iostream>
#include <sstream>

#include "test/aarch64/runner/compare.h"
#include "test/conformance/world.h"
#include "vm/interpreter/interpreter.h"
#include "vm/linker/load_image.h"
#include "vm/ubpf-jit/ubpf_jit.h"

namespace {

using namespace bpftime;

using Bytes = std::vector<std::uint8_t>;

struct Job {
    test::Case one;
    Bytes object, metadata;
};

Bytes from_hex(const std::string& text) {
    const auto digit = [](char c) { return static_cast<std::uint8_t>(c <= '9' ? c - '0' : c - 'a' + 10); };
    Bytes bytes;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2)
        bytes.push_back(static_cast<std::uint8_t>(digit(text[i]) << 4 | digit(text[i + 1])));
    return bytes;
}

std::string to_hex(const Bytes& bytes) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : bytes) text += {kDigits[byte >> 4], kDigits[byte & 15]};
    return text;
}

Result<std::unique_ptr<Executable>> load(const std::string& engine, const Job& job, const Program& program, const Bindings& bindings) {
    if (engine == "interpreter") return interpret(program, bindings);
    if (engine == "ubpf") return ubpf_jit(program, bindings);
    if (engine != "aot") return fail(failure("there is no engine '", engine, '\''));
    const Metadata metadata = BPFTIME_TRY(decode_metadata(job.metadata));
    return load_image(job.object, &metadata, bindings);
}

// The answer to "run".
Result<std::string> run(const std::string& engine, const Job& job) {
    test::World world(job.one);
    const Program program = BPFTIME_TRY(test::program_of(job.one));
    const auto executable = BPFTIME_TRY(load(engine, job, program, world.bindings));
    const std::uint64_t r0 = executable->run(world.context(), world.memory.size());
    return cat("r0 ", hex(r0), ' ', to_hex(world.memory));
}

test::CaseMap read_map(std::istream& in) {
    test::CaseMap map;
    std::string values;
    in >> map.spec.type >> map.spec.key_size >> map.spec.value_size >> map.spec.max_entries >> map.spec.flags >> map.spec.name >> values;
    map.values = from_hex(values);
    return map;
}

}  // namespace

int main() {
    Job job;
    for (std::string line; std::getline(std::cin, line);) {
        std::istringstream in(line);
        std::string word, value;
        in >> word;
        if (word == "map") {
            job.one.maps.push_back(read_map(in));
            continue;
        }
        if (word == "compare") {
            std::uint64_t seed = 0, count = 0;
            in >> seed >> count;
            std::cout << test::compare_engines(seed, count) << std::endl;
            continue;
        }
        in >> value;
        if (word == "run") {
            const auto answer = run(value, job);
            std::cout << (answer ? *answer : cat("error ", to_string(answer.error()))) << std::endl;
            job = {};
        } else if (word == "variable") {
            job.one.variables.push_back(from_hex(value));
        } else if (Bytes* const field = word == "program"    ? &job.one.bytecode
                                        : word == "memory"   ? &job.one.memory
                                        : word == "object"   ? &job.object
                                        : word == "metadata" ? &job.metadata
                                                             : nullptr) {
            *field = from_hex(value);
        } else {
            std::cout << "error unknown command " << word << std::endl;
            return 2;
        }
    }
    return 0;
}
