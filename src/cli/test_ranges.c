/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* test_ranges.c - see test_ranges.h. */
#include "cli/test_ranges.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SYMBOLS = 16 }; /* that a range has room for */

/* The same number for the same things, in every run. */
static uint64_t mixed(uint64_t seed, uint64_t a, uint64_t b) {
    uint64_t x = seed * UINT64_C(0x9e3779b97f4a7c15) + a * UINT64_C(0xbf58476d1ce4e5b9) + b + 1;
    x ^= x >> 31, x *= UINT64_C(0x94d049bb133111eb), x ^= x >> 29;
    return x * UINT64_C(0xbf58476d1ce4e5b9) >> 16;
}

typedef struct {
    tn_model *m;
    unsigned seed;
    int symbols;
} maker;

/* A dimension of that size: its bounds, and as what the model declares it. */
static tn_dim bound(maker *k, int input, int d, int64_t size, int64_t *least, int64_t *most) {
    char name[32];
    bool shared = mixed(k->seed, 0, (uint64_t)size) & 1;
    uint64_t r = shared ? mixed(k->seed, 1, (uint64_t)size) : mixed(k->seed, (uint64_t)input + 2, (uint64_t)d);
    *least = *most = size;
    if (size == 0 || r % 4 == 0 || k->symbols == SYMBOLS) return TN_DIM_UNKNOWN;
    *least = size > 2 ? size - (int64_t)(r / 4 % 3) : 1;
    *most = size + 1 + (int64_t)(r / 16 % 4);
    int before = tn_sym_count(k->m->syms);
    snprintf(name, sizeof name, "size_%lld", (long long)size);
    tn_dim declared = shared ? tn_sym(k->m->syms, name) : TN_DIM_UNKNOWN;
    k->symbols += !shared || tn_sym_count(k->m->syms) > before;
    return declared;
}

static tn_status give_input(maker *k, int i, const tn_type *given, tn_random_ranges *out) {
    tn_value *v = k->m->graph->inputs[i];
    int64_t *dims = out->dims[out->n];
    if (!(out->names[out->n] = strdup(v->name))) return tn_fail(TN_E_NOMEM, "no memory for a range of shapes");
    v->type.rank = given->rank;
    for (int d = 0; d < given->rank; d++)
        v->type.dims[d] = bound(k, i, d, given->dims[d], &dims[d], &dims[TN_MAX_RANK + d]);
    out->v[out->n] =
        (tn_shape_range){ .input = out->names[out->n], .rank = given->rank, .min = dims, .max = dims + TN_MAX_RANK };
    out->n++;
    return TN_OK;
}

tn_status tn_random_ranges_make(tn_model *m, const tn_type *given, unsigned seed, tn_random_ranges *out) {
    maker k = { m, seed, 0 };
    tn_status st = TN_OK;
    *out = (tn_random_ranges){ 0 };
    for (int i = 0; i < m->graph->n_inputs; i++) {
        bool fits = given[i].kind == TN_KIND_TENSOR && m->graph->inputs[i]->type.kind == TN_KIND_TENSOR;
        if (m->graph->n_inputs > (int)TN_COUNT(out->v) || (!fits && !m->graph->inputs[i]->fallback)) return TN_OK;
    }
    for (int i = 0; i < m->graph->n_inputs && st == TN_OK; i++)
        if (given[i].kind == TN_KIND_TENSOR) st = give_input(&k, i, &given[i], out);
    return st;
}

void tn_random_ranges_free(tn_random_ranges *r) {
    for (size_t i = 0; i < r->n; i++) free(r->names[i]);
    *r = (tn_random_ranges){ 0 };
}
