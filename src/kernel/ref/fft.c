/* fft.c - the passes of transforms in plain C. */
#include "kernel/fft_passes.h"

void tn_fft_fill_ref(tn_fft_kernels *k) { *k = (tn_fft_kernels){ pass_f32, pass_f64 }; }
