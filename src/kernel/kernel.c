/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* kernel.c - fills the tables: ref first, then what the CPU has, lowest set first. */
#include "kernel/kernel.h"
#include <pthread.h>
#include <string.h>
#if defined(__x86_64__)
#include "kernel/x86/tables.h"
static const tn_kernel_set sets[] = { TN_X86_SETS };
enum { SETS = sizeof sets / sizeof *sets };
#else
static const tn_kernel_set *const sets;
enum { SETS = 0 };
#endif

/* In these families numbers (the sizes of a tile) say how the functions are called: a table replaces all of them. */
enum {
    vec_is_whole = 0,
    gemm_is_whole = 1,
    qgemm_is_whole = 1,
    qconv_is_whole = 1,
    coded_is_whole = 0,
    conv_is_whole = 1,
    reduce_is_whole = 0,
    move_is_whole = 0,
    resize_is_whole = 0,
    fft_is_whole = 0,
    half_is_whole = 0,
};

/* The others are arrays of pointers, of which a table may lack some. */
static void lay(void *below, const void *table, size_t bytes, bool whole) {
    if (!table) return;
    for (size_t at = 0; at < bytes; at += sizeof(uintptr_t)) {
        uintptr_t word;
        memcpy(&word, (const char *)table + at, sizeof word);
        if (word || whole) memcpy((char *)below + at, &word, sizeof word);
    }
}

void tn_kernels_fill_from(tn_kernels *k, unsigned cpu, const tn_kernel_set *from, size_t n) {
    memset(k, 0, sizeof *k);
    k->cpu = cpu;
#define X(family)                                                                               \
    _Static_assert(sizeof(tn_##family##_kernels) % sizeof(uintptr_t) == 0, "a table of words"); \
    k->family = tn_##family##_table_ref;
    TN_KERNEL_FAMILIES(X)
#undef X
    for (size_t i = 0; i < n; i++) {
        if ((cpu & from[i].needs) != from[i].needs) continue;
#define X(family) lay(&k->family, from[i].family, sizeof k->family, family##_is_whole && !from[i].adds);
        TN_KERNEL_FAMILIES(X)
#undef X
    }
}

void tn_kernels_fill(tn_kernels *k, unsigned cpu) { tn_kernels_fill_from(k, cpu, sets, SETS); }

static tn_kernels current;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static void fill_current(void) {
    tn_kernels_fill(&current, tn_cpu_flags());
    tn_convert_use(&current.half); /* conversions are a floor below: they cannot ask */
}

const tn_kernels *tn_kernels_get(void) {
    pthread_once(&once, fill_current);
    return &current;
}
