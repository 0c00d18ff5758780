#include "benchmark/contestant.h"

#include "benchmark/timing.h"
#include "vm/interpreter/interpreter.h"
#include "vm/linker/linker.h"
#include "vm/llvm-jit/compiler.h"
#include "vm/ubpf-jit/ubpf_jit.h"

namespace bpftime::benchmark {

namespace {

constexpr int kFastRepeats = 51;  // of what takes microseconds
constexpr int kSlowRepeats = 5;   // of what takes milliseconds

Ready ready(std::unique_ptr<Executable> code) {
    Ready result;
    result.entry = code->entry();
    result.code_bytes = code->code_size();
    result.code = std::move(code);
    return result;
}

// Times `make`, which gives a Result<std::unique_ptr<Executable>>, and keeps what the last call made.
template <class Make>
Result<Ready> timed(int repeats, Make&& make) {
    auto last = make();
    if (!last) return fail(std::move(last).error());
    const double us = median_us(repeats, [&] { last = make(); });
    if (!last) return fail(std::move(last).error());
    Ready result = ready(std::move(*last));
    result.compile_us = us;
    return result;
}

Contestant native_code(std::string name, Entry Workload::* member) {
    return {std::move(name), [member](const Input& input) -> Result<Ready> {
                Ready result;
                result.entry = input.workload.*member;
                return result;
            }};
}

Contestant object_code(std::string name, const Compiler* compiler, CompileOptions options) {
    return {std::move(name), [compiler, options](const Input& input) -> Result<Ready> {
                auto object = compiler->compile(input.program, options);
                if (!object) return fail(std::move(object).error());
                const double compile_us =
                    median_us(kSlowRepeats, [&] { object = compiler->compile(input.program, options); });
                const auto sealed = seal(object->elf, object->metadata);
                if (!sealed) return fail(sealed.error());
                LinkOptions link;
                link.allow_unverified = true;  // nothing here has been through the verifier
                auto result = timed(kFastRepeats, [&] { return link_object(*sealed, input.bindings, link); });
                if (!result) return result;
                result->load_us = result->compile_us;
                result->compile_us = compile_us;
                return result;
            }};
}

}  // namespace

std::vector<Contestant> own_contestants(std::vector<std::string>& missing) {
    std::vector<Contestant> all;
    all.push_back(native_code("clang -O3", &Workload::o3));
    all.push_back(native_code("clang -O3 -march=native", &Workload::native));
    all.push_back({"interpreter", [](const Input& input) {
                       return timed(kFastRepeats, [&] { return interpret(input.program, input.bindings); });
                   }});
    all.push_back({"ubpf", [](const Input& input) {
                       return timed(kFastRepeats, [&] { return ubpf_jit(input.program, input.bindings); });
                   }});
    const auto compiler = load_compiler();
    if (!compiler) {
        missing.push_back(cat("llvm jit and aot: ", to_string(compiler.error())));
        return all;
    }
    all.push_back({"llvm jit", [](const Input& input) {
                       return timed(kSlowRepeats, [&] { return llvm_jit(input.program, input.bindings); });
                   }});
    all.push_back(object_code("aot", *compiler, {}));
    CompileOptions native;
    native.cpu = "native";
    all.push_back(object_code("aot native", *compiler, native));
    return all;
}

}  // namespace bpftime::benchmark
