/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* fft_passes.h - the passes of both element types for one translation unit. */
#ifndef TN_KERNEL_FFT_PASSES_H
#define TN_KERNEL_FFT_PASSES_H

#include "base/budget.h"
#include "kernel/fft.h"

enum { TN_FFT_PIECE = 1 << 14 };

#define REAL    float
#define NAME(x) x##_f32
#include "kernel/fft_pass.h"
#undef REAL
#undef NAME
#define REAL    double
#define NAME(x) x##_f64
#include "kernel/fft_pass.h"
#undef REAL
#undef NAME

#endif
