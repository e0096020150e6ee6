/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* attr.c - reading and writing a node's attributes. */
#include "base/number.h"
#include "graph/internal.h"

const tn_attr *tn_attr_find(const tn_node *n, const char *name) {
    for (int i = 0; i < n->n_attrs; i++)
        if (!strcmp(n->attrs[i].name, name)) return &n->attrs[i];
    return NULL;
}

static const tn_attr *find_kind(const tn_node *n, const char *name, tn_attr_kind kind) {
    const tn_attr *a = tn_attr_find(n, name);
    return a && a->kind == kind ? a : NULL;
}

int64_t tn_attr_int(const tn_node *n, const char *name, int64_t dflt) {
    const tn_attr *a = find_kind(n, name, TN_ATTR_INT);
    return a ? a->i : dflt;
}

float tn_attr_float(const tn_node *n, const char *name, float dflt) {
    const tn_attr *a = find_kind(n, name, TN_ATTR_FLOAT);
    return a ? a->f : dflt;
}

tn_string tn_attr_string(const tn_node *n, const char *name, const char *dflt) {
    const tn_attr *a = find_kind(n, name, TN_ATTR_STRING);
    return a ? a->s : (tn_string){ dflt, dflt ? strlen(dflt) : 0 };
}

bool tn_attr_is(const tn_node *n, const char *name, const char *word, const char *dflt) {
    tn_string s = tn_attr_string(n, name, dflt);
    return s.ptr && s.len == strlen(word) && !memcmp(s.ptr, word, s.len);
}

const int64_t *tn_attr_ints(const tn_node *n, const char *name, int *count) {
    const tn_attr *a = find_kind(n, name, TN_ATTR_INTS);
    *count = a ? tn_int_of(a->n) : 0;
    return a ? a->ints : NULL;
}

const float *tn_attr_floats(const tn_node *n, const char *name, int *count) {
    const tn_attr *a = find_kind(n, name, TN_ATTR_FLOATS);
    *count = a ? tn_int_of(a->n) : 0;
    return a ? a->floats : NULL;
}

tn_graph *tn_attr_graph(const tn_node *n, const char *name) {
    const tn_attr *a = find_kind(n, name, TN_ATTR_GRAPH);
    return a ? a->graph : NULL;
}

const tn_tensor *tn_attr_tensor(const tn_node *n, const char *name) {
    const tn_attr *a = find_kind(n, name, TN_ATTR_TENSOR);
    return a ? a->tensor : NULL;
}

/* A graph that is no longer an attribute of n, unless the new value still holds it. */
static void drop_graphs(const tn_attr *old, const tn_attr *now) {
    for (size_t i = 0; i < tn_attr_graph_count(old); i++) {
        bool kept = false;
        for (size_t j = 0; now && j < tn_attr_graph_count(now); j++)
            if (tn_attr_graph_at(now, j) == tn_attr_graph_at(old, i)) kept = true;
        if (!kept) tn_graph_detach(tn_attr_graph_at(old, i));
    }
}

static void adopt_graphs(tn_node *n, const tn_attr *a) {
    for (size_t i = 0; i < tn_attr_graph_count(a); i++) tn_attr_graph_at(a, i)->parent_node = n;
}

tn_status tn_attr_append(tn_node *n, const tn_attr *a) {
    if (n->n_attrs >= TN_MAX_ATTRS)
        return tn_fail(TN_E_LIMIT, "%s has more than %d attributes", tn_node_where(n), TN_MAX_ATTRS);
    if (!tn_grow(n->graph->model->arena, &n->attrs, n->n_attrs, &n->cap_attrs, sizeof *n->attrs)) return TN_E_NOMEM;
    n->attrs[n->n_attrs++] = *a;
    adopt_graphs(n, a);
    return TN_OK;
}

tn_status tn_attr_set(tn_node *n, const tn_attr *a) {
    tn_attr *at = (tn_attr *)tn_attr_find(n, a->name);
    if (!at) return tn_attr_append(n, a);
    drop_graphs(at, a);
    *at = *a;
    adopt_graphs(n, a);
    return TN_OK;
}

void tn_attr_remove(tn_node *n, const char *name) {
    tn_attr *a = (tn_attr *)tn_attr_find(n, name);
    if (!a) return;
    drop_graphs(a, NULL);
    memmove(a, a + 1, (size_t)(&n->attrs[n->n_attrs] - (a + 1)) * sizeof *a);
    n->n_attrs--;
}

/* Names and arrays given to the setters are the caller's: the model keeps copies. */
static tn_status set_copy(tn_node *n, const char *name, tn_attr a, const void *data, size_t each) {
    tn_arena *arena = n->graph->model->arena;
    const tn_attr *old = tn_attr_find(n, name);
    a.name = old ? old->name : tn_arena_strdup(arena, name);
    if (!a.name) return tn_fail(TN_E_NOMEM, "attribute %s", name);
    if (each) {
        void *copy = tn_arena_calloc(arena, a.n ? a.n : 1, each, 8);
        if (!copy) return tn_fail(TN_E_NOMEM, "attribute %s", name);
        if (a.n) memcpy(copy, data, a.n * each);
        if (a.kind == TN_ATTR_INTS)
            a.ints = copy;
        else
            a.floats = copy;
    }
    return tn_attr_set(n, &a);
}

tn_status tn_attr_set_int(tn_node *n, const char *name, int64_t v) {
    return set_copy(n, name, (tn_attr){ .kind = TN_ATTR_INT, .i = v }, NULL, 0);
}

tn_status tn_attr_set_float(tn_node *n, const char *name, float v) {
    return set_copy(n, name, (tn_attr){ .kind = TN_ATTR_FLOAT, .f = v }, NULL, 0);
}

tn_status tn_attr_set_string(tn_node *n, const char *name, const char *v) {
    const char *s = tn_arena_strdup(n->graph->model->arena, v);
    if (!s) return tn_fail(TN_E_NOMEM, "attribute %s", name);
    return set_copy(n, name, (tn_attr){ .kind = TN_ATTR_STRING, .s = { s, strlen(s) } }, NULL, 0);
}

tn_status tn_attr_set_ints(tn_node *n, const char *name, const int64_t *v, int count) {
    return set_copy(n, name, (tn_attr){ .kind = TN_ATTR_INTS, .n = (size_t)count }, v, sizeof *v);
}

tn_status tn_attr_set_floats(tn_node *n, const char *name, const float *v, int count) {
    return set_copy(n, name, (tn_attr){ .kind = TN_ATTR_FLOATS, .n = (size_t)count }, v, sizeof *v);
}
