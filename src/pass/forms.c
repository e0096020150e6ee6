/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* forms.c - operators that exporters write in pieces are put together again: x sigmoid(x), x min(max(x + 3, 0), 6) / 6,
 * x/2 (1 + erf(x / sqrt 2)), layer normalisation. What follows then is fused, placed and timed as one. */
#include "pass/util.h"
#include <math.h>
#include <string.h>

/* All patterns end in a node `n`; a match puts one new node in front of it and gives it n's result. */
static tn_status become(tn_node *n, const char *type, tn_value *const *in, int n_in, tn_pass_ctx *c, tn_node **made) {
    tn_build b = tn_build_in(n->graph, n);
    *made = tn_build_node(&b, "", type, in, n_in, 1);
    return tn_pass_become(n, *made, c);
}

static bool is_float(const tn_value *v) {
    return v && v->type.kind == TN_KIND_TENSOR && tn_dtype_is_float(v->type.dtype);
}

/* v, used only by the pattern's node `user`, made by an ai.onnx operator of that type; else NULL. */
static tn_node *made_by(const tn_value *v, const tn_node *user, const char *type) {
    tn_node *p = v ? v->producer : NULL;
    return p && p->graph == user->graph && tn_pass_is_op(p, "", type) && tn_value_only_user(v) == user ? p : NULL;
}

/* -------------------------------------------------------------------------------------------- swish and hard swish */

/* min(max(x + 3, 0), 6) ending in Clip c: x, or NULL. */
static tn_value *relu6_of_plus3(const tn_node *c) {
    double lo, hi;
    tn_value *x;
    if (!c || !tn_pass_scalar(tn_pass_input(c, 1), &lo) || !tn_pass_scalar(tn_pass_input(c, 2), &hi)) return NULL;
    if (lo != 0 || hi != 6) return NULL;
    tn_node *add = made_by(c->inputs[0], c, "Add");
    return add && tn_pass_binary_scalar(add, 3, &x) ? x : NULL;
}

/* y / k, where that has y's shape: y, or NULL. */
static tn_value *divided_by(const tn_node *n, double k) {
    if (!n || !tn_pass_is_op(n, "", "Div") || n->n_inputs != 2 || !tn_pass_is_scalar(n->inputs[1], k)) return NULL;
    return tn_pass_keeps_rank(n->inputs[0], n->inputs[1]) ? n->inputs[0] : NULL;
}

/* v = y / 6 or y * (1/6): y, or NULL. */
static tn_value *sixth(const tn_node *n) {
    tn_value *y = divided_by(n, 6);
    if (y) return y;
    return tn_pass_is_op(n, "", "Mul") && tn_pass_binary_scalar(n, 1.0 / 6, &y) ? y : NULL;
}

/* HardSigmoid(x, 1/6, 1/2): its slope is a float32, which is 1/6 for types that know no better. */
static bool is_hard_gate(const tn_node *h) {
    return h->inputs[0]->type.dtype != TN_F64 && tn_attr_float(h, "alpha", 0.2f) == 1 / 6.0f &&
           tn_attr_float(h, "beta", 0.5f) == 0.5f;
}

/* x * sigmoid(x), x * hardsigmoid(x, 1/6, 1/2). */
static tn_status match_gate(tn_node *n, tn_pass_ctx *c, bool *done) {
    tn_node *f;
    for (int i = 0; i < 2 && n->n_inputs == 2; i++) {
        tn_value *gate = n->inputs[i], *x = n->inputs[1 - i];
        tn_node *s = made_by(gate, n, "Sigmoid"), *h = made_by(gate, n, "HardSigmoid");
        if (s && s->inputs[0] == x) {
            *done = true;
            return become(n, "Swish", &x, 1, c, &f);
        }
        if (h && h->inputs[0] == x && is_hard_gate(h)) {
            *done = true;
            return become(n, "HardSwish", &x, 1, c, &f);
        }
    }
    return TN_OK;
}

