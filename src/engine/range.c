/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* range.c - see range.h. */
#include "engine/range.h"
#include "base/log.h"
#include "base/mem.h"
#include <stdio.h>
#include <string.h>

#define MAX_NOTED 32 /* calls; the oldest but the first is forgotten */

struct tn_shapes {
    int n_inputs, n_dims; /* dimensions of all inputs together */
    tn_type *first;       /* the first call's */
    int64_t *noted;       /* [MAX_NOTED][n_dims] */
    int n, next;
};

tn_shapes *tn_shapes_new(int n_inputs) {
    tn_shapes *s = tn_mem_zalloc(sizeof *s, TN_MEM_GENERAL);
    if (s) s->n_inputs = n_inputs;
    return s;
}

void tn_shapes_free(tn_shapes **shapes) {
    tn_shapes *s = *shapes;
    *shapes = NULL;
    if (!s) return;
    tn_mem_free(s->first);
    tn_mem_free(s->noted);
    tn_mem_free(s);
}

static bool begin(tn_shapes *s, const tn_type *inputs) {
    int dims = 0;
    for (int i = 0; i < s->n_inputs; i++)
        if (inputs[i].kind == TN_KIND_TENSOR) dims += inputs[i].rank;
    tn_type *first = tn_mem_alloc((size_t)s->n_inputs * sizeof *first, TN_MEM_GENERAL);
    int64_t *noted = tn_mem_alloc(MAX_NOTED * (size_t)dims * sizeof *noted, TN_MEM_GENERAL);
    if (!first || !noted) {
        tn_mem_free(first);
        tn_mem_free(noted);
        return false;
    }
    memcpy(first, inputs, (size_t)s->n_inputs * sizeof *first);
    s->first = first;
    s->noted = noted;
    s->n_dims = dims;
    return true;
}

static bool alike(const tn_type *a, const tn_type *b) {
    return a->kind == b->kind && (a->kind == TN_KIND_NONE || (a->dtype == b->dtype && a->rank == b->rank));
}

int tn_shapes_note(tn_shapes *s, const tn_type *inputs) {
    if (s->n_inputs < 1) return 0;
    for (int i = 0; i < s->n_inputs; i++)
        if (inputs[i].kind != TN_KIND_NONE && inputs[i].kind != TN_KIND_TENSOR) return 0;
    if (!s->first && !begin(s, inputs)) return 0;
    for (int i = 0; i < s->n_inputs; i++)
        if (!alike(&inputs[i], &s->first[i])) return 0;
    int at = s->n < MAX_NOTED ? s->n : s->next;
    int64_t *row = s->noted + (size_t)at * (size_t)s->n_dims;
    size_t n = 0, bytes = (size_t)s->n_dims * sizeof *row;
    int64_t dims[64 * TN_MAX_RANK];
    if (s->n_dims > (int)TN_COUNT(dims)) return 0;
    for (int i = 0; i < s->n_inputs; i++)
        for (int d = 0; d < inputs[i].rank && inputs[i].kind == TN_KIND_TENSOR; d++) dims[n++] = inputs[i].dims[d];
    for (int k = 0; k < s->n; k++)
        if (!memcmp(s->noted + (size_t)k * (size_t)s->n_dims, dims, bytes)) return s->n;
    memcpy(row, dims, bytes);
    if (s->n < MAX_NOTED)
        s->n++;
    else
        s->next = s->next + 1 < MAX_NOTED ? s->next + 1 : 1;
    return s->n;
}

/* -------------------------------------------------------------------------------------------------- from calls to a
 * range */

static int64_t seen(const tn_shapes *s, int call, int dim) { return s->noted[(size_t)call * (size_t)s->n_dims + dim]; }

/* a in every call: b and the same number more? */
static bool together(const tn_shapes *s, int a, int b) {
    for (int k = 1; k < s->n; k++)
        if (seen(s, k, a) - seen(s, k, b) != seen(s, 0, a) - seen(s, 0, b)) return false;
    return true;
}

static bool fixed(const tn_shapes *s, int a) {
    for (int k = 1; k < s->n; k++)
        if (seen(s, k, a) != seen(s, 0, a)) return false;
    return true;
}

/* A quarter more than the largest, to a multiple of a sixteenth of it: a growing length asks for few plans. */
static int64_t room_above(int64_t v) {
    if (v > INT64_C(1) << 40) return v;
    int64_t step = 1;
    while (step * 16 < v) step *= 2;
    return (v + v / 4 + step) / step * step;
}

