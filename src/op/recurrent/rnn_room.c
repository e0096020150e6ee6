/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* rnn_room.c - the products of a recurrent layer and the memory that a run of it asks for, one truth for both. */
#include "kernel/kernel.h"
#include "op/core/support.h"
#include "op/recurrent/rnn.h"

tn_gemm_args tn_rnn_projection(const tn_rnn_state *s, int dir, const tn_rnn_sizes *z, const float *x, const float *w,
                               float *y) {
    tn_gemm_args g = tn_gemm_dense(z->seq * z->batch, s->gates * z->hidden, z->in, x, w, y);
    g.trans_b = true, g.ldb = z->in, g.b_packed = s->w[dir];
    return g;
}

tn_gemm_args tn_rnn_recurrence(int64_t batch, int64_t n, int64_t hidden, const float *h, const float *packed,
                               const float *r, float *y, int64_t ldy) {
    tn_gemm_args g = tn_gemm_dense(batch, n, hidden, h, r, y);
    g.b_packed = packed, g.trans_b = true, g.ldb = hidden;
    g.ldc = g.ldd = ldy, g.d = y;
    return g;
}

size_t tn_rnn_product_bytes(const tn_rnn_state *s, int dir, const tn_rnn_sizes *z, int threads) {
    const tn_gemm_kernels *kn = &tn_kernels_get()->gemm;
    int64_t n = z->hidden, rows = s->gates * n;
    float y; /* never read */
    const tn_gemm_args all[] = { tn_rnn_projection(s, dir, z, NULL, NULL, NULL),
                                 tn_rnn_recurrence(z->batch, s->gates == TN_GRU ? 2 * n : rows, n, NULL, s->r[dir],
                                                   NULL, &y, rows),
                                 tn_rnn_recurrence(z->batch, n, n, NULL, s->r2[dir], NULL, &y, rows) };
    size_t most = 0;
    for (int i = 0; i < (s->gates == TN_GRU ? 3 : 2); i++) {
        size_t bytes = tn_gemm_scratch(kn, &all[i], threads);
        if (bytes > most) most = bytes;
    }
    return most;
}

bool tn_rnn_part_floats(const tn_rnn_state *s, const tn_rnn_sizes *z, int64_t *n) {
    int64_t rows, steps, each;
    if (__builtin_mul_overflow(z->hidden, s->gates, &rows) || __builtin_add_overflow(rows, 3 * z->hidden, &each) ||
        __builtin_mul_overflow(z->seq, z->batch, &steps) || __builtin_mul_overflow(steps, rows, &n[TN_RNN_PROJECTED]) ||
        __builtin_mul_overflow(z->batch, each, &n[TN_RNN_WORK]))
        return false;
    n[TN_RNN_BIASES] = rows;
    for (int i = 0; i < TN_RNN_PARTS; i++)
        if (n[i] > PTRDIFF_MAX / 8 - TN_RNN_SPARE) return false;
    return true;
}

tn_rnn_sizes tn_rnn_sizes_of(const tn_rnn_state *s, const int64_t *x, const int64_t *r) {
    return (tn_rnn_sizes){ .seq = x[s->batch_first], .batch = x[!s->batch_first], .in = x[2], .hidden = r[2] };
}

static size_t float32_room(const tn_infer *t, const tn_rnn_state *s, const tn_rnn_sizes *z, int threads) {
    int64_t n[TN_RNN_PARTS];
    size_t room = 0;
    if (!tn_rnn_part_floats(s, z, n)) return 0; /* the run says so */
    for (int d = 0; d < s->dirs; d++) {
        for (int i = 0; i < TN_RNN_PARTS; i++) room += tn_room((size_t)(n[i] + TN_RNN_SPARE) * sizeof(float));
        room += tn_room((size_t)z->batch + 1) + tn_room(tn_rnn_product_bytes(s, d, z, threads));
    }
    if (tn_infer_dtype(t, 0) == TN_F32) return room;
    for (int i = 0; i < t->n_in; i++) /* float32 copies of what it reads and makes */
        if (i != 4 && tn_infer_has(t, i))
            room += tn_room((size_t)tn_dims_count(t->in[i]->rank, t->in[i]->dims) * sizeof(float) + 1);
    for (int i = 0; i < t->n_out; i++)
        room += tn_room((size_t)tn_dims_count(t->out[i].rank, t->out[i].dims) * sizeof(float) + 1);
    return room;
}

size_t tn_rnn_room(const tn_prep *p, const tn_rnn_state *s) {
    const tn_infer *t = &p->types;
    for (int i = 0; i < t->n_in; i++)
        if (tn_infer_has(t, i) && !tn_type_static(t->in[i])) return 0;
    for (int i = 0; i < t->n_out; i++)
        if (!tn_type_static(&t->out[i])) return 0;
    tn_rnn_sizes z = tn_rnn_sizes_of(s, t->in[0]->dims, t->in[2]->dims);
    size_t lengths = tn_infer_has(t, 4) ? tn_room((size_t)(z.batch ? z.batch : 1) * sizeof(int64_t)) : 0;
    return lengths + (tn_infer_dtype(t, 0) == TN_F64 ? tn_room(tn_rnn_f64_bytes(s, z.hidden))
                                                     : float32_room(t, s, &z, tn_pool_threads(p->pool)));
}
