/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* rnn.c - RNN, GRU, LSTM: one driver walks directions and steps, three small cells do the arithmetic of a step.
 *
 * The input's share of all gates, X W^T + bias, is one matrix product for the whole sequence; only H R^T runs step by
 * step. Weights are packed once when they are constants. Rows of a batch may have lengths of their own (sequence_lens):
 * a row that has ended keeps its state and writes zeros. 16-bit floats run through float32; float64 has cells of
 * its own (rnn_f64.c).
 *
 * Gate order (ONNX): LSTM i o f c, GRU z r h. */
#include "op/recurrent/rnn.h"
#include "base/budget.h"
#include "base/text.h"
#include "kernel/kernel.h"
#include "op/core/ports.h"
#include "op/core/support.h"
#include "op/recurrent/grads.h"
#include <stdio.h>
#include <string.h>

enum { RNN = TN_RNN, GRU = TN_GRU, LSTM = TN_LSTM };
typedef tn_rnn_act gate_act;
typedef tn_rnn_state rnn_state;

/* ----------------------------------------------------------------------------------------------------- attributes */

static const struct {
    const char *name;
    tn_unary fn;
    bool has_a, has_b;
    float a, b;
} act_table[] = {
    { "Sigmoid", TN_U_SIGMOID },
    { "Tanh", TN_U_TANH },
    { "Relu", TN_U_RELU },
    { "Affine", TN_U_AFFINE, true, true, 1, 0 },
    { "LeakyRelu", TN_U_LEAKY_RELU, true, false, 0.01f, 0 },
    { "ThresholdedRelu", TN_U_THRESHOLDED_RELU, true, false, 1, 0 },
    { "ScaledTanh", TN_U_TANH, true, true, 1, 1 },
    { "HardSigmoid", TN_U_HARDSIGMOID, true, true, 0.2f, 0.5f },
    { "Elu", TN_U_ELU, true, false, 1, 0 },
    { "Softsign", TN_U_SOFTSIGN },
    { "Softplus", TN_U_SOFTPLUS },
};

typedef struct {
    tn_floats activation_alpha, activation_beta;
    tn_strings activations;
    float clip;
    int direction;
    int64_t layout;
    bool linear_before_reset, input_forget;
} recurrent;

enum { FORWARD, REVERSE, BIDIRECTIONAL };
#define DIRECTIONS "forward|reverse|bidirectional"

static int acts_per_direction(int gates) { return gates == LSTM ? 3 : gates == GRU ? 2 : 1; }

static tn_status read_activations(const tn_node *n, const recurrent *of, rnn_state *s) {
    static const char *const defaults[] = { "Sigmoid", "Tanh", "Tanh" };
    const tn_string *names = of->activations.v;
    int per = acts_per_direction(s->gates);
    size_t ia = 0, ib = 0;
    if (names && of->activations.n != (size_t)(per * s->dirs))
        return tn_op_fail(n, TN_E_INVALID, "attribute 'activations' has %zu names, %d are needed", of->activations.n,
                          per * s->dirs);
    for (int i = 0; i < per * s->dirs; i++) {
        const char *word = s->gates == RNN ? "Tanh" : defaults[i % per];
        size_t len = strlen(word), k = 0;
        if (names) word = names[i].ptr, len = names[i].len;
        while (k < TN_COUNT(act_table) && !tn_same_word_n(word, len, act_table[k].name)) k++;
        if (k == TN_COUNT(act_table))
            return tn_op_fail(n, TN_E_INVALID, "unknown activation '%.*s'", (int)(len < 60 ? len : 60), word);
        gate_act *a = &s->act[i / per][i % per];
        *a = (gate_act){ act_table[k].fn, act_table[k].a, act_table[k].b, 1, 1 };
        if (act_table[k].has_a && ia < of->activation_alpha.n) a->a = of->activation_alpha.v[ia++];
        if (act_table[k].has_b && ib < of->activation_beta.n) a->b = of->activation_beta.v[ib++];
        if (!strcmp(act_table[k].name, "ScaledTanh")) a->scale = a->a, a->scale_in = a->b;
    }
    return TN_OK;
}

