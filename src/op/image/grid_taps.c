/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* grid_taps.c - which elements, with which weights, make what a grid reads from an image; and those weights'
 * derivatives with respect to the grid. */
#include "op/core/support.h"
#include "op/image/grid.h"
#include <math.h>
#include <string.h>

/* A place outside 0 .. len-1 as the padding sees it, or -1 for a zero. */
static int64_t pad_index(int64_t i, int64_t len, tn_grid_padding p, bool corners) {
    if (i >= 0 && i < len) return i;
    if (p == TN_GRID_ZEROS) return -1;
    if (p == TN_GRID_BORDER) return i < 0 ? 0 : len - 1;
    int64_t period = corners ? 2 * (len - 1) : 2 * len; /* mirrored at the pixels' centres, or at their outer edges */
    if (period == 0) return 0;
    int64_t k = i % period;
    if (k < 0) k += period;
    return k < len ? k : corners ? period - k : period - 1 - k;
}

/* Weights of the `n` taps around a coordinate with fraction t. */
static void tap_weights(int n, double t, double *w) {
    const double a = -0.75; /* the constant of the cubic (Keys, IEEE TASSP 29(6), 1981) */
    if (n == 1) w[0] = 1;
    if (n == 2) w[0] = 1 - t, w[1] = t;
    if (n < 4) return;
    double d[4] = { 1 + t, t, 1 - t, 2 - t };
    w[0] = ((a * d[0] - 5 * a) * d[0] + 8 * a) * d[0] - 4 * a;
    w[1] = ((a + 2) * d[1] - (a + 3)) * d[1] * d[1] + 1;
    w[2] = ((a + 2) * d[2] - (a + 3)) * d[2] * d[2] + 1;
    w[3] = ((a * d[3] - 5 * a) * d[3] + 8 * a) * d[3] - 4 * a;
}

/* The derivatives of those weights with respect to t: the first. */
static void tap_slopes(int n, double t, double *w) {
    const double a = -0.75;
    if (n == 1) w[0] = 0;
    if (n == 2) w[0] = -1, w[1] = 1;
    if (n < 4) return;
    double d[4] = { 1 + t, t, 1 - t, 2 - t };
    w[0] = (3 * a * d[0] - 10 * a) * d[0] + 8 * a;
    w[1] = (3 * (a + 2) * d[1] - 2 * (a + 3)) * d[1];
    w[2] = -(3 * (a + 2) * d[2] - 2 * (a + 3)) * d[2];
    w[3] = -((3 * a * d[3] - 10 * a) * d[3] + 8 * a);
}

/* The second. */
static void tap_bends(int n, double t, double *w) {
    const double a = -0.75;
    memset(w, 0, (size_t)n * sizeof *w);
    if (n < 4) return;
    w[0] = 6 * a * (1 + t) - 10 * a;
    w[1] = 6 * (a + 2) * t - 2 * (a + 3);
    w[2] = 6 * (a + 2) * (1 - t) - 2 * (a + 3);
    w[3] = 6 * a * (2 - t) - 10 * a;
}

/* The third; behind it, all are zero. */
static void tap_thirds(int n, double t, double *w) {
    const double a = -0.75;
    (void)t;
    memset(w, 0, (size_t)n * sizeof *w);
    if (n == 4) w[0] = 6 * a, w[1] = 6 * (a + 2), w[2] = -6 * (a + 2), w[3] = -6 * a;
}

static void tap_none(int n, double t, double *w) {
    (void)t;
    memset(w, 0, (size_t)n * sizeof *w);
}

static void (*const tap_orders[])(int n, double t, double *w) = { tap_weights, tap_slopes, tap_bends, tap_thirds,
                                                                  tap_none };

