/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qmatmul.c - matrix products of quantised operands: MatMulInteger gives the int32 sums, QLinearMatMul and QGemm scale
 * them back to 8 bits, MatMulIntegerToFloat and DynamicQuantizeMatMul to floats; float8 and 16-bit operands too.
 *
 * Here are the rows and their shapes. Constant bytes are multiplied by the tiles of kernel/qconv.h, which end as codes
 * or floats while they are in registers (qproduct_tiles.c); other bytes by kernel/qgemm.h (qproduct_panels.c); whatever
 * is left - float8, int16 - takes sums of doubles (qproduct.c). */
#include "op/core/ports.h"
#include "op/core/support.h"
#include "op/quant/grads.h"
#include "op/quant/qparam.h"
#include "op/quant/qproduct.h"
#include <string.h>

enum { INTEGER, LINEAR, TO_FLOAT, DYNAMIC, GEMM };
static const tn_qplaces place_of[] = {
    [INTEGER] = { 0, -1, 2, 1, -1, 3, -1, -1, -1, .integer = true },
    [LINEAR] = { 0, 1, 2, 3, 4, 5, 6, 7, -1 },
    [TO_FLOAT] = { 0, 2, 4, 1, 3, 5, -1, -1, 6 },
    [DYNAMIC] = { 0, -1, -1, 1, 2, 3, -1, -1, 4, .dynamic = true },
    [GEMM] = { 0, 1, 2, 3, 4, 5, 7, 8, 6 },
};
const tn_qplaces *tn_qplaces_of(const tn_node *n) { return &place_of[n->op->arg]; }

const tn_qgemm_attrs *tn_qgemm_attrs_of(const void *attrs) {
    static const tn_qgemm_attrs plain = { .alpha = 1 };
    return attrs ? attrs : &plain;
}

/* ------------------------------------------------------------------------------------------------------ inference */

static tn_dtype result_type(const tn_infer *c) {
    const tn_qplaces *at = tn_qplaces_of(c->node);
    if (at->integer) {
        bool natural = tn_infer_dtype(c, at->a) == TN_U16 && tn_infer_dtype(c, at->b) == TN_U16;
        return natural ? TN_U32 : TN_I32;
    }
    if (at->y_zero >= 0 && tn_infer_has(c, at->y_zero)) return tn_infer_dtype(c, at->y_zero);
    if (at->y_scale >= 0 && tn_infer_has(c, at->y_scale)) return tn_infer_dtype(c, at->a);
    return at->dynamic ? TN_F32 : tn_infer_dtype(c, at->a_scale);
}

static tn_status qmatmul_infer(tn_infer *c) {
    const tn_qplaces *at = tn_qplaces_of(c->node);
    int ra = tn_infer_rank(c, at->a), rb = tn_infer_rank(c, at->b);
    tn_dim dims[TN_MAX_RANK];
    if (ra < 0 || rb < 0) {
        tn_infer_out(c, 0, result_type(c), -1, NULL);
        return TN_OK;
    }
    if (ra == 0 || rb == 0) return tn_infer_fail(c, TN_E_SHAPE, "a scalar cannot be multiplied as a matrix");
    bool ta = tn_qgemm_attrs_of(c->attrs)->transA, tb = tn_qgemm_attrs_of(c->attrs)->transB;
    if (c->node->op->arg == GEMM && (ra != 2 || rb != 2))
        return tn_infer_fail(c, TN_E_SHAPE, "A and B have %d and %d dimensions, 2 are needed", ra, rb);
    const tn_dim *da = c->in[at->a]->dims, *db = c->in[at->b]->dims;
    tn_dim ka = da[ta ? ra - 2 : ra - 1], kb = rb == 1 ? db[0] : db[tb ? rb - 1 : rb - 2];
    if (tn_dim_known(ka) && tn_dim_known(kb) && ka != kb)
        return tn_infer_fail(c, TN_E_SHAPE, "A has %lld columns but B has %lld rows", (long long)ka, (long long)kb);
    int rank = ra > rb ? ra : rb, out = rank < 2 ? 0 : rank - 2;
    for (int i = 0; i < out; i++) {
        int ia = i - (rank - ra), ib = i - (rank - rb);
        TN_TRY(tn_infer_broadcast_dim(c, ra > 2 && ia >= 0 ? da[ia] : 1, rb > 2 && ib >= 0 ? db[ib] : 1, &dims[i]));
    }
    if (ra > 1) dims[out++] = da[ta ? ra - 1 : ra - 2];
    if (rb > 1) dims[out++] = db[tb ? rb - 2 : rb - 1];
    tn_infer_out(c, 0, result_type(c), out, dims);
    return TN_OK;
}

static tn_status qmatmul_cost(const tn_infer *c, tn_cost *out) {
    const tn_type *a = c->in[tn_qplaces_of(c->node)->a];
    out->flops = 2 * (double)a->dims[tn_qgemm_attrs_of(c->attrs)->transA ? 0 : a->rank - 1];
    for (int i = 0; i < c->out[0].rank; i++) out->flops *= (double)c->out[0].dims[i];
    return TN_OK;
}

/* ----------------------------------------------------------------------------------------------------------- rows */

#define F32  tn_dtype_bit(TN_F32)
#define I32  tn_dtype_bit(TN_I32)
#define I16  (tn_dtype_bit(TN_I16) | tn_dtype_bit(TN_U16))
#define HALF (tn_dtype_bit(TN_F32) | tn_dtype_bit(TN_F16))
#define WIDE (HALF | tn_dtype_bit(TN_BF16))
#define QF8  (TN_Q8 | TN_F8)
static const tn_port integer_in[] = { { "A", TN_Q8, 'A' },
                                      { "B", TN_Q8, 'B' },
                                      { "a_zero_point", TN_Q8, 'A', .optional = true },
                                      { "b_zero_point", TN_Q8, 'B', .optional = true },
                                      { 0 } };
