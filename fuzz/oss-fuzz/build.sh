#!/bin/bash -eu
# Builds the fuzz targets and copies them to $OUT, each with the seeds, the dictionary and the options of fuzz/run.sh.
# OSS-Fuzz and ClusterFuzzLite run this script in their image, which contains cargo-fuzz. Targets that embed CPython are
# not built, because the image that runs the targets has no CPython.
cd "$SRC/pep3118"
cargo fuzz build -O --debug-assertions

release="fuzz/target/x86_64-unknown-linux-gnu/release"
for source in fuzz/fuzz_targets/*.rs; do
    target="$(basename "$source" .rs)"
    [ -x "$release/$target" ] || continue
    cp "$release/$target" "$OUT/"
    zip -jq "$OUT/${target}_seed_corpus.zip" fuzz/seeds/* fuzz/regressions/*
    dictionary=format
    [ "$target" != c_source ] || dictionary=c
    cp "fuzz/$dictionary.dict" "$OUT/$target.dict"
    # The library returns an error if an allocation fails. Without the option, the sanitizer ends the process.
    printf '[libfuzzer]\nmax_len = 512\ntimeout = 10\n[asan]\nallocator_may_return_null = 1\n' > "$OUT/$target.options"
done
