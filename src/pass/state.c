/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* state.c - see state.h. A pair is taken for a cache where nobody else sees what it holds: whoever uses input or output
 * reads at most its shape, which follows from the number of rows. */
#include "pass/state.h"
#include "base/budget.h"
#include "pass/util.h"

typedef struct {
    tn_graph *g;
    tn_state_link *links;
    int n;
} search;

static tn_state_link *link_of(const search *s, const tn_value *in, const tn_value *out) {
    for (int i = 0; in && out && i < s->n; i++)
        if (s->g->inputs[s->links[i].input] == in && s->g->outputs[s->links[i].output] == out) return &s->links[i];
    return NULL;
}

/* Whether its shape is known as far as its symbols: then nobody needs its elements to tell it. */
static bool sized(const tn_value *v) {
    for (int d = 0; d < v->type.rank; d++)
        if (v->type.dims[d] == TN_DIM_UNKNOWN) return false;
    return v->type.rank >= 0;
}

/* Whether v is used by `user` once, as output number `output` (-1: as none), and else by who reads its shape. */
static bool only_for(const search *s, const tn_value *v, const tn_node *user, int output) {
    int users = 0, outputs = 0;
    for (int i = 0; i < v->n_uses; i++) {
        const tn_use *u = &v->uses[i];
        bool shape = u->node && u->node->op && u->node->op->flags & TN_OP_SHAPE_ONLY && u->node->graph == s->g;
        if (shape && (v->is_input || sized(v))) continue; /* an input's shape comes with the run */
        if (!u->node && (u->graph != s->g || u->index != output)) return false;
        if (u->node && u->node != user) return false;
        users += u->node != NULL, outputs += !u->node;
    }
    return users == (user != NULL) && outputs == (output >= 0);
}

static bool can_be_cached(const tn_value *v) {
    const uint64_t kept = tn_dtype_bit(TN_F32) | tn_dtype_bit(TN_F64) | tn_dtype_bit(TN_F16) | tn_dtype_bit(TN_BF16);
    return tn_pass_rank(v) == 4 && kept >> v->type.dtype & 1 && !v->fallback;
}

static void appended(tn_state_link *l, int rows) {
    l->kind = TN_STATE_APPENDED;
    l->rows = rows;
    l->heads = 3 - rows;
}

/* --------------------------------------------------------------------------------- attention that has a past itself */

/* What some operators do with a past beside appending to it, or keep it as. */
static bool plain_past(const tn_node *n) {
    if (tn_pass_is_op(n, "com.microsoft", "MultiHeadAttention")) return !tn_pass_input(n, 8) && !tn_pass_input(n, 9);
    if (tn_pass_is_op(n, "com.microsoft", "GroupQueryAttention"))
        return !tn_attr_int(n, "sliding_window_cache", 0) && tn_attr_is(n, "k_quant_type", "NONE", "NONE") &&
               tn_attr_is(n, "v_quant_type", "NONE", "NONE");
    return true;
}

/* Keys and values of such operators come out as outputs 1 and 2. */
static void match_past(search *s, tn_node *n) {
    tn_state_link *found[2];
    int port = 0;
    for (int i = 0; i < 2; i++, port++) {
        while (port < n->n_inputs && !tn_op_takes_rows(n->op, port)) port++;
        if (port >= n->n_inputs || 1 + i >= n->n_outputs) return;
        const tn_value *past = n->inputs[port], *present = n->outputs[1 + i];
        found[i] = link_of(s, past, present);
        if (!found[i] || !can_be_cached(past) || !only_for(s, past, n, -1) ||
            !only_for(s, present, NULL, found[i]->output))
            return;
    }
    if (!plain_past(n)) return;
    appended(found[0], 2);
    appended(found[1], 2);
}

/* --------------------------------------------------------------------------------------- what exporters write in
 * pieces */

enum { K = 1, V, PAST_K = 5, PAST_V }; /* inputs of tenon.Attention */

