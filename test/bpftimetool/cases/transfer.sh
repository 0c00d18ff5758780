. "$(dirname "$0")/common.inc"
t bpftimetool prog show 2>&1 | steady
t bpftimetool import missing.json
t bpftimetool prog show
t bpftimetool import "$registry" | sed "s#$registry#<registry.json>#"
t bpftimetool export out.json
diff "$registry" out.json && echo "the same as it came"
t bpftimetool remove 2
t bpftimetool remove 2
t bpftimetool import out.json --pretty
t bpftimetool remove
t bpftimetool prog show
t bpftimetool map show
t bpftimetool map show id 2
t bpftimetool export missing/out.json
t bpftimetool import missing.json
echo '{' >broken.json
t bpftimetool import broken.json
sed 's/"xdp"/"xdq"/' "$registry" >type.json
t bpftimetool import type.json
sed 's/"7110000000000000"/"ff10000000000000"/' "$registry" >insns.json
t bpftimetool import insns.json
sed 's/"version": 1,/"version": 2,/' "$registry" >version.json
t bpftimetool import version.json
t bpftimetool prog show
