/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* conv.c - convolution in plain C: the definition for every description, and tiles for machines without a faster set.
 *
 * The definition gathers for every output element; a transposed convolution is gathered too: output position o takes
 * from input position i where i * stride + tap * dilation - pad == o. */
#include "kernel/conv.h"
#include "base/budget.h"
#include <string.h>

enum { C = 8 };

/* ----------------------------------------------------------------------------------------------------- definition */

/* Offset of (image, channel, position 0) and the distance between neighbouring positions. */
static int64_t at_channel(tn_conv_layout layout, int block, int64_t channels, int64_t area, int64_t image, int64_t c) {
    if (layout == TN_LAYOUT_PLAIN) return (image * channels + c) * area;
    int64_t blocks = (channels + block - 1) / block;
    return ((image * blocks + c / block) * area) * block + c % block;
}

/* Where tap t of dimension i reads for output o, or -1. */
static int64_t source(const tn_conv_desc *d, int i, int64_t o, int64_t t) {
    int64_t at;
    if (d->transposed) {
        at = o + d->pad[i] - t * d->dilation[i];
        if (at < 0 || at % d->stride[i]) return -1;
        at /= d->stride[i];
    } else {
        at = o * d->stride[i] - d->pad[i] + t * d->dilation[i];
    }
    return at >= 0 && at < d->in[i] ? at : -1;
}

static double sum_at(const tn_conv_desc *d, const float *x, int64_t x_channel, int64_t x_step, int64_t channels,
                     const float *w, int64_t w_channel, const int64_t *o) {
    int64_t tap[TN_CONV_RANK] = { 0 }, index = 0;
    double sum = 0;
    for (;;) {
        int64_t at = 0, s = 0;
        for (int i = 0; i < d->rank && s >= 0; i++) {
            s = source(d, i, o[i], tap[i]);
            at = at * d->in[i] + s;
        }
        if (s >= 0)
            for (int64_t c = 0; c < channels; c++)
                sum += (double)x[c * x_channel + at * x_step] * (double)w[c * w_channel + index];
        index++;
        int i = d->rank - 1;
        while (i >= 0 && ++tap[i] == d->kernel[i]) tap[i--] = 0;
        if (i < 0) return sum;
    }
}

void tn_conv_ref_part(const tn_conv_desc *d, int block, const float *x, const float *w, const float *bias,
                      const float *residual, float *y, int64_t oc_begin, int64_t oc_end) {
    bool yb = d->y_layout == TN_LAYOUT_BLOCKED, xb = d->x_layout == TN_LAYOUT_BLOCKED;
    int64_t in = 1, out = 1, taps = 1, ics = d->ic / d->group, ocs = d->oc / d->group;
    for (int i = 0; i < d->rank; i++) in *= d->in[i], out *= d->out[i], taps *= d->kernel[i];
    for (int64_t image = 0; image < d->n; image++) {
        for (int64_t oc = oc_begin; oc < oc_end; oc++) {
            int64_t to = at_channel(d->y_layout, block, d->oc, out, image, oc), step = yb ? block : 1;
            int64_t first = oc / ocs * ics, o[TN_CONV_RANK] = { 0 };
            tn_ticks ticks = { 0 };
            for (int64_t p = 0; p < out; p++, to += step) {
                if (oc >= d->oc) {
                    y[to] = 0;
                    continue;
                }
                double sum = bias ? (double)bias[oc] : 0;
                if (tn_ticks_stopped(&ticks, (uint64_t)(ics * taps))) return;
                for (int64_t c = 0; c < ics;) { /* runs of channels at one distance */
                    int64_t run = xb ? block - (first + c) % block : ics;
                    if (run > ics - c) run = ics - c;
                    const float *wc =
                        d->transposed ? w + ((first + c) * ocs + oc % ocs) * taps : w + (oc * ics + c) * taps;
                    sum += sum_at(d, x + at_channel(d->x_layout, block, d->ic, in, image, first + c), xb ? 1 : in,
                                  xb ? block : 1, run, wc, d->transposed ? ocs * taps : taps, o);
                    c += run;
                }
                if (residual) sum += (double)residual[to];
                y[to] = tn_act_scalar(d->act, (float)sum);
                int i = d->rank - 1;
                while (i >= 0 && ++o[i] == d->out[i]) o[i--] = 0;
            }
        }
    }
}

