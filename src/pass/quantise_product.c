/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* quantise_product.c - integer forms of products: Conv, Gemm, MatMul of codes with constant weights, MatMul of two
 * tensors of codes, and the chain that dynamic quantisation writes. See quantise.c. */
#include "pass/quantise.h"
#include <math.h>
#include <string.h>

static tn_status no_memory(const tn_node *n) {
    return tn_fail(TN_E_NOMEM, "no memory to quantise %s", tn_node_where(n));
}

/* ------------------------------------------------------------------------------------------------------- weights */

/* Constant codes, dequantised by a scale for all or for each column. */
typedef struct {
    tn_value *q;
    const tn_tensor *scale, *zero; /* zero: NULL or one that matters */
    bool turned;                   /* they are transposed first */
} weights;

static bool all_zero(const tn_tensor *t) {
    for (int64_t i = 0; i < tn_count(t); i++)
        if (tn_get_f64(t->dtype, t->data, i) != 0) return false;
    return true;
}

static float scale_at(const tn_tensor *t, int64_t i) {
    float v;
    memcpy(&v, (const char *)t->data + (size_t)(tn_count(t) > 1 ? i : 0) * sizeof v, sizeof v);
    return v;
}

/* Codes of the type, with scales along `axis` or one. */
static bool read_constant(const tn_node *n, int axis, weights *w) {
    if (!n || strcmp(n->type, "DequantizeLinear") || n->n_inputs < 2 || !n->inputs[0] || !n->inputs[1]) return false;
    const tn_value *scale = n->inputs[1], *zero = tn_pass_input(n, 2);
    *w = (weights){ .q = n->inputs[0], .scale = scale->constant, .zero = zero ? zero->constant : NULL };
    if (!w->q->constant || !w->scale || w->scale->dtype != TN_F32 || (zero && !zero->constant)) return false;
    if (tn_attr_int(n, "block_size", 0) || n->outputs[0]->type.dtype != TN_F32) return false;
    int rank = w->q->constant->rank;
    int64_t count = tn_count(w->scale), at = tn_attr_int(n, "axis", 1);
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(scale_at(w->scale, i))) return false;
    if (w->zero && all_zero(w->zero)) w->zero = NULL;
    if (w->zero && tn_count(w->zero) != count) return false;
    if (count == 1) return rank > axis && (rank < 2 || w->q->constant->dims[axis] > 0);
    return rank > axis && (at == axis || at + rank == axis || rank == 1) && w->q->constant->dims[axis] == count;
}

/* Weights [N, ..] (or, turned, [.., N]) behind a DequantizeLinear, perhaps under a Transpose of two dimensions. */
static bool read_weights(const tn_value *v, int axis, weights *w) {
    const tn_node *n = v ? v->producer : NULL;
    if (!n) return false;
    if (!tn_pass_is_op(n, "", "Transpose")) return read_constant(n, axis, w) && tn_quantise_8bit(w->q);
    int count;
    const int64_t *perm = tn_attr_ints(n, "perm", &count);
    if (tn_pass_rank(n->inputs[0]) != 2 || (count && perm[0] == 0) || !n->inputs[0]->producer) return false;
    bool good = read_constant(n->inputs[0]->producer, 1 - axis, w) && tn_quantise_8bit(w->q);
    w->turned = true;
    return good;
}

/* ------------------------------------------------------------------------------------------------ scales and biases */

static float *floats(tn_quantise *t, int64_t n, tn_value **out) {
    tn_tensor x = { 0 };
    if (tn_tensor_init(&x, TN_F32, 1, (int64_t[]){ n }, TN_MEM_WEIGHTS) != TN_OK) return NULL;
    float *v = x.data;
    *out = tn_value_constant(t->g, "scale", &x);
    tn_tensor_reset(&x);
    return *out ? v : NULL;
}

/* What is added to a column: an integer in units of the sum (addend), or a number (bias). */
typedef struct {
    const tn_tensor *codes; /* int32, with scale; or: */
    const tn_tensor *scale;
    const tn_tensor *real; /* f32 */
} addition;

