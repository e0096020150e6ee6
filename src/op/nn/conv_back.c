/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* conv_back.c - what flows back through Conv and ConvTranspose: internal operators, since their sizes are those of the
 * forward tensors and no attribute of ONNX could say them for every padding.
 *
 *   tenon.ConvBack(dY, W, X)         the gradient of X: the opposite convolution, of X's size
 *   tenon.ConvWeightBack(X, dY, W)   the gradient of W: every tap is a product over the batch and all places
 *
 * Attributes are those of the forward node; `transposed` says which of the two it is. */
#include "kernel/kernel.h"
#include "op/core/ports.h"
#include "op/core/support.h"
#include "op/nn/conv.h"
#include "op/nn/grads.h"
#include "op/nn/window.h"
#include <string.h>

/* -------------------------------------------------------------------------------------------------------- builders */

static tn_node *internal(tn_grad *g, const char *type, tn_value *a, tn_value *b, tn_value *c, bool transposed) {
    tn_node *n = tn_build_node(&g->build, "tenon", type, (tn_value *[]){ a, b, c }, 3, 1);
    tn_build_keep(&g->build, n, g->node, NULL);
    if (n && g->st == TN_OK) g->st = tn_attr_set_int(n, "transposed", transposed);
    return n;
}

tn_status tn_grad_conv(tn_grad *g) {
    bool turned = !strcmp(g->node->type, "ConvTranspose");
    tn_value *x = tn_grad_x(g, 0), *w = tn_grad_x(g, 1), *dy = tn_grad_dy(g, 0);
    if (tn_grad_wants(g, 0)) g->dx[0] = tn_build_typed(&g->build, internal(g, "ConvBack", dy, w, x, turned));
    if (tn_grad_wants(g, 1)) g->dx[1] = tn_build_typed(&g->build, internal(g, "ConvWeightBack", x, dy, w, turned));
    if (tn_grad_wants(g, 2)) {
        int64_t axes[TN_MAX_RANK] = { 0 };
        int rank = tn_grad_rank(g, x);
        for (int i = 1; i + 1 < rank; i++) axes[i] = i + 1;
        tn_grad_let(g, "axes", tn_build_ints(&g->build, "ints", axes, rank - 1));
        tn_grad_formula(g, "dx2 = ReduceSum{keepdims=0}(dy, axes)");
    }
    return g->st;
}

static tn_value *forward(tn_grad *g, tn_value *x, tn_value *w) {
    bool turned = tn_attr_int(g->node, "transposed", 0) != 0;
    tn_node *n = tn_build_list(&g->build, turned ? "ConvTranspose" : "Conv", 1, TN_VALUES(x, w));
    tn_build_keep(&g->build, n, g->node, NULL);
    if (n) tn_attr_remove(n, "transposed");
    return tn_build_typed(&g->build, n);
}

/* Both are linear in both of their operands, so their gradients are again the forward operator and each other. */
static tn_status tn_grad_conv_back(tn_grad *g) {
    bool turned = tn_attr_int(g->node, "transposed", 0) != 0;
    tn_value *dy = tn_grad_x(g, 0), *w = tn_grad_x(g, 1), *flow = tn_grad_dy(g, 0);
    if (tn_grad_wants(g, 0)) g->dx[0] = forward(g, flow, w);
    if (tn_grad_wants(g, 1)) g->dx[1] = tn_build_typed(&g->build, internal(g, "ConvWeightBack", flow, dy, w, turned));
    return g->st;
}

static tn_status tn_grad_conv_weight(tn_grad *g) {
    bool turned = tn_attr_int(g->node, "transposed", 0) != 0;
    tn_value *x = tn_grad_x(g, 0), *dy = tn_grad_x(g, 1), *flow = tn_grad_dy(g, 0);
    if (tn_grad_wants(g, 0)) g->dx[0] = tn_build_typed(&g->build, internal(g, "ConvBack", dy, flow, x, turned));
    if (tn_grad_wants(g, 1)) g->dx[1] = forward(g, x, flow);
    return g->st;
}

/* ------------------------------------------------------------------------------------------------------- execution */

static tn_status like_third(tn_infer *c) {
    int rank = tn_infer_rank(c, 2);
    tn_infer_out(c, 0, tn_infer_dtype(c, 2), rank, rank < 0 ? NULL : c->in[2]->dims);
    return TN_OK;
}

