/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* families.h - the list of kernel families; a new family is one header, its fills, and one line here. */
#ifndef TN_KERNEL_FAMILIES_H
#define TN_KERNEL_FAMILIES_H

#include "kernel/coded.h"
#include "kernel/conv.h"
#include "kernel/fft.h"
#include "kernel/gemm.h"
#include "kernel/half.h"
#include "kernel/move.h"
#include "kernel/qconv.h"
#include "kernel/qgemm.h"
#include "kernel/reduce.h"
#include "kernel/resize.h"
#include "kernel/vec.h"

#define TN_KERNEL_FAMILIES(X) \
    X(vec)                    \
    X(gemm)                   \
    X(qgemm)                  \
    X(qconv)                  \
    X(coded)                  \
    X(conv)                   \
    X(reduce)                 \
    X(move)                   \
    X(resize)                 \
    X(fft)                    \
    X(half)

#endif
