/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* quantise_ops.c - integer forms of what is no product of weights: movement of codes, sums and products of two tensors,
 * poolings, joining. See quantise.c. */
#include "pass/quantise.h"
#include <math.h>
#include <string.h>

static tn_status no_memory(const tn_requant *q) {
    return tn_fail(TN_E_NOMEM, "no memory to quantise %s", tn_node_where(q->base));
}

static int rank_of(const tn_coded *c) { return tn_pass_rank(c->q); }

/* ------------------------------------------------------------------------------------------------------- movement */

static const char *const movers[] = { "Reshape",      "Flatten",      "Squeeze", "Unsqueeze", "Transpose",
                                      "Slice",        "Gather",       "Expand",  "Tile",      "Identity",
                                      "DepthToSpace", "SpaceToDepth", "Pad",     "Resize" };

/* Only copies elements of its first input? */
static bool moves(const tn_node *n) {
    bool listed = false;
    for (size_t i = 0; i < TN_COUNT(movers) && !listed; i++) listed = tn_pass_is_op(n, "", movers[i]);
    if (!listed || n->n_outputs != 1 || !n->op || !(n->op->in[0].types & tn_dtype_bit(TN_U8))) return false;
    if (!strcmp(n->type, "Resize"))
        return tn_attr_is(n, "mode", "nearest", "nearest") && !tn_pass_input(n, 1) &&
               !tn_attr_is(n, "coordinate_transformation_mode", "tf_crop_and_resize", "half_pixel");
    return true;
}

/* Pad's number as a code; false: not known. */
static bool pad_code(tn_quantise *t, const tn_requant *q, tn_value **in, int *n_in) {
    double v = 0;
    tn_tensor code = { 0 };
    if (!tn_attr_is(q->base, "mode", "constant", "constant")) {
        in[2] = NULL;
        return true;
    }
    if (in[2] && !tn_pass_scalar(in[2], &v)) return false;
    if (tn_tensor_init(&code, TN_U8, 0, NULL, TN_MEM_WEIGHTS) != TN_OK) return false;
    *(uint8_t *)code.data = (uint8_t)tn_quantise_number(q, v);
    in[2] = tn_value_constant(t->g, "pad", &code);
    tn_tensor_reset(&code);
    if (*n_in < 3) *n_in = 3;
    return in[2];
}

static tn_status move_codes(tn_quantise *t, const tn_requant *q) {
    enum { MOST = 8 };
    tn_node *b = q->base;
    tn_coded c;
    tn_value *in[MOST] = { 0 };
    bool pad = !strcmp(b->type, "Pad");
    int n = b->n_inputs;
    if (n > MOST || !tn_quantise_coded(b->inputs[0], &c) || (pad && q->n)) return TN_OK;
    for (int i = 1; i < n; i++) in[i] = b->inputs[i];
    if (pad && !pad_code(t, q, in, &n)) return TN_OK;
    TN_TRY(tn_quantise_recode(t, &c, q, false, &in[0]));
    tn_node *m = tn_node_new(t->g, q->out.node, "", b->type, in, n, 1);
    for (int i = 0; m && i < b->n_attrs; i++) TN_TRY(tn_attr_set(m, &b->attrs[i]));
    t->ctx->changed++;
    return tn_quantise_adopt(t, q, m ? m->outputs[0] : NULL, false);
}

/* ------------------------------------------------------------------------------------------------- sums, products */

static bool same_dim(const tn_value *a, const tn_value *b, int d) {
    return tn_dim_same(a->type.dims[d], b->type.dims[d]);
}

/* Whether both may be blocked: equal ranks and channels, and one is blocked already. */
static bool pair_blocked(const tn_quantise *t, const tn_coded *a, const tn_coded *b) {
    int rank = rank_of(a);
    if (rank < 3 || rank >= TN_MAX_RANK || rank_of(b) != rank || !same_dim(a->q, b->q, 1)) return false;
    if (a->q->constant || b->q->constant) return false;
    return tn_quantise_is_blocked(t, a) || tn_quantise_is_blocked(t, b);
}

