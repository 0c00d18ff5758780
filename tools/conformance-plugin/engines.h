// The engines by the names that users type.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "vm/core/engine.h"

namespace bpftime {

struct Engine {
    std::string_view name;
    Result<std::unique_ptr<Executable>> (*load)(const Program& program, const Bindings& bindings);
};

// Those that this build has: "interpreter", "ubpf", "llvm", "aot" (compiled, sealed, then linked from the object's bytes).
std::span<const Engine> engines();

// The engine called `name`, or an error that lists those there are.
Result<const Engine*> find_engine(std::string_view name);

}  // namespace bpftime
