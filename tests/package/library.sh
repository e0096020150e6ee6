#!/bin/sh
# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
# The shared library is small, needs nothing but libc, libm and pthreads, and exports the calls of tenon.h and nothing else.
# usage: library.sh BUILD-FOLDER SOURCE-FOLDER
set -eu
lib=$(find "$1" -maxdepth 1 -type f -name "libtenon.so.*.*.*")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fail() { echo "$1"; echo '0 passed, 1 failed, 0 skipped'; exit 1; }
strip -o "$dir/lib.so" "$lib"
size=$(wc -c <"$dir/lib.so")
echo "stripped: $size bytes"
[ "$size" -lt 4194304 ] || fail 'more than 4 MiB'
needed=$(readelf -d "$lib" | awk '/NEEDED/{print $NF}' | grep -vE '^\[(libc|libm|libpthread|ld-linux[^]]*)\.so' || true)
[ -z "$needed" ] || fail "also needs $needed"
nm -D --defined-only "$lib" | awk '{print $3}' | LC_ALL=C sort >"$dir/exported"
# A declaration of the header may span lines; its name is the word before the first parenthesis behind TN_API.
tr '\n' ' ' <"$2/include/tenon.h" | grep -oE 'TN_API [^;(]*\(' | grep -oE 'tn_[a-z0-9_]+ *\(' | tr -d ' (' | LC_ALL=C sort >"$dir/declared"
[ -s "$dir/declared" ] || fail 'no calls found in tenon.h'
diff "$dir/declared" "$dir/exported" || fail 'tenon.h (<) and what the library exports (>) differ'
echo '1 passed, 0 failed, 0 skipped'
