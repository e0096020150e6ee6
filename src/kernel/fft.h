/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* fft.h - discrete Fourier transforms of any length, float32 and float64, several signals at a time.
 *
 * Lengths whose prime factors are all small go through mixed-radix passes that put the result in order as they go
 * (Stockham's method); any other length is a convolution with a chirp, done by transforms of a longer, smooth length
 * (Bluestein's method). Signals lie side by side: element t of signal b is at [t * batch + b], real and imaginary parts
 * in arrays of their own, so that every pass is a loop over contiguous memory. An inverse transform is a forward one
 * with the two arrays exchanged.
 * Sources: Cochran et al., Proc. IEEE 55(10), 1967; Bluestein, IEEE Trans. AU-18(4), 1970. */
#ifndef TN_KERNEL_FFT_H
#define TN_KERNEL_FFT_H

#include "tenon.h"

enum {
    TN_FFT_RADIX_MAX = 32, /* radices are smaller */
    TN_FFT_SKEW = 1088     /* bytes to leave between arrays given to a run, which makes powers of two fast */
};

/** One pass of a transform of r * m points: y[s (r p + j) + q] = w[p][j] * sum over k of x[s (p + m k) + q] e^(-2 pi i
 *  j k / r), for p < m, j < r, q < s. w holds m rows of r - 1 complex numbers (j >= 1), then the r-th roots of one. */
typedef struct tn_fft_kernels {
    void (*pass_f32)(int r, int64_t m, int64_t s, const float *w, const float *xr, const float *xi, float *yr,
                     float *yi);
    void (*pass_f64)(int r, int64_t m, int64_t s, const double *w, const double *xr, const double *xi, double *yr,
                     double *yi);
} tn_fft_kernels;

extern const tn_fft_kernels tn_fft_table_ref; /* plain C, every field; other sets: kernel/kernel.h */

typedef struct tn_fft tn_fft; /* a plan; immutable, so threads may share it */

/** Plans transforms of n points in element type t (TN_F32 or TN_F64).
 *  n        1 .. 2^40
 *  errors   TN_E_LIMIT, TN_E_NOMEM
 *  owns     the caller owns *out: tn_fft_free */
tn_status tn_fft_new(tn_dtype t, int64_t n, tn_fft **out);
void tn_fft_free(tn_fft **f); /* NULL is fine */
int64_t tn_fft_length(const tn_fft *f);
tn_dtype tn_fft_dtype(const tn_fft *f);

/** Elements of scratch (of the plan's type) that a run with this batch needs; -1 when that cannot be counted. */
int64_t tn_fft_scratch(const tn_fft *f, int64_t batch);

/** Transforms `batch` signals in place; re and im hold n * batch elements each. Not scaled. */
void tn_fft_run(const tn_fft_kernels *k, const tn_fft *f, int64_t batch, void *re, void *im, void *scratch);

#endif
