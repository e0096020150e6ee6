/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* state_length.c - whether a graph with caches makes more than masks of the one number of rows that all sentences have
 * in its shapes. Masks may come of it, since their columns end where the caches do, whatever a sentence's length is;
 * positions that are read from it are wrong for all sentences but the longest.
 *
 * Values that depend on the number are followed from the shapes on. What integers say is known where their contents are
 * (tn_content): those that evaluate to the same with another number do not depend on it. A shape operand arranges what
 * others made, and passes nothing on. */
#include "pass/state.h"
#include "pass/util.h"
#include <string.h>

enum { SMALL = 16, LARGE = 48 }; /* what the lengths are taken for */

typedef struct {
    const tn_model *m;
    const tn_state_link *links;
    int n;
    bool *told;     /* by value: depends on the number */
    int64_t *sizes; /* by symbol, twice: with one number of rows and another */
    int symbols;
} search;

static bool changes(const search *s, tn_dim d) {
    if (tn_dim_known(d)) return false;
    tn_dim a = tn_dim_eval(s->m->syms, d, s->sizes, s->symbols);
    return a == TN_DIM_UNKNOWN || a != tn_dim_eval(s->m->syms, d, s->sizes + s->symbols, s->symbols);
}

static bool is_past(const search *s, const tn_value *v) {
    for (int i = 0; i < s->n; i++)
        if (s->links[i].kind == TN_STATE_APPENDED && s->m->graph->inputs[s->links[i].input] == v) return true;
    return false;
}

static bool given(const search *s, int input) {
    for (int i = 0; i < s->n; i++)
        if (s->links[i].input == input) return false;
    return true;
}

/* The symbol d, if it is one, is the same for all sentences (SMALL) or not (LARGE). */
static void settle(search *s, tn_dim d, int64_t as) {
    for (int i = 0; i < s->symbols; i++)
        if (d == tn_sym_at(s->m->syms, i)) s->sizes[s->symbols + i] = as;
}

static void settle_all(search *s, const tn_type *t) {
    for (int d = 0; d < t->rank; d++) settle(s, t->dims[d], SMALL);
}

/* A size that neither what the caller gets has nor the first input that he gives, which is no mask, may be made of the
 * past's. */
static void choose_sizes(search *s) {
    const tn_graph *g = s->m->graph;
    for (int i = 0; i < s->symbols; i++) s->sizes[i] = SMALL, s->sizes[s->symbols + i] = LARGE;
    for (int i = 0; i < g->n_outputs; i++) settle_all(s, &g->outputs[i]->type);
    for (int i = 0, done = 0; i < g->n_inputs && !done; i++)
        if (given(s, i) && !strstr(g->inputs[i]->name, "mask")) settle_all(s, &g->inputs[i]->type), done = 1;
    for (int i = 0; i < s->n; i++)
        if (s->links[i].kind == TN_STATE_APPENDED)
            settle(s, g->inputs[s->links[i].input]->type.dims[s->links[i].rows], LARGE);
}

static bool content_changes(const search *s, const tn_content *c) {
    for (int i = 0; i < c->n; i++)
        if (changes(s, c->v[i])) return true;
    return false;
}

/* What a Shape of v says, whose elements nobody knows. */
static bool shape_changes(const search *s, const tn_value *v) {
    const tn_node *c = v->producer;
    if (is_past(s, v) || (tn_pass_is(c, "", "Concat") && is_past(s, c->inputs[0]))) return true;
    for (int d = 0; d < v->type.rank; d++)
        if (tn_dim_symbolic(v->type.dims[d]) && changes(s, v->type.dims[d])) return true;
    return false;
}

/* Whether input i says where things lie, not what they are. */
static bool arranges(const tn_node *n, int i) {
    if (i == 1 && (tn_pass_is_op(n, "", "Reshape") || tn_pass_is_op(n, "", "Expand"))) return true;
    double from;
    return i == 2 && tn_pass_is_op(n, "", "Slice") && tn_pass_scalar(n->inputs[1], &from) && from == 0;
}

