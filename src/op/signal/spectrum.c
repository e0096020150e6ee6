/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* spectrum.c - HannWindow, HammingWindow, BlackmanWindow, MelWeightMatrix: weights for signals and their spectra,
 * computed in double. */
#include "base/budget.h"
#include "op/core/grad.h"
#include "op/core/op.h"
#include "op/core/ports.h"
#include <math.h>
#include <string.h>

#define PI 3.14159265358979323846

typedef struct {
    tn_dtype output_datatype;
    bool periodic; /* windows */
} spectral;

static tn_status out_type(tn_infer *c, tn_dtype *t) {
    *t = ((const spectral *)c->attrs)->output_datatype;
    if (tn_dtype_bit(*t) & TN_REAL) return TN_OK;
    return tn_infer_fail(c, TN_E_TYPE, "output_datatype %s is not a type of numbers", tn_dtype_name(*t));
}

/* --------------------------------------------------------------------------------------------------------- windows */

/* w[k] = a0 - a1 cos(2 pi k / N) + a2 cos(4 pi k / N); N is the size, or one less for a symmetric window. */
static const double weights[][3] = { { 0.5, 0.5, 0 }, { 25.0 / 46, 21.0 / 46, 0 }, { 0.42, 0.5, 0.08 } };

static tn_status window_infer(tn_infer *c) {
    tn_dtype t;
    int n;
    TN_TRY(out_type(c, &t));
    const tn_dim *size = tn_infer_ints(c, 0, &n);
    if (size && n != 1) return tn_infer_fail(c, TN_E_SHAPE, "size holds %d numbers, one is needed", n);
    if (size && tn_dim_known(*size) && *size < 0)
        return tn_infer_fail(c, TN_E_INVALID, "size is %lld", (long long)*size);
    tn_infer_out(c, 0, t, 1, size ? size : (tn_dim[]){ TN_DIM_UNKNOWN });
    return TN_OK;
}

