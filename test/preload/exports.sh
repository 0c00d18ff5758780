#!/usr/bin/env bash
# exports.sh LIBRARY EXPORTS.MAP: the library defines what exports.map names and nothing else, and needs nothing that a C
# program does not have already.
set -uo pipefail
named=$(sed -n 's/.*global: *//p' "$2" | tr -d ' ' | tr ';' '\n' | grep . | sort)
defined=$(nm -D --defined-only "$1" | awk '{print $3}' | sort)
diff <(echo "$named") <(echo "$defined") || { echo "exported names differ"; exit 1; }
needed=$(readelf -d "$1" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' | grep -vE '^(libc\.so|ld-linux)')
[ -z "$needed" ] || { echo "needs $needed"; exit 1; }
# Programs that never heard of BPF.
for command in "ls /" "bash -c 'echo a | cat'" "sort /dev/null"; do
    [ "$(LD_PRELOAD=$1 bash -c "$command" 2>&1)" = "$(bash -c "$command" 2>&1)" ] || { echo "$command differs"; exit 1; }
done