static void bound(const tn_shapes *s, int dim, int64_t *least, int64_t *most, int64_t *usual) {
    *least = *most = seen(s, 0, dim);
    for (int k = 1; k < s->n; k++) {
        int64_t v = seen(s, k, dim);
        if (v < *least) *least = v;
        if (v > *most) *most = v;
    }
    *least = *least > 0 ? 1 : 0; /* nothing of the plan depends on it but what a size of 0 does */
    *usual = *most;
    *most = room_above(*most);
}

/* leader[d]: the first dimension that varies together with d; -1: it does not vary. */
static tn_status name_dims(const tn_shapes *s, tn_range *r, int *leader, tn_dim *dims) {
    for (int d = 0; d < s->n_dims; d++) {
        dims[d] = seen(s, 0, d);
        leader[d] = -1;
        if (fixed(s, d)) continue;
        for (int l = 0; l < d && leader[d] < 0; l++)
            if (leader[l] == l && together(s, d, l)) leader[d] = l;
        if (leader[d] >= 0) {
            dims[d] = tn_dim_add(r->syms, dims[leader[d]], seen(s, 0, d) - seen(s, 0, leader[d]));
            continue;
        }
        char name[16];
        if (r->n_symbols == TN_RANGE_SYMBOLS) return tn_fail(TN_E_UNSUPPORTED, "too many dimensions vary");
        snprintf(name, sizeof name, "s%d", r->n_symbols);
        leader[d] = d;
        if ((dims[d] = tn_sym(r->syms, name)) == TN_DIM_UNKNOWN)
            return tn_fail(TN_E_NOMEM, "no memory for a range of shapes");
        bound(s, d, &r->least[r->n_symbols], &r->most[r->n_symbols], &r->usual[r->n_symbols]);
        r->n_symbols++;
    }
    return TN_OK;
}

static void put_dims(const tn_shapes *s, tn_range *r, const tn_dim *dims) {
    memcpy(r->inputs, s->first, (size_t)s->n_inputs * sizeof *r->inputs);
    for (int i = 0; i < s->n_inputs; i++)
        for (int d = 0; d < r->inputs[i].rank && r->inputs[i].kind == TN_KIND_TENSOR; d++)
            r->inputs[i].dims[d] = *dims++;
}

void tn_range_free(tn_range **range) {
    tn_range *r = *range;
    *range = NULL;
    if (!r) return;
    tn_syms_free(&r->syms);
    tn_mem_free(r->inputs);
    tn_mem_free(r);
}

static tn_range *new_range(int n_inputs) {
    tn_range *r = tn_mem_zalloc(sizeof *r, TN_MEM_GENERAL);
    if (!r) return NULL;
    r->n_inputs = n_inputs;
    r->inputs = tn_mem_zalloc(((size_t)n_inputs + 1) * sizeof *r->inputs, TN_MEM_GENERAL);
    r->syms = tn_syms_new();
    if (!r->inputs || !r->syms) tn_range_free(&r);
    return r;
}

tn_status tn_shapes_range(const tn_shapes *s, tn_range **out) {
    size_t n = (size_t)s->n_dims + 1;
    tn_range *r = new_range(s->n_inputs);
    int *leader = tn_mem_alloc(n * sizeof *leader, TN_MEM_GENERAL);
    tn_dim *dims = tn_mem_alloc(n * sizeof *dims, TN_MEM_GENERAL);
    tn_status st = TN_E_NOMEM;
    *out = NULL;
    if (!r || !leader || !dims)
        st = tn_fail(TN_E_NOMEM, "no memory for a range of shapes");
    else
        st = name_dims(s, r, leader, dims);
    if (st == TN_OK) {
        put_dims(s, r, dims);
        *out = r;
        r = NULL;
    }
    tn_range_free(&r);
    tn_mem_free(leader);
    tn_mem_free(dims);
    return st;
}

/* --------------------------------------------------------------------------------------------------------- matching */

/* The symbol that d is; -1: a number, or an expression of symbols. */
static int symbol_of(const tn_range *r, tn_dim d) {
    for (int s = 0; s < r->n_symbols; s++)
        if (d == tn_sym_at(r->syms, s)) return s;
    return -1;
}

static bool bind(const tn_range *r, tn_dim want, int64_t have, int64_t *values) {
    int s = tn_dim_symbolic(want) ? symbol_of(r, want) : -1;
    if (s < 0) return true;
    if (values[s] < 0 && have >= r->least[s] && have <= r->most[s]) values[s] = have;
    return values[s] == have;
}