/* (x * relu6(x + 3)) / 6, x * (relu6(x + 3) / 6) - by way of HardSigmoid -, and relu6(x + 3) / 6 itself. */
static tn_status match_sixth(tn_node *n, tn_pass_ctx *c, bool *done) {
    tn_value *y = sixth(n), *x;
    tn_node *f, *m, *clip;
    if (!y) return TN_OK;
    if ((m = made_by(y, n, "Mul")) && m->n_inputs == 2) {
        for (int i = 0; i < 2; i++) {
            clip = made_by(m->inputs[i], m, "Clip");
            if (!(x = relu6_of_plus3(clip)) || x != m->inputs[1 - i] || !is_float(x)) continue;
            *done = true;
            return become(n, "HardSwish", &x, 1, c, &f);
        }
    }
    if (!(clip = made_by(y, n, "Clip")) || !(x = relu6_of_plus3(clip)) || !is_float(x)) return TN_OK;
    if (x->type.dtype == TN_F64) return TN_OK; /* HardSigmoid's slope is a float32 */
    TN_TRY(become(n, "HardSigmoid", &x, 1, c, &f));
    *done = true;
    TN_TRY(tn_attr_set_float(f, "alpha", 1 / 6.0f));
    return tn_attr_set_float(f, "beta", 0.5f);
}

/* ------------------------------------------------------------------------------------------------------------ gelu */

/* 1 + erf(x / sqrt 2), ending in Add: x, or NULL. */
static tn_value *erf_part(const tn_node *add) {
    tn_value *e, *x;
    if (!add || !tn_pass_binary_scalar(add, 1, &e)) return NULL;
    tn_node *erf = made_by(e, add, "Erf");
    if (!erf) return NULL;
    tn_node *div = made_by(erf->inputs[0], erf, "Div"), *mul = made_by(erf->inputs[0], erf, "Mul");
    if ((x = divided_by(div, sqrt(2)))) return x;
    return mul && tn_pass_binary_scalar(mul, sqrt(0.5), &x) ? x : NULL;
}

static bool is_half(const tn_value *k, const tn_value *x) {
    return tn_pass_is_scalar(k, 0.5) && tn_pass_keeps_rank(x, k);
}

/* The three factors x, 1/2 and 1 + erf(..) of two Muls, in any order. */
static tn_status match_gelu(tn_node *n, tn_pass_ctx *c, bool *done) {
    tn_value *factor[3];
    tn_node *f;
    for (int i = 0; i < 2 && n->n_inputs == 2; i++) {
        tn_node *m = made_by(n->inputs[i], n, "Mul");
        if (!m || m->n_inputs != 2) continue;
        factor[0] = n->inputs[1 - i], factor[1] = m->inputs[0], factor[2] = m->inputs[1];
        for (int e = 0; e < 3; e++) {
            tn_value *a = factor[(e + 1) % 3], *b = factor[(e + 2) % 3];
            tn_node *add = made_by(factor[e], e ? m : n, "Add");
            tn_value *x = erf_part(add);
            if (!x || !is_float(x) || !((x == a && is_half(b, x)) || (x == b && is_half(a, x)))) continue;
            *done = true;
            return become(n, "Gelu", &x, 1, c, &f);
        }
    }
    return TN_OK;
}

/* ---------------------------------------------------------------------------------------------- layer normalisation */

/* Whether a ReduceMean runs over trailing axes and keeps them; their count goes to *k. */
static bool trailing_mean(const tn_node *n, int *k) {
    int64_t axes[TN_MAX_RANK];
    int rank = n ? tn_pass_rank(n->inputs[0]) : -1,
        count = n ? tn_pass_ints(tn_pass_input(n, 1), axes, TN_MAX_RANK) : -1;
    unsigned seen = 0;
    if (rank < 1 || count < 1 || count > rank || !tn_attr_int(n, "keepdims", 1)) return false;
    for (int i = 0; i < count; i++) {
        int64_t a = axes[i] < 0 ? axes[i] + rank : axes[i];
        if (a < rank - count || a >= rank) return false;
        seen |= 1u << (a - (rank - count));
    }
    *k = count;
    return seen == (1u << count) - 1;
}

/* A constant whose shape is the last k dimensions of x (leading ones allowed): scale or bias of the normalisation. */
static bool fits_tail(const tn_value *v, const tn_value *x, int k) {
    const tn_tensor *t = v ? v->constant : NULL;
    if (!t || t->rank < k || t->dtype != x->type.dtype) return false;
    for (int i = 0; i < t->rank; i++) {
        int d = x->type.rank - t->rank + i;
        if (d < 0 || (i < t->rank - k ? t->dims[i] != 1 : t->dims[i] != x->type.dims[d])) return false;
    }
    return true;
}

