/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* clone.c - copies: a whole model for a session's passes, and one graph's nodes into another (inlining). */
#include "base/budget.h"
#include "graph/internal.h"
#include <assert.h>

/* Both copies share one walk. Names, attribute arrays, types and contents never change in place, so copies point to the
 * source's; tensors share buffers by reference. */
typedef struct {
    tn_model *to;
    tn_value **twins;    /* by id, when the source must not be touched; NULL: twins are kept in the values themselves */
    const char *prefix;  /* put before names when inlining; NULL: names and ids are kept */
    const tn_graph *top; /* the graph that is inlined: its inputs without a twin are omitted ones */
} copier;

static tn_value *twin_of(const copier *c, tn_value *v) {
    if (!v) return NULL;
    if (c->twins) return c->twins[v->id];
    if (v->twin) return v->twin;
    return v->is_input && v->graph == c->top ? NULL : v; /* inlining: an outer value stands for itself */
}

static const char *prefixed(const copier *c, const char *name) {
    return c->prefix && *c->prefix ? tn_arena_printf(c->to->arena, "%s%s", c->prefix, name) : name;
}

static tn_status copy_tensor(const copier *c, const tn_tensor *from, tn_tensor **out) {
    tn_tensor *t = tn_model_tensor(c->to);
    if (!t) return TN_E_NOMEM;
    tn_tensor_share(t, from);
    *out = t;
    return TN_OK;
}

static tn_status copy_value(const copier *c, tn_graph *g, tn_value *v) {
    tn_value *t;
    if (c->prefix) {
        const char *name = prefixed(c, v->name);
        if (!name || !(t = tn_value_new(g, name))) return TN_E_NOMEM;
        v->twin = t;
    } else {
        if (!(t = tn_arena_new_of(c->to->arena, tn_value))) return tn_fail(TN_E_NOMEM, "a copy of the graph");
        t->id = v->id;
        t->name = v->name;
        t->graph = g;
        c->to->values[t->id] = c->twins[t->id] = t;
        TN_TRY(tn_map_put(c->to->names, t->name, strlen(t->name), t));
    }
    t->is_input = v->is_input;
    t->type = v->type;
    t->declared = v->declared; /* like names, types never change in place */
    t->content = v->content;
    if (v->fallback) TN_TRY(copy_tensor(c, v->fallback, &t->fallback));
    return v->constant ? copy_tensor(c, v->constant, &t->constant) : TN_OK;
}

static tn_status copy_nodes(copier *c, tn_graph *to, tn_node *before, const tn_graph *from);

static tn_status copy_graph(copier *c, tn_graph *parent, const tn_graph *from, tn_graph **out) {
    tn_graph *g = tn_graph_new(c->to, parent, from->name);
    if (!g) return TN_E_NOMEM;
    g->doc = from->doc;
    for (int i = 0; i < from->n_inputs; i++) {
        TN_TRY(copy_value(c, g, from->inputs[i]));
        if (!tn_grow(c->to->arena, &g->inputs, i, &g->cap_inputs, sizeof *g->inputs)) return TN_E_NOMEM;
        g->inputs[g->n_inputs++] = twin_of(c, from->inputs[i]);
    }
    TN_TRY(copy_nodes(c, g, NULL, from));
    for (int i = 0; i < from->n_outputs; i++) {
        tn_value *v = twin_of(c, from->outputs[i]);
        if (!v) return tn_fail(TN_E_GRAPH, "output '%s' is defined nowhere", from->outputs[i]->name);
        TN_TRY(tn_graph_add_output(g, v));
    }
    *out = g;
    return TN_OK;
}

static tn_status copy_attr(copier *c, tn_node *n, const tn_attr *from) {
    tn_attr a = *from;
    tn_arena *arena = c->to->arena;
    if (a.kind == TN_ATTR_TENSOR) {
        TN_TRY(copy_tensor(c, from->tensor, &a.tensor));
    } else if (a.kind == TN_ATTR_TENSORS) {
        tn_tensor **list = tn_arena_array(arena, tn_tensor *, a.n + 1);
        if (!list) return tn_fail(TN_E_NOMEM, "a copy of the graph");
        for (size_t i = 0; i < a.n; i++) TN_TRY(copy_tensor(c, from->tensors[i], &list[i]));
        a.tensors = list;
    } else if (a.kind == TN_ATTR_GRAPH) {
        TN_TRY(copy_graph(c, n->graph, from->graph, &a.graph));
    } else if (a.kind == TN_ATTR_GRAPHS) {
        tn_graph **list = tn_arena_array(arena, tn_graph *, a.n + 1);
        if (!list) return tn_fail(TN_E_NOMEM, "a copy of the graph");
        for (size_t i = 0; i < a.n; i++) TN_TRY(copy_graph(c, n->graph, from->graphs[i], &list[i]));
        a.graphs = list;
    }
    return tn_attr_set(n, &a);
}

