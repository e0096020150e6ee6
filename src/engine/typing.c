/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* typing.c - exact types and plan-time constants: see typing.h. */
#include "engine/typing.h"
#include "base/budget.h"
#include "op/core/exec.h"
#include "op/core/infer.h"
#include "op/core/memo.h"
#include <string.h>

#define MAX_DEPTH      64
#define MAX_FOLD_WORK  (UINT64_C(1) << 23) /* of one node: milliseconds, in units of base/budget.h */
#define MAX_FOLD_BYTES (1u << 20)          /* results of plan-time evaluation larger than this stay at run time */

tn_status tn_typing_init(tn_typing *t, const struct tn_model *m, tn_arena *keep, tn_arena *temp, tn_pool *pool) {
    size_t n = (size_t)m->n_values + 1;
    *t = (tn_typing){ .keep = keep, .temp = temp, .pool = pool, .n = m->n_values };
    t->types = tn_arena_array(temp, tn_type, n);
    t->tensors = tn_arena_array(temp, const tn_tensor *, n);
    t->contents = tn_arena_array(temp, const tn_content *, n);
    t->open = tn_arena_array(temp, bool, n);
    if (!t->types || !t->tensors || !t->contents || !t->open)
        return tn_fail(TN_E_NOMEM, "no memory to type %zu values", n);
    return TN_OK;
}

static tn_type type_of_tensor(const tn_tensor *x) {
    tn_type t = tn_type_tensor(x->dtype);
    t.rank = x->rank;
    for (int d = 0; d < x->rank; d++) t.dims[d] = x->dims[d];
    return t;
}

/* What a sequence or an optional holds comes as the model declares it, in whose symbols no rule can reckon here: those
 * sizes are not known. NULL when there is no memory, which is not known either. */
static const tn_type *in_numbers(tn_arena *a, const tn_type *t) {
    if (!t) return NULL;
    tn_type k = *t;
    bool same = true;
    for (int i = 0; i < k.rank; i++)
        if (!tn_dim_known(k.dims[i])) k.dims[i] = TN_DIM_UNKNOWN, same = same && t->dims[i] == TN_DIM_UNKNOWN;
    k.elem = in_numbers(a, t->elem);
    if (same && k.elem == t->elem) return t;
    tn_type *copy = tn_arena_new_of(a, tn_type);
    if (copy) *copy = k;
    return copy;
}

void tn_typing_set(tn_typing *t, const tn_value *v, const tn_type *type, const tn_tensor *data) {
    t->types[v->id] = *type;
    t->types[v->id].elem = in_numbers(t->temp, type->elem);
    t->tensors[v->id] = data;
    t->contents[v->id] = NULL;
}

const tn_tensor *tn_typing_tensor(const tn_typing *t, const tn_value *v) {
    if (t->tensors[v->id]) return t->tensors[v->id];
    return v->constant;
}

static tn_status type_nodes(tn_typing *t, const tn_graph *g);

static tn_fact fact_of(void *user, int id) {
    const tn_typing *t = user;
    return (tn_fact){ t->types[id], t->contents[id], t->tensors[id] };
}

static tn_status infer_subgraph(tn_infer *c, tn_graph *g, const tn_type *in, int n_in, tn_type *out, int n_out) {
    tn_typing *t = c->user;
    for (int i = 0; i < n_out; i++) out[i] = (tn_type){ .kind = TN_KIND_NONE };
    if (t->depth >= MAX_DEPTH || n_in > g->n_inputs || n_out > g->n_outputs) return TN_OK;
    for (int i = 0; i < n_in; i++) tn_typing_set(t, g->inputs[i], &in[i], NULL);
    t->depth++;
    tn_status st = type_nodes(t, g);
    t->depth--;
    if (st == TN_E_NOMEM || tn_budget_stopped()) return st;
    /* A branch that cannot work with these shapes matters only if it is taken; then its own plan says so. */
    if (st != TN_OK) {
        tn_error_clear();
        return TN_OK;
    }
    for (int i = 0; i < n_out; i++) {
        const tn_tensor *k = tn_typing_tensor(t, g->outputs[i]);
        out[i] = k ? type_of_tensor(k) : t->types[g->outputs[i]->id];
    }
    return TN_OK;
}

