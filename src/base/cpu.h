/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* cpu.h - what this processor can do and which CPUs this process may use. Detected once; TN_CPU asks for less. */
#ifndef TN_BASE_CPU_H
#define TN_BASE_CPU_H

#include <stdbool.h>
#include <stddef.h>

/* id, name, as a set of features. x86 levels include the lower ones. */
enum {
    TN_CPU_ANY = 0,
    TN_CPU_AVX2 = 1 << 0,   /* AVX2, FMA, F16C; the OS saves ymm */
    TN_CPU_AVX512 = 1 << 1, /* F, BW, DQ, VL; the OS saves zmm */
    TN_CPU_AVX512VNNI = 1 << 2,
    TN_CPU_AVX512BF16 = 1 << 3,
    TN_CPU_AVXVNNI = 1 << 4, /* the 256-bit form */
    TN_CPU_NEON = 1 << 8,
    TN_CPU_DOTPROD = 1 << 9,
};

/** Features to use: detected, and reduced by TN_CPU=ref|avx2|avx512|avx512vnni|avx512bf16|native (read once).
 *  An unknown name is warned about and ignored. */
unsigned tn_cpu_flags(void);
unsigned tn_cpu_detected(void);                              /* what the machine has, whatever TN_CPU says */
int tn_cpu_parse(const char *name);                          /* the mask for such a name, or -1 */
const char *tn_cpu_name(unsigned mask, char *buf, size_t n); /* "avx512 vnni bf16", "ref" */
const char *tn_cpu_model(void);                              /* "AMD EPYC ...", "unknown" */

int tn_cpu_count(void);         /* threads worth starting: the affinity mask, reduced by the cgroup's quota */
int tn_cpu_allowed_count(void); /* CPUs in the affinity mask at the time of the first call */
int tn_cpu_allowed(int index);  /* the id of the index-th of them; wraps around */
size_t tn_cpu_cache(int level); /* bytes of the data cache a core sees at level 1, 2, 3; a guess if unknown */

#endif
