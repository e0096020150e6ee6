#!/bin/sh
# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
# The tests that use threads, under ThreadSanitizer; the last line counts their cases.
# usage: tsan.sh [BUILD [TEST]...]      default: build-tsan, and the tests named below
set -eu
cd "$(dirname "$0")/.."
build=${1:-build-tsan}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- base/pool base/turns base/status engine/session engine/submit engine/binding engine/fork engine/store \
    engine/device engine/segments engine/state_calls engine/state_meets engine/state_served engine/tune engine/packs kernel/gemm kernel/qgemm kernel/conv kernel/attention kernel/resize

# gcc warns of its own instrumentation: the plain builds judge warnings.
sh scripts/configure.sh "$build" --buildtype=debugoptimized -Db_sanitize=thread -Db_lundef=false -Dwerror=false \
    -Ddefault_library=static >/dev/null
targets=$(for t in "$@"; do echo "tests/test_$(echo "$t" | tr / _)"; done)
# shellcheck disable=SC2086
ninja -C "$build" $targets >"$build/log" 2>&1 || { grep -E 'error|FAILED' -A3 "$build/log" | head -40; exit 1; }
# A child of a threaded parent may start threads here: that is what the tests are about.
export TN_CHECK_SHARE=${TN_CHECK_SHARE:-5}
export TSAN_OPTIONS="halt_on_error=1:exitcode=66:die_after_fork=0:second_deadlock_stack=1${TSAN_OPTIONS:+:$TSAN_OPTIONS}"
sh scripts/test.sh "$build" --timeout-multiplier 5 "$@"
