/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* layout.c - regions in the blocked channel layout [N, C/c, H, W, c] of the fast convolutions (kernel/conv.h).
 *
 * Convolutions become blocked ones; what stands between them and works element by element, pools, or joins channels
 * follows when its input is blocked already. ToBlocked stands where a plain value enters a region, FromBlocked where a
 * plain node uses what a region made; both are shared. A first convolution of few channels reads its plain input.
 *
 * Channels past C hold zeros, or - behind an activation - numbers that no one reads: weights of those channels are zero
 * and FromBlocked drops them. They are finite: convolutions clear what an infinite x would leave there, and operators
 * and constants that could make infinities of zeros do not follow into a region. Zero times infinity would leave it. */
#include "kernel/kernel.h"
#include "op/core/fused.h"
#include "pass/util.h"
#include <math.h>
#include <string.h>

#define THIN_CHANNELS 4 /* a convolution of at most so many input channels reads them plain */

typedef struct {
    tn_graph *g;
    int64_t c;       /* channels in a block */
    tn_value **twin; /* by value id: its blocked form; NULL where there is none */
    bool *native;    /* by value id: the twin was computed, not reordered */
    tn_node **made;  /* by value id: the blocked node in place of its producer */
    int n_values;
    tn_pass_ctx *ctx;
} layout;

/* The twin of v, reordered from it (in front of `before`) if it has none. */
static tn_value *twin_of(layout *l, tn_value *v, tn_node *before) {
    if (v->id < l->n_values && l->twin[v->id]) return l->twin[v->id];
    tn_build b = tn_build_in(l->g, before);
    tn_node *n = tn_build_node(&b, "tenon", "ToBlocked", &v, 1, 1);
    tn_value *twin = tn_build_typed_with(&b, n, tn_attr_of_int("block", l->c));
    if (!twin) return NULL;
    l->ctx->changed++;
    if (v->id < l->n_values) l->twin[v->id] = twin;
    return twin;
}

static bool is_native(const layout *l, const tn_value *v) { return v && v->id < l->n_values && l->native[v->id]; }

static tn_status no_memory(const tn_node *n) {
    return tn_fail(TN_E_NOMEM, "no memory to change the layout of %s", tn_node_where(n));
}

static tn_status adopt(layout *l, tn_node *n, tn_node *blocked) {
    if (!blocked) return no_memory(n);
    blocked->name = n->name;
    l->twin[n->outputs[0]->id] = blocked->outputs[0];
    l->native[n->outputs[0]->id] = true;
    l->made[n->outputs[0]->id] = blocked;
    return TN_OK;
}

static tn_node *copy_node(tn_node *n, const char *domain, const char *type, tn_value *const *in, int n_in) {
    tn_build b = tn_build_in(n->graph, n);
    tn_node *copy = tn_build_node(&b, domain, type, in, n_in, 1);
    tn_build_keep(&b, copy, n, NULL);
    return b.st == TN_OK ? copy : NULL;
}

static bool is_f32(const tn_value *v, int min_rank, int max_rank) {
    return v && v->type.kind == TN_KIND_TENSOR && v->type.dtype == TN_F32 && v->type.rank >= min_rank &&
           v->type.rank <= max_rank;
}

/* Channels of a plain value, 0 when they are not known. */
static int64_t channels(const tn_value *v) {
    return v->type.rank >= 2 && tn_dim_known(v->type.dims[1]) ? v->type.dims[1] : 0;
}

/* ----------------------------------------------------------------------------------------------------- convolutions */

