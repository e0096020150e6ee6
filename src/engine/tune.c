/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* tune.c - see tune.h. */
#include "engine/tune.h"
#include "base/budget.h"
#include "base/clock.h"
#include "base/cpu.h"
#include "base/log.h"
#include "tensor/encoding.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MS UINT64_C(1000000)
enum {
    CANDIDATES = 32,
    UNLIKELY = 6,    /* times the least estimate: not tried */
    RUNS = 12,       /* of one implementation, at most */
    NAME_MAX = 2048, /* bytes of a description */
};
#define ENOUGH  (5 * MS)     /* of running one implementation */
#define STEP    (500 * MS)   /* of one step's choice: what has not begun by then is not tried, what runs is stopped */
#define SESSION (30000 * MS) /* of all choices of a session */
#define CLEARLY 0.95         /* what is not estimated to be the fastest must be faster by this, not by noise */

struct tn_tune {
    tn_timings *timings, *chosen; /* all that is known; of it what was asked for */
    char *file;
    char machine[512];
    size_t fresh; /* noted since it was written */
    uint64_t spent;
    int measured;
};

static void name_machine(char *out, size_t n, int threads) {
    char cpu[128];
    snprintf(out, n, "%s; %.200s; %s; %d thread%s", tn_version(), tn_cpu_model(),
             tn_cpu_name(tn_cpu_flags(), cpu, sizeof cpu), threads, threads == 1 ? "" : "s");
    for (char *c = out; *c; c++)
        if ((unsigned char)*c < ' ') *c = ' ';
}

tn_status tn_tune_new(const char *file, int threads, tn_tune **out) {
    tn_tune *t = tn_mem_zalloc(sizeof *t, TN_MEM_GENERAL);
    size_t n = file ? strlen(file) : 0;
    if (t && !file) t->file = tn_timings_path();
    if (t && n && (t->file = tn_mem_alloc(n + 1, TN_MEM_GENERAL))) memcpy(t->file, file, n + 1);
    if (!t || !(t->timings = tn_timings_new()) || !(t->chosen = tn_timings_new()) || (n && !t->file)) {
        tn_tune_free(&t);
        *out = NULL;
        return tn_fail(TN_E_NOMEM, "no memory for timings");
    }
    name_machine(t->machine, sizeof t->machine, threads);
    if (t->file) tn_timings_load(t->timings, t->file);
    *out = t;
    return TN_OK;
}

tn_status tn_tune_given(const char *text, size_t n, const char *where, int threads, tn_tune **out) {
    TN_TRY(tn_tune_new("", threads, out));
    (*out)->spent = SESSION;
    tn_timings_import((*out)->timings, text, n, where);
    return TN_OK;
}

void tn_tune_free(tn_tune **tune) {
    tn_tune *t = *tune;
    *tune = NULL;
    if (!t) return;
    if (t->timings) tn_tune_save(t);
    tn_timings_free(&t->timings);
    tn_timings_free(&t->chosen);
    tn_mem_free(t->file);
    tn_mem_free(t);
}

void tn_tune_save(tn_tune *t) {
    if (!t->fresh || !t->file) return;
    t->fresh = 0;
    if (tn_timings_save(t->timings, t->file) == TN_OK) return;
    tn_log(TN_LOG_WARN, "the timings are not kept: %s", tn_error());
    tn_error_clear();
}

const tn_timings *tn_tune_chosen(const tn_tune *t) { return t->chosen; }

int tn_tune_measured(const tn_tune *t) { return t->measured; }

/* ------------------------------------------------------------------------------------------------------ description */

/* Words of attributes: what a line of the file cannot hold becomes '?', which only costs a better choice. */
static void put_word(tn_text *out, const tn_string *s) {
    for (size_t i = 0; i < s->len; i++) {
        char c = s->ptr[i];
        tn_text_put(out, c > ' ' && c < 127 ? &c : "?", 1);
    }
}

static bool put_attr(tn_text *out, const tn_attr *a) {
    tn_text_printf(out, " %s=", a->name);
    switch (a->kind) {
    case TN_ATTR_INT: tn_text_printf(out, "%lld", (long long)a->i); return true;
    case TN_ATTR_FLOAT: tn_text_printf(out, "%.9g", (double)a->f); return true;
    case TN_ATTR_STRING: put_word(out, &a->s); return true;
    case TN_ATTR_INTS:
        for (size_t i = 0; i < a->n; i++) tn_text_printf(out, i ? ",%lld" : "%lld", (long long)a->ints[i]);
        return true;
    case TN_ATTR_FLOATS:
        for (size_t i = 0; i < a->n; i++) tn_text_printf(out, i ? ",%.9g" : "%.9g", (double)a->floats[i]);
        return true;
    default: return false;
    }
}

static bool put_type(tn_text *out, const tn_type *t, const tn_tensor *constant) {
    char dims[400];
    if (t->kind != TN_KIND_TENSOR || !tn_type_static(t)) return false;
    tn_text_printf(out, " %s[%s]", tn_dtype_name(t->dtype), tn_dims_text(t->rank, t->dims, dims, sizeof dims));
    if (constant) tn_text_printf(out, "c%s", constant->encoding ? constant->encoding->name : "");
    return true;
}