/* The forward convolution of tensors with these shapes. errors TN_E_SHAPE: dY is not what it would give. */
static tn_status describe(tn_run *r, const tn_tensor *x, const tn_tensor *w, const tn_tensor *dy, tn_conv_desc *d) {
    const tn_conv_attrs *a = r->attrs;
    TN_TRY(tn_conv_describe(r->node, a, a->transposed, x->dims, x->rank, w->dims, d));
    bool same = dy->rank == x->rank && dy->dims[0] == d->n && dy->dims[1] == d->oc;
    for (int i = 0; same && i < d->rank; i++) same = dy->dims[2 + i] == d->out[i];
    return same ? TN_OK : tn_op_fail(r->node, TN_E_SHAPE, "the gradient has another shape than the forward result");
}

static void turn(tn_conv_desc *d) {
    tn_conv_desc f = *d;
    d->transposed = !f.transposed;
    d->ic = f.oc, d->oc = f.ic;
    memcpy(d->in, f.out, sizeof f.out);
    memcpy(d->out, f.in, sizeof f.in);
}

static tn_status back_run(tn_run *r) {
    tn_conv_desc d;
    TN_TRY(describe(r, tn_in(r, 2), tn_in(r, 1), tn_in(r, 0), &d));
    tn_tensor *y = tn_out(r, 0);
    size_t bytes = 0;
    if (tn_count(y) == 0) return TN_OK;
    if (tn_count(tn_in(r, 0)) == 0) {
        if (tn_dtype_bytes(y->dtype, tn_count(y), &bytes)) memset(y->data, 0, bytes);
        return TN_OK;
    }
    turn(&d);
    return tn_conv_run_any(r, &d, tn_in(r, 0), tn_in(r, 1), y);
}

/* Where tap t reads for place p: the flat position among in[], or -1 outside. */
static int64_t tap_position(const tn_conv_desc *d, int64_t p, int64_t t) {
    int64_t far = 0, stride = 1;
    for (int k = d->rank - 1; k >= 0; k--) {
        int64_t at = p % d->out[k] * d->stride[k] + t % d->kernel[k] * d->dilation[k] - d->pad[k];
        if (at < 0 || at >= d->in[k]) return -1;
        p /= d->out[k], t /= d->kernel[k];
        far += at * stride, stride *= d->in[k];
    }
    return far;
}

static void weight_f64(const tn_conv_desc *d, const double *big, const double *small, double *dw) {
    int64_t out = tn_op_product(d->out, 0, d->rank), in = tn_op_product(d->in, 0, d->rank);
    int64_t taps = tn_op_product(d->kernel, 0, d->rank), icg = d->ic / d->group, ocg = d->oc / d->group;
    for (int64_t t = 0; t < taps; t++)
        for (int64_t i = 0; i < d->oc * icg; i++) {
            int64_t oc = i / icg, ic = oc / ocg * icg + i % icg;
            double s = 0;
            for (int64_t p = 0; p < out; p++) {
                int64_t at = tap_position(d, p, t);
                for (int64_t n = 0; at >= 0 && n < d->n; n++)
                    s += small[(n * d->oc + oc) * out + p] * big[(n * d->ic + ic) * in + at];
            }
            dw[i * taps + t] = s;
        }
}

typedef struct {
    const tn_conv_desc *d;
    const float *x; /* one image's channels of one group */
    float *columns; /* [icg taps, out] */
    int64_t out, in, taps;
} column_job;

static void fill_columns(void *arg, int64_t begin, int64_t end, int thread) {
    const column_job *j = arg;
    (void)thread;
    for (int64_t row = begin; row < end; row++) {
        const float *x = j->x + row / j->taps * j->in;
        for (int64_t p = 0; p < j->out; p++) {
            int64_t at = tap_position(j->d, p, row % j->taps);
            j->columns[row * j->out + p] = at < 0 ? 0 : x[at];
        }
    }
}