static tn_status read_node(const tn_node *n, const recurrent *a, rnn_state *s) {
    memset(s, 0, sizeof *s);
    s->gates = n->op->arg;
    s->dirs = a->direction == BIDIRECTIONAL ? 2 : 1;
    s->reverse_first = a->direction == REVERSE;
    s->batch_first = a->layout == 1;
    s->linear_before_reset = a->linear_before_reset;
    s->input_forget = a->input_forget;
    s->clip = a->clip;
    return read_activations(n, a, s);
}

/* ------------------------------------------------------------------------------------------------------ inference */

static tn_status rnn_infer(tn_infer *c) {
    rnn_state s;
    tn_dtype t = tn_infer_dtype(c, 0);
    TN_TRY(read_node(c->node, c->attrs, &s));
    for (int i = 0; i < 3; i++)
        if (tn_infer_rank(c, i) >= 0 && tn_infer_rank(c, i) != 3)
            return tn_infer_fail(c, TN_E_SHAPE, "input %d has %d dimensions, 3 are needed", i, tn_infer_rank(c, i));
    tn_dim seq = TN_DIM_UNKNOWN, batch = TN_DIM_UNKNOWN, hidden = TN_DIM_UNKNOWN;
    if (tn_infer_rank(c, 0) == 3) seq = c->in[0]->dims[s.batch_first], batch = c->in[0]->dims[!s.batch_first];
    if (tn_infer_rank(c, 2) == 3) {
        const tn_dim *r = c->in[2]->dims;
        hidden = r[2];
        if (tn_dim_known(r[1]) && tn_dim_known(r[2]) && (r[1] % s.gates || r[1] / s.gates != r[2]))
            return tn_infer_fail(c, TN_E_SHAPE, "R has %lld rows, not %d gates of %lld", (long long)r[1], s.gates,
                                 (long long)r[2]);
        if (tn_dim_known(r[0]) && r[0] != s.dirs)
            return tn_infer_fail(c, TN_E_SHAPE, "R has %lld directions, the node %d", (long long)r[0], s.dirs);
        if (tn_infer_rank(c, 1) == 3 && tn_infer_rank(c, 0) == 3) {
            tn_dim in = c->in[0]->dims[2], win = c->in[1]->dims[2], rows = c->in[1]->dims[1], wd = c->in[1]->dims[0];
            if ((tn_dim_known(in) && tn_dim_known(win) && in != win) ||
                (tn_dim_known(rows) && tn_dim_known(r[1]) && rows != r[1]) || (tn_dim_known(wd) && wd != s.dirs))
                return tn_infer_fail(c, TN_E_SHAPE, "W does not fit X and R");
        }
    }
    tn_dim dirs = s.dirs;
    if (c->n_out > 0)
        tn_infer_out(c, 0, t, 4,
                     s.batch_first ? (tn_dim[]){ batch, seq, dirs, hidden } : (tn_dim[]){ seq, dirs, batch, hidden });
    for (int i = 1; i < c->n_out; i++)
        tn_infer_out(c, i, t, 3, s.batch_first ? (tn_dim[]){ batch, dirs, hidden } : (tn_dim[]){ dirs, batch, hidden });
    return TN_OK;
}

static tn_status rnn_cost(const tn_infer *c, tn_cost *out) {
    const tn_dim *x = c->in[0]->dims, *w = c->in[1]->dims, *r = c->in[2]->dims;
    out->flops = 2.0 * (double)x[0] * (double)x[1] * (double)w[0] * (double)w[1] * (double)(w[2] + r[2]);
    return TN_OK;
}

/* -------------------------------------------------------------------------------------------------------- prepare */

typedef struct {
    const float *w; /* [n, k]: multiplied as its transpose */
    int64_t n, k;
} pack_job;

