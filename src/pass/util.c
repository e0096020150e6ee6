/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* util.c - visiting graphs and matching small patterns: see util.h. */
#include "pass/util.h"
#include <float.h>
#include <math.h>
#include <string.h>

tn_status tn_pass_each_graph(tn_graph *g, tn_status (*fn)(tn_graph *g, tn_pass_ctx *c), tn_pass_ctx *c) {
    TN_TRY(fn(g, c));
    tn_graph_each(g, n) {
        for (int i = 0; i < n->n_attrs; i++) {
            const tn_attr *a = &n->attrs[i];
            if (a->kind == TN_ATTR_GRAPH) TN_TRY(tn_pass_each_graph(a->graph, fn, c));
            for (size_t k = 0; a->kind == TN_ATTR_GRAPHS && k < a->n; k++)
                TN_TRY(tn_pass_each_graph(a->graphs[k], fn, c));
        }
    }
    return TN_OK;
}

bool tn_pass_is_op(const tn_node *n, const char *domain, const char *type) {
    const char *d = n->domain ? n->domain : "";
    if (!strcmp(d, "ai.onnx")) d = "";
    return !strcmp(n->type, type) && !strcmp(d, domain);
}

tn_node *tn_pass_producer(const tn_node *n, int i, const char *type) {
    tn_value *v = tn_pass_input(n, i);
    return v && v->producer && v->graph == n->graph && tn_pass_is(v->producer, "", type) ? v->producer : NULL;
}

tn_node *tn_pass_sole_producer(const tn_node *n, int i, const char *type) {
    tn_node *p = tn_pass_producer(n, i, type);
    return p && tn_value_only_user(n->inputs[i]) == n ? p : NULL;
}

bool tn_pass_scalar(const tn_value *v, double *out) {
    const tn_tensor *t = v ? v->constant : NULL;
    if (!t || tn_count(t) != 1 || !(tn_dtype_is_float(t->dtype) || tn_dtype_is_int(t->dtype))) return false;
    *out = tn_get_f64(t->dtype, t->data, 0);
    return true;
}

/* x as a number of type t. */
static double as_type(tn_dtype t, double x) {
    unsigned char room[16];
    tn_set_f64(t, room, 0, x);
    return tn_get_f64(t, room, 0);
}

bool tn_pass_is_scalar(const tn_value *v, double x) {
    double s;
    if (!tn_pass_scalar(v, &s)) return false;
    tn_dtype t = v->constant->dtype;
    if (tn_dtype_is_int(t)) return s == x;
    double step = t == TN_F32 ? FLT_EPSILON : t == TN_F64 ? DBL_EPSILON : 0;
    return fabs(s - as_type(t, x)) <= step * fabs(x);
}

bool tn_pass_keeps_rank(const tn_value *v, const tn_value *k) {
    int own = tn_pass_rank(k);
    return own == 0 || (own > 0 && own <= tn_pass_rank(v));
}

tn_value *tn_pass_other(const tn_node *n, const tn_value *v) {
    if (n->n_inputs != 2 || (n->inputs[0] == v) == (n->inputs[1] == v)) return NULL;
    return n->inputs[0] == v ? n->inputs[1] : n->inputs[0];
}

bool tn_pass_binary_scalar(const tn_node *n, double x, tn_value **rest) {
    if (!n || n->n_inputs != 2) return false;
    for (int i = 0; i < 2; i++)
        if (tn_pass_is_scalar(n->inputs[i], x) && tn_pass_keeps_rank(n->inputs[1 - i], n->inputs[i])) {
            *rest = n->inputs[1 - i];
            return true;
        }
    return false;
}

int tn_pass_ints(const tn_value *v, int64_t *out, int cap) {
    const tn_tensor *t = v ? v->constant : NULL;
    if (!t || (t->dtype != TN_I64 && t->dtype != TN_I32) || tn_count(t) > cap) return -1;
    int n = (int)tn_count(t);
    for (int i = 0; i < n; i++) out[i] = tn_get_i64(t->dtype, t->data, i);
    return n;
}

static bool unused(const tn_node *n) {
    for (int i = 0; i < n->n_outputs; i++)
        if (n->outputs[i] && n->outputs[i]->n_uses) return false;
    return !(n->op && n->op->flags & TN_OP_SIDE_EFFECT);
}

bool tn_pass_remove_unused(tn_node *n) {
    if (!unused(n)) return false;
    tn_node_remove(n);
    return true;
}

void tn_pass_prune(tn_node *n) {
    enum { MOST = 64 };
    tn_node *todo[MOST];
    int count = 0;
    todo[count++] = n;
    while (count) {
        tn_node *x = todo[--count];
        if (!x->graph || !unused(x)) continue;
        tn_node *feeds[MOST];
        int k = 0;
        for (int i = 0; i < x->n_inputs && k < MOST; i++)
            if (x->inputs[i] && x->inputs[i]->producer) feeds[k++] = x->inputs[i]->producer;
        tn_node_remove(x);
        while (k && count < MOST) todo[count++] = feeds[--k];
    }
}

bool tn_pass_replaceable(const tn_value *of, const tn_value *v) {
    if (!tn_value_is_output(of)) return true;
    return !v->is_input && !v->constant && v->graph == of->graph && !tn_value_is_output(v);
}

tn_status tn_pass_become(tn_node *n, tn_node *f, tn_pass_ctx *c) {
    if (!f) return tn_fail(TN_E_NOMEM, "no memory to rewrite %s", tn_node_where(n));
    f->name = n->name;
    f->outputs[0]->type = n->outputs[0]->type;
    TN_TRY(tn_value_replace(n->outputs[0], f->outputs[0]));
    tn_pass_prune(n);
    c->changed++;
    return TN_OK;
}
