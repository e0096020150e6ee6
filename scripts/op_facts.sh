#!/bin/sh
# What the sources say of operators beyond their rows, as tables in C on standard output: which kernel families each
# file of src/op reaches, which tests name an operator, and how many official cases bear its name.
# usage: op_facts.sh SOURCE_ROOT
cd "$1" || exit 1
ops='src/op/*.c src/format/onnx_decompose.c src/format/onnx_history.c'

# Kernel families: those whose table (tn_kernels_get()->FAMILY) a file or the kernel sources behind its includes use.
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
            if (stem ~ /^kernel/) for (f in files) if (f == stem ".c" || index(f, stem "_") == 1) visit(f, seen)
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
    }' src/kernel/families.h src/kernel/[!f]*.h src/kernel/*.c src/op/*.[ch] | LC_ALL=C sort
echo '};'

echo 'static const struct { const char *op, *tests; int cases; } op_tests[] = {'
# shellcheck disable=SC2046,SC2086
awk '
    function flat(s) { s = tolower(s); gsub(/[^a-z0-9]/, "", s); return s }
    BEGIN { other["sce"] = "SoftmaxCrossEntropyLoss"; other["nllloss"] = "NegativeLogLikelihoodLoss"; other["strnorm"] = "StringNormalizer"
            other["batchnorm"] = "BatchNormalization" }
    FILENAME ~ /^src/ {
        line = $0
        while (match(line, /"[A-Z][A-Za-z0-9]+"/)) {
            name = substr(line, RSTART + 1, RLENGTH - 2)
            known[name] = 1; by_flat[flat(name)] = name
            line = substr(line, RSTART + RLENGTH)
        }
        next
    }
    FILENAME ~ /passing.txt$/ {
        s = $0; sub(/^test_/, "", s); sub(/^operator_/, "", s); sub(/^(ai_onnx_ml|basic|training)_/, "", s)
        s = flat(s)
        for (n = length(s); n > 1; n--) {
            p = substr(s, 1, n)
            if (p in by_flat) { cases[by_flat[p]]++; break }
            if (p in other) { cases[other[p]]++; break }
        }
        next
    }
    {
        file = FILENAME; sub(/^tests\//, "", file); sub(/\.c$/, "", file)
        line = $0
        while (match(line, /"[A-Za-z.:]*[A-Z][A-Za-z0-9]+"/)) {
            name = substr(line, RSTART + 1, RLENGTH - 2); sub(/.*::/, "", name)
            if (name in known && !((name, file) in seen)) { seen[name, file] = 1; tests[name] = tests[name] " " file }
            line = substr(line, RSTART + RLENGTH)
        }
    }
    END { for (name in known) if (tests[name] != "" || cases[name])
        printf "    { \"%s\", \"%s\", %d },\n", name, substr(tests[name], 2), cases[name] }
' $ops tests/conformance/passing.txt $(ls tests/op/*.c 2>/dev/null) tests/engine/*.c tests/graph/*.c tests/pass/*.c | LC_ALL=C sort
echo '};'
