/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* rnn_f64.c - RNN, GRU, LSTM in float64: the definitions, row by row of the batch, for where precision is wanted. */
#include "base/budget.h"
#include "kernel/broadcast.h"
#include "op/core/support.h"
#include "op/recurrent/rnn.h"
#include <string.h>

/* One row of one direction. */
typedef struct {
    const tn_rnn_state *s;
    int dir;
    int64_t n, in;
    const double *w, *r, *wb, *rb, *p; /* of this direction; wb, rb, p may be NULL */
    double *h, *c, *gates, *room;      /* [n], [n], [gates n], [n] */
} row;

static tn_status activate(const row *k, int which, double *x, bool clipped) {
    const tn_rnn_act *a = &k->s->act[k->dir][which];
    double clip = (double)k->s->clip;
    for (int64_t i = 0; i < k->n; i++) {
        if (clipped && clip > 0) x[i] = x[i] < -clip ? -clip : x[i] > clip ? clip : x[i];
        x[i] *= (double)a->scale_in;
    }
    TN_TRY(tn_unary_run(a->fn, TN_F64, x, x, k->n, (double)a->a, (double)a->b, NULL));
    for (int64_t i = 0; i < k->n; i++) x[i] *= (double)a->scale;
    return TN_OK;
}

/* Gate g without the recurrence: W x + its biases. */
static void project(const row *k, int g, const double *x, bool with_rb) {
    for (int64_t i = g * k->n; i < (g + 1) * k->n; i++) {
        double v = (k->wb ? k->wb[i] : 0) + (k->rb && with_rb ? k->rb[i] : 0);
        for (int64_t j = 0; j < k->in; j++) v += k->w[i * k->in + j] * x[j];
        k->gates[i] = v;
    }
}

static double recurrence(const row *k, int g, int64_t i, const double *h) {
    double v = 0;
    for (int64_t j = 0; j < k->n; j++) v += k->r[(g * k->n + i) * k->n + j] * h[j];
    return v;
}

static void recur(const row *k, int g) {
    for (int64_t i = 0; i < k->n; i++) k->gates[g * k->n + i] += recurrence(k, g, i, k->h);
}

static tn_status step_rnn(const row *k, const double *x) {
    project(k, 0, x, true);
    recur(k, 0);
    TN_TRY(activate(k, 0, k->gates, true));
    memcpy(k->h, k->gates, (size_t)k->n * sizeof(double));
    return TN_OK;
}

static tn_status step_gru(const row *k, const double *x) {
    double *z = k->gates, *r = z + k->n, *g = r + k->n;
    bool before = k->s->linear_before_reset;
    for (int i = 0; i < 3; i++) project(k, i, x, i < 2 || !before);
    for (int i = 0; i < 2; i++) {
        recur(k, i);
        TN_TRY(activate(k, 0, k->gates + i * k->n, true));
    }
    for (int64_t i = 0; i < k->n; i++) k->room[i] = r[i] * k->h[i];
    for (int64_t i = 0; i < k->n; i++)
        g[i] += before ? r[i] * (recurrence(k, 2, i, k->h) + (k->rb ? k->rb[2 * k->n + i] : 0))
                       : recurrence(k, 2, i, k->room);
    TN_TRY(activate(k, 1, g, true));
    for (int64_t i = 0; i < k->n; i++) k->h[i] = (1 - z[i]) * g[i] + z[i] * k->h[i];
    return TN_OK;
}

static tn_status step_lstm(const row *k, const double *x) {
    int64_t n = k->n;
    double *i_ = k->gates, *o = i_ + n, *f = o + n, *g = f + n;
    for (int gate = 0; gate < 4; gate++) project(k, gate, x, true), recur(k, gate);
    for (int64_t i = 0; k->p && i < n; i++) i_[i] += k->p[i] * k->c[i], f[i] += k->p[2 * n + i] * k->c[i];
    TN_TRY(activate(k, 0, i_, true));
    if (!k->s->input_forget) TN_TRY(activate(k, 0, f, true));
    TN_TRY(activate(k, 1, g, true));
    for (int64_t i = 0; i < n; i++) {
        if (k->s->input_forget) f[i] = 1 - i_[i];
        k->room[i] = k->c[i] = f[i] * k->c[i] + i_[i] * g[i];
        if (k->p) o[i] += k->p[n + i] * k->c[i];
    }
    TN_TRY(activate(k, 0, o, true));
    TN_TRY(activate(k, 2, k->room, false));
    for (int64_t i = 0; i < n; i++) k->h[i] = o[i] * k->room[i];
    return TN_OK;
}

static const double *data_at(const tn_run *r, int i, int64_t offset) {
    const tn_tensor *t = tn_in(r, i);
    return t ? (const double *)t->data + offset : NULL;
}

static double *out_at(const tn_run *r, int i) { return tn_out(r, i) ? tn_out(r, i)->data : NULL; }

size_t tn_rnn_f64_bytes(const tn_rnn_state *s, int64_t hidden) {
    return (size_t)((s->gates + 3) * hidden + 8) * sizeof(double);
}

tn_status tn_rnn_run_f64(tn_run *r, const tn_rnn_state *s, const int64_t *len) {
    const tn_tensor *x = tn_in(r, 0);
    int64_t T = x->dims[s->batch_first], B = x->dims[!s->batch_first], in = x->dims[2], n = tn_in(r, 2)->dims[2];
    int64_t rows = s->gates * n;
    double *work = tn_run_scratch(r, tn_rnn_f64_bytes(s, n));
    if (!work) return tn_op_fail(r->node, TN_E_NOMEM, "no memory for the gates");
    for (int64_t i = 0; i < s->dirs * B; i++) {
        int d = (int)(i / B);
        int64_t b = i % B, steps = len ? len[b] : T, at = (s->batch_first ? b * s->dirs + d : d * B + b) * n;
        const double *bias = data_at(r, 3, d * 2 * rows), *h0 = data_at(r, 5, at), *c0 = data_at(r, 6, at);
        row k = { .s = s, .dir = d, .n = n, .in = in, .wb = bias, .rb = bias ? bias + rows : NULL };
        k.w = data_at(r, 1, d * rows * in), k.r = data_at(r, 2, d * rows * n), k.p = data_at(r, 7, d * 3 * n);
        k.gates = work, k.h = work + rows, k.c = k.h + n, k.room = k.c + n;
        for (int64_t e = 0; e < n; e++) k.h[e] = h0 ? h0[e] : 0, k.c[e] = c0 ? c0[e] : 0;
        for (int64_t step = 0; step < T; step++) {
            bool active = step < steps;
            if (tn_budget_stopped()) return tn_op_stopped(r);
            int64_t t = active && (s->reverse_first || d == 1) ? steps - 1 - step : step;
            const double *xt = data_at(r, 0, (s->batch_first ? b * T + t : t * B + b) * in);
            double *y = out_at(r, 0);
            if (active) TN_TRY((s->gates == TN_LSTM ? step_lstm : s->gates == TN_GRU ? step_gru : step_rnn)(&k, xt));
            if (!y) continue;
            y += (s->batch_first ? (b * T + t) * s->dirs + d : (t * s->dirs + d) * B + b) * n;
            for (int64_t e = 0; e < n; e++) y[e] = active ? k.h[e] : 0;
        }
        if (out_at(r, 1)) memcpy(out_at(r, 1) + at, k.h, (size_t)n * sizeof(double));
        if (out_at(r, 2)) memcpy(out_at(r, 2) + at, k.c, (size_t)n * sizeof(double));
    }
    return TN_OK;
}
