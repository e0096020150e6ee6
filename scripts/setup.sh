#!/bin/sh
# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
# Installs what is missing of Debian's packages. Says nothing and needs no rights when nothing is missing.
# usage: setup.sh [lib] [build] [test] [demo] [ci] [bench] [exporters]     default: build; lib: what the library alone needs
set -eu

lib='gcc libc6-dev make meson ninja-build pkg-config'
build="$lib libjpeg62-turbo-dev libpng-dev libwebp-dev libtiff-dev
       libopenjp2-7-dev libfreetype-dev libfontconfig-dev"
test="$build libcmocka-dev libsimde-dev libonnx-testdata fonts-dejavu-core fonts-noto-cjk espeak-ng"
demo="$build fonts-dejavu-core fonts-noto-cjk espeak-ng"
ci="$test ccache lld clang clang-format libclang-rt-14-dev git xz-utils qemu-user"
bench="$build python3-torch python3-torchvision python3-onnx"
exporters='python3-venv python3-numpy python3-torch'

[ $# -gt 0 ] || set -- build
missing=''
for group in "$@"; do
    case $group in
    lib) list=$lib ;;
    build) list=$build ;;
    test) list=$test ;;
    demo) list=$demo ;;
    ci) list=$ci ;;
    bench) list=$bench ;;
    exporters) list=$exporters ;;
    *)
        echo "setup.sh: no group '$group' (lib, build, test, demo, ci, bench, exporters)" >&2
        exit 2
        ;;
    esac
    for p in $list; do
        case " $missing " in *" $p "*) continue ;; esac
        dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $p"
    done
    # npm brings models for the demo and the peer for benchmarks; any installed npm will do.
    case $group in lib | build) continue ;; esac
    if ! command -v npm >/dev/null 2>&1; then missing="$missing nodejs npm"; fi
done
[ -n "$missing" ] || exit 0

as_root=''
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
        echo "setup.sh: these packages are missing; install them as root:$missing" >&2
        exit 1
    fi
    as_root=sudo
fi
echo "Installing:$missing"
$as_root apt-get update -qq
# shellcheck disable=SC2086
[ -z "${TN_DOWNLOADS:-}" ] || apt-get install -y -qq --no-install-recommends --print-uris $missing | awk '{ n += $3 } END { print n }' >>"$TN_DOWNLOADS"
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null
