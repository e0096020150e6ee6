#!/bin/sh
# The shared library is small, needs nothing but libc, libm and pthreads, and exports nothing but the public calls.
# usage: library.sh BUILD-FOLDER
set -eu
lib=$(find "$1" -maxdepth 1 -type f -name "libtenon.so.*.*.*")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
strip -o "$dir/lib.so" "$lib"
size=$(wc -c <"$dir/lib.so")
echo "stripped: $size bytes"
[ "$size" -lt 4194304 ] || { echo 'more than 4 MiB'; exit 1; }
needed=$(readelf -d "$lib" | awk '/NEEDED/{print $NF}' | grep -vE '^\[(libc|libm|libpthread|ld-linux[^]]*)\.so' || true)
[ -z "$needed" ] || { echo "also needs $needed"; exit 1; }
other=$(nm -D --defined-only "$lib" | awk '{print $3}' | grep -vE '^tn_' || true)
[ -z "$other" ] || { echo "exports $other"; exit 1; }
echo '1 passed, 0 failed, 0 skipped'
