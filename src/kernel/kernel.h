/* kernel.h - the kernel families of this CPU: tables of function pointers, filled once.
 *
 * Every family has a header of its own (gemm.h, vec.h, ...) with a struct of function pointers, and one fill function
 * per instruction set. `ref` fills every pointer; a faster set then overwrites what it does better. Hot code takes
 * the pointer and never asks about the CPU. */
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

/** The tables for tn_cpu_flags(). */
const tn_kernels *tn_kernels_get(void);

/** Fills *k for any subset of features (tests compare the fills). */
void tn_kernels_fill(tn_kernels *k, unsigned cpu);

#endif