void tn_conv_ref(const tn_conv_desc *d, int block, const float *x, const float *w, const float *bias,
                 const float *residual, float *y) {
    int64_t padded = d->y_layout == TN_LAYOUT_BLOCKED ? (d->oc + block - 1) / block * block : d->oc;
    tn_conv_ref_part(d, block, x, w, bias, residual, y, 0, padded);
}

/* ---------------------------------------------------------------------------------------------------------- tiles */

typedef struct {
    float s[TN_CONV_P][TN_CONV_B][C];
} sums;

static void begin(const tn_conv_tile *t, sums *a) {
    for (int p = 0; p < t->pixels; p++)
        for (int b = 0; b < t->blocks; b++)
            for (int i = 0; i < C; i++)
                a->s[p][b][i] =
                    (t->bias ? t->bias[b * C + i] : 0) + (t->add ? t->add[p * t->y_pixel + b * t->y_block + i] : 0);
}

static void finish(const tn_conv_tile *t, const sums *a) {
    for (int p = 0; p < t->pixels; p++)
        for (int b = 0; b < t->blocks; b++) {
            float *y = t->y + p * t->y_pixel + b * t->y_block;
            memcpy(y, a->s[p][b], sizeof a->s[p][b]);
            if (t->act) tn_act_array(*t->act, y, y, C);
        }
}

static void add_channel(const tn_conv_tile *t, sums *a, const float *x, int64_t x_pixel, const float *w) {
    for (int p = 0; p < t->pixels; p++)
        for (int b = 0; b < t->blocks; b++)
            for (int i = 0; i < C; i++) a->s[p][b][i] += w[b * C + i] * x[p * x_pixel];
}

static void gemm(const tn_conv_tile *t) {
    sums a;
    begin(t, &a);
    for (const tn_conv_tap *tap = t->taps; tap != t->taps + t->ntaps; tap++)
        for (int k = 0; k < 4 * tap->n; k++)
            add_channel(t, &a, t->x + tap->x + k, C, t->w + ((int64_t)tap->w + k * C) * t->blocks);
    finish(t, &a);
}

static void thin(const tn_conv_tile *t) {
    sums a;
    begin(t, &a);
    for (const tn_conv_tap *tap = t->taps; tap != t->taps + t->ntaps; tap++)
        add_channel(t, &a, t->x + tap->x, 1, t->w + (int64_t)tap->w * t->blocks);
    finish(t, &a);
}

static void dw(const tn_conv_tile *t) {
    sums a;
    begin(t, &a);
    for (const tn_conv_tap *tap = t->taps; tap != t->taps + t->ntaps; tap++)
        for (int n = 0; n < tap->n; n++)
            for (int p = 0; p < t->pixels; p++)
                for (int i = 0; i < C; i++)
                    a.s[p][0][i] += t->x[tap->x + (p + n) * C + i] * t->w[tap->w + n * tap->step + i];
    finish(t, &a);
}

/* --------------------------------------------------------------------------------------------------------- layouts */

static void to_blocked(const float *x, int64_t x_channel, int channels, int64_t n, float *y) {
    for (int64_t p = 0; p < n; p++)
        for (int i = 0; i < C; i++) y[p * C + i] = i < channels ? x[i * x_channel + p] : 0;
}

static void from_blocked(const float *x, int64_t y_channel, int channels, int64_t n, float *y) {
    for (int i = 0; i < channels; i++)
        for (int64_t p = 0; p < n; p++) y[i * y_channel + p] = x[p * C + i];
}

/* ------------------------------------------------------------------------------------------- Winograd's transforms */

#define P 0.70710678118654752f
#define Q 1.41421356237309505f

static const float in_matrix[6][6] = { { 1, 0, -2.5f, 0, 1, 0 },      { 0, -2 * P, -2, P, 1, 0 },
                                       { 0, 2 * P, -2, -P, 1, 0 },    { 0, -Q / 2, -0.5f, Q, 1, 0 },
                                       { 0, Q / 2, -0.5f, -Q, 1, 0 }, { 0, 1, 0, -2.5f, 0, 1 } };
