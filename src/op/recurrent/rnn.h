/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* rnn.h - what the attributes of RNN, GRU and LSTM say, shared by the float32 cells and the float64 ones. */
#ifndef TN_OP_RECURRENT_RNN_H
#define TN_OP_RECURRENT_RNN_H

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

/** Runs a node whose inputs are float64, at that precision; sizes are checked. len: steps of each row, or NULL.
 *  errors   TN_E_NOMEM */
tn_status tn_rnn_run_f64(tn_run *r, const tn_rnn_state *s, const int64_t *len);

#endif
