/* quantize.c - QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear: numbers and their low-precision codes,
 * q = saturate(round(x / scale) + zero_point), with one scale per tensor, per slice of an axis, or per block of it. */
#include "op/ports.h"
#include "op/qparam.h"
#include "op/support.h"
#include <math.h>
#include <string.h>

/* ---------------------------------------------------------------------------------------------- which scale is whose
 */

typedef struct {
    int64_t inner, axis_len, block; /* block 0: one scale per slice of the axis */
    int64_t count;                  /* scales given */
    int64_t blocks;                 /* along the axis, when blocked */
} scale_map;

static int64_t scale_at(const scale_map *m, int64_t i) {
    if (m->count == 1) return 0;
    int64_t along = i / m->inner % m->axis_len;
    if (m->block == 0) return along;
    int64_t outer = i / m->inner / m->axis_len;
    return (outer * m->blocks + along / m->block) * m->inner + i % m->inner;
}

/* Reads axis and block_size and checks the scale's shape. errors TN_E_SHAPE, TN_E_INVALID. */
static tn_status map_scales(const tn_node *n, int rank, const int64_t *dims, int srank, const int64_t *sdims,
                            scale_map *m) {
    int64_t axis = tn_attr_int(n, "axis", 1), count = 1;
    for (int i = 0; i < srank; i++) count *= sdims[i];
    *m = (scale_map){ .inner = 1, .axis_len = 1, .count = count, .block = tn_attr_int(n, "block_size", 0) };
    if (m->block < 0) return tn_op_fail(n, TN_E_INVALID, "block_size is %lld", (long long)m->block);
    if (srank == 0 || (count == 1 && m->block == 0)) return TN_OK;
    if (axis < -rank || axis >= rank)
        return tn_op_fail(n, TN_E_INVALID, "axis %lld is outside -%d..%d", (long long)axis, rank, rank - 1);
    if (axis < 0) axis += rank;
    m->inner = tn_op_product(dims, (int)axis + 1, rank);
    m->axis_len = dims[axis];
    if (m->block == 0) {
        if (srank != 1 || count != m->axis_len)
            return tn_op_fail(n, TN_E_SHAPE, "scale has %lld elements, axis %lld has %lld", (long long)count,
                              (long long)axis, (long long)m->axis_len);
        return TN_OK;
    }
    m->blocks = (m->axis_len + m->block - 1) / m->block;
    bool fits = srank == rank;
    for (int d = 0; fits && d < rank; d++) fits = sdims[d] == (d == axis ? m->blocks : dims[d]);
    if (!fits)
        return tn_op_fail(n, TN_E_SHAPE, "scale does not have one element per block of %lld", (long long)m->block);
    if (m->count == 1) m->count = 0; /* one block per line: the general rule holds */
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------ inference */

static tn_status quantize_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0);
    int64_t code = tn_attr_int(c->node, "output_dtype", 0);
    tn_dtype t = tn_infer_has(c, 2) ? tn_infer_dtype(c, 2) : code ? tn_dtype_from_onnx((int)code) : TN_U8;
    if (code && tn_infer_has(c, 2) && t != TN_NONE && tn_dtype_from_onnx((int)code) != t)
        return tn_infer_fail(c, TN_E_TYPE, "output_dtype and the zero point's type differ");
    tn_infer_out(c, 0, t, rank, rank < 0 ? NULL : c->in[0]->dims);
    return TN_OK;
}

static tn_status dequantize_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0);
    int64_t code = tn_attr_int(c->node, "output_dtype", 0);
    tn_infer_out(c, 0, code ? tn_dtype_from_onnx((int)code) : tn_infer_dtype(c, 1), rank,
                 rank < 0 ? NULL : c->in[0]->dims);
    return TN_OK;
}

static tn_status dynamic_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0);
    tn_infer_out(c, 0, TN_U8, rank, rank < 0 ? NULL : c->in[0]->dims);
    if (c->n_out > 1) tn_infer_out(c, 1, TN_F32, 0, NULL);
    if (c->n_out > 2) tn_infer_out(c, 2, TN_U8, 0, NULL);
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------------ run */

static void range_of(tn_dtype t, double *lo, double *hi) {
    int bits = tn_dtype_bits(t);
    bool s = tn_dtype_is_signed(t);
    *lo = s ? -ldexp(1, bits - 1) : 0;
    *hi = s ? ldexp(1, bits - 1) - 1 : ldexp(1, bits) - 1;
}

