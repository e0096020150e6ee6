/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* follow.c - contents that a node's rule does not give are found by running the node on what is known of its inputs.
 *
 * When all inputs are numbers, any operator will do, and the result is a constant. When some elements are expressions
 * ("batch", "h + 1"), operators that only move data run on handles instead: element k of the data inputs is given as
 * the number k, and what comes out says which expression went where. So Where, Slice, Transpose, ScatterND and the rest
 * need no second, symbolic implementation. */
#include "op/core/exec.h"
#include "op/core/infer.h"
#include <string.h>

#define MAX_INPUT_BYTES (64 << 10) /* of all inputs: this is for shapes, not for weights */
#define MAX_INPUTS      64
#define MAX_WORK        (UINT64_C(1) << 20) /* of one node, in units of base/budget.h: a millisecond */

/* Operators that move elements of their data inputs (bit i: input i; all: every one) without looking at them. */
static const struct {
    const char *type;
    unsigned data;
} movers[] = {
    { "Concat", ~0u },        { "Expand", 1 },    { "Flatten", 1 },   { "Gather", 1 },
    { "GatherElements", 1 },  { "GatherND", 1 },  { "Identity", 1 },  { "Reshape", 1 },
    { "ScatterElements", 5 }, { "ScatterND", 5 }, { "Slice", 1 },     { "Split", 1 },
    { "Squeeze", 1 },         { "Tile", 1 },      { "Transpose", 1 }, { "Unsqueeze", 1 },
    { "Where", 6 },
};

static unsigned moved_inputs(const tn_node *n) {
    if (*n->domain || tn_attr_find(n, "reduction")) return 0; /* scattered sums are no mere movement */
    for (size_t i = 0; i < TN_COUNT(movers); i++)
        if (!strcmp(movers[i].type, n->type)) return movers[i].data;
    return 0;
}

static bool whole_bytes(tn_dtype t) { return (tn_dtype_is_int(t) || t == TN_BOOL) && tn_dtypes[t].block == 1; }

static bool all_known(const tn_content *k) {
    for (int i = 0; i < k->n; i++)
        if (!tn_dim_known(k->v[i])) return false;
    return true;
}

static bool all_exact(const tn_content *k) { /* computing with a clamped number would give a wrong one */
    for (int i = 0; i < k->n; i++)
        if (!tn_dim_exact(k->v[i])) return false;
    return true;
}

typedef struct {
    tn_infer *c;
    tn_arena *scratch;
    tn_datum data[MAX_INPUTS], *in[MAX_INPUTS];
    bool handles;   /* data inputs hold handles: indices into dims */
    unsigned moved; /* which inputs are data then */
    tn_dim *dims;
    int n_dims;
} follower;

/* What is known decides how: true when every input can be given. */
static bool plan(follower *f) {
    const tn_infer *c = f->c;
    size_t total = 0, bytes;
    if (c->n_in > MAX_INPUTS || !c->n_in) return false;
    for (int i = 0; i < c->n_in; i++) {
        if (!c->in[i]) continue;
        const tn_tensor *t = c->in_tensor[i];
        const tn_content *k = c->in_content[i];
        if (t) {
            if (t->encoding || t->dtype == TN_STRING || !tn_dtype_bytes(t->dtype, tn_count(t), &bytes)) return false;
            total += bytes;
        } else {
            if (!k || !whole_bytes(c->in[i]->dtype) || !tn_type_static(c->in[i])) return false;
            if (tn_dims_count(c->in[i]->rank, c->in[i]->dims) != k->n) return false;
            if (!all_exact(k)) f->handles = true;
        }
    }
    if (total > MAX_INPUT_BYTES) return false;
    if (!f->handles) return true;
    f->moved = moved_inputs(c->node);
    for (int i = 0; i < c->n_in; i++) {
        if (!c->in[i]) continue;
        if (i < 32 && f->moved >> i & 1) {
            tn_dtype t = c->in[i]->dtype;
            if (t != TN_I64 && t != TN_I32) return false;
            if (c->in_tensor[i] && tn_count(c->in_tensor[i]) > TN_CONTENT_MAX) return false;
        } else if (!c->in_tensor[i] && !all_known(c->in_content[i])) {
            return false;
        }
    }
    return f->moved != 0;
}

