/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* infer.c - walks a graph in order and lets every node's rule see what is known of its inputs. */
#include "op/core/infer.h"
#include "base/budget.h"
#include "base/log.h"
#include "op/core/memo.h"
#include "tensor/encoding.h"
#include <stdio.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------------------- one node */

/* Dimensions a rule computed are held against common sense once, here: a kernel larger than its input, say. */
static tn_status check_sizes(const tn_node *n, const tn_type *t, int i) {
    if (t->kind != TN_KIND_TENSOR) return TN_OK;
    if (t->rank > TN_MAX_RANK)
        return tn_op_fail(n, TN_E_SHAPE, "output %d would have %d dimensions, at most %d can be", i, t->rank,
                          TN_MAX_RANK);
    for (int d = 0; d < t->rank; d++)
        if (tn_dim_known(t->dims[d]) && t->dims[d] < 0)
            return tn_op_fail(n, TN_E_SHAPE, "output %d would have size %lld in dimension %d", i, (long long)t->dims[d],
                              d);
    int64_t count;
    size_t bytes;
    if (tn_type_static(t) && t->dtype && tn_dims_check(t->dtype, t->rank, t->dims, &count, &bytes) != TN_OK)
        return tn_op_fail(n, TN_E_SHAPE, "output %d would have more elements than can be counted", i);
    return TN_OK;
}

const tn_encoding *tn_infer_encoding(const tn_infer *c, int i) {
    const tn_tensor *t = c->in_tensor && i < c->n_in ? c->in_tensor[i] : NULL;
    return t ? t->encoding : NULL;
}

