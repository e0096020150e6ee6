/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* eliminate.c - what does nothing goes: identities in all their forms, dead code, expressions that were computed
 * before, transposes of transposes, branches whose condition is known. */
#include "pass/util.h"
#include <string.h>

/* ------------------------------------------------------------------------------------------------------ identities */

static bool same_shape(const tn_value *a, const tn_value *b) {
    const tn_type *x = &a->type, *y = &b->type;
    if (x->kind != TN_KIND_TENSOR || y->kind != TN_KIND_TENSOR || x->dtype != y->dtype) return false;
    if (x->rank < 0 || x->rank != y->rank) return false;
    for (int i = 0; i < x->rank; i++)
        if (!tn_dim_same(x->dims[i], y->dims[i])) return false;
    return true;
}

static bool always(const tn_node *n) { return n->n_inputs >= 1; }
static bool one_input(const tn_node *n) { return n->n_inputs == 1; }
static bool keeps_shape(const tn_node *n) {
    return n->n_inputs >= 1 && n->inputs[0] && n->outputs[0] && same_shape(n->inputs[0], n->outputs[0]);
}

static bool no_training(const tn_node *n) {
    const tn_value *mode = tn_pass_input(n, 2);
    if (n->n_outputs > 1 && n->outputs[1] && n->outputs[1]->n_uses) return false;
    const tn_value *ratio = tn_pass_input(n, 1);
    if (ratio && ratio->constant && tn_count(ratio->constant) == 1 && tn_pass_is_scalar(ratio, 0)) return true;
    return !mode || (mode->constant && tn_count(mode->constant) == 1 && !*(const uint8_t *)mode->constant->data);
}

static bool like_type(const tn_node *n) {
    const tn_value *like = tn_pass_input(n, 1);
    return like && like->type.kind == TN_KIND_TENSOR && like->type.dtype != TN_NONE &&
           n->inputs[0]->type.kind == TN_KIND_TENSOR && n->inputs[0]->type.dtype == like->type.dtype;
}

static bool same_type(const tn_node *n) {
    return n->inputs[0]->type.kind == TN_KIND_TENSOR && n->inputs[0]->type.dtype != TN_NONE &&
           tn_attr_int(n, "to", 0) == tn_dtypes[n->inputs[0]->type.dtype].onnx;
}

static bool in_order(const tn_node *n) {
    int k;
    const int64_t *perm = tn_attr_ints(n, "perm", &k);
    if (!perm) return tn_pass_rank(n->inputs[0]) == 0 || tn_pass_rank(n->inputs[0]) == 1;
    for (int i = 0; i < k; i++)
        if (perm[i] != i) return false;
    return true;
}

static bool no_padding(const tn_node *n) {
    int64_t pads[2 * TN_MAX_RANK];
    int k = tn_pass_ints(tn_pass_input(n, 1), pads, 2 * TN_MAX_RANK);
    for (int i = 0; i < k; i++)
        if (pads[i]) return false;
    return k > 0;
}

static bool full_slice(const tn_node *n) {
    int64_t start[TN_MAX_RANK], step[TN_MAX_RANK];
    int k = tn_pass_ints(tn_pass_input(n, 1), start, TN_MAX_RANK);
    if (k < 0 || !keeps_shape(n)) return false;
    if (tn_pass_input(n, 4) && tn_pass_ints(n->inputs[4], step, TN_MAX_RANK) != k) return false;
    for (int i = 0; i < k; i++)
        if (start[i] != 0 || (tn_pass_input(n, 4) && step[i] != 1)) return false;
    return true;
}

/* An operator, and when its output 0 is its input 0. */
static const struct {
    const char *type;
    bool (*when)(const tn_node *n);
} nothing[] = {
    { "Identity", always },     { "Dropout", no_training },   { "Cast", same_type },      { "CastLike", like_type },
    { "Transpose", in_order },  { "Reshape", keeps_shape },   { "Flatten", keeps_shape }, { "Expand", keeps_shape },
    { "Squeeze", keeps_shape }, { "Unsqueeze", keeps_shape }, { "Concat", one_input },    { "Sum", one_input },
    { "Max", one_input },       { "Min", one_input },         { "Mean", one_input },      { "Pad", no_padding },
    { "Slice", full_slice },
};

