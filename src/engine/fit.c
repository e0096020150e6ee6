/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* fit.c - a plan for a range of shapes takes on the sizes of a run: what a frame does before the run when they are not
 * those of its last one.
 *
 * Steps whose inputs vary are typed in order by their own shape rules from the sizes of now. What the plan was laid out
 * for must hold: every value is as large as its expression says (contents of shape tensors are made of these), needs no
 * more memory than for the largest sizes, and shares memory with what is as large as it. Whatever does not hold means
 * that the plan is not for these sizes. */
#include "engine/session.h"
#include <string.h>

typedef struct tn_fit {
    bool ready;
    int64_t values[TN_RANGE_SYMBOLS]; /* that the frame is typed for */
    tn_dim last;                      /* an expression, and what it is for these values */
    int64_t last_is;
    tn_type *types;         /* by slot, exact */
    int64_t *counts, *most; /* by slot: elements now, and for the largest sizes; -1: too many */
    tn_prep prep;           /* for a row's fit */
    tn_infer *views;        /* by step; node NULL: it does not vary */
    bool *beyond;           /* by step: it wants more scratch than for the largest sizes, */
    char *extra;            /* and gets this: one for all steps, which run one after the other */
    size_t extra_bytes;
} tn_fit;

/* ----------------------------------------------------------------------------------------------------- once a frame */

static bool any_exact(const tn_plan *p, const tn_step *s) {
    for (int i = 0; i < s->n_out; i++)
        if (s->out[i] >= 0 && p->slots[s->out[i]].exact) return true;
    return false;
}

static bool new_view(tn_frame *f, int step) {
    const tn_plan *p = f->plan;
    const tn_step *s = &p->steps[step];
    size_t ni = (size_t)s->n_in + 1, no = (size_t)s->n_out + 1;
    const tn_type **in = tn_arena_array(f->own, const tn_type *, ni);
    const tn_tensor **data = tn_arena_array(f->own, const tn_tensor *, ni);
    const tn_content **content = tn_arena_array(f->own, const tn_content *, ni + no);
    tn_type *out = tn_arena_array(f->own, tn_type, no);
    if (!in || !data || !content || !out) return false;
    for (int i = 0; i < s->n_in; i++) {
        int k = s->in[i];
        if (k < 0) continue;
        in[i] = &f->fit->types[k];
        if (p->slots[k].home == TN_HOME_CONST || p->slots[k].home == TN_HOME_SHAPE) data[i] = &f->data[k].tensor;
    }
    f->fit->views[step] = (tn_infer){ .node = s->node,
                                      .attrs = s->attrs,
                                      .n_in = s->n_in,
                                      .n_out = s->n_out,
                                      .in = in,
                                      .in_tensor = data,
                                      .in_content = content,
                                      .out = out,
                                      .out_content = content + ni };
    return true;
}

/* Memory for the contents that are evaluated. */
static bool new_contents(tn_frame *f) {
    for (int i = 0; i < f->plan->n_slots; i++) {
        const tn_slot *s = &f->plan->slots[i];
        if (s->home != TN_HOME_SHAPE) continue;
        size_t bytes = ((size_t)s->content->n + 1) * (size_t)tn_dtypes[s->type.dtype].bytes;
        if (!(f->data[i].tensor.data = tn_arena_alloc(f->own, bytes, 64))) return false;
    }
    return true;
}