/* dW of a group, [ocg, icg taps], is dY [ocg, places] by the columns' transpose, summed over images. */
static tn_status weight_f32(tn_run *r, const tn_conv_desc *d, const float *big, const float *small, float *dw) {
    int64_t out = tn_op_product(d->out, 0, d->rank), in = tn_op_product(d->in, 0, d->rank);
    int64_t taps = tn_op_product(d->kernel, 0, d->rank), icg = d->ic / d->group, ocg = d->oc / d->group;
    size_t count, bytes;
    if (!tn_mul_size((size_t)(icg * taps), (size_t)out, &count) || !tn_mul_size(count, sizeof(float), &bytes))
        return tn_op_fail(r->node, TN_E_LIMIT, "the convolution is too large");
    float *columns = tn_run_scratch(r, bytes + 64);
    if (!columns) return tn_op_fail(r->node, TN_E_NOMEM, "no memory for columns");
    for (int64_t g = 0; g < d->group; g++)
        for (int64_t n = 0; n < d->n; n++) {
            column_job j = { d, big + (n * d->ic + g * icg) * in, columns, out, in, taps };
            tn_parallel(r->pool, icg * taps, 1 + 16384 / (out + 1), fill_columns, &j);
            float *dst = dw + g * ocg * icg * taps;
            tn_gemm_args a = tn_gemm_dense(ocg, icg * taps, out, small + (n * d->oc + g * ocg) * out, columns, dst);
            a.trans_b = true, a.ldb = out;
            if (n > 0) a.d = dst;
            TN_TRY(tn_gemm(&tn_kernels_get()->gemm, &a, NULL, r->pool));
        }
    return TN_OK;
}

static tn_status converted(tn_run *r, const tn_tensor *t, const float **out) {
    float *f = tn_run_scratch(r, (size_t)tn_count(t) * sizeof *f + 64);
    *out = f;
    if (!f) return tn_op_fail(r->node, TN_E_NOMEM, "no memory to convert an input");
    return tn_convert(t->dtype, t->data, TN_F32, f, tn_count(t), true, TN_ROUND_NEAREST);
}

static tn_status weight_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0), *dy = tn_in(r, 1), *big = x, *small = dy;
    tn_tensor *dw = tn_out(r, 0);
    tn_conv_desc d;
    TN_TRY(describe(r, x, tn_in(r, 2), dy, &d));
    if (d.transposed) turn(&d), big = dy, small = x; /* its mirror: dY is read, X is where the taps sum */
    size_t bytes = 0;
    if (tn_dtype_bytes(dw->dtype, tn_count(dw), &bytes)) memset(dw->data, 0, bytes);
    if (tn_count(big) == 0 || tn_count(small) == 0) return TN_OK;
    if (dw->dtype == TN_F64) {
        weight_f64(&d, big->data, small->data, dw->data);
        return TN_OK;
    }
    if (dw->dtype == TN_F32) return weight_f32(r, &d, big->data, small->data, dw->data);
    const float *a, *b;
    float *out = tn_run_scratch(r, (size_t)tn_count(dw) * sizeof *out + 64);
    if (!out) return tn_op_fail(r->node, TN_E_NOMEM, "no memory for the result");
    TN_TRY(converted(r, big, &a));
    TN_TRY(converted(r, small, &b));
    TN_TRY(weight_f32(r, &d, a, b, out));
    return tn_convert(TN_F32, out, dw->dtype, dw->data, tn_count(dw), true, TN_ROUND_NEAREST);
}

/* ----------------------------------------------------------------------------------------------------------- rows */

static const tn_port three[] = { { "A", TN_FLOATS, 'T' }, { "B", TN_FLOATS, 'T' }, { "like", TN_FLOATS, 'T' }, { 0 } };
static const tn_attr_spec attrs[] = {
    TN_CONV_SPECS, TN_CONV_TRANSPOSED_SPECS, { TN_FLAG(tn_conv_attrs, transposed, false) }, { 0 }
};

const tn_op tn_ops_conv_back[] = {
    { .name = "ConvBack",
      .domain = "tenon",
      .since = 1,
      .flags = TN_OP_INTERNAL,
      .in = three,
      .out = tn_ports_float_t,
      TN_ATTRS(attrs, tn_conv_attrs),
      .infer = like_third,
      .run = back_run,
      .grad = tn_grad_conv_back,
      .doc = "the gradient of a convolution's input" },
    { .name = "ConvWeightBack",
      .domain = "tenon",
      .since = 1,
      .flags = TN_OP_INTERNAL,
      .in = three,
      .out = tn_ports_float_t,
      TN_ATTRS(attrs, tn_conv_attrs),
      .infer = like_third,
      .run = weight_run,
      .grad = tn_grad_conv_weight,
      .doc = "the gradient of a convolution's weights" },
    { 0 },
};