static tn_status remove_nothing(tn_node *n, tn_pass_ctx *c, bool *gone) {
    for (size_t i = 0; i < TN_COUNT(nothing); i++) {
        if (!tn_pass_is(n, "", nothing[i].type)) continue;
        if (n->n_inputs < 1 || !n->inputs[0] || n->n_outputs < 1 || !n->outputs[0] || !nothing[i].when(n)) continue;
        if (!tn_pass_replaceable(n->outputs[0], n->inputs[0])) continue;
        TN_TRY(tn_value_replace(n->outputs[0], n->inputs[0]));
        *gone = tn_pass_remove_unused(n);
        c->changed++;
        return TN_OK;
    }
    return TN_OK;
}

/* Transpose(Transpose(x)): one with both permutations. Reshape(Reshape(x)): the second alone, unless it copies a
 * dimension (0) of the first. */
static tn_status merge_pair(tn_node *n, tn_pass_ctx *c) {
    tn_node *p;
    if (tn_pass_is(n, "", "Transpose") && (p = tn_pass_producer(n, 0, "Transpose"))) {
        int a, b;
        int64_t perm[TN_MAX_RANK];
        const int64_t *outer = tn_attr_ints(n, "perm", &a), *inner = tn_attr_ints(p, "perm", &b);
        if (!outer || !inner || a != b || a > TN_MAX_RANK) return TN_OK;
        for (int i = 0; i < a; i++) {
            if (outer[i] < 0 || outer[i] >= b) return TN_OK;
            perm[i] = inner[outer[i]];
        }
        TN_TRY(tn_attr_set_ints(n, "perm", perm, a));
    } else if (tn_pass_is(n, "", "Reshape") && (p = tn_pass_producer(n, 0, "Reshape"))) {
        int64_t to[TN_MAX_RANK];
        int k = tn_pass_ints(tn_pass_input(n, 1), to, TN_MAX_RANK);
        if (k < 0) return TN_OK;
        for (int i = 0; i < k; i++)
            if (to[i] == 0) return TN_OK;
    } else {
        return TN_OK;
    }
    TN_TRY(tn_node_set_input(n, 0, p->inputs[0]));
    tn_pass_remove_unused(p);
    c->changed++;
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------- known branches */

static tn_status inline_branch(tn_node *n, tn_pass_ctx *c, bool *gone) {
    const tn_value *cond = tn_pass_input(n, 0);
    if (!tn_pass_is(n, "", "If") || !cond || !cond->constant || tn_count(cond->constant) != 1) return TN_OK;
    tn_graph *g = tn_attr_graph(n, *(const uint8_t *)cond->constant->data ? "then_branch" : "else_branch");
    if (!g || g->n_outputs != n->n_outputs) return TN_OK;
    tn_value **outs = tn_mem_alloc(((size_t)n->n_outputs + 1) * sizeof *outs, TN_MEM_GENERAL);
    if (!outs) return tn_fail(TN_E_NOMEM, "no memory to inline a branch");
    tn_status st = tn_graph_inline(n->graph, n, g, NULL, n->name, outs);
    for (int i = 0; st == TN_OK && i < n->n_outputs; i++)
        if (n->outputs[i]) st = tn_value_replace(n->outputs[i], outs[i]);
    tn_mem_free(outs);
    if (st != TN_OK) return st;
    *gone = tn_pass_remove_unused(n);
    c->changed++;
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------ repeated expressions */

static bool put_attr(tn_text *t, const tn_attr *a) {
    tn_text_put(t, a->name, strlen(a->name) + 1);
    tn_text_put(t, (const char *)&a->kind, sizeof a->kind);
    tn_text_put(t, (const char *)&a->n, sizeof a->n);
    switch (a->kind) {
    case TN_ATTR_FLOAT: tn_text_put(t, (const char *)&a->f, sizeof a->f); return true;
    case TN_ATTR_INT: tn_text_put(t, (const char *)&a->i, sizeof a->i); return true;
    case TN_ATTR_STRING:
        tn_text_put(t, (const char *)&a->s.len, sizeof a->s.len);
        tn_text_put(t, a->s.ptr, a->s.len);
        return true;
    case TN_ATTR_FLOATS: tn_text_put(t, (const char *)a->floats, a->n * sizeof *a->floats); return true;
    case TN_ATTR_INTS: tn_text_put(t, (const char *)a->ints, a->n * sizeof *a->ints); return true;
    default: return false;
    }
}

/* What a node computes, as bytes; false when it cannot be said or must not be shared. */
static bool fingerprint(const tn_node *n, tn_text *t) {
    if (!n->op || n->op->flags & (TN_OP_RANDOM | TN_OP_SUBGRAPH | TN_OP_SIDE_EFFECT) || !n->n_inputs) return false;
    t->n = 0;
    tn_text_put(t, (const char *)&n->op, sizeof n->op);
    tn_text_put(t, (const char *)&n->n_inputs, sizeof n->n_inputs);
    for (int i = 0; i < n->n_inputs; i++) tn_text_put(t, (const char *)&n->inputs[i], sizeof n->inputs[i]);
    for (int i = 0; i < n->n_outputs; i++) tn_text_put(t, n->outputs[i] ? "1" : "0", 1);
    for (int i = 0; i < n->n_attrs; i++)
        if (!put_attr(t, &n->attrs[i])) return false;
    return !t->failed;
}

static tn_status share(tn_node *n, tn_map *seen, tn_arena *a, tn_text *t, tn_pass_ctx *c, bool *gone) {
    if (!fingerprint(n, t)) return TN_OK;
    tn_node *twin = tn_map_get(seen, t->s, t->n);
    if (!twin || !twin->graph) { /* new, or the earlier one has gone meanwhile */
        char *key = tn_arena_strndup(a, t->s, t->n);
        return key ? tn_map_put(seen, key, t->n, n) : tn_fail(TN_E_NOMEM, "no memory to compare nodes");
    }
    for (int i = 0; i < n->n_outputs; i++)
        if (n->outputs[i] && (!tn_pass_replaceable(n->outputs[i], twin->outputs[i]))) return TN_OK;
    for (int i = 0; i < n->n_outputs; i++)
        if (n->outputs[i]) TN_TRY(tn_value_replace(n->outputs[i], twin->outputs[i]));
    *gone = tn_pass_remove_unused(n);
    c->changed++;
    return TN_OK;
}

static void remove_dead(tn_graph *g, tn_pass_ctx *c) {
    for (tn_node *n = g->last, *before; n; n = before) {
        before = n->prev;
        c->changed += tn_pass_remove_unused(n);
    }
}

static tn_status eliminate_graph(tn_graph *g, tn_pass_ctx *c) {
    tn_arena *a = tn_arena_new(0, TN_MEM_GENERAL);
    tn_map *seen = tn_map_new((size_t)g->n_nodes + 1);
    tn_text t = { 0 };
    tn_status st = a && seen ? TN_OK : tn_fail(TN_E_NOMEM, "no memory to compare nodes");
    if (st != TN_OK) goto done;
    remove_dead(g, c);
    tn_graph_each(g, n) {
        bool gone = false;
        if ((st = inline_branch(n, c, &gone)) != TN_OK) goto done;
        if (!gone && (st = remove_nothing(n, c, &gone)) != TN_OK) goto done;
        if (!gone && (st = merge_pair(n, c)) != TN_OK) goto done;
        if (!gone && (st = share(n, seen, a, &t, c, &gone)) != TN_OK) goto done;
    }
    remove_dead(g, c);
done:
    tn_text_free(&t);
    tn_map_free(&seen);
    tn_arena_free(&a);
    return st;
}

/* What one sweep leaves behind (two transposes that became an identity) the next one takes. */
tn_status tn_pass_eliminate(tn_model *m, tn_pass_ctx *c) {
    for (int sweep = 0; sweep < 4; sweep++) {
        int before = c->changed;
        TN_TRY(tn_pass_each_graph(m->graph, eliminate_graph, c));
        if (c->changed == before) break;
    }
    return TN_OK;
}