static tn_status quantize_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0), *scale = tn_in(r, 1), *zero = tn_in(r, 2);
    tn_tensor *y = tn_out(r, 0);
    bool saturate = tn_attr_int(r->node, "saturate", 1) != 0, integer = tn_dtype_is_int(y->dtype);
    double lo = 0, hi = 0;
    scale_map m;
    TN_TRY(map_scales(r->node, x->rank, x->dims, scale->rank, scale->dims, &m));
    if (zero && tn_count(zero) != tn_count(scale))
        return tn_op_fail(r->node, TN_E_SHAPE, "scale and zero point differ in shape");
    if (integer) range_of(y->dtype, &lo, &hi);
    for (int64_t i = 0; i < tn_count(x); i++) {
        int64_t k = scale_at(&m, i);
        /* the division happens in the input's precision, which decides ties */
        double s = tn_get_f64(scale->dtype, scale->data, k), v = tn_get_f64(x->dtype, x->data, i);
        double q = x->dtype == TN_F64 ? v / s : (double)((float)v / (float)s);
        if (!integer) { /* the zero point of a float type is 0 */
            float f = (float)q + (zero ? (float)tn_get_f64(zero->dtype, zero->data, k) : 0);
            TN_TRY(tn_convert(TN_F32, &f, y->dtype == TN_F4E2M1 ? TN_F32 : y->dtype,
                              y->dtype == TN_F4E2M1 ? (void *)&f : (char *)y->data + i, 1, saturate, TN_ROUND_NEAREST));
            if (y->dtype == TN_F4E2M1) tn_set_f64(y->dtype, y->data, i, (double)f);
            continue;
        }
        q = nearbyint(q) + (zero ? (double)tn_get_i64(zero->dtype, zero->data, k) : 0);
        q = q < lo ? lo : q > hi ? hi : q == q ? q : 0;
        tn_set_i64(y->dtype, y->data, i, (int64_t)q);
    }
    return TN_OK;
}

static tn_status dequantize_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0), *scale = tn_in(r, 1), *zero = tn_in(r, 2);
    tn_tensor *y = tn_out(r, 0);
    scale_map m;
    TN_TRY(map_scales(r->node, x->rank, x->dims, scale->rank, scale->dims, &m));
    if (zero && tn_count(zero) != tn_count(scale))
        return tn_op_fail(r->node, TN_E_SHAPE, "scale and zero point differ in shape");
    for (int64_t i = 0; i < tn_count(x); i++) {
        int64_t k = scale_at(&m, i);
        double z = zero ? tn_get_f64(zero->dtype, zero->data, k) : 0, s = tn_get_f64(scale->dtype, scale->data, k);
        double v = tn_get_f64(x->dtype, x->data, i) - z;
        tn_set_f64(y->dtype, y->data, i, (double)((float)v * (float)s));
    }
    return TN_OK;
}

static tn_status dynamic_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    tn_tensor *y = tn_out(r, 0), *scale = tn_out(r, 1), *zero = tn_out(r, 2);
    float s;
    uint8_t z;
    tn_q_dynamic(x->data, tn_count(x), y ? y->data : NULL, &s, &z, r->pool);
    if (scale) *(float *)scale->data = s;
    if (zero) *(uint8_t *)zero->data = z;
    return TN_OK;
}

/* ----------------------------------------------------------------------------------------------------------- rows */

static const tn_port quantize_in[] = { { "x", TN_FLOATS | tn_dtype_bit(TN_I32), 0 },
                                       { "y_scale", TN_ANY_NUMBER, 0 },
                                       { "y_zero_point", TN_ANY_NUMBER, 0, .optional = true },
                                       { 0 } };
static const tn_port dequantize_in[] = { { "x", TN_ANY_NUMBER, 'T' },
                                         { "x_scale", TN_ANY_NUMBER, 0 },
                                         { "x_zero_point", TN_ANY_NUMBER, 'T', .optional = true },
                                         { 0 } };
static const tn_port f32_in[] = { { "x", tn_dtype_bit(TN_F32), 0 }, { 0 } };
static const tn_port dynamic_out[] = { { "y", tn_dtype_bit(TN_U8), 0 },
                                       { "y_scale", tn_dtype_bit(TN_F32), 0 },
                                       { "y_zero_point", tn_dtype_bit(TN_U8), 0 },
                                       { 0 } };
static const tn_attr_spec quantize_attrs[] = { { "axis", TN_ATTR_INT },         { "block_size", TN_ATTR_INT },
                                               { "output_dtype", TN_ATTR_INT }, { "precision", TN_ATTR_INT },
                                               { "saturate", TN_ATTR_INT },     { 0 } };

const tn_op tn_ops_quantize[] = {
    { .name = "QuantizeLinear",
      .since = 25,
      .in = quantize_in,
      .out = tn_ports_any_free,
      .attrs = quantize_attrs,
      .infer = quantize_infer,
      .run = quantize_run,
      .doc = "numbers to codes: round(x / scale) + zero point, saturated" },
    { .name = "DequantizeLinear",
      .since = 25,
      .in = dequantize_in,
      .out = tn_ports_any_free,
      .attrs = quantize_attrs,
      .infer = dequantize_infer,
      .run = dequantize_run,
      .doc = "codes to numbers: (x - zero point) scale" },
    { .name = "DynamicQuantizeLinear",
      .since = 11,
      .in = f32_in,
      .out = dynamic_out,
      .infer = dynamic_infer,
      .run = dynamic_run,
      .doc = "numbers to bytes, with scale and zero point taken from their range" },
    { 0 },
};