/* mean((x - mean)^2) of the deviation d, ending in ReduceMean. */
static bool is_variance(const tn_node *mean, const tn_value *d, int k) {
    int axes;
    if (!trailing_mean(mean, &axes) || axes != k) return false;
    const tn_node *sq = mean->inputs[0]->producer;
    if (!sq || tn_value_only_user(mean->inputs[0]) != mean) return false;
    if (tn_pass_is_op(sq, "", "Pow"))
        return sq->inputs[0] == d && tn_pass_is_scalar(sq->inputs[1], 2) && tn_pass_keeps_rank(d, sq->inputs[1]);
    return tn_pass_is_op(sq, "", "Mul") && sq->n_inputs == 2 && sq->inputs[0] == d && sq->inputs[1] == d;
}

/* d / sqrt(var + eps), and a scale and a bias behind it: n is the Div. Half precision is left as it is: there the
 * squares of the pieces overflow, which the operator's do not. The operator's epsilon is a float32. */
static tn_status match_layer_norm(tn_node *n, tn_pass_ctx *c, bool *done) {
    tn_value *d = n->inputs[0], *v;
    tn_node *sub = d ? d->producer : NULL, *root = made_by(n->inputs[1], n, "Sqrt"), *f;
    int k;
    double eps;
    if (!sub || !tn_pass_is_op(sub, "", "Sub") || !root) return TN_OK;
    tn_value *x = sub->inputs[0];
    const tn_node *mean = sub->inputs[1]->producer;
    if (!x || !mean || !tn_pass_is_op(mean, "", "ReduceMean") || mean->inputs[0] != x) return TN_OK;
    if (x->type.kind != TN_KIND_TENSOR || (x->type.dtype != TN_F32 && x->type.dtype != TN_F64)) return TN_OK;
    tn_node *add = made_by(root->inputs[0], root, "Add");
    if (!trailing_mean(mean, &k) || !add || add->n_inputs != 2) return TN_OK;
    int e = tn_pass_scalar(add->inputs[1], &eps) ? 1 : tn_pass_scalar(add->inputs[0], &eps) ? 0 : -1;
    if (e < 0) return TN_OK;
    v = add->inputs[1 - e];
    if (!tn_pass_keeps_rank(v, add->inputs[e]) || (x->type.dtype == TN_F64 && (double)(float)eps != eps)) return TN_OK;
    if (!made_by(v, add, "ReduceMean") || !is_variance(v->producer, d, k)) return TN_OK;
    tn_node *mul = tn_value_only_user(n->outputs[0]);
    tn_value *scale = mul && tn_pass_is_op(mul, "", "Mul") ? tn_pass_other(mul, n->outputs[0]) : NULL;
    if (!fits_tail(scale, x, k)) return TN_OK; /* the operator wants a scale */
    tn_node *plus = tn_value_only_user(mul->outputs[0]), *last = mul;
    tn_value *in[3] = { x, scale, NULL };
    if (plus && tn_pass_is_op(plus, "", "Add")) {
        tn_value *bias = tn_pass_other(plus, mul->outputs[0]);
        if (fits_tail(bias, x, k)) in[2] = bias, last = plus;
    }
    if (scale->constant->rank != k || (in[2] && in[2]->constant->rank != k)) return TN_OK;
    *done = true;
    TN_TRY(become(last, "LayerNormalization", in, in[2] ? 3 : 2, c, &f));
    TN_TRY(tn_attr_set_int(f, "axis", -k));
    return tn_attr_set_float(f, "epsilon", (float)eps);
}

static const struct {
    const char *type;
    tn_status (*match)(tn_node *n, tn_pass_ctx *c, bool *done);
} patterns[] = {
    { "Mul", match_gelu },  { "Mul", match_gate },       { "Mul", match_sixth },
    { "Div", match_sixth }, { "Div", match_layer_norm },
};

static tn_status match_graph(tn_graph *g, tn_pass_ctx *c) {
    for (tn_node *n = g->first, *after; n; n = after) {
        bool done = false;
        after = n->next;
        if (n->n_inputs < 1 || n->n_outputs != 1 || !n->outputs[0] || !n->inputs[0]) continue;
        for (size_t i = 0; i < TN_COUNT(patterns) && !done; i++) {
            if (!tn_pass_is_op(n, "", patterns[i].type)) continue;
            tn_node *before = n->prev;
            TN_TRY(patterns[i].match(n, c, &done));
            if (done) after = before && before->graph ? before->next : g->first; /* what was next may have gone */
        }
    }
    return TN_OK;
}

tn_status tn_pass_forms(tn_model *m, tn_pass_ctx *c) { return tn_pass_each_graph(m->graph, match_graph, c); }
