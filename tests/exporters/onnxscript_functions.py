# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
"""onnxscript_functions.py FOLDER - functions written in onnxscript, as the newer exporters put models together: calls of
functions, attributes handed on, branches and loops that see values around them. Outputs are NumPy's."""
import sys

import numpy as np
from onnxscript import BOOL, FLOAT, INT64, graph, script  # noqa: F401
from onnxscript import opset15 as op15
from onnxscript import opset18 as op
from onnxscript import opset23 as op23
from onnxscript import values

from cases import Cases

own = values.Opset("tests.functions", 1)


@script(own)
def scaled(x, by: float):
    return op.Mul(x, op.CastLike(op.Constant(value_float=by), x))


@script(own)
def twice_scaled(x, by: float = 3.0):
    return scaled(scaled(x, by=by), by=0.5)


@script(own)
def layer(x, w, b):
    return op.Relu(op.Add(op.MatMul(x, w), b))


@script(own)
def soft(x, axis: int = -1):
    e = op.Exp(op.Sub(x, op.ReduceMax(x, op.Constant(value_ints=[-1]))))
    return op.Div(e, op.ReduceSum(e, op.Constant(value_ints=[-1])))


@script(default_opset=op)
def calls(x: FLOAT["n", 4]) -> FLOAT["n", 4]:
    return twice_scaled(x) + scaled(x, by=2.0)


@script(default_opset=op)
def layers(x: FLOAT["n", 4], w: FLOAT[4, 4], b: FLOAT[4]) -> FLOAT["n", 4]:
    return layer(layer(x, w, b), w, b)


@script(default_opset=op)
def softmax(x: FLOAT["n", 4]) -> FLOAT["n", 4]:
    return soft(x)


@script(default_opset=op)
def branch(x: FLOAT["n", 4]) -> FLOAT["n", 4]:
    total = op.ReduceSum(x, keepdims=0)
    if total > 0.0:
        y = x + total
    else:
        y = x - total
    return y


@script(default_opset=op)
def loop(x: FLOAT["n", 4]) -> FLOAT["n", 4]:
    y = op.Identity(x)
    for i in range(3):
        y = y * 0.5 + x
    return y


@script(default_opset=op)
def while_loop(x: FLOAT["n", 4]) -> FLOAT["n", 4]:
    y = op.Identity(x)
    go = op.ReduceMax(op.Abs(y), keepdims=0) > 0.1
    while go:
        y = y * 0.5
        go = op.ReduceMax(op.Abs(y), keepdims=0) > 0.1
    return y


@script(default_opset=op)
def nested(x: FLOAT["n", 4]) -> FLOAT["n", 4]:
    y = op.Identity(x)
    for i in range(2):
        s = op.ReduceSum(y, keepdims=0)
        if s > 0.0:
            z = y - 1.0
        else:
            z = y + 2.0
        y = op.Add(z, x)
    return y


@script(default_opset=op)
def scan(x: FLOAT["n", 4]) -> (FLOAT[4], FLOAT["n", 4]):
    @graph()
    def step(s: FLOAT[4], row: FLOAT[4]):
        t = op.Add(s, row)
        return t, op.Identity(t)

    zero = op.ReduceSum(x * 0.0, op.Constant(value_ints=[0]), keepdims=0)
    last, all = op.Scan(zero, x, body=step, num_scan_inputs=1)
    return last, all


@script(default_opset=op)
def shapes(x: FLOAT["n", 4]) -> FLOAT["m", 2]:
    return op.Reshape(x, op.Concat(op.Shape(x, start=0, end=1) * 2, op.Constant(value_ints=[2]), axis=0))


@script(default_opset=op15)
def older(x: FLOAT["n", 4]) -> FLOAT["n", 4]:
    return op15.Clip(op15.LeakyRelu(x, alpha=0.2), -0.5, 0.5)


@script(default_opset=op23)
def newer(x: FLOAT["n", 4]) -> FLOAT["n", 4]:
    return op23.RMSNormalization(x, op23.Constant(value_floats=[1.0, 2.0, 3.0, 4.0]), axis=-1)


@script(default_opset=op)
def strings_of_ops(x: FLOAT["n", 4]) -> (FLOAT["n", 4], INT64["n"]):
    v, i = op.TopK(x, op.Constant(value_ints=[4]), axis=1, largest=1, sorted=1)
    return v, op.ArgMax(x, axis=1, keepdims=0)


def relu(x):
    return np.maximum(x, 0)


def loop_of(x):
    y = x
    for _ in range(3):
        y = y * np.float32(0.5) + x
    return y


def while_of(x):
    while np.abs(x).max() > 0.1:
        x = x * np.float32(0.5)
    return x


def nested_of(x):
    y = x
    for _ in range(2):
        y = (y - 1 if y.sum() > 0 else y + 2) + x
    return y.astype(np.float32)


def soft_of(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


FUNCTIONS = [
    ("calls", calls, lambda x: x * 1.5 * 0 + x * 3 * 0.5 + x * 2),
    ("layers", layers, lambda x, w, b: relu(relu(x @ w + b) @ w + b)),
    ("softmax", softmax, soft_of),
    ("branch", branch, lambda x: x + x.sum() if x.sum() > 0 else x - x.sum()),
    ("loop", loop, loop_of),
    ("while", while_loop, while_of),
    ("nested", nested, nested_of),
    ("scan", scan, lambda x: (x.sum(0), x.cumsum(0))),
    ("shapes", shapes, lambda x: x.reshape(-1, 2)),
    ("older", older, lambda x: np.clip(np.where(x > 0, x, x * np.float32(0.2)), -0.5, 0.5)),
    ("newer", newer, lambda x: x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-5) * np.arange(1, 5, dtype=np.float32)),
    ("order", strings_of_ops, lambda x: (-np.sort(-x, 1), x.argmax(1))),
]


def main():
    cases, rng = Cases(sys.argv[1]), np.random.default_rng(5)
    for name, f, truth in FUNCTIONS:
        for k, rows in enumerate((1, 3)):
            inputs = [rng.uniform(-1, 1, (rows, 4)).astype(np.float32)]
            if name == "layers":
                inputs += [rng.uniform(-1, 1, (4, 4)).astype(np.float32), rng.uniform(-1, 1, 4).astype(np.float32)]
            full = "onnxscript_%s_%d" % (name, rows)
            path = cases.begin(full)
            try:
                with open(path, "wb") as out:
                    out.write(f.to_model_proto().SerializeToString())
            except Exception as e:
                cases.skip(full, e)
                continue
            y = truth(*inputs)
            y = y if isinstance(y, tuple) else (y,)
            cases.data(full, inputs, [a if a.dtype == np.int64 else a.astype(np.float32) for a in y])
    cases.end("onnxscript")


main()
