/* vec_avx2.c - the pointwise kernels for 8 floats at a time (AVX2, FMA). */
#include "kernel/x86/math_avx2.h"
#include "kernel/x86/vec_simd.h"

void tn_vec_fill_avx2(tn_vec_kernels *k, unsigned cpu) {
    (void)cpu;
    fill_table(k);
}
