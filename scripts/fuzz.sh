#!/bin/sh
# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
# `make fuzz`: builds the fuzz targets with clang, ASan and UBSan in build-fuzz and gives each SECONDS. What libFuzzer finds
# new stays in build-fuzz/finds/TARGET, an input that breaks something too: put that into fuzz/corpus/TARGET once it is mended.
# usage: fuzz.sh "TARGET..." SECONDS     TARGETS empty: all     FUZZ_BUILD=FOLDER: a build with -Dfuzz=true that is there
#        FUZZ_SEED=N: the same inputs as the last time, as far as time allows (default: others every time)
set -eu
cd "$(dirname "$0")/.."
targets=$1 seconds=$2 root=$(pwd) build=$(pwd)/${FUZZ_BUILD:-build-fuzz}
[ -n "$targets" ] || targets=$(for f in fuzz/fuzz_*.c; do basename "$f" .c | cut -c6-; done)
for t in $targets; do
    [ -f "fuzz/fuzz_$t.c" ] || {
        echo "fuzz.sh: no target '$t'; there are: $(for f in fuzz/fuzz_*.c; do basename "$f" .c | cut -c6-; done | tr '\n' ' ')" >&2
        exit 2
    }
done
[ -n "${FUZZ_BUILD:-}" ] || CC=clang sh scripts/configure.sh build-fuzz -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false \
    --buildtype=debugoptimized -Ddefault_library=static
ninja -C "$build" --quiet
export ASAN_OPTIONS=allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
failed=''
for t in $targets; do
    finds=$build/finds/$t
    mkdir -p "$finds"
    known=''
    if [ "$t" = run ]; then # cases of the ONNX backend tests are seeds, too: as many as leave most of the time to mutants
        cases=$build/fuzz/seeds/run_cases known=$build/fuzz/seeds/run_some
        "$build/fuzz/make_model_seeds" "$build/fuzz/seeds/run" /usr/share/libonnx-testdata/data "$cases"
        rm -rf "$known"
        mkdir "$known"
        find "$cases" -type f | LC_ALL=C sort | awk -v each=$((600 / seconds + 1)) 'NR % each == 0' | xargs cp -t "$known"
    fi
    for d in "$build/fuzz/seeds/$t" "$root/fuzz/corpus/$t"; do [ ! -d "$d" ] || known="$known $d"; done
    echo "$t: $seconds s"
    # shellcheck disable=SC2086
    if (cd "$finds" && "$build/fuzz/fuzz_$t" -max_total_time="$seconds" -print_final_stats=1 -rss_limit_mb=4096 -timeout=25 \
        -seed="${FUZZ_SEED:-0}" \
        . $known) >"$build/$t.log" 2>&1; then
        grep -E 'Done [0-9]+ runs' "$build/$t.log"
    else
        failed="$failed $t"
        tail -n 40 "$build/$t.log"
    fi
done
[ -z "$failed" ] || {
    echo "broken by an input:$failed" >&2
    exit 1
}
