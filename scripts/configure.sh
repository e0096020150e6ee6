#!/bin/sh
# Makes or refreshes a build folder: configures when it is new, and again when the list of source files or an option has
# changed.
# usage: configure.sh BUILD [MESON OPTION]...
set -eu
cd "$(dirname "$0")/.."
build=$1
shift
list=$(find src tests tools bench fuzz -name '*.c' 2>/dev/null | LC_ALL=C sort | cksum)
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
