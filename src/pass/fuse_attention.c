/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* fuse_attention.c - attention as exporters write it becomes one node, tenon.Attention:
 *
 *     q ─ [scale, transpose]* ─┐
 *     k ─ [scale, transpose]* ─ MatMul ─ [scale]* ─ [Add mask | Where(mask, number)] ─ Softmax ─┐
 *     v ─ [transpose]* ───────────────────────────────────────────────────────────────────────── MatMul ─ [transpose]
 *
 * The transposes that leave each head's elements side by side become strides, so that nothing is moved; the scores stay
 * in the cache instead of being written and read three times. Where stays a choice and Add an addition, whatever the
 * numbers are: rows that are masked throughout, NaN behind a mask, and infinities give what the pieces give.
 *
 * Keys and values that are repeated for groups of query heads (repeat_heads.h) are taken as they were before. */
#include "pass/repeat_heads.h"
#include <math.h>
#include <string.h>

/* An operand on its way back to its source: logical dimension i is dimension order[i] of the value. */
typedef struct {
    tn_value *v;
    int rank;
    int64_t order[4];
    double scale;
} operand;

static bool usable(const tn_value *v) { return v && tn_pass_rank(v) >= 0 && v->type.dtype == TN_F32; }

/* Whether products with it neither overflow nor lose digits that they have without it. */
static bool moderate(double s) { return fabs(s) >= 1e-6 && fabs(s) <= 1e6; }

/* v = x * s or x / s with a constant scalar s: x, and what it is multiplied by. */
static tn_value *scaled(const tn_value *v, const tn_graph *g, double *by) {
    const tn_node *n = v->producer;
    double s;
    if (!n || n->graph != g || n->n_inputs != 2) return NULL;
    bool mul = tn_pass_is_op(n, "", "Mul"), div = tn_pass_is_op(n, "", "Div");
    for (int i = 0; i < 2 && (mul || (div && i == 0)); i++) {
        tn_value *x = n->inputs[i], *y = n->inputs[1 - i];
        if (!tn_pass_scalar(y, &s) || !moderate(s) || !tn_pass_keeps_rank(x, y)) continue;
        *by = mul ? s : 1 / s;
        return x;
    }
    return NULL;
}

/* Follows v back through transposes and scales, and stops at the last place where the elements of a head are
 * contiguous. false: there is none. */
static bool trace(tn_value *v, const tn_graph *g, bool transposed, operand *out) {
    operand at = { v, tn_pass_rank(v), { 0, 1, 2, 3 }, 1 };
    bool found = false;
    int r = at.rank, count;
    if (r != 3 && r != 4) return false;
    if (transposed) at.order[r - 1] = r - 2, at.order[r - 2] = r - 1;
    for (int step = 0; step < 8; step++) {
        if (!usable(at.v)) break;
        if (at.order[r - 1] == r - 1) *out = at, found = true;
        double by;
        tn_value *x = scaled(at.v, g, &by);
        const tn_node *n = at.v->producer;
        if (x) {
            at.v = x, at.scale *= by;
            continue;
        }
        if (!n || n->graph != g || !tn_pass_is_op(n, "", "Transpose")) break;
        const int64_t *perm = tn_attr_ints(n, "perm", &count);
        for (int i = 0; i < r; i++) at.order[i] = perm && count == r ? perm[at.order[i]] : r - 1 - at.order[i];
        at.v = n->inputs[0];
    }
    return found;
}

static tn_node *sole_maker(tn_value *v, const tn_node *user, const char *type) {
    tn_node *p = v ? v->producer : NULL;
    return p && p->graph == user->graph && tn_pass_is_op(p, "", type) && tn_value_only_user(v) == user ? p : NULL;
}

/* Does m broadcast into the scores without making them larger? */
static bool fits(const tn_value *m, const tn_value *scores) {
    int rm = tn_pass_rank(m), rs = tn_pass_rank(scores);
    if (rm < 0 || rm > rs) return false;
    for (int d = 0; d < rm; d++) {
        tn_dim a = m->type.dims[d], b = scores->type.dims[rs - rm + d];
        if (a != 1 && (a != b || a == TN_DIM_UNKNOWN)) return false;
    }
    return true;
}

/* The parts of one match. */
typedef struct {
    tn_node *softmax, *scores, *result; /* scores, result: the two MatMuls */
    operand q, k, v;
    double scale;
    tn_value *bias;   /* Add's, or NULL */
    tn_value *choice; /* Where's condition, or NULL */
    bool fill_where;  /* what it is where the score becomes `fill` */
    double fill;
    tn_value *beside; /* the constant that Where chooses */
} match;

/* The side of an Add that leads to a product; -1: none. */
static int product_side(const tn_node *add) {
    for (int i = 0; i < 2; i++) {
        double by;
        tn_value *y = add->inputs[i];
        for (tn_value *s; y && (s = scaled(y, add->graph, &by));) y = s;
        if (y && y->producer && tn_pass_is_op(y->producer, "", "MatMul") && usable(add->inputs[1 - i])) return i;
    }
    return -1;
}

/* The mask in front of v, if there is one: the value that it masks, and its maker in *user. NULL: none that fits. */
static tn_value *match_mask(match *m, tn_value *v, tn_node **user) {
    tn_node *add = sole_maker(v, *user, "Add"), *where = sole_maker(v, *user, "Where");
    if (add && add->n_inputs == 2) {
        int i = product_side(add);
        if (i < 0) return NULL;
        m->bias = add->inputs[1 - i];
        *user = add;
        return add->inputs[i];
    }
    if (where && where->n_inputs == 3) {
        int i = tn_pass_scalar(where->inputs[1], &m->fill) ? 1 : tn_pass_scalar(where->inputs[2], &m->fill) ? 2 : 0;
        if (!i) return NULL;
        m->choice = where->inputs[0];
        m->fill_where = i == 1;
        m->beside = where->inputs[i];
        *user = where;
        return where->inputs[3 - i];
    }
    return v;
}

