/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* becomes.c - what an operator that is a sum of others becomes, found out by expanding a few forms of it: with all
 * counts of inputs, and with every attribute in turn. So lists of operators are never older than the definitions. */
#include "op/core/expand.h"
#include <stdio.h>

typedef struct {
    const tn_op *op;
    const tn_op **rows;
    int n, cap;
    bool shaped; /* inputs are [16,16,16,16]: for those that cannot do without a shape */
} search;

static tn_dtype usual_type(const tn_port *p) {
    static const tn_dtype order[] = { TN_F32, TN_I64, TN_I32, TN_U8, TN_BOOL };
    for (size_t i = 0; i < TN_COUNT(order); i++)
        if (p->types & tn_dtype_bit(order[i])) return order[i];
    return TN_NONE;
}

static int ports(const tn_port *p, bool *open) {
    int n = 0;
    *open = false;
    for (; p && p->name; p++, n++) *open = p->variadic;
    return n;
}

static const tn_port *port_at(const tn_port *p, int i) {
    while (i-- > 0 && !p->variadic) p++;
    return p;
}

/* An attribute's value number k; false past the last. */
static bool set_attr(tn_node *n, const tn_attr_spec *s, int k) {
    const char *word = s->words;
    char text[64];
    switch (s->kind) {
    case TN_ATTR_INT: return k < 2 && tn_attr_set_int(n, s->name, s->max > s->min ? s->min + k : k) == TN_OK;
    case TN_ATTR_INTS: return k < 1 && tn_attr_set_ints(n, s->name, (int64_t[]){ 1, 1, 1 }, 3) == TN_OK;
    case TN_ATTR_FLOAT: return k < 1 && tn_attr_set_float(n, s->name, 0.5f) == TN_OK;
    case TN_ATTR_FLOATS: return k < 1 && tn_attr_set_floats(n, s->name, (float[]){ 0.5f, 0.5f }, 2) == TN_OK;
    case TN_ATTR_STRING:
        for (int i = 0; word && i < k; i++) word = strchr(word, '|') ? strchr(word, '|') + 1 : NULL;
        if (!word && (s->words || k)) return false;
        snprintf(text, sizeof text, "%.*s", word ? (int)strcspn(word, "|") : 0, word ? word : "");
        return tn_attr_set_string(n, s->name, tn_arena_strdup(n->graph->model->arena, text)) == TN_OK;
    default: return false;
    }
}

static void note(search *s, const tn_graph *g) {
    for (const tn_node *n = g->first; n; n = n->next) {
        int i = 0;
        if (!n->op || !strcmp(n->type, "Identity")) continue; /* a result gets its old name by one */
        while (i < s->n && s->rows[i] != n->op) i++;
        if (i == s->n && s->n < s->cap) s->rows[s->n++] = n->op;
    }
}

/* One form of it. False when attribute `varied` has no value number k. */
static bool try_form(search *s, int n_in, int n_out, const tn_attr_spec *varied, int k) {
    tn_model *m = NULL;
    tn_value *in[32] = { 0 };
    bool more = false;
    if (n_in > (int)TN_COUNT(in) || tn_model_new(&m) != TN_OK) goto done;
    for (int i = 0; i < n_in; i++) {
        tn_type t = { .kind = TN_KIND_TENSOR, .dtype = usual_type(port_at(s->op->in, i)), .rank = -1 };
        for (int d = t.rank = s->shaped ? 4 : -1; d-- > 0;) t.dims[d] = 16;
        if (!(in[i] = tn_value_input(m->graph, "x", &t))) goto done;
    }
    tn_node *n = tn_node_new(m->graph, NULL, s->op->domain, s->op->name, in, n_in, n_out);
    if (!n) goto done;
    for (const tn_attr_spec *a = s->op->attrs; a && a->name; a++)
        if (a == varied)
            more = set_attr(n, a, k);
        else if (a->required)
            set_attr(n, a, 0);
    if ((!varied || more) && tn_op_expand(n) == TN_OK) note(s, m->graph);
done:
    tn_error_clear(); /* not every form has a meaning */
    tn_model_close(&m);
    return more;
}

static void try_forms(search *s) {
    const tn_op *op = s->op;
    bool open, open_out;
    int most = ports(op->in, &open), most_out = ports(op->out, &open_out);
    if (open) most += 3; /* enough for one group of an optimiser's, one part of a Concat */
    if (open_out) most_out += 2;
    for (int n_in = tn_op_min_inputs(op); n_in <= most; n_in++)
        for (int n_out = 1; n_out <= most_out; n_out++) try_form(s, n_in, n_out, NULL, 0);
    for (const tn_attr_spec *a = op->attrs; a && a->name; a++)
        for (int k = 0; k < 16; k++) {
            bool more = false;
            for (int n_out = 1; n_out <= most_out; n_out++) more = try_form(s, most, n_out, a, k) || more;
            if (!more) break;
        }
}

int tn_op_becomes(const tn_op *op, const tn_op **rows, int cap) {
    search s = { .op = op, .rows = rows, .cap = cap };
    try_forms(&s);
    s.shaped = true;
    if (!s.n) try_forms(&s);
    return s.n;
}
