/* reduce_avx2.c - the row kernels of reductions for 8 floats at a time (AVX2, FMA). */
#include "kernel/x86/math_avx2.h"
#include "kernel/x86/reduce_simd.h"

void tn_reduce_fill_avx2(tn_reduce_kernels *k, unsigned cpu) {
    (void)cpu;
    fill_table(k);
}