/* Input i of the fused node is a Concat of a past and new rows along the dimension of rows: its pair, or NULL. */
static tn_state_link *match_concat(const search *s, const tn_node *n, int i) {
    int rank;
    tn_value *present = n->inputs[i];
    const tn_node *c = present->producer;
    const int64_t *order = tn_attr_ints(n, i == K ? "order_k" : "order_v", &rank);
    if (!order || rank != 4 || order[0] != 0 || order[3] != 3) return NULL;
    if (!tn_pass_is(c, "", "Concat") || c->graph != s->g || c->n_inputs != 2) return NULL;
    const tn_value *past = c->inputs[0];
    int64_t axis = tn_attr_int(c, "axis", 0);
    tn_state_link *l = link_of(s, past, present);
    if (!l || (axis < 0 ? axis + rank : axis) != order[2] || !can_be_cached(past)) return NULL;
    if (!only_for(s, past, c, -1) || !only_for(s, present, n, l->output)) return NULL;
    return l;
}

static int rows_of(const tn_node *n, const char *order) {
    int rank;
    return (int)tn_attr_ints(n, order, &rank)[2];
}

/* The Concat stays for those who ask for its shape; without them nobody runs it. */
static tn_status take_past(tn_node *n, int i) {
    const tn_node *c = n->inputs[i]->producer;
    TN_TRY(tn_node_set_input(n, i == K ? PAST_K : PAST_V, c->inputs[0]));
    return tn_node_set_input(n, i, c->inputs[1]);
}

static tn_status match_pieces(search *s, tn_node *n) {
    tn_state_link *k = match_concat(s, n, K), *v = match_concat(s, n, V);
    if (!k || !v || k == v || tn_pass_input(n, PAST_K)) return TN_OK;
    appended(k, rows_of(n, "order_k"));
    appended(v, rows_of(n, "order_v"));
    TN_TRY(take_past(n, K));
    return take_past(n, V);
}

/* ---------------------------------------------------------------------------------------------------------- updates */

static void match_update(search *s, tn_node *n) {
    tn_state_link *l = link_of(s, tn_pass_input(n, 0), n->outputs[0]);
    const tn_value *past = l ? n->inputs[0] : NULL;
    if (!l || past->fallback || past->type.dtype == TN_STRING || !only_for(s, past, n, -1)) return;
    int outputs = 0;
    for (int i = 0; i < n->outputs[0]->n_uses; i++) outputs += !n->outputs[0]->uses[i].node;
    if (outputs == 1) l->kind = TN_STATE_UPDATED;
}

/* From the last one on, so that the numbers of those before stay true. */
static tn_status remove_outputs(search *s) {
    bool *gone = tn_mem_zalloc((size_t)s->g->n_outputs + 1, TN_MEM_GENERAL);
    if (!gone) return tn_fail(TN_E_NOMEM, "no memory for a graph with states");
    for (int i = 0; i < s->n; i++) gone[s->links[i].output] = s->links[i].kind != TN_STATE_SWAPPED;
    for (int i = s->g->n_outputs - 1; i >= 0; i--)
        if (gone[i]) tn_graph_remove_output(s->g, i);
    tn_mem_free(gone);
    return TN_OK;
}

tn_status tn_pass_states(tn_model *m, tn_state_link *links, int n) {
    search s = { m->graph, links, n };
    for (int i = 0; i < n; i++) links[i].kind = TN_STATE_SWAPPED, links[i].rows = links[i].heads = 0;
    tn_graph_each(m->graph, node) {
        if (!node->op) continue;
        if (!tn_budget_work((uint64_t)n)) return tn_op_fail(node, TN_E_LIMIT, "looking for states");
        if (tn_pass_is_op(node, "tenon", "Attention"))
            TN_TRY(match_pieces(&s, node));
        else if (node->op->flags & TN_OP_UPDATES)
            match_update(&s, node);
        else
            match_past(&s, node);
    }
    return remove_outputs(&s);
}
