/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* steps_grad.h - the steps of Scan, Loop and SequenceMap, as their gradients run them backwards: control_grad.c makes a
 * Scan of them, loop_grad.c a Loop where sequences or growing tensors are carried. */
#ifndef TN_OP_CONTROL_STEPS_GRAD_H
#define TN_OP_CONTROL_STEPS_GRAD_H

#include "op/core/grad.h"

enum { TN_STEPS_MOST = TN_GRAD_VALUES };

/* One input of the body in the backward steps. */
typedef struct {
    tn_value *from; /* its value in all steps: a tensor to be sliced, a sequence; NULL: true (a condition that held) */
    int64_t axis, direction;
    bool whole;        /* `from` is its value in every step */
    bool again;        /* a state that cannot be kept: the steps before are run again */
    bool state;        /* a float state: gradient carried from step to step.. */
    int out;           /* ..from this output of the body */
    tn_value *d_final; /* its gradient behind the last step */
    int give;          /* the node's input that the result (state) or the stacked slices belong to; -1: none */
} tn_step_input;

typedef struct {
    int out; /* of the body */
    tn_value *dy;
    int64_t axis, direction;
} tn_step_output;

typedef struct {
    tn_graph *body;
    tn_step_input in[TN_STEPS_MOST];
    tn_step_output out[TN_STEPS_MOST];
    int n_out;
    tn_grad_values caps;
} tn_steps;

bool tn_steps_need_loop(const tn_steps *s);
/** Adds the Loop and hands on what flows back. The forward node is the Scan, Loop or SequenceMap of g. */
void tn_steps_by_loop(tn_grad *g, tn_steps *s);

#endif
