/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* encoding_split.h - the functions that split blocks, for the table in encoding.c. */
#ifndef TN_TENSOR_ENCODING_SPLIT_H
#define TN_TENSOR_ENCODING_SPLIT_H

#include "tensor/encoding.h"

/* What fields of four bits name: the levels of IQ4_NL and IQ4_XS; float4 (e2m1) times two. */
static const int8_t tn_iq4_levels[16] = { -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113 };
static const int8_t tn_f4_twice[16] = { 0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12 };

#define TN_SPLIT(name) \
    void tn_split_##name(int64_t blocks, const uint8_t *from, int8_t *code, float *scale, float *offset);
/* clang-format off */
TN_SPLIT(q4_0) TN_SPLIT(q4_1) TN_SPLIT(q5_0) TN_SPLIT(q5_1) TN_SPLIT(q8_0) TN_SPLIT(q8_1) TN_SPLIT(iq4_nl)
TN_SPLIT(mxfp4) TN_SPLIT(nvfp4) TN_SPLIT(q2_k) TN_SPLIT(q3_k) TN_SPLIT(q4_k) TN_SPLIT(q5_k) TN_SPLIT(q6_k)
TN_SPLIT(q8_k) TN_SPLIT(iq4_xs) TN_SPLIT(tq1_0) TN_SPLIT(tq2_0)
TN_SPLIT(iq2_xxs) TN_SPLIT(iq2_xs) TN_SPLIT(iq2_s) TN_SPLIT(iq3_xxs) TN_SPLIT(iq3_s) TN_SPLIT(iq1_s) TN_SPLIT(iq1_m)
/* clang-format on */
#undef TN_SPLIT

#endif
