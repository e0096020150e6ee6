/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qproduct.h - what the ways to multiply quantised matrices share: where a row of the family has its inputs, the sizes,
 * scales and zero points of a product under way. The rows are in qmatmul.c. */
#ifndef TN_OP_QUANT_QPRODUCT_H
#define TN_OP_QUANT_QPRODUCT_H

#include "kernel/loop.h"
#include "op/core/op.h"

/** Where a row has its inputs; -1: nowhere. */
typedef struct {
    int a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero, bias;
    bool integer; /* gives the sums themselves */
    bool dynamic; /* A is float and quantised here */
} tn_qplaces;
const tn_qplaces *tn_qplaces_of(const tn_node *n);

/** QGemm's attributes; those of the others. */
typedef struct {
    float alpha;
    bool transA, transB;
} tn_qgemm_attrs;
const tn_qgemm_attrs *tn_qgemm_attrs_of(const void *attrs);

typedef struct {
    int64_t m, n, k, matrices_a, matrices_b, batches;
    bool trans_a, trans_b;
    tn_loop loop; /* over batches; arrays: A, B, counted in matrices */
} tn_qsizes;

/** One parameter of an operand: 1, one per row (column), or one per row of every matrix. */
typedef struct {
    const float *v;
    int64_t n, rows;
} tn_qper;
const float *tn_qper_at(const tn_qper *p, int64_t matrix);

/** A product under way. */
typedef struct {
    tn_run *r;
    const tn_qplaces *at;
    tn_qsizes p;
    const char *a;
    tn_dtype a_type, b_type;
    tn_qper sa, sb, za, zb;
    float y_scale, alpha;
    double y_zero;
    int64_t bias_n, bias_rows; /* elements; rows that differ: 1 or m */
    const int32_t *bias_int;
    const float *bias;
} tn_qjob;

/** Reads all of r; A of a dynamic row is quantised. The output has elements.
 *  errors   TN_E_SHAPE, TN_E_NOMEM */
tn_status tn_qjob_read(tn_run *r, tn_qjob *j);

/** n results of row i of matrices am and bm, from their sums; they go to elements at, at + 1, ... of the output. */
void tn_qjob_finish(const tn_qjob *j, int64_t am, int64_t bm, int64_t i, const double *sums, int64_t at);

/** The state of a prepared row: B in the form of its implementation, or NULL. */
typedef struct {
    const void *packed;
} tn_qproduct_state;
/** Sets p->state. errors TN_E_NOMEM */
tn_status tn_qproduct_state_of(tn_prep *p, tn_qproduct_state **s);

/** The sizes of a product to be prepared; false where shapes are not known. */
bool tn_qproduct_sizes(const tn_infer *t, tn_qsizes *sizes);
/** What quantising A, of a known shape, takes of tn_prep.room; 0: it is not quantised here. */
size_t tn_qproduct_codes_room(const tn_infer *t);

/** The type of A's codes, which a dynamic row makes itself. */
tn_dtype tn_qproduct_a_type(const tn_infer *t);
/** B where it is one constant matrix of bytes that has elements, else NULL. */
const tn_tensor *tn_qproduct_weights(const tn_infer *t);

/* The ways; the first that fits is the best. */
bool tn_qtiles_fits(const tn_prep *p); /* constant bytes, results in registers: kernel/qconv.h */
double tn_qtiles_estimate(const tn_prep *p);
tn_status tn_qtiles_prepare(tn_prep *p);
tn_status tn_qtiles_run(tn_run *r);
bool tn_qpanels_fits(const tn_prep *p); /* any bytes: kernel/qgemm.h */
double tn_qpanels_estimate(const tn_prep *p);
tn_status tn_qpanels_prepare(tn_prep *p);
tn_status tn_qpanels_run(tn_run *r);
tn_status tn_qplain_run(tn_run *r); /* any types */

#endif
