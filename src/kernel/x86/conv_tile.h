/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* conv_tile.h - the register tiles of convolution, written once for both x86 vector widths: include math_avx512.h or
 * math_avx2.h first.
 *
 * A tile keeps P pixels x B blocks of C output channels in registers. Per input channel it loads B weight vectors and
 * splats P inputs, so 14 x 2 needs 16 loads for 28 FMAs; with 32 registers both FMA units stay busy. FMA is inline
 * assembly: compilers otherwise choose other operand orders and pay for them with register moves or spills. */
#ifndef TN_KERNEL_X86_CONV_TILE_H
#define TN_KERNEL_X86_CONV_TILE_H

#include "kernel/conv.h"
#include "kernel/x86/activation_simd.h"

#define C TN_VL
#if defined(TILE_FMA) /* the including file's own product */
#define FMA TILE_FMA
#elif defined(TN_EMULATED) /* for tests on machines without the instruction */
#define FMA(s, a, b) emu_fma(TN_VL, (const float *)&(a), (const float *)&(b), (const float *)&(s), (float *)&(s))
#else
#define FMA(s, a, b) __asm__("vfmadd231ps %2, %1, %0" : "+v"(s) : "v"(a), "v"(b))
#endif

#define EACH_PIXEL(M) M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7) M(8) M(9) M(10) M(11) M(12) M(13)

#define SUM_DECLARE(p) tn_vf s##p##_0 = V_ZERO(), s##p##_1 = V_ZERO(), s##p##_2 = V_ZERO();

#define SUM_BIAS(p) \
    if (p < P) s##p##_0 = s##p##_0 + b0, s##p##_1 = s##p##_1 + b1, s##p##_2 = s##p##_2 + b2;

#define SUM_ADD(p)                                                \
    if (p < P) {                                                  \
        const float *a = add + p * y_pixel;                       \
        s##p##_0 = s##p##_0 + V_LOAD(a);                          \
        if (B > 1) s##p##_1 = s##p##_1 + V_LOAD(a + y_block);     \
        if (B > 2) s##p##_2 = s##p##_2 + V_LOAD(a + 2 * y_block); \
    }