static const tn_port integer16_in[] = { { "A", I16, 0 }, { "B", I16, 0 }, { 0 } };
static const tn_port linear_in[] = { { "a", QF8, 'A' },        { "a_scale", WIDE, 'S' },   { "a_zero_point", QF8, 'A' },
                                     { "b", QF8, 'B' },        { "b_scale", WIDE, 'S' },   { "b_zero_point", QF8, 'B' },
                                     { "y_scale", WIDE, 'S' }, { "y_zero_point", QF8, 0 }, { 0 } };
static const tn_port float_in[] = { { "A", TN_Q8, 'A' },
                                    { "B", TN_Q8, 'B' },
                                    { "a_scale", HALF, 'S' },
                                    { "b_scale", HALF, 'S' },
                                    { "a_zero_point", TN_Q8, 'A', .optional = true },
                                    { "b_zero_point", TN_Q8, 'B', .optional = true },
                                    { "bias", HALF, 'S', .optional = true },
                                    { 0 } };
static const tn_port dynamic_in[] = { { "A", F32, 0 },
                                      { "B", TN_Q8, 'B' },
                                      { "b_scale", F32, 0 },
                                      { "b_zero_point", TN_Q8, 'B', .optional = true },
                                      { "bias", F32, 0, .optional = true },
                                      { 0 } };
static const tn_port gemm_in[] = { { "A", TN_Q8, 'A' },
                                   { "a_scale", F32, 0 },
                                   { "a_zero_point", TN_Q8, 'A' },
                                   { "B", TN_Q8, 'B' },
                                   { "b_scale", F32, 0 },
                                   { "b_zero_point", TN_Q8, 'B' },
                                   { "C", I32, 0, .optional = true },
                                   { "y_scale", F32, 0, .optional = true },
                                   { "y_zero_point", TN_Q8, 0, .optional = true },
                                   { 0 } };
static const tn_port i32_out[] = { { "Y", I32, 0 }, { 0 } };
static const tn_port integer16_out[] = { { "Y", I32 | tn_dtype_bit(TN_U32), 0 }, { 0 } };
static const tn_port any_out[] = { { "Y", QF8 | WIDE, 0 }, { 0 } };
static const tn_attr_spec gemm_attrs[] = { { TN_FLOAT(tn_qgemm_attrs, alpha, 1) },
                                           { TN_FLAG(tn_qgemm_attrs, transA, false) },
                                           { TN_FLAG(tn_qgemm_attrs, transB, false) },
                                           { 0 } };

static const tn_impl ways[] = {
    { "tiles", TN_ON_CPU, 0, tn_qtiles_fits, tn_qtiles_estimate, tn_qtiles_prepare, tn_qtiles_run },
    { "panels", TN_ON_CPU, 0, tn_qpanels_fits, tn_qpanels_estimate, tn_qpanels_prepare, tn_qpanels_run },
    { "plain", TN_ON_CPU, 0, NULL, NULL, NULL, tn_qplain_run },
    { 0 },
};

#define MICROSOFT "com.microsoft"
#define FUNCTIONS .infer = qmatmul_infer, .cost = qmatmul_cost, TN_IMPLS(ways)
const tn_op tn_ops_qmatmul[] = {
    { .name = "MatMulInteger",
      .since = 10,
      .in = integer_in,
      .out = i32_out,
      .arg = INTEGER,
      FUNCTIONS,
      .grad = tn_grad_none,
      .doc = "matrix product of 8-bit integers with int32 sums" },
    { .name = "QLinearMatMul",
      .since = 21,
      .in = linear_in,
      .out = any_out,
      .arg = LINEAR,
      FUNCTIONS,
      .grad = tn_grad_none,
      .doc = "matrix product of quantised tensors with a quantised result" },
    { .name = "MatMulInteger16",
      .domain = MICROSOFT,
      .since = 1,
      .in = integer16_in,
      .out = integer16_out,
      .arg = INTEGER,
      FUNCTIONS,
      .grad = tn_grad_none,
      .doc = "matrix product of 16-bit integers with int32 sums, uint32 where both are unsigned" },
    { .name = "MatMulIntegerToFloat",
      .domain = MICROSOFT,
      .since = 1,
      .in = float_in,
      .out = any_out,
      .arg = TO_FLOAT,
      FUNCTIONS,
      .grad = tn_grad_integer_to_float,
      .doc = "matrix product of quantised tensors as floats, plus a bias" },
    { .name = "DynamicQuantizeMatMul",
      .domain = MICROSOFT,
      .since = 1,
      .in = dynamic_in,
      .out = any_out,
      .arg = DYNAMIC,
      FUNCTIONS,
      .grad = tn_grad_dynamic_product,
      .doc = "floats quantised by their range, times a quantised matrix, plus a bias" },
    { .name = "QGemm",
      .domain = MICROSOFT,
      .since = 1,
      .in = gemm_in,
      .out = any_out,
      TN_ATTRS(gemm_attrs, tn_qgemm_attrs),
      .arg = GEMM,
      FUNCTIONS,
      .grad = tn_grad_quantised_gemm,
      .doc = "alpha A B + C of quantised matrices, either one transposed; quantised again or as floats" },
    { 0 },
};
