/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* fuse_activation.c - what follows a convolution or a matrix product runs while the result is in registers: a bias, the
 * sum with a residual, an activation. The fused forms are tenon.Conv and tenon.MatMul. */
#include "op/core/fused.h"
#include "pass/util.h"
#include <math.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------------------ activations */

/* Operators that are one activation; attributes give a and b, with their defaults. */
static const struct {
    const char *type;
    tn_act kind;
    const char *a, *b;
    float da, db;
} simple[] = {
    { "Relu", TN_ACT_RELU, NULL, NULL, 0, 0 },
    { "LeakyRelu", TN_ACT_LEAKY_RELU, "alpha", NULL, 0.01f, 0 },
    { "HardSwish", TN_ACT_HARDSWISH, NULL, NULL, 0, 0 },
    { "HardSigmoid", TN_ACT_HARDSIGMOID, "alpha", "beta", 0.2f, 0.5f },
    { "Sigmoid", TN_ACT_SIGMOID, NULL, NULL, 0, 0 },
    { "Tanh", TN_ACT_TANH, NULL, NULL, 0, 0 },
};

static bool limit(const tn_node *n, int i, float dflt, float *out) {
    double v;
    *out = dflt;
    if (!tn_pass_input(n, i)) return true;
    if (!tn_pass_scalar(n->inputs[i], &v) || isnan(v)) return false;
    *out = (float)v;
    return true;
}

static bool activation_of(const tn_node *n, tn_activation *a) {
    for (size_t i = 0; i < TN_COUNT(simple); i++) {
        if (!tn_pass_is_op(n, "", simple[i].type)) continue;
        *a = (tn_activation){ simple[i].kind, simple[i].a ? tn_attr_float(n, simple[i].a, simple[i].da) : 0,
                              simple[i].b ? tn_attr_float(n, simple[i].b, simple[i].db) : 0 };
        return true;
    }
    if (tn_pass_is_op(n, "", "Gelu")) {
        *a = (tn_activation){ tn_attr_is(n, "approximate", "tanh", "none") ? TN_ACT_GELU_TANH : TN_ACT_GELU_ERF, 0, 0 };
        return true;
    }
    if (tn_pass_is_op(n, "", "Swish")) {
        *a = (tn_activation){ TN_ACT_SILU, 0, 0 };
        return tn_attr_float(n, "alpha", 1) == 1;
    }
    if (tn_pass_is_op(n, "", "Clip")) {
        a->kind = TN_ACT_CLIP;
        return limit(n, 1, -INFINITY, &a->a) && limit(n, 2, INFINITY, &a->b);
    }
    return false;
}

/* -------------------------------------------------------------------------------------------------------- the chain */

/* What was found behind a node. */
typedef struct {
    tn_value *bias, *residual;
    float alpha;
    tn_activation act;
    tn_value *end; /* the last value of the chain */
    tn_node *last; /* its producer */
    int steps;
} chain;

static bool equal_types(const tn_value *a, const tn_value *b) {
    const tn_type *x = &a->type, *y = &b->type;
    if (x->kind != TN_KIND_TENSOR || y->kind != TN_KIND_TENSOR || x->dtype != TN_F32 || y->dtype != TN_F32)
        return false;
    if (x->rank < 0 || x->rank != y->rank) return false;
    for (int i = 0; i < x->rank; i++)
        if (!tn_dim_same(x->dims[i], y->dims[i])) return false;
    return true;
}

static tn_node *next_of(const chain *c) {
    tn_node *n = tn_value_only_user(c->end);
    return n && n->graph == c->last->graph && n->n_outputs == 1 && n->outputs[0] ? n : NULL;
}

static void take(chain *c, tn_node *n) {
    c->last = n;
    c->end = n->outputs[0];
    c->steps++;
}

static void take_residual(chain *c) {
    tn_node *n = next_of(c);
    if (!n || c->residual || !tn_pass_is_op(n, "", "Add")) return;
    tn_value *other = tn_pass_other(n, c->end);
    if (!other || other->constant || !equal_types(other, c->end) || !equal_types(n->outputs[0], c->end)) return;
    c->residual = other;
    take(c, n);
}

static void take_activation(chain *c) {
    tn_node *n = next_of(c);
    tn_activation a;
    if (!n || n->inputs[0] != c->end || !activation_of(n, &a)) return;
    c->act = a;
    take(c, n);
}

static tn_node *fused_node(const tn_node *n, const chain *c, const char *type, tn_value *const *in) {
    tn_build b = tn_build_in(n->graph, c->last);
    tn_node *f = tn_build_node(&b, "tenon", type, in, 4, 1);
    tn_build_keep(&b, f, n, NULL);
    if (b.st != TN_OK) return NULL;
    if (c->act.kind != TN_ACT_NONE && tn_op_set_activation(f, c->act) != TN_OK) return NULL;
    return f;
}

