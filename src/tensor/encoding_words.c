/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* encoding_words.c - the int32 words of GPTQ's and AWQ's checkpoints as uniform rows. Layouts: AutoGPTQ's
 * qlinear modules, AutoAWQ's WQLinear_GEMM. */
#include "tensor/encoding.h"
#include <string.h>

/* Field f of a word. */
static unsigned field_of(uint32_t word, int bits, int f) { return word >> (f * bits) & ((1u << bits) - 1); }

/* Field j of a row of packed columns; AWQ deals out its eight. */
static unsigned column_of(const tn_packed_words *w, const uint32_t *row, int64_t j) {
    static const int dealt[8] = { 0, 4, 1, 5, 2, 6, 3, 7 };
    int per = 32 / w->bits, f = (int)(j % per);
    return field_of(row[j / per], w->bits, w->packing == TN_PACKING_AWQ ? dealt[f] : f);
}

static unsigned code_of(const tn_packed_words *w, int64_t i, int64_t j) {
    int per = 32 / w->bits;
    if (w->packing == TN_PACKING_AWQ) return column_of(w, w->codes + i * (w->n / per), j);
    return field_of(w->codes[i / per * w->n + j], w->bits, (int)(i % per));
}

static tn_status check(const tn_packed_words *w) {
    bool awq = w->packing == TN_PACKING_AWQ;
    if (w->bits != 4 && (awq || (w->bits != 2 && w->bits != 8)))
        return tn_fail(TN_E_UNSUPPORTED, "%s words of %d bits: %s can be", awq ? "AWQ" : "GPTQ", w->bits,
                       awq ? "4" : "2, 4 and 8");
    int per = 32 / w->bits;
    if (w->k < 1 || w->n < 1 || w->group < 1 || w->k % per || w->n % per || w->k % w->group)
        return tn_fail(TN_E_SHAPE, "packed weights [%lld, %lld] in groups of %lld: words hold %d, and groups divide K",
                       (long long)w->k, (long long)w->n, (long long)w->group, per);
    return TN_OK;
}

tn_status tn_packed_unpack(const tn_packed_words *w, uint8_t *codes, float *zeros, float *scales) {
    TN_TRY(check(w));
    int64_t per = 32 / w->bits, groups = w->k / w->group;
    int less = w->packing == TN_PACKING_GPTQ;
    memset(codes, 0, (size_t)(w->n * w->k * w->bits / 8));
    for (int64_t j = 0; j < w->n; j++) {
        for (int64_t i = 0; i < w->k; i++) {
            int64_t at = (j * w->k + i) * w->bits;
            codes[at / 8] |= (uint8_t)(code_of(w, i, j) << (at % 8));
        }
        for (int64_t g = 0; g < groups; g++) {
            zeros[j * groups + g] = (float)(column_of(w, w->zeros + g * (w->n / per), j) + (unsigned)less);
            scales[j * groups + g] = (float)tn_get_f64(w->scale_type, w->scales, g * w->n + j);
        }
    }
    return TN_OK;
}