static tn_status block_conv(layout *l, tn_node *n) {
    const tn_tensor *w = n->inputs[1] ? n->inputs[1]->constant : NULL;
    int64_t group = tn_attr_int(n, "group", 1);
    tn_value *residual = tn_pass_input(n, 3);
    if (!is_f32(n->inputs[0], 3, 4) || !is_f32(n->outputs[0], 3, 4) || !w || w->rank != n->inputs[0]->type.rank)
        return TN_OK;
    int64_t oc = w->dims[0], ic = w->dims[1] * group;
    bool depthwise = group == ic && group == oc,
         whole = group == 1 || (w->dims[1] % l->c == 0 && oc / group % l->c == 0);
    if (!(depthwise || whole)) return TN_OK;
    bool thin = group == 1 && ic <= THIN_CHANNELS && !is_native(l, n->inputs[0]);
    tn_value *in[4] = { n->inputs[0], n->inputs[1], tn_pass_input(n, 2), NULL };
    if (!thin && !(in[0] = twin_of(l, n->inputs[0], n))) return no_memory(n);
    if (residual && !(in[3] = twin_of(l, residual, n))) return no_memory(n);
    tn_node *b = copy_node(n, "tenon", "Conv", in, 4);
    if (!b || (!thin && tn_attr_set_int(b, "x_block", l->c) != TN_OK) || tn_attr_set_int(b, "y_block", l->c) != TN_OK)
        return no_memory(n);
    return adopt(l, n, b);
}

/* ------------------------------------------------------------------------------------------- what follows a region */

static const char *const unary[] = { "Relu", "LeakyRelu", "HardSwish", "HardSigmoid", "Sigmoid",  "Tanh",
                                     "Clip", "Gelu",      "Swish",     "Elu",         "Softplus", "Abs",
                                     "Neg",  "Mish",      "Erf",       "Ceil",        "Floor",    "Round" };
static const char *const binary[] = { "Add", "Mul", "Sub", "Max", "Min" };
static const char *const pools[] = { "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool" };

static bool one_of(const tn_node *n, const char *const *names, size_t count) {
    if (n->domain && *n->domain && strcmp(n->domain, "ai.onnx")) return false;
    for (size_t i = 0; i < count; i++)
        if (!strcmp(n->type, names[i])) return true;
    return false;
}

/* The same operator on the blocked value; further inputs (limits of Clip) stay. */
static tn_status block_unary(layout *l, tn_node *n) {
    tn_value *in[4];
    if (!is_native(l, n->inputs[0]) || n->n_inputs > 4) return TN_OK;
    for (int i = 0; i < n->n_inputs; i++) in[i] = n->inputs[i];
    in[0] = l->twin[n->inputs[0]->id];
    return adopt(l, n, copy_node(n, n->domain, n->type, in, n->n_inputs));
}

static tn_status block_pool(layout *l, tn_node *n) {
    if (!is_native(l, n->inputs[0])) return TN_OK;
    if (n->n_outputs > 1 && n->outputs[1] && n->outputs[1]->n_uses) return TN_OK; /* MaxPool's indices */
    return adopt(l, n, copy_node(n, "tenon", n->type, &l->twin[n->inputs[0]->id], 1));
}

/* A constant of one element per channel, [1, C, 1, ..] or [C, 1, ..], in blocks; NULL when v is not one. */
static tn_value *blocked_constant(layout *l, const tn_value *v, int rank, int64_t c) {
    const tn_tensor *t = v->constant;
    int at = t->rank - (rank - 1);
    tn_tensor b;
    if (t->dtype != TN_F32 || tn_count(t) != c || t->rank > rank || at < 0 || t->dims[at] != c) return NULL;
    int64_t dims[TN_MAX_RANK] = { 1, (c + l->c - 1) / l->c };
    for (int d = 2; d < rank; d++) dims[d] = 1;
    dims[rank] = l->c;
    if (tn_tensor_init(&b, TN_F32, rank + 1, dims, TN_MEM_WEIGHTS) != TN_OK) return NULL;
    memset(b.data, 0, tn_tensor_bytes(&b));
    memcpy(b.data, t->data, (size_t)c * sizeof(float));
    return tn_value_constant(l->g, v->name, &b);
}

/* An operand of a binary node beside a native one: a scalar, a constant per channel, or a value of the same channels.
 */
static tn_value *operand(layout *l, tn_value *v, int rank, int64_t c, tn_node *n) {
    double s;
    if (v->constant && tn_count(v->constant) == 1 && v->constant->rank <= 1)
        return tn_pass_scalar(v, &s) && fabs(s) <= 65504 ? v : NULL;
    if (v->constant) return blocked_constant(l, v, rank, c);
    if (!is_f32(v, rank, rank) || channels(v) != c) return NULL;
    return is_native(l, v) ? l->twin[v->id] : NULL;
}

