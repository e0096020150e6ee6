/* qgemm_avx512.c - the 8-bit product through 16-bit multiply-adds: 14 x 32. */
#include "base/cpu.h"
#include "kernel/x86/qgemm_words512.h"
#include <stdint.h>

enum { MR = 14, NR = 32, KR = 2, SHIFT_A = 0, SHIFT_B = 0 };
typedef int16_t elem_a, elem_b;
#define VI_DOT(acc, a, b) _mm512_add_epi32(acc, _mm512_madd_epi16(a, b))
#include "kernel/x86/qgemm_simd.h"

void tn_qgemm_fill_avx512(tn_qgemm_kernels *k, unsigned cpu) {
    if (cpu & TN_CPU_AVX512VNNI)
        tn_qgemm_fill_avx512vnni(k);
    else
        *k = QGEMM_KERNELS(MR);
}
