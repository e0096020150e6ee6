/* vec_avx512.c - the pointwise kernels for 16 floats at a time (AVX-512 F, BW, DQ, VL). */
#include "kernel/x86/math_avx512.h"
#include "kernel/x86/vec_simd.h"

void tn_vec_fill_avx512(tn_vec_kernels *k, unsigned cpu) {
    (void)cpu;
    fill_table(k);
}