static bool read_bias(const tn_value *v, int64_t n, addition *a) {
    weights w;
    *a = (addition){ 0 };
    if (!v) return true;
    if (v->constant) {
        a->real = v->constant;
        if (a->real->dtype != TN_F32) return false;
    } else {
        if (!v->producer || !read_constant(v->producer, 0, &w) || w.zero) return false;
        a->codes = w.q->constant, a->scale = w.scale;
        if (a->codes->dtype != TN_I32) return false;
    }
    const tn_tensor *t = a->real ? a->real : a->codes;
    int64_t count = tn_count(t);
    return (count == n || count == 1) && (t->rank == 0 || t->dims[t->rank - 1] == count);
}

/* Whether the bias counts in the sums' own units, but for the rounding of their product. */
static bool whole(const addition *a, float x_scale, const tn_tensor *w_scale, int64_t n) {
    for (int64_t i = 0; a->codes && i < n; i++) {
        double unit = (double)x_scale * (double)scale_at(w_scale, i);
        if (!(fabs((double)scale_at(a->scale, i) - unit) <= 1e-6 * unit)) return false;
    }
    return a->codes;
}

/* The inputs scale, bias and addend of a node of n columns, in[3 ..]. y: the result's scale, 1 of a float one. */
static tn_status end_inputs(tn_quantise *t, const tn_node *at, float x, const weights *w, const addition *a, float y,
                            int64_t n, tn_value **in) {
    float *scale = floats(t, n, &in[3]);
    bool integer = whole(a, x, w->scale, n);
    if (!scale) return no_memory(at);
    for (int64_t i = 0; i < n; i++) scale[i] = (float)((double)x * (double)scale_at(w->scale, i) / (double)y);
    if (integer) {
        tn_tensor v;
        TN_TRY(tn_tensor_init(&v, TN_I32, 1, (int64_t[]){ n }, TN_MEM_WEIGHTS));
        for (int64_t i = 0; i < n; i++)
            ((int32_t *)v.data)[i] = (int32_t)tn_get_i64(TN_I32, a->codes->data, tn_count(a->codes) > 1 ? i : 0);
        in[5] = tn_value_constant(t->g, "addend", &v);
        tn_tensor_reset(&v);
        return in[5] ? TN_OK : no_memory(at);
    }
    const tn_tensor *b = a->real ? a->real : a->codes;
    if (!b) return TN_OK;
    float *bias = floats(t, n, &in[4]);
    if (!bias) return no_memory(at);
    for (int64_t i = 0; i < n; i++) {
        double v = tn_get_f64(b->dtype, b->data, tn_count(b) > 1 ? i : 0);
        bias[i] = (float)(v * (a->codes ? (double)scale_at(a->scale, i) : 1) / (double)y);
    }
    return TN_OK;
}

static tn_status zero_input(tn_quantise *t, const tn_node *at, const weights *w, tn_value **in) {
    tn_tensor z = { 0 };
    if (!w->zero) return TN_OK;
    TN_TRY(tn_tensor_copy(&z, w->zero, TN_MEM_WEIGHTS));
    in[2] = tn_value_constant(t->g, "zero", &z);
    tn_tensor_reset(&z);
    return in[2] ? TN_OK : no_memory(at);
}

/* --------------------------------------------------------------------------------------------------- convolutions */

static bool usable_window(const tn_node *n) {
    int count;
    const int64_t *pads = tn_attr_ints(n, "pads", &count);
    for (int i = 0; i < count; i++)
        if (pads[i] < 0) return false;
    return true;
}

/* Of codes of that many dimensions? */
static bool usable_conv(const tn_node *n, const tn_coded *x, const tn_tensor *w) {
    return w->rank >= 3 && w->rank <= 4 && tn_pass_rank(x->q) == w->rank && tn_count(w) > 0 && usable_window(n);
}

/* q.base is the convolution, in[2 ..] are ready. */
static tn_status conv_node(tn_quantise *t, const tn_requant *q, const tn_coded *x, tn_value **in) {
    static const char *const attrs[] = { "auto_pad", "kernel_shape", "pads", "strides", "dilations", "group", NULL };
    const tn_node *b = q->base;
    if (!(in[0] = tn_quantise_blocked(t, x))) return no_memory(b);
    tn_node *y = tn_quantise_node(t, q->out.node, "QConv", in, 6);
    if (!y) return no_memory(b);
    y->name = b->name;
    TN_TRY(tn_quantise_copy_attrs(b, y, attrs));
    TN_TRY(tn_attr_set_int(y, "x_zero", x->of.zero));
    TN_TRY(tn_quantise_result(q, y));
    return tn_quantise_adopt(t, q, y->outputs[0], true);
}

