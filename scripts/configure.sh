#!/bin/sh
# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
# Makes or refreshes a build folder: configures when it is new, and again when the list of source files, an option, or
# what the tests need and may have been missing (cmocka, the official cases) has changed.
# usage: configure.sh BUILD [MESON OPTION]...
set -eu
cd "$(dirname "$0")/.."
build=$1
shift
list=$({
    find src tests tools bench fuzz -name '*.c' 2>/dev/null | LC_ALL=C sort
    pkg-config --modversion cmocka 2>/dev/null || echo 'no cmocka'
    ls -d /usr/share/libonnx-testdata/data 2>/dev/null || echo 'no test data'
} | cksum)
if [ ! -f "$build/build.ninja" ]; then
    meson setup "$build" "$@" >"$build.log" 2>&1 || {
        cat "$build.log" >&2
        exit 1
    }
    rm -f "$build.log"
elif [ "$(cat "$build/.sources" 2>/dev/null)" != "$list $*" ]; then
    meson setup --reconfigure "$build" "$@" >/dev/null
fi
echo "$list $*" >"$build/.sources"
