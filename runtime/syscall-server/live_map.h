// What the ids in a map mean to programs that run in this process: the programs of a prog array as native code, the
// output events of a perf event array as their pages, the maps in a map as maps.
#pragma once

#include "runtime/registry/objects.h"

namespace bpftime {

// Lets programs of this process follow the ids in `map`, if its type has any and nobody did so before. Programs look an
// id up without a lock; the first look at an object finds it in the registry, and compiles a program, which allocates
// and takes locks. Where that must not happen, follow() its objects beforehand.
void make_live(MapObject& map);

// Looks up all that the map holds now. The next look at any of these takes no lock and allocates nothing, until a client
// maps an event's pages anew.
void follow(const MapObject& map);

}  // namespace bpftime
