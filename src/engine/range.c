/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* range.c - see range.h. */
#include "engine/range.h"
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

static void bound(const tn_shapes *s, int dim, int64_t *least, int64_t *most) {
    *least = *most = seen(s, 0, dim);
    for (int k = 1; k < s->n; k++) {
        int64_t v = seen(s, k, dim);
        if (v < *least) *least = v;
        if (v > *most) *most = v;
    }
    *least = *least > 0 ? 1 : 0; /* nothing of the plan depends on it but what a size of 0 does */
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
        dims[d] = tn_sym(r->syms, name);
        bound(s, d, &r->least[r->n_symbols], &r->most[r->n_symbols]);
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

tn_status tn_shapes_range(const tn_shapes *s, tn_range **out) {
    size_t n = (size_t)s->n_dims + 1;
    tn_range *r = tn_mem_zalloc(sizeof *r, TN_MEM_GENERAL);
    int *leader = tn_mem_alloc(n * sizeof *leader, TN_MEM_GENERAL);
    tn_dim *dims = tn_mem_alloc(n * sizeof *dims, TN_MEM_GENERAL);
    tn_status st = TN_E_NOMEM;
    *out = NULL;
    if (r) {
        r->n_inputs = s->n_inputs;
        r->inputs = tn_mem_alloc(((size_t)s->n_inputs + 1) * sizeof *r->inputs, TN_MEM_GENERAL);
        r->syms = tn_syms_new();
    }
    if (!r || !leader || !dims || !r->inputs || !r->syms)
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

/* One dimension of a call. A dimension that leads its symbol is the symbol itself; others are held against its value.
 */
static bool take(const tn_range *r, tn_dim want, int64_t have, int64_t *values) {
    if (tn_dim_known(want)) return want == have;
    for (int s = 0; s < r->n_symbols; s++) {
        if (want != tn_sym_at(r->syms, s)) continue;
        if (values[s] < 0 && have >= r->least[s] && have <= r->most[s]) values[s] = have;
        return values[s] == have;
    }
    return tn_dim_eval(r->syms, want, values, r->n_symbols) == have;
}

bool tn_range_match(const tn_range *r, const tn_type *inputs, int64_t *values) {
    for (int s = 0; s < r->n_symbols; s++) values[s] = -1;
    for (int i = 0; i < r->n_inputs; i++) {
        const tn_type *want = &r->inputs[i], *have = &inputs[i];
        if (!alike(want, have)) return false;
        if (want->kind != TN_KIND_TENSOR) continue;
        for (int d = 0; d < want->rank; d++)
            if (!take(r, want->dims[d], have->dims[d], values)) return false;
    }
    return true;
}

tn_type tn_range_at(const tn_range *r, const tn_type *t, const int64_t *values) {
    tn_type at = *t;
    for (int d = 0; d < t->rank && t->kind == TN_KIND_TENSOR; d++)
        if (tn_dim_symbolic(t->dims[d])) at.dims[d] = tn_dim_eval(r->syms, t->dims[d], values, r->n_symbols);
    return at;
}
