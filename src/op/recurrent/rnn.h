/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* rnn.h - what the attributes of RNN, GRU and LSTM say, shared by the float32 cells and the float64 ones. */
#ifndef TN_OP_RECURRENT_RNN_H
#define TN_OP_RECURRENT_RNN_H

#include "kernel/gemm.h"
#include "kernel/vec.h"
#include "op/core/op.h"

enum { TN_RNN = 1, TN_GRU = 3, TN_LSTM = 4 }; /* .arg of a row: the number of gates */

typedef struct {
    tn_unary fn;
    float a, b, scale; /* ScaledTanh is scale * tanh(a x): scale * fn(scale_in * x) */
    float scale_in;
} tn_rnn_act;

typedef struct {
    int gates, dirs;
    bool reverse_first, batch_first, linear_before_reset, input_forget;
    float clip; /* 0: none */
    int64_t hidden;
    tn_rnn_act act[2][3];
    const float *w[2], *r[2], *r2[2]; /* packed, per direction; r2: GRU's candidate gate apart from z and r */
} tn_rnn_state;

/** What a layer computes on. */
typedef struct {
    int64_t seq, batch, in, hidden;
} tn_rnn_sizes;
tn_rnn_sizes tn_rnn_sizes_of(const tn_rnn_state *s, const int64_t *x, const int64_t *r);

/** The inputs of all steps by W; and a state by R, or by some of its gates, onto y. */
tn_gemm_args tn_rnn_projection(const tn_rnn_state *s, int dir, const tn_rnn_sizes *z, const float *x, const float *w,
                               float *y);
tn_gemm_args tn_rnn_recurrence(int64_t batch, int64_t n, int64_t hidden, const float *h, const float *packed,
                               const float *r, float *y, int64_t ldy);

/** Scratch that serves each of these products of a direction. */
size_t tn_rnn_product_bytes(const tn_rnn_state *s, int dir, const tn_rnn_sizes *z, int threads);

/** Elements of the float32 memory of a direction, TN_RNN_SPARE apart: the gates of all steps, biases, and the gates and
 *  states of one step. false: more than there can be. */
enum { TN_RNN_PROJECTED, TN_RNN_BIASES, TN_RNN_WORK, TN_RNN_PARTS, TN_RNN_SPARE = 16 };
bool tn_rnn_part_floats(const tn_rnn_state *s, const tn_rnn_sizes *z, int64_t *n);

/** tn_prep.room of a node whose weights are packed; 0 where sizes are not known. */
size_t tn_rnn_room(const tn_prep *p, const tn_rnn_state *s);

/** Runs a node whose inputs are float64, at that precision; sizes are checked. len: steps of each row, or NULL.
 *  errors   TN_E_NOMEM */
tn_status tn_rnn_run_f64(tn_run *r, const tn_rnn_state *s, const int64_t *len);

/** Bytes of scratch that it asks for. */
size_t tn_rnn_f64_bytes(const tn_rnn_state *s, int64_t hidden);

#endif