static tn_status conv(tn_quantise *t, const tn_requant *q) {
    const tn_node *b = q->base;
    tn_coded x;
    weights w;
    addition a;
    tn_value *in[6] = { 0 };
    if (!q->clips || !tn_quantise_coded(b->inputs[0], &x) || !read_weights(b->inputs[1], 0, &w) || w.turned)
        return TN_OK;
    int64_t n = w.q->constant->dims[0];
    if (!tn_quantise_may_block(q->out.q)) return TN_OK;
    if (!usable_conv(b, &x, w.q->constant) || !read_bias(tn_pass_input(b, 2), n, &a)) return TN_OK;
    in[1] = w.q;
    TN_TRY(zero_input(t, b, &w, in));
    TN_TRY(end_inputs(t, b, x.of.scale, &w, &a, q->out.of.scale, n, in));
    return conv_node(t, q, &x, in);
}

/* The coding that a node's inputs i (scale) and i + 1 (zero point) are, for all elements of q. */
static bool coding_at(const tn_node *n, int i, const tn_value *q, tn_coding *c) {
    double scale, zero = 0;
    if (!tn_quantise_8bit(q) || !n->inputs[i] || !tn_pass_scalar(n->inputs[i], &scale) || !(scale > 0)) return false;
    if (tn_pass_input(n, i + 1) && !tn_pass_scalar(n->inputs[i + 1], &zero)) return false;
    *c = (tn_coding){ (float)scale, (int32_t)zero + (q->type.dtype == TN_I8 ? 128 : 0) };
    return isfinite(scale);
}

tn_status tn_quantise_linear_conv(tn_quantise *t, tn_node *n) {
    tn_requant q = { .out = { .q = n->outputs[0], .node = n }, .base = n, .lo = -INFINITY, .hi = INFINITY };
    tn_coded x = { .q = n->inputs[0], .node = n };
    tn_value *in[6] = { 0 }, *b = tn_pass_input(n, 8);
    if (!coding_at(n, 1, x.q, &x.of) || !coding_at(n, 6, q.out.q, &q.out.of)) return TN_OK;
    if (!n->inputs[3]->constant || !n->inputs[4]->constant || (b && !b->constant)) return TN_OK;
    weights w = { .q = n->inputs[3], .scale = n->inputs[4]->constant };
    const tn_value *zero = tn_pass_input(n, 5);
    int64_t columns = w.q->constant->dims[0], scales = tn_count(w.scale);
    if (zero && !zero->constant) return TN_OK;
    if (zero && !all_zero(zero->constant)) w.zero = zero->constant;
    if (!tn_quantise_may_block(q.out.q)) return TN_OK;
    if (tn_attr_int(n, "channels_last", 0) || !usable_conv(n, &x, w.q->constant)) return TN_OK;
    if ((scales != 1 && scales != columns) || (w.zero && tn_count(w.zero) != 1 && tn_count(w.zero) != columns))
        return TN_OK;
    if (b && tn_count(b->constant) != columns) return TN_OK;
    in[1] = w.q;
    TN_TRY(zero_input(t, n, &w, in));
    TN_TRY(end_inputs(t, n, x.of.scale, &w, &(addition){ 0 }, q.out.of.scale, columns, in));
    in[5] = b;
    return conv_node(t, &q, &x, in);
}

/* -------------------------------------------------------------------------------------------------------- products */

/* Gemm or MatMul of codes and weights: its operands. */
typedef struct {
    tn_coded x;
    weights w;
    addition a;
    bool transposed; /* weights are [N, K] */
    int64_t n;
} product;

