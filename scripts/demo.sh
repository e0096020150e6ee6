#!/bin/sh
# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
# The demo: makes pictures of text and a spoken recording, reads them with real models, prints what was read, and writes
# the annotated pictures.
# usage: demo.sh BUILD [FOLDER]     FOLDER: where the pictures go, default demo-out/
set -eu
cd "$(dirname "$0")/.."
build=$1 out=${2:-demo-out}
tenon=$build/src/tenon
export TENON_MODELS="${TENON_MODELS:-models}"
mkdir -p "$out"

bold='' plain=''
if [ -t 1 ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); fi
say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }

say "Making pictures and a recording in $out/"
"$build/tools/make_pictures" "$out"
sh scripts/make_voice.sh "$build/tools/join_voice" "$out"

for picture in en_clean zh_clean mixed_clean en_tilted zh_quarter en_half zh_light en_noise; do
    say "$picture.png"
    "$tenon" ocr "$out/$picture.png" --annotate "$out/$picture.read.png" 2>&1
done

say "en_clean.png: boxes and scores"
"$tenon" ocr "$out/en_clean.png" --boxes --quiet

say "voice.wav: speech from .. to (seconds); the truth is in $out/voice.json"
"$tenon" vad "$out/voice.wav" 2>&1

say "The annotated pictures are $out/*.read.png: what was found at the left, what was read at the right."
