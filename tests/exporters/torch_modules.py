# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
"""torch_modules.py FOLDER [WORD...] - small PyTorch modules of all kinds through torch.onnx.export: fixed and named dimensions,
float32 and float16, operator sets 9 and newer; through the newer exporter as well where this PyTorch has it (2.5 and
later, with onnxscript). Outputs are those of PyTorch itself.
WORDs keep the modules whose names contain one."""
import copy
import inspect
import sys
import warnings

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from cases import Cases
from torch_modules_more import ROWS, Fn, ints, r

warnings.filterwarnings("ignore")
torch.manual_seed(7)
PREFIX = "torch" + torch.__version__.split(".")[0]


class Attention(nn.Module):
    def __init__(self, size=16, heads=2):
        super().__init__()
        self.qkv, self.out, self.heads = nn.Linear(size, 3 * size), nn.Linear(size, size), heads

    def forward(self, x):
        b, n, c = x.shape
        q, k, v = self.qkv(x).view(b, n, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        a = (q @ k.transpose(-2, -1)) * (c // self.heads) ** -0.5
        mask = torch.ones(n, n, dtype=torch.bool, device=x.device).tril()
        a = a.masked_fill(~mask, float("-inf")).softmax(-1)
        return self.out((a @ v).transpose(1, 2).reshape(b, n, c))


class Rotary(nn.Module):
    def forward(self, x):
        n, half = x.shape[-2], x.shape[-1] // 2
        angle = torch.arange(n, dtype=x.dtype)[:, None] * (10000.0 ** -(torch.arange(half, dtype=x.dtype) / half))
        c, s = angle.cos(), angle.sin()
        a, b = x[..., :half], x[..., half:]
        return torch.cat((a * c - b * s, b * c + a * s), -1)


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.b.running_mean.uniform_(-0.2, 0.2)

    def forward(self, x):
        return F.relu(self.b(self.a(x)) + x)


@torch.jit.script
def halved(x):
    n = 0
    while bool(x.abs().max() > 0.1) and n < 8:
        x = x * 0.5
        n += 1
    return x


@torch.jit.script
def signed(x):
    if bool(x.sum() > 0):
        y = x + 1
    else:
        y = x - 1
    return y


def put(x, i):
    y = x.clone()
    y[i] = 7
    return y


# name, module or function, inputs, axes that get a name ({input: axes}), lowest operator set
MODULES = [
    ("linear", nn.Linear(6, 4), (r(3, 6),), {0: [0]}, 9),
    ("mlp", nn.Sequential(nn.Linear(6, 8), nn.GELU(), nn.Linear(8, 2), nn.Tanh()), (r(3, 6),), {0: [0]}, 9),
    ("conv", nn.Conv2d(3, 5, 3, stride=2, padding=1), (r(2, 3, 9, 8),), {0: [0, 2, 3]}, 9),
    ("conv_groups", nn.Conv2d(4, 8, 3, groups=2, dilation=2), (r(1, 4, 9, 9),), {0: [0]}, 9),
    ("conv_depthwise", nn.Conv2d(6, 6, 5, padding=2, groups=6), (r(1, 6, 9, 7),), {0: [0, 2]}, 9),
    ("conv1d", nn.Conv1d(3, 4, 3), (r(2, 3, 12),), {0: [0, 2]}, 9),
    ("conv3d", nn.Conv3d(2, 3, 2), (r(1, 2, 4, 5, 6),), {0: [0]}, 9),
    ("conv_transpose", nn.ConvTranspose2d(3, 4, 3, stride=2, output_padding=1), (r(1, 3, 5, 5),), {0: [0]}, 9),
    ("residual", Residual().eval(), (r(2, 4, 6, 6),), {0: [0, 2, 3]}, 9),
    ("batch_norm1d", nn.BatchNorm1d(5).eval(), (r(4, 5),), {0: [0]}, 9),
    ("instance_norm", nn.InstanceNorm2d(3, affine=True), (r(2, 3, 5, 5),), {0: [0]}, 9),
    ("layer_norm", nn.LayerNorm(8), (r(2, 5, 8),), {0: [0, 1]}, 9),
    ("group_norm", nn.GroupNorm(2, 6), (r(2, 6, 4, 4),), {0: [0]}, 9),
    ("max_pool", nn.MaxPool2d(3, 2, padding=1), (r(1, 2, 9, 9),), {0: [0, 2]}, 9),
    ("max_pool_ceil", nn.MaxPool2d(3, 2, ceil_mode=True), (r(1, 2, 8, 8),), {0: [0]}, 10),
    ("max_pool_indices", nn.MaxPool2d(2, return_indices=True), (r(1, 2, 6, 6),), {0: [0]}, 9),
    ("avg_pool", nn.AvgPool2d(3, 2, padding=1, count_include_pad=False), (r(1, 2, 9, 9),), {0: [0]}, 9),
    ("avg_pool_pad", nn.AvgPool2d(3, 1, padding=1), (r(1, 2, 5, 5),), {0: [0, 2]}, 9),
    ("adaptive_pool", nn.AdaptiveAvgPool2d(1), (r(1, 3, 5, 7),), {0: [0, 2]}, 9),
    ("global_max", Fn(lambda x: x.amax((2, 3))), (r(1, 3, 5, 7),), {0: [0]}, 9),
    ("lstm", nn.LSTM(4, 5), (r(6, 2, 4),), {0: [0]}, 9),
    ("lstm_bi", nn.LSTM(4, 3, num_layers=2, bidirectional=True), (r(5, 2, 4),), {0: [0, 1]}, 9),
    ("gru", nn.GRU(4, 5, batch_first=True), (r(2, 6, 4),), {0: [1]}, 9),
    ("rnn_relu", nn.RNN(4, 5, nonlinearity="relu"), (r(6, 2, 4),), {0: [0]}, 9),
    ("lstm_cell", nn.LSTMCell(4, 3), (r(2, 4),), {0: [0]}, 9),
    ("embedding", nn.Embedding(10, 4), (ints(10, 2, 3),), {0: [0, 1]}, 9),
    ("embedding_bag", nn.EmbeddingBag(10, 4, mode="sum"), (ints(10, 2, 3),), {}, 11),
    ("attention", Attention(), (r(2, 5, 16),), {0: [0, 1]}, 14),
    ("multihead", nn.MultiheadAttention(8, 2), (r(4, 2, 8), r(4, 2, 8), r(4, 2, 8)), {0: [0], 1: [0], 2: [0]}, 11),
    ("encoder", nn.TransformerEncoderLayer(8, 2, 16, activation="gelu").train(False), (r(4, 2, 8),), {0: [0]}, 11),
    ("rotary", Rotary(), (r(2, 2, 5, 8),), {0: [0, 2]}, 11),
    ("softmax", Fn(lambda x: F.softmax(x, 1)), (r(2, 5, 3),), {0: [0, 1]}, 9),
    ("log_softmax", Fn(lambda x: F.log_softmax(x, -1)), (r(2, 5),), {0: [0]}, 9),
    ("activations", Fn(lambda x: F.elu(x) + F.selu(x) + F.softplus(x) + F.leaky_relu(x) + torch.sigmoid(x)),
     (r(3, 4),), {0: [0]}, 9),
    ("hard", Fn(lambda x: F.hardtanh(x, -0.5, 0.5) + F.hardsigmoid(x) + F.relu6(x)), (r(3, 4),), {0: [0]}, 9),
    ("hardswish", nn.Hardswish(), (r(3, 4),), {0: [0]}, 9),
    ("silu_mish", Fn(lambda x: F.silu(x) + F.mish(x)), (r(3, 4),), {0: [0]}, 9),
    ("prelu", nn.PReLU(3), (r(2, 3, 4, 4),), {0: [0, 2]}, 9),
    ("celu", nn.CELU(0.7), (r(3, 4),), {0: [0]}, 12),
    ("glu", nn.GLU(1), (r(2, 6, 3),), {0: [0]}, 9),
    ("add_broadcast", Fn(lambda x, y: x + y * 2 - y / 3), (r(2, 3, 4), r(3, 1)), {0: [0, 2]}, 9),
    ("compare", Fn(lambda x, y: (x > y).float() + (x <= y).float() * 2), (r(3, 4), r(4)), {0: [0]}, 9),
    ("where", Fn(lambda x, y: torch.where(x > 0, x, y)), (r(3, 4), r(3, 4)), {0: [0], 1: [0]}, 9),
    ("masked_fill", Fn(lambda x: x.masked_fill(x < 0, -9.0)), (r(3, 4),), {0: [0]}, 9),
    ("math", Fn(lambda x: x.exp() + x.abs().sqrt() + x.sin() * x.cos() + (x.abs() + 1).log()), (r(3, 4),), {0: [0]}, 9),
    ("power", Fn(lambda x: x ** 2 + x.abs() ** 0.5 + 2 ** x), (r(3, 4),), {0: [0]}, 9),
    ("round", Fn(lambda x: (x * 3).floor() + (x * 3).ceil() + (x * 3).round()), (r(3, 4),), {0: [0]}, 11),
    ("remainder", Fn(lambda x: torch.remainder(x * 5, 2) + torch.fmod(x * 5, 2)), (r(3, 4),), {0: [0]}, 10),
    ("erf", Fn(torch.erf), (r(3, 4),), {0: [0]}, 9),
    ("clamp", Fn(lambda x: x.clamp(-0.3, 0.4) + x.clamp(min=0)), (r(3, 4),), {0: [0]}, 9),
    ("sum_mean", Fn(lambda x: x.sum(1) + x.mean((0, 1))), (r(4, 3, 4),), {}, 9),
    ("var_std", Fn(lambda x: x.var(1) + x.std(1, unbiased=False)), (r(3, 5),), {0: [0]}, 9),
    ("norm", Fn(lambda x: x.norm(2, 1) + x.norm(1, 1)), (r(3, 5),), {0: [0]}, 9),
    ("normalize", Fn(lambda x: F.normalize(x, dim=1)), (r(3, 5),), {0: [0]}, 9),
    ("argmax", Fn(lambda x: (x.argmax(1), x.argmin(0))), (r(3, 5),), {0: [0]}, 9),
    ("max_dim", Fn(lambda x: x.max(1)), (r(3, 5),), {0: [0]}, 10),
    ("topk", Fn(lambda x: x.topk(2, 1)), (r(3, 5),), {0: [0]}, 10),
    ("sort", Fn(lambda x: x.sort(1)), (r(3, 5),), {}, 10),
    ("cumsum", Fn(lambda x: x.cumsum(1)), (r(3, 5),), {0: [0, 1]}, 11),
    ("logsumexp", Fn(lambda x: x.logsumexp(1)), (r(3, 5),), {0: [0]}, 9),
    ("prod_any", Fn(lambda x: x.prod(1)), (r(3, 5),), {0: [0]}, 9),
    ("matmul", Fn(lambda x, y: x @ y), (r(2, 3, 4), r(4, 5)), {0: [0, 1]}, 9),
    ("bmm", Fn(torch.bmm), (r(2, 3, 4), r(2, 4, 5)), {0: [1]}, 9),
    ("addmm", Fn(lambda a, x, y: torch.addmm(a, x, y, beta=0.5, alpha=2)), (r(3, 5), r(3, 4), r(4, 5)), {}, 9),
    ("einsum", Fn(lambda x, y: torch.einsum("bij,bkj->bik", x, y)), (r(2, 3, 4), r(2, 5, 4)), {0: [0], 1: [0]}, 12),
    ("outer", Fn(lambda x, y: torch.einsum("i,j->ij", x, y)), (r(3), r(4)), {0: [0]}, 12),
    ("reshape", Fn(lambda x: x.reshape(x.shape[0], -1)), (r(2, 3, 4),), {0: [0]}, 9),
    ("view", Fn(lambda x: x.view(-1, 2).t()), (r(2, 3, 4),), {0: [0]}, 9),
    ("permute", Fn(lambda x: x.permute(2, 0, 1)), (r(2, 3, 4),), {0: [0, 1]}, 9),
    ("transpose_negative", Fn(lambda x: x.transpose(-2, -1)), (r(2, 3, 4, 5),), {0: [0]}, 9),
    ("squeeze", Fn(lambda x: x.squeeze(1).unsqueeze(-1)), (r(2, 1, 4),), {0: [0]}, 9),
    ("flatten", nn.Flatten(), (r(2, 3, 4),), {0: [0]}, 9),
    ("cat", Fn(lambda x, y: torch.cat((x, y, x), 1)), (r(2, 3), r(2, 2)), {0: [0], 1: [0]}, 9),
    ("stack", Fn(lambda x, y: torch.stack((x, y), -1)), (r(2, 3), r(2, 3)), {}, 9),
    ("split", Fn(lambda x: x.split(2, 1)), (r(2, 6),), {0: [0]}, 9),
    ("chunk", Fn(lambda x: x.chunk(3, 1)), (r(2, 6),), {0: [0]}, 9),
    ("slice", Fn(lambda x: x[:, 1:-1, ::2]), (r(2, 5, 6),), {0: [0, 1]}, 10),
    ("index", Fn(lambda x: x[:, [2, 0], -1]), (r(2, 3, 4),), {0: [0]}, 9),
    ("index_tensor", Fn(lambda x, i: x[i]), (r(5, 3), ints(5, 4)), {0: [0]}, 9),
    ("index_put", Fn(put), (r(5, 3), torch.tensor([4, 1])), {}, 11),
    ("gather", Fn(lambda x, i: x.gather(1, i)), (r(3, 5), ints(5, 3, 2)), {0: [0]}, 11),
    ("scatter", Fn(lambda x, i, y: x.scatter(1, i, y)), (r(3, 5), torch.tensor([[1, 0], [3, 4], [2, 0]]), r(3, 2)), {}, 11),
    ("scatter_more", Fn(lambda x, i, y: x.scatter(1, i, y)), (r(3, 5), torch.tensor([[1, 0], [3, 4]]), r(3, 4)), {}, 11),
    ("index_select", Fn(lambda x, i: x.index_select(1, i)), (r(3, 5), torch.tensor([0, 4, 2])), {0: [0]}, 9),
    ("masked_select", Fn(lambda x: x.masked_select(x > 0)), (r(3, 4),), {0: [0]}, 11),
    ("nonzero", Fn(lambda x: (x > 0).nonzero()), (r(3, 4),), {0: [0]}, 9),
    ("expand", Fn(lambda x, y: x.expand_as(y) + 0), (r(3, 1), r(3, 4)), {1: [1]}, 9),
    ("repeat", Fn(lambda x: x.repeat(2, 1, 3)), (r(2, 3, 1),), {0: [0]}, 9),
    ("tile_interleave", Fn(lambda x: x.repeat_interleave(2, 1)), (r(2, 3),), {}, 11),
    ("flip_roll", Fn(lambda x: x.flip(1) + x.roll(1, 0)), (r(3, 4),), {}, 10),
    ("triu", Fn(lambda x: x.triu(1) + x.tril(-1)), (r(4, 4),), {}, 14),
    ("one_hot", Fn(lambda i: F.one_hot(i, 5)), (ints(5, 3),), {0: [0]}, 9),
    ("arange", Fn(lambda x: x + torch.arange(x.shape[1], dtype=x.dtype)), (r(2, 4),), {0: [0, 1]}, 11),
    ("zeros_like", Fn(lambda x: torch.zeros_like(x) + torch.full_like(x, 2) + torch.ones(x.shape[0], 1)), (r(2, 4),),
     {0: [0]}, 9),
    ("pad", Fn(lambda x: F.pad(x, (1, 2, 0, 1), value=0.5)), (r(1, 2, 3, 4),), {0: [0, 3]}, 9),
    ("pad_reflect", nn.ReflectionPad2d(1), (r(1, 2, 4, 4),), {0: [0, 2]}, 9),
    ("pad_replicate", nn.ReplicationPad2d((1, 0, 2, 1)), (r(1, 2, 4, 4),), {0: [0]}, 9),
    ("upsample_nearest", nn.Upsample(scale_factor=2), (r(1, 2, 3, 4),), {0: [0, 2]}, 9),
    ("upsample_bilinear", nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False), (r(1, 2, 3, 4),), {0: [0]}, 11),
    ("upsample_corners", nn.Upsample(size=(7, 5), mode="bilinear", align_corners=True), (r(1, 2, 3, 4),), {0: [0]}, 11),
    ("upsample_bicubic", nn.Upsample(size=(7, 5), mode="bicubic"), (r(1, 2, 3, 4),), {0: [0]}, 11),
    ("pixel_shuffle", nn.PixelShuffle(2), (r(1, 8, 3, 3),), {0: [0]}, 9),
    ("pixel_unshuffle", nn.PixelUnshuffle(2), (r(1, 2, 4, 6),), {}, 9),
    ("unfold", Fn(lambda x: x.unfold(1, 3, 1)), (r(2, 6),), {0: [0]}, 9),
    ("im2col", nn.Unfold(2), (r(1, 2, 4, 4),), {}, 11),
    ("grid_sample", Fn(lambda x, g: F.grid_sample(x, g, align_corners=False)), (r(1, 2, 4, 4), r(1, 3, 3, 2)), {0: [0], 1: [0]}, 16),
    ("cosine", Fn(lambda x, y: F.cosine_similarity(x, y)), (r(3, 4), r(3, 4)), {0: [0], 1: [0]}, 9),
    ("pairwise", Fn(lambda x, y: F.pairwise_distance(x, y)), (r(3, 4), r(3, 4)), {}, 9),
    ("cdist", Fn(lambda x, y: torch.cdist(x, y)), (r(1, 3, 4), r(1, 5, 4)), {}, 9),
    ("mse", Fn(lambda x, y: F.mse_loss(x, y)), (r(3, 4), r(3, 4)), {0: [0], 1: [0]}, 9),
    ("cross_entropy", Fn(lambda x, y: F.cross_entropy(x, y)), (r(3, 4), ints(4, 3)), {}, 12),
    ("cast", Fn(lambda x: (x * 9).to(torch.int32).to(torch.float32) + (x > 0).to(torch.int64)), (r(3, 4),), {0: [0]}, 9),
    ("integers", Fn(lambda x, y: x * y + x // 3 - (y % 2)), (ints(9, 3, 4), ints(9, 3, 4)), {0: [0], 1: [0]}, 10),
    ("logic", Fn(lambda x, y: ((x > 0) & (y > 0)) | ~(x > y)), (r(3, 4), r(3, 4)), {0: [0], 1: [0]}, 9),
    ("loop", Fn(halved), (r(3, 4),), {0: [0]}, 11),
    ("branch", Fn(signed), (r(3, 4),), {0: [0]}, 11),
    ("stft", Fn(lambda x: torch.stft(x, 8, 4, window=torch.hann_window(8), return_complex=False)), (r(1, 32),), {}, 17),
    ("dropout", nn.Dropout(0.3).eval(), (r(3, 4),), {0: [0]}, 9),
    ("dict_of_sizes", Fn(lambda x: x.new_tensor([1.0, 2.0]) * x.size(0) + x.numel()), (r(3, 4),), {0: [0]}, 9),
] + ROWS

HALF = {"linear", "mlp", "conv", "conv_groups", "conv1d", "residual", "layer_norm", "max_pool", "avg_pool", "attention",
        "softmax", "log_softmax", "activations", "silu_mish", "add_broadcast", "where", "masked_fill", "math", "power",
        "clamp", "sum_mean", "argmax", "topk", "matmul", "bmm", "einsum", "reshape", "permute", "transpose_negative", "cat",
        "split", "slice", "index", "gather", "expand", "pad", "normalize", "rotary", "cumsum", "upsample_nearest", "trig",
        "logs", "nan_to_num", "shrinks", "extrema", "lerp", "promotion", "baddbmm", "einsum_four", "index_mask", "set_mask",
        "scatter_reduce", "arange_grid", "causal_buffer", "windows", "rms_norm", "rms_norm_layer", "layer_norm_plain",
        "group_norm", "instance_norm", "batch_norm_3d", "gru_bi", "lstm", "decoder", "sdpa", "sdpa_causal", "sdpa_float",
        "conv_transpose1d", "gated", "swish_block", "bilinear_down", "median", "norms", "unique", "cross_entropy_smooth",
        "fake_quantize", "local_response", "multihead_masked", "adaptive_pool", "max_pool3d", "cond", "double"}


def arrays(y):
    if isinstance(y, (tuple, list)):
        return [a for part in y for a in arrays(part)]
    return [y.detach().numpy()]


def half(v):
    return v.half() if isinstance(v, torch.Tensor) and v.is_floating_point() else v


def export(cases, name, module, inputs, axes, opset, newer=False):
    path = cases.begin(name)
    try:
        with torch.no_grad():
            want = arrays(module(*inputs))
            names = ["in%d" % i for i in range(len(inputs))]
            dynamic = {names[i]: {a: "d%d_%d" % (i, a) for a in v} for i, v in axes.items()}
            more = {"dynamo": newer} if "dynamo" in inspect.signature(torch.onnx.export).parameters else {}
            if newer and dynamic:
                more["dynamic_shapes"] = tuple({a: torch.export.Dim.AUTO for a in axes.get(i, [])} for i in range(len(inputs)))
                dynamic = {}
            kept = tuple(x.clone() for x in inputs)
            torch.onnx.export(module, kept, path, input_names=names, opset_version=opset,
                              **({"dynamic_axes": dynamic} if dynamic else {}), **more)
    except Exception as e:  # what the exporter itself cannot do says nothing about us
        return cases.skip(name, e)
    cases.data(name, [x.numpy() for x in inputs], want)


def half_of(name, module, inputs):
    """The module and its inputs in float16, or None: not one of those, or this PyTorch has no such kernels for CPUs."""
    if name not in HALF:
        return None
    try:
        low, few = copy.deepcopy(module).half(), tuple(half(x) for x in inputs)
        low(*few)
        return low, few
    except Exception:
        return None


def older(cases, i, row, newest):
    name, module, inputs, axes, lowest = row
    sets = [s for s in (9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 20) if lowest <= s <= newest]
    if not sets:
        return cases.skip(name, "needs operator set %d, this exporter has %d" % (lowest, newest))
    export(cases, "%s_%s_%d" % (PREFIX, name, sets[i % len(sets)]), module, inputs, {}, sets[i % len(sets)])
    if axes:
        export(cases, "%s_%s_%d_named" % (PREFIX, name, sets[-1]), module, inputs, axes, sets[-1])
    low = half_of(name, module, inputs)
    if low:
        export(cases, "%s_%s_%d_half" % (PREFIX, name, sets[-1]), *low, axes, sets[-1])


def newer(cases, i, row):
    name, module, inputs, axes, _ = row
    export(cases, "%s_%s_new" % (PREFIX, name), module, inputs, {}, (18, 21, 23, 25)[i % 4], True)
    if axes:
        export(cases, "%s_%s_new_named" % (PREFIX, name), module, inputs, axes, 20 if i % 2 else 24, True)
    low = half_of(name, module, inputs)
    if low:
        export(cases, "%s_%s_new_half" % (PREFIX, name), *low, {}, 23, True)


def main():
    cases = Cases(sys.argv[1])
    wanted = [(i, row) for i, row in enumerate(MODULES) if len(sys.argv) < 3 or any(w in row[0] for w in sys.argv[2:])]
    newest = max(getattr(torch.onnx, "_constants", None) and [torch.onnx._constants.ONNX_MAX_OPSET] or [16])
    for _, row in wanted:
        row[1].eval() if isinstance(row[1], nn.Module) else None
    for i, row in wanted:
        older(cases, i, row, newest)
    if "dynamo" in inspect.signature(torch.onnx.export).parameters:
        for i, row in wanted:
            newer(cases, i, row)
    else:
        print("skipped: the newer exporter, which PyTorch %s does not have" % torch.__version__)
    cases.end("PyTorch %s" % torch.__version__)


main()