static bool read_product(const tn_node *b, product *p) {
    bool gemm = tn_pass_is_op(b, "", "Gemm");
    if (!gemm && !tn_pass_is_op(b, "", "MatMul")) return false;
    bool trans = gemm && tn_attr_int(b, "transB", 0);
    if (gemm && (tn_attr_int(b, "transA", 0) || tn_attr_float(b, "alpha", 1) != 1 || tn_attr_float(b, "beta", 1) != 1))
        return false;
    if (b->n_inputs < 2 || !tn_quantise_coded(b->inputs[0], &p->x) || p->x.q->constant) return false;
    if (tn_pass_rank(p->x.q) < 2 || !read_weights(b->inputs[1], trans ? 0 : 1, &p->w)) return false;
    const tn_tensor *k = p->w.q->constant;
    p->transposed = trans != p->w.turned;
    if (k->rank != 2 || tn_count(k) == 0) return false;
    p->n = k->dims[p->transposed ? 0 : 1];
    return read_bias(gemm ? tn_pass_input(b, 2) : NULL, p->n, &p->a);
}

/* The node; q NULL: with a float result. */
static tn_node *product_node(tn_quantise *t, tn_node *b, const product *p, const tn_requant *q) {
    tn_node *before = q ? q->out.node : b;
    tn_value *in[6] = { tn_quantise_plain(t, &p->x), p->w.q };
    if (!in[0] || zero_input(t, b, &p->w, in) != TN_OK) return NULL;
    if (end_inputs(t, b, p->x.of.scale, &p->w, &p->a, q ? q->out.of.scale : 1, p->n, in) != TN_OK) return NULL;
    tn_node *y = tn_quantise_node(t, before, "QMatMul", in, 6);
    if (!y || tn_attr_set_int(y, "x_zero", p->x.of.zero) != TN_OK) return NULL;
    if (p->transposed && tn_attr_set_int(y, "transposed", 1) != TN_OK) return NULL;
    if (!q && tn_attr_set_int(y, "real", 1) != TN_OK) return NULL;
    y->name = b->name;
    return y;
}

/* Both sides come from the run. */
static tn_status both(tn_quantise *t, const tn_requant *q, const tn_coded *a, const tn_coded *b) {
    const tn_coded *c[3] = { a, b, &q->out };
    tn_value *in[8];
    for (int i = 0; i < 3; i++) {
        tn_tensor z = { 0 };
        TN_TRY(tn_tensor_init(&z, TN_U8, 0, NULL, TN_MEM_WEIGHTS));
        *(uint8_t *)z.data = (uint8_t)c[i]->of.zero;
        if (i < 2) in[3 * i] = tn_quantise_plain(t, c[i]);
        tn_value *scale = tn_value_scalar_f32(t->g, "scale", c[i]->of.scale),
                 *zero = tn_value_constant(t->g, "zero", &z);
        tn_tensor_reset(&z);
        in[i < 2 ? 3 * i + 1 : 6] = scale, in[i < 2 ? 3 * i + 2 : 7] = zero;
        if (!scale || !zero || (i < 2 && !in[3 * i])) return no_memory(q->base);
    }
    tn_node *n = tn_node_new(t->g, q->out.node, "", "QLinearMatMul", in, 8, 1);
    t->ctx->changed++;
    return tn_quantise_adopt(t, q, n ? n->outputs[0] : NULL, false);
}

tn_status tn_quantise_product(tn_quantise *t, const tn_requant *q) {
    tn_node *b = q->base;
    product p;
    tn_coded x, y;
    if (tn_pass_is_op(b, "", "Conv")) return conv(t, q);
    if (q->clips && read_product(b, &p)) {
        tn_node *n = product_node(t, b, &p, q);
        if (!n) return no_memory(b);
        TN_TRY(tn_quantise_result(q, n));
        return tn_quantise_adopt(t, q, n->outputs[0], false);
    }
    if (q->n || !tn_pass_is_op(b, "", "MatMul") || !tn_quantise_coded(b->inputs[0], &x)) return TN_OK;
    return tn_quantise_coded(b->inputs[1], &y) ? both(t, q, &x, &y) : TN_OK;
}

tn_status tn_quantise_to_float(tn_quantise *t, tn_node *n) {
    product p;
    if (n->n_outputs != 1 || !n->outputs[0] || !n->outputs[0]->n_uses || !read_product(n, &p)) return TN_OK;
    const tn_node *user = tn_value_only_user(n->outputs[0]);
    if (tn_pass_is(user, "", "QuantizeLinear")) { /* it has its form, or will not get one */
        const tn_value *v = user->outputs[0];
        if (v && v->id < t->n_values && t->codes[v->id].made) return TN_OK;
    }
    tn_node *y = product_node(t, n, &p, NULL);
    if (!y) return no_memory(n);
    y->outputs[0]->type = n->outputs[0]->type;
    return tn_value_replace(n->outputs[0], y->outputs[0]);
}

