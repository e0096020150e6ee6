#!/usr/bin/python3
# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
"""Exports the networks of the benchmark to ONNX with Debian's python3-torch and python3-torchvision: seeded random
weights, batch normalisation calibrated so that activations stay in range. Skips what is already there.

usage: export_models.py FOLDER [NAME]...
"""
import math
import os
import sys
import warnings

import torch
import torch.nn as nn
import torchvision

warnings.filterwarnings("ignore")
OPSET = 17


class Attention(nn.Module):
    """Multi-head attention; with `past` the keys and values of earlier tokens come in and go out."""

    def __init__(self, width, heads, causal=False):
        super().__init__()
        self.heads, self.size, self.causal = heads, width // heads, causal
        self.q, self.k, self.v, self.o = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x, past_key=None, past_value=None):
        batch, tokens, width = x.shape
        q, k, v = (f(x).reshape(batch, tokens, self.heads, self.size).permute(0, 2, 1, 3) for f in (self.q, self.k, self.v))
        if past_key is not None:
            k, v = torch.cat([past_key, k], 2), torch.cat([past_value, v], 2)
        scores = torch.matmul(q, k.transpose(2, 3)) / math.sqrt(self.size)
        if self.causal:
            total = k.shape[2]
            mask = torch.ones(tokens, total, dtype=torch.bool).tril(total - tokens)
            scores = scores.masked_fill(~mask, -1e9)
        y = torch.matmul(torch.softmax(scores, -1), v).permute(0, 2, 1, 3).reshape(batch, tokens, width)
        return self.o(y), k, v


class EncoderLayer(nn.Module):
    def __init__(self, width=768, heads=12, inner=3072):
        super().__init__()
        self.a, self.n1, self.n2 = Attention(width, heads), nn.LayerNorm(width), nn.LayerNorm(width)
        self.f1, self.f2 = nn.Linear(width, inner), nn.Linear(inner, width)

    def forward(self, x):
        x = self.n1(x + self.a(x)[0])
        return self.n2(x + self.f2(nn.functional.gelu(self.f1(x))))


class Bert(nn.Module):
    def __init__(self, layers=12):
        super().__init__()
        self.layers = nn.ModuleList([EncoderLayer() for _ in range(layers)])

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


class DecoderLayer(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.a, self.n1, self.n2 = Attention(width, heads, causal=True), nn.LayerNorm(width), nn.LayerNorm(width)
        self.f1, self.f2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x, past_key, past_value):
        y, key, value = self.a(self.n1(x), past_key, past_value)
        x = x + y
        return x + self.f2(nn.functional.gelu(self.f1(self.n2(x)), approximate="tanh")), key, value


class Gpt2(nn.Module):
    """GPT-2 shaped: 12 layers of 768, a vocabulary of 50257, past keys and values as inputs and outputs."""

    def __init__(self, layers=12, width=768, heads=12, vocabulary=50257, positions=1024):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(vocabulary, width), nn.Embedding(positions, width)
        self.layers = nn.ModuleList([DecoderLayer(width, heads) for _ in range(layers)])
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, vocabulary, bias=False)

    def forward(self, ids, *past):
        first = past[0].shape[2]
        x = self.tokens(ids) + self.positions(torch.arange(first, first + ids.shape[1]))
        out = []
        for i, layer in enumerate(self.layers):
            x, key, value = layer(x, past[2 * i], past[2 * i + 1])
            out += [key, value]
        return (self.head(self.norm(x)), *out)


def calibrate(model, shape):
    norms = [k for k in model.modules() if isinstance(k, nn.BatchNorm2d)]
    for k in norms:
        k.momentum = 1.0
    if norms:
        model.train()
        with torch.no_grad():
            model(torch.randn(8, *shape[1:]))
        model.eval()
    for name, p in model.named_parameters():
        if "layer_scale" in name:
            p.data.fill_(0.2)
    head = getattr(getattr(model, "heads", None), "head", None)
    if isinstance(head, nn.Linear):
        nn.init.normal_(head.weight, 0, 0.02)


tv = torchvision.models
IMAGE = (1, 3, 224, 224)
VISION = {
    "resnet50": tv.resnet50,
    "mobilenet_v3_large": tv.mobilenet_v3_large,
    "shufflenet_v2_x1_0": tv.shufflenet_v2_x1_0,
    "squeezenet1_1": tv.squeezenet1_1,
    "efficientnet_b0": tv.efficientnet_b0,
    "convnext_tiny": tv.convnext_tiny,
    "vit_b_16": tv.vit_b_16,
    "swin_t": tv.swin_t,
}


def export(name, path):
    torch.manual_seed(1234)
    if name in VISION:
        model, args, inputs, outputs, axes = VISION[name](weights=None).eval(), (torch.randn(IMAGE),), ["input"], ["output"], {}
        calibrate(model, IMAGE)
    elif name == "bert_base":
        model, args, inputs, outputs = Bert().eval(), (torch.randn(1, 128, 768),), ["input"], ["output"]
        axes = {"input": {0: "batch", 1: "sequence"}, "output": {0: "batch", 1: "sequence"}}
    else:
        model = Gpt2().eval()
        args = (torch.zeros(1, 1, dtype=torch.int64), *[torch.zeros(1, 12, 16, 64) for _ in range(24)])
        names = [f"{kind}.{i}" for i in range(12) for kind in ("key", "value")]
        inputs, outputs = ["input_ids"] + ["past_" + n for n in names], ["logits"] + ["present_" + n for n in names]
        axes = {"input_ids": {0: "batch", 1: "sequence"}}
        axes.update({"past_" + n: {0: "batch", 2: "past"} for n in names})
        axes.update({"present_" + n: {0: "batch", 2: "total"} for n in names})
    for p in model.parameters():  # keeps the exporter from folding weights into constants of another layout
        p.requires_grad_(True)
    torch.onnx.export(model, args, path + ".part", opset_version=OPSET, input_names=inputs, output_names=outputs,
                      dynamic_axes=axes, do_constant_folding=True)
    os.rename(path + ".part", path)


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    torch.set_num_threads(2)
    for name in sys.argv[2:] or [*VISION, "bert_base", "gpt2"]:
        path = os.path.join(folder, name + ".onnx")
        if not os.path.exists(path):
            print("exporting", name, flush=True)
            export(name, path)


main()