/* What stands between the scores and the softmax, walked backwards. */
static bool match_scores(match *m) {
    tn_node *user = m->softmax;
    tn_value *v = match_mask(m, user->inputs[0], &user);
    double by;
    for (tn_value *x; v && tn_value_only_user(v) == user && (x = scaled(v, user->graph, &by)); v = x)
        m->scale *= by, user = v->producer;
    m->scores = v && usable(v) ? sole_maker(v, user, "MatMul") : NULL;
    if (!m->scores) return false;
    const tn_value *s = m->scores->outputs[0];
    if (m->choice && (!fits(m->choice, s) || !tn_pass_keeps_rank(s, m->beside))) return false;
    return !m->bias || fits(m->bias, s);
}

/* Equal leading dimensions, equal inner sizes: what broadcasting could differ in is left alone. */
static bool match_shapes(const match *m) {
    int r = m->q.rank;
    if (m->k.rank != r || m->v.rank != r) return false;
    const tn_dim *q = m->q.v->type.dims, *k = m->k.v->type.dims, *v = m->v.v->type.dims;
    for (int i = 0; i < r; i++) {
        tn_dim a = q[m->q.order[i]], b = k[m->k.order[i]], c = v[m->v.order[i]];
        if (i < r - 2 && (a != b || a != c || a == TN_DIM_UNKNOWN)) return false;
        if (i == r - 2 && (b != c || b == TN_DIM_UNKNOWN)) return false;
        if (i == r - 1 && (a != b || a == TN_DIM_UNKNOWN)) return false;
    }
    return true;
}

static bool find(tn_node *result, match *m) {
    *m = (match){ .result = result, .scale = 1 };
    if (result->n_inputs != 2 || !usable(result->outputs[0])) return false;
    m->softmax = sole_maker(result->inputs[0], result, "Softmax");
    if (!m->softmax || !usable(m->softmax->inputs[0])) return false;
    int64_t axis = tn_attr_int(m->softmax, "axis", -1);
    if (axis != -1 && axis != tn_pass_rank(m->softmax->inputs[0]) - 1) return false;
    if (!match_scores(m)) return false;
    const tn_graph *g = result->graph;
    if (!trace(m->scores->inputs[0], g, false, &m->q) || !trace(m->scores->inputs[1], g, true, &m->k) ||
        !trace(result->inputs[1], g, false, &m->v) || !match_shapes(m))
        return false;
    m->scale *= m->q.scale * m->k.scale;
    return moderate(m->scale) && m->v.scale == 1;
}

/* Both keys and values, or neither. */
static void take_repeated(match *m) {
    int64_t times[2];
    if (m->k.rank != 4 || m->v.rank != 4) return;
    tn_value *k = tn_pass_repeated(m->k.v, (int)m->k.order[1], &times[0]);
    tn_value *v = tn_pass_repeated(m->v.v, (int)m->v.order[1], &times[1]);
    if (k && v && times[0] == times[1]) m->k.v = k, m->v.v = v;
}

/* *before: the node to go on with. */
static tn_status rewrite(match *m, tn_pass_ctx *c, tn_node **before) {
    tn_node *last = m->result, *after = tn_value_only_user(last->outputs[0]);
    int r = m->q.rank, count;
    int64_t y[4] = { 0, 1, 2, 3 };
    if (tn_pass_is(after, "", "Transpose") && after->graph == last->graph) {
        const int64_t *perm = tn_attr_ints(after, "perm", &count);
        if (perm && count == r && perm[r - 1] == r - 1) {
            for (int i = 0; i < r; i++) y[perm[i]] = i;
            last = after;
        }
    }
    tn_value *in[] = { m->q.v, m->k.v, m->v.v, m->bias, m->choice };
    tn_build b = tn_build_in(last->graph, last);
    tn_node *f = tn_build_node(&b, "tenon", "Attention", in, m->choice ? 5 : m->bias ? 4 : 3, 1);
    tn_build_attr(&b, f, tn_attr_of_ints("order_q", m->q.order, r));
    tn_build_attr(&b, f, tn_attr_of_ints("order_k", m->k.order, r));
    tn_build_attr(&b, f, tn_attr_of_ints("order_v", m->v.order, r));
    tn_build_attr(&b, f, tn_attr_of_ints("order_y", y, r));
    tn_build_attr(&b, f, tn_attr_of_float("scale", (float)m->scale));
    if (m->choice) {
        tn_build_attr(&b, f, tn_attr_of_float("fill", (float)m->fill));
        tn_build_attr(&b, f, tn_attr_of_int("fill_where", m->fill_where));
    }
    TN_TRY(b.st);
    TN_TRY(tn_pass_become(last, f, c));
    *before = f->prev;
    return TN_OK;
}

static tn_status fuse_graph(tn_graph *g, tn_pass_ctx *c) {
    for (tn_node *n = g->last, *before; n;
         n = before) { /* backwards: a match takes away what lies before and one behind */
        match m;
        before = n->prev;
        if (tn_pass_is_op(n, "", "Attention")) {
            bool changed;
            TN_TRY(tn_pass_take_repeated(n, &changed));
            c->changed += changed;
            before = n->prev;
        }
        if (!tn_pass_is_op(n, "", "MatMul") || !find(n, &m)) continue;
        take_repeated(&m);
        TN_TRY(rewrite(&m, c, &before));
    }
    return TN_OK;
}

tn_status tn_pass_fuse_attention(tn_model *m, tn_pass_ctx *c) { return tn_pass_each_graph(m->graph, fuse_graph, c); }