static tn_status pair(tn_quantise *t, const tn_requant *q, bool sum, float sign) {
    tn_coded c[2];
    tn_value *in[2];
    const tn_node *b = q->base;
    if (b->n_inputs != 2) return TN_OK;
    for (int i = 0; i < 2; i++)
        if (!tn_quantise_coded(b->inputs[i], &c[i]) || rank_of(&c[i]) < 0) return TN_OK;
    bool blocked = pair_blocked(t, &c[0], &c[1]) && tn_quantise_may_block(q->out.q);
    for (int i = 0; i < 2; i++) {
        in[i] = blocked ? tn_quantise_blocked(t, &c[i]) : tn_quantise_plain(t, &c[i]);
        if (!in[i]) return no_memory(q);
    }
    tn_value *table;
    TN_TRY(tn_quantise_pair(t, &c[0], &c[1], q, in[0], in[1], &table));
    if (table) return tn_quantise_adopt(t, q, table, blocked);
    if (!q->clips) return TN_OK;
    tn_node *n = tn_quantise_node(t, q->out.node, sum ? "QAdd" : "QMul", in, 2);
    if (!n) return no_memory(q);
    TN_TRY(tn_attr_set_float(n, "a_scale", c[0].of.scale));
    TN_TRY(tn_attr_set_float(n, "b_scale", sign * c[1].of.scale));
    TN_TRY(tn_attr_set_float(n, "y_scale", q->out.of.scale));
    TN_TRY(tn_attr_set_int(n, "a_zero", c[0].of.zero));
    TN_TRY(tn_attr_set_int(n, "b_zero", c[1].of.zero));
    TN_TRY(tn_quantise_result(q, n));
    return tn_quantise_adopt(t, q, n->outputs[0], blocked);
}

/* ------------------------------------------------------------------------------------------------------- poolings */

static bool mean_of_pixels(const tn_node *n) {
    int64_t axes[TN_MAX_RANK];
    int rank = tn_pass_rank(n->inputs[0]), k = tn_pass_ints(tn_pass_input(n, 1), axes, TN_MAX_RANK);
    unsigned have = 0;
    if (!tn_pass_is_op(n, "", "ReduceMean") || rank < 3 || k != rank - 2 || !tn_attr_int(n, "keepdims", 1))
        return false;
    for (int i = 0; i < k; i++) {
        int64_t d = axes[i] < 0 ? axes[i] + rank : axes[i];
        if (d < 2 || d >= rank) return false;
        have |= 1u << d;
    }
    return have == (1u << rank) - 4;
}

static const char *const window[] = { "auto_pad", "kernel_shape", "pads", "strides", "dilations", "ceil_mode", NULL };
static const char *const mean_window[] = { "auto_pad",  "kernel_shape",      "pads", "strides", "dilations",
                                           "ceil_mode", "count_include_pad", NULL };
static const char *const none[] = { NULL };

static tn_status pool(tn_quantise *t, const tn_requant *q, const char *type, const char *const *attrs) {
    tn_coded c;
    const tn_node *b = q->base;
    bool most = attrs == window;
    tn_value *x;
    if (!tn_quantise_coded(b->inputs[0], &c) || rank_of(&c) < 3 || rank_of(&c) >= TN_MAX_RANK) return TN_OK;
    if (!tn_quantise_may_block(q->out.q)) return TN_OK;
    if (b->n_outputs > 1 && b->outputs[1] && b->outputs[1]->n_uses) return TN_OK; /* MaxPool's indices */
    if (most ? !q->clips : q->n > 0) return TN_OK;
    if (most)
        TN_TRY(tn_quantise_recode(t, &c, q, true, &x));
    else if (!(x = tn_quantise_blocked(t, &c)))
        return no_memory(q);
    tn_node *n = tn_quantise_node(t, q->out.node, type, &x, 1);
    if (!n) return no_memory(q);
    TN_TRY(tn_quantise_copy_attrs(b, n, attrs));
    if (!most) {
        TN_TRY(tn_attr_set_float(n, "scale", c.of.scale));
        TN_TRY(tn_attr_set_float(n, "y_scale", q->out.of.scale));
        TN_TRY(tn_attr_set_int(n, "x_zero", c.of.zero));
        TN_TRY(tn_attr_set_int(n, "y_zero", q->out.of.zero));
    }
    return tn_quantise_adopt(t, q, n->outputs[0], true);
}

