# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
"""onnxruntime_forms.py FOLDER FROM... - the forms in which onnxruntime and its tools leave models: optimised and saved at each
level (fused operators of com.microsoft, channels in blocks of com.microsoft.nchwc), quantised dynamically and statically in
both formats, weights in 4 and 8 bits, float16 by onnxconverter-common, simplified by onnxsim. FROM are folders that the other
scripts wrote. Outputs are those of onnxruntime for the very file, without its optimiser."""
import glob
import logging
import os
import sys
import warnings

import numpy as np
import onnx
import onnxruntime as ort
import onnxruntime.quantization  # noqa: here, so that processes forked later share it
from onnx import numpy_helper

from cases import Cases

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)
ort.set_default_logger_severity(4)
LEVELS = ort.GraphOptimizationLevel


def session(path, level=LEVELS.ORT_DISABLE_ALL, to=None):
    options = ort.SessionOptions()
    options.graph_optimization_level = level
    options.intra_op_num_threads = 1
    if to:
        options.optimized_model_filepath = to
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def inputs(folder):
    count = len(glob.glob(os.path.join(folder, "test_data_set_0", "input_*.pb")))
    return [numpy_helper.to_array(onnx.load_tensor(os.path.join(folder, "test_data_set_0", "input_%d.pb" % i))) for i in range(count)]


class Reader:
    def __init__(self, feed):
        self.feeds = [feed]

    def get_next(self):
        return self.feeds.pop() if self.feeds else None


def optimised(level):
    return lambda source, target, feed: session(source, level, target) and None


def dynamic(source, target, feed):
    from onnxruntime.quantization import QuantType, quantize_dynamic
    quantize_dynamic(source, target, weight_type=QuantType.QUInt8)


def dynamic_s8(source, target, feed):
    from onnxruntime.quantization import QuantType, quantize_dynamic
    quantize_dynamic(source, target, weight_type=QuantType.QInt8, per_channel=True)


def static(name, **more):
    def run(source, target, feed):
        from onnxruntime.quantization import QuantFormat, quantize_static
        quantize_static(source, target, Reader(feed), quant_format=getattr(QuantFormat, name), **more)
    return run


def static_s16(source, target, feed):
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    quantize_static(source, target, Reader(feed), quant_format=QuantFormat.QDQ, activation_type=QuantType.QInt16,
                    weight_type=QuantType.QInt8, extra_options={"UseQDQContribOps": True})


def bits(n, qdq):
    def run(source, target, feed):
        from onnxruntime.quantization import QuantFormat, matmul_nbits_quantizer as q
        made = q.MatMulNBitsQuantizer(onnx.load(source), bits=n, block_size=32, is_symmetric=n == 8 or qdq,
                                      quant_format=QuantFormat.QDQ if qdq else QuantFormat.QOperator)
        made.process()
        made.model.save_model_to_file(target)
    return run


def half(keep):
    def run(source, target, feed):
        from onnxconverter_common import float16
        onnx.save(float16.convert_float_to_float16(onnx.load(source), keep_io_types=keep), target)
    return run


def fused(kind):
    def run(source, target, feed):
        from onnxruntime.transformers import optimizer
        optimizer.optimize_model(source, kind, num_heads=4, hidden_size=32, opt_level=0).save_model_to_file(target)
    return run


def simplified(source, target, feed):
    import onnxsim
    onnx.save(onnxsim.simplify(source)[0], target)


FORMS = [
    ("basic", optimised(LEVELS.ORT_ENABLE_BASIC)), ("extended", optimised(LEVELS.ORT_ENABLE_EXTENDED)),
    ("all", optimised(LEVELS.ORT_ENABLE_ALL)), ("dynamic", dynamic), ("dynamic_s8", dynamic_s8),
    ("qdq", static("QDQ")), ("qdq_channel", static("QDQ", per_channel=True, reduce_range=True)), ("qoperator", static("QOperator")),
    ("qdq_s16", static_s16), ("bits4", bits(4, False)), ("bits8", bits(8, False)), ("bits4_qdq", bits(4, True)), ("half", half(False)),
    ("half_inside", half(True)), ("simplified", simplified),
    ("bert", fused("bert")), ("gpt2", fused("gpt2")), ("t5", fused("t5")), ("bart", fused("bart")), ("vit", fused("vit")),
]


def form(cases, folder, name, write):
    source = os.path.join(folder, "model.onnx")
    target = cases.begin(name)
    feed = {i.name: x for i, x in zip(session(source).get_inputs(), inputs(folder))}
    try:
        write(source, target, dict(feed))
        with open(source, "rb") as a, open(target, "rb") as b:
            if a.read() == b.read():
                return cases.skip(name, "as it was")
        made = session(target)
        types = {"tensor(float16)": np.float16, "tensor(float)": np.float32}
        fed = {i.name: feed[i.name].astype(types[i.type]) if i.type in types else feed[i.name] for i in made.get_inputs()}
        want = [np.asarray(x) for x in made.run(None, fed)]
    except BaseException as e:
        return cases.skip(name, "%s %s" % (type(e).__name__, e))
    cases.data(name, list(fed.values()), want)


def apart(cases, folder, name, write):
    """In a process of its own: some models end onnxruntime's."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        cases.written = 0
        form(cases, folder, name, write)
        sys.stdout.flush()
        os._exit(0 if cases.written else 1)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        cases.skip(name, "onnxruntime ended by signal %d" % os.WTERMSIG(status))
    elif os.WEXITSTATUS(status):
        cases.skipped.append(name)
    else:
        cases.written += 1


def main():
    cases = Cases(sys.argv[1])
    only = os.environ.get("FORMS", "").split()
    for root in sys.argv[2:]:
        for path in sorted(glob.glob(os.path.join(root, "*", "model.onnx"))):
            folder = os.path.dirname(path)
            try:
                session(path).run(None, {i.name: x for i, x in zip(session(path).get_inputs(), inputs(folder))})
            except Exception as e:
                print("skipped %s: onnxruntime does not run it: %s" % (os.path.basename(folder), str(e)[:120].replace("\n", " ")))
                continue
            for name, write in FORMS:
                if not only or name in only:
                    apart(cases, folder, "%s_%s" % (os.path.basename(folder), name), write)
    cases.end("onnxruntime %s" % ort.__version__)


main()