tn_status tn_typing_view(tn_typing *t, const tn_node *n, tn_infer *c) {
    size_t ni = (size_t)n->n_inputs, no = (size_t)n->n_outputs;
    const tn_type **in = tn_arena_array(t->temp, const tn_type *, ni + 1);
    const tn_tensor **data = tn_arena_array(t->temp, const tn_tensor *, ni + 1);
    const tn_content **content = tn_arena_array(t->temp, const tn_content *, ni + no + 2);
    tn_type *out = tn_arena_array(t->temp, tn_type, no ? no : 1);
    if (!in || !data || !content || !out) return tn_op_fail(n, TN_E_NOMEM, "no memory for its types");
    for (int i = 0; i < n->n_inputs; i++) {
        const tn_value *v = n->inputs[i];
        if (!v) continue;
        data[i] = tn_typing_tensor(t, v);
        if (data[i]) t->types[v->id] = type_of_tensor(data[i]);
        if (t->types[v->id].kind == TN_KIND_NONE) t->types[v->id].rank = -1;
        in[i] = &t->types[v->id];
        content[i] = t->contents[v->id];
    }
    *c = (tn_infer){ .node = n,
                     .syms = t->syms,
                     .arena = t->temp,
                     .n_in = n->n_inputs,
                     .n_out = n->n_outputs,
                     .in = in,
                     .in_tensor = data,
                     .in_content = content,
                     .out = out,
                     .out_content = content + ni + 1,
                     .subgraph = infer_subgraph,
                     .user = t };
    return TN_OK;
}

/* A tensor from completely known contents; NULL when they are not, or when there is no memory. */
static const tn_tensor *from_content(tn_typing *t, const tn_type *type, const tn_content *k) {
    if (!k || !tn_type_static(type) || type->rank > 1 || !(tn_dtype_is_int(type->dtype) || type->dtype == TN_BOOL))
        return NULL;
    if (tn_dtypes[type->dtype].block != 1 || (type->rank ? type->dims[0] : 1) != k->n) return NULL;
    for (int i = 0; i < k->n; i++)
        if (!tn_dim_exact(k->v[i])) return NULL;
    tn_tensor *x = tn_arena_new_of(t->keep, tn_tensor);
    if (!x) return NULL;
    *x = (tn_tensor){ .dtype = type->dtype, .rank = type->rank, .dims = { k->n } };
    x->data = tn_arena_alloc(t->keep, (size_t)(k->n + 1) * (size_t)tn_dtypes[type->dtype].bytes, 64);
    if (!x->data) return NULL;
    for (int i = 0; i < k->n; i++) tn_set_i64(type->dtype, x->data, i, k->v[i]);
    return x;
}

/* Whether running the node now is allowed and cheap: constants in, little data in and out. */
static bool can_evaluate(const tn_infer *c, const tn_op *op) {
    if (op->flags & (TN_OP_RANDOM | TN_OP_SUBGRAPH | TN_OP_SIDE_EFFECT) || c->n_in == 0) return false;
    size_t total = 0, bytes;
    for (int i = 0; i < c->n_in; i++) {
        if (!c->in[i]) continue;
        const tn_tensor *x = c->in_tensor[i];
        if (!x || x->encoding || !tn_tensor_aligned(x) || !tn_dtype_bytes(x->dtype, tn_count(x), &bytes)) return false;
        total += bytes;
    }
    for (int i = 0; i < c->n_out; i++) {
        const tn_type *o = &c->out[i];
        if (!c->node->outputs[i] || (op->flags & TN_OP_DYNAMIC)) continue;
        if (!tn_type_static(o) || !tn_dtype_bytes(o->dtype, tn_dims_count(o->rank, o->dims), &bytes)) return false;
        total += bytes;
    }
    return total <= MAX_FOLD_BYTES;
}

/* Runs the node on its constants; a failure is left for the run to report. */
static void evaluate(tn_typing *t, const tn_node *n, const tn_infer *c) {
    size_t ni = (size_t)n->n_inputs, no = (size_t)n->n_outputs;
    tn_datum *data = tn_arena_array(t->temp, tn_datum, ni + 1), **in = tn_arena_array(t->temp, tn_datum *, ni + 1);
    tn_owned_tensor *own = tn_arena_array(t->keep, tn_owned_tensor, no + 1);
    tn_datum *out = tn_arena_array(t->temp, tn_datum, no + 1);
    if (!data || !in || !own || !out) return;
    for (size_t i = 0; i < ni; i++) {
        if (!c->in_tensor[i]) continue;
        data[i].kind = TN_KIND_TENSOR;
        data[i].tensor = *c->in_tensor[i];
        in[i] = &data[i];
    }
    tn_status st = tn_eval_node_within(n, in, t->pool, MAX_FOLD_WORK, out);
    for (size_t i = 0; i < no; i++) {
        if (st != TN_OK || out[i].kind != TN_KIND_TENSOR) {
            tn_datum_reset(&out[i]);
            continue;
        }
        own[i].datum = out[i];
        own[i].next = t->owned;
        t->owned = &own[i];
        t->tensors[n->outputs[i]->id] = &own[i].datum.tensor;
        t->types[n->outputs[i]->id] = type_of_tensor(&own[i].datum.tensor);
    }
    if (st != TN_OK) tn_error_clear();
}

