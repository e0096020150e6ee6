/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* conv_columns.c - convolution of plain tensors of any rank as matrix products: for a piece of the output positions,
 * the inputs of every position become a column, and y [oc, positions] = w [oc, ic * taps] x columns.
 *
 * Packed: [bias, padded to 16][per group: w as tn_gemm packs its left operand]. */
#include "base/budget.h"
#include "base/mem.h"
#include "kernel/conv_parts.h"
#include "kernel/kernel.h"
#include <string.h>

enum { PIECE_BYTES = 1 << 20, PIECE_MIN = 64, FLOATS_MAX = 1 << 30 };

typedef struct {
    const tn_conv_desc *d;
    const float *x; /* of the group at hand */
    float *columns;
    int64_t in, out, taps, ic, oc; /* pixels; channels of a group */
    int64_t piece, first, n;       /* positions of a piece; of this one */
    size_t bias_floats, packed_floats, columns_floats;
} plan;

static tn_gemm_args product(const plan *p, int64_t n) {
    tn_gemm_args g = tn_gemm_dense(p->oc, n, p->ic * p->taps, NULL, p->columns, NULL);
    g.ldc = g.ldd = p->out;
    return g;
}

static bool make_plan(plan *p, const tn_kernels *k, const tn_conv_desc *d) {
    *p = (plan){ .d = d, .in = 1, .out = 1, .taps = 1, .ic = d->ic / d->group, .oc = d->oc / d->group };
    if (d->transposed || d->x_layout != TN_LAYOUT_PLAIN || d->y_layout != TN_LAYOUT_PLAIN) return false;
    double taps = 1;
    for (int i = 0; i < d->rank; i++) {
        p->in *= d->in[i], p->out *= d->out[i];
        taps *= (double)d->kernel[i];
    }
    if (p->in < 1 || p->out < 1 || taps * (double)p->ic * PIECE_MIN > FLOATS_MAX) return false;
    for (int i = 0; i < d->rank; i++) p->taps *= d->kernel[i];
    int64_t rows = p->ic * p->taps;
    p->piece = tn_min64(p->out, tn_max64(PIECE_MIN, PIECE_BYTES / 4 / rows));
    p->columns_floats = tn_align_up((size_t)(rows * p->piece), 16);
    p->bias_floats = tn_align_up((size_t)d->oc, 16);
    p->packed_floats = tn_align_up(tn_gemm_pack_a_bytes(&k->gemm, p->oc, rows), 64) / sizeof(float);
    return true;
}

/* One row of the columns: channel c and tap t of every position of the piece. */
static void fill_row(const plan *p, int64_t c, int64_t t, float *to) {
    const tn_conv_desc *d = p->d;
    int last = d->rank - 1;
    int64_t at[TN_CONV_RANK], tap[TN_CONV_RANK], rest = p->first;
    for (int i = last; i >= 0; i--) {
        tap[i] = t % d->kernel[i] * d->dilation[i] - d->pad[i], t /= d->kernel[i];
        at[i] = rest % d->out[i], rest /= d->out[i];
    }
    for (int64_t done = 0; done < p->n;) { /* runs along the last dimension */
        int64_t run = tn_min64(d->out[last] - at[last], p->n - done), offset = 0;
        bool inside = true;
        for (int i = 0; i < last; i++) {
            int64_t y = at[i] * d->stride[i] + tap[i];
            inside &= y >= 0 && y < d->in[i];
            offset = offset * d->in[i] + y;
        }
        const float *x = p->x + c * p->in + offset * d->in[last];
        for (int64_t i = 0; i < run; i++) {
            int64_t from = (at[last] + i) * d->stride[last] + tap[last];
            to[done + i] = inside && from >= 0 && from < d->in[last] ? x[from] : 0;
        }
        done += run;
        at[last] += run;
        for (int i = last; i >= 0 && at[i] == d->out[i]; i--) {
            at[i] = 0;
            if (i) at[i - 1]++;
        }
    }
}

static void fill_rows(void *arg, int64_t begin, int64_t end, int thread) {
    const plan *p = arg;
    for (int64_t r = begin; r < end; r++) fill_row(p, r / p->taps, r % p->taps, p->columns + r * p->n);
}

static bool fits(const tn_kernels *k, const tn_conv_desc *d) {
    plan p;
    return make_plan(&p, k, d);
}

static size_t packed_bytes(const tn_kernels *k, const tn_conv_desc *d) {
    plan p;
    if (!make_plan(&p, k, d)) return 0;
    return (p.bias_floats + p.packed_floats * (size_t)d->group) * sizeof(float);
}

static size_t scratch_bytes(const tn_kernels *k, const tn_conv_desc *d, int threads) {
    plan p;
    if (!make_plan(&p, k, d)) return 0;
    float any = 0;
    tn_gemm_args g = product(&p, p.piece);
    g.a_packed = &any;
    size_t whole = tn_gemm_scratch(&k->gemm, &g, threads);
    g.n = p.out % p.piece ? p.out % p.piece : p.piece; /* the last piece may be blocked another way */
    size_t rest = tn_gemm_scratch(&k->gemm, &g, threads);
    return p.columns_floats * sizeof(float) + (whole > rest ? whole : rest);
}

static void pack(const tn_kernels *k, const tn_conv_desc *d, const float *w, const float *bias, float *packed) {
    plan p;
    if (!make_plan(&p, k, d)) return;
    memset(packed, 0, p.bias_floats * sizeof(float));
    if (bias) memcpy(packed, bias, (size_t)d->oc * sizeof(float));
    int64_t rows = p.ic * p.taps;
    tn_ticks ticks = { 0 };
    for (int64_t g = 0; g < d->group && !tn_ticks_stopped(&ticks, 2 * p.packed_floats); g++)
        tn_gemm_pack_a(&k->gemm, false, p.oc, rows, w + g * p.oc * rows, rows,
                       packed + p.bias_floats + (size_t)g * p.packed_floats, NULL);
}

static void run(const tn_kernels *k, const tn_conv_desc *d, const tn_conv_io *io, tn_pool *pool) {
    plan p;
    if (!make_plan(&p, k, d)) return;
    p.columns = io->scratch;
    for (int64_t i = 0; i < d->n * d->group; i++) {
        int64_t group = i % d->group, y = i * p.oc * p.out;
        p.x = io->x + i * p.ic * p.in;
        for (p.first = 0; p.first < p.out && !tn_budget_stopped(); p.first += p.piece) {
            p.n = tn_min64(p.piece, p.out - p.first);
            tn_parallel(pool, p.ic * p.taps, 1 + 4096 / p.n, fill_rows, &p);
            tn_gemm_args g = product(&p, p.n);
            g.a_packed = io->w + p.bias_floats + (size_t)group * p.packed_floats;
            g.bias_m = io->w + group * p.oc;
            g.c = io->y + y + p.first;
            g.d = io->residual ? io->residual + y + p.first : NULL;
            g.act = d->act;
            tn_gemm(&k->gemm, &g, p.columns + p.columns_floats, pool); /* fails only for lack of scratch */
        }
    }
}

const tn_conv_algo tn_conv_algo_columns = { "columns", fits, packed_bytes, scratch_bytes, pack, run };
