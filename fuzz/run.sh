#!/bin/sh
# Runs each fuzz target and prints a table of results: sh fuzz/run.sh [SECONDS [TARGET...]]. SECONDS is the time of each
# target, 60 without the argument. Without TARGET, the script runs all targets. The exit status is 1 if a target failed.
#
# Needs cargo-fuzz 0.13. Without a sanitizer the stable toolchain is enough; SANITIZER=address enables unstable options
# of the stable toolchain. Targets that embed CPython need its shared library. numpy_vs_ours needs NumPy and is
# skipped without it.
set -eu
cd "$(dirname "$0")/.."
seconds="${1:-60}"
[ $# -gt 0 ] && shift
sanitizer="${SANITIZER:-none}"
[ "$sanitizer" = none ] || export RUSTC_BOOTSTRAP=1 ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1
targets="${*:-parse_format ast_roundtrip resolve_layout reconcile emit render_diagnostic check_view decode_item columns encode_decode encode_value view_chain render_layout records c_source calcsize_vs_cpython decode_vs_cpython numpy_vs_ours pyo3_element_type}"

log="fuzz/target/run"
mkdir -p "$log"
# If a target stops at a finding, the script continues with the next target, and exits with the status 1 at the end.
failed=0
printf '%-20s %13s %9s %8s %8s  %s\n' target executions 'per s' edges seconds findings
for target in $targets; do
    features=
    dictionary=fuzz/format.dict
    [ "$target" != c_source ] || dictionary=fuzz/c.dict
    case $target in
    *_vs_* | pyo3_*) features="--features cpython" ;;
    esac
    if [ "$target" = numpy_vs_ours ] && ! python3 -c 'import numpy' 2>/dev/null; then
        printf '%-20s skipped: no NumPy\n' "$target"
        continue
    fi
    mkdir -p "fuzz/corpus/$target" "fuzz/artifacts/$target"
    before=$(find "fuzz/artifacts/$target" -type f | wc -l)
    started=$(date +%s)
    # shellcheck disable=SC2086
    cargo fuzz run -s "$sanitizer" $features "$target" "fuzz/corpus/$target" fuzz/seeds fuzz/regressions -- \
        -max_total_time="$seconds" -dict="$dictionary" -max_len=512 -timeout=10 -rss_limit_mb=4096 \
        -print_final_stats=1 >"$log/$target.log" 2>&1 || failed=1
    found=$(($(find "fuzz/artifacts/$target" -type f | wc -l) - before))
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log/$target.log")
    rate=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log/$target.log")
    edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log/$target.log" | tail -n 1)
    printf '%-20s %13s %9s %8s %8s  %s\n' "$target" "${executions:--}" "${rate:--}" "${edges:--}" \
        "$(($(date +%s) - started))" "$found"
    if [ -z "$executions" ]; then
        failed=1
        tail -n 5 "$log/$target.log" >&2
    fi
done
[ "$failed" = 0 ] || { echo "a target failed: see $log and fuzz/artifacts" >&2; exit 1; }
