/* window.c - reading windows from attributes and placing them on inputs. */
#include "op/window.h"

enum { LARGEST = INT32_MAX }; /* of a kernel, stride, dilation or pad: keeps every later sum far from overflow */

/* Attribute `name` as `n` numbers in lo..LARGEST; absent: all `dflt`. */
static tn_status read_ints(const tn_node *node, const char *name, int n, int64_t lo, int64_t dflt, int64_t *out) {
    int count;
    const int64_t *v = tn_attr_ints(node, name, &count);
    if (v && count != n)
        return tn_op_fail(node, TN_E_INVALID, "attribute '%s' has %d numbers, %d are needed", name, count, n);
    for (int i = 0; i < n; i++) {
        out[i] = v ? v[i] : dflt;
        if (out[i] < lo || out[i] > LARGEST)
            return tn_op_fail(node, TN_E_INVALID, "attribute '%s' holds %lld; %lld..%d can be", name, (long long)out[i],
                              (long long)lo, LARGEST);
    }
    return TN_OK;
}

tn_status tn_window_read(const tn_node *n, int rank, const tn_dim *kernel, tn_window *w) {
    int64_t pads[2 * TN_WINDOW_RANK];
    if (rank < 1 || rank > TN_WINDOW_RANK)
        return tn_op_fail(n, TN_E_SHAPE, "the input has %d dimensions; 3 to %d can be", rank + 2, TN_MAX_RANK);
    *w = (tn_window){ .rank = rank };
    w->auto_pad = tn_attr_is(n, "auto_pad", "VALID", "NOTSET")        ? TN_PAD_VALID
                  : tn_attr_is(n, "auto_pad", "SAME_UPPER", "NOTSET") ? TN_PAD_SAME_UPPER
                  : tn_attr_is(n, "auto_pad", "SAME_LOWER", "NOTSET") ? TN_PAD_SAME_LOWER
                                                                      : TN_PAD_EXPLICIT;
    w->ceil = tn_attr_int(n, "ceil_mode", 0) != 0;
    if (!kernel && !tn_attr_find(n, "kernel_shape"))
        return tn_op_fail(n, TN_E_INVALID, "attribute 'kernel_shape' is missing");
    TN_TRY(read_ints(n, "kernel_shape", rank, 1, 1, w->kernel));
    TN_TRY(read_ints(n, "strides", rank, 1, 1, w->stride));
    TN_TRY(read_ints(n, "dilations", rank, 1, 1, w->dilation));
    TN_TRY(read_ints(n, "pads", 2 * rank, -(int64_t)LARGEST, 0, pads));
    for (int d = 0; d < rank; d++) {
        w->begin[d] = w->auto_pad == TN_PAD_EXPLICIT ? pads[d] : 0;
        w->end[d] = w->auto_pad == TN_PAD_EXPLICIT ? pads[rank + d] : 0;
        if (kernel && !tn_dim_known(kernel[d]) && !tn_attr_find(n, "kernel_shape")) w->kernel[d] = 0;
        if (!kernel || !tn_dim_known(kernel[d])) continue;
        if (tn_attr_find(n, "kernel_shape") && w->kernel[d] != kernel[d])
            return tn_op_fail(n, TN_E_SHAPE, "kernel_shape[%d] is %lld but the weight has %lld there", d,
                              (long long)w->kernel[d], (long long)kernel[d]);
        if (kernel[d] < 1 || kernel[d] > LARGEST)
            return tn_op_fail(n, TN_E_SHAPE, "the weight's spatial dimension %d is %lld", d, (long long)kernel[d]);
        w->kernel[d] = kernel[d];
    }
    return TN_OK;
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
