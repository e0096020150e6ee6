/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* conv_rows.h - pooling and copying of rows of blocked pixels, for both x86 vector widths: include conv_tile.h first.
 */
#ifndef TN_KERNEL_X86_CONV_ROWS_H
#define TN_KERNEL_X86_CONV_ROWS_H

static void copy(const float *x, int64_t x_step, int64_t n, float *y) {
    for (int64_t i = 0; i < n; i++, x += x_step) V_STORE(y + i * C, V_LOAD(x));
}

/* --------------------------------------------------------------------------------------------------------- pooling */

/* NaN stays: V_MAX gives its second argument when one is NaN. */
static inline __attribute__((always_inline)) tn_vf pool_take(bool sum, tn_vf a, tn_vf v) {
    if (sum) return a + v;
    return V_SEL(V_CMP(a, a, _CMP_UNORD_Q), a, V_MAX(a, v));
}
#define POOL(a, v) pool_take(sum, a, v)

/* `n` columns `step` floats apart of each row. Four sums at a time where windows are wide. */
static inline __attribute__((always_inline)) tn_vf pool_window(const tn_pooling_row *r, const float *x, int64_t n,
                                                               int64_t step, bool sum) {
    tn_vf a = V_SET(sum ? 0 : -__builtin_inff());
    if (n >= 8) {
        tn_vf b = a, c = a, d = a;
        for (int64_t row = 0; row < r->rows; row++, x += r->row_step) {
            int64_t t = 0;
            for (; t + 4 <= n; t += 4) {
                const float *v = x + t * step;
                a = POOL(a, V_LOAD(v)), b = POOL(b, V_LOAD(v + step));
                c = POOL(c, V_LOAD(v + 2 * step)), d = POOL(d, V_LOAD(v + 3 * step));
            }
            for (; t < n; t++) a = POOL(a, V_LOAD(x + t * step));
        }
        return POOL(POOL(a, b), POOL(c, d));
    }
    for (int64_t row = 0; row < r->rows; row++, x += r->row_step)
        for (int64_t t = 0; t < n; t++) a = POOL(a, V_LOAD(x + t * step));
    return a;
}

/* The same where n is small and known. */
static inline __attribute__((always_inline)) tn_vf pool_small(const tn_pooling_row *r, const float *x, int n,
                                                              int64_t step, bool sum) {
    tn_vf a = V_SET(sum ? 0 : -__builtin_inff());
    for (int64_t row = 0; row < r->rows; row++, x += r->row_step) {
        a = POOL(a, V_LOAD(x));
        if (n > 1) a = POOL(a, V_LOAD(x + step));
        if (n > 2) a = POOL(a, V_LOAD(x + 2 * step));
    }
    return a;
}

static inline __attribute__((always_inline)) void pool_row(const tn_pooling_row *r, bool sum) {
    int64_t step = r->dilation * C, reach = (r->kernel - 1) * r->dilation;
    for (int64_t o = 0; o < r->ow; o++) {
        int64_t at = o * r->stride - r->pad, from = 0, to = r->kernel;
        if (at < 0) from = (-at + r->dilation - 1) / r->dilation;
        if (at + reach >= r->w) to = at >= r->w ? 0 : (r->w - at + r->dilation - 1) / r->dilation;
        if (to < from) to = from;
        const float *x = r->x + (at + from * r->dilation) * C;
        int64_t n = to - from;
        tn_vf v = n == 3   ? pool_small(r, x, 3, step, sum)
                  : n == 2 ? pool_small(r, x, 2, step, sum)
                           : pool_window(r, x, n, step, sum);
        if (r->scale) v = v * V_SET(r->scale[o]);
        V_STORE(r->y + o * C, v);
    }
}

static void max_row(const tn_pooling_row *r) { pool_row(r, false); }
static void sum_row(const tn_pooling_row *r) { pool_row(r, true); }

#endif
