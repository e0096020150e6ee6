# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
"""torch_modules_more.py - the rarer modules and functions, as rows for torch_modules.py: what is seldom used is what
exporters write oddly. A row whose function this PyTorch does not have is left out by a lambda that fails in PyTorch."""
import torch
import torch.nn as nn
import torch.nn.functional as F


class Fn(nn.Module):
    def __init__(self, fn):
        super().__init__()
        self.fn = fn

    def forward(self, *x):
        return self.fn(*x)


def r(*shape):
    return torch.rand(*shape) * 2 - 1


def ints(high, *shape):
    return torch.randint(0, high, shape)


class Named(nn.Module):
    """A module of modules that forward() receives: what a lambda's closure would hide from the exporter."""

    def __init__(self, fn, *parts):
        super().__init__()
        self.fn, self.parts = fn, nn.ModuleList(parts)

    def forward(self, *x):
        return self.fn(self.parts, *x)


class Buffer(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("mask", torch.tril(torch.ones(16, 16, dtype=torch.bool)))

    def forward(self, x):
        n = x.shape[-1]
        return x.masked_fill(~self.mask[:n, :n], float("-inf")).softmax(-1)


class Switch(nn.Module):
    def forward(self, x):
        return torch.cond(x.sum() > 0, lambda y: y + 1, lambda y: y * 2 - 1, (x,))


def set_slice(x):
    y = x.clone()
    y[:, 1:3] = 0
    y[..., -1] += 2
    return y


def set_mask(x):
    y = x.clone()
    y[y < 0] = 0.25
    return y


def windows(x):  # Swin's
    b, h, w, c = x.shape
    x = torch.roll(x, (-1, -1), (1, 2)).view(b, h // 2, 2, w // 2, 2, c)
    return x.permute(0, 1, 3, 2, 4, 5).reshape(-1, 4, c)


def buckets(n):  # T5's relative positions
    d = torch.arange(n)[None, :] - torch.arange(n)[:, None]
    near, far = d.abs(), 4 + (torch.log(d.abs().float() / 4 + 1e-6) / 3 * 4).to(torch.long)
    return torch.where(near < 4, near, torch.min(far, torch.full_like(far, 7))) + (d > 0).to(torch.long) * 8


def heads(x, n):
    return x.view(x.shape[0], x.shape[1], n, -1).transpose(1, 2)


D = {0: [0]}
ROWS = [
    # functions of one number
    ("trig", Fn(lambda x: torch.tan(x) + torch.asin(x) + torch.acos(x) + torch.atan(x)), (r(3, 4),), D, 9),
    ("hyperbolic", Fn(lambda x: torch.sinh(x) + torch.cosh(x) + torch.asinh(x) + torch.atanh(x * 0.9)), (r(3, 4),), D, 9),
    ("acosh", Fn(lambda x: torch.acosh(x.abs() + 1)), (r(3, 4),), D, 9),
    ("logs", Fn(lambda x: torch.log2(x.abs() + 1) + torch.log10(x.abs() + 2) + torch.log1p(x.abs())), (r(3, 4),), D, 9),
    ("exps", Fn(lambda x: torch.exp2(x) + torch.expm1(x) + torch.rsqrt(x.abs() + 1) + torch.reciprocal(x + 2)), (r(3, 4),), D, 9),
    ("signs", Fn(lambda x: torch.sign(x) + torch.frac(x * 3) + torch.trunc(x * 3)), (r(3, 4),), D, 9),
    ("copysign", Fn(lambda x, y: torch.copysign(x, y) + torch.signbit(y).float()), (r(3, 4), r(3, 4)), {}, 13),
    ("round_decimals", Fn(lambda x: torch.round(x * 31, decimals=1)), (r(3, 4),), D, 11),
    ("sinc_erfc", Fn(lambda x: torch.sinc(x) + torch.erfc(x) + torch.special.expit(x)), (r(3, 4),), D, 13),
    ("logit", Fn(lambda x: torch.logit(x.abs() * 0.9 + 0.05)), (r(3, 4),), D, 9),
    ("nan_to_num", Fn(lambda x: torch.nan_to_num(torch.log(x), nan=0.5, neginf=-3.0)), (r(3, 4),), D, 13),
    ("isnan_isinf", Fn(lambda x: (torch.isnan(torch.sqrt(x)), torch.isinf(x / 0), torch.isfinite(x))), (r(3, 4),), D, 10),
    ("angle", Fn(lambda x: torch.deg2rad(x * 90) + torch.rad2deg(x)), (r(3, 4),), D, 9),
    ("shrinks", Fn(lambda x: F.hardshrink(x) + F.softshrink(x, 0.2) + F.tanhshrink(x)), (r(3, 4),), D, 9),
    ("sofsign_logsigmoid", Fn(lambda x: F.softsign(x) + F.logsigmoid(x) + F.threshold(x, 0.1, 2.0)), (r(3, 4),), D, 9),
    ("softplus_beta", Fn(lambda x: F.softplus(x, beta=2.0)), (r(3, 4),), D, 9),
    ("gelu_tanh", nn.GELU(approximate="tanh"), (r(3, 4),), D, 9),
    ("rrelu", nn.RReLU().eval(), (r(3, 4),), D, 9),
    ("softmin_2d", nn.Sequential(nn.Softmin(1), nn.Softmax2d()), (r(2, 3, 4, 4),), D, 9),
    ("prelu_one", nn.PReLU(), (r(2, 3, 4),), D, 9),
    # of two and three
    ("atan2", Fn(lambda x, y: torch.atan2(x, y)), (r(3, 4), r(3, 4)), {}, 9),
    ("hypot", Fn(lambda x, y: torch.hypot(x, y)), (r(3, 4), r(3, 4)), {}, 9),
    ("logaddexp", Fn(lambda x, y: torch.logaddexp(x, y)), (r(3, 4), r(3, 4)), {}, 9),
    ("xlogy", Fn(lambda x, y: torch.xlogy(x, y.abs() + 1)), (r(3, 4), r(3, 4)), {}, 9),
    ("extrema", Fn(lambda x, y: torch.maximum(x, y) - torch.minimum(x, y)), (r(3, 4), r(4)), D, 12),
    ("lerp", Fn(lambda x, y: torch.lerp(x, y, 0.3)), (r(3, 4), r(3, 4)), {}, 9),
    ("addcmul", Fn(lambda a, x, y: torch.addcmul(a, x, y, value=0.5) + torch.addcdiv(a, x, y + 2)), (r(3), r(2, 3), r(3)), {}, 9),
    ("floor_divide", Fn(lambda x, y: torch.div(x, y, rounding_mode="floor") + torch.div(x, y, rounding_mode="trunc")),
     (r(3, 4) * 9, r(3, 4) + 2), {}, 9),
    ("integer_divide", Fn(lambda x, y: (x - 4) // (y + 1) + torch.div(x - 4, y + 1, rounding_mode="trunc")), (ints(9, 3, 4), ints(3, 3, 4)), {}, 9),
    ("true_divide", Fn(lambda x, y: x / (y + 1)), (ints(9, 3, 4), ints(3, 3, 4)), {}, 9),
    ("remainder_int", Fn(lambda x: (x - 4) % 3 + torch.fmod(x - 4, 3)), (ints(9, 3, 4),), D, 10),
    ("bits", Fn(lambda x, y: (x & y) | (x ^ 3) + ~y), (ints(9, 3, 4), ints(9, 3, 4)), {}, 18),
    ("shifts", Fn(lambda x: (x << 2) + (x >> 1)), (ints(99, 3, 4),), D, 11),
    ("power_int", Fn(lambda x: x ** 2 + torch.pow(2, x)), (ints(5, 3, 4),), D, 13),
    ("promotion", Fn(lambda x, i: x * i + i * 2.5 + (i > 2)), (r(3, 4), ints(5, 3, 4)), {}, 9),
    ("double", Fn(lambda x: (x.double() * 1e-3 + 1).log().float()), (r(3, 4),), D, 13),
    ("bytes", Fn(lambda x: x.permute(2, 0, 1).float() / 255 - 0.5), (ints(256, 4, 5, 3).to(torch.uint8),), D, 9),
    ("small_ints", Fn(lambda x: (x.to(torch.int8) + 1).to(torch.int16) * 3), (ints(9, 3, 4),), D, 13),
    ("clamp_tensors", Fn(lambda x, a, b: torch.clamp(x, a, b)), (r(3, 4), r(4) - 1, r(4) + 1), {}, 12),
    ("logical", Fn(lambda x, y: torch.logical_xor(x > 0, y > 0) & torch.logical_not(x > y)), (r(3, 4), r(3, 4)), {}, 9),
    ("isclose", Fn(lambda x, y: torch.isclose(x, x + y * 1e-6)), (r(3, 4), r(3, 4)), {}, 9),
    ("where_scalars", Fn(lambda x: torch.where(x > 0, 1.0, -1.0) * x), (r(3, 4),), D, 9),
    # reductions
    ("any_all", Fn(lambda x: ((x > 0).any(1), (x > -2).all(0), (x > 0).any())), (r(3, 4),), {}, 9),
    ("bool_sum", Fn(lambda x: ((x > 0).sum(1), (x > 0).sum())), (r(3, 4),), D, 9),
    ("min_max_all", Fn(lambda x: (x.min(), x.max(), x.min(1))), (r(3, 4),), D, 10),
    ("aminmax", Fn(lambda x: torch.aminmax(x, dim=1)), (r(3, 4),), D, 11),
    ("amin_keep", Fn(lambda x: x.amin((0, 2), keepdim=True)), (r(3, 4, 2),), D, 9),
    ("std_mean", Fn(lambda x: torch.std_mean(x, 1) + torch.var_mean(x, (0, 1))), (r(3, 4),), {}, 9),
    ("median", Fn(lambda x: x.median(1)[0]), (r(3, 5),), {}, 10),
    ("kthvalue", Fn(lambda x: x.kthvalue(2, 1)[0]), (r(3, 5),), {}, 10),
    ("quantile", Fn(lambda x: x.quantile(0.3, 1)), (r(3, 5),), {}, 11),
    ("count_nonzero", Fn(lambda x: torch.count_nonzero(F.relu(x), 1)), (r(3, 5),), D, 13),
    ("norms", Fn(lambda x: (torch.linalg.norm(x), torch.linalg.vector_norm(x, 3, 1), x.norm(float("inf"), 1))), (r(3, 5),), D, 9),
    ("frobenius", Fn(lambda x: torch.linalg.matrix_norm(x)), (r(2, 3, 5),), D, 9),
    ("cumulative", Fn(lambda x: (x.cumprod(1), x.cumsum(-1, dtype=torch.float64))), (r(3, 4),), {}, 11),
    ("logcumsumexp", Fn(lambda x: x.logcumsumexp(1)), (r(3, 4),), {}, 13),
    ("cummax", Fn(lambda x: x.cummax(1)[0]), (r(3, 4),), {}, 13),
    ("diff", Fn(lambda x: torch.diff(x, dim=1)), (r(3, 5),), D, 11),
    ("argsort", Fn(lambda x: x.argsort(1, descending=True)), (r(3, 5),), {}, 10),
    ("stable_sort", Fn(lambda x: torch.sort(x, dim=1, stable=True)), (ints(3, 3, 6),), {}, 11),
    ("topk_small", Fn(lambda x: x.topk(2, 0, largest=False)), (r(5, 3),), {}, 11),
    ("sum_integers", Fn(lambda x: (x.sum(1), x.prod(0), x.max(1)[0])), (ints(5, 3, 4),), {}, 12),
    ("mean_all", Fn(lambda x: (x.mean(), x.sum(), x.mean(-1, keepdim=True))), (r(3, 4),), D, 9),
    ("argmax_flat", Fn(lambda x: (x.argmax(), x.argmax(1, keepdim=True))), (r(3, 4),), D, 9),
    # products
    ("dots", Fn(lambda m, v: (m @ v, torch.dot(v, v), torch.mv(m, v), v @ m.t())), (r(3, 4), r(4)), {}, 9),
    ("matmul_1d_batch", Fn(lambda v, m: v @ m), (r(3), r(2, 3, 4)), {1: [0]}, 9),
    ("baddbmm", Fn(lambda a, x, y: torch.baddbmm(a, x, y, beta=0.5, alpha=2)), (r(2, 3, 5), r(2, 3, 4), r(2, 4, 5)), {}, 9),
    ("tensordot", Fn(lambda x, y: torch.tensordot(x, y, dims=([1, 2], [1, 0]))), (r(2, 3, 4), r(4, 3, 5)), {}, 9),
    ("kron", Fn(torch.kron), (r(2, 3), r(3, 2)), {}, 13),
    ("cross", Fn(lambda x, y: torch.linalg.cross(x, y)), (r(2, 3), r(2, 3)), {}, 9),
    ("outer_trace", Fn(lambda x, y: (torch.outer(x, y), torch.outer(x, x).trace())), (r(3), r(4)), {}, 12),
    ("einsum_four", Fn(lambda x, y: torch.einsum("bhid,bhjd->bhij", x, y)), (r(2, 2, 3, 4), r(2, 2, 5, 4)), D, 12),
    ("einsum_dots", Fn(lambda x, y: torch.einsum("...ij,jk->...ik", x, y)), (r(2, 2, 3, 4), r(4, 5)), D, 12),
    ("einsum_diagonal", Fn(lambda x: torch.einsum("bii->bi", x)), (r(2, 3, 3),), D, 12),
    ("bilinear", nn.Bilinear(3, 4, 2), (r(5, 3), r(5, 4)), {}, 12),
    ("det_inverse", Fn(lambda x: (torch.det(x), torch.inverse(x + 3 * torch.eye(3)))), (r(2, 3, 3),), {}, 11),
    ("linear_no_bias_3d", nn.Linear(4, 5, bias=False), (r(2, 3, 4),), {0: [0, 1]}, 9),
    # movement
    ("take", Fn(lambda x, i: (torch.take(x, i), torch.take_along_dim(x, i[:, :2], 1))), (r(3, 4), ints(4, 3, 3)), {}, 11),
    ("index_two", Fn(lambda x, i, j: x[i, j]), (r(4, 5, 2), ints(4, 3), ints(5, 3)), {}, 9),
    ("index_apart", Fn(lambda x, i, j: x[i, :, j]), (r(4, 2, 5), ints(4, 3), ints(5, 3)), {}, 9),
    ("index_mask", Fn(lambda x: x[x > 0]), (r(3, 4),), D, 9),
    ("index_mask_rows", Fn(lambda x: x[x[:, 0] > -0.9, 1:]), (r(4, 3),), D, 9),
    ("index_none", Fn(lambda x: x[:, None, ..., -1:]), (r(3, 4, 2),), D, 10),
    ("index_negative", Fn(lambda x: x[:, -2:][:, [-1, 0]]), (r(3, 4),), D, 10),
    ("set_slice", Fn(set_slice), (r(3, 4),), {}, 11),
    ("set_mask", Fn(set_mask), (r(3, 4),), {}, 11),
    ("index_add", Fn(lambda x, i, y: torch.index_add(x, 0, i, y)), (r(5, 3), ints(5, 4), r(4, 3)), {}, 16),
    ("index_copy", Fn(lambda x, i, y: torch.index_copy(x, 0, i, y)), (r(5, 3), torch.tensor([4, 1]), r(2, 3)), {}, 11),
    ("index_fill", Fn(lambda x, i: torch.index_fill(x, 1, i, 9.0)), (r(2, 5), torch.tensor([0, 3])), {}, 11),
    ("scatter_add", Fn(lambda x, i, y: x.scatter_add(1, i, y)), (r(3, 5), ints(5, 3, 2), r(3, 2)), {}, 16),
    ("scatter_value", Fn(lambda x, i: x.scatter(1, i, 7.0)), (r(3, 5), ints(5, 3, 1)), {}, 11),
    ("scatter_reduce", Fn(lambda x, i, y: x.scatter_reduce(1, i, y, "amax")), (r(3, 5), ints(5, 3, 4), r(3, 4)), {}, 18),
    ("scatter_product", Fn(lambda x, i, y: x.scatter_reduce(0, i, y, "prod")), (r(3, 5), ints(3, 4, 5), r(4, 5)), {}, 18),
    ("masked_scatter", Fn(lambda x, y: x.masked_scatter(x > 0, y)), (r(3, 4), r(12)), {}, 11),
    ("meshgrid", Fn(lambda x, y: torch.stack(torch.meshgrid(x, y, indexing="ij"), -1)), (r(3), r(4)), {0: [0], 1: [0]}, 9),
    ("linspace", Fn(lambda x: x + torch.linspace(0, 1, 4)), (r(3, 4),), D, 11),
    ("arange_grid", Fn(lambda x: x + torch.arange(x.shape[2]).view(1, -1) * 0.5 + torch.arange(x.shape[1])[:, None]),
     (r(2, 3, 4),), {0: [1, 2]}, 11),
    ("tril_mask", Fn(lambda x: x.masked_fill(torch.ones_like(x).triu(1).bool(), -1e9)), (r(4, 4),), {0: [0, 1]}, 14),
    ("causal_buffer", Buffer(), (r(2, 5, 5),), {0: [0, 1, 2]}, 9),
    ("diagonal", Fn(lambda x: (x.diagonal(0, 1, 2), torch.diagonal(x, 1, 1, 2))), (r(2, 4, 5),), D, 11),
    ("eye", Fn(lambda x: x + torch.eye(4)), (r(4, 4),), {}, 9),
    ("diag_embed", Fn(lambda x: torch.diag_embed(x)), (r(2, 3),), {}, 11),
    ("rot90", Fn(lambda x: torch.rot90(x, 1, (1, 2))), (r(2, 3, 4),), {}, 10),
    ("movedim", Fn(lambda x: x.movedim(1, -1).swapaxes(0, 1)), (r(2, 3, 4),), D, 9),
    ("tensor_split", Fn(lambda x: torch.tensor_split(x, 3, 1)), (r(2, 7),), {}, 11),
    ("unbind", Fn(lambda x: torch.unbind(x, 1)), (r(2, 3, 4),), D, 9),
    ("narrow_select", Fn(lambda x: x.narrow(1, 1, 2) + x.select(1, 0).unsqueeze(1)), (r(2, 4, 3),), D, 10),
    ("split_sizes", Fn(lambda x: x.split([1, 3, 2], 1)), (r(2, 6),), D, 9),
    ("chunk_uneven", Fn(lambda x: x.chunk(3, 1)), (r(2, 7),), D, 9),
    ("squeeze_all", Fn(lambda x: x.squeeze()), (r(1, 3, 1, 4),), {}, 9),
    ("flatten_some", Fn(lambda x: x.flatten(1, 2).unflatten(1, (3, 4))), (r(2, 3, 4, 5),), D, 13),
    ("windows", Fn(windows), (r(1, 4, 6, 3),), {0: [0]}, 10),
    ("roll_two", Fn(lambda x: x.roll((1, -2), (0, 1)) + x.roll(3)), (r(3, 4),), {}, 10),
    ("channel_shuffle", nn.ChannelShuffle(2), (r(1, 4, 3, 3),), D, 9),
    ("repeat_tensor", Fn(lambda x, n: torch.repeat_interleave(x, n, 0)), (r(3, 2), torch.tensor([1, 0, 2])), {}, 13),
    ("tile", Fn(lambda x: torch.tile(x, (2, 2)) + x.repeat(1, 2, 2)), (r(1, 2, 3),), {}, 9),
    ("broadcast_to", Fn(lambda x: torch.broadcast_to(x, (3, 2, 4)) + 1), (r(2, 1),), {}, 9),
    ("expand_minus", Fn(lambda x: x.expand(-1, 3, -1) * 2), (r(2, 1, 4),), D, 9),
    ("cat_negative", Fn(lambda x, y: torch.cat([x, y], -1).hsplit(2)[0]), (r(2, 3), r(2, 3)), {}, 11),
    ("cat_empty", Fn(lambda x: torch.cat([x[:, :0], x, x[:, 4:]], 1)), (r(2, 4),), D, 10),
    ("constant_pad", nn.ConstantPad1d((2, -1), 3.0), (r(2, 3, 6),), D, 11),
    ("pad_circular", Fn(lambda x: F.pad(x, (1, 2, 2, 1), mode="circular")), (r(1, 2, 4, 5),), D, 11),
    ("pad_reflect_1d", nn.ReflectionPad1d((2, 1)), (r(1, 2, 5),), {0: [0, 2]}, 11),
    ("pad_replicate_3d", nn.ReplicationPad3d(1), (r(1, 2, 3, 3, 3),), D, 11),
    ("zero_dim", Fn(lambda x: x.sum().reshape(1) + x.flatten()[0]), (r(2, 3),), D, 9),
    ("unique", Fn(lambda x: torch.unique(x, return_inverse=True, return_counts=True)), (ints(4, 8),), {}, 11),
    ("unique_rows", Fn(lambda x: torch.unique(x, dim=0)), (ints(2, 6, 2),), {}, 11),
    ("isin", Fn(lambda x: torch.isin(x, torch.tensor([1, 3]))), (ints(5, 3, 4),), {}, 11),
    ("bucketize", Fn(lambda x: torch.bucketize(x, torch.tensor([-0.5, 0.0, 0.5]))), (r(3, 4),), D, 13),
    ("searchsorted", Fn(lambda x: torch.searchsorted(torch.tensor([-0.5, 0.0, 0.5]), x)), (r(3, 4),), {}, 13),
    ("histc", Fn(lambda x: torch.bincount(x, minlength=6)), (ints(5, 9),), {}, 13),
    ("new_zeros", Fn(lambda x: x.new_zeros(x.shape[0], 2) + x.new_full((1, 2), 3)), (r(3, 4),), D, 9),
    ("shape_arithmetic", Fn(lambda x: x.reshape(x.shape[0] * x.shape[1] // 2, -1) * (x.shape[2] ** 0.5)), (r(2, 4, 3),), {0: [0, 2]}, 9),
    ("buckets", Fn(lambda x: x + buckets(x.shape[1]).float()), (r(5, 5),), {0: [0, 1]}, 13),
    # layers
    ("conv_same", nn.Conv2d(3, 4, 4, padding="same", dilation=2), (r(1, 3, 8, 9),), {0: [0]}, 11),
    ("conv_circular", nn.Conv2d(3, 4, 3, padding=1, padding_mode="circular"), (r(1, 3, 6, 6),), D, 11),
    ("conv_reflect", nn.Conv1d(3, 4, 3, padding=1, padding_mode="reflect"), (r(1, 3, 8),), D, 11),
    ("conv_unbatched", nn.Conv2d(3, 4, 3), (r(3, 6, 6),), {}, 13),
    ("conv_no_bias_stride", nn.Conv1d(4, 6, 5, stride=3, padding=2, groups=2, bias=False), (r(2, 4, 17),), {0: [0, 2]}, 9),
    ("conv_transpose1d", nn.ConvTranspose1d(4, 6, 4, stride=2, padding=1, groups=2), (r(1, 4, 7),), {0: [0, 2]}, 9),
    ("conv_transpose3d", nn.ConvTranspose3d(2, 3, 2, stride=2, dilation=1), (r(1, 2, 3, 3, 3),), D, 9),
    ("conv_transpose_dilated", nn.ConvTranspose2d(2, 3, 3, dilation=2, padding=1), (r(1, 2, 5, 5),), D, 9),
    ("conv_weight_input", Fn(lambda x, w: F.conv2d(x, w, padding=1)), (r(1, 2, 5, 5), r(3, 2, 3, 3)), D, 9),
    ("batch_norm_3d", nn.BatchNorm3d(3, affine=False).eval(), (r(2, 3, 2, 3, 3),), D, 9),
    ("batch_norm_live", nn.BatchNorm2d(3, track_running_stats=False).eval(), (r(2, 3, 4, 4),), D, 9),
    ("instance_norm_1d", nn.InstanceNorm1d(3), (r(2, 3, 6),), {0: [0, 2]}, 9),
    ("instance_norm_stats", nn.InstanceNorm2d(3, track_running_stats=True).eval(), (r(2, 3, 4, 4),), D, 9),
    ("layer_norm_2d", nn.LayerNorm((4, 5)), (r(2, 3, 4, 5),), D, 9),
    ("layer_norm_plain", nn.LayerNorm(5, elementwise_affine=False), (r(2, 3, 5),), D, 9),
    ("layer_norm_no_bias", Fn(lambda x: F.layer_norm(x, (4,), torch.ones(4) * 1.5)), (r(2, 3, 4),), D, 9),
    ("group_norm_1d", nn.GroupNorm(3, 6, affine=False), (r(2, 6, 5),), {0: [0, 2]}, 9),
    ("rms_norm", Fn(lambda x: x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6)), (r(2, 3, 8),), {0: [0, 1]}, 9),
    ("rms_norm_layer", Named(lambda p, x: F.rms_norm(x, (8,), eps=1e-5)), (r(2, 3, 8),), {0: [0, 1]}, 9),
    ("local_response", nn.LocalResponseNorm(3), (r(1, 5, 4, 4),), D, 9),
    ("weight_norm", nn.utils.weight_norm(nn.Linear(4, 3)), (r(2, 4),), D, 9),
    ("spectral_norm", nn.utils.spectral_norm(nn.Linear(4, 3)).eval(), (r(2, 4),), D, 9),
    ("adaptive_avg_2", nn.AdaptiveAvgPool2d((2, 3)), (r(1, 3, 4, 9),), {}, 9),
    ("adaptive_avg_odd", nn.AdaptiveAvgPool1d(4), (r(1, 3, 10),), {}, 9),
    ("adaptive_max", nn.AdaptiveMaxPool2d((2, 2)), (r(1, 3, 4, 6),), {}, 9),
    ("adaptive_max_1", nn.AdaptiveMaxPool1d(1), (r(1, 3, 7),), D, 9),
    ("avg_pool3d", nn.AvgPool3d(2, 2), (r(1, 2, 4, 4, 6),), D, 9),
    ("avg_pool_ceil", nn.AvgPool2d(3, 2, ceil_mode=True), (r(1, 2, 6, 8),), D, 10),
    ("avg_pool_ceil_pad", nn.AvgPool2d(3, 2, padding=1, ceil_mode=True), (r(1, 2, 6, 8),), D, 10),
    ("avg_pool_divisor", nn.AvgPool2d(2, divisor_override=3), (r(1, 2, 4, 4),), D, 9),
    ("max_pool1d_dilated", nn.MaxPool1d(3, 1, dilation=2), (r(1, 2, 9),), {0: [0, 2]}, 10),
    ("max_pool3d", nn.MaxPool3d(2), (r(1, 2, 4, 4, 4),), D, 9),
    ("max_pool_ceil_pad", nn.MaxPool2d(3, 2, padding=1, ceil_mode=True), (r(1, 2, 7, 8),), {0: [0, 2, 3]}, 10),
    ("lp_pool", nn.LPPool2d(2, 3, stride=2), (r(1, 2, 7, 7).abs(),), {}, 9),
    ("max_unpool", Named(lambda p, x: p[1](*p[0](x)), nn.MaxPool2d(2, return_indices=True), nn.MaxUnpool2d(2)), (r(1, 2, 4, 4),), {}, 11),
    ("gru_bi", nn.GRU(4, 3, num_layers=2, bidirectional=True, batch_first=True), (r(2, 5, 4),), {0: [0, 1]}, 9),
    ("gru_states", nn.GRU(4, 3), (r(5, 2, 4), r(1, 2, 3)), {0: [0]}, 9),
    ("lstm_states", Named(lambda p, x, h, c: p[0](x, (h, c)), nn.LSTM(4, 3, batch_first=True)), (r(2, 5, 4), r(1, 2, 3), r(1, 2, 3)), {0: [1]}, 9),
    ("lstm_projected", nn.LSTM(4, 5, proj_size=3), (r(5, 2, 4),), D, 9),
    ("lstm_no_bias", nn.LSTM(4, 5, bias=False, num_layers=2), (r(5, 2, 4),), D, 9),
    ("gru_cell", nn.GRUCell(4, 3), (r(2, 4), r(2, 3)), {}, 9),
    ("rnn_cell", nn.RNNCell(4, 3), (r(2, 4), r(2, 3)), {}, 9),
    ("rnn_tanh_bi", nn.RNN(4, 3, bidirectional=True), (r(5, 2, 4),), {0: [0, 1]}, 9),
    ("embedding_padded", nn.Embedding(10, 4, padding_idx=0, max_norm=None), (ints(10, 2, 3),), {0: [0, 1]}, 9),
    ("embedding_bag_mean", nn.EmbeddingBag(10, 4, mode="mean"), (ints(10, 2, 3),), {}, 11),
    ("embedding_bag_offsets", nn.EmbeddingBag(10, 4, mode="sum"), (ints(10, 6), torch.tensor([0, 2])), {}, 11),
    ("embedding_bag_max", nn.EmbeddingBag(10, 4, mode="max"), (ints(10, 6), torch.tensor([0, 2])), {}, 11),
    ("decoder", nn.TransformerDecoderLayer(8, 2, 16).eval(), (r(4, 2, 8), r(5, 2, 8)), {0: [0], 1: [0]}, 14),
    ("encoder_first", nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=True), 2,
                                            enable_nested_tensor=False).eval() if "enable_nested_tensor" in
     nn.TransformerEncoder.__init__.__code__.co_varnames else Fn(lambda x: x), (r(2, 4, 8),), {0: [0, 1]}, 14),
    ("multihead_masked", Named(lambda p, x, m: p[0](x, x, x, key_padding_mask=m), nn.MultiheadAttention(8, 2, batch_first=True)),
     (r(2, 4, 8), torch.tensor([[False, False, True, True], [False, False, False, True]])), {0: [0, 1], 1: [0, 1]}, 14),
    ("multihead_causal", Named(lambda p, x: p[0](x, x, x, attn_mask=torch.ones(4, 4).triu(1).bool(), need_weights=False)[0],
                               nn.MultiheadAttention(8, 2, add_bias_kv=True, batch_first=True)), (r(2, 4, 8),), D, 14),
    ("sdpa", Fn(lambda q, k, v: F.scaled_dot_product_attention(q, k, v)), (r(2, 2, 4, 8), r(2, 2, 5, 8), r(2, 2, 5, 8)),
     {0: [0, 2], 1: [0, 2], 2: [0, 2]}, 14),
    ("sdpa_causal", Fn(lambda q: F.scaled_dot_product_attention(q, q, q, is_causal=True)), (r(2, 2, 4, 8),), {0: [0, 2]}, 14),
    ("sdpa_bool", Fn(lambda q, m: F.scaled_dot_product_attention(q, q, q, attn_mask=m > -0.6)), (r(2, 2, 4, 8), r(2, 1, 4, 4)), {0: [0]}, 14),
    ("sdpa_float", Fn(lambda q, m: F.scaled_dot_product_attention(q, q, q, attn_mask=m, scale=0.3)), (r(2, 2, 4, 8), r(4, 4)), {0: [0]}, 14),
    ("sdpa_grouped", Fn(lambda q, k: F.scaled_dot_product_attention(q, k, k, enable_gqa=True)), (r(2, 4, 3, 8), r(2, 2, 5, 8)), {0: [0]}, 14),
    ("sdpa_repeat", Fn(lambda q, k: F.scaled_dot_product_attention(q, k.repeat_interleave(2, 1), k.repeat_interleave(2, 1))),
     (r(2, 4, 3, 8), r(2, 2, 5, 8)), {0: [0]}, 14),
    ("key_value_cache", Fn(lambda q, k, p: (lambda a: (F.scaled_dot_product_attention(q, a, a), a))(torch.cat((p, k), 2))),
     (r(1, 2, 1, 8), r(1, 2, 1, 8), r(1, 2, 5, 8)), {2: [2]}, 14),
    # images and signals
    ("nearest_size", Fn(lambda x: F.interpolate(x, size=(5, 7))), (r(1, 2, 3, 4),), {0: [0]}, 9),
    ("nearest_exact", Fn(lambda x: F.interpolate(x, size=(5, 7), mode="nearest-exact")), (r(1, 2, 3, 4),), {0: [0]}, 11),
    ("bilinear_down", Fn(lambda x: F.interpolate(x, scale_factor=0.6, mode="bilinear", align_corners=False)), (r(1, 2, 7, 9),), D, 11),
    ("bilinear_recompute", Fn(lambda x: F.interpolate(x, scale_factor=1.7, mode="bilinear", recompute_scale_factor=True)), (r(1, 2, 5, 4),), D, 11),
    ("bilinear_like", Fn(lambda x, y: F.interpolate(x, size=y.shape[2:], mode="bilinear")), (r(1, 2, 3, 4), r(1, 2, 7, 5)), {1: [2, 3]}, 11),
    ("bilinear_antialias", Fn(lambda x: F.interpolate(x, size=(3, 4), mode="bilinear", antialias=True)), (r(1, 2, 9, 8),), {}, 18),
    ("bicubic_corners", Fn(lambda x: F.interpolate(x, size=(9, 5), mode="bicubic", align_corners=True)), (r(1, 2, 4, 6),), {}, 11),
    ("bicubic_down", Fn(lambda x: F.interpolate(x, scale_factor=0.5, mode="bicubic", align_corners=False)), (r(1, 2, 8, 6),), D, 11),
    ("linear_1d", Fn(lambda x: F.interpolate(x, size=9, mode="linear")), (r(1, 2, 4),), {0: [0]}, 11),
    ("trilinear", Fn(lambda x: F.interpolate(x, scale_factor=2, mode="trilinear")), (r(1, 2, 3, 3, 3),), D, 11),
    ("area", Fn(lambda x: F.interpolate(x, size=(2, 3), mode="area")), (r(1, 2, 4, 6),), {}, 11),
    ("fold", nn.Fold((4, 5), 2), (r(1, 8, 12),), {}, 11),
    ("unfold_padded", nn.Unfold(3, padding=1, stride=2), (r(1, 2, 5, 6),), {}, 11),
    ("unfold_step", Fn(lambda x: x.unfold(2, 4, 3).unfold(1, 2, 1)), (r(1, 4, 10),), {}, 11),
    ("pixel_shuffle_named", nn.PixelShuffle(2), (r(1, 8, 3, 4),), {0: [0, 2, 3]}, 9),
    ("grid_nearest", Fn(lambda x, g: F.grid_sample(x, g, mode="nearest", align_corners=True)), (r(1, 2, 4, 4), r(1, 3, 3, 2)), {}, 16),
    ("grid_border", Fn(lambda x, g: F.grid_sample(x, g * 1.5, padding_mode="border")), (r(1, 2, 4, 4), r(1, 3, 3, 2)), {}, 16),
    ("grid_reflection", Fn(lambda x, g: F.grid_sample(x, g * 1.5, padding_mode="reflection", mode="bicubic")), (r(1, 2, 4, 4), r(1, 3, 3, 2)), {}, 16),
    ("grid_3d", Fn(lambda x, g: F.grid_sample(x, g)), (r(1, 2, 3, 4, 4), r(1, 2, 3, 3, 3)), {}, 16),
    ("affine_grid", Fn(lambda x, a: F.grid_sample(x, F.affine_grid(a, [1, 2, 4, 4]))), (r(1, 2, 4, 4), r(1, 2, 3)), {}, 20),
    ("rfft", Fn(lambda x: torch.view_as_real(torch.fft.rfft(x))), (r(2, 16),), {}, 17),
    ("irfft", Fn(lambda x: torch.fft.irfft(torch.view_as_complex(x))), (r(2, 9, 2),), {}, 17),
    ("fft2", Fn(lambda x: torch.view_as_real(torch.fft.fft2(x)).abs()), (r(2, 4, 6),), {}, 17),
    ("rfft_magnitude", Fn(lambda x: torch.fft.rfft(x, norm="ortho").abs()), (r(2, 16),), {}, 17),
    ("stft_power", Fn(lambda x: torch.stft(x, 16, 4, 12, torch.hann_window(12), return_complex=True).abs() ** 2), (r(2, 64),), {}, 17),
    ("complex_product", Fn(lambda x, y: torch.view_as_real(torch.view_as_complex(x) * torch.view_as_complex(y))), (r(3, 4, 2), r(3, 4, 2)), {}, 17),
    ("rotary_complex", Fn(lambda x: torch.view_as_real(torch.view_as_complex(x.reshape(2, 3, 4, 2)) * torch.polar(torch.ones(3, 4), torch.arange(12.0).view(3, 4))).flatten(2)),
     (r(2, 3, 8),), {}, 17),
    # losses
    ("nll_ignored", Fn(lambda x, y: F.nll_loss(F.log_softmax(x, 1), y, ignore_index=1)), (r(5, 4), ints(4, 5)), {}, 12),
    ("nll_weighted", Fn(lambda x, y: F.nll_loss(x, y, torch.tensor([1.0, 2.0, 0.5, 1.0]), reduction="sum")), (r(5, 4), ints(4, 5)), {}, 12),
    ("nll_2d", Fn(lambda x, y: F.nll_loss(x, y, reduction="none")), (r(2, 4, 3, 3), ints(4, 2, 3, 3)), {}, 12),
    ("cross_entropy_smooth", Fn(lambda x, y: F.cross_entropy(x, y, label_smoothing=0.1)), (r(5, 4), ints(4, 5)), {}, 12),
    ("cross_entropy_soft", Fn(lambda x, y: F.cross_entropy(x, y.softmax(1))), (r(5, 4), r(5, 4)), {}, 12),
    ("bce_logits", Fn(lambda x, y: F.binary_cross_entropy_with_logits(x, (y > 0).float(), pos_weight=torch.tensor(2.0))), (r(3, 4), r(3, 4)), {}, 12),
    ("bce", Fn(lambda x, y: F.binary_cross_entropy(x.sigmoid(), (y > 0).float(), reduction="none")), (r(3, 4), r(3, 4)), {}, 12),
    ("huber_l1", Fn(lambda x, y: F.l1_loss(x, y) + F.smooth_l1_loss(x, y) + F.huber_loss(x, y, delta=0.3)), (r(3, 4), r(3, 4)), {}, 12),
    ("kl", Fn(lambda x, y: F.kl_div(x.log_softmax(1), y.softmax(1), reduction="batchmean")), (r(3, 4), r(3, 4)), {}, 12),
    ("cosine_loss", Fn(lambda x, y: F.cosine_embedding_loss(x, y, torch.tensor([1.0, -1.0, 1.0]))), (r(3, 4), r(3, 4)), {}, 12),
    ("triplet", Fn(lambda x, y, z: F.triplet_margin_loss(x, y, z)), (r(3, 4), r(3, 4), r(3, 4)), {}, 12),
    ("hinge", Fn(lambda x, y: F.hinge_embedding_loss(x, (y > 0).float() * 2 - 1)), (r(3, 4), r(3, 4)), {}, 12),
    # quantisation, control flow, odds and ends
    ("fake_quantize", Fn(lambda x: torch.fake_quantize_per_tensor_affine(x, 0.02, 3, 0, 255)), (r(3, 4),), D, 10),
    ("fake_quantize_axis", Fn(lambda x: torch.fake_quantize_per_channel_affine(x, torch.tensor([0.02, 0.01, 0.03]), torch.zeros(3, dtype=torch.int32), 0, -128, 127)),
     (r(3, 4),), {}, 13),
    ("cond", Switch(), (r(3, 4),), {}, 18),
    ("squares", Named(lambda p, x: sum(l(x) ** 2 for l in p), nn.Linear(4, 3), nn.Linear(4, 3)), (r(2, 4),), D, 9),
    ("gated", Named(lambda p, x: p[2](F.silu(p[0](x)) * p[1](x)), nn.Linear(4, 6), nn.Linear(4, 6), nn.Linear(6, 4)), (r(2, 3, 4),), {0: [0, 1]}, 9),
    ("squeeze_excite", Named(lambda p, x: x * torch.sigmoid(p[1](F.relu(p[0](x.mean((2, 3), keepdim=True))))), nn.Conv2d(4, 2, 1), nn.Conv2d(2, 4, 1)),
     (r(1, 4, 5, 5),), {0: [0, 2, 3]}, 9),
    ("swish_block", nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.SiLU(), nn.Conv2d(4, 4, 1), nn.Hardswish()).eval(),
     (r(1, 3, 8, 8),), {0: [0, 2, 3]}, 9),
    ("detection", Fn(lambda x: (lambda s, b: torch.cat((b[..., :2] - b[..., 2:] / 2, b[..., :2] + b[..., 2:] / 2, s.max(-1, keepdim=True)[0]), -1))(
        x[..., 4:].sigmoid(), x[..., :4])), (r(1, 6, 9),), {0: [0, 1]}, 10),
    ("depth_to_space", Fn(lambda x: x.view(1, 2, 2, 2, 3, 3).permute(0, 3, 4, 1, 5, 2).reshape(1, 2, 6, 6)), (r(1, 8, 3, 3),), {}, 9),
    ("identity", nn.Identity(), (r(2, 3),), D, 9),
    ("unused_input", Fn(lambda x, y: x + 1), (r(2, 3), r(4)), {}, 9),
    ("same_twice", Fn(lambda x: (x, x + 1, x)), (r(2, 3),), D, 9),
    ("constant_output", Fn(lambda x: (x + 1, torch.arange(3))), (r(2, 3),), D, 9),
    ("no_input_used", Fn(lambda x: torch.ones(2, 3) * 2), (r(2, 3),), {}, 9),
]
