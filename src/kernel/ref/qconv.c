/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qconv.c - 8-bit convolutions in plain C: the definition of correct. */
#include "kernel/qconv.h"

enum { NR = 16 };
#include "kernel/qconv_parts.h"

/* A group's products are added to sums, which wrap; x: of its block of channels. */
static void add_group(const uint8_t *x, const uint8_t *pick, const int8_t *w, uint32_t *sum) {
    for (int j = 0; j < NR; j++)
        for (int k = 0; k < 4; k++) sum[j] += (uint32_t)(x[pick[k]] * w[4 * j + k]);
}

static void strip(const tn_qstrip *s) {
    const tn_qgroups *d = &s->doubles, *one = &s->singles;
    for (int64_t r = 0; r < s->rows; r++) {
        const uint8_t *x = s->x + s->row_at[r];
        uint32_t sum[NR] = { 0 };
        int32_t sums[NR];
        for (int64_t g = 0; g < 2 * d->n; g++)
            add_group(x + d->at[g / 2], d->pick + 4 * g, (const int8_t *)d->w + g * 4 * NR, sum);
        for (int64_t g = 0; g < one->n; g++)
            add_group(x + one->at[g], one->pick + 4 * g, (const int8_t *)one->w + g * 4 * NR, sum);
        memcpy(sums, sum, sizeof sums);
        end_row(s, sums, r);
    }
}

static void wide(const tn_qstrip *s) {
    for (int64_t r = 0; r < s->rows; r++) {
        uint32_t sum[NR] = { 0 };
        int32_t sums[NR];
        const int16_t *w = s->singles.w;
        for (int64_t g = 0; g < s->singles.n; g++)
            for (int k = 0; k < C; k += 2, w += 2 * NR) {
                const uint8_t *x = s->x + s->row_at[r] + s->singles.at[g] + k;
                for (int j = 0; j < NR; j++) sum[j] += (uint32_t)(x[0] * w[2 * j] + x[1] * w[2 * j + 1]);
            }
        memcpy(sums, sum, sizeof sums);
        end_row(s, sums, r);
    }
}

static void depthwise(const tn_qdepth *d) {
    size_t each = C * (d->end.y_type == TN_F32 ? sizeof(float) : 1);
    for (int64_t p = 0; p < d->n; p++) {
        int32_t sums[C] = { 0 };
        for (int64_t t = 0; t < 2 * d->pairs; t++) {
            const uint8_t *x = d->x + p * d->step + d->at[t];
            for (int i = 0; i < C; i++) sums[i] += x[i] * d->w[t / 2 * 2 * C + 2 * i + t % 2];
        }
        end_block(&d->end, sums, 0, C, d->y + (size_t)p * each);
    }
}

static void lookup(int64_t n, const uint8_t *table, const uint8_t *x, uint8_t *y) {
    for (int64_t i = 0; i < n; i++) y[i] = table[x[i]];
}

const tn_qconv_kernels tn_qconv_table_ref = QCONV_KERNELS(1, wide);