tn_status tn_fit_new(tn_frame *f) {
    const tn_plan *p = f->plan;
    tn_fit *t = tn_arena_new_of(f->own, tn_fit);
    if (!t) goto fail;
    f->fit = t;
    t->types = tn_arena_array(f->own, tn_type, (size_t)p->n_slots + 1);
    t->views = tn_arena_array(f->own, tn_infer, (size_t)p->n_steps + 1);
    t->beyond = tn_arena_array(f->own, bool, (size_t)p->n_steps + 1);
    t->counts = tn_arena_array(f->own, int64_t, 2 * (size_t)p->n_slots + 1);
    if (!t->types || !t->views || !t->beyond || !t->counts || !new_contents(f)) goto fail;
    t->most = t->counts + p->n_slots;
    for (int i = 0; i < p->n_slots; i++) {
        t->types[i] = p->slots[i].type;
        t->counts[i] = t->most[i] = tn_dims_count(t->types[i].rank, t->types[i].dims);
    }
    for (int i = 0; i < p->n_steps; i++)
        if (p->steps[i].varies && any_exact(p, &p->steps[i]) && !new_view(f, i)) goto fail;
    return TN_OK;
fail:
    return tn_fail(TN_E_NOMEM, "no memory to run the plan");
}

void tn_fit_free(tn_frame *f) {
    if (f->fit) tn_mem_free(f->fit->extra);
}

/* --------------------------------------------------------------------------------------------- once for other sizes */

static void set_dims(tn_frame *f, int slot, const int64_t *dims) {
    const tn_slot *s = &f->plan->slots[slot];
    size_t bytes = (size_t)s->type.rank * sizeof *dims;
    memcpy(f->fit->types[slot].dims, dims, bytes);
    if (s->home != TN_HOME_HEAP) memcpy(f->data[slot].tensor.dims, dims, bytes);
}

/* Most of what varies is the same expression again and again. */
static int64_t value_of(tn_frame *f, tn_dim k) {
    tn_fit *t = f->fit;
    const tn_range *r = f->plan->range;
    if (!tn_dim_symbolic(k)) return k;
    if (k != t->last) {
        t->last = k;
        t->last_is = tn_dim_eval(r->syms, k, t->values, r->n_symbols);
    }
    return t->last_is;
}

/* The sizes that the slot's expressions give. */
static void wanted_dims(tn_frame *f, const tn_slot *s, int64_t *dims) {
    const tn_dim *k = s->varies ? s->varies : s->type.dims;
    for (int d = 0; d < s->type.rank; d++) dims[d] = value_of(f, k[d]);
}

static bool set_contents(tn_frame *f, int slot) {
    const tn_slot *s = &f->plan->slots[slot];
    for (int i = 0; i < s->content->n; i++) {
        tn_dim v = value_of(f, s->content->v[i]);
        if (!tn_dim_exact(v)) return false;
        tn_set_i64(s->type.dtype, f->data[slot].tensor.data, i, v);
        if (tn_get_i64(s->type.dtype, f->data[slot].tensor.data, i) != v) return false;
    }
    return true;
}

static bool begin(tn_frame *f) {
    f->fit->last = TN_DIM_UNKNOWN;
    for (int i = 0; i < f->plan->n_slots; i++) {
        const tn_slot *s = &f->plan->slots[i];
        int64_t dims[TN_MAX_RANK];
        if (s->varies && (s->home == TN_HOME_INPUT || s->home == TN_HOME_SHAPE)) {
            wanted_dims(f, s, dims);
            set_dims(f, i, dims);
            f->fit->counts[i] = tn_dims_count(s->type.rank, dims);
        }
        if (s->home == TN_HOME_SHAPE && !set_contents(f, i)) return false;
    }
    return true;
}

static bool take_output(tn_frame *f, int slot, const tn_type *t) {
    const tn_slot *s = &f->plan->slots[slot];
    int64_t dims[TN_MAX_RANK];
    if (!s->exact) return true;
    if (t->kind != TN_KIND_TENSOR || t->dtype != s->type.dtype || !tn_type_static(t)) return false;
    wanted_dims(f, s, dims);
    if (!tn_dims_equal(t->rank, t->dims, s->type.rank, dims)) return false;
    int64_t n = tn_dims_count(t->rank, t->dims);
    if (n < 0 || (s->home == TN_HOME_ARENA && n > f->fit->most[slot])) return false;
    set_dims(f, slot, dims);
    f->fit->counts[slot] = n;
    return true;
}

