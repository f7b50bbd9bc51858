#!/bin/sh
# Runs every target for SECONDS: sh fuzz/run.sh 60
# cargo-fuzz 0.13 must be installed; without a sanitizer it needs no nightly toolchain.
set -eu
cd "$(dirname "$0")/.."
seconds="${1:-60}"
for target in parse_format resolve_layout reconcile emit decode; do
    mkdir -p "fuzz/corpus/$target"
    cargo fuzz run -s none "$target" "fuzz/corpus/$target" fuzz/seeds fuzz/regressions -- \
        -max_total_time="$seconds" -dict=fuzz/format.dict -max_len=256 -print_final_stats=1
done