static tn_status pack_t(void *dst, const void *user) {
    const pack_job *j = user;
    tn_gemm_pack_b(&tn_kernels_get()->gemm, true, j->k, j->n, j->w, j->k, dst, NULL);
    return TN_OK;
}

static tn_status pack_part(tn_prep *p, int input, int dir, const char *part, const float *w, int64_t n, int64_t k,
                           const float **out) {
    char key[48];
    const void *packed;
    pack_job j = { w, n, k };
    snprintf(key, sizeof key, "rnn %s %d", part, dir);
    TN_TRY(tn_prep_pack(p, 1u << input, key, tn_gemm_pack_b_bytes(&tn_kernels_get()->gemm, k, n), pack_t, &j, &packed));
    *out = packed;
    return TN_OK;
}

static tn_status pack_weights(tn_prep *p, rnn_state *s) {
    const tn_tensor *w = p->types.in_tensor[1], *r = p->types.in_tensor[2];
    if (!w || !r || w->dtype != TN_F32) return TN_OK;
    int64_t rows = w->dims[1], in = w->dims[2], h = r->dims[2], zr = s->gates == GRU ? 2 * h : rows;
    for (int d = 0; d < s->dirs; d++) {
        const float *wd = (const float *)w->data + d * rows * in, *rd = (const float *)r->data + d * rows * h;
        TN_TRY(pack_part(p, 1, d, "w", wd, rows, in, &s->w[d]));
        TN_TRY(pack_part(p, 2, d, "r", rd, zr, h, &s->r[d]));
        if (s->gates == GRU) TN_TRY(pack_part(p, 2, d, "h", rd + zr * h, h, h, &s->r2[d]));
    }
    p->consumed |= 1u << 1 | 1u << 2;
    return TN_OK;
}

