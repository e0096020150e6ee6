/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* pass.h - passes: model -> model, in place. A session clones the caller's model first.
 *
 * A pass leaves a graph that tn_graph_check accepts, whose values have the types inference gives them, and that
 * computes the same. It counts what it changed. */
#ifndef TN_PASS_PASS_H
#define TN_PASS_PASS_H

#include "base/pool.h"
#include "graph/graph.h"

typedef struct {
    tn_pool *pool;
    int changed;           /* the pass adds to it */
    size_t grown;          /* bytes that folding has added */
    const char *precision; /* as tn_session_opts.precision, checked; NULL: as the file says */
} tn_pass_ctx;

typedef tn_status (*tn_pass_fn)(tn_model *m, tn_pass_ctx *c);

typedef struct {
    const char *name, *doc;
    tn_pass_fn run;
    bool infer; /* types are inferred anew after it changed something */
    bool cpu;   /* what it makes suits the CPU's kernels */
} tn_pass;

/** All passes in the order they run; ends with a row whose name is NULL. TN_PASSES=fold,eliminate limits them to those
 *  named, TN_PASSES=-layout leaves one out: to find a culprit. */
extern const tn_pass tn_passes[];

/** Runs all passes; what changed is logged at the debug level.
 *  precision  as tn_session_opts.precision, checked by tn_precision_check; NULL: as the file says
 *  plain      passes that suit the CPU alone are left out, unless a precision is given
 *  errors     TN_E_NOMEM, and those of inference */
tn_status tn_optimize(tn_model *m, const char *precision, bool plain, tn_pool *pool);

/* The passes. */
tn_status tn_pass_fold(tn_model *m, tn_pass_ctx *c);            /* constant expressions become constants */
tn_status tn_pass_eliminate(tn_model *m, tn_pass_ctx *c);       /* what does nothing, or nothing new, goes */
tn_status tn_pass_forms(tn_model *m, tn_pass_ctx *c);           /* operators written in pieces are put together */
tn_status tn_pass_precision(tn_model *m, tn_pass_ctx *c);       /* 16-bit floats are computed in float32, in regions */
tn_status tn_pass_quantise(tn_model *m, tn_pass_ctx *c);        /* between DequantizeLinear and QuantizeLinear: codes */
tn_status tn_pass_fuse_attention(tn_model *m, tn_pass_ctx *c);  /* products, softmax and transposes become one node */
tn_status tn_pass_fuse_conv_bn(tn_model *m, tn_pass_ctx *c);    /* scales and shifts go into convolutions */
tn_status tn_pass_fuse_activation(tn_model *m, tn_pass_ctx *c); /* bias, residual, activation into conv and matmul */
tn_status tn_pass_narrow_weights(tn_model *m, tn_pass_ctx *c);  /* weights of products are kept in 16 bits, if asked */
tn_status tn_pass_layout(tn_model *m, tn_pass_ctx *c);          /* regions in the blocked channel layout */
tn_status tn_pass_fuse_pointwise(tn_model *m, tn_pass_ctx *c);  /* chains of pointwise operators become one */

#endif