/* Input i as a tensor: the constant itself, numbers from contents, or handles. */
static bool give(follower *f, int i) {
    const tn_infer *c = f->c;
    const tn_tensor *t = c->in_tensor[i];
    const tn_content *k = c->in_content[i];
    bool moved = f->handles && i < 32 && (f->moved >> i & 1);
    f->in[i] = &f->data[i];
    f->data[i].kind = TN_KIND_TENSOR;
    tn_tensor *x = &f->data[i].tensor;
    if (t && !moved) {
        *x = *t;
        x->buffer = NULL; /* borrowed while this runs */
        return true;
    }
    int64_t n = t ? tn_count(t) : k->n;
    *x = (tn_tensor){ .dtype = c->in[i]->dtype, .rank = c->in[i]->rank };
    memcpy(x->dims, t ? t->dims : c->in[i]->dims, sizeof x->dims[0] * (size_t)x->rank);
    x->data = tn_arena_alloc(f->scratch, (size_t)(n + 1) * (size_t)tn_dtypes[x->dtype].bytes, 64);
    if (!x->data) return false;
    for (int64_t e = 0; e < n; e++) {
        tn_dim d = t ? tn_get_i64(t->dtype, t->data, e) : k->v[e];
        if (moved) {
            f->dims[f->n_dims] = t ? tn_dim_clamp(d) : d;
            d = f->n_dims++;
        }
        tn_set_i64(x->dtype, x->data, e, d);
    }
    return true;
}

static void take_content(const follower *f, int i, const tn_tensor *y) {
    int64_t n = tn_count(y);
    tn_dim v[TN_CONTENT_MAX];
    if (n > TN_CONTENT_MAX || !whole_bytes(y->dtype)) return;
    for (int64_t e = 0; e < n; e++) {
        int64_t x = tn_get_i64(y->dtype, y->data, e);
        if (f->handles)
            v[e] = x >= 0 && x < f->n_dims ? f->dims[x] : TN_DIM_UNKNOWN;
        else
            v[e] = tn_dim_clamp(x);
    }
    tn_infer_out_content(f->c, i, v, (int)n);
}

/* A small constant, in the inference's arena. */
static const tn_tensor *keep_tensor(const follower *f, const tn_tensor *y) {
    size_t bytes;
    if (y->dtype == TN_STRING || tn_count(y) > TN_CONTENT_MAX || !tn_dtype_bytes(y->dtype, tn_count(y), &bytes))
        return NULL;
    tn_tensor *own = tn_arena_new_of(f->c->arena, tn_tensor);
    void *data = tn_arena_alloc(f->c->arena, bytes + 1, 64);
    if (!own || !data) return NULL;
    *own = *y;
    own->buffer = NULL;
    own->data = data;
    if (bytes) memcpy(data, y->data, bytes);
    return own;
}

/* Worth a try: an output that may be small and is not known yet. */
static bool wanted(const tn_infer *c) {
    const tn_op *op = c->node->op;
    if (op->flags & (TN_OP_RANDOM | TN_OP_SUBGRAPH | TN_OP_SIDE_EFFECT)) return false;
    for (int i = 0; i < c->n_out; i++) {
        const tn_type *t = &c->out[i];
        if (!c->node->outputs[i] || t->kind != TN_KIND_TENSOR || c->out_content[i]) continue;
        int64_t n = tn_type_static(t) ? tn_dims_count(t->rank, t->dims) : 0;
        if (n >= 0 && n <= TN_CONTENT_MAX && (n > 0 || whole_bytes(t->dtype))) return true;
    }
    return false;
}

void tn_infer_follow(tn_infer *c, tn_arena *scratch, const tn_tensor **out_tensor) {
    if (!wanted(c)) return;
    follower f = { .c = c, .scratch = scratch };
    if (!plan(&f)) return;
    int room = 0;
    for (int i = 0; i < c->n_in; i++) room += c->in[i] ? TN_CONTENT_MAX : 0;
    f.dims = tn_arena_array(scratch, tn_dim, (size_t)room + 1);
    tn_datum *out = tn_arena_array(scratch, tn_datum, (size_t)c->n_out + 1);
    if (!f.dims || !out) return;
    for (int i = 0; i < c->n_in; i++)
        if (c->in[i] && !give(&f, i)) return;
    if (tn_eval_node_within(c->node, f.in, NULL, MAX_WORK, out) != TN_OK)
        tn_error_clear(); /* the run will say it, if it comes to that */
    for (int i = 0; i < c->n_out; i++) {
        const tn_tensor *y = &out[i].tensor;
        if (out[i].kind == TN_KIND_TENSOR && c->node->outputs[i] && c->out[i].kind == TN_KIND_TENSOR) {
            tn_type exact = tn_type_of(&out[i]);
            if (!tn_type_static(&c->out[i])) c->out[i] = exact;
            if (!c->out_content[i]) take_content(&f, i, y);
            if (!f.handles) out_tensor[i] = keep_tensor(&f, y);
        }
        tn_datum_reset(&out[i]);
    }
}
