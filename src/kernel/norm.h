/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* norm.h - normalisations of f32 tensors. Means come first and deviations second (two passes over data in cache), so
 * that a large mean does not eat the variance. y may be x everywhere. */
#ifndef TN_KERNEL_NORM_H
#define TN_KERNEL_NORM_H

#include "base/pool.h"

/** Each of `rows` rows of n: y = (x - mean) / sqrt(var + eps) * gamma + beta. gamma, beta: n floats or NULL.
 *  mean, rstd: where those of each row go, or NULL. */
void tn_layer_norm_run(int64_t rows, int64_t n, const float *x, const float *gamma, const float *beta, float eps,
                       float *y, float *mean, float *rstd, tn_pool *pool);

/** Each of `rows` rows of n: y = x / sqrt(mean(x^2) + eps) * gamma. rstd may be NULL. */
void tn_rms_norm_run(int64_t rows, int64_t n, const float *x, const float *gamma, float eps, float *y, float *rstd,
                     tn_pool *pool);

/** x is [batch][channels][inner]; the channels of a group share mean and variance; gamma and beta are per channel or
 *  NULL. groups divides channels; groups == channels is instance normalisation. */
void tn_group_norm_run(int64_t batch, int64_t channels, int64_t groups, int64_t inner, const float *x,
                       const float *gamma, const float *beta, float eps, float *y, tn_pool *pool);

/** x is [batch][channels][inner]: y = x scale[c] + shift[c]. */
void tn_channel_affine_run(int64_t batch, int64_t channels, int64_t inner, const float *x, const float *scale,
                           const float *shift, float *y, tn_pool *pool);

/** The scale and shift by which batch normalisation with fixed statistics works (scale may be gamma, shift beta). */
void tn_batch_norm_fold(int64_t channels, const float *gamma, const float *beta, const float *mean, const float *var,
                        float eps, float *scale, float *shift);

#endif
