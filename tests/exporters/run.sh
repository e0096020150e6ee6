#!/bin/sh
# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
# run.sh BUILD [all] - lets exporters write small models into BUILD/exporters and runs them: every output must equal the
# framework's within 1e-3 of its size or 1e-4 (float16: 4e-3). What cannot be had (a package, the network) is a skip that is said and
# counted. Packages go into a virtual environment below BUILD: about 90 MB to fetch; "all" adds XGBoost (300 MB), CatBoost
# and, with TENON_TORCH naming a wheel or a version that pip can find, PyTorch with its newer exporter. PyTorch otherwise
# is Debian's (python3-torch), with the older one.
set -u
build=$1 all=${2:-}
here=$(cd "$(dirname "$0")" && pwd)
out=$build/exporters
venv=$out/venv
log=$out/log
mkdir -p "$out" || exit 1
missing=0 failed=0 written=0
say() { printf '%s\n' "$*"; }
skip() { say "skipped: $*"; missing=$((missing + 1)); }

packages() { # groups of packages, each on its own: one that cannot be had takes no other with it
    [ -x "$venv/bin/python" ] || python3 -m venv "$venv" || return 1
    "$venv/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: "$@" >>"$log" 2>&1
}

# cases NAME PYTHON SCRIPT [ARGUMENT...]: writes, then runs what was written.
cases() {
    folder=$out/$1
    rm -rf "$folder"
    mkdir -p "$folder"
    name=$1 python=$2 script=$3
    shift 3
    if ! (cd "$here" && "$python" "$script" "$folder" "$@") >"$folder.txt" 2>>"$log"; then
        skip "$name: the script failed; see $log"
        return
    fi
    grep '^skipped' "$folder.txt"
    missing=$((missing + $(grep -c '^skipped' "$folder.txt")))
    tail -n 1 "$folder.txt"
    written=$((written + $(find "$folder" -name model.onnx | wc -l)))
    "$build/src/tenon" test --timeout 60 --rtol 1e-3 --atol 1e-4 --tolerances "$folder/tolerances.txt" \
        --skips "$here/faults.txt" "$folder" 2>>"$log" || failed=1
}

build=$(cd "$build" && pwd) out=$build/exporters venv=$out/venv log=$out/log
: >"$log"
if packages numpy onnx onnxscript; then
    cases onnxscript "$venv/bin/python" onnxscript_functions.py
else
    skip 'onnxscript: its packages cannot be had'
fi
if packages numpy onnx scikit-learn skl2onnx; then
    packages lightgbm onnxmltools || skip 'LightGBM: its packages cannot be had'
    [ -z "$all" ] || packages xgboost catboost || skip 'XGBoost and CatBoost: their packages cannot be had'
    cases sklearn "$venv/bin/python" sklearn_models.py
else
    skip 'scikit-learn: its packages cannot be had'
fi
if [ -n "$all" ] && [ -n "${TENON_TORCH:-}" ] && packages numpy onnx onnxscript "$TENON_TORCH"; then
    cases torch "$venv/bin/python" torch_modules.py
elif /usr/bin/python3 -c 'import torch, numpy' 2>>"$log"; then
    cases torch /usr/bin/python3 torch_modules.py
else
    skip 'PyTorch: neither TENON_TORCH nor python3-torch'
fi
if [ -n "$all" ] && [ -n "${TENON_TORCH:-}" ] && packages transformers timm torchvision "$TENON_TORCH"; then
    cases transformers "$venv/bin/python" transformers_models.py
fi
if [ -n "$all" ]; then
    venv=$out/venv_tf
    if packages numpy tensorflow-cpu tf2onnx; then
        cases keras "$venv/bin/python" keras_models.py
    else
        skip 'TensorFlow: its packages cannot be had'
    fi
    if packages onnx onnxruntime onnxconverter-common onnxsim onnx_ir; then
        cases forms "$venv/bin/python" onnxruntime_forms.py "$out/torch"
    else
        skip 'onnxruntime: its packages cannot be had'
    fi
fi
say "exporters: $written models, $missing skips, $([ $failed -eq 0 ] && echo 'all equal' || echo 'SOME DIFFER')"
exit $failed
