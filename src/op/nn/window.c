/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* window.c - reading windows from attributes and placing them on inputs. */
#include "op/nn/window.h"

enum { LARGEST = INT32_MAX }; /* of a kernel, as TN_WINDOW_OF says of all: keeps every later sum far from overflow */

/* List `name` as `n` numbers; absent: all `dflt`. */
static tn_status read_ints(const tn_node *node, const char *name, tn_ints list, int n, int64_t dflt, int64_t *out) {
    if (list.v && list.n != (size_t)n)
        return tn_op_fail(node, TN_E_INVALID, "attribute '%s' has %zu numbers, %d are needed", name, list.n, n);
    for (int i = 0; i < n; i++) out[i] = list.v ? list.v[i] : dflt;
    return TN_OK;
}

/* The kernel along d: the weight's where there is one, which kernel_shape may repeat. */
static tn_status kernel_along(const tn_node *n, bool given, int d, tn_dim weight, int64_t *kernel) {
    if (!tn_dim_known(weight)) {
        if (!given) *kernel = 0;
        return TN_OK;
    }
    if (given && *kernel != weight)
        return tn_op_fail(n, TN_E_SHAPE, "kernel_shape[%d] is %lld but the weight has %lld there", d,
                          (long long)*kernel, (long long)weight);
    if (weight < 1 || weight > LARGEST)
        return tn_op_fail(n, TN_E_SHAPE, "the weight's spatial dimension %d is %lld", d, (long long)weight);
    *kernel = weight;
    return TN_OK;
}

tn_status tn_window_of(const tn_node *n, const tn_window_attrs *a, int rank, const tn_dim *kernel, tn_window *w) {
    int64_t pads[2 * TN_WINDOW_RANK];
    bool given = a->kernel_shape.v != NULL;
    if (rank < 1 || rank > TN_WINDOW_RANK)
        return tn_op_fail(n, TN_E_SHAPE, "the input has %d dimensions; 3 to %d can be", rank + 2, TN_MAX_RANK);
    *w = (tn_window){ .rank = rank, .auto_pad = (tn_auto_pad)a->auto_pad, .ceil = a->ceil_mode };
    if (!kernel && !given) return tn_op_fail(n, TN_E_INVALID, "attribute 'kernel_shape' is missing");
    TN_TRY(read_ints(n, "kernel_shape", a->kernel_shape, rank, 1, w->kernel));
    TN_TRY(read_ints(n, "strides", a->strides, rank, 1, w->stride));
    TN_TRY(read_ints(n, "dilations", a->dilations, rank, 1, w->dilation));
    TN_TRY(read_ints(n, "pads", a->pads, 2 * rank, 0, pads));
    for (int d = 0; d < rank; d++) {
        w->begin[d] = w->auto_pad == TN_PAD_EXPLICIT ? pads[d] : 0;
        w->end[d] = w->auto_pad == TN_PAD_EXPLICIT ? pads[rank + d] : 0;
        if (kernel) TN_TRY(kernel_along(n, given, d, kernel[d], &w->kernel[d]));
    }
    return TN_OK;
}

typedef struct {
    tn_window_attrs window;
} alone;

tn_status tn_window_read(const tn_node *n, int rank, const tn_dim *kernel, tn_window *w) {
    static const tn_attr_spec specs[] = { TN_WINDOW_OF(alone, window), TN_WINDOW_CEIL_OF(alone, window), { 0 } };
    alone a;
    TN_TRY(tn_op_fill_attrs(n, specs, &a));
    return tn_window_of(n, &a.window, rank, kernel, w);
}

tn_status tn_window_out(const tn_node *n, tn_syms *syms, const tn_window *w, int d, tn_dim in, tn_dim *out) {
    if (w->auto_pad == TN_PAD_SAME_UPPER || w->auto_pad == TN_PAD_SAME_LOWER) {
        *out = tn_dim_ceil_div(syms, in, w->stride[d]);
        return TN_OK;
    }
    if (!w->kernel[d]) {
        *out = TN_DIM_UNKNOWN;
        return TN_OK;
    }
    int64_t reach = w->dilation[d] * (w->kernel[d] - 1) + 1, pad = w->begin[d] + w->end[d];
    tn_dim room = tn_dim_add(syms, in, pad - reach);
    if (tn_dim_known(room) && room < 0) {
        if (w->auto_pad == TN_PAD_EXPLICIT || w->auto_pad == TN_PAD_VALID)
            return tn_op_fail(n, TN_E_SHAPE, "a window of %lld does not fit a length of %lld with padding %lld",
                              (long long)reach, (long long)in, (long long)pad);
    }
    tn_dim steps = w->ceil ? tn_dim_ceil_div(syms, room, w->stride[d]) : tn_dim_div(syms, room, w->stride[d]);
    *out = tn_dim_add(syms, steps, 1);
    if (w->ceil && !tn_dim_known(*out)) { /* as below, of a length that is not known: k stride < in + begin */
        tn_dim last = tn_dim_div(syms, tn_dim_add(syms, in, w->begin[d] - 1), w->stride[d]);
        *out = tn_dim_min(syms, *out, tn_dim_add(syms, last, 1));
    }
    /* With ceil_mode a last window that would start in the padding behind the input is not taken. */
    if (w->ceil && tn_dim_known(*out) && tn_dim_known(in) && (*out - 1) * w->stride[d] >= in + w->begin[d]) --*out;
    return TN_OK;
}

tn_status tn_window_place(const tn_node *n, tn_window *w, const int64_t *in, int64_t *out) {
    for (int d = 0; d < w->rank; d++) {
        TN_TRY(tn_window_out(n, NULL, w, d, in[d], &out[d]));
        if (w->auto_pad != TN_PAD_SAME_UPPER && w->auto_pad != TN_PAD_SAME_LOWER) continue;
        int64_t need = (out[d] - 1) * w->stride[d] + w->dilation[d] * (w->kernel[d] - 1) + 1 - in[d];
        need = need < 0 ? 0 : need;
        w->begin[d] = w->auto_pad == TN_PAD_SAME_UPPER ? need / 2 : need - need / 2;
        w->end[d] = need - w->begin[d];
    }
    return TN_OK;
}