tn_status tn_sampling_read(tn_run *r, const tn_tensor *x, const tn_tensor *grid, tn_sampling *s) {
    enum { MOST = 1 << 20 };
    const tn_node *n = r->node;
    static const int taps[] = { [TN_GRID_LINEAR] = 2, [TN_GRID_NEAREST] = 1, [TN_GRID_CUBIC] = 4 };
    const tn_grid_attrs *a = r->attrs;
    *s = (tn_sampling){ .rank = x->rank - 2,
                        .per_axis = taps[a->mode],
                        .in = tn_op_product(x->dims, 2, x->rank),
                        .out = tn_op_product(grid->dims, 1, grid->rank - 1),
                        .channels = x->dims[1],
                        .corners = a->align_corners,
                        .padding = (tn_grid_padding)a->padding_mode };
    if (grid->dims[s->rank + 1] != s->rank || grid->dims[0] != x->dims[0])
        return tn_op_fail(n, TN_E_SHAPE, "grid must be [N, ..., %d] with X's N", s->rank);
    s->most = 1;
    for (int d = 0; d < s->rank && s->most <= MOST; d++) s->most *= s->per_axis;
    if (s->most <= TN_TAPS) return TN_OK;
    if (s->most > MOST) return tn_op_fail(n, TN_E_LIMIT, "more than %d elements make one of the result", (int)MOST);
    s->room = tn_run_scratch(r, (size_t)(s->most * tn_pool_threads(r->pool)) * 2 * (sizeof(int64_t) + sizeof(double)));
    return s->room ? TN_OK : tn_op_fail(n, TN_E_NOMEM, "no memory for its taps");
}

void tn_sampling_taps(const tn_sampling *s, const tn_tensor *in, const tn_tensor *grid, int64_t i,
                      const int64_t *orders, int thread, tn_taps *t) {
    const int64_t *len = in->dims + 2;
    int64_t *at[2] = { t->own_at[0], t->own_at[1] };
    double *weight[2] = { t->own_weight[0], t->own_weight[1] };
    for (int k = 0; k < 2 && s->room; k++) {
        char *room = s->room + (size_t)(2 * thread + k) * (size_t)s->most * (sizeof(int64_t) + sizeof(double));
        at[k] = (int64_t *)(void *)room, weight[k] = (double *)(void *)(room + (size_t)s->most * sizeof(int64_t));
    }
    t->n = 1, at[0][0] = 0, weight[0][0] = 1;
    for (int d = 0; d < s->rank; d++) {
        int axis = s->rank - 1 - d, from = d % 2, to = !from; /* a grid names the last dimension first */
        double x = tn_sampling_number(grid, i * s->rank + axis), w[4];
        int64_t order = orders ? orders[axis] : 0, n = t->n;
        x = s->corners ? (x + 1) / 2 * (double)(len[d] - 1) : ((x + 1) * (double)len[d] - 1) / 2;
        x = x == x ? fmin(fmax(x, -1e9), 1e9) : -1e9;
        double base = s->per_axis == 1 ? nearbyint(x) : floor(x);
        double unit = s->corners ? (double)(len[d] - 1) / 2 : (double)len[d] / 2;
        tap_orders[order < 4 ? order : 4](s->per_axis, x - base, w);
        for (int64_t k = 0; k < order && k < 4; k++)
            for (int j = 0; j < s->per_axis; j++) w[j] *= unit;
        t->n = 0;
        for (int64_t a = 0; a < n; a++)
            for (int j = 0; j < s->per_axis; j++) {
                int64_t k = pad_index((int64_t)base + j - (s->per_axis == 4), len[d], s->padding, s->corners);
                if (k < 0) continue;
                at[to][t->n] = at[from][a] * len[d] + k, weight[to][t->n++] = weight[from][a] * w[j];
            }
    }
    t->at = at[s->rank % 2], t->weight = weight[s->rank % 2];
}

double tn_sampling_tapped(const tn_sampling *s, const tn_tensor *x, int64_t plane, const tn_taps *t) {
    double sum = 0;
    for (int64_t k = 0; k < t->n; k++) sum += t->weight[k] * tn_sampling_number(x, plane * s->in + t->at[k]);
    return sum;
}
