/* kernel.c - fills the tables: ref first, then what the CPU has, lowest set first. */
#include "kernel/kernel.h"
#include <pthread.h>

void tn_kernels_fill(tn_kernels *k, unsigned cpu) {
    k->cpu = cpu;
#define X(family) tn_##family##_fill_ref(&k->family);
    TN_KERNEL_FAMILIES(X)
#undef X
#if defined(__x86_64__)
#define X(family)                                                    \
    if (cpu & TN_CPU_AVX2) tn_##family##_fill_avx2(&k->family, cpu); \
    if (cpu & TN_CPU_AVX512) tn_##family##_fill_avx512(&k->family, cpu);
    TN_KERNEL_FAMILIES(X)
#undef X
#endif
}

static tn_kernels current;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static void fill_current(void) { tn_kernels_fill(&current, tn_cpu_flags()); }

const tn_kernels *tn_kernels_get(void) {
    pthread_once(&once, fill_current);
    return &current;
}
