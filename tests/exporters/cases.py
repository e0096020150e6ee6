# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
"""cases.py - writes cases in the layout of the ONNX backend tests, which `tenon test` runs: model.onnx beside
test_data_set_0 with input_N.pb and output_N.pb. Needs NumPy alone; TensorProto is put together by hand."""
import os

import numpy as np

CODES = {"float32": 1, "uint8": 2, "int8": 3, "uint16": 4, "int16": 5, "int32": 6, "int64": 7, "bool": 9,
         "float16": 10, "float64": 11, "uint32": 12, "uint64": 13}


def varint(n):
    out = b""
    n &= (1 << 64) - 1
    while n >= 128:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def tensor_proto(a):
    a = np.asarray(a)
    head = b"".join(b"\x08" + varint(d) for d in a.shape)
    if a.dtype.kind in "UOS":
        words = (w if isinstance(w, bytes) else str(w).encode() for w in a.ravel())
        return head + b"\x10\x08" + b"".join(field(6, w) for w in words)
    return head + b"\x10" + varint(CODES[a.dtype.name]) + field(9, np.ascontiguousarray(a).tobytes())


class Cases:
    """Counts what is written and what an exporter or framework would not do. The reason is printed, so that a case
    that is lost is seen."""

    def __init__(self, folder):
        self.folder = folder
        self.written, self.skipped, self.rough = 0, [], []

    def begin(self, name):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.join(path, "test_data_set_0"), exist_ok=True)
        return os.path.join(path, "model.onnx")

    def data(self, name, inputs, outputs):
        for kind, arrays in (("input", inputs), ("output", outputs)):
            for i, a in enumerate(arrays):
                path = os.path.join(self.folder, name, "test_data_set_0", "%s_%d.pb" % (kind, i))
                with open(path, "wb") as f:
                    f.write(tensor_proto(a))
        if any(np.asarray(a).dtype == np.float16 for a in outputs):
            self.rough.append(name)
        self.written += 1

    def skip(self, name, why):
        path = os.path.join(self.folder, name)
        for root, folders, files in os.walk(path, topdown=False):
            for f in files:
                os.unlink(os.path.join(root, f))
            os.rmdir(root)
        self.skipped.append(name)
        print("skipped %s: %s" % (name, " ".join(str(why).split())[:160]))

    def end(self, who):
        """Frameworks round every float16 in between, Tenon those at the ends of a region: a few of the last bits differ."""
        with open(os.path.join(self.folder, "tolerances.txt"), "w") as f:
            f.writelines("%s: 4e-3 4e-3\n" % name for name in self.rough)
        print("%s: %d models, %d skipped" % (who, self.written, len(self.skipped)))
