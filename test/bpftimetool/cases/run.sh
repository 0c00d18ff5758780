. "$(dirname "$0")/common.inc"
bpftimetool import "$registry"
printf '\003\004' >packet
: >nothing
s bpftimetool run 2 packet
s bpftimetool run 2 packet repeat 100 type INTERPRET
s bpftimetool run 2 packet type AOT --pretty
s bpftimetool run 1 nothing repeat 3
t bpftimetool map lookup name calls key 1 0 0 0
bpftime-aot compile 2 >/dev/null
bpftimetool prog show id 2 | grep -c ' object '
s bpftimetool run 2 packet type AOT
t bpftimetool run 7 packet
t bpftimetool run 2 missing
t bpftimetool run 2 nothing
