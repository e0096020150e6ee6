/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qgemm.c - the 8-bit matrix product in plain C: the definition of correct. Elements are widened to 16 bits. */
#include "kernel/qgemm.h"

enum { NR = 8, KR = 1, SHIFT_A = 0, SHIFT_B = 0 };
typedef int16_t elem_a, elem_b;
#include "kernel/qgemm_parts.h"

static void strip(const tn_qgemm_strip *s) {
    for (int64_t i = 0; i < s->m; i++) {
        const elem_a *a = (const elem_a *)((const char *)s->a + i * s->lda);
        const elem_b *b = s->b;
        uint32_t sum[NR] = { 0 }; /* wraps */
        int32_t acc[NR];
        for (int64_t p = 0; p < s->groups; p++)
            for (int j = 0; j < NR; j++) sum[j] += (uint32_t)(a[p] * b[p * NR + j]);
        memcpy(acc, sum, sizeof acc);
        finish(s, acc, i, 1);
    }
}

const tn_qgemm_kernels tn_qgemm_table_ref = QGEMM_KERNELS(1);
