/* qgemm_avx512.c - the 8-bit product through 16-bit multiply-adds: 14 x 32. */
#include "base/cpu.h"
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

enum { MR = 14, NR = 32, KR = 2, SHIFT_A = 0, SHIFT_B = 0 };
#define EACH_ROW(X) \
    X(0)            \
    X(1)            \
    X(2)            \
    X(3)            \
    X(4)            \
    X(5)            \
    X(6)            \
    X(7)            \
    X(8)            \
    X(9)            \
    X(10)           \
    X(11)           \
    X(12)           \
    X(13)
typedef int16_t elem_a, elem_b;
typedef __m512i vi;
#define VI_LOAD(p)        _mm512_loadu_si512(p)
#define VI_STORE(p, v)    _mm512_storeu_si512(p, v)
#define VI_ZERO()         _mm512_setzero_si512()
#define VI_PAIR(p)        _mm512_set1_epi32(int_at(p))
#define VI_DOT(acc, a, b) _mm512_add_epi32(acc, _mm512_madd_epi16(a, b))
static inline int int_at(const char *p) {
    int v;
    memcpy(&v, p, sizeof v);
    return v;
}
#include "kernel/x86/qgemm_simd.h"

void tn_qgemm_fill_avx512(tn_qgemm_kernels *k, unsigned cpu) {
    if (cpu & TN_CPU_AVX512VNNI)
        tn_qgemm_fill_avx512vnni(k);
    else
        *k = QGEMM_KERNELS(MR);
}
