# Every program gets a file of its own, whatever the programs are called, and is compiled once.
[ -x "$(command -v bpftimetool)" ] || { echo "SKIPPED: bpftimetool is not built"; exit 77; }
row() { printf '{"id": %d, "name": "%s", "type": "xdp", "license": "GPL", "insns": ["b7000000%02x000000", "9500000000000000"]}' "$1" "$2" "$1"; }
printf '{"format": "bpftime registry", "version": 1, "programs": [%s, %s, %s, %s, %s]}' \
    "$(row 1 same)" "$(row 2 same)" "$(row 3 same_1)" "$(row 4 '')" "$(row 5 .hidden)" >programs.json
bpftimetool import programs.json
t bpftime-aot compile -o out
ls -A out
t bpftime-aot compile 2 2 02 -o again
ls -A again
for id in 1 2 3 4 5; do bpftimetool run "$id" /dev/null type AOT | cut -d, -f1; done
