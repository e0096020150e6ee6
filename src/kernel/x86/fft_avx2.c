/* fft_avx2.c - the passes of transforms, compiled for AVX2. */
#include "kernel/fft_passes.h"

void tn_fft_fill_avx2(tn_fft_kernels *k, unsigned cpu) {
    (void)cpu;
    *k = (tn_fft_kernels){ pass_f32, pass_f64 };
}
