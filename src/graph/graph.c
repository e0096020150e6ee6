/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* graph.c - models and graphs come and go: values, nodes, inputs, outputs, constants. Editing them is edit.c. */
#include "graph/graph.h"
#include "base/budget.h"
#include "base/file.h"
#include "graph/internal.h"
#include <assert.h>
#include <limits.h>
#include <stdio.h>

typedef struct tn_owned {
    struct tn_owned *next;
    tn_tensor tensor;
} tn_owned;

/* Makes room for one more pointer in an arena array of n with *cap places, doubling. False when out of memory. */
bool tn_grow(tn_arena *a, void *array, int n, int *cap, size_t each) {
    if (n < *cap) return true;
    if (n > INT_MAX / 4) return tn_fail(TN_E_LIMIT, "more than %d entries in one list", n), false;
    int want = n < 4 ? 4 : n * 2;
    void *wider = tn_arena_calloc(a, (size_t)want, each, 16), *old;
    if (!wider) return tn_fail(TN_E_NOMEM, "a list of %d entries", want), false;
    memcpy(&old, array, sizeof old);
    if (n) memcpy(wider, old, (size_t)n * each);
    memcpy(array, &wider, sizeof wider);
    *cap = want;
    return true;
}

tn_status tn_model_new(struct tn_model **out) {
    *out = NULL;
    tn_arena *arena = tn_arena_new(0, TN_MEM_GRAPH);
    tn_model *m = arena ? tn_arena_new_of(arena, tn_model) : NULL;
    if (!m) {
        tn_arena_free(&arena);
        return tn_fail(TN_E_NOMEM, "a model");
    }
    m->arena = arena;
    m->syms = tn_syms_new();
    m->names = tn_map_new(0);
    if (!m->syms || !m->names || !(m->graph = tn_graph_new(m, NULL, ""))) {
        tn_model_close(&m);
        return tn_fail(TN_E_NOMEM, "a model");
    }
    *out = m;
    return TN_OK;
}

void tn_model_close(tn_model **model) {
    tn_model *m = model ? *model : NULL;
    if (!m) return;
    if (m->kept) m->kept->close(m->kept);
    for (tn_owned *o = m->owned; o; o = o->next) tn_tensor_reset(&o->tensor);
    for (int i = 0; i < m->n_files && !m->files_lent; i++) tn_file_close(&m->files[i]);
    tn_syms_free(&m->syms);
    tn_map_free(&m->names);
    tn_arena *arena = m->arena; /* m itself lives in it */
    tn_arena_free(&arena);
    *model = NULL;
}

tn_status tn_model_whole(const struct tn_model *m) {
    for (int i = 0; m->broken && i < m->n_findings; i++)
        if (m->findings[i].kind == TN_FINDING_ERROR)
            return tn_fail(m->findings[i].status, "the model was opened to be looked at only: %s", m->findings[i].text);
    return m->broken ? tn_fail(TN_E_GRAPH, "the model was opened to be looked at only") : TN_OK;
}

tn_status tn_model_check_files(const tn_model *m) {
    for (int i = 0; i < m->n_files; i++) TN_TRY(tn_file_check(m->files[i]));
    return TN_OK;
}

tn_graph *tn_graph_new(struct tn_model *m, tn_graph *parent, const char *name) {
    int depth = parent ? parent->depth + 1 : 0;
    if (depth > TN_MAX_DEPTH) {
        tn_fail(TN_E_LIMIT, "graphs are nested deeper than %d", TN_MAX_DEPTH);
        return NULL;
    }
    tn_graph *g = tn_arena_new_of(m->arena, tn_graph);
    if (g) g->name = tn_arena_strdup(m->arena, name ? name : "");
    if (!g || !g->name) {
        tn_fail(TN_E_NOMEM, "a graph");
        return NULL;
    }
    g->model = m;
    g->parent = parent;
    g->depth = depth;
    g->doc = "";
    return g;
}

tn_tensor *tn_model_tensor(struct tn_model *m) {
    tn_owned *o = tn_arena_new_of(m->arena, tn_owned);
    if (!o) {
        tn_fail(TN_E_NOMEM, "a tensor of the model");
        return NULL;
    }
    o->next = m->owned;
    m->owned = o;
    return &o->tensor;
}

/* A name no value of the model has yet: `name`, or name_<n>. In the model's arena. */
static const char *unique_name(tn_model *m, const char *name) {
    if (!name || !*name) name = "value";
    if (!tn_map_gets(m->names, name)) return tn_arena_strdup(m->arena, name);
    for (;;) {
        tn_arena_mark mark = tn_arena_save(m->arena);
        const char *s = tn_arena_printf(m->arena, "%s_%d", name, ++m->next_name);
        if (!s || !tn_map_gets(m->names, s)) return s;
        tn_arena_restore(m->arena, mark);
    }
}

tn_value *tn_value_new(tn_graph *g, const char *name) {
    tn_model *m = g->model;
    tn_value *v = tn_arena_new_of(m->arena, tn_value);
    if (!v || !(v->name = unique_name(m, name)) ||
        !tn_grow(m->arena, &m->values, m->n_values, &m->cap_values, sizeof *m->values) ||
        tn_map_put(m->names, v->name, strlen(v->name), v) != TN_OK) {
        tn_fail(TN_E_NOMEM, "a value of the graph");
        return NULL;
    }
    v->id = m->n_values;
    v->graph = g;
    v->type.rank = -1;
    m->values[m->n_values++] = v;
    return v;
}

