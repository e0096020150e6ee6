/* fft_avx512.c - the passes of transforms, compiled for AVX-512. */
#include "kernel/fft_passes.h"

void tn_fft_fill_avx512(tn_fft_kernels *k, unsigned cpu) {
    (void)cpu;
    *k = (tn_fft_kernels){ pass_f32, pass_f64 };
}
