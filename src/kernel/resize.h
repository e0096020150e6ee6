/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* resize.h - resampling along any axes: nearest, linear and cubic with every coordinate rule of ONNX Resize.
 *
 * Along each axis an output element is a weighted sum of a few input elements (taps); axes are independent, so an image
 * is resampled row by row: whole rows are blended first or last, and elements within a row gathered. */
#ifndef TN_KERNEL_RESIZE_H
#define TN_KERNEL_RESIZE_H

#include "base/pool.h"

typedef struct tn_resize_kernels {
    /* y[i] = sum over k < taps of w[k * n + i] * x[index[k * n + i]] */
    void (*gather_taps)(const float *x, const int32_t *index, const float *w, int taps, int64_t n, float *y);
    /* y[i] = x[index[i]], elements of 4 bytes */
    void (*gather)(const uint32_t *x, const int32_t *index, int64_t n, uint32_t *y);
    /* y = sum over k < taps of w[k] * rows[k] */
    void (*blend)(const float *const *rows, const float *w, int taps, int64_t n, float *y);
} tn_resize_kernels;

extern const tn_resize_kernels tn_resize_table_ref; /* plain C, every field; other sets: kernel/kernel.h */

typedef enum { TN_RESIZE_NEAREST, TN_RESIZE_LINEAR, TN_RESIZE_CUBIC } tn_resize_mode;

/* id, ONNX's name */
#define TN_RESIZE_COORDS(X)                         \
    X(HALF_PIXEL, "half_pixel")                     \
    X(HALF_PIXEL_SYMMETRIC, "half_pixel_symmetric") \
    X(PYTORCH_HALF_PIXEL, "pytorch_half_pixel")     \
    X(ALIGN_CORNERS, "align_corners")               \
    X(ASYMMETRIC, "asymmetric")                     \
    X(TF_CROP_AND_RESIZE, "tf_crop_and_resize")     \
    X(TF_HALF_PIXEL_FOR_NN, "tf_half_pixel_for_nn")
#define TN_RESIZE_NEARESTS(X)                   \
    X(ROUND_PREFER_FLOOR, "round_prefer_floor") \
    X(ROUND_PREFER_CEIL, "round_prefer_ceil")   \
    X(FLOOR, "floor")                           \
    X(CEIL, "ceil")

typedef enum {
#define X(id, name) TN_COORD_##id,
    TN_RESIZE_COORDS(X)
#undef X
        TN_COORD_COUNT
} tn_resize_coord;

typedef enum {
#define X(id, name) TN_NEAREST_##id,
    TN_RESIZE_NEARESTS(X)
#undef X
        TN_NEAREST_COUNT
} tn_resize_nearest;

extern const char *const tn_resize_coord_names[TN_COORD_COUNT], *const tn_resize_nearest_names[TN_NEAREST_COUNT];

typedef struct {
    tn_resize_mode mode;
    tn_resize_coord coord;
    tn_resize_nearest nearest;
    bool antialias, exclude_outside;
    float cubic_a;       /* -0.75 by default in ONNX */
    float extrapolation; /* tf_crop_and_resize: value of elements outside the picture */
} tn_resize_opts;

/** scales[d]: the scale as given or out/in (it decides coordinates; it need not be exactly out/in). roi: starts of all
 *  dimensions, then ends (tf_crop_and_resize), else NULL. NEAREST takes elements of any type; the other modes f32, and
 *  other real types through f32.
 *  errors   TN_E_TYPE, TN_E_LIMIT (a dimension over 2^31 - 1), TN_E_INVALID (no input elements, but outputs),
 *           TN_E_NOMEM. */
tn_status tn_resize_run(const tn_resize_opts *o, tn_dtype t, int rank, const int64_t *in, const int64_t *out,
                        const double *scales, const float *roi, const void *x, void *y, tn_pool *pool);

/** The same in float64, in plain C; back: the transpose, x having out[]'s shape and y in[]'s (the gradient). errors as
 * tn_resize_run */
tn_status tn_resize_f64(const tn_resize_opts *o, bool back, int rank, const int64_t *in, const int64_t *out,
                        const double *scales, const float *roi, const double *x, double *y);

typedef enum { TN_ASPECT_STRETCH, TN_ASPECT_NOT_LARGER, TN_ASPECT_NOT_SMALLER } tn_aspect;

/** Sizes wanted for `n` axes: the output's size and scale along each, by the aspect policy. */
void tn_resize_sizes(tn_aspect policy, int n, const int64_t *in, const int64_t *wanted, int64_t *out, double *scales);

#endif