tn_type tn_value_shown(const tn_value *v) {
    tn_type t = v->type;
    const tn_type *d = v->declared;
    if (!d || t.kind == TN_KIND_NONE) return d ? *d : t;
    if (d->kind != t.kind) return t;
    if (t.dtype == TN_NONE) t.dtype = d->dtype;
    if (!t.elem) t.elem = d->elem;
    if (t.kind != TN_KIND_TENSOR || d->rank < 0 || (t.rank >= 0 && t.rank != d->rank)) return t;
    for (int i = 0; i < d->rank; i++)
        if (t.rank < 0 || t.dims[i] == TN_DIM_UNKNOWN) t.dims[i] = d->dims[i];
    t.rank = d->rank;
    return t;
}

tn_value *tn_value_input(tn_graph *g, const char *name, const tn_type *type) {
    tn_value *v = tn_value_new(g, name);
    if (!v || !tn_grow(g->model->arena, &g->inputs, g->n_inputs, &g->cap_inputs, sizeof *g->inputs)) return NULL;
    v->is_input = true;
    if (type) v->type = *type;
    g->inputs[g->n_inputs++] = v;
    return v;
}

tn_value *tn_value_constant(tn_graph *g, const char *name, tn_tensor *t) {
    tn_value *v = tn_value_new(g, name);
    tn_tensor *own = v ? tn_model_tensor(g->model) : NULL;
    if (!own) return NULL;
    *own = *t;
    *t = (tn_tensor){ 0 };
    tn_tensor_identify(own);
    v->constant = own;
    v->type = (tn_type){ .kind = TN_KIND_TENSOR, .dtype = own->dtype, .rank = own->rank };
    memcpy(v->type.dims, own->dims, sizeof own->dims[0] * (size_t)own->rank);
    return v;
}

tn_value *tn_value_ints(tn_graph *g, const char *name, const int64_t *v, int n) {
    tn_tensor t = { 0 };
    if (tn_tensor_init(&t, TN_I64, 1, (int64_t[]){ n }, TN_MEM_GRAPH) != TN_OK) return NULL;
    if (n) memcpy(t.data, v, sizeof *v * (size_t)n);
    tn_value *value = tn_value_constant(g, name, &t);
    tn_tensor_reset(&t);
    return value;
}

tn_value *tn_value_scalar_f32(tn_graph *g, const char *name, float v) {
    tn_tensor t = { 0 };
    if (tn_tensor_init(&t, TN_F32, 0, NULL, TN_MEM_GRAPH) != TN_OK) return NULL;
    memcpy(t.data, &v, sizeof v);
    tn_value *value = tn_value_constant(g, name, &t);
    tn_tensor_reset(&t);
    return value;
}

tn_status tn_graph_add_output(tn_graph *g, tn_value *v) {
    if (!tn_grow(g->model->arena, &g->outputs, g->n_outputs, &g->cap_outputs, sizeof *g->outputs)) return TN_E_NOMEM;
    TN_TRY(tn_use_add(v, (tn_use){ NULL, g, g->n_outputs }));
    g->outputs[g->n_outputs++] = v;
    return TN_OK;
}

void (*tn_node_resolve)(tn_node *n);

tn_node *tn_node_new(tn_graph *g, tn_node *before, const char *domain, const char *type, tn_value *const *inputs,
                     int n_inputs, int n_outputs) {
    tn_arena *a = g->model->arena;
    assert(!before || before->graph == g);
    tn_node *n = tn_budget_nodes(1) ? tn_arena_new_of(a, tn_node) : NULL;
    if (!n) goto nomem;
    if (!domain || !strcmp(domain, "ai.onnx")) domain = "";
    n->domain = *domain ? tn_arena_strdup(a, domain) : "";
    n->type = tn_arena_strdup(a, type);
    n->graph = g;
    n->inputs = tn_arena_array(a, tn_value *, n_inputs ? (size_t)n_inputs : 1);
    n->outputs = tn_arena_array(a, tn_value *, n_outputs ? (size_t)n_outputs : 1);
    if (!n->domain || !n->type || !n->inputs || !n->outputs) goto nomem;
    n->cap_inputs = n_inputs;
    n->cap_outputs = n_outputs;
    for (int i = 0; i < n_outputs; i++) {
        char made[160];
        if (i)
            snprintf(made, sizeof made, "%.120s_out%d", type, i);
        else
            snprintf(made, sizeof made, "%.120s_out", type);
        tn_value *v = tn_value_new(g, made);
        if (!v) return NULL;
        v->producer = n;
        v->producer_index = i;
        n->outputs[n->n_outputs++] = v;
    }
    n->name = n_outputs ? n->outputs[0]->name : n->type;
    for (int i = 0; i < n_inputs; i++) {
        n->inputs[i] = inputs[i];
        n->n_inputs = i + 1;
        if (inputs[i] && tn_use_add(inputs[i], (tn_use){ n, g, i }) != TN_OK) goto undo;
    }
    if (tn_node_resolve) tn_node_resolve(n);
    tn_node_link(g, n, before);
    return n;
undo: /* the failed use was not added: the uses before it go */
    for (int i = 0; i < n->n_inputs - 1; i++)
        if (inputs[i]) tn_use_remove(inputs[i], (tn_use){ n, g, i });
nomem:
    tn_fail(TN_E_NOMEM, "a node of type %s", type);
    return NULL;
}

const char *tn_node_where(const tn_node *n) {
    static _Thread_local char texts[4][256]; /* in turn, so that one message may name several nodes */
    static _Thread_local unsigned turn;
    char *text = texts[turn++ % TN_COUNT(texts)];
    if (*n->domain)
        snprintf(text, sizeof texts[0], "node '%.120s' (%.40s.%.60s)", n->name, n->domain, n->type);
    else
        snprintf(text, sizeof texts[0], "node '%.120s' (%.100s)", n->name, n->type);
    return text;
}