tn_status tn_infer_node(tn_infer *c) {
    const tn_node *n = c->node;
    for (int i = 0; i < c->n_out; i++) {
        c->out[i] = (tn_type){ .kind = TN_KIND_NONE, .rank = -1 };
        if (c->out_content) c->out_content[i] = NULL;
    }
    if (!n->op) return tn_op_check_node(n);
    TN_TRY(tn_op_check_types(n, c->in, c->n_in));
    for (int i = 0; c->in_tensor && i < c->n_in; i++) TN_TRY(tn_op_check_encoded(n, i, c->in_tensor[i]));
    c->open = 0;
    if (!c->attrs) TN_TRY(tn_op_read_attrs(n, n->op, c->arena, &c->attrs));
    if (n->op->infer) TN_TRY(n->op->infer(c));
    for (int i = 0; i < c->n_out; i++) TN_TRY(check_sizes(n, &c->out[i], i));
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------ the walk */

typedef struct {
    tn_arena *arena;   /* what rules make and the table holds */
    tn_arena *scratch; /* one node's view */
    tn_syms *syms;
    tn_type_table table;
    tn_memo *memo;  /* what nodes with subgraphs were inferred from */
    tn_dim **fresh; /* by value id: symbols made for its sizes that only data decides */
    bool symbolic;  /* the whole model's inference: declared types fill gaps, unknown sizes get names */
    int depth;
    tn_status (*failed)(void *user, const tn_node *n, tn_status st); /* NULL: the first failure ends the walk */
    void *user;
} walk;

static tn_status infer_graph(walk *w, const tn_graph *g);

static tn_status infer_subgraph(tn_infer *c, tn_graph *g, const tn_type *in_types, int n_in, tn_type *out_types,
                                int n_out) {
    walk *w = c->user;
    if (!g || n_in > g->n_inputs || n_out > g->n_outputs)
        return tn_op_fail(c->node, TN_E_GRAPH, "its subgraph has %d inputs and %d outputs, wanted are %d and %d",
                          g ? g->n_inputs : 0, g ? g->n_outputs : 0, n_in, n_out);
    for (int i = 0; i < n_in; i++) w->table.facts[g->inputs[i]->id] = (tn_fact){ .type = in_types[i] };
    tn_status st = infer_graph(w, g);
    if (st == TN_E_NOMEM || st == TN_E_LIMIT || st == TN_E_CANCELLED) return st;
    if (st != TN_OK) tn_error_clear(); /* a branch that these shapes do not fit is an error only when it is taken */
    for (int i = 0; i < n_out; i++)
        out_types[i] = st == TN_OK ? w->table.facts[g->outputs[i]->id].type : (tn_type){ .rank = -1 };
    return TN_OK;
}

static tn_fact fact_of(void *user, int id) { return ((const walk *)user)->table.facts[id]; }

/* A symbol for size i of v: always the same one, so that a body that is inferred again has the types it had. */
static tn_dim size_by_data(const walk *w, const tn_node *n, const tn_value *v, int i) {
    tn_dim **of = &w->fresh[v->id];
    if (!*of && !(*of = tn_arena_array(w->arena, tn_dim, TN_MAX_RANK))) return TN_DIM_UNKNOWN;
    if (!(*of)[i]) (*of)[i] = tn_sym_fresh(w->syms, n->type);
    return (*of)[i];
}

/* What inference left open is taken from the declaration; sizes that only data decides get a symbol, so that
 * equal ones stay recognisable. */
static void fill_gaps(const walk *w, const tn_node *n, const tn_value *v, tn_type *t) {
    const tn_type *d = &v->type;
    if (t->kind == TN_KIND_NONE) {
        *t = *d;
        return;
    }
    if (d->kind != TN_KIND_NONE && (d->kind != t->kind || (d->dtype && t->dtype && d->dtype != t->dtype)))
        tn_log(TN_LOG_DEBUG, "value '%s' is declared as %s but is %s", v->name, tn_dtype_name(d->dtype),
               tn_dtype_name(t->dtype));
    if (t->kind != TN_KIND_TENSOR) {
        if (!t->elem && d->kind == t->kind) t->elem = d->elem;
        return;
    }
    if (!t->dtype && d->kind == t->kind) t->dtype = d->dtype;
    if (t->rank < 0 && d->kind == t->kind && d->rank >= 0) {
        t->rank = d->rank;
        memcpy(t->dims, d->dims, sizeof t->dims);
    }
    for (int i = 0; i < t->rank; i++) {
        if (t->dims[i] != TN_DIM_UNKNOWN) continue;
        bool by_data = n->op && n->op->flags & TN_OP_DYNAMIC; /* a declared number would be one run's accident */
        if (d->kind == t->kind && d->rank == t->rank && !(by_data && tn_dim_known(d->dims[i]))) t->dims[i] = d->dims[i];
        if (t->dims[i] == TN_DIM_UNKNOWN && by_data) t->dims[i] = size_by_data(w, n, v, i);
    }
}

static tn_status forget_outputs(const walk *w, tn_infer *c, tn_status st) {
    /* of a node without a row everything was said before */
    st = c->node->op && w->failed ? w->failed(w->user, c->node, st) : TN_OK;
    for (int i = 0; i < c->n_out; i++) {
        c->out[i] = (tn_type){ .rank = -1 };
        c->out_content[i] = NULL;
    }
    return st;
}

static tn_status infer_one(walk *w, const tn_node *n) {
    if (!tn_budget_work(TN_INFER_UNITS) || tn_budget_stopped()) return tn_op_fail(n, TN_E_LIMIT, "inferring shapes");
    bool has_graphs = n->op && n->op->flags & TN_OP_SUBGRAPH;
    if (has_graphs && tn_memo_find(w->memo, n)) return TN_OK; /* what is in the table still stands */
    size_t n_in = (size_t)n->n_inputs, n_out = (size_t)n->n_outputs;
    tn_arena_mark mark = tn_arena_save(w->scratch);
    tn_type *out = tn_arena_array(w->scratch, tn_type, n_out + 1);
    const tn_type **in = tn_arena_array(w->scratch, const tn_type *, n_in + 1);
    const tn_tensor **tensors = tn_arena_array(w->scratch, const tn_tensor *, n_in + 1);
    const tn_content **contents = tn_arena_array(w->scratch, const tn_content *, n_in + n_out + 1);
    const tn_tensor **results = tn_arena_array(w->scratch, const tn_tensor *, n_out + 1);
    if (!out || !in || !tensors || !contents || !results) return tn_fail(TN_E_NOMEM, "inferring shapes");
    for (size_t i = 0; i < n_in; i++) {
        if (!n->inputs[i]) continue;
        const tn_fact *f = &w->table.facts[n->inputs[i]->id];
        in[i] = &f->type;
        tensors[i] = f->tensor;
        contents[i] = f->content;
    }
    tn_infer c = { .node = n,
                   .syms = w->syms,
                   .arena = w->arena,
                   .n_in = (int)n_in,
                   .n_out = (int)n_out,
                   .in = in,
                   .in_tensor = tensors,
                   .in_content = contents,
                   .out = out,
                   .out_content = contents + n_in,
                   .subgraph = infer_subgraph,
                   .user = w };
    tn_status st = tn_infer_node(&c);
    bool goes_on = w->depth <= 1 && (w->failed || n->graph->model->broken); /* looking at a model that cannot run */
    if (st != TN_OK && !goes_on) return st;
    if (st == TN_OK)
        tn_infer_follow(&c, w->scratch, results);
    else
        TN_TRY(forget_outputs(w, &c, st));
    for (size_t i = 0; i < n_out; i++) {
        if (!n->outputs[i]) continue;
        if (w->symbolic) fill_gaps(w, n, n->outputs[i], &out[i]);
        w->table.facts[n->outputs[i]->id] =
            (tn_fact){ .type = out[i], .content = c.out_content[i], .tensor = results[i] };
    }
    if (has_graphs) tn_memo_keep(w->memo, n);
    tn_arena_restore(w->scratch, mark);
    return TN_OK;
}

static tn_status infer_graph(walk *w, const tn_graph *g) {
    if (++w->depth > TN_MAX_DEPTH + 1) return tn_fail(TN_E_LIMIT, "graphs are nested deeper than %d", TN_MAX_DEPTH);
    tn_status st = TN_OK;
    for (const tn_node *n = g->first; n && st == TN_OK; n = n->next) st = infer_one(w, n);
    w->depth--;
    return st;
}

static tn_status walk_new(walk *w, const tn_model *m) {
    w->scratch = tn_arena_new(0, TN_MEM_GRAPH);
    w->table.n = m->n_values;
    w->table.facts = tn_arena_array(w->arena, tn_fact, (size_t)m->n_values + 1);
    w->fresh = tn_arena_array(w->arena, tn_dim *, w->symbolic ? (size_t)m->n_values + 1 : 1);
    w->memo = tn_memo_new(w->arena, fact_of, w);
    if (!w->table.facts || !w->scratch || !w->fresh || !w->memo)
        return tn_fail(TN_E_NOMEM, "inferring shapes of %d values", m->n_values);
    for (int i = 0; i < m->n_values; i++) {
        const tn_value *v = m->values[i];
        tn_fact *f = &w->table.facts[i];
        f->type.rank = -1;
        if (!v || !v->constant) continue;
        f->tensor = v->constant;
        tn_datum d = { .kind = TN_KIND_TENSOR, .tensor = *v->constant };
        f->type = tn_type_of(&d);
    }
    return TN_OK;
}

tn_status tn_infer_graph_types(const tn_model *m, const tn_graph *g, const tn_type *input_types, tn_arena *arena,
                               tn_syms *syms, tn_type_table *out) {
    walk w = { .arena = arena, .syms = syms };
    tn_status st = walk_new(&w, m);
    for (int i = 0; st == TN_OK && i < g->n_inputs; i++)
        if (!g->inputs[i]->constant) w.table.facts[g->inputs[i]->id].type = input_types[i];
    if (st == TN_OK) st = infer_graph(&w, g);
    if (st == TN_OK) *out = w.table;
    tn_memo_free(&w.memo);
    tn_arena_free(&w.scratch);
    return st;
}

/* ------------------------------------------------------------------------------------------------------ whole model */

/* A dimension nobody named is called after its input. */
static void name_dims(tn_graph *g) {
    tn_model *m = g->model;
    for (int i = 0; i < g->n_inputs; i++) {
        tn_type *t = &g->inputs[i]->type;
        for (int d = 0; t->kind == TN_KIND_TENSOR && d < t->rank; d++) {
            char name[200];
            if (t->dims[d] != TN_DIM_UNKNOWN) continue;
            snprintf(name, sizeof name, "%.180s.%d", g->inputs[i]->name, d);
            t->dims[d] = tn_sym(m->syms, name);
        }
    }
}

/* Contents and element types of values live as long as the model; everything else of the walk does not. */
tn_status tn_infer_keep(tn_model *m, tn_value *v, const tn_fact *f) {
    v->type = f->type;
    v->content = NULL;
    if (f->type.elem) { /* one level is what models use; deeper ones are copied one by one */
        const tn_type **at = &v->type.elem;
        for (int depth = 0; *at && depth < 16; depth++) {
            tn_type *own = tn_arena_new_of(m->arena, tn_type);
            if (!own) return tn_fail(TN_E_NOMEM, "types of the model");
            *own = **at;
            *at = own;
            at = &own->elem;
        }
        *at = NULL;
    }
    if (!f->content) return TN_OK;
    size_t bytes = sizeof *f->content + sizeof f->content->v[0] * (size_t)f->content->n;
    tn_content *own = tn_arena_alloc(m->arena, bytes, 8);
    if (!own) return tn_fail(TN_E_NOMEM, "contents of the model's shapes");
    memcpy(own, f->content, bytes);
    v->content = own;
    return TN_OK;
}

tn_status tn_infer_added(const tn_node *n) {
    tn_model *m = n->graph->model;
    if (n->op && n->op->flags & TN_OP_SUBGRAPH) return TN_OK;
    tn_arena *a = tn_arena_new(0, TN_MEM_GRAPH), *scratch = tn_arena_new(0, TN_MEM_GRAPH);
    tn_status st = TN_OK;
    size_t n_in = (size_t)n->n_inputs, n_out = (size_t)n->n_outputs;
    const tn_type **in = a ? tn_arena_array(a, const tn_type *, n_in + 1) : NULL;
    const tn_tensor **tensors = in ? tn_arena_array(a, const tn_tensor *, n_in + n_out + 2) : NULL;
    const tn_content **contents = tensors ? tn_arena_array(a, const tn_content *, n_in + n_out + 2) : NULL;
    tn_type *out = contents ? tn_arena_array(a, tn_type, n_out + 1) : NULL;
    if (!out || !scratch) {
        st = tn_fail(TN_E_NOMEM, "inferring shapes");
        goto done;
    }
    for (size_t i = 0; i < n_in; i++) {
        const tn_value *v = n->inputs[i];
        if (!v) continue;
        in[i] = &v->type;
        tensors[i] = v->constant;
        contents[i] = v->content;
    }
    tn_infer c = { .node = n,
                   .syms = m->syms,
                   .arena = a,
                   .n_in = (int)n_in,
                   .n_out = (int)n_out,
                   .in = in,
                   .in_tensor = tensors,
                   .in_content = contents,
                   .out = out,
                   .out_content = contents + n_in + 1 };
    if ((st = tn_infer_node(&c)) != TN_OK) goto done;
    tn_infer_follow(&c, scratch, tensors + n_in + 1);
    for (size_t i = 0; i < n_out && st == TN_OK; i++)
        if (n->outputs[i] && out[i].kind != TN_KIND_NONE)
            st = tn_infer_keep(m, n->outputs[i], &(tn_fact){ .type = out[i], .content = c.out_content[i] });
done:
    tn_arena_free(&scratch);
    tn_arena_free(&a);
    return st;
}

tn_status tn_graph_infer(tn_graph *g) { return tn_graph_infer_all(g, NULL, NULL); }

tn_status tn_graph_infer_all(tn_graph *g, tn_status (*fn)(void *user, const tn_node *n, tn_status st), void *user) {
    tn_model *m = g->model;
    tn_status st = TN_OK;
    walk w = { .arena = tn_arena_new(0, TN_MEM_GRAPH), .syms = m->syms, .symbolic = true, .failed = fn, .user = user };
    if (!w.arena) return tn_fail(TN_E_NOMEM, "inferring shapes");
    if ((st = walk_new(&w, m)) != TN_OK) goto done;
    if (!g->parent) name_dims(g);
    for (int i = 0; i < m->n_values; i++) /* outer values of a subgraph, and its own inputs: as they are known now */
        if (m->values[i] && !m->values[i]->producer && !m->values[i]->constant)
            w.table.facts[i].type = m->values[i]->type;
    for (tn_graph *outer = g->parent; outer; outer = outer->parent)
        tn_graph_each(outer, n) for (int i = 0; i < n->n_outputs; i++) if (n->outputs[i])
            w.table.facts[n->outputs[i]->id] =
            (tn_fact){ .type = n->outputs[i]->type, .content = n->outputs[i]->content };
    if ((st = infer_graph(&w, g)) != TN_OK) goto done;
    for (int i = 0; i < m->n_values && st == TN_OK; i++) {
        tn_value *v = m->values[i];
        if (v && !v->constant && w.table.facts[i].type.kind != TN_KIND_NONE)
            st = tn_infer_keep(m, v, &w.table.facts[i]);
    }
done:
    tn_memo_free(&w.memo);
    tn_arena_free(&w.scratch);
    tn_arena_free(&w.arena);
    return st;
}
