# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
"""Writes an ONNX model again in float64: widen.py MODEL.onnx OUT.onnx

Weights, constants, declared types and casts that are float32 become float64, so that both programs' float32 answers can
be held against one that has next to no rounding. Needs Debian's python3-onnx.
"""
import sys

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper


def widen_tensor(t):
    if t.data_type != TensorProto.FLOAT:
        return
    wide = numpy_helper.from_array(numpy_helper.to_array(t).astype(np.float64), t.name)
    t.CopyFrom(wide)


def widen_value(v):
    if v.type.HasField("tensor_type") and v.type.tensor_type.elem_type == TensorProto.FLOAT:
        v.type.tensor_type.elem_type = TensorProto.DOUBLE


def widen_graph(g):
    for t in g.initializer:
        widen_tensor(t)
    for v in [*g.input, *g.output, *g.value_info]:
        widen_value(v)
    for n in g.node:
        for a in n.attribute:
            if a.HasField("t"):
                widen_tensor(a.t)
            if a.HasField("g"):
                widen_graph(a.g)
            if n.op_type == "Cast" and a.name == "to" and a.i == TensorProto.FLOAT:
                a.i = TensorProto.DOUBLE
            if n.op_type == "Constant" and a.name in ("value_float", "value_floats"):
                values = np.asarray(a.f if a.name == "value_float" else list(a.floats), np.float64)
                a.CopyFrom(onnx.helper.make_attribute("value", numpy_helper.from_array(values)))


if len(sys.argv) != 3:
    sys.exit(__doc__)
model = onnx.load(sys.argv[1])
widen_graph(model.graph)
onnx.save(model, sys.argv[2])
