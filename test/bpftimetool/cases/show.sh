. "$(dirname "$0")/common.inc"
bpftimetool import "$registry"
s bpftimetool prog show
s bpftimetool prog
s bpftimetool prog show name sum --pretty
s bpftimetool prog dump xlated id 1
s bpftimetool prog dump xlated tag 40e636e1bbb57115 -j
s bpftimetool prog stats
s bpftimetool map show
s bpftimetool map show id 2 --pretty
s bpftimetool btf
s bpftimetool btf show -j
s bpftimetool link show
