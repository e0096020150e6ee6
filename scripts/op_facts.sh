#!/bin/sh
# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
# What the sources say of operators beyond their rows, as tables in C on standard output: which kernel families each
# file of src/op reaches, which tests name an operator, and how many of the pinned official cases contain it
# (tests/conformance/operators.txt).
# usage: op_facts.sh SOURCE_ROOT
cd "$1" || exit 1

# Kernel families: those whose table (tn_kernels_get()->FAMILY) a file or the sources behind its includes use: of the
# kernels, and of an operator in several files those that are named HEADER_*.c.
echo 'static const struct { const char *file, *kernels; } op_kernels[] = {'
awk '
    FNR == 1 { file = FILENAME; sub(/.*src\//, "", file); files[file] = 1 }
    FILENAME ~ /families.h$/ && /^    X\(/ { f = $0; gsub(/[^a-z]/, "", f); families[f] = 1; order[++count] = f; next }
    /^#include "(kernel|op)\// {
        split($0, part, "\"")
        if (part[2] !~ /kernel\/(kernel|families).h/) includes[file] = includes[file] " " part[2]
    }
    file ~ /^op\// { for (f in families) if (index($0, "tn_" f "_") || index($0, "tn_" f "(")) includes[file] = includes[file] " kernel/" f ".h" }
    { for (f in families) if (index($0, "->" f ".") || index($0, "->" f ";") || index($0, "->" f ",")) uses[file, f] = 1 }
    function visit(name, seen,    parts, n, i, f, stem) {
        if (name in seen || !(name in files)) return
        seen[name] = 1
        n = split(includes[name], parts, " ")
        for (i = 1; i <= n; i++) {
            visit(parts[i], seen)
            stem = parts[i]; sub(/\.h$/, "", stem)
            for (f in files) if ((f == stem ".c" && stem ~ /^kernel/) || index(f, stem "_") == 1) visit(f, seen)
        }
    }
    END {
        for (name in files) {
            if (name !~ /^op\/.*\.c$/) continue
            delete seen
            visit(name, seen)
            list = ""
            for (i = 1; i <= count; i++) { for (s in seen) if ((s, order[i]) in uses) { list = list " " order[i]; break } }
            stem = name; sub(/^op\//, "", stem); sub(/\.c$/, "", stem)
            printf "    { \"%s\", \"%s\" },\n", stem, substr(list, 2)
        }
    }' src/kernel/families.h src/kernel/[!f]*.h src/kernel/*.c src/op/*/*.[ch] | LC_ALL=C sort
echo '};'

# Tests: the files that name an operator, in quotes, as "Name(" or "(Name)" within quotes, or (.mjs) as a key. Names of
# com.microsoft, many of which ai.onnx has, too, are told apart by what stands in the same statement, or by the file's
# own wrapper, which puts the domain before all names. The domain is "" for all others.
echo 'static const struct { const char *domain, *op, *tests; int cases; } op_tests[] = {'
# shellcheck disable=SC2046
awk '
    function note(domain, name) {
        if ((domain, name, file) in seen) return
        seen[domain, name, file] = 1
        if (!((domain, name) in tests)) names[domain, name] = 1
        tests[domain, name] = tests[domain, name] " " file
    }
    function bare(name) {
        if (wrapped || both || statement_domain == "com.microsoft") note("com.microsoft", name)
        if (!wrapped && (both || statement_domain == "")) note("", name)
    }
    function quoted(s,    n, parts, k, domain) { # the inside of one pair of quotes
        if (s ~ /^[A-Za-z.]*(::|\.)?[A-Z][A-Za-z0-9]*$/) {
            if (s ~ /^com\.microsoft/) { sub(/^.*(::|\.)/, "", s); note("com.microsoft", s) }
            else { sub(/^.*(::|\.)/, "", s); bare(s) }
            return
        }
        while (match(s, /[A-Z][A-Za-z0-9]*\(|\([A-Z][A-Za-z0-9]*\)/)) {
            n = substr(s, RSTART, RLENGTH); gsub(/[()]/, "", n)
            s = substr(s, RSTART + RLENGTH)
            bare(n)
        }
    }
    function statement(s, q,    n) {
        statement_domain = s ~ /com\.microsoft["'"'"']|MICROSOFT/ ? "com.microsoft" : ""
        both = s ~ /"com\.microsoft" : ""/
        while (match(s, q "[^" q "]*" q)) {
            n = substr(s, RSTART + 1, RLENGTH - 2)
            s = substr(s, RSTART + RLENGTH)
            quoted(n)
        }
    }
    FILENAME ~ /operators.txt$/ {
        for (i = 2; i <= NF; i++) {
            name = $i; domain = ""
            if (name ~ /^com\.microsoft\./) domain = "com.microsoft"
            sub(/^.*\./, "", name)
            names[domain, name] = 1; cases[domain, name]++
        }
        next
    }
    FNR == 1 {
        file = FILENAME; sub(/^tests\//, "", file); sub(/\.[a-z]+$/, "", file)
        if (file ~ /^lib\/gradient_/) file = "op/gradient" # its examples
        script = FILENAME ~ /\.mjs$/
        wrapped = 0
        text = ""
    }
    /"com\.microsoft::%s"|^const MS = / { wrapped = 1 }
    {
        line = $0
        if (script) sub(/(^|[ ;])\/\/.*/, "", line); else gsub(/\/\*([^*]|\*[^\/])*\*\//, "", line)
        if (!script && line ~ /^ *(\/?\*|\/\/)/) next
        if (script) {
            rest = line
            while (match(rest, /[A-Z][A-Za-z0-9]*:/)) {
                name = substr(rest, RSTART, RLENGTH - 1)
                statement_domain = ""; both = 0
                bare(name)
                rest = substr(rest, RSTART + RLENGTH)
            }
            statement(line, "'"'"'")
            next
        }
        text = text " " line
        if (line ~ /[;{}],?[ ]*\\?$/) { statement(text, "\""); text = "" }
    }
    END {
        for (key in names) {
            split(key, part, SUBSEP)
            printf "    { \"%s\", \"%s\", \"%s\", %d },\n", part[1], part[2], substr(tests[key], 2), cases[key]
        }
    }' tests/conformance/operators.txt $(ls tests/*/*.c tests/peer/*.mjs) | LC_ALL=C sort
echo '};'