bool tn_tune_describe(const tn_infer *c, tn_text *out) {
    const tn_node *n = c->node;
    tn_text_printf(out, "%s%s%s", n->domain ? n->domain : "", n->domain && n->domain[0] ? "." : "", n->type);
    for (int i = 0; i < n->n_attrs; i++)
        if (!put_attr(out, &n->attrs[i])) return false;
    tn_text_puts(out, " :");
    for (int i = 0; i < c->n_in; i++) {
        if (!c->in[i])
            tn_text_puts(out, " -");
        else if (!put_type(out, c->in[i], c->in_tensor[i]))
            return false;
    }
    return !out->failed && out->n < NAME_MAX;
}

/* -------------------------------------------------------------------------------------------------------- measuring */

/* What the implementations of one step are run on. */
typedef struct {
    const tn_op *op;
    tn_prep *p;
    tn_datum *data; /* inputs, then outputs */
    tn_datum **ptr;
} bench;

/* Numbers that no kernel is slow with: 0.0115 as a float, ones as integers. */
static void fill(tn_tensor *t) {
    size_t bytes = tn_tensor_bytes(t);
    if (bytes) memset(t->data, tn_dtype_is_float(t->dtype) ? 0x3c : 1, bytes);
}

static tn_status make_datum(const tn_type *t, const tn_tensor *constant, tn_datum *out) {
    out->kind = TN_KIND_TENSOR;
    if (constant && (constant->encoding || tn_tensor_aligned(constant))) {
        out->tensor = *constant;
        out->tensor.buffer = NULL; /* borrowed */
        return TN_OK;
    }
    if (constant) return tn_tensor_copy(&out->tensor, constant, TN_MEM_SCRATCH);
    TN_TRY(tn_tensor_init(&out->tensor, t->dtype, t->rank, t->dims, TN_MEM_SCRATCH));
    fill(&out->tensor);
    return TN_OK;
}

static tn_status make_data(bench *b, tn_arena *a) {
    const tn_infer *c = &b->p->types;
    size_t n = (size_t)(c->n_in + c->n_out);
    b->data = tn_arena_array(a, tn_datum, n + 1);
    b->ptr = tn_arena_array(a, tn_datum *, n + 1);
    if (!b->data || !b->ptr) return tn_fail(TN_E_NOMEM, "no memory to measure");
    for (int i = 0; i < c->n_in + c->n_out; i++) {
        bool in = i < c->n_in;
        const tn_type *t = in ? c->in[i] : &c->out[i - c->n_in];
        if (!t || t->kind == TN_KIND_NONE) continue;
        if (!tn_type_static(t) || t->dtype == TN_STRING) return tn_fail(TN_E_UNSUPPORTED, "it cannot be measured");
        b->ptr[i] = &b->data[i];
        TN_TRY(make_datum(t, in ? c->in_tensor[i] : NULL, &b->data[i]));
    }
    return TN_OK;
}

static void drop_data(bench *b) {
    for (int i = 0; b->data && i < b->p->types.n_in + b->p->types.n_out; i++) tn_datum_reset(&b->data[i]);
}

/* Runs what is prepared again and again; the least time, 0: it failed or was stopped. The time is the caller's CPU
 * time: a caller waits for workers by spinning, and what other programs take of its CPU does not count. */
static uint64_t run_often(const bench *b, tn_run *r, tn_arena *temp) {
    uint64_t least = 0, all = 0;
    for (int i = 0; i <= RUNS && (i < 4 || all < ENOUGH); i++) {
        tn_arena_mark mark = tn_arena_save(temp);
        uint64_t start = tn_clock_thread_ns();
        r->room_used = 0;
        tn_status st = tn_op_run(b->op, r);
        uint64_t took = tn_clock_thread_ns() - start;
        tn_arena_restore(temp, mark);
        if (st != TN_OK || tn_budget_stopped()) return i > 1 ? least : 0; /* the first one only warms up */
        if (i) all += took;
        if (i && (!least || took < least)) least = took ? took : 1;
    }
    return least;
}

/* Prepares x with weights of its own, and runs it. */
static uint64_t measure(const bench *b, const tn_impl *x) {
    tn_arena *a = tn_arena_new(0, TN_MEM_SCRATCH), *temp = tn_arena_new(0, TN_MEM_SCRATCH);
    tn_prep q = { .types = b->p->types, .arena = a, .pool = b->p->pool, .impl = x };
    uint64_t ns = 0;
    if (!a || !temp || (b->op->prepare && tn_op_prepare(b->op, &q) != TN_OK)) goto done;
    size_t part = tn_align_up(q.scratch, 64);
    char *scratch = q.scratch + q.room ? tn_arena_room(a, part + q.room, 64) : NULL;
    if (q.scratch + q.room && !scratch) goto done;
    tn_run r = { .node = q.types.node,
                 .attrs = q.types.attrs,
                 .impl = x,
                 .state = q.state,
                 .n_in = q.types.n_in,
                 .n_out = q.types.n_out,
                 .in = b->ptr,
                 .out = b->ptr + q.types.n_in,
                 .pool = q.pool,
                 .scratch = scratch,
                 .room = scratch ? scratch + part : NULL,
                 .room_bytes = q.room,
                 .arena = temp };
    ns = run_often(b, &r, temp);
done:
    if (b->op->release && q.state) b->op->release(q.state);
    tn_arena_free(&a);
    tn_arena_free(&temp);
    return ns;
}

