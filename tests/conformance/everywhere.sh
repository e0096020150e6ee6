#!/bin/sh
# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
# The ONNX backend tests in every way a model may be run: as it stands and optimised, on 1 to 4 threads, after saving and
# opening again, and between runs of other sizes on the same session, and planned for
# ranges of sizes about those of the data, at random.
# usage: everywhere.sh PROGRAM TOLERANCES SHARE     SHARE: 1 runs all ways, N one of N (not always the same for all cases)
set -u
program=$1 tolerances=$2 share=$3
data=/usr/share/libonnx-testdata/data
passed=0 failed=0 n=0
[ -d "$data/node" ] || { echo "libonnx-testdata is not installed" >&2; exit 1; }
for threads in 1 2 3 4; do
    for how in '' '--no-optimize' '--reload' '--reload --no-optimize' '--vary 7' '--vary 11 --no-optimize' \
        '--ranges 7' '--ranges 5 --vary 3' '--ranges 11 --no-optimize'; do
        n=$((n + 1))
        [ $((n % share)) -eq 0 ] || continue
        # shellcheck disable=SC2086
        out=$("$program" test --log-level error --threads "$threads" $how --tolerances "$tolerances" "$data" 2>&1)
        count=$(printf '%s\n' "$out" | grep -E '^[0-9]+ passed, [0-9]+ failed' | tail -n 1)
        bad=$(printf '%s' "$count" | sed -n 's/.* \([0-9]*\) failed.*/\1/p')
        good=$(printf '%s' "$count" | sed -n 's/^\([0-9]*\) passed.*/\1/p')
        printf '%s threads %s: %s\n' "$threads" "${how:-optimised}" "${count:-no result}"
        [ "${bad:-1}" -eq 0 ] || printf '%s\n' "$out" | grep '^FAILED' | head -n 20
        case "$how" in # the plans that this is about must have served
            --ranges*) printf '%s\n' "$out" | grep -q '^[1-9][0-9]* cases ran with a plan for a range' || failed=$((failed + 1)) ;;
        esac
        passed=$((passed + ${good:-0})) failed=$((failed + ${bad:-1}))
    done
done
printf '%d passed, %d failed, 0 skipped\n' "$passed" "$failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
