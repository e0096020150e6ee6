/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* constants.c - which constants belong to which graph: they are on no list of it, and whoever prints or writes all
 * graphs of a model would look at all values for each. */
#include "base/sort.h"
#include "graph/graph.h"

static int by_graph(const void *a, const void *b) {
    const tn_value *x = *(tn_value *const *)a, *y = *(tn_value *const *)b;
    if (x->graph != y->graph) return (uintptr_t)x->graph < (uintptr_t)y->graph ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

tn_status tn_constants_of(const struct tn_model *m, tn_constants *out) {
    *out = (tn_constants){ 0 };
    size_t room = 1;
    tn_value_each(m, v) room += v->constant || v->fallback;
    if (!(out->v = tn_mem_alloc(room * sizeof *out->v, TN_MEM_GRAPH)))
        return tn_fail(TN_E_NOMEM, "a list of constants");
    tn_value_each(m, v) if (v->constant || v->fallback) out->v[out->n++] = v;
    tn_sort(out->v, out->n, sizeof *out->v, by_graph);
    return TN_OK;
}

tn_value *const *tn_constants_in(const tn_constants *c, const tn_graph *g, size_t *n) {
    size_t low = 0, high = c->n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if ((uintptr_t)c->v[mid]->graph < (uintptr_t)g)
            low = mid + 1;
        else
            high = mid;
    }
    for (*n = 0; low + *n < c->n && c->v[low + *n]->graph == g;) ++*n;
    return c->v + low;
}

void tn_constants_free(tn_constants *c) {
    tn_mem_free(c->v);
    *c = (tn_constants){ 0 };
}
