/* qgemm_avx512vnni.c - the 8-bit product through VNNI, which multiplies u8 by s8 in groups of four: 14 x 32. */
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

enum { MR = 14, NR = 32, KR = 4, SHIFT_A = 128, SHIFT_B = -128 };
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
typedef uint8_t elem_a;
typedef int8_t elem_b;
typedef __m512i vi;
#define VI_LOAD(p)        _mm512_loadu_si512(p)
#define VI_STORE(p, v)    _mm512_storeu_si512(p, v)
#define VI_ZERO()         _mm512_setzero_si512()
#define VI_PAIR(p)        _mm512_set1_epi32(int_at(p))
#define VI_DOT(acc, a, b) _mm512_dpbusd_epi32(acc, a, b)
static inline int int_at(const char *p) {
    int v;
    memcpy(&v, p, sizeof v);
    return v;
}
#include "kernel/x86/qgemm_simd.h"

void tn_qgemm_fill_avx512vnni(tn_qgemm_kernels *k) { *k = QGEMM_KERNELS(MR); }