/* Values that are expressions are seen by the rule when sizes are numbers (fit.c), before anything runs. */
static uint64_t open_inputs(const tn_typing *t, const tn_infer *c) {
    uint64_t open = c->open;
    for (int i = 0; i < c->n_in && i < 63; i++) {
        const tn_value *v = c->node->inputs[i];
        if (open >> i & 1 && v && tn_typing_shape_data(t, v)) open &= ~(UINT64_C(1) << i);
    }
    return open;
}

/* What data decides, a run finds out and nobody foretells: a rule that saw symbols only may have taken one for equal to
 * another. So in a plan for a range no later step builds on it. */
static void forget_unsure(const tn_typing *t, tn_infer *c) {
    bool sure = !(c->node->op->flags & (TN_OP_DYNAMIC | TN_OP_SUBGRAPH)) && !c->open;
    for (int i = 0; i < c->n_in; i++) sure = sure && (!c->in[i] || tn_typing_sized(c->in[i]));
    for (int i = 0; i < c->n_out && !sure && t->depth == 0; i++) {
        for (int d = 0; d < c->out[i].rank; d++) c->out[i].dims[d] = TN_DIM_UNKNOWN;
        c->out_content[i] = NULL;
    }
}

/* Contents that the rule does not give, where the node moves elements of known ones about. */
static void follow(tn_typing *t, tn_infer *c) {
    const tn_tensor **data = tn_arena_array(t->temp, const tn_tensor *, (size_t)c->n_out + 1);
    if (data && !(c->node->op->flags & (TN_OP_RANDOM | TN_OP_SUBGRAPH))) tn_infer_follow(c, t->temp, data);
}

static tn_status type_nodes(tn_typing *t, const tn_graph *g) {
    for (const tn_node *n = g->first; n; n = n->next) {
        tn_infer c;
        bool known = true;
        if (!tn_budget_work(TN_INFER_UNITS) || tn_budget_stopped())
            return tn_op_fail(n, TN_E_LIMIT, "inferring its shapes");
        bool has_graphs = n->op && n->op->flags & TN_OP_SUBGRAPH;
        if (has_graphs && tn_memo_find(t->memo, n)) continue; /* what is in the tables still stands */
        if (!n->op) return tn_op_fail(n, TN_E_UNSUPPORTED, "the operator is not supported");
        TN_TRY(tn_typing_view(t, n, &c));
        TN_TRY(tn_infer_node(&c));
        if (t->syms) {
            c.open = open_inputs(t, &c);
            follow(t, &c);
            forget_unsure(t, &c);
        }
        for (int i = 0; i < n->n_outputs; i++) {
            const tn_value *v = n->outputs[i];
            if (!v) continue;
            t->types[v->id] = c.out[i];
            t->contents[v->id] = c.out_content[i];
            t->open[v->id] = c.open != 0;
            t->tensors[v->id] = n->op->flags & TN_OP_RANDOM ? NULL : from_content(t, &c.out[i], c.out_content[i]);
            known = known && t->tensors[v->id];
        }
        if (has_graphs) tn_memo_keep(t->memo, n);
        if (!known && t->depth == 0 && can_evaluate(&c, n->op)) evaluate(t, n, &c);
    }
    return TN_OK;
}

bool tn_typing_sized(const tn_type *t) {
    if (t->kind != TN_KIND_TENSOR || t->rank < 0 || t->dtype == TN_NONE) return false;
    for (int d = 0; d < t->rank; d++)
        if (t->dims[d] == TN_DIM_UNKNOWN) return false;
    return true;
}

const tn_content *tn_typing_shape_data(const tn_typing *t, const tn_value *v) {
    const tn_type *type = &t->types[v->id];
    const tn_content *k = t->contents[v->id];
    if (!t->syms || !k || tn_typing_tensor(t, v) || !tn_typing_sized(type) || type->rank > 1) return NULL;
    if (!(tn_dtype_is_int(type->dtype) || type->dtype == TN_BOOL) || tn_dtypes[type->dtype].block != 1) return NULL;
    if ((type->rank ? type->dims[0] : 1) != k->n) return NULL;
    for (int i = 0; i < k->n; i++)
        if (!tn_dim_symbolic(k->v[i]) && !tn_dim_exact(k->v[i])) return NULL;
    return k;
}

bool tn_typing_open(const tn_typing *t, const tn_node *n) {
    for (int i = 0; i < n->n_outputs; i++)
        if (n->outputs[i] && t->open[n->outputs[i]->id]) return true;
    return false;
}

tn_status tn_typing_graph(tn_typing *t, const tn_graph *g) {
    if (!(t->memo = tn_memo_new(t->temp, fact_of, t))) return tn_fail(TN_E_NOMEM, "no memory to type a graph");
    tn_status st = type_nodes(t, g);
    tn_memo_free(&t->memo);
    return st;
}

void tn_owned_release(tn_owned_tensor **list) {
    for (tn_owned_tensor *o = *list; o; o = o->next) tn_datum_reset(&o->datum);
    *list = NULL;
}