static bool type_step(tn_frame *f, int step) {
    const tn_step *s = &f->plan->steps[step];
    tn_infer *c = &f->fit->views[step];
    c->arena = f->temp;
    c->open = 0;
    for (int i = 0; i < s->n_out; i++) c->out[i].kind = TN_KIND_NONE, c->out[i].rank = -1;
    if (!s->node->op->infer || s->node->op->infer(c) != TN_OK) return false;
    for (int i = 0; i < s->n_out; i++)
        if (s->out[i] >= 0 && !take_output(f, s->out[i], &c->out[i])) return false;
    int same = s->kind == TN_STEP_NONE ? 1 : s->in_place;
    return !same || f->fit->counts[s->in[same - 1]] == f->fit->counts[s->out[0]];
}

/* Scratch where the plan has room for it, else the frame's own. */
static bool give_scratch(tn_frame *f, int step, size_t scratch) {
    const tn_step *s = &f->plan->steps[step];
    tn_run *r = &f->runs[step];
    tn_fit *t = f->fit;
    size_t part = tn_align_up(scratch, 64);
    char *at = s->scratch ? f->base + s->scratch_offset : NULL;
    t->beyond[step] = part > s->scratch;
    if (t->beyond[step] && part > t->extra_bytes) {
        tn_mem_free(t->extra);
        t->extra = tn_mem_alloc(part, TN_MEM_SCRATCH);
        t->extra_bytes = t->extra ? part : 0;
        if (!t->extra) return false;
    }
    if (t->beyond[step]) part = 0;
    r->scratch = scratch ? at : NULL;
    r->room = at ? at + part : NULL;
    r->room_bytes = s->scratch - part;
    return true;
}

static bool prepare_step(tn_frame *f, int step) {
    const tn_step *s = &f->plan->steps[step];
    const tn_op *op = s->node->op;
    tn_infer *c = &f->fit->views[step];
    size_t scratch;
    if (s->kind != TN_STEP_STATIC || !op->prepare) return true;
    if (op->fit) {
        tn_prep *p = &f->fit->prep; /* clearing one for every step would cost more than most rows' fit */
        p->types = *c, p->arena = f->temp, p->pool = f->session->pool;
        p->impl = s->impl, p->state = s->state, p->scratch = 0;
        if (op->fit(p) != TN_OK) return false;
        scratch = p->scratch;
    } else {
        if (tn_dynamic_prepare(f, step, c) != TN_OK) return false;
        f->runs[step].state = f->dynamic[step].state;
        f->runs[step].impl = f->dynamic[step].impl;
        scratch = f->dynamic[step].scratch;
    }
    return give_scratch(f, step, scratch);
}

static bool fit(tn_frame *f) {
    if (!begin(f)) return false;
    for (int i = 0; i < f->plan->n_steps; i++) {
        if (!f->fit->views[i].node) continue;
        tn_arena_mark mark = tn_arena_save(f->temp);
        bool ok = type_step(f, i) && prepare_step(f, i);
        tn_arena_restore(f->temp, mark);
        if (!ok) return false;
    }
    for (int i = 0; i < f->plan->n_steps; i++)
        if (f->fit->beyond[i]) f->runs[i].scratch = f->fit->extra;
    return true;
}

bool tn_fit_sizes(tn_frame *f, const int64_t *values) {
    tn_fit *t = f->fit;
    size_t bytes = (size_t)f->plan->range->n_symbols * sizeof *values;
    if (tn_frame_place(f)) t->ready = false;
    if (t->ready && !memcmp(t->values, values, bytes)) return true;
    tn_budget b, *before = tn_session_keep(f->session, &b); /* what is prepared stays */
    memcpy(t->values, values, bytes);
    t->ready = fit(f);
    if (tn_session_kept(&b, before, TN_OK) != TN_OK) t->ready = false;
    if (!t->ready) tn_error_clear();
    return t->ready;
}