static tn_status block_binary(layout *l, tn_node *n) {
    tn_value *in[2];
    const tn_value *y = n->outputs[0];
    if (n->n_inputs != 2 || !n->inputs[0] || !n->inputs[1] || !is_f32(y, 3, 4)) return TN_OK;
    if (!is_native(l, n->inputs[0]) && !is_native(l, n->inputs[1])) return TN_OK;
    for (int i = 0; i < 2; i++)
        if (!(in[i] = operand(l, n->inputs[i], y->type.rank, channels(y), n))) return TN_OK;
    return adopt(l, n, copy_node(n, n->domain, n->type, in, 2));
}

/* Along channels, when every part fills its blocks; along pixels always. */
static tn_status block_concat(layout *l, tn_node *n) {
    enum { MOST = 64 };
    tn_value *in[MOST];
    int rank = tn_pass_rank(n->outputs[0]);
    int64_t axis = tn_attr_int(n, "axis", 0);
    if (n->n_inputs > MOST || !is_f32(n->outputs[0], 3, 4)) return TN_OK;
    if (axis < 0) axis += rank;
    int natives = 0;
    for (int i = 0; i < n->n_inputs; i++) {
        if (!is_f32(n->inputs[i], rank, rank) || !channels(n->inputs[i])) return TN_OK;
        if (axis == 1 && channels(n->inputs[i]) % l->c) return TN_OK;
        natives += is_native(l, n->inputs[i]);
    }
    if (2 * natives <= n->n_inputs) return TN_OK;
    for (int i = 0; i < n->n_inputs; i++)
        if (!(in[i] = twin_of(l, n->inputs[i], n))) return no_memory(n);
    tn_node *b = copy_node(n, n->domain, n->type, in, n->n_inputs);
    if (!b || tn_attr_set_int(b, "axis", axis) != TN_OK) return no_memory(n);
    return adopt(l, n, b);
}

/* Means over pixels that keep the dimensions: axes 2 and 3 mean the same in both layouts. */
static tn_status block_reduce(layout *l, tn_node *n) {
    int64_t axes[TN_MAX_RANK];
    int rank = tn_pass_rank(n->inputs[0]), k = tn_pass_ints(tn_pass_input(n, 1), axes, TN_MAX_RANK);
    if (!is_native(l, n->inputs[0]) || k < 1 || !tn_attr_int(n, "keepdims", 1)) return TN_OK;
    for (int i = 0; i < k; i++) {
        if (axes[i] < 0) axes[i] += rank;
        if (axes[i] < 2 || axes[i] >= rank) return TN_OK;
    }
    tn_value *in[2] = { l->twin[n->inputs[0]->id], tn_value_ints(l->g, n->inputs[1]->name, axes, k) };
    return in[1] ? adopt(l, n, copy_node(n, n->domain, n->type, in, 2)) : no_memory(n);
}

/* Resize of the pixels alone. Scales or sizes are constants; they get a 1, or lose nothing, for the block. */
static tn_status block_resize(layout *l, tn_node *n) {
    const tn_value *x = n->inputs[0], *y = n->outputs[0];
    tn_value *scales = tn_pass_input(n, 2), *sizes = tn_pass_input(n, 3);
    int count, rank = tn_pass_rank(x);
    if (!is_native(l, x) || tn_pass_rank(y) != rank || tn_attr_ints(n, "axes", &count)) return TN_OK;
    if (tn_attr_is(n, "coordinate_transformation_mode", "tf_crop_and_resize", "half_pixel")) return TN_OK;
    if (!tn_attr_is(n, "keep_aspect_ratio_policy", "stretch", "stretch")) return TN_OK;
    if (!tn_dim_same(x->type.dims[0], y->type.dims[0]) || channels(x) != channels(y)) return TN_OK;
    tn_value *in[4] = { l->twin[x->id], NULL, NULL, NULL };
    int64_t v[TN_MAX_RANK], axes[TN_MAX_RANK];
    for (int d = 2; d < rank; d++) axes[d - 2] = d;
    if (scales && scales->constant && scales->constant->dtype == TN_F32 && tn_count(scales->constant) == rank) {
        const float *by = scales->constant->data;
        if (by[0] != 1 || by[1] != 1) return TN_OK; /* a little more than 1 mixes channels */
        tn_tensor t;
        int64_t k = rank - 2;
        TN_TRY(tn_tensor_init(&t, TN_F32, 1, &k, TN_MEM_WEIGHTS));
        memcpy(t.data, (const float *)scales->constant->data + 2, (size_t)k * sizeof(float));
        if (!(in[2] = tn_value_constant(l->g, scales->name, &t))) return no_memory(n);
    } else if (sizes && tn_pass_ints(sizes, v, TN_MAX_RANK) == rank) {
        if (!(in[3] = tn_value_ints(l->g, sizes->name, v + 2, rank - 2))) return no_memory(n);
    } else {
        return TN_OK;
    }
    tn_node *b = copy_node(n, n->domain, n->type, in, in[3] ? 4 : 3);
    if (!b || tn_attr_set_ints(b, "axes", axes, rank - 2) != TN_OK) return no_memory(n);
    return adopt(l, n, b);
}