static tn_status rnn_prepare(tn_prep *p) {
    rnn_state *s = tn_arena_new_of(p->arena, rnn_state);
    if (!s) return tn_op_fail(p->types.node, TN_E_NOMEM, "no memory to prepare");
    p->state = s;
    TN_TRY(read_node(p->types.node, p->types.attrs, s));
    TN_TRY(pack_weights(p, s));
    p->room = tn_rnn_room(p, s);
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------ the cells */

/* Everything of one direction of one run; rows are batch rows. All f32. */
typedef struct {
    const rnn_state *s;
    int dir;
    int64_t batch, hidden;
    const float *r, *r2;   /* R as [rows, hidden], used when not packed */
    const float *bias_r;   /* recurrence bias of GRU's candidate gate (linear_before_reset) */
    const float *peephole; /* [3 hidden]: i o f, or NULL */
    float *h, *c;          /* [batch, hidden] state */
    float *gates;          /* [batch, gates * hidden]: in X W^T + bias, out the step's gates */
    float *extra;          /* [batch, hidden] for GRU */
    const uint8_t *active; /* [batch] */
    void *scratch;         /* of products */
    tn_pool *pool;
} cell;

static void activate(const cell *k, int which, float *x, int64_t n) {
    const gate_act *a = &k->s->act[k->dir][which];
    const tn_vec_kernels *v = &tn_kernels_get()->vec;
    if (k->s->clip > 0) v->unary[TN_U_CLIP](x, x, (size_t)n, -k->s->clip, k->s->clip);
    if (a->scale_in != 1) v->unary[TN_U_AFFINE](x, x, (size_t)n, a->scale_in, 0);
    v->unary[a->fn](x, x, (size_t)n, a->a, a->b);
    if (a->scale != 1) v->unary[TN_U_AFFINE](x, x, (size_t)n, a->scale, 0);
}

/* y [batch, n at stride ldy] += h R^T */
static tn_status recur(const cell *k, const float *h, const float *packed, const float *r, int64_t n, float *y,
                       int64_t ldy) {
    tn_gemm_args g = tn_rnn_recurrence(k->batch, n, k->hidden, h, packed, r, y, ldy);
    return tn_gemm(&tn_kernels_get()->gemm, &g, k->scratch, k->pool);
}

static tn_status step_rnn(const cell *k) {
    int64_t n = k->hidden;
    TN_TRY(recur(k, k->h, k->s->r[k->dir], k->r, n, k->gates, n));
    activate(k, 0, k->gates, k->batch * n);
    for (int64_t b = 0; b < k->batch; b++)
        if (k->active[b]) memcpy(k->h + b * n, k->gates + b * n, (size_t)n * sizeof(float));
    return TN_OK;
}

static tn_status step_gru(const cell *k) {
    int64_t n = k->hidden, ld = 3 * n;
    TN_TRY(recur(k, k->h, k->s->r[k->dir], k->r, 2 * n, k->gates, ld));
    for (int64_t b = 0; b < k->batch; b++) activate(k, 0, k->gates + b * ld, 2 * n);
    for (int64_t b = 0; b < k->batch; b++) {
        const float *r = k->gates + b * ld + n, *h = k->h + b * n;
        float *x = k->extra + b * n;
        for (int64_t i = 0; i < n; i++) x[i] = k->s->linear_before_reset ? (k->bias_r ? k->bias_r[i] : 0) : r[i] * h[i];
    }
    if (k->s->linear_before_reset) { /* r (H R^T + bias) */
        TN_TRY(recur(k, k->h, k->s->r2[k->dir], k->r2, n, k->extra, n));
        for (int64_t b = 0; b < k->batch; b++)
            for (int64_t i = 0; i < n; i++)
                k->gates[b * ld + 2 * n + i] += k->gates[b * ld + n + i] * k->extra[b * n + i];
    } else { /* (r H) R^T: the product goes straight onto the gate */
        TN_TRY(recur(k, k->extra, k->s->r2[k->dir], k->r2, n, k->gates + 2 * n, ld));
    }
    for (int64_t b = 0; b < k->batch; b++) {
        float *z = k->gates + b * ld, *g = z + 2 * n, *h = k->h + b * n;
        activate(k, 1, g, n);
        if (!k->active[b]) continue;
        for (int64_t i = 0; i < n; i++) h[i] = (1 - z[i]) * g[i] + z[i] * h[i];
    }
    return TN_OK;
}

static tn_status step_lstm(const cell *k) {
    int64_t n = k->hidden, ld = 4 * n;
    TN_TRY(recur(k, k->h, k->s->r[k->dir], k->r, ld, k->gates, ld));
    for (int64_t b = 0; b < k->batch; b++) {
        float *gi = k->gates + b * ld, *go = gi + n, *gf = gi + 2 * n, *gc = gi + 3 * n, *c = k->c + b * n,
              *h = k->h + b * n;
        const float *p = k->peephole;
        if (!k->active[b]) continue;
        for (int64_t i = 0; p && i < n; i++) gi[i] += p[i] * c[i], gf[i] += p[2 * n + i] * c[i];
        activate(k, 0, gi, n);
        if (k->s->input_forget) {
            for (int64_t i = 0; i < n; i++) gf[i] = 1 - gi[i];
        } else {
            activate(k, 0, gf, n);
        }
        activate(k, 1, gc, n);
        for (int64_t i = 0; i < n; i++) c[i] = gf[i] * c[i] + gi[i] * gc[i];
        for (int64_t i = 0; p && i < n; i++) go[i] += p[n + i] * c[i];
        activate(k, 0, go, n);
        memcpy(gc, c, (size_t)n * sizeof(float));
        gate_act act = k->s->act[k->dir][2]; /* of the cell state: never clipped */
        const tn_vec_kernels *v = &tn_kernels_get()->vec;
        if (act.scale_in != 1) v->unary[TN_U_AFFINE](gc, gc, (size_t)n, act.scale_in, 0);
        v->unary[act.fn](gc, gc, (size_t)n, act.a, act.b);
        for (int64_t i = 0; i < n; i++) h[i] = go[i] * act.scale * gc[i];
    }
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------ the driver */

/* Input i as f32 (converted into scratch when it is another float type); NULL when omitted. */
static tn_status input_f32(tn_run *r, int i, const float **out) {
    const tn_tensor *t = tn_in(r, i);
    *out = t ? t->data : NULL;
    if (!t || t->dtype == TN_F32) return TN_OK;
    float *f = tn_run_scratch(r, (size_t)tn_count(t) * sizeof *f + 1);
    if (!f) return tn_op_fail(r->node, TN_E_NOMEM, "no memory to convert input %d", i);
    *out = f;
    return tn_convert(t->dtype, t->data, TN_F32, f, tn_count(t), true, TN_ROUND_NEAREST);
}

static tn_status check_count(const tn_run *r, int i, int64_t want) {
    const tn_tensor *t = tn_in(r, i);
    if (t && tn_count(t) != want)
        return tn_op_fail(r->node, TN_E_SHAPE, "input %d has %lld elements, %lld are needed", i, (long long)tn_count(t),
                          (long long)want);
    return TN_OK;
}

typedef struct {
    tn_rnn_sizes z;
    const float *x, *w, *r, *b, *h0, *c0, *p;
    const int64_t *len; /* per row, or NULL */
    float *y, *yh, *yc; /* wanted outputs as f32, or NULL */
} rnn_io;

/* One direction: project, walk, store. */
static tn_status run_direction(tn_run *r, const rnn_state *s, const rnn_io *io, int dir) {
    int64_t n = io->z.hidden, rows = s->gates * n, T = io->z.seq, B = io->z.batch, floats[TN_RNN_PARTS];
    bool reverse = s->reverse_first || dir == 1;
    if (!tn_rnn_part_floats(s, &io->z, floats)) return tn_op_fail(r->node, TN_E_NOMEM, "no memory for the gates");
    float *proj = tn_op_scratch(r, sizeof *proj, floats[TN_RNN_PROJECTED], 1, TN_RNN_SPARE);
    float *bias = tn_op_scratch(r, sizeof *bias, floats[TN_RNN_BIASES], 1, TN_RNN_SPARE);
    float *work = tn_op_scratch(r, sizeof *work, floats[TN_RNN_WORK], 1, TN_RNN_SPARE);
    uint8_t *active = tn_run_scratch(r, (size_t)B + 1);
    void *scratch = tn_run_scratch(r, tn_rnn_product_bytes(s, dir, &io->z, tn_pool_threads(r->pool)));
    if (!proj || !bias || !work || !active || !scratch)
        return tn_op_fail(r->node, TN_E_NOMEM, "no memory for the gates");
    const float *wb = io->b ? io->b + dir * 2 * rows : NULL, *rb = wb ? wb + rows : NULL;
    for (int64_t i = 0; i < rows; i++) {
        bool apart = s->gates == GRU && s->linear_before_reset && i >= 2 * n; /* that bias is added before the reset */
        bias[i] = wb ? wb[i] + (apart ? 0 : rb[i]) : 0;
    }
    tn_gemm_args g = tn_rnn_projection(s, dir, &io->z, io->x, io->w + dir * rows * io->z.in, proj);
    g.bias_n = bias;
    TN_TRY(tn_gemm(&tn_kernels_get()->gemm, &g, scratch, r->pool));

    cell k = { s, dir, B, n };
    k.r = io->r + dir * rows * n, k.r2 = k.r + 2 * n * n;
    k.bias_r = rb ? rb + 2 * n : NULL;
    k.peephole = io->p ? io->p + dir * 3 * n : NULL;
    k.gates = work, k.h = work + B * rows, k.c = k.h + B * n, k.extra = k.c + B * n;
    k.active = active, k.scratch = scratch, k.pool = r->pool;
    for (int64_t b = 0; b < B; b++) { /* initial state: [dirs, batch, hidden], or [batch, dirs, hidden] */
        int64_t at = (s->batch_first ? b * s->dirs + dir : dir * B + b) * n;
        for (int64_t i = 0; i < n; i++)
            k.h[b * n + i] = io->h0 ? io->h0[at + i] : 0, k.c[b * n + i] = io->c0 ? io->c0[at + i] : 0;
    }
    for (int64_t step = 0; step < T; step++) {
        if (tn_budget_stopped()) return tn_op_stopped(r);
        for (int64_t b = 0; b < B; b++) {
            int64_t len = io->len ? io->len[b] : T;
            active[b] = step < len;
            int64_t t = active[b] && reverse ? len - 1 - step : step;
            memcpy(k.gates + b * rows, proj + (s->batch_first ? b * T + t : t * B + b) * rows,
                   (size_t)rows * sizeof(float));
        }
        TN_TRY(s->gates == LSTM ? step_lstm(&k) : s->gates == GRU ? step_gru(&k) : step_rnn(&k));
        for (int64_t b = 0; io->y && b < B; b++) {
            int64_t t = active[b] && reverse ? (io->len ? io->len[b] : T) - 1 - step : step;
            float *y = io->y + (s->batch_first ? (b * T + t) * s->dirs + dir : (t * s->dirs + dir) * B + b) * n;
            if (active[b])
                memcpy(y, k.h + b * n, (size_t)n * sizeof *y);
            else
                memset(y, 0, (size_t)n * sizeof *y);
        }
    }
    for (int64_t b = 0; b < B; b++) {
        int64_t at = (s->batch_first ? b * s->dirs + dir : dir * B + b) * n;
        if (io->yh) memcpy(io->yh + at, k.h + b * n, (size_t)n * sizeof(float));
        if (io->yc) memcpy(io->yc + at, k.c + b * n, (size_t)n * sizeof(float));
    }
    return TN_OK;
}

/* sequence_lens, checked; NULL when there are none. */
static tn_status read_lengths(tn_run *r, const rnn_io *io, int64_t **len) {
    int64_t n;
    *len = NULL;
    if (!tn_run_has(r, 4)) return TN_OK;
    TN_TRY(tn_op_ints(r, tn_in(r, 4), len, &n));
    for (int64_t b = 0; b < io->z.batch; b++)
        if ((*len)[b] < 0 || (*len)[b] > io->z.seq)
            return tn_op_fail(r->node, TN_E_INVALID, "sequence_lens[%lld] is %lld; sequences have %lld steps",
                              (long long)b, (long long)(*len)[b], (long long)io->z.seq);
    return TN_OK;
}

static tn_status rnn_run(tn_run *r) {
    const rnn_state *s = r->state;
    const tn_tensor *x = tn_in(r, 0), *w = tn_in(r, 1);
    rnn_io io = { .z = tn_rnn_sizes_of(s, x->dims, tn_in(r, 2)->dims) };
    float *out[3] = { 0 };
    int64_t rows = s->gates * io.z.hidden, *len = NULL;
    bool halfway = w->dtype != TN_F32;
    TN_TRY(check_count(r, 3, s->dirs * 2 * rows));
    TN_TRY(check_count(r, 4, io.z.batch));
    TN_TRY(check_count(r, 5, s->dirs * io.z.batch * io.z.hidden));
    TN_TRY(check_count(r, 6, s->dirs * io.z.batch * io.z.hidden));
    TN_TRY(check_count(r, 7, s->dirs * 3 * io.z.hidden));
    if (w->dtype == TN_F64) {
        TN_TRY(read_lengths(r, &io, &len));
        return tn_rnn_run_f64(r, s, len);
    }
    const float **in[] = { &io.x, &io.w, &io.r, &io.b, NULL, &io.h0, &io.c0, &io.p };
    for (int i = 0; i < (int)TN_COUNT(in); i++)
        if (in[i]) TN_TRY(input_f32(r, i, in[i]));
    TN_TRY(read_lengths(r, &io, &len));
    io.len = len;
    for (int i = 0; i < 3 && i < r->n_out; i++) {
        if (!tn_run_wants(r, i)) continue;
        out[i] = halfway ? tn_run_scratch(r, (size_t)tn_count(tn_out(r, i)) * sizeof(float) + 1) : tn_out(r, i)->data;
        if (!out[i] && tn_count(tn_out(r, i))) return tn_op_fail(r->node, TN_E_NOMEM, "no memory for output %d", i);
    }
    io.y = out[0], io.yh = out[1], io.yc = out[2];
    for (int d = 0; d < s->dirs; d++) TN_TRY(run_direction(r, s, &io, d));
    for (int i = 0; halfway && i < 3; i++)
        if (out[i])
            TN_TRY(tn_convert(TN_F32, out[i], tn_out(r, i)->dtype, tn_out(r, i)->data, tn_count(tn_out(r, i)), true,
                              TN_ROUND_NEAREST));
    return TN_OK;
}

/* ----------------------------------------------------------------------------------------------------------- rows */

#define RNN_IN                                                                                                       \
    { "X", TN_FLOATS, 'T' }, { "W", TN_FLOATS, 'T' }, { "R", TN_FLOATS, 'T' },                                       \
        { "B", TN_FLOATS, 'T', .optional = true }, { "sequence_lens", tn_dtype_bit(TN_I32), 0, .optional = true }, { \
        "initial_h", TN_FLOATS, 'T', .optional = true                                                                \
    }
static const tn_port rnn_in[] = { RNN_IN, { 0 } };
static const tn_port lstm_in[] = {
    RNN_IN, { "initial_c", TN_FLOATS, 'T', .optional = true }, { "P", TN_FLOATS, 'T', .optional = true }, { 0 }
};
static const tn_port rnn_out[] = { { "Y", TN_FLOATS, 'T', .optional = true },
                                   { "Y_h", TN_FLOATS, 'T', .optional = true },
                                   { 0 } };
static const tn_port lstm_out[] = { { "Y", TN_FLOATS, 'T', .optional = true },
                                    { "Y_h", TN_FLOATS, 'T', .optional = true },
                                    { "Y_c", TN_FLOATS, 'T', .optional = true },
                                    { 0 } };
#define RNN_ATTRS                                                                                   \
    { TN_FLOATS_OF(recurrent, activation_alpha) }, { TN_FLOATS_OF(recurrent, activation_beta) },    \
        { TN_STRINGS_OF(recurrent, activations) }, { TN_FLOAT(recurrent, clip, 0) },                \
        { TN_WORD(recurrent, direction, DIRECTIONS, "forward") }, { "hidden_size", TN_ATTR_INT }, { \
        TN_INT(recurrent, layout, 0), .min = 0, .max = 1                                            \
    }
static const tn_attr_spec rnn_attrs[] = { RNN_ATTRS, { 0 } };
static const tn_attr_spec gru_attrs[] = { RNN_ATTRS, { TN_FLAG(recurrent, linear_before_reset, false) }, { 0 } };
static const tn_attr_spec lstm_attrs[] = { RNN_ATTRS, { TN_FLAG(recurrent, input_forget, false) }, { 0 } };

#define ROW(name_, in_, out_, attrs_, gates, doc_)                                                               \
    {                                                                                                            \
        .name = name_, .since = 22, .in = in_, .out = out_, TN_ATTRS(attrs_, recurrent), .infer = rnn_infer,     \
        .cost = rnn_cost, .prepare = rnn_prepare, .run = rnn_run, .grad = tn_grad_rnn, .arg = gates, .doc = doc_ \
    }
const tn_op tn_ops_rnn[] = {
    ROW("RNN", rnn_in, rnn_out, rnn_attrs, RNN, "a simple recurrent layer"),
    ROW("GRU", rnn_in, rnn_out, gru_attrs, GRU, "gated recurrent units (Cho et al. 2014)"),
    ROW("LSTM", lstm_in, lstm_out, lstm_attrs, LSTM, "long short-term memory (Hochreiter & Schmidhuber 1997)"),
    { 0 },
};
