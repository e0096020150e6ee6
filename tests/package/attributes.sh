#!/bin/sh
# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
# Attributes are read once, into the struct that a row describes (src/op/core/op.h): nothing in src/op looks them up by name
# but the machinery (op.c) and what runs once, when a graph is written: gradients (core/grad*.c, *_grad.c, and those below),
# what operators mean (*_expand.c, core/expand.h) and old forms (past.c, upgrade.c).
# usage: attributes.sh SOURCE-FOLDER
set -eu
cd "$1"
builders='src/op/math/cdist.c src/op/nn/conv_back.c src/op/image/grid.c src/op/image/grid_back.c' # in tn_grad_* only
others='src/op/math/binary.c src/op/core/follow.c' # for passes; for inference, whether there is a reduction
failed=0
for f in $(grep -lE 'tn_attr_(find|int|ints|float|floats|string|is|graph|tensor)\(' src/op/*/*.c); do
    case " src/op/core/op.c $builders $others " in
    *" $f "*) ;;
    *)
        case $f in
        src/op/core/grad*.c | src/op/*_grad.c | src/op/*_expand.c | src/op/core/expand.c | src/op/*/past.c | src/op/*/upgrade.c) ;;
        *)
            echo "$f looks attributes up by name:"
            grep -nE 'tn_attr_(find|int|ints|float|floats|string|is|graph|tensor)\(' "$f"
            failed=$((failed + 1))
            ;;
        esac
        ;;
    esac
done
# What a rule reads of its inputs' values it asks for (tn_infer_ints, _int, _tensor): so the engine knows what is open.
if grep -nE 'c->in_tensor\[' src/op/*/*.c | grep -vE '^src/op/core/(rules|follow|infer|eval)\.c'; then
    echo 'these read values past tn_infer_tensor'
    failed=$((failed + 1))
fi
# Numbers of element types are 64 bits wide in a file; TN_DTYPE reads them.
if grep -n 'tn_dtype_from_onnx' src/op/*/*.c | grep -v '^src/op/core/op\.c'; then
    echo 'these read element types themselves'
    failed=$((failed + 1))
fi
[ "$failed" = 0 ] || { echo "0 passed, $failed failed, 0 skipped"; exit 1; }
echo '1 passed, 0 failed, 0 skipped'
