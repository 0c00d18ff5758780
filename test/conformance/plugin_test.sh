#!/bin/sh
# The protocol of bpftime-conformance-plugin: plugin_test.sh PLUGIN ENGINE...
plugin=$1
shift
failures=0

# check NAME WANTED_STATUS WANTED_OUTPUT PROGRAM ARGUMENT...
check() {
    name=$1 status=$2 wanted=$3 program=$4
    shift 4
    got=$(printf '%s' "$program" | "$plugin" "$@" 2>stderr.txt)
    code=$?
    lines=$(wc -l < stderr.txt)
    if [ "$code" != "$status" ] || [ "$got" != "$wanted" ]; then
        echo "FAILED $name: status $code, output '$got', stderr: $(cat stderr.txt)"
        failures=$((failures + 1))
    elif [ "$status" = 1 ] && [ "$lines" != 1 ]; then
        echo "FAILED $name: $lines lines on stderr"
        failures=$((failures + 1))
    fi
}

work=$(mktemp -d) && cd "$work" || exit 1
for engine in "$@"; do
    check "$engine: result in hexadecimal" 0 2a "b70000002a000000 9500000000000000" --engine "$engine"
    check "$engine: bytes apart" 0 ffffffffffffffff "b7 00 00 00 ff ff ff ff 95 00 00 00 00 00 00 00
" --engine "$engine"
    # r0 = *(u16 *)(r1 + 1)
    check "$engine: memory" 0 3322 "69100100000000009500000000000000" "11 22 33 44" --engine "$engine"
    # r0 = r2
    check "$engine: size of memory" 0 4 "bf200000000000009500000000000000" 11223344 --engine "$engine"
    check "$engine: no memory" 0 0 "bf200000000000009500000000000000" "" --engine "$engine"
    # r0 = 0; call 5; if r0 != 0 goto +1; r0 = 9; exit
    check "$engine: helper 5" 0 1 "8500000005000000 5500010000000000 b700000009000000 b700000001000000 9500000000000000" --engine "$engine"
    check "$engine: reserved field" 1 "" "07000100010000009500000000000000" --engine "$engine"
    check "$engine: no exit" 1 "" "b70000002a000000" --engine "$engine"
done
check "not hexadecimal" 1 "" "xyz"
check "half a byte" 1 "" "b70"
check "empty program" 1 "" ""
check "memory that is not hexadecimal" 1 "" "b70000002a0000009500000000000000" zz
check "unknown engine" 1 "" "b70000002a0000009500000000000000" --engine none
check "--elf is ignored" 0 2a "b70000002a0000009500000000000000" --elf
check "unknown option" 2 "" "b70000002a0000009500000000000000" --no-such-option
rm -rf "$work"
exit $((failures != 0))
