/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* cost.c - what a model consists of and what one run of it takes, from its types alone. */
#include "analyse/analyse.h"
#include "base/sort.h"
#include "format/format.h"
#include "op/core/infer.h"
#include <stdio.h>
#include <string.h>

typedef struct {
    tn_analysis *a;
    tn_arena *scratch;
    const tn_type_table *table; /* NULL: no shapes */
    bool *seen;                 /* constants counted, by value id */
    int next;
} counting;

/* Every subgraph under g in the order of its nodes; nesting is bounded by TN_MAX_DEPTH. */
static void each_node(counting *k, const tn_graph *g, void (*fn)(counting *, const tn_node *)) {
    tn_graph_each(g, n) {
        fn(k, n);
        for (int i = 0; i < n->n_attrs; i++) {
            if (n->attrs[i].kind == TN_ATTR_GRAPH) each_node(k, n->attrs[i].graph, fn);
            if (n->attrs[i].kind == TN_ATTR_GRAPHS)
                for (size_t j = 0; j < n->attrs[i].n; j++) each_node(k, n->attrs[i].graphs[j], fn);
        }
    }
}

static void count_node(counting *k, const tn_node *n) { k->a->n_nodes++; }

/* Constants made only to steer shapes (axes, starts, sizes) are no parameters. */
static bool steers(const tn_tensor *t) {
    return t->dtype == TN_BOOL || t->dtype == TN_STRING || ((t->dtype == TN_I64 || t->dtype == TN_I32) && t->rank <= 1);
}

static void add_weight(counting *k, const tn_value *v) {
    if (!v || !v->constant || k->seen[v->id]) return;
    k->seen[v->id] = true;
    const tn_tensor *t = v->constant;
    size_t bytes = 0;
    int64_t n = tn_count(t);
    if (!tn_dtype_bytes(t->dtype, n, &bytes)) return;
    k->a->weights[t->dtype].elements += n;
    k->a->weights[t->dtype].tensors++;
    k->a->weights[t->dtype].bytes += (double)bytes;
    k->a->weight_bytes += (double)bytes;
    if (!steers(t)) k->a->parameters += n;
}

static bool exact(const tn_type *t) {
    return t->kind != TN_KIND_NONE && (t->kind != TN_KIND_TENSOR || tn_type_static(t));
}

static void cost_of(counting *k, const tn_node *n, tn_node_facts *f) {
    size_t ni = (size_t)n->n_inputs, no = (size_t)n->n_outputs, bytes;
    const tn_type **in = tn_arena_array(k->scratch, const tn_type *, ni + 1);
    const tn_tensor **data = tn_arena_array(k->scratch, const tn_tensor *, ni + 1);
    const tn_content **content = tn_arena_array(k->scratch, const tn_content *, ni + no + 1);
    tn_type *out = tn_arena_array(k->scratch, tn_type, no + 1);
    if (!in || !data || !content || !out) return;
    f->known = true;
    for (size_t i = 0; i < ni; i++) {
        if (!n->inputs[i]) continue;
        const tn_fact *fact = &k->table->facts[n->inputs[i]->id];
        in[i] = &fact->type;
        data[i] = fact->tensor;
        content[i] = fact->content;
        f->known = f->known && exact(in[i]);
        if (data[i] && tn_dtype_bytes(data[i]->dtype, tn_count(data[i]), &bytes))
            f->weights.bytes_read += (double)bytes;
    }
    for (size_t i = 0; i < no; i++) {
        if (!n->outputs[i]) continue;
        out[i] = k->table->facts[n->outputs[i]->id].type;
        f->known = f->known && exact(&out[i]);
    }
    tn_infer c = { .node = n,
                   .arena = k->scratch,
                   .n_in = n->n_inputs,
                   .n_out = n->n_outputs,
                   .in = in,
                   .in_tensor = data,
                   .in_content = content,
                   .out = out,
                   .out_content = content + ni };
    if (f->known && tn_op_cost(&c, &f->cost) != TN_OK) { /* costs of open shapes would be nonsense */
        f->known = false;
        tn_error_clear();
    }
}

static void add_cost(tn_cost *to, const tn_cost *c) {
    to->flops += c->flops;
    to->bytes_read += c->bytes_read;
    to->bytes_written += c->bytes_written;
}

static void look_at(counting *k, const tn_node *n) {
    tn_node_facts *f = &k->a->nodes[k->next++];
    f->node = n;
    for (int i = 0; i < n->n_inputs; i++) add_weight(k, n->inputs[i]);
    if (k->table) {
        tn_arena_mark mark = tn_arena_save(k->scratch);
        cost_of(k, n, f);
        tn_arena_restore(k->scratch, mark);
    }
    add_cost(&k->a->total, &f->cost);
    k->a->unknown += !f->known;
}

static int by_operator(const void *x, const void *y) {
    const tn_node *a = (*(const tn_node_facts *const *)x)->node, *b = (*(const tn_node_facts *const *)y)->node;
    int d = strcmp(a->domain, b->domain);
    return d ? d : strcmp(a->type, b->type);
}

/* Those of one operator in the order of the model: sums are rounded the same way every time. */
static int by_operator_and_place(const void *x, const void *y) {
    const tn_node_facts *a = *(const tn_node_facts *const *)x, *b = *(const tn_node_facts *const *)y;
    int d = by_operator(x, y);
    return d ? d : (a > b) - (a < b);
}

static int descending(double a, double b) { return (a < b) - (a > b); }

