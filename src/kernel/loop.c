/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* loop.c - collapsing and walking nested strided loops. */
#include "kernel/loop.h"
#include <string.h>

static bool walks_as_one(const tn_loop *l, int outer, int n, const int64_t *const *strides, int d, int64_t size) {
    for (int i = 0; i < n; i++)
        if (l->stride[i][outer] != strides[i][d] * size) return false;
    return true;
}

void tn_loop_init(tn_loop *l, int rank, const int64_t *dims, int n, const int64_t *const *strides) {
    l->rank = 0;
    l->n = n;
    l->total = 1;
    for (int d = 0; d < rank; d++) {
        l->total *= dims[d];
        if (dims[d] == 1) continue;
        int k = l->rank;
        if (k && walks_as_one(l, k - 1, n, strides, d, dims[d]))
            l->dims[--k] *= dims[d];
        else
            l->dims[k] = dims[d];
        for (int i = 0; i < n; i++) l->stride[i][k] = strides[i][d];
        l->rank = k + 1;
    }
    if (l->rank) return;
    l->rank = 1;
    l->dims[0] = 1;
    for (int i = 0; i < n; i++) l->stride[i][0] = 0;
}

void tn_broadcast_strides(int rank, const int64_t *dims, int r, const int64_t *d, int64_t *strides) {
    int64_t step = 1;
    for (int i = rank - 1, j = r - 1; i >= 0; i--, j--) {
        int64_t size = j < 0 ? 1 : d[j];
        strides[i] = size == 1 && dims[i] != 1 ? 0 : j < 0 ? 0 : step;
        step *= size;
    }
}

void tn_walk_start(tn_walk *w, const tn_loop *l, int inner, int64_t row) {
    w->l = l;
    w->rank = l->rank - inner;
    memset(w->offset, 0, sizeof w->offset);
    for (int d = w->rank - 1; d >= 0; d--) {
        w->at[d] = row % l->dims[d];
        row /= l->dims[d];
        for (int i = 0; i < l->n; i++) w->offset[i] += w->at[d] * l->stride[i][d];
    }
}

void tn_walk_next(tn_walk *w) {
    const tn_loop *l = w->l;
    for (int d = w->rank - 1; d >= 0; d--) {
        bool more = ++w->at[d] < l->dims[d];
        for (int i = 0; i < l->n; i++) w->offset[i] += more ? l->stride[i][d] : -(l->dims[d] - 1) * l->stride[i][d];
        if (more) return;
        w->at[d] = 0;
    }
}
