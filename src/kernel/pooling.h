/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* pooling.h - maximum, average and Lp pooling of f32 tensors, over windows or whole images. */
#ifndef TN_KERNEL_POOLING_H
#define TN_KERNEL_POOLING_H

#include "kernel/conv.h"

typedef enum { TN_POOLING_MAX, TN_POOLING_AVERAGE, TN_POOLING_LP } tn_pooling_kind;

/** x [n, channels, in..] to y [n, channels, out..], both plain or both blocked (maximum and average, rank <= 2).
 *  Windows reach over the borders; what lies outside is no element: the maximum ignores it, an average divides by the
 *  elements inside, or with count_include_pad by all within the padded image (`pad` before, `pad_end` behind: a window
 *  that ceil_mode lets reach further does not count the rest). A window without elements gives -inf, 0 or 0. The
 *  maximum of elements among which is NaN is NaN. */
typedef struct tn_pooling_desc {
    tn_pooling_kind kind;
    int rank;
    int64_t n, channels;
    int64_t in[TN_CONV_RANK], out[TN_CONV_RANK], kernel[TN_CONV_RANK], stride[TN_CONV_RANK], dilation[TN_CONV_RANK];
    int64_t pad[TN_CONV_RANK], pad_end[TN_CONV_RANK];
    bool count_include_pad;
    double p;          /* of Lp: (sum |x|^p)^(1/p) */
    bool column_major; /* indices count the image's elements along the first dimension first (storage_order = 1) */
    tn_conv_layout layout;
} tn_pooling_desc;

/** Sizes positive (n and in/out may be 0), no overflow, and the layout can do it. */
bool tn_pooling_valid(const tn_pooling_desc *d);

/** Bytes of 64-byte aligned scratch that make it fast; without any (NULL) it works too. */
size_t tn_pooling_scratch(const struct tn_kernels *k, const tn_pooling_desc *d, int threads);

/** indices: NULL, or for a plain maximum the flat position of each within [n, channels, in..] (ONNX MaxPool). */
void tn_pooling_run(const struct tn_kernels *k, const tn_pooling_desc *d, const float *x, float *y, int64_t *indices,
                    void *scratch, tn_pool *pool);

/** The definition, in plain C; block is the c of a blocked layout. */
void tn_pooling_ref(const tn_pooling_desc *d, int block, const float *x, float *y, int64_t *indices);

/** One value per channel: x [n, channels, pixels], y [n, channels] (blocked: [n, ceil(channels / c), c]). */
void tn_global_pooling(const struct tn_kernels *k, tn_pooling_kind kind, double p, int64_t n, int64_t channels,
                       int64_t pixels, tn_conv_layout layout, const float *x, float *y, tn_pool *pool);

#endif