tn_status tn_quantise_most(tn_quantise *t, tn_node *n) {
    tn_requant q = { .out = { .q = n->outputs[0], .node = n }, .base = n };
    tn_coded c = { .q = n->inputs[0], .node = n };
    if (!tn_quantise_8bit(c.q) || !tn_quantise_is_blocked(t, &c) || !tn_quantise_may_block(q.out.q)) return TN_OK;
    if (n->n_outputs > 1 && n->outputs[1] && n->outputs[1]->n_uses) return TN_OK;
    tn_value *x = tn_quantise_blocked(t, &c);
    tn_node *y = tn_quantise_node(t, n, "QMaxPool", &x, 1);
    if (!y) return no_memory(&q);
    TN_TRY(tn_quantise_copy_attrs(n, y, window));
    return tn_quantise_adopt(t, &q, y->outputs[0], true);
}

/* -------------------------------------------------------------------------------------------------------- joining */

static tn_status join(tn_quantise *t, const tn_requant *q) {
    enum { MOST = 32 };
    tn_value *in[MOST];
    tn_coded c[MOST];
    const tn_node *b = q->base;
    int rank = tn_pass_rank(b->outputs[0]), natives = 0;
    int64_t axis = tn_attr_int(b, "axis", 0);
    if (b->n_inputs > MOST || rank < 1) return TN_OK;
    axis += axis < 0 ? rank : 0;
    bool blocked = rank >= 3 && axis > 0 && tn_quantise_may_block(q->out.q);
    for (int i = 0; i < b->n_inputs; i++) {
        if (!tn_quantise_coded(b->inputs[i], &c[i])) return TN_OK;
        int64_t channels = rank >= 3 && rank_of(&c[i]) == rank ? c[i].q->type.dims[1] : -1;
        blocked = blocked && tn_dim_known(channels) && channels > 0 && (axis != 1 || channels % TN_QBLOCK == 0);
        natives += tn_quantise_is_blocked(t, &c[i]);
    }
    blocked = blocked && 2 * natives > b->n_inputs;
    for (int i = 0; i < b->n_inputs; i++) TN_TRY(tn_quantise_recode(t, &c[i], q, blocked, &in[i]));
    tn_node *n = tn_node_new(t->g, q->out.node, "", "Concat", in, b->n_inputs, 1);
    if (!n) return no_memory(q);
    TN_TRY(tn_attr_set_int(n, "axis", axis));
    t->ctx->changed++;
    return tn_quantise_adopt(t, q, n->outputs[0], blocked);
}

tn_status tn_quantise_move(tn_quantise *t, const tn_requant *q) {
    const tn_node *b = q->base;
    if (b->n_inputs < 1 || !b->inputs[0] || !b->outputs[0]) return TN_OK;
    if (moves(b)) return move_codes(t, q);
    if (tn_pass_is_op(b, "", "Add")) return pair(t, q, true, 1);
    if (tn_pass_is_op(b, "", "Sub")) return pair(t, q, true, -1);
    if (tn_pass_is_op(b, "", "Mul")) return pair(t, q, false, 1);
    if (tn_pass_is_op(b, "", "MaxPool")) return pool(t, q, "QMaxPool", window);
    if (tn_pass_is_op(b, "", "AveragePool")) return pool(t, q, "QAveragePool", mean_window);
    if (tn_pass_is_op(b, "", "GlobalAveragePool") || mean_of_pixels(b)) return pool(t, q, "QGlobalAveragePool", none);
    if (tn_pass_is_op(b, "", "Concat")) return join(t, q);
    return TN_OK;
}
