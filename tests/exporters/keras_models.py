# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
"""keras_models.py FOLDER [WORD...] - Keras layers and TensorFlow functions of all kinds through tf2onnx, at several operator
sets, with fixed and open sizes. Outputs are TensorFlow's."""
import os
import sys
import warnings

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", TF_ENABLE_ONEDNN_OPTS="0")
warnings.filterwarnings("ignore")
import logging  # noqa: E402

import numpy as np  # noqa: E402
import onnx  # noqa: E402

for old in ("object", "bool", "int", "float", "str"):  # names that tf2onnx uses and NumPy 2 has not
    if old not in np.__dict__:
        setattr(np, old, {"object": object, "bool": bool, "int": int, "float": float, "str": str}[old])
if "cast" not in np.__dict__:
    np.cast = {np.dtype(t): (lambda x, t=t: np.asarray(x, t)) for t in ("float32", "int64")}
import tensorflow as tf  # noqa: E402
import tf2onnx  # noqa: E402

from cases import Cases  # noqa: E402

logging.disable(logging.CRITICAL)
tf.random.set_seed(7)
L = tf.keras.layers
rng = np.random.default_rng(7)


def f(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def i(high, *shape):
    return rng.integers(0, high, shape).astype(np.int32)


def layers(*ls):
    return tf.keras.Sequential(list(ls))


ROWS = [
    ("dense", layers(L.Dense(5, "relu"), L.Dense(3, "softmax")), [f(2, 4)]),
    ("dense_3d", L.Dense(5), [f(2, 3, 4)]),
    ("conv2d", L.Conv2D(4, 3, 2, "same", activation="relu"), [f(2, 9, 8, 3)]),
    ("conv2d_valid", L.Conv2D(4, 3, dilation_rate=2), [f(1, 9, 8, 3)]),
    ("conv2d_groups", L.Conv2D(4, 3, groups=2, padding="same"), [f(1, 6, 6, 4)]),
    ("conv1d", L.Conv1D(4, 3, padding="causal"), [f(2, 9, 3)]),
    ("conv3d", L.Conv3D(2, 2), [f(1, 4, 5, 4, 2)]),
    ("depthwise", layers(L.DepthwiseConv2D(3, padding="same"), L.BatchNormalization(), L.ReLU(6.0)), [f(1, 8, 8, 3)]),
    ("separable", L.SeparableConv2D(5, 3, padding="same"), [f(1, 8, 8, 3)]),
    ("conv_transpose", L.Conv2DTranspose(4, 3, 2, "same"), [f(1, 5, 6, 3)]),
    ("conv_transpose_valid", L.Conv2DTranspose(4, 3, 2, "valid"), [f(1, 5, 6, 3)]),
    ("conv1d_transpose", L.Conv1DTranspose(4, 3, 2), [f(1, 5, 3)]),
    ("conv3d_transpose", L.Conv3DTranspose(2, 2, 2), [f(1, 3, 3, 3, 2)]),
    ("pools", layers(L.MaxPooling2D(3, 2, "same"), L.AveragePooling2D(2)), [f(1, 9, 9, 3)]),
    ("avg_same", L.AveragePooling2D(3, 2, "same"), [f(1, 8, 7, 3)]),
    ("pool1d", layers(L.MaxPooling1D(2), L.GlobalAveragePooling1D()), [f(2, 8, 3)]),
    ("pool3d", layers(L.AveragePooling3D(2), L.GlobalMaxPooling3D()), [f(1, 4, 4, 4, 2)]),
    ("global", layers(L.GlobalAveragePooling2D(keepdims=True), L.Flatten()), [f(2, 5, 6, 3)]),
    ("batch_norm", L.BatchNormalization(), [f(2, 4, 4, 3)]),
    ("layer_norm", L.LayerNormalization(), [f(2, 4, 6)]),
    ("layer_norm_axes", L.LayerNormalization(axis=[1, 2]), [f(2, 4, 6)]),
    ("group_norm", L.GroupNormalization(2), [f(2, 4, 4, 6)]),
    ("unit_norm", L.UnitNormalization(), [f(2, 6)]),
    ("lstm", L.LSTM(5, return_sequences=True), [f(2, 6, 4)]),
    ("lstm_last", L.LSTM(5), [f(2, 6, 4)]),
    ("gru", L.GRU(5), [f(2, 6, 4)]),
    ("gru_before", L.GRU(5, reset_after=False, return_sequences=True), [f(2, 6, 4)]),
    ("rnn", L.SimpleRNN(5), [f(2, 6, 4)]),
    ("bidirectional", L.Bidirectional(L.LSTM(3, return_sequences=True)), [f(2, 6, 4)]),
    ("bidirectional_gru", L.Bidirectional(L.GRU(3)), [f(2, 6, 4)]),
    ("time_distributed", L.TimeDistributed(L.Dense(3)), [f(2, 6, 4)]),
    ("conv_lstm", L.ConvLSTM2D(2, 3, padding="same"), [f(1, 3, 5, 5, 2)]),
    ("embedding", L.Embedding(10, 4), [i(10, 2, 5)]),
    ("attention", lambda q, v: L.Attention()([q, v]), [f(2, 3, 4), f(2, 5, 4)]),
    ("additive", lambda q, v: L.AdditiveAttention()([q, v]), [f(2, 3, 4), f(2, 5, 4)]),
    ("multihead", lambda m=L.MultiHeadAttention(2, 4): lambda q, v: m(q, v), [f(2, 3, 8), f(2, 5, 8)]),
    ("activations", lambda x: tf.nn.elu(x) + tf.nn.selu(x) + tf.nn.softplus(x) + tf.nn.softsign(x) + tf.nn.leaky_relu(x), [f(3, 4)]),
    ("gelu_swish", lambda x: tf.nn.gelu(x) + tf.nn.gelu(x, True) + tf.nn.silu(x) + tf.keras.activations.mish(x), [f(3, 4)]),
    ("hard", lambda x: tf.keras.activations.hard_sigmoid(x) + tf.nn.relu6(x) + tf.keras.activations.hard_silu(x), [f(3, 4)]),
    ("prelu", L.PReLU(shared_axes=[1, 2]), [f(1, 4, 4, 3)]),
    ("up_nearest", L.UpSampling2D(2), [f(1, 3, 4, 2)]),
    ("up_bilinear", L.UpSampling2D(2, interpolation="bilinear"), [f(1, 3, 4, 2)]),
    ("resize", lambda x: tf.image.resize(x, (7, 5)), [f(1, 4, 4, 2)]),
    ("resize_old", lambda x: tf.compat.v1.image.resize_bilinear(x, (7, 5)), [f(1, 4, 4, 2)]),
    ("resize_corners", lambda x: tf.compat.v1.image.resize_bilinear(x, (7, 5), align_corners=True), [f(1, 4, 4, 2)]),
    ("resize_nearest", lambda x: tf.image.resize(x, (7, 5), "nearest"), [f(1, 4, 4, 2)]),
    ("resize_cubic", lambda x: tf.compat.v1.image.resize_bicubic(x, (7, 5), half_pixel_centers=True), [f(1, 4, 4, 2)]),
    ("padding", layers(L.ZeroPadding2D(1), L.Cropping2D(((1, 0), (0, 2)))), [f(1, 5, 6, 2)]),
    ("pad_reflect", lambda x: tf.pad(x, [[0, 0], [1, 2], [2, 1]], "REFLECT"), [f(2, 4, 5)]),
    ("pad_symmetric", lambda x: tf.pad(x, [[0, 0], [1, 2], [2, 1]], "SYMMETRIC"), [f(2, 4, 5)]),
    ("reshape", layers(L.Reshape((4, 6)), L.Permute((2, 1)), L.RepeatVector(2) if False else L.Flatten()), [f(2, 3, 8)]),
    ("repeat", L.RepeatVector(3), [f(2, 4)]),
    ("merge", lambda x, y: tf.concat([x + y, x * y, tf.maximum(x, y), tf.minimum(x, y)], -1), [f(2, 3), f(2, 3)]),
    ("matmul", lambda x, y: tf.matmul(x, y, transpose_b=True), [f(2, 3, 4), f(2, 5, 4)]),
    ("einsum", lambda x, y: tf.einsum("bij,bkj->bik", x, y), [f(2, 3, 4), f(2, 5, 4)]),
    ("tensordot", lambda x, y: tf.tensordot(x, y, [[2], [0]]), [f(2, 3, 4), f(4, 5)]),
    ("reduce", lambda x: (tf.reduce_sum(x, 1), tf.reduce_mean(x, [0, 2]), tf.reduce_max(x), tf.reduce_prod(x, -1, keepdims=True)), [f(2, 3, 4)]),
    ("variance", lambda x: tf.math.reduce_std(x, 1) + tf.math.reduce_variance(x, 1), [f(2, 3)]),
    ("logsumexp", lambda x: tf.reduce_logsumexp(x, 1), [f(2, 3)]),
    ("argmax", lambda x: (tf.argmax(x, 1), tf.argmin(x, 0, output_type=tf.int32)), [f(3, 5)]),
    ("topk", lambda x: tf.math.top_k(x, 2), [f(3, 5)]),
    ("sort", lambda x: (tf.sort(x, 1), tf.argsort(x, 1, "DESCENDING")), [f(3, 5)]),
    ("cumsum", lambda x: tf.cumsum(x, 1, exclusive=True) + tf.cumsum(x, 1, reverse=True), [f(3, 5)]),
    ("gather", lambda x, k: (tf.gather(x, k, axis=1), tf.gather(x, k[:2])), [f(3, 5), np.array([1, 2, 0], np.int32)]),
    ("gather_nd", lambda x, k: tf.gather_nd(x, k), [f(3, 5), np.array([[1, 2], [0, 4]], np.int32)]),
    ("gather_batch", lambda x, k: tf.gather(x, k, batch_dims=1), [f(3, 5), i(5, 3, 2)]),
    ("scatter_nd", lambda k, u: tf.scatter_nd(k, u, [5, 2]), [np.array([[1], [3], [1]], np.int32), f(3, 2)]),
    ("scatter_update", lambda x, u: tf.tensor_scatter_nd_update(x, [[1], [3]], u), [f(5, 2), f(2, 2)]),
    ("scatter_add", lambda x, u: tf.tensor_scatter_nd_add(x, [[1], [1]], u), [f(5, 2), f(2, 2)]),
    ("slice", lambda x: (x[:, 1:-1], x[..., ::2], x[:, -1], x[:, tf.newaxis, 0]), [f(3, 5)]),
    ("slice_back", lambda x: x[:, ::-1], [f(3, 5)]),
    ("slice_open", lambda x: tf.slice(x, [0, 1], [-1, 2]), [f(3, 5)]),
    ("split", lambda x: tf.split(x, 3, 1) + tf.split(x, [1, 5], 1), [f(2, 6)]),
    ("stack", lambda x, y: (tf.stack([x, y], 1), tf.unstack(x, axis=1)[0]), [f(2, 3), f(2, 3)]),
    ("tile", lambda x: tf.tile(x, [2, 3]), [f(2, 3)]),
    ("broadcast", lambda x: tf.broadcast_to(x, [4, 2, 3]), [f(2, 3)]),
    ("where", lambda x, y: tf.where(x > 0, x, y), [f(2, 3), f(2, 3)]),
    ("where_index", lambda x: tf.where(x > 0), [f(2, 3)]),
    ("mask", lambda x: tf.boolean_mask(x, x > 0), [f(2, 3)]),
    ("one_hot", lambda k: tf.one_hot(k, 5, 2.0, -1.0), [i(5, 3)]),
    ("range", lambda x: x + tf.cast(tf.range(tf.shape(x)[1]), tf.float32), [f(2, 5)]),
    ("fill", lambda x: tf.fill([tf.shape(x)[0], 2], 3.0) + tf.zeros_like(x[:, :2]), [f(2, 5)]),
    ("reverse", lambda x: tf.reverse(x, [1]) + tf.roll(x, 1, 0), [f(2, 5)]),
    ("reverse_sequence", lambda x: tf.reverse_sequence(x, [2, 3], 1), [f(2, 5, 2)]),
    ("sequence_mask", lambda k: tf.sequence_mask(k, 5, tf.float32), [np.array([1, 4], np.int32)]),
    ("transpose", lambda x: tf.transpose(x, [2, 0, 1]), [f(2, 3, 4)]),
    ("space_depth", lambda x: tf.nn.depth_to_space(tf.nn.space_to_depth(x, 2), 2), [f(1, 4, 4, 3)]),
    ("space_batch", lambda x: tf.space_to_batch(x, [2, 2], [[0, 0], [0, 0]]), [f(1, 4, 4, 3)]),
    ("batch_space", lambda x: tf.batch_to_space(x, [2, 2], [[0, 0], [0, 0]]), [f(4, 2, 2, 3)]),
    ("patches", lambda x: tf.image.extract_patches(x, [1, 2, 2, 1], [1, 2, 2, 1], [1, 1, 1, 1], "VALID"), [f(1, 4, 4, 3)]),
    ("crop_resize", lambda x: tf.image.crop_and_resize(x, [[0.1, 0.2, 0.8, 0.9]], [0], [3, 3]), [f(1, 6, 6, 2)]),
    ("nms", lambda b, s: tf.image.non_max_suppression(b, s, 3), [np.array([[0, 0, 1, 1], [0, 0.1, 1, 1.1], [2, 2, 3, 3]], np.float32), np.array([0.9, 0.8, 0.7], np.float32)]),
    ("local_response", lambda x: tf.nn.local_response_normalization(x, 2), [f(1, 3, 3, 6)]),
    ("l2", lambda x: tf.nn.l2_normalize(x, 1), [f(2, 5)]),
    ("trig", lambda x: tf.sin(x) + tf.cos(x) + tf.tan(x) + tf.atan(x) + tf.sinh(x) + tf.asinh(x), [f(2, 5)]),
    ("atan2", lambda x, y: tf.atan2(x, y), [f(2, 5), f(2, 5)]),
    ("math", lambda x: tf.math.log1p(tf.abs(x)) + tf.math.expm1(x) + tf.math.rsqrt(tf.abs(x) + 1) + tf.square(x) + tf.math.erf(x), [f(2, 5)]),
    ("round", lambda x: tf.round(x * 3) + tf.floor(x) + tf.math.ceil(x) + tf.sign(x), [f(2, 5)]),
    ("floor_mod", lambda x, y: tf.math.floormod(x, y) + tf.math.floordiv(x, y), [f(2, 5), np.abs(f(2, 5)) + 1]),
    ("integer_mod", lambda x: (x - 4) % 3 + (x - 4) // 3, [i(9, 2, 5)]),
    ("truncate", lambda x: tf.truncatediv(x - 4, 3) + tf.math.mod(x, 3), [i(9, 2, 5)]),
    ("bits", lambda x, y: tf.bitwise.bitwise_and(x, y) + tf.bitwise.left_shift(x, 1), [i(9, 2, 5), i(9, 2, 5)]),
    ("compare", lambda x, y: tf.cast(tf.logical_or(x > y, tf.not_equal(x, y)), tf.int32), [f(2, 5), f(2, 5)]),
    ("clip", lambda x: tf.clip_by_value(x, -0.5, 0.5), [f(2, 5)]),
    ("cast", lambda x: tf.cast(tf.cast(x * 9, tf.int32), tf.float64), [f(2, 5)]),
    ("softmax_axis", lambda x: tf.nn.softmax(x, 1) + tf.nn.log_softmax(x, -1), [f(2, 5, 3)]),
    ("cross_entropy", lambda x, k: tf.nn.sparse_softmax_cross_entropy_with_logits(k, x), [f(3, 5), i(5, 3)]),
    ("sigmoid_entropy", lambda x, y: tf.nn.sigmoid_cross_entropy_with_logits(y, x), [f(3, 5), np.abs(f(3, 5)) % 1]),
    ("unique", lambda x: tf.unique(x), [i(4, 8)]),
    ("cond", lambda x: tf.cond(tf.reduce_sum(x) > 0, lambda: x + 1, lambda: x - 1), [f(2, 3)]),
    ("loop", lambda x: tf.while_loop(lambda k, y: k < 3, lambda k, y: (k + 1, y * 0.5), (0, x))[1], [f(2, 3)]),
    ("loop_data", lambda x: tf.while_loop(lambda y: tf.reduce_max(tf.abs(y)) > 0.1, lambda y: (y * 0.5,), (x,))[0], [f(2, 3)]),
    ("map", lambda x: tf.map_fn(lambda y: tf.reduce_sum(y * y), x), [f(4, 3)]),
    ("fake_quant", lambda x: tf.quantization.fake_quant_with_min_max_args(x, -1, 1), [f(2, 3)]),
    ("segment", lambda x: tf.math.segment_sum(x, [0, 0, 1]), [f(3, 2)]),
    ("bucketize", lambda x: tf.searchsorted([-0.5, 0.0, 0.5], x), [f(6)]),
    ("rfft", lambda x: tf.abs(tf.signal.rfft(x)), [f(2, 16)]),
    ("linalg", lambda x: tf.linalg.band_part(x, 0, -1) + tf.linalg.diag(tf.linalg.diag_part(x)), [f(4, 4)]),
    ("normalization", L.Normalization(mean=[1.0, 2.0], variance=[4.0, 9.0]), [f(3, 2)]),
    ("rescaling", L.Rescaling(1 / 127.5, -1), [f(2, 3)]),
    ("mobile_block", layers(L.Conv2D(8, 1, use_bias=False), L.BatchNormalization(), L.ReLU(6.0), L.ZeroPadding2D(((0, 1), (0, 1))),
                            L.DepthwiseConv2D(3, 2, use_bias=False), L.BatchNormalization(), L.ReLU(6.0), L.Conv2D(4, 1)), [f(1, 8, 8, 4)]),
]


def export(cases, name, fn, x, opset, named):
    path = cases.begin(name)
    try:
        want = [t.numpy() for t in tf.nest.flatten(fn(*[tf.constant(a) for a in x]))]
        specs = [tf.TensorSpec([None if named else d for d in a.shape] if named and a.ndim < 4 else
                               ([None] + list(a.shape[1:]) if named and a.ndim else a.shape), a.dtype, name="in%d" % k) for k, a in enumerate(x)]
        tf2onnx.convert.from_function(tf.function(lambda *a: tf.nest.flatten(fn(*a)), input_signature=specs, autograph=False),
                                      input_signature=specs, opset=opset, output_path=path)
        left = [n.op_type for n in onnx.load(path).graph.node if n.domain in ("", "ai.onnx") and not onnx.defs.has(n.op_type)]
    except Exception as e:
        return cases.skip(name, "%s %s" % (type(e).__name__, e))
    if left:
        return cases.skip(name, "%s of TensorFlow was left in the model" % left[0])
    cases.data(name, x, want)


def main():
    cases = Cases(sys.argv[1])
    for k, (name, fn, x) in enumerate(ROWS):
        if len(sys.argv) > 2 and not any(w in name for w in sys.argv[2:]):
            continue
        if name == "multihead":
            fn = fn()
        export(cases, "keras_%s_%d" % (name, 12 + k % 7), fn, x, 12 + k % 7, False)
        export(cases, "keras_%s_18_named" % name, fn, x, 18, True)
    cases.end("TensorFlow %s, tf2onnx %s" % (tf.__version__, tf2onnx.__version__))


main()
