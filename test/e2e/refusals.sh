#!/usr/bin/env bash
# refusals.sh LIBRARY BPFTIMETOOL HOLDER OBJECT: shared memory that cannot be used. The tool says why in one sentence and exits with 1; an
# application under the syscall server gets an errno from bpf(2), and nothing else happens to it.
set -uo pipefail
library=$1 tool=$2 holder=$3 object=$4
export BPFTIME_GLOBAL_SHM_NAME=bpftime-refused-$$
directory=/dev/shm/$BPFTIME_GLOBAL_SHM_NAME.$(id -u)
work=$(mktemp -d)
trap 'rm -rf "$work" "$directory"' EXIT
failures=0
wrong() { echo "FAILED: $*"; failures=$((failures + 1)); }

# fresh: a registry with one map and one program in it.
fresh() {
    rm -rf "$directory"
    "$tool" import "${REGISTRY_JSON:?}" >/dev/null || wrong "cannot make a registry"
}
# refused CASE PATTERN [COMMAND…]: what the tool says of the registry as it is now.
refused() {
    local name=$1 pattern=$2
    shift 2
    "$@" "$tool" prog show >"$work/out" 2>"$work/err"
    local status=$?
    echo "$name: $(cat "$work/err")"
    [ $status = 1 ] || wrong "$name: exit status $status"
    [ ! -s "$work/out" ] || wrong "$name: something on standard output"
    [ "$(wc -l <"$work/err")" = 1 ] || wrong "$name: not one line"
    grep -qE -- "$pattern" "$work/err" || wrong "$name: does not say '$pattern'"
}

# degrades CASE [COMMAND…]: an application that uses BPF is told so by an errno; one that does not works as ever.
degrades() {
    local name=$1
    shift
    BPFTIME_LOG_OUTPUT=$work/log "$@" env LD_PRELOAD="$library" "$holder" "$object" >"$work/out" 2>&1 </dev/null
    local status=$?
    { [ $status = 1 ] && [ "$(cat "$work/out")" = "cannot load" ]; } || wrong "$name: the application ends with $status: $(cat "$work/out")"
    [ -s "$work/log" ] || wrong "$name: nothing in the log"
    rm -f "$work/log"
    [ "$("$@" env LD_PRELOAD="$library" ls / 2>&1)" = "$(ls /)" ] || wrong "$name: ls does not work"
}

rm -rf "$directory"
refused "missing" 'there is no registry at .*; start the loader'

fresh
printf '\x63' | dd of="$directory/control" bs=1 seek=8 conv=notrunc status=none
refused "another version" 'is of version 99, not [0-9]+; end its users and remove it'
degrades "another version"

fresh
truncate -s 100 "$directory/control"
refused "truncated" 'control is truncated'
degrades "truncated"

fresh
head -c 4096 /dev/urandom >"$work/noise"
dd if="$work/noise" of="$directory/control" conv=notrunc status=none
refused "corrupted" 'is not a registry of bpftime'
degrades "corrupted"

fresh
chmod 755 "$directory"
refused "open to others" 'can be reached by other users; chmod 700'
degrades "open to others"

if [ "$(id -u)" = 0 ]; then
    fresh
    chown -R 65534 "$directory"
    refused "somebody else's" 'belongs to user 65534 and not to you'
    degrades "somebody else's"
    chown -R 0 "$directory"
else
    echo "somebody else's: left out, needs root"
fi

if unshare -rpf --mount-proc true 2>/dev/null; then
    fresh
    refused "another pid namespace" 'belongs to processes of another pid namespace' unshare -rpf --mount-proc
    degrades "another pid namespace" unshare -rpf --mount-proc
else
    echo "another pid namespace: left out, namespaces cannot be made here"
fi

# Objects: the one that is damaged is refused, the others are there.
fresh
program=$(ls "$directory" | grep -E '^program\.[0-9]+$' | head -1)
cp "$directory/$program" "$work/program"
size=$(stat -c %s "$work/program")
truncate -s 100 "$directory/$program"
refused "truncated object" 'program [0-9]+ in shared memory is truncated'
dd if=/dev/zero of="$work/program" bs=1 count=64 seek=$((size - 4096)) conv=notrunc status=none
cp "$work/program" "$directory/$program"
refused "object without a header" 'program [0-9]+ in shared memory has a wrong header'
map_lines=$("$tool" map show 2>&1) || wrong "maps cannot be shown beside a damaged program: $map_lines"

[ $failures = 0 ]
