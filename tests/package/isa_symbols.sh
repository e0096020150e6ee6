#!/bin/sh
# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
# Files built for an instruction set must run nothing before the CPU was asked, and hand nothing to the linker that code
# for any CPU could end up with. So: all they define for others is one constant table each, named
# tn_FAMILY_table_SET; no constructors, no state, no functions the linker may choose or merge.
# usage: isa_symbols.sh SET=LIBRARY.a...
set -u
status=0
bad() {
    printf '%s\n' "$1" >&2
    status=1
}
tables=0
for pair in "$@"; do
    set=${pair%%=*} lib=${pair#*=}
    # nm: lower case is local, but for u (unique), v and w (weak). Constants with addresses in them count as data.
    for s in $(nm --defined-only --format=posix "$lib" | awk '$2 ~ /^[A-Zuvwi]$/ { print $2 "/" $1 }'); do
        case $s in
        [DR]/tn_[a-z]*_table_"$set") tables=$((tables + 1)) ;;
        *) bad "$lib: symbol ${s#*/} (${s%%/*}): only constant tables named tn_FAMILY_table_$set may leave it" ;;
        esac
    done
    # Sections that run, that can be written, or that the linker picks one of.
    sections=$(readelf -SW "$lib" | sed 's/^ *\[ *[0-9]*\] *//' | awk '
        $1 ~ /^\.((pre)?init_array|fini_array|ctors|dtors)/ || $2 == "GROUP" { print $1; next }
        $1 ~ /^\.t?(data|bss)/ && $1 !~ /^\.data\.rel\.ro/ && $5 !~ /^0+$/ { print $1 }')
    [ -z "$sections" ] || bad "$lib: sections $(echo $sections): files of an instruction set hold constants and functions only"
done
[ "$tables" -gt 0 ] || bad 'no table found'
printf '%d tables\n' "$tables"
printf '%d passed, %d failed, 0 skipped\n' $((1 - status)) "$status"
exit $status
