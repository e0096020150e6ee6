/* nbits_avx2.c - products of packed weights, 8 bytes of them at a time (AVX2). */
enum { LANES = 8 };
#include "kernel/x86/nbits_simd.h"

void tn_nbits_fill_avx2(tn_nbits_kernels *k, unsigned cpu) {
    (void)cpu;
    *k = (tn_nbits_kernels){ dot, unpack };
}
