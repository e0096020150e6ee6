/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* build.c - writing nodes into a graph. */
#include "graph/build.h"
#include "base/number.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

tn_status tn_build_fail(tn_build *b, tn_status st, const char *fmt, ...) {
    char text[512];
    va_list ap;
    if (b->st != TN_OK) return b->st;
    va_start(ap, fmt);
    tn_vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return b->st = b->node ? tn_fail(st, "%s: %s", tn_node_where(b->node), text) : tn_fail(st, "%s", text);
}

bool tn_build_ok(tn_build *b, tn_status st) {
    if (b->st == TN_OK) b->st = st;
    return b->st == TN_OK;
}

static void no_memory(tn_build *b) { tn_build_fail(b, TN_E_NOMEM, "no memory to write it as other nodes"); }

/* "node/what" */
static const char *name_of(tn_build *b, const char *what) {
    const char *s = b->node ? tn_arena_printf(b->graph->model->arena, "%.200s/%s", b->node->name, what) : what;
    if (!s) no_memory(b);
    return s ? s : what;
}

/* ---------------------------------------------------------------------------------------------------------- nodes */

tn_node *tn_build_node(tn_build *b, const char *domain, const char *type, tn_value *const *in, int n_in, int n_out) {
    while (n_in > 0 && !in[n_in - 1]) n_in--;
    if (b->st != TN_OK) return NULL;
    tn_node *n = tn_node_new(b->graph, b->before, domain, type, in, n_in, n_out);
    if (!n) no_memory(b);
    if (n && b->node) n->name = name_of(b, type);
    return b->st == TN_OK ? n : NULL;
}

tn_value *tn_build_typed(tn_build *b, tn_node *n) {
    if (b->st != TN_OK || !n) return NULL;
    if (b->infer && !tn_build_ok(b, b->infer(n)) && b->node)
        tn_fail_at(b->st, "%s %s", b->what ? b->what : "writing", tn_node_where(b->node));
    return b->st == TN_OK ? n->outputs[0] : NULL;
}

tn_value *tn_build_typed_with(tn_build *b, tn_node *n, tn_attr a) {
    tn_build_attr(b, n, a);
    return tn_build_typed(b, n);
}

void tn_build_outputs(tn_build *b, tn_node *n, tn_value **out, int n_out) {
    tn_value *first = tn_build_typed(b, n);
    for (int i = 0; i < n_out; i++) out[i] = first && i < n->n_outputs ? n->outputs[i] : NULL;
}

void tn_build_attr(tn_build *b, tn_node *n, tn_attr a) {
    if (b->st != TN_OK || !n) return;
    if (a.kind == TN_ATTR_INTS)
        tn_build_ok(b, tn_attr_set_ints(n, a.name, a.ints, (int)a.n));
    else
        tn_build_ok(b, tn_attr_set(n, &a));
}

void tn_build_keep(tn_build *b, tn_node *n, const tn_node *from, const char *const *names) {
    for (int i = 0; n && !names && i < from->n_attrs; i++) tn_build_attr(b, n, from->attrs[i]);
    for (; n && names && *names; names++) {
        const tn_attr *a = tn_attr_find(from, *names);
        if (a) tn_build_attr(b, n, *a);
    }
}

tn_value tn_values_end;

static int length_of(tn_value *const *list) {
    int n = 0;
    while (list[n] != &tn_values_end) n++;
    return n;
}

tn_node *tn_build_list(tn_build *b, const char *type, int n_out, tn_value *const *in) {
    if (in[0] == NULL) tn_build_fail(b, TN_E_GRAPH, "an input is missing");
    return tn_build_node(b, "", type, in, length_of(in), n_out);
}

tn_value *tn_emit_list(tn_build *b, const char *type, const tn_attr *a, tn_value *const *in) {
    tn_node *n = tn_build_list(b, type, 1, in);
    return a ? tn_build_typed_with(b, n, *a) : tn_build_typed(b, n);
}

tn_value *tn_with(tn_build *b, tn_value *v, tn_attr a) {
    assert(!b->infer);
    if (v) tn_build_attr(b, v->producer, a);
    return v;
}

tn_value *tn_with_kept(tn_build *b, tn_value *v, const char *const *names) {
    assert(!b->infer);
    if (v) tn_build_keep(b, v->producer, b->node, names);
    return v;
}