static int by_cost(const void *x, const void *y) {
    const tn_op_facts *a = x, *b = y;
    int d = descending(a->cost.flops, b->cost.flops);
    if (!d) d = descending(a->cost.bytes_read + a->cost.bytes_written, b->cost.bytes_read + b->cost.bytes_written);
    if (!d) d = b->count - a->count;
    if (!d) d = strcmp(a->domain, b->domain);
    return d ? d : strcmp(a->type, b->type);
}

static tn_status group_by_operator(tn_analysis *a) {
    const tn_node_facts **order = tn_arena_array(a->arena, const tn_node_facts *, (size_t)a->n_nodes + 1);
    a->ops = tn_arena_array(a->arena, tn_op_facts, (size_t)a->n_nodes + 1);
    if (!order || !a->ops) return tn_fail(TN_E_NOMEM, "the analysis of %d nodes", a->n_nodes);
    for (int i = 0; i < a->n_nodes; i++) order[i] = &a->nodes[i];
    tn_sort(order, (size_t)a->n_nodes, sizeof *order, by_operator_and_place);
    for (int i = 0; i < a->n_nodes; i++) {
        const tn_node *n = order[i]->node;
        if (!i || by_operator(&order[i - 1], &order[i]))
            a->ops[a->n_ops++] = (tn_op_facts){ .domain = n->domain, .type = n->type };
        a->ops[a->n_ops - 1].count++;
        add_cost(&a->ops[a->n_ops - 1].cost, &order[i]->cost);
    }
    tn_sort(a->ops, (size_t)a->n_ops, sizeof *a->ops, by_cost);
    return TN_OK;
}

tn_type tn_analyse_input(const tn_model *m, int i, const char *const *names, const int64_t *values, int n,
                         int64_t dflt) {
    tn_type t = m->graph->inputs[i]->type;
    int n_syms = tn_sym_count(m->syms);
    int64_t *bind = tn_mem_alloc(sizeof *bind * (size_t)(n_syms + 1), TN_MEM_GENERAL);
    for (int s = 0; bind && s < n_syms; s++) {
        bind[s] = dflt < 0 ? TN_DIM_UNKNOWN : dflt;
        for (int k = 0; k < n; k++)
            if (!strcmp(names[k], tn_sym_name(m->syms, s))) bind[s] = values[k];
    }
    for (int d = 0; t.kind == TN_KIND_TENSOR && d < t.rank; d++) {
        if (tn_dim_symbolic(t.dims[d]))
            t.dims[d] = bind ? tn_dim_eval(m->syms, t.dims[d], bind, n_syms) : TN_DIM_UNKNOWN;
        else if (t.dims[d] == TN_DIM_UNKNOWN && dflt >= 0)
            t.dims[d] = dflt;
    }
    tn_mem_free(bind);
    return t;
}

/* Types for these inputs; a failing rule is a fact, not a failure of the analysis. */
static const tn_type_table *infer(tn_analysis *a, const tn_model *m, const tn_type *given, tn_arena *scratch,
                                  tn_type_table *table) {
    const tn_graph *g = m->graph;
    tn_type *inputs = tn_arena_array(scratch, tn_type, (size_t)g->n_inputs + 1);
    if (!inputs) return NULL;
    for (int i = 0; i < g->n_inputs; i++)
        inputs[i] = given && given[i].kind != TN_KIND_NONE ? given[i] : tn_analyse_input(m, i, NULL, NULL, 0, -1);
    a->shapes = tn_infer_graph_types(m, g, inputs, scratch, m->syms, table);
    if (a->shapes == TN_OK) return table;
    snprintf(a->why, sizeof a->why, "%s", tn_error());
    tn_error_clear();
    return NULL;
}

static tn_status analyse(const tn_model *m, const tn_type *inputs, tn_analysis **out) {
    tn_status st = TN_OK;
    tn_type_table table;
    tn_arena *arena = tn_arena_new(0, TN_MEM_GENERAL), *scratch = tn_arena_new(0, TN_MEM_GENERAL);
    tn_analysis *a = arena ? tn_arena_new_of(arena, tn_analysis) : NULL;
    counting k = { .a = a, .scratch = scratch };
    if (!a || !scratch) {
        st = tn_fail(TN_E_NOMEM, "the analysis of a model");
        goto done;
    }
    a->arena = arena;
    each_node(&k, m->graph, count_node);
    a->nodes = tn_arena_array(arena, tn_node_facts, (size_t)a->n_nodes + 1);
    k.seen = tn_arena_array(scratch, bool, (size_t)m->n_values + 1);
    if (!a->nodes || !k.seen) {
        st = tn_fail(TN_E_NOMEM, "the analysis of %d nodes", a->n_nodes);
        goto done;
    }
    k.table = infer(a, m, inputs, scratch, &table);
    each_node(&k, m->graph, look_at);
    for (int i = 0; i < m->graph->n_outputs; i++) add_weight(&k, m->graph->outputs[i]);
    if ((st = group_by_operator(a)) != TN_OK) goto done;
    *out = a;
    arena = NULL;
done:
    tn_arena_free(&scratch);
    tn_arena_free(&arena);
    return st;
}

static const tn_budget_words words = { .what = "analysing the model" };

tn_status tn_analyse(const tn_model *m, const tn_type *inputs, tn_analysis **out) {
    tn_bounds b;
    *out = NULL;
    TN_TRY(tn_bounds_enter(&b, NULL, &words, tn_model_bytes(m)));
    tn_status st = tn_bounds_leave(&b, analyse(m, inputs, out));
    if (st != TN_OK) tn_analysis_free(out);
    return st;
}

void tn_analysis_free(tn_analysis **a) {
    if (!a || !*a) return;
    tn_arena *arena = (*a)->arena; /* it lives in its own arena */
    tn_arena_free(&arena);
    *a = NULL;
}
