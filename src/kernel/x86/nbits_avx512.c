/* nbits_avx512.c - products of packed weights, 16 bytes of them at a time (AVX-512). */
enum { LANES = 16 };
#include "kernel/x86/nbits_simd.h"

void tn_nbits_fill_avx512(tn_nbits_kernels *k, unsigned cpu) {
    (void)cpu;
    *k = (tn_nbits_kernels){ dot, unpack };
}