static tn_status window_run(tn_run *r) {
    tn_tensor *y = tn_out(r, 0);
    const double *a = weights[r->node->op->arg];
    int64_t size = y->dims[0], n = size - !((const spectral *)r->attrs)->periodic;
    tn_ticks ticks = { 0 };
    for (int64_t k = 0; k < size && !tn_ticks_stopped(&ticks, 64); k++) {
        double angle = 2 * PI * (double)k / (double)n;
        tn_set_f64(y->dtype, y->data, k, a[0] - a[1] * cos(angle) + a[2] * cos(2 * angle));
    }
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------- mel scale */

static tn_status mel_infer(tn_infer *c) {
    tn_dtype t;
    int64_t bands, length;
    tn_dim dims[2] = { TN_DIM_UNKNOWN, TN_DIM_UNKNOWN };
    TN_TRY(out_type(c, &t));
    for (int i = 0; i < 5; i++)
        if (tn_infer_rank(c, i) > 1) return tn_infer_fail(c, TN_E_SHAPE, "input %d is not a scalar", i);
    if (tn_infer_int(c, 0, &bands)) dims[1] = bands;
    if (tn_infer_int(c, 1, &length)) {
        if (length < 1) return tn_infer_fail(c, TN_E_INVALID, "dft_length is %lld", (long long)length);
        dims[0] = length / 2 + 1;
    }
    if (tn_dim_known(dims[1]) && bands < 1)
        return tn_infer_fail(c, TN_E_INVALID, "num_mel_bins is %lld", (long long)bands);
    tn_infer_out(c, 0, t, 2, dims);
    return TN_OK;
}

static double number(const tn_run *r, int i) {
    const tn_tensor *t = tn_in(r, i);
    return tn_count(t) > 0 ? tn_get_f64(t->dtype, t->data, 0) : NAN;
}

/* The bin of the k-th of bands + 2 points that lie evenly on the mel scale. */
static double bin_of(double k, double bands, double low, double high, double length, double rate) {
    double from = 2595 * log10(1 + low / 700), to = 2595 * log10(1 + high / 700);
    double hertz = 700 * (pow(10, (k * (to - from) / (bands + 2) + from) / 2595) - 1);
    return fmax(floor((length + 1) * hertz / rate), 0); /* rounding may have gone below */
}

static tn_status mel_run(tn_run *r) {
    tn_tensor *y = tn_out(r, 0);
    int64_t bins = y->dims[0], bands = y->dims[1];
    double length = number(r, 1), rate = number(r, 2), low = number(r, 3), high = number(r, 4);
    if (!(rate > 0) || !(low >= 0) || !(high >= low) || !(high < 1e18))
        return tn_op_fail(r->node, TN_E_INVALID, "edges of %g and %g Hz at a sample rate of %g Hz", low, high, rate);
    size_t bytes = 0;
    tn_dtype_bytes(y->dtype, tn_count(y), &bytes);
    tn_ticks ticks = { 0 };
    tn_budget_clear(y->data, bytes);
    for (int64_t i = 0; i < bands && !tn_ticks_stopped(&ticks, 256 + 4 * (uint64_t)bins); i++) {
        double at[3]; /* left foot, peak, right foot of the triangle */
        for (int k = 0; k < 3; k++) at[k] = bin_of((double)(i + k), (double)bands, low, high, length, rate);
        if (at[0] == at[1] && at[1] < (double)bins) tn_set_f64(y->dtype, y->data, (int64_t)at[1] * bands + i, 1);
        for (double j = at[0]; j <= at[1] && j < (double)bins && at[1] > at[0]; j++)
            tn_set_f64(y->dtype, y->data, (int64_t)j * bands + i, (j - at[0]) / (at[1] - at[0]));
        for (double j = at[1]; j < at[2] && j < (double)bins; j++)
            tn_set_f64(y->dtype, y->data, (int64_t)j * bands + i, (at[2] - j) / (at[2] - at[1]));
    }
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------------ rows */

static const tn_port window_in[] = { { "size", TN_INDEX, 0 }, { 0 } };
static const tn_port numbers_out[] = { { "output", TN_REAL, 0 }, { 0 } };
static const tn_port mel_in[] = { { "num_mel_bins", TN_INDEX, 'I' },      { "dft_length", TN_INDEX, 'I' },
                                  { "sample_rate", TN_INDEX, 'I' },       { "lower_edge_hertz", TN_FLOATS, 'F' },
                                  { "upper_edge_hertz", TN_FLOATS, 'F' }, { 0 } };
static const tn_attr_spec window_attrs[] = { { TN_DTYPE(spectral, output_datatype, TN_F32) },
                                             { TN_FLAG(spectral, periodic, true), .min = 0, .max = 1 },
                                             { 0 } };
static const tn_attr_spec mel_attrs[] = { { TN_DTYPE(spectral, output_datatype, TN_F32) }, { 0 } };

#define WINDOW(name_, arg_)                                                                                         \
    {                                                                                                               \
        .name = name_ "Window", .since = 17, .in = window_in, .out = numbers_out, TN_ATTRS(window_attrs, spectral), \
        .infer = window_infer, .run = window_run, .grad = tn_grad_none, .arg = arg_,                                \
        .doc = "the weights of a " name_ " window"                                                                  \
    }
const tn_op tn_ops_spectrum[] = {
    WINDOW("Hann", 0),
    WINDOW("Hamming", 1),
    WINDOW("Blackman", 2),
    { .name = "MelWeightMatrix",
      .since = 17,
      .in = mel_in,
      .out = numbers_out,
      TN_ATTRS(mel_attrs, spectral),
      .infer = mel_infer,
      .run = mel_run,
      .grad = tn_grad_none,
      .doc = "triangles on the mel scale that sum the bins of a spectrum into bands" },
    { 0 },
};
