/* reduce_avx512.c - the row kernels of reductions for 16 floats at a time (AVX-512). */
#include "kernel/x86/math_avx512.h"
#include "kernel/x86/reduce_simd.h"

void tn_reduce_fill_avx512(tn_reduce_kernels *k, unsigned cpu) {
    (void)cpu;
    fill_table(k);
}
