/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* kernel.h - the kernel families of this CPU: tables of function pointers, filled once.
 *
 * Every family has a header of its own (gemm.h, vec.h, ...) with a struct of function pointers, and one constant table
 * per instruction set. `ref` has every pointer; a faster set lays over it what it does better. Hot code takes the
 * pointer and never asks about the CPU.
 *
 * Tables are data, and the code that lays them over each other is compiled for the baseline: nothing of a file that is
 * built for an instruction set may run before the CPU was asked, or tables could not be listed on a machine that lacks
 * the set. */
#ifndef TN_KERNEL_KERNEL_H
#define TN_KERNEL_KERNEL_H

#include "base/cpu.h"
#include "kernel/families.h"

typedef struct tn_kernels {
    unsigned cpu; /* the flags it was filled for */
#define X(family) tn_##family##_kernels family;
    TN_KERNEL_FAMILIES(X)
#undef X
} tn_kernels;

/** The tables of one instruction set. One of conv, gemm, qgemm or qconv, which have numbers beside their functions,
 * replaces all that lies below unless the set `adds`; in those of the other families NULL leaves the function that lies
 * below. */
typedef struct tn_kernel_set {
    unsigned needs;                                    /* features, all of them */
    bool adds;                                         /* same sizes as below: NULL and 0 leave what lies there */
#define X(family) const tn_##family##_kernels *family; /* NULL: nothing of its own */
    TN_KERNEL_FAMILIES(X)
#undef X
} tn_kernel_set;

/** The tables for tn_cpu_flags(). */
const tn_kernels *tn_kernels_get(void);

/** Fills *k for any features, also such as this machine lacks: then its functions must not be called (`tenon ops` lists
 *  variants, tests compare them). */
void tn_kernels_fill(tn_kernels *k, unsigned cpu);

/** The same from any list of sets, lowest first. */
void tn_kernels_fill_from(tn_kernels *k, unsigned cpu, const tn_kernel_set *sets, size_t n);

#endif
