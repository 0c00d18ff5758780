#include "benchmark/contestant.h"

#include "benchmark/timing.h"
#include "vm/interpreter/interpreter.h"
#include "vm/linker/linker.h"
#include "vm/llvm-jit/compiler.h"
#include "vm/ubpf-jit/ubpf_jit.h"

namespace bpftime::benchmark {

namespace {

// How often to time what takes microseconds and what takes milliseconds, and by which clock.
struct Pace {
    int repeats;
    double (*clock)();
};
constexpr Pace kFast = {51, now_ns};
constexpr Pace kSlow = {5, cpu_ns};

Ready ready(std::unique_ptr<Executable> code) {
    Ready result;
    result.entry = code->entry();
    result.code_bytes = code->code_size();
    result.code = std::move(code);
    return result;
}

// Times `make`, which gives a Result<std::unique_ptr<Executable>>, and keeps what the last call made.
template <class Make>
Result<Ready> timed(const Input& input, const Pace& pace, Make&& make) {
    auto last = make();
    if (!last) return fail(std::move(last).error());
    if (!input.time) return ready(std::move(*last));
    const double us = median_us(pace.repeats, pace.clock, [&] { last = make(); });
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

Contestant object_code(std::string name, CompileOptions options) {
    return {std::move(name), [options](const Input& input) -> Result<Ready> {
                auto object = compile_object(input.program, options);
                if (!object) return fail(std::move(object).error());
                const double compile_us = median_us(input.time ? kSlow.repeats : 0, kSlow.clock,
                                                    [&] { object = compile_object(input.program, options); });
                if (!object) return fail(std::move(object).error());
                auto result =
                    timed(input, kFast, [&] { return link_object(object->bytes, input.bindings); });
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
                       return timed(input, kFast, [&] { return interpret(input.program, input.bindings); });
                   }});
    all.push_back({"ubpf", [](const Input& input) {
                       return timed(input, kFast, [&] { return ubpf_jit(input.program, input.bindings); });
                   }});
    if (const auto compiler = load_compiler(); !compiler) {
        missing.push_back(cat("llvm jit and aot: ", to_string(compiler.error())));
        return all;
    }
    all.push_back({"llvm jit", [](const Input& input) {
                       return timed(input, kSlow, [&] { return llvm_jit(input.program, input.bindings); });
                   }});
    all.push_back(object_code("aot", {}));
    CompileOptions native;
    native.cpu = "native";
    all.push_back(object_code("aot native", native));
    return all;
}

}  // namespace bpftime::benchmark
