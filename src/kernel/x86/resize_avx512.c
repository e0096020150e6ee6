/* resize_avx512.c - the row kernels of resampling for 16 floats at a time (AVX-512). */
#include "kernel/x86/simd_avx512.h"
/* in the words of that: */
#include "kernel/x86/resize_simd.h"

void tn_resize_fill_avx512(tn_resize_kernels *k, unsigned cpu) {
    (void)cpu;
    *k = (tn_resize_kernels){ gather_taps, gather, blend };
}