/* ------------------------------------------------------------------------------------------------------ constants */

tn_value *tn_build_tensor(tn_build *b, const char *name, tn_tensor *t) {
    tn_value *v = b->st == TN_OK ? tn_value_constant(b->graph, name_of(b, name), t) : NULL;
    if (!v) no_memory(b);
    tn_tensor_reset(t);
    return v;
}

tn_value *tn_build_ints(tn_build *b, const char *name, const int64_t *v, int n) {
    tn_value *c = b->st == TN_OK ? tn_value_ints(b->graph, name_of(b, name), v, n) : NULL;
    if (!c) no_memory(b);
    return c;
}

tn_value *tn_build_int(tn_build *b, const char *name, int64_t v) { return tn_build_ints(b, name, &v, 1); }

tn_value *tn_build_number(tn_build *b, const char *name, tn_dtype type, double v) {
    tn_tensor t = { 0 };
    if (b->st != TN_OK || !tn_build_ok(b, tn_tensor_init(&t, type, 0, NULL, TN_MEM_GRAPH))) return NULL;
    tn_set_f64(type, t.data, 0, v);
    return tn_build_tensor(b, name, &t);
}

tn_value *tn_build_long(tn_build *b, const char *name, int64_t v) {
    tn_tensor t = { 0 };
    if (b->st != TN_OK || !tn_build_ok(b, tn_tensor_init(&t, TN_I64, 0, NULL, TN_MEM_GRAPH))) return NULL;
    memcpy(t.data, &v, sizeof v);
    return tn_build_tensor(b, name, &t);
}

tn_value *tn_build_like(tn_build *b, const char *name, float v, tn_value *like) {
    if (b->st != TN_OK || !like) return NULL;
    tn_dtype t = like->type.kind == TN_KIND_TENSOR ? like->type.dtype : TN_NONE;
    if (t != TN_NONE) return tn_build_number(b, name, t, (double)v);
    return tn_emit(b, "CastLike", tn_build_number(b, name, TN_F32, (double)v), like);
}

tn_value *tn_build_fill(tn_build *b, tn_value *shape, tn_dtype type, double v) {
    tn_tensor *t = b->st == TN_OK ? tn_model_tensor(b->graph->model) : NULL;
    if (!t) no_memory(b);
    if (b->st != TN_OK || !tn_build_ok(b, tn_tensor_init(t, type, 1, (int64_t[]){ 1 }, TN_MEM_GRAPH))) return NULL;
    tn_set_f64(type, t->data, 0, v);
    tn_attr value = { .name = "value", .kind = TN_ATTR_TENSOR, .tensor = t };
    return tn_emit_with(b, "ConstantOfShape", value, shape);
}

/* ---------------------------------------------------------------------------------------------- in place of b->node */

tn_status tn_give(tn_build *b, int i, tn_value *v) {
    tn_node *n = b->node;
    if (b->st != TN_OK || i >= n->n_outputs || !n->outputs[i]) return b->st;
    tn_value *out = n->outputs[i];
    tn_node *copy = v ? tn_node_new(b->graph, b->before, "", "Identity", &v, 1, 0) : NULL;
    if (!copy) return no_memory(b), b->st;
    if (tn_build_ok(b, tn_node_set_output(n, i, NULL))) tn_build_ok(b, tn_node_set_output(copy, 0, out));
    copy->name = n->name;
    return b->st;
}

tn_node *tn_build_behind(tn_build *b, int i, const char *type) {
    tn_node *n = b->node;
    if (b->st != TN_OK) return NULL;
    tn_value *outer = n->outputs[i], *inner = tn_value_new(b->graph, outer->name);
    if (!inner || !tn_build_ok(b, tn_node_set_output(n, i, inner))) return no_memory(b), NULL;
    tn_node *behind = tn_node_new(b->graph, n->next, "", type, &inner, 1, 0);
    if (!behind || !tn_build_ok(b, tn_node_set_output(behind, 0, outer))) return no_memory(b), NULL;
    behind->name = outer->name;
    return behind;
}

tn_status tn_build_input(tn_build *b, int i, tn_value *v) {
    if (b->st == TN_OK) tn_build_ok(b, tn_node_set_input(b->node, i, v));
    return b->st;
}
