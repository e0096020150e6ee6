/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* tables.h - the tables of the x86 instruction sets: x86/<family>_<set>.c defines TN_TABLE(family, set), a constant.
 *
 * Files of an instruction set hold constants and static functions, nothing else (scripts/isa_symbols.sh looks):
 * whatever the compiler made of one with its wider instructions runs only through a pointer that was taken after the
 * CPU was asked. Tests build the same files a second time for machines that lack the set, under names of their own. */
#ifndef TN_KERNEL_X86_TABLES_H
#define TN_KERNEL_X86_TABLES_H

#include "base/cpu.h"
#include "kernel/families.h"

#ifndef TN_TABLE
#define TN_TABLE(family, set) tn_##family##_table_##set
#endif

#define TN_DECLARE(family) extern const tn_##family##_kernels TN_TABLE(family, avx2), TN_TABLE(family, avx512);
TN_KERNEL_FAMILIES(TN_DECLARE)
#undef TN_DECLARE
extern const tn_qgemm_kernels TN_TABLE(qgemm, avx512vnni), TN_TABLE(qgemm, avxvnni);
extern const tn_gemm_kernels TN_TABLE(gemm, avx512bf16);
extern const tn_conv_kernels TN_TABLE(conv, avx512bf16);
extern const tn_qconv_kernels TN_TABLE(qconv, avx512vnni), TN_TABLE(qconv, avxvnni);
extern const tn_coded_kernels TN_TABLE(coded, avx512vnni), TN_TABLE(coded, avxvnni);

/* The rows of an array of tn_kernel_set (kernel/kernel.h). */
#define TN_ROW_AVX2(family)   .family = &TN_TABLE(family, avx2),
#define TN_ROW_AVX512(family) .family = &TN_TABLE(family, avx512),
#define TN_X86_SETS                                                                                    \
    { .needs = TN_CPU_AVX2, TN_KERNEL_FAMILIES(TN_ROW_AVX2) },                                         \
        { .needs = TN_CPU_AVX2 | TN_CPU_AVXVNNI,                                                       \
          .qgemm = &TN_TABLE(qgemm, avxvnni),                                                          \
          .qconv = &TN_TABLE(qconv, avxvnni),                                                          \
          .coded = &TN_TABLE(coded, avxvnni) },                                                        \
        { .needs = TN_CPU_AVX2 | TN_CPU_AVX512, TN_KERNEL_FAMILIES(TN_ROW_AVX512) },                   \
        { .needs = TN_CPU_AVX512 | TN_CPU_AVX512VNNI,                                                  \
          .qgemm = &TN_TABLE(qgemm, avx512vnni),                                                       \
          .qconv = &TN_TABLE(qconv, avx512vnni),                                                       \
          .coded = &TN_TABLE(coded, avx512vnni) },                                                     \
    {                                                                                                  \
        .needs = TN_CPU_AVX512 | TN_CPU_AVX512BF16, .adds = true, .gemm = &TN_TABLE(gemm, avx512bf16), \
        .conv = &TN_TABLE(conv, avx512bf16)                                                            \
    }

#endif
