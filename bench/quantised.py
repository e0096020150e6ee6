#!/usr/bin/env python3
# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
"""Quantises float models with onnxruntime's tools (pip: onnxruntime, onnx) and compares Tenon with onnxruntime on them:
outputs, CPU time and least latency of a run, in turn. CPU time says more than latency where other programs run.

usage: quantised.py TENON FOLDER MODEL.onnx...    FOLDER receives MODEL.static.onnx and MODEL.dynamic.onnx
       THREADS=2 RUNS=20 ROUNDS=4                 in the environment; open dimensions are SIZE (1), but the first BATCH (1)
       ACTIVATIONS=QInt8 FORMAT=QOperator         the type of activations (QUInt8), how static files are written (QDQ)
"""
import json
import os
import resource
import subprocess
import sys
import time

import numpy as np
import onnx
import onnx.version_converter
import onnxruntime as ort
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static

THREADS, RUNS, ROUNDS, SIZE, BATCH = (int(os.environ.get(k, v)) for k, v in
                                      (("THREADS", 1), ("RUNS", 20), ("ROUNDS", 4), ("SIZE", 1), ("BATCH", 1)))
ACTIVATIONS, FORMAT = os.environ.get("ACTIVATIONS", "QUInt8"), os.environ.get("FORMAT", "QDQ")


def session(path):
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = THREADS, 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # spinning would count as CPU time
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def inputs(path, seed):
    """Normal numbers; tokens, masks of ones and types of zeros for what takes integers."""
    random = np.random.default_rng(seed)
    shape = lambda i: [d if isinstance(d, int) else SIZE if at else BATCH for at, d in enumerate(i.shape)]
    value = lambda i: (random.standard_normal(shape(i)).astype(np.float32) if "float" in i.type else
                       np.ones(shape(i), np.int64) if "mask" in i.name else
                       np.zeros(shape(i), np.int64) if "type" in i.name else random.integers(0, 1000, shape(i)))
    return {i.name: value(i) for i in session(path).get_inputs()}


class Calibration(CalibrationDataReader):
    def __init__(self, path):
        self.left = iter([inputs(path, seed) for seed in range(3)])

    def get_next(self):
        return next(self.left, None)


def per_channel(path, folder):
    """The model, in operator set 13 if it is older: DequantizeLinear has an axis from there on."""
    model = onnx.load(path)
    if all(o.version >= 13 for o in model.opset_import if o.domain in ("", "ai.onnx")):
        return path
    newer = os.path.join(folder, os.path.basename(path)[:-5] + ".13.onnx")
    onnx.save(onnx.version_converter.convert_version(model, 13), newer)
    return newer


def quantise(path, folder):
    name = os.path.join(folder, os.path.basename(path)[:-5])
    path = per_channel(path, folder)
    kind = "static" if (ACTIVATIONS, FORMAT) == ("QUInt8", "QDQ") else "%s.%s" % (FORMAT, ACTIVATIONS)
    static, dynamic = "%s.%s.onnx" % (name, kind), name + ".dynamic.onnx"
    if not os.path.exists(static):
        quantize_static(path, static, Calibration(path), quant_format=QuantFormat[FORMAT], per_channel=True,
                        activation_type=QuantType[ACTIVATIONS], weight_type=QuantType.QInt8)
    if not os.path.exists(dynamic):
        quantize_dynamic(path, dynamic, weight_type=QuantType.QInt8)
    return static, dynamic


def tenon(program, path, folder, x, runs):
    files = []
    for name, value in x.items():
        file = os.path.join(folder, "input.%d.npy" % len(files))
        np.save(file, value)
        files += ["--input", name + "=" + file]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([program, "bench", path, "--threads", str(THREADS), "--iterations", str(runs), "--warmup",
                           "0.01", "--json"] + files, capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, json.loads(done.stdout)


def least_latency(found):
    """The number called min, wherever the report has it."""
    if isinstance(found, dict):
        for key, value in found.items():
            if key in ("min", "min_ms") and isinstance(value, (int, float)):
                return value
            inner = least_latency(value)
            if inner is not None:
                return inner
    return None


def difference(program, path, folder, x, want):
    out = os.path.join(folder, "out")
    os.makedirs(out, exist_ok=True)
    for old in os.listdir(out):
        os.remove(os.path.join(out, old))
    files = [a for i, n in enumerate(x) for a in ("--input", "%s=%s" % (n, os.path.join(folder, "input.%d.npy" % (2 * i))))]
    subprocess.run([program, "run", path, "--output-dir", out] + files, capture_output=True, check=True)
    have = np.load(os.path.join(out, sorted(os.listdir(out))[0]))
    return float(np.abs(have - want).max() / np.abs(want).max())


def compare(program, path, folder):
    peer, x = session(path), inputs(path, 5)
    cpu, wall, own, own_wall = (1e9,) * 4
    for _ in range(ROUNDS):
        for _ in range(RUNS):
            c, w = time.process_time(), time.perf_counter()
            want = peer.run(None, x)[0]
            cpu, wall = min(cpu, time.process_time() - c), min(wall, time.perf_counter() - w)
        few, _ = tenon(program, path, folder, x, 2)
        many, report = tenon(program, path, folder, x, 2 + RUNS)
        own, own_wall = min(own, (many - few) / RUNS), min(own_wall, least_latency(report) or 1e9)
    print("| %s | %d | %.1f | %.1f | %.1f | %.1f | %.1e |" % (
        os.path.basename(path)[:-5], THREADS, own * 1e3, cpu * 1e3, own_wall, wall * 1e3,
        difference(program, path, folder, x, want)), flush=True)


def main(program, folder, *models):
    os.makedirs(folder, exist_ok=True)
    print("| model | threads | Tenon CPU ms | onnxruntime CPU ms | Tenon least ms | onnxruntime least ms | difference |")
    print("|---|---|---|---|---|---|---|")
    for model in models:
        for path in quantise(model, folder):
            try:
                compare(program, path, folder)
            except (subprocess.CalledProcessError, RuntimeError) as e:
                print("%s: %s" % (path, e), file=sys.stderr)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