static tn_status copy_node(copier *c, tn_graph *to, tn_node *before, const tn_node *from) {
    tn_arena *arena = c->to->arena;
    tn_node *n = tn_budget_nodes(1) ? tn_arena_new_of(arena, tn_node) : NULL;
    if (!n) return tn_fail(TN_E_NOMEM, "a copy of the graph");
    *n = (tn_node){ .name = prefixed(c, from->name),
                    .domain = from->domain,
                    .type = from->type,
                    .version = from->version,
                    .op = from->op,
                    .cap_inputs = from->n_inputs,
                    .cap_outputs = from->n_outputs };
    n->inputs = tn_arena_array(arena, tn_value *, (size_t)from->n_inputs + 1);
    n->outputs = tn_arena_array(arena, tn_value *, (size_t)from->n_outputs + 1);
    if (!n->name || !n->inputs || !n->outputs) return tn_fail(TN_E_NOMEM, "a copy of the graph");
    tn_node_link(to, n, before);
    for (int i = 0; i < from->n_inputs; i++) {
        tn_value *v = n->inputs[i] = twin_of(c, from->inputs[i]);
        n->n_inputs++;
        if (!from->inputs[i]) continue;
        if (!v && !c->prefix)
            return tn_fail(TN_E_GRAPH, "%s uses '%s', which is defined nowhere before it", tn_node_where(from),
                           from->inputs[i]->name);
        if (v) TN_TRY(tn_use_add(v, (tn_use){ n, to, i }));
    }
    for (int i = 0; i < from->n_outputs; i++, n->n_outputs++) {
        if (!from->outputs[i]) continue;
        TN_TRY(copy_value(c, to, from->outputs[i]));
        tn_value *v = n->outputs[i] = twin_of(c, from->outputs[i]);
        v->producer = n;
        v->producer_index = i;
    }
    for (int i = 0; i < from->n_attrs; i++) TN_TRY(copy_attr(c, n, &from->attrs[i]));
    return TN_OK;
}

/* Constants are on no list of their graph: a node's (or output's) first use of one copies it. */
static tn_status copy_constant(copier *c, tn_graph *to, const tn_graph *from, tn_value *v) {
    if (!v || !v->constant || v->graph != from || v->is_input) return TN_OK;
    if (c->twins ? c->twins[v->id] != NULL : v->twin != NULL) return TN_OK;
    return copy_value(c, to, v);
}

/* A constant of `from` may be used first inside a subgraph of it: those come before their users, too. */
static tn_status copy_constants_of(copier *c, tn_graph *to, const tn_graph *from, const tn_node *n) {
    for (int i = 0; i < n->n_inputs; i++) TN_TRY(copy_constant(c, to, from, n->inputs[i]));
    tn_node_each_graph(n, sub) {
        tn_graph_each(sub, inner) TN_TRY(copy_constants_of(c, to, from, inner));
        for (int i = 0; i < sub->n_outputs; i++) TN_TRY(copy_constant(c, to, from, sub->outputs[i]));
    }
    return TN_OK;
}

static tn_status copy_nodes(copier *c, tn_graph *to, tn_node *before, const tn_graph *from) {
    tn_graph_each(from, n) {
        TN_TRY(copy_constants_of(c, to, from, n));
        TN_TRY(copy_node(c, to, before, n));
    }
    for (int i = 0; i < from->n_outputs; i++) TN_TRY(copy_constant(c, to, from, from->outputs[i]));
    return TN_OK;
}

tn_status tn_model_clone(const struct tn_model *m, struct tn_model **out) {
    *out = NULL;
    tn_model *to = NULL;
    TN_TRY(tn_model_whole(m));
    tn_status st = tn_model_new(&to);
    if (st != TN_OK) return st;
    copier c = { .to = to, .twins = tn_mem_zalloc(((size_t)m->n_values + 1) * sizeof *c.twins, TN_MEM_GRAPH) };
    to->values = tn_arena_array(to->arena, tn_value *, (size_t)m->n_values + 1);
    tn_syms_free(&to->syms);
    to->syms = tn_syms_clone(m->syms);
    if (!c.twins || !to->values || !to->syms) {
        st = tn_fail(TN_E_NOMEM, "a copy of the model");
        goto done;
    }
    to->n_values = to->cap_values = m->n_values;
    to->path = m->path;
    to->ir_version = m->ir_version;
    to->model_version = m->model_version;
    to->producer_name = m->producer_name;
    to->producer_version = m->producer_version;
    to->domain = m->domain;
    to->doc = m->doc;
    to->opsets = m->opsets;
    to->n_opsets = m->n_opsets;
    to->meta = m->meta;
    to->n_meta = m->n_meta;
    to->next_name = m->next_name;
    to->files = m->files;
    to->n_files = m->n_files;
    to->files_lent = true;
    if ((st = copy_graph(&c, NULL, m->graph, &to->graph)) != TN_OK) goto done;
    *out = to;
    to = NULL;
done:
    tn_mem_free(c.twins);
    tn_model_close(&to);
    return st;
}

/* After inlining no value keeps a twin. */
static void forget_twins(const tn_graph *g) {
    for (int i = 0; i < g->n_inputs; i++) g->inputs[i]->twin = NULL;
    tn_graph_each(g, n) {
        for (int i = 0; i < n->n_outputs; i++)
            if (n->outputs[i]) n->outputs[i]->twin = NULL;
        for (int i = 0; i < n->n_inputs; i++)
            if (n->inputs[i]) n->inputs[i]->twin = NULL;
        tn_node_each_graph(n, sub) forget_twins(sub);
    }
    for (int i = 0; i < g->n_outputs; i++) g->outputs[i]->twin = NULL;
}

tn_status tn_graph_inline(tn_graph *into, tn_node *before, const tn_graph *g, tn_value *const *bind, const char *prefix,
                          tn_value **outs) {
    assert(into->model == g->model && (!before || before->graph == into));
    copier c = { .to = into->model, .prefix = prefix ? prefix : "", .top = g };
    for (int i = 0; i < g->n_inputs; i++) g->inputs[i]->twin = bind[i];
    tn_status st = copy_nodes(&c, into, before, g);
    for (int i = 0; i < g->n_outputs && st == TN_OK; i++) outs[i] = twin_of(&c, g->outputs[i]);
    forget_twins(g);
    return st;
}