typedef struct {
    const tn_impl *impl;
    double ns; /* estimated */
} candidate;

/* Those worth a try, by estimate; returns how many. */
static int list_candidates(const tn_op *op, tn_prep *p, candidate *out) {
    int n = 0, kept = 0;
    for (const tn_impl *x = op->impls; x->name && n < CANDIDATES; x++) {
        if (!(x->devices & TN_ON_CPU) || !tn_impl_fits(x, p)) continue;
        double ns = tn_impl_estimate(x, p);
        int at = n++;
        for (; at > 0 && ns < out[at - 1].ns; at--) out[at] = out[at - 1];
        out[at] = (candidate){ x, ns };
    }
    while (kept < n && (kept == 0 || (isfinite(out[kept].ns) && out[kept].ns <= UNLIKELY * out[0].ns))) kept++;
    return kept;
}

/* The fastest of n, out[0] being what the estimates choose; NULL: none could be run. */
static const tn_impl *fastest(tn_tune *t, bench *b, const candidate *c, int n, uint64_t *ns) {
    const tn_impl *best = NULL;
    for (int i = 0; i < n && !tn_budget_stopped(); i++) {
        uint64_t took = measure(b, c[i].impl);
        t->measured++;
        tn_log(TN_LOG_DEBUG, "%s: %s takes %.1f us, estimated %.1f", tn_node_where(b->p->types.node), c[i].impl->name,
               (double)took * 1e-3, c[i].ns * 1e-3);
        if (!took || (best && (double)took >= CLEARLY * (double)*ns)) continue;
        best = c[i].impl;
        *ns = took;
    }
    return best;
}

/* Under a budget of its own: what a candidate is refused or takes too long for stops that candidate, not the plan. */
static const tn_impl *measure_all(tn_tune *t, const tn_op *op, tn_prep *p, const candidate *c, int n, uint64_t *ns) {
    static const tn_budget_words words = { .what = "measuring" };
    tn_budget inner, *around = tn_budget_now();
    tn_arena *a = tn_arena_new(0, TN_MEM_SCRATCH);
    bench b = { .op = op, .p = p };
    const tn_impl *best = NULL;
    uint64_t start = tn_clock_ns();
    tn_budget_inner(&inner, &words, around ? around->account : NULL);
    tn_budget_set_timeout(&inner, STEP);
    tn_budget *before = tn_budget_enter(&inner);
    if (a && make_data(&b, a) == TN_OK) best = fastest(t, &b, c, n, ns);
    drop_data(&b);
    tn_budget_leave(before);
    tn_arena_free(&a);
    tn_error_clear();
    t->spent += tn_clock_ns() - start;
    return best;
}

static const tn_impl *known(const tn_tune *t, const tn_op *op, tn_prep *p, const char *what) {
    const tn_timing *x = tn_timings_find(t->timings, t->machine, what);
    const tn_impl *impl = x ? tn_impl_find(op, x->impl, x->n) : NULL;
    return impl && impl->devices & TN_ON_CPU && tn_impl_fits(impl, p) ? impl : NULL;
}

/* One that cannot be noted is chosen by estimate next time. */
static void note_choice(tn_tune *t, const char *what) {
    const tn_timing *x = tn_timings_find(t->timings, t->machine, what);
    char name[64];
    if (!x || x->n >= sizeof name) return;
    memcpy(name, x->impl, x->n);
    name[x->n] = 0;
    if (tn_timings_put(t->chosen, t->machine, what, name, x->ns) != TN_OK) tn_error_clear();
}

static const tn_impl *choose(tn_tune *t, const tn_op *op, tn_prep *p, const char *what) {
    candidate c[CANDIDATES];
    uint64_t ns = 0;
    const tn_impl *x = known(t, op, p, what);
    if (x) return x;
    int n = list_candidates(op, p, c);
    if (n < 2) return n ? c[0].impl : NULL;
    if (t->spent >= SESSION) return NULL;
    if (!(x = measure_all(t, op, p, c, n, &ns)) && tn_budget_stopped()) return NULL;
    if (!x) x = c[0].impl; /* none was through in time: who asks again need not try */
    if (tn_timings_put(t->timings, t->machine, what, x->name, ns) == TN_OK)
        t->fresh++;
    else
        tn_error_clear();
    return x;
}

const tn_impl *tn_tune_choose(tn_tune *t, const tn_op *op, tn_prep *p) {
    tn_text what = { 0 };
    bool named = op->impls && !(op->flags & (TN_OP_SUBGRAPH | TN_OP_DYNAMIC)) && tn_tune_describe(&p->types, &what);
    p->impl = named ? choose(t, op, p, what.s) : NULL;
    if (p->impl) note_choice(t, what.s);
    tn_text_free(&what);
    return p->impl;
}
