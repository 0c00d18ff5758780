#!/usr/bin/env bash
# exports.sh LIBRARY HEADER ARCHIVE: both libraries define the header's functions and nothing else, and the shared one gives them a
# version and knows its name.
set -euo pipefail
library=$1 header=$2 archive=$3
declared=$(grep -oE '\bbpftime_[a-z_]+\(' "$header" | tr -d '(' | sort -u)
exported=$(nm -D --defined-only "$library" | awk '$2 != "A" {print $3}' | sed 's/@@BPFTIME_0\.1$//' | sort -u)
archived=$(nm --defined-only --extern-only "$archive" | awk 'NF == 3 {print $3}' | sort -u)
diff <(echo "$declared") <(echo "$exported")
diff <(echo "$declared") <(echo "$archived")
readelf -d "$library" | grep -q 'soname: \[libbpftime\.so\.0\.1\]'
if readelf -d "$library" | grep -qi 'NEEDED.*LLVM'; then echo "it needs LLVM"; exit 1; fi
echo "$(wc -w <<<"$declared") functions"