#define SUM_STEP(p)                           \
    if (p < P) {                              \
        tn_vf v = V_SET(*(xk + p * x_pixel)); \
        FMA(s##p##_0, w0, v);                 \
        if (B > 1) FMA(s##p##_1, w1, v);      \
        if (B > 2) FMA(s##p##_2, w2, v);      \
    }

#define SUM_CLIP(p)                                           \
    if (p < P) {                                              \
        s##p##_0 = V_MIN(hi, V_MAX(lo, s##p##_0));            \
        if (B > 1) s##p##_1 = V_MIN(hi, V_MAX(lo, s##p##_1)); \
        if (B > 2) s##p##_2 = V_MIN(hi, V_MAX(lo, s##p##_2)); \
    }

#define SUM_STORE(p)                                   \
    if (p < P) {                                       \
        float *y = y0 + p * y_pixel;                   \
        V_STORE(y, s##p##_0);                          \
        if (B > 1) V_STORE(y + y_block, s##p##_1);     \
        if (B > 2) V_STORE(y + 2 * y_block, s##p##_2); \
    }

/* The sum over input channel k of the current tap: weights w0.. from w, inputs from x. */
#define CHANNEL(k)                                      \
    {                                                   \
        const float *wk = w + (k)*B * C, *xk = x + (k); \
        tn_vf w0 = V_LOAD(wk), w1 = w0, w2 = w0;        \
        if (B > 1) w1 = V_LOAD(wk + C);                 \
        if (B > 2) w2 = V_LOAD(wk + 2 * C);             \
        EACH_PIXEL(SUM_STEP)                            \
        (void)w1, (void)w2;                             \
    }

/* Three pixels or fewer are too few sums to hide the latency of an FMA: the four channels of a step get sums of their
 * own, pixel p of channel k in s(p + 3 k), added up at the end. */
#define SPREAD_STEP(p, q)                     \
    if (p < P) {                              \
        tn_vf v = V_SET(*(xk + p * x_pixel)); \
        FMA(s##q##_0, w0, v);                 \
        if (B > 1) FMA(s##q##_1, w1, v);      \
        if (B > 2) FMA(s##q##_2, w2, v);      \
    }
#define SPREAD_CHANNEL(k, q0, q1, q2)                                                \
    {                                                                                \
        const float *wk = w + (k)*B * C, *xk = x + (k);                              \
        tn_vf w0 = V_LOAD(wk), w1 = w0, w2 = w0;                                     \
        if (B > 1) w1 = V_LOAD(wk + C);                                              \
        if (B > 2) w2 = V_LOAD(wk + 2 * C);                                          \
        SPREAD_STEP(0, q0) SPREAD_STEP(1, q1) SPREAD_STEP(2, q2)(void) w1, (void)w2; \
    }
#define SPREAD_ADD(p, q1, q2, q3)                                \
    s##p##_0 = (s##p##_0 + s##q1##_0) + (s##q2##_0 + s##q3##_0); \
    s##p##_1 = (s##p##_1 + s##q1##_1) + (s##q2##_1 + s##q3##_1); \
    s##p##_2 = (s##p##_2 + s##q1##_2) + (s##q2##_2 + s##q3##_2);

/* Depthwise: a tap is a run of neighbouring columns of the kernel. Column j of x meets weight i in pixel j - i, so
 * every vector of x is loaded once for up to three FMAs. */
#define DW_FMA(q, p, w)        \
    if ((q) >= 0 && (q) < P) { \
        FMA(s##p##_0, w, v);   \
    }
#define DW_COLUMN(j, a, b, c, n)     \
    if (j < P + n - 1) {             \
        tn_vf v = V_LOAD(x + j * C); \
        DW_FMA(j, a, w0)             \
        if (n > 1) {                 \
            DW_FMA(j - 1, b, w1)     \
        }                            \
        if (n > 2) {                 \
            DW_FMA(j - 2, c, w2)     \
        }                            \
    }
/* Pixel names for columns past the pixels are never used; 0 stands in for them. */
/* clang-format off */
#define DW_RUN(n) \
    DW_COLUMN(0, 0, 0, 0, n) DW_COLUMN(1, 1, 0, 0, n) DW_COLUMN(2, 2, 1, 0, n) DW_COLUMN(3, 3, 2, 1, n) \
    DW_COLUMN(4, 4, 3, 2, n) DW_COLUMN(5, 5, 4, 3, n) DW_COLUMN(6, 6, 5, 4, n) DW_COLUMN(7, 7, 6, 5, n) \
    DW_COLUMN(8, 8, 7, 6, n) DW_COLUMN(9, 9, 8, 7, n) DW_COLUMN(10, 10, 9, 8, n) DW_COLUMN(11, 11, 10, 9, n) \
    DW_COLUMN(12, 12, 11, 10, n) DW_COLUMN(13, 13, 12, 11, n) DW_COLUMN(14, 0, 13, 12, n) DW_COLUMN(15, 0, 0, 13, n)
/* clang-format on */

typedef enum { GEMM, THIN, PAIRS, DEPTHWISE } tile_kind;

/* Activations that are not a clip run over the stored rows: they are still in L1, and the tile stays small. */
static __attribute__((noinline)) void tile_activate(const tn_conv_tile *t) {
    bool dense = t->y_pixel == C;
    for (int b = 0; b < t->blocks; b++) {
        float *y = t->y + b * t->y_block;
        TN_V(tn_act_block)(*t->act, y, y, dense ? 1 : t->pixels, dense ? t->pixels * C : C, t->y_pixel);
    }
}

static inline __attribute__((always_inline)) void tile(const tn_conv_tile *t, const tile_kind kind, const int P,
                                                       const int B) {
    enum { CHANNELS = 4, WORDS = 2 };
    const int x_pixel = kind == THIN ? 1 : kind == PAIRS ? C / 2 : C;
    const bool spread = (kind == GEMM || kind == PAIRS) && P <= 3 && P * B <= TN_VL / 2;
    const int64_t y_pixel = kind == DEPTHWISE ? C : t->y_pixel, y_block = t->y_block;
    float *y0 = t->y;
    EACH_PIXEL(SUM_DECLARE)
    const tn_conv_tap *tap = t->taps, *end = tap + t->ntaps;
    const char *ahead = t->ahead ? t->ahead : (const char *)tap;
    const int64_t ahead_step = t->ahead_step;
    for (; tap != end; tap++) {
        const float *x = t->x + tap->x, *w = t->w + (int64_t)tap->w * B;
        if (kind == GEMM && spread) {
            for (int n = tap->n; n > 0; n--, x += CHANNELS, w += CHANNELS * B * C) {
                SPREAD_CHANNEL(0, 0, 1, 2)
                SPREAD_CHANNEL(1, 3, 4, 5)
                SPREAD_CHANNEL(2, 6, 7, 8)
                SPREAD_CHANNEL(3, 9, 10, 11)
            }
        } else if (kind == GEMM) {
            for (int n = tap->n; n > 0; n--, x += CHANNELS, w += CHANNELS * B * C) {
                CHANNEL(0)
                _mm_prefetch(ahead, _MM_HINT_T1);
                CHANNEL(1)
                _mm_prefetch(ahead + ahead_step, _MM_HINT_T1);
                CHANNEL(2)
                _mm_prefetch(ahead + 2 * ahead_step, _MM_HINT_T1);
                CHANNEL(3)
                _mm_prefetch(ahead + 3 * ahead_step, _MM_HINT_T1);
                ahead += 4 * ahead_step;
            }
        } else if (kind == PAIRS && spread) {
            for (int n = tap->n; n > 0; n--, x += WORDS, w += WORDS * B * C) {
                SPREAD_CHANNEL(0, 0, 1, 2)
                SPREAD_CHANNEL(1, 3, 4, 5)
            }
        } else if (kind == PAIRS) {
            for (int n = tap->n; n > 0; n--, x += WORDS, w += WORDS * B * C) {
                CHANNEL(0)
                _mm_prefetch(ahead, _MM_HINT_T1);
                CHANNEL(1)
                _mm_prefetch(ahead + ahead_step, _MM_HINT_T1);
                ahead += 2 * ahead_step;
            }
        } else if (kind == THIN) {
            CHANNEL(0)
        } else {
            tn_vf w0 = V_LOAD(w), w1 = w0, w2 = w0;
            if (tap->n > 1) w1 = V_LOAD(w + tap->step);
            if (tap->n > 2) {
                w2 = V_LOAD(w + 2 * tap->step);
                DW_RUN(3)
            } else if (tap->n == 2) {
                DW_RUN(2)
            } else {
                DW_RUN(1)
            }
            (void)w1, (void)w2;
        }
    }
    if (spread) {
        SPREAD_ADD(0, 3, 6, 9) SPREAD_ADD(1, 4, 7, 10) SPREAD_ADD(2, 5, 8, 11)
    }
    /* Bias and residual come last: a sum that begins with them rounds every product at their magnitude. */
    if (t->bias) {
        tn_vf b0 = V_LOAD(t->bias), b1 = b0, b2 = b0;
        if (B > 1) b1 = V_LOAD(t->bias + C);
        if (B > 2) b2 = V_LOAD(t->bias + 2 * C);
        EACH_PIXEL(SUM_BIAS)
    }
    const float *add = t->add;
    if (add) {
        EACH_PIXEL(SUM_ADD)
    }
    const tn_activation *act = t->act;
    if (act && (act->kind == TN_ACT_RELU || act->kind == TN_ACT_CLIP)) {
        const float inf = __builtin_inff();
        bool clip = act->kind == TN_ACT_CLIP;
        float a = clip ? act->a : 0, z = clip ? act->b : inf;
        tn_vf lo = V_SET(a), hi = V_SET(z);
        EACH_PIXEL(SUM_CLIP)
        act = NULL;
    }
    EACH_PIXEL(SUM_STORE)
    if (act && act->kind != TN_ACT_NONE) tile_activate(t);
    (void)x_pixel, (void)ahead, (void)ahead_step;
}

/* The including file lists every (P, B) whose sums fit the registers. */
#define TILE_DEFINE(KIND, name, P, B) \
    static void name##_##P##_##B(const tn_conv_tile *t) { tile(t, KIND, P, B); }

#define TILE_DEFINE_2(P, B)       \
    TILE_DEFINE(GEMM, gemm, P, B) \
    TILE_DEFINE(THIN, thin, P, B)

#define TILE_DEFINE_PAIRS(P, B) TILE_DEFINE(PAIRS, pairs, P, B)
#define TILE_SET_PAIRS(P, B)    .pairs[B - 1][P - 1] = pairs_##P##_##B,

#define TILE_SET_2(P, B) .gemm[B - 1][P - 1] = gemm_##P##_##B, .thin[B - 1][P - 1] = thin_##P##_##B,

#define TILE_DEFINE_DW(P) TILE_DEFINE(DEPTHWISE, dw, P, 1)
#define TILE_SET_DW(P)    .dw[P - 1] = dw_##P##_1,

#endif