static bool holds(const tn_range *r, tn_dim want, int64_t have, int64_t *values) {
    return (tn_dim_known(want) ? want : tn_dim_eval(r->syms, want, values, r->n_symbols)) == have;
}

static bool each_dim(const tn_range *r, const tn_type *inputs, int64_t *values,
                     bool (*fn)(const tn_range *, tn_dim, int64_t, int64_t *)) {
    for (int i = 0; i < r->n_inputs; i++)
        for (int d = 0; d < r->inputs[i].rank && r->inputs[i].kind == TN_KIND_TENSOR; d++)
            if (!fn(r, r->inputs[i].dims[d], inputs[i].dims[d], values)) return false;
    return true;
}

bool tn_range_match(const tn_range *r, const tn_type *inputs, int64_t *values) {
    for (int s = 0; s < r->n_symbols; s++) values[s] = -1;
    for (int i = 0; i < r->n_inputs; i++)
        if (!alike(&r->inputs[i], &inputs[i])) return false;
    return each_dim(r, inputs, values, bind) && each_dim(r, inputs, values, holds);
}

tn_type tn_range_at(const tn_range *r, const tn_type *t, const int64_t *values) {
    tn_type at = *t;
    for (int d = 0; d < t->rank && t->kind == TN_KIND_TENSOR; d++)
        if (tn_dim_symbolic(t->dims[d])) at.dims[d] = tn_dim_eval(r->syms, t->dims[d], values, r->n_symbols);
    return at;
}

/* --------------------------------------------------------------------------------------------------- given by users */

static const tn_shape_range *given_for(const tn_shape_range *given, size_t n, const char *name) {
    for (size_t i = 0; i < n; i++)
        if (!strcmp(given[i].input, name)) return &given[i];
    return NULL;
}

static tn_status check_names(const tn_model *m, const tn_shape_range *given, size_t n) {
    for (size_t k = 0; k < n; k++) {
        bool known = false;
        if (!given[k].input || !given[k].min || !given[k].max)
            return tn_fail(TN_E_INVALID, "the range of shapes %zu has no input's name, no smallest or no largest shape",
                           k);
        for (int i = 0; i < m->graph->n_inputs; i++)
            known = known || !strcmp(m->graph->inputs[i]->name, given[k].input);
        if (!known)
            return tn_fail(TN_E_NOT_FOUND, "the model has no input '%s', which a range of shapes names",
                           given[k].input);
    }
    return TN_OK;
}

/* One dimension that a user bounds: smallest, usual and largest size. */
typedef struct {
    const char *input; /* of which it is dimension d */
    int d;
    int64_t least, usual, most;
    const char *declared; /* its name in the model; NULL: none */
} bounds;

static tn_status no_room(void) { return tn_fail(TN_E_NOMEM, "no memory for a range of shapes"); }

/* A symbol of its own, or that of the dimensions that have the same name in the model. */
static tn_status name_bounds(tn_range *r, const bounds *b, tn_dim *out) {
    char name[32];
    snprintf(name, sizeof name, "range %d", r->n_symbols);
    int before = tn_sym_count(r->syms), k = r->n_symbols;
    if ((*out = tn_sym(r->syms, b->declared ? b->declared : name)) == TN_DIM_UNKNOWN) return no_room();
    if (tn_sym_count(r->syms) == before) {
        k = symbol_of(r, *out);
        if (r->least[k] == b->least && r->usual[k] == b->usual && r->most[k] == b->most) return TN_OK;
        return tn_fail(TN_E_INVALID, "dimension %d of '%s' is '%s', which has another range elsewhere", b->d, b->input,
                       b->declared);
    }
    if (k == TN_RANGE_SYMBOLS) return tn_fail(TN_E_UNSUPPORTED, "more than %d dimensions vary", TN_RANGE_SYMBOLS);
    r->n_symbols++;
    r->least[k] = b->least, r->usual[k] = b->usual, r->most[k] = b->most;
    return TN_OK;
}

/* "past + 1", once past is known; else it is a size of its own. */
static tn_status express(tn_range *r, const bounds *b, tn_dim *out) {
    int before = tn_sym_count(r->syms);
    *out = tn_dim_parse(r->syms, b->declared);
    if (tn_dim_symbolic(*out) && tn_sym_count(r->syms) == before &&
        tn_dim_eval(r->syms, *out, r->least, r->n_symbols) == b->least &&
        tn_dim_eval(r->syms, *out, r->most, r->n_symbols) == b->most)
        return TN_OK;
    return tn_fail(TN_E_INVALID, "dimension %d of '%s' is '%s': its range, %lld to %lld, is not what that gives", b->d,
                   b->input, b->declared, (long long)b->least, (long long)b->most);
}

