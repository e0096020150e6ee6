/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* coded.c - products of split weights in plain C: the definition of correct. How blocks are split is defined in
 * tensor/encoding_split.c. */
#include "kernel/coded.h"
#include "tensor/encoding_split.h"
#include <math.h>

#define FIELDS(bits)                                                                                  \
    static void fields_##bits(int64_t n, const uint8_t *q, int8_t *code) {                            \
        for (int64_t i = 0; i < n; i++) code[i] = (int8_t)(tn_field(q, bits, i) - (1 << (bits - 1))); \
    }
FIELDS(2)
FIELDS(3)
FIELDS(4)
FIELDS(5)
FIELDS(6)
FIELDS(7)
FIELDS(8)

static void values(int64_t n, const int8_t *code, int shift, const float *scale, const float *offset, float *out) {
    for (int64_t i = 0; i < n; i++)
        out[i] = scale[i / TN_GROUP >> shift] * (float)code[i] + (offset ? offset[i / TN_GROUP] : 0);
}

static float largest(const float *x) {
    float most = 0;
    for (int i = 0; i < TN_CODED_STEP; i++) {
        if (!isfinite(x[i])) return NAN;
        if (fabsf(x[i]) > most) most = fabsf(x[i]);
    }
    return most;
}

static void round_rows(int64_t n, const float *x, int8_t *code, float *scale, float *sum) {
    for (int64_t b = 0; b < n / TN_CODED_STEP; b++, x += TN_CODED_STEP, code += TN_CODED_STEP) {
        float most = largest(x), by = most >= 0x1p-120f ? 127.0f / most : 0.0f;
        scale[b] = isnan(most) ? NAN : by > 0 ? most / 127.0f : 0.0f;
        for (int g = 0; g < TN_CODED_STEP / TN_GROUP; g++) {
            int total = 0;
            for (int i = g * TN_GROUP; i < (g + 1) * TN_GROUP; i++) {
                code[i] = by > 0 ? (int8_t)lrintf(x[i] * by) : 0;
                total += code[i];
            }
            sum[b * 2 + g] = scale[b] * (float)total;
        }
    }
}

static double weight(const tn_coded_dot *d, int64_t e) {
    return (double)d->scale[e / TN_GROUP >> d->shift] * d->code[e];
}

static double offsets(const tn_coded_dot *d, int r) {
    double y = 0;
    for (int64_t g = 0; d->offset && g < d->n / TN_GROUP; g++)
        y += (double)d->offset[g] * (double)d->rows.sum[r * d->rows.lda / TN_GROUP + g];
    return y;
}

static void dot(const tn_coded_dot *d, float *y) {
    for (int r = 0; r < d->rows.m; r++) {
        double sum = offsets(d, r);
        int64_t at = r * d->rows.lda;
        for (int64_t e = 0; e < d->n; e++)
            sum += weight(d, e) * d->rows.a[at + e] * (double)d->rows.a_scale[(at + e) / TN_CODED_STEP];
        y[r] += (float)sum;
    }
}

static void dot_float(const tn_coded_dot *d, float *y) {
    for (int r = 0; r < d->rows.m; r++) {
        double sum = offsets(d, r);
        for (int64_t e = 0; e < d->n; e++) sum += weight(d, e) * (double)d->rows.x[r * d->rows.lda + e];
        y[r] += (float)sum;
    }
}

static double tile_sum(const tn_coded_tile *t, const tn_coded_strip *w, int r) {
    double sum = 0;
    for (int64_t e = 0; e < t->n; e++)
        sum += (double)w->scale[e / t->group] * w->code[e] * t->a[(e / 4 * TN_TILE_ROWS + r) * 4 + e % 4] *
               (double)t->a_scale[e / TN_CODED_STEP * TN_TILE_ROWS + r];
    for (int64_t g = 0; t->offsets && g < t->n / t->group; g++)
        sum += (double)w->offset[g] * (double)t->sum[g * TN_TILE_ROWS + r];
    return sum;
}

static void tile(const tn_coded_tile *t, float *y) {
    for (int c = 0; c < TN_TILE_COLUMNS; c++)
        for (int r = 0; r < t->rows; r++) y[c * TN_TILE_ROWS + r] += (float)tile_sum(t, &t->w[c], r);
}

const tn_coded_kernels tn_coded_table_ref = {
    .split = {
#define X(id, block, bytes, gguf, how) [TN_ENC_##id] = tn_split_##how,
        TN_BLOCK_ENCODINGS(X)
#undef X
    },
    .fields = { NULL, NULL, fields_2, fields_3, fields_4, fields_5, fields_6, fields_7, fields_8 },
    .values = values,
    .round = round_rows,
    .dot = dot,
    .dot_float = dot_float,
    .tile = tile,
};