static tn_status visit(layout *l, tn_node *n) {
    if (n->n_inputs < 1 || !n->inputs[0] || n->n_outputs < 1 || !n->outputs[0]) return TN_OK;
    if (tn_pass_is_op(n, "", "Conv") || tn_pass_is_op(n, "tenon", "Conv")) return block_conv(l, n);
    if (one_of(n, unary, TN_COUNT(unary))) return block_unary(l, n);
    if (one_of(n, binary, TN_COUNT(binary))) return block_binary(l, n);
    if (one_of(n, pools, TN_COUNT(pools))) return block_pool(l, n);
    if (tn_pass_is_op(n, "", "Concat")) return block_concat(l, n);
    if (tn_pass_is_op(n, "", "ReduceMean")) return block_reduce(l, n);
    if (tn_pass_is_op(n, "", "Resize")) return block_resize(l, n);
    return TN_OK;
}

/* Backwards: a node that has a blocked form goes when only such nodes used it; else FromBlocked serves the others. */
static tn_status finish(layout *l) {
    for (tn_node *n = l->g->last, *before; n; n = before) {
        before = n->prev;
        const tn_value *v = n->n_outputs ? n->outputs[0] : NULL;
        tn_node *b = v && v->id < l->n_values ? l->made[v->id] : NULL;
        if (!b) continue;
        tn_value *y = n->outputs[0];
        if (y->n_uses) {
            tn_build made = tn_build_in(l->g, n);
            tn_node *from = tn_build_node(&made, "tenon", "FromBlocked", b->outputs, 1, 1);
            tn_value *plain = tn_build_typed_with(&made, from, tn_attr_of_int("channels", channels(y)));
            if (!plain) return no_memory(n);
            TN_TRY(tn_value_replace(y, plain));
            l->ctx->changed++;
        }
        tn_pass_remove_unused(n);
        l->ctx->changed++;
    }
    return TN_OK;
}

static tn_status layout_graph(tn_graph *g, tn_pass_ctx *c) {
    layout l = { .g = g, .c = tn_kernels_get()->conv.block, .n_values = g->model->n_values, .ctx = c };
    tn_arena *a = tn_arena_new(0, TN_MEM_GENERAL);
    tn_status st = TN_E_NOMEM;
    if (!a) return tn_fail(st, "no memory to choose layouts");
    l.twin = tn_arena_array(a, tn_value *, (size_t)l.n_values + 1);
    l.native = tn_arena_array(a, bool, (size_t)l.n_values + 1);
    l.made = tn_arena_array(a, tn_node *, (size_t)l.n_values + 1);
    if (!l.twin || !l.native || !l.made) {
        st = tn_fail(st, "no memory to choose layouts");
        goto done;
    }
    for (tn_node *x = g->first; x; x = x->next) { /* new nodes come in front of the one that is visited */
        if ((st = visit(&l, x)) != TN_OK) goto done;
    }
    st = finish(&l);
done:
    tn_arena_free(&a);
    return st;
}

tn_status tn_pass_layout(tn_model *m, tn_pass_ctx *c) { return tn_pass_each_graph(m->graph, layout_graph, c); }
