/* qgemm_avx2.c - the 8-bit product through 16-bit multiply-adds, which are exact (the 8-bit one saturates): 6 x 16. */
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

enum { MR = 6, NR = 16, KR = 2, SHIFT_A = 0, SHIFT_B = 0 };
#define EACH_ROW(X) \
    X(0)            \
    X(1)            \
    X(2)            \
    X(3)            \
    X(4)            \
    X(5)
typedef int16_t elem_a, elem_b;
typedef __m256i vi;
#define VI_LOAD(p)        _mm256_loadu_si256((const vi *)(const void *)(p))
#define VI_STORE(p, v)    _mm256_storeu_si256((vi *)(void *)(p), v)
#define VI_ZERO()         _mm256_setzero_si256()
#define VI_PAIR(p)        _mm256_set1_epi32(int_at(p))
#define VI_DOT(acc, a, b) _mm256_add_epi32(acc, _mm256_madd_epi16(a, b))
static inline int int_at(const char *p) {
    int v;
    memcpy(&v, p, sizeof v);
    return v;
}
#include "kernel/x86/qgemm_simd.h"

void tn_qgemm_fill_avx2(tn_qgemm_kernels *k, unsigned cpu) { *k = QGEMM_KERNELS(MR); }
