/* vec.h - kernels over flat f32 arrays: pointwise functions. Any alignment, any n; y may be x (or a, b) exactly.
 * Bounds on the error of the fast functions are stated beside each and held by tests/kernel. */
#ifndef TN_KERNEL_VEC_H
#define TN_KERNEL_VEC_H

#include <stddef.h>

typedef struct tn_vec_kernels {
    void (*add)(const float *a, const float *b, float *y, size_t n); /* y = a + b, exact */
} tn_vec_kernels;

void tn_vec_fill_ref(tn_vec_kernels *k);
void tn_vec_fill_avx2(tn_vec_kernels *k, unsigned cpu);
void tn_vec_fill_avx512(tn_vec_kernels *k, unsigned cpu);

#endif