static const float out_matrix[4][6] = {
    { 1, 1, 1, 1, 1, 0 }, { 0, P, -P, Q, -Q, 0 }, { 0, 0.5f, 0.5f, 2, 2, 0 }, { 0, P / 2, -P / 2, 2 * Q, -2 * Q, 1 }
};

/* matrix (rows x 6) times the 6 x 6 at x, lane i, times the transposed matrix. */
static void both_sides(const float (*matrix)[6], int rows, const float *x, int64_t row, int64_t column, float *y) {
    float t[6][6];
    for (int r = 0; r < rows; r++)
        for (int j = 0; j < 6; j++) {
            t[r][j] = 0;
            for (int i = 0; i < 6; i++) t[r][j] += matrix[r][i] * x[i * row + j * column];
        }
    for (int r = 0; r < rows; r++)
        for (int s = 0; s < rows; s++) {
            y[r * rows + s] = 0;
            for (int j = 0; j < 6; j++) y[r * rows + s] += t[r][j] * matrix[s][j];
        }
}

static void winograd_in(const float *x, int64_t row, float *v, int64_t step) {
    for (int i = 0; i < C; i++) {
        float y[36];
        both_sides(in_matrix, 6, x + i, row, C, y);
        for (int e = 0; e < 36; e++) v[e * step + i] = y[e];
    }
}

static void winograd_out(const float *m, int64_t step, const float *bias, const float *add, float *y, int64_t row,
                         int rows, int columns, const tn_activation *act) {
    for (int i = 0; i < C; i++) {
        float t[16];
        both_sides(out_matrix, 4, m + i, 6 * step, step, t);
        for (int r = 0; r < rows; r++)
            for (int s = 0; s < columns; s++) {
                int64_t at = r * row + s * C + i;
                y[at] = tn_act_scalar(*act, t[r * 4 + s] + bias[i] + (add ? add[at] : 0));
            }
    }
}

static void pick(const float *x, int64_t step, int64_t n, float *y) {
    for (int64_t i = 0; i < n; i++) y[i] = x[i * step];
}

static void copy(const float *x, int64_t x_step, int64_t n, float *y) {
    for (int64_t i = 0; i < n; i++) memcpy(y + i * C, x + i * x_step, C * sizeof *y);
}

/* --------------------------------------------------------------------------------------------------------- pooling */

static void pool_row(const tn_pooling_row *r, bool sum) {
    for (int64_t o = 0; o < r->ow; o++) {
        float *y = r->y + o * C;
        for (int i = 0; i < C; i++) y[i] = sum ? 0 : -__builtin_inff();
        for (int64_t row = 0; row < r->rows; row++)
            for (int64_t t = 0; t < r->kernel; t++) {
                int64_t at = o * r->stride - r->pad + t * r->dilation;
                if (at < 0 || at >= r->w) continue;
                const float *x = r->x + row * r->row_step + at * C;
                for (int i = 0; i < C; i++) y[i] = sum ? y[i] + x[i] : tn_max_or_nan(y[i], x[i]);
            }
        for (int i = 0; i < C && r->scale; i++) y[i] *= r->scale[o];
    }
}

static void max_row(const tn_pooling_row *r) { pool_row(r, false); }
static void sum_row(const tn_pooling_row *r) { pool_row(r, true); }

/* One function serves every size of tile. */
#define FOUR(f)  f, f, f, f
#define EIGHT(f) FOUR(f), FOUR(f)

const tn_conv_kernels tn_conv_table_ref = {
    .block = C,
    .px = { 8, 8, 4 },
    .gemm = { { EIGHT(gemm) }, { EIGHT(gemm) }, { FOUR(gemm) } },
    .thin = { { EIGHT(thin) }, { EIGHT(thin) }, { FOUR(thin) } },
    .dw = { EIGHT(dw) },
    .dw_px = 8,
    .to_blocked = to_blocked,
    .from_blocked = from_blocked,
    .pick = pick,
    .copy = copy,
    .winograd_in = winograd_in,
    .winograd_out = winograd_out,
    .max_row = max_row,
    .sum_row = sum_row,
};
