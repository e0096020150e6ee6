/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* op_run.h - runs small models on a few numbers and compares; or expects that they are refused.
 *
 *     op_gives(b, 1, (op_data[]){ { TN_F32, "2,2", { 1, 2, 3, 4 } } }, 1, (op_data[]){ { TN_F32, "2", { 3, 7 } } },
 * 1e-6); op_refused(b, 1, in, "axis");               the message holds these words; on loading or on running */
#ifndef TN_TESTS_OP_RUN_H
#define TN_TESTS_OP_RUN_H

#include "lib/onnx_build.h"

typedef struct {
    tn_dtype type;    /* TN_NONE: an omitted input */
    const char *dims; /* "2,3"; "": a scalar */
    double v[64];
    const char *s[32];   /* of TN_STRING */
    const double *large; /* instead of v, where it does not fit */
} op_data;

/** Runs the model and compares its outputs: types and shapes exactly, numbers within tol * max(1, |wanted|). Frees b.
 */
void op_gives(ob *b, int n_in, const op_data *in, int n_out, const op_data *want, double tol);

/** A model of one operator: inputs x0, x1, ... as `in` says (TN_NONE: omitted), outputs as named ("y _ z"; "_":
 * omitted). The last node is the operator, for attributes. */
ob *op_one(const char *domain, const char *type, const char *outputs, int n, const op_data *in);

#define OP_NOTHING         \
    {                      \
        TN_NONE, "", { 0 } \
    }

/** op_gives with those of n inputs that are not omitted. Frees b. */
void op_gives_present(ob *b, int n, const op_data *in, int n_out, const op_data *want, double tol);

/** Loading or running fails and the message holds `words`. Frees b. */
void op_refused(ob *b, int n_in, const op_data *in, const char *words);

#endif