static bool depends(const search *s, const tn_node *n) {
    for (int i = 0; i < n->n_inputs; i++)
        if (n->inputs[i] && s->told[n->inputs[i]->id] && !arranges(n, i)) return true;
    return false;
}

static void follow(search *s, const tn_node *n) {
    bool shapes = n->op && n->op->flags & TN_OP_SHAPE_ONLY;
    for (int i = 0; i < n->n_outputs; i++) {
        const tn_value *v = n->outputs[i];
        if (v)
            s->told[v->id] = v->content ? content_changes(s, v->content)
                             : shapes   ? shape_changes(s, n->inputs[0])
                                        : depends(s, n);
    }
}

/* Inputs of attention whose columns are keys, or that it compares with what the cache knows. */
static bool takes_columns(const tn_node *n, int i) {
    static const struct {
        const char *domain, *type;
        int port[2];
    } masks[] = { { "tenon", "Attention", { 3, 4 } },
                  { "", "Attention", { 3, 3 } },
                  { "com.microsoft", "MultiHeadAttention", { 4, 5 } },
                  { "com.microsoft", "GroupQueryAttention", { 5, 6 } } };
    for (size_t k = 0; k < sizeof masks / sizeof *masks; k++)
        if (tn_pass_is_op(n, masks[k].domain, masks[k].type)) return i == masks[k].port[0] || i == masks[k].port[1];
    return false;
}

static bool has_past(const search *s, const tn_node *n) {
    for (int i = 0; i < n->n_inputs && n->op; i++)
        if (tn_op_takes_rows(n->op, i) && is_past(s, n->inputs[i])) return true;
    return false;
}

/* Where on the way to v whole numbers first become what the model computes with. */
static const tn_node *origin(const search *s, const tn_value *v, const tn_node *user) {
    for (const tn_value *next = v; next; user = v->producer ? v->producer : user) {
        v = next, next = NULL;
        for (int i = 0; v->producer && i < v->producer->n_inputs; i++) {
            const tn_value *x = v->producer->inputs[i];
            if (x && s->told[x->id] && (x->type.dtype == TN_F32 || x->type.dtype == TN_F16)) next = x;
        }
    }
    return user;
}

/* An input of n that must not depend on the number, and does; NULL: none. */
static const tn_value *misled(const search *s, const tn_node *n) {
    for (int i = 0; i < n->n_inputs; i++)
        if (n->inputs[i] && s->told[n->inputs[i]->id] && !takes_columns(n, i)) return n->inputs[i];
    return NULL;
}

static const tn_node *search_graph(search *s) {
    const tn_graph *g = s->m->graph;
    tn_graph_each(g, n) {
        if (has_past(s, n)) {
            const tn_value *v = misled(s, n);
            if (v) return origin(s, v, n);
            continue;
        }
        follow(s, n);
        for (int i = 0; i < n->n_outputs; i++)
            for (int k = 0; n->outputs[i] && s->told[n->outputs[i]->id] && k < n->outputs[i]->n_uses; k++) {
                const tn_use *u = &n->outputs[i]->uses[k];
                if (!u->node || u->node->graph != g) return origin(s, n->outputs[i], n); /* the caller's, or a body's */
            }
    }
    return NULL;
}

tn_status tn_pass_one_length(const tn_model *m, const tn_state_link *links, int n, const tn_node **out) {
    search s = { .m = m, .links = links, .n = n, .symbols = tn_sym_count(m->syms) };
    *out = NULL;
    s.told = tn_mem_zalloc((size_t)m->n_values + 1, TN_MEM_GENERAL);
    s.sizes = tn_mem_alloc((2 * (size_t)s.symbols + 1) * sizeof *s.sizes, TN_MEM_GENERAL);
    tn_status st = s.told && s.sizes ? TN_OK : tn_fail(TN_E_NOMEM, "no memory for a graph with states");
    if (st == TN_OK) {
        choose_sizes(&s);
        *out = search_graph(&s);
    }
    tn_mem_free(s.told);
    tn_mem_free(s.sizes);
    return st;
}
