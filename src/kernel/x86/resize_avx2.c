/* resize_avx2.c - the row kernels of resampling for 8 floats at a time (AVX2, FMA). */
#include "kernel/x86/simd_avx2.h"
/* in the words of that: */
#include "kernel/x86/resize_simd.h"

void tn_resize_fill_avx2(tn_resize_kernels *k, unsigned cpu) {
    (void)cpu;
    *k = (tn_resize_kernels){ gather_taps, gather, blend };
}