/* ---------------------------------------------------------------------------------------------------------- dynamic */

static bool is_scalar(const tn_value *v) {
    int rank = tn_pass_rank(v);
    for (int i = 0; i < rank; i++)
        if (v->type.dims[i] != 1) return false;
    return rank >= 0 && v->type.dtype == TN_F32;
}

/* The product of a scale that comes with the run and constant ones, [1] or [n]. */
static bool split_scales(const tn_value *v, int64_t n, tn_value **a, tn_value **b) {
    const tn_node *p = v->producer;
    if (!tn_pass_is(p, "", "Mul") || p->n_inputs != 2) return false;
    for (int i = 0; i < 2; i++) {
        tn_value *x = p->inputs[i], *k = p->inputs[1 - i];
        if (!x || !k || x->constant || !k->constant || !is_scalar(x) || k->type.dtype != TN_F32) continue;
        int64_t count = tn_count(k->constant);
        if (k->constant->rank > 1 || tn_pass_rank(x) > 1 || (count != 1 && count != n)) continue;
        *a = x, *b = k;
        return true;
    }
    return false;
}

/* What has the shape of the product, beside which the operand is. */
static bool keeps_shape(const tn_value *y, const tn_value *of) {
    if (tn_pass_rank(y) < 1 || tn_pass_rank(y) != tn_pass_rank(of)) return false;
    for (int d = 0; d < y->type.rank; d++)
        if (!tn_dim_same(y->type.dims[d], of->type.dims[d])) return false;
    return true;
}

tn_status tn_quantise_dynamic(tn_quantise *t, tn_node *n) {
    tn_value *scales[2];
    if (!tn_pass_is_op(n, "", "MatMulInteger") || !n->inputs[1]->constant || n->inputs[1]->constant->rank != 2)
        return TN_OK;
    if (tn_pass_input(n, 3) && !n->inputs[3]->constant) return TN_OK;
    if (tn_pass_input(n, 2) && tn_pass_rank(n->inputs[2]) != 0 && !is_scalar(n->inputs[2]) &&
        !(tn_pass_rank(n->inputs[2]) == 1 && n->inputs[2]->type.dims[0] == 1))
        return TN_OK;
    int64_t columns = n->inputs[1]->constant->dims[1];
    tn_node *cast = tn_value_only_user(n->outputs[0]);
    if (!tn_pass_is(cast, "", "Cast") || cast->outputs[0]->type.dtype != TN_F32) return TN_OK;
    tn_node *mul = tn_value_only_user(cast->outputs[0]), *last = mul;
    if (!tn_pass_is(mul, "", "Mul") || mul->n_inputs != 2) return TN_OK;
    tn_value *scale = tn_pass_other(mul, cast->outputs[0]), *bias = NULL;
    if (!scale || !split_scales(scale, columns, &scales[0], &scales[1])) return TN_OK;
    if (!keeps_shape(mul->outputs[0], n->outputs[0])) return TN_OK;
    tn_node *add = tn_value_only_user(mul->outputs[0]);
    if (tn_pass_is(add, "", "Add") && add->n_inputs == 2) {
        tn_value *k = tn_pass_other(add, mul->outputs[0]);
        const tn_tensor *c = k ? k->constant : NULL;
        if (c && c->dtype == TN_F32 && c->rank == 1 && c->dims[0] == columns) bias = k, last = add;
    }
    tn_value *in[7] = {
        n->inputs[0], n->inputs[1], scales[0], scales[1], tn_pass_input(n, 2), tn_pass_input(n, 3), bias
    };
    tn_node *y = tn_node_new(t->g, last, "com.microsoft", "MatMulIntegerToFloat", in, 7, 1);
    if (!y) return no_memory(n);
    y->name = n->name;
    y->outputs[0]->type = last->outputs[0]->type;
    t->ctx->changed++;
    return tn_value_replace(last->outputs[0], y->outputs[0]);
}
