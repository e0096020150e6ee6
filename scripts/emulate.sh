#!/bin/sh
# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
# The program and the tests on CPUs that this machine is not, under Debian's qemu-user: a baseline without AVX (qemu64),
# an old CPU (Nehalem), one with AVX2 but not AVX-512 (Haswell). Code of an instruction set that runs without the CPU
# having been asked dies of SIGILL there.
# usage: emulate.sh BUILD [some|all] [CPU]...     some (default): what takes two minutes; all: the quick suite
set -u
build=$1
what=${2:-some}
shift
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- qemu64 Nehalem Haswell
case $(uname -m) in
x86_64) ;;
*)
    echo 'emulate.sh: only builds for x86-64 are emulated' >&2
    exit 1
    ;;
esac
command -v qemu-x86_64 >/dev/null || {
    echo 'emulate.sh: qemu-x86_64 is missing: sh scripts/setup.sh ci' >&2
    exit 1
}
data=/usr/share/libonnx-testdata/data/node
work=$build/emulate
mkdir -p "$work"
status=0
bad() {
    echo "FAILED: $1"
    status=1
}

# Masked loads of qemu 7.2 read all lanes, which a page behind a buffer does not allow; and kernels that are emulated by
# other means (tests/emulated) need not be emulated twice.
export TN_CHECK_GUARDS=0 TN_CHECK_EMULATED=0
export TN_CHECK_SHARE=${TN_CHECK_SHARE:-4} # a CPU that is emulated takes 20 times as long
on() { qemu-x86_64 -cpu "$@" 2>"$work/stderr"; }

# The program says the same on every CPU, and operators give the stored results.
smoke() {
    model=$data/test_gru_seq_length/model.onnx
    for call in ops 'ops Conv' "inspect $model" "run $model --seed 3 --threads 1 --output-dir $work/out"; do
        # shellcheck disable=SC2086
        on "$1" "$build/src/tenon" $call >"$work/got" || bad "tenon $call on $1: $(tail -n 1 "$work/stderr")"
        case $call in run*) continue ;; esac # its last digits and times differ
        # shellcheck disable=SC2086
        "$build/src/tenon" $call >"$work/want"
        cmp -s "$work/want" "$work/got" || bad "tenon $call says something else on $1"
    done
    cases=$(find "$data" -maxdepth 1 -name 'test_*' | LC_ALL=C sort | awk 'NR % 8 == 0')
    # shellcheck disable=SC2086
    on "$1" "$build/src/tenon" test --no-fork --tolerances tests/conformance/tolerances.txt $cases >"$work/got" ||
        bad "operators on $1: $(head -n 3 "$work/got"; tail -n 1 "$work/stderr")"
    printf '%s: operators: %s\n' "$1" "$(tail -n 1 "$work/got")"
}

for cpu in "$@"; do
    smoke "$cpu"
    case $what-$cpu in
    all-*) tests='--suite quick' ;;
    *-Haswell) tests='kernel/attention kernel/conv kernel/fft kernel/gemm kernel/move kernel/coded kernel/pooling kernel/qgemm
        kernel/reduce kernel/resize_rows kernel/vec op/convolutions op/qmatmul op/normalise op/reductions op/recurrent
        op/activations op/qconv op/matmul_nbits engine/session' ;;
    *) tests='kernel/gemm kernel/pointwise op/convolutions op/qmatmul op/normalise op/reductions op/activations
        engine/session' ;;
    esac
    # shellcheck disable=SC2086
    meson test -C "$build" --no-rebuild --logbase "emulate-$cpu" --wrapper "qemu-x86_64 -cpu $cpu" -t 20 $tests \
        >"$work/log-$cpu" 2>&1 || {
        grep -E ' (FAIL|TIMEOUT|ERROR) ' "$work/log-$cpu" | sort -u | head -n 20
        bad "tests on $cpu: $work/log-$cpu, $build/meson-logs/emulate-$cpu.txt"
    }
    printf '%s: %s\n' "$cpu" "$(grep -E '^(Ok|Fail|Timeout):' "$work/log-$cpu" | tr -s '\n ' ' ')"
done
exit $status