static tn_status check_bounds(const bounds *b, tn_dim declared) {
    if (b->least < 0 || b->least > b->usual || b->usual > b->most)
        return tn_fail(TN_E_INVALID, "dimension %d of '%s': the sizes %lld, %lld, %lld do not ascend", b->d, b->input,
                       (long long)b->least, (long long)b->usual, (long long)b->most);
    if (tn_dim_known(declared) && (b->least != declared || b->most != declared))
        return tn_fail(TN_E_SHAPE, "dimension %d of '%s' is %lld in the model and cannot be %lld to %lld", b->d,
                       b->input, (long long)declared, (long long)b->least, (long long)b->most);
    return TN_OK;
}

static bool is_symbol(const tn_model *m, tn_dim d) {
    for (int i = 0; i < tn_sym_count(m->syms); i++)
        if (d == tn_sym_at(m->syms, i)) return true;
    return false;
}

/* expressions: those alone, or all other dimensions, which name the symbols that expressions are made of. */
static tn_status give_dim(tn_range *r, const tn_model *m, int input, int d, const tn_shape_range *g, bool expressions) {
    const tn_value *v = m->graph->inputs[input];
    tn_dim declared = v->type.rank >= 0 ? v->type.dims[d] : TN_DIM_UNKNOWN, *out = &r->inputs[input].dims[d];
    bounds b = { v->name, d, g->min[d], g->opt ? g->opt[d] : g->max[d], g->max[d], NULL };
    bool varies = b.least != b.most, expression = varies && tn_dim_symbolic(declared) && !is_symbol(m, declared);
    tn_text text = { 0 };
    if (expression != expressions) return TN_OK;
    TN_TRY(check_bounds(&b, declared));
    *out = b.least;
    if (!varies) return TN_OK;
    if (tn_dim_symbolic(declared)) tn_dim_print(m->syms, declared, &text);
    b.declared = text.s;
    tn_status st = text.failed ? no_room() : expression ? express(r, &b, out) : name_bounds(r, &b, out);
    tn_text_free(&text);
    return st;
}

static tn_status give_input(tn_range *r, const tn_model *m, int input, const tn_shape_range *g, bool expressions) {
    const tn_value *v = m->graph->inputs[input];
    tn_type *t = &r->inputs[input];
    *t = expressions ? *t : v->type;
    if (!g && v->fallback) t->kind = TN_KIND_NONE; /* its default is used */
    if (!g && (t->kind == TN_KIND_NONE || tn_type_static(t))) return TN_OK;
    if (!g) return tn_fail(TN_E_SHAPE, "input '%s' needs a range of shapes, as other inputs have one", v->name);
    if (t->kind != TN_KIND_TENSOR || t->dtype == TN_NONE || (v->type.rank >= 0 && v->type.rank != g->rank) ||
        g->rank < 0 || g->rank > TN_MAX_RANK)
        return tn_fail(TN_E_SHAPE, "input '%s' cannot have the range of shapes of %d dimensions", v->name, g->rank);
    t->rank = g->rank;
    for (int d = 0; d < g->rank; d++) TN_TRY(give_dim(r, m, input, d, g, expressions));
    return TN_OK;
}

static tn_status give_inputs(tn_range *r, const tn_model *m, const tn_shape_range *given, size_t n) {
    TN_TRY(check_names(m, given, n));
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < r->n_inputs; i++)
            TN_TRY(give_input(r, m, i, given_for(given, n, m->graph->inputs[i]->name), pass == 1));
    return TN_OK;
}

tn_status tn_range_given(const tn_model *m, const tn_shape_range *given, size_t n, tn_range **out) {
    tn_range *r = new_range(m->graph->n_inputs);
    *out = NULL;
    if (!r) return no_room();
    tn_status st = give_inputs(r, m, given, n);
    if (st != TN_OK) tn_range_free(&r);
    *out = r;
    return st;
}

bool tn_range_refused(tn_status st) {
    if (st != TN_E_SHAPE && st != TN_E_TYPE && st != TN_E_INVALID && st != TN_E_UNSUPPORTED) return false;
    tn_log(TN_LOG_WARN,
           "the model cannot be planned for the ranges of shapes, and every shape is planned on its own: %s",
           tn_error());
    tn_error_clear();
    return true;
}
