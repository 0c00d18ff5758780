// bpftime-aot keygen: an Ed25519 key pair for build --sign and run --trust.
#include <fmt/format.h>
#include <sys/stat.h>

#include "tools/aot/command.h"
#include "tools/support/files.h"
#include "vm/linker/metadata.h"

namespace bpftime::aot {

namespace {

std::string hex_line(std::span<const std::uint8_t> bytes) {
    std::string out;
    for (const std::uint8_t byte : bytes) out += fmt::format("{:02x}", byte);
    return out + '\n';
}

// The secret is never readable by others, not even for a moment.
Status keygen(const std::string& name) {
    const KeyPair pair = generate_key_pair();
    const mode_t mask = umask(077);
    const Status secret = write_file(name + ".key", hex_line(pair.signing.secret));
    umask(mask);
    BPFTIME_CHECK(secret);
    BPFTIME_CHECK(write_file(name + ".pub", hex_line(pair.public_key)));
    fmt::print("{0}.key: secret, for build --sign\n{0}.pub: public, for run --trust\n", name);
    return {};
}

}  // namespace

void add_keygen(CLI::App& app, Action& action) {
    auto name = std::make_shared<std::string>();
    CLI::App* command = app.add_subcommand("keygen", "Make a key pair to sign objects with");
    command->add_option("NAME", *name, "writes NAME.key and NAME.pub")->required();
    command->callback([name, &action] { action = [name] { return keygen(*name); }; });
}

}  // namespace bpftime::aot
