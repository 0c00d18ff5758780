// Maps of this process alone, for one run of one program.
#pragma once

#include <span>
#include <string>

#include "runtime/maps/map.h"
#include "vm/core/engine.h"

namespace bpftime::aot {

// The maps of a program with this runtime's helpers. Outlives what was made ready with its bindings.
class PrivateMaps {
public:
    static Result<PrivateMaps> create(std::span<const MapSpec> specs);

    const Bindings& bindings() const { return bindings_; }
    // Every element of every map: "name [type] key: value", integers in decimal, anything else in hexadecimal bytes; values of
    // per-CPU maps CPU by CPU. Data sections print as bytes.
    std::string dump() const;

private:
    MapSet maps_;
    Bindings bindings_;
};

}  // namespace bpftime::aot
