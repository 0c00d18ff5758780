. "$(dirname "$0")/common.inc"
bpftimetool import "$registry"
t bpftimetool map dump name calls
t bpftimetool map dump name events
t bpftimetool map dump name events -j
t bpftimetool map lookup name calls key 1 0 0 0
t bpftimetool map lookup name events key hex 05 00 00 00
t bpftimetool map update name calls key 2 0 0 0 value 0x2a 0 0 0 0 0 0 1
t bpftimetool map lookup name calls key 2 0 0 0 -j
t bpftimetool map update name calls key 2 0 0 0 value 0 0 0 0 0 0 0 0 noexist
t bpftimetool map getnext name calls
t bpftimetool map getnext name calls key 2 0 0 0
t bpftimetool map getnext name calls key 3 0 0 0
t bpftimetool map delete name events key 5 0 0 0
t bpftimetool map delete name events key 5 0 0 0
t bpftimetool map lookup name events key 5 0 0 0
t bpftimetool map dump name events
t bpftimetool map delete name calls key 1 0 0 0
t bpftimetool map update name demo.rodata key 0 0 0 0 value 1 2 3 4 5 6 7 8
t bpftimetool map lookup pinned /sys/fs/bpf/bpftimetool/map_2 key 5 0 0 0