static tn_status replace(tn_node *n, tn_node *f, const chain *c, tn_pass_ctx *ctx) {
    if (!f) return tn_fail(TN_E_NOMEM, "no memory to fuse %s", tn_node_where(n));
    f->outputs[0]->type = c->end->type;
    f->name = n->name;
    TN_TRY(tn_value_replace(c->end, f->outputs[0]));
    tn_pass_prune(c->last);
    ctx->changed++;
    return TN_OK;
}

static tn_status fuse_conv(tn_node *n, tn_pass_ctx *ctx) {
    chain c = { .end = n->outputs[0], .last = n };
    take_residual(&c);
    take_activation(&c);
    if (!c.steps) return TN_OK;
    tn_value *in[4] = { n->inputs[0], n->inputs[1], tn_pass_input(n, 2), c.residual };
    return replace(n, fused_node(n, &c, "Conv", in), &c, ctx);
}

/* Whether products with it neither overflow nor lose digits that they have without it, as numbers go in networks. */
static bool moderate(double s) { return fabs(s) >= 1e-9 && fabs(s) <= 1e9; }

/* A constant factor behind the product becomes alpha, while nothing was added yet. */
static void take_scale(chain *c) {
    tn_node *n = next_of(c);
    double s;
    if (!n || c->bias || c->residual) return;
    bool mul = tn_pass_is_op(n, "", "Mul"), div = tn_pass_is_op(n, "", "Div");
    if (!(mul || div) || !equal_types(n->outputs[0], c->end)) return;
    tn_value *k = tn_pass_other(n, c->end);
    if (!k || !tn_pass_scalar(k, &s) || k->type.dtype != TN_F32 || (div && n->inputs[0] != c->end)) return;
    s = (double)c->alpha * (div ? 1 / s : s);
    if (!moderate(s) || !moderate((double)c->alpha)) return;
    c->alpha = (float)s;
    take(c, n);
}

/* A constant vector over the columns. */
static void take_bias(chain *c) {
    tn_node *n = next_of(c);
    if (!n || c->bias || !tn_pass_is_op(n, "", "Add") || !equal_types(n->outputs[0], c->end)) return;
    tn_value *k = tn_pass_other(n, c->end);
    const tn_tensor *t = k ? k->constant : NULL;
    int rank = c->end->type.rank;
    if (!t || t->dtype != TN_F32 || rank < 1 || t->rank < 1) return;
    int64_t cols = t->dims[t->rank - 1];
    if (cols != tn_count(t) || cols != c->end->type.dims[rank - 1] || cols == 1) return;
    c->bias = k;
    take(c, n);
}

static tn_status fuse_product(tn_node *n, tn_pass_ctx *ctx) {
    bool gemm = !tn_pass_is_op(n, "", "MatMul"); /* Gemm, or tenon.MatMul, which has its attributes */
    chain c = { .end = n->outputs[0], .last = n, .alpha = tn_attr_float(n, "alpha", 1) };
    const tn_type *y = &c.end->type;
    if (y->kind != TN_KIND_TENSOR || y->dtype != TN_F32 || y->rank < 2) return TN_OK;
    c.bias = gemm ? tn_pass_input(n, 2) : NULL;
    bool own = c.bias; /* a bias that beta multiplies */
    if (!c.bias) take_scale(&c);
    take_bias(&c);
    take_residual(&c);
    take_activation(&c);
    if (!c.steps) return TN_OK;
    tn_value *in[4] = { n->inputs[0], n->inputs[1], c.bias, c.residual };
    tn_node *f = fused_node(n, &c, "MatMul", in);
    if (f && (c.alpha != 1 || gemm)) TN_TRY(tn_attr_set_float(f, "alpha", c.alpha));
    if (f && gemm && !own) TN_TRY(tn_attr_set_float(f, "beta", 1));
    return replace(n, f, &c, ctx);
}

/* tenon.Conv and tenon.MatMul as they are made for 16-bit weights: nothing is fused into them yet. */
static bool is_bare(const tn_node *n, const char *type) {
    return tn_pass_is_op(n, "tenon", type) && n->n_inputs < 4 && !tn_attr_find(n, "activation");
}

static bool f32_output(const tn_node *n) {
    return n->n_outputs == 1 && n->outputs[0] && n->outputs[0]->type.kind == TN_KIND_TENSOR &&
           n->outputs[0]->type.dtype == TN_F32;
}

static tn_status fuse_graph(tn_graph *g, tn_pass_ctx *c) {
    for (tn_node *n = g->last, *before; n; n = before) { /* backwards: what goes lies behind */
        before = n->prev;
        if (!f32_output(n)) continue;
        if (tn_pass_is_op(n, "", "Conv") || is_bare(n, "Conv"))
            TN_TRY(fuse_conv(n, c));
        else if (tn_pass_is_op(n, "", "MatMul") || tn_pass_is_op(n, "", "Gemm") || is_bare(n, "MatMul"))
            TN_TRY(fuse_product(n, c));
    }
    return TN_OK;
}

tn_status tn_pass_fuse_activation(tn_model *m, tn_pass_ctx *c) { return tn_pass_each_graph(m->graph, fuse_graph, c); }
