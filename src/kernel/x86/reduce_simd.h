/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* reduce_simd.h - the row kernels of reductions, written once for both vector lengths. */
#include "kernel/reduce.h"
#include <math.h>

enum { BLOCK = 4096 }; /* elements summed in f32 before f64 takes over */

/* Four accumulators hide the latency of the additions. In expr: x; masked lanes of the last vector hold `empty`. */
#define SUM_BLOCK(name, expr)                                                                 \
    static inline float name##_block(const float *p, size_t n, tn_vf c) {                     \
        tn_vf s0 = V_ZERO(), s1 = V_ZERO(), s2 = V_ZERO(), s3 = V_ZERO(), x;                  \
        (void)c;                                                                              \
        for (; n >= 4 * TN_VL; n -= 4 * TN_VL, p += 4 * TN_VL) {                              \
            x = V_LOAD(p), s0 = s0 + (expr);                                                  \
            x = V_LOAD(p + TN_VL), s1 = s1 + (expr);                                          \
            x = V_LOAD(p + 2 * TN_VL), s2 = s2 + (expr);                                      \
            x = V_LOAD(p + 3 * TN_VL), s3 = s3 + (expr);                                      \
        }                                                                                     \
        for (; n >= TN_VL; n -= TN_VL, p += TN_VL) x = V_LOAD(p), s0 = s0 + (expr);           \
        if (n) x = tn_v_loadn_or(p, n, c), s1 = s1 + (expr);                                  \
        return V_SUM((s0 + s1) + (s2 + s3));                                                  \
    }                                                                                         \
    static float name##_of(const float *p, size_t n, float center) {                          \
        tn_vf c = V_SET(center);                                                              \
        if (n <= BLOCK) return name##_block(p, n, c);                                         \
        double s = 0;                                                                         \
        for (size_t b; n; n -= b, p += b) s += name##_block(p, b = n < BLOCK ? n : BLOCK, c); \
        return (float)s;                                                                      \
    }

/* Lanes from n on hold c: zero for sums, the centre for deviations. */
static inline tn_vf tn_v_loadn_or(const float *p, size_t n, tn_vf c) {
    return V_SEL(tn_v_lanes(n), tn_v_loadn(p, n), c);
}

SUM_BLOCK(sum, x)
SUM_BLOCK(sumabs, V_ANDNOT(V_SET(-0.0f), x))
SUM_BLOCK(sumsq, (x - c) * (x - c))

static float sum(const float *x, size_t n) { return sum_of(x, n, 0.0f); }
static float sumabs(const float *x, size_t n) { return sumabs_of(x, n, 0.0f); }
static float sumsq(const float *x, size_t n, float center) { return sumsq_of(x, n, center); }

static float prod(const float *x, size_t n) {
    tn_vf one = V_SET(1.0f), p0 = one, p1 = one;
    for (; n >= 2 * TN_VL; n -= 2 * TN_VL, x += 2 * TN_VL) p0 = p0 * V_LOAD(x), p1 = p1 * V_LOAD(x + TN_VL);
    float lane[TN_VL], p = 1.0f;
    V_STORE(lane, p0 * p1);
    for (int i = 0; i < TN_VL; i++) p *= lane[i];
    for (size_t i = 0; i < n; i++) p *= x[i];
    return p;
}

/* The vector maximum forgets a NaN at the next step, so NaNs are looked for beside it. */
#define EXTREME(name, PICK, horizontal, worst)                    \
    static float name(const float *x, size_t n) {                 \
        tn_vf m0 = V_SET(worst), m1 = m0, a, b;                   \
        tn_vm nan = V_CMP(m0, m0, _CMP_UNORD_Q);                  \
        for (; n >= 2 * TN_VL; n -= 2 * TN_VL, x += 2 * TN_VL) {  \
            a = V_LOAD(x), b = V_LOAD(x + TN_VL);                 \
            m0 = PICK(a, m0), m1 = PICK(b, m1);                   \
            nan = V_MASK_OR(nan, V_CMP(a, b, _CMP_UNORD_Q));      \
        }                                                         \
        for (; n; n -= n < TN_VL ? n : TN_VL, x += TN_VL) {       \
            a = n >= TN_VL ? V_LOAD(x) : tn_v_loadn_or(x, n, m0); \
            m0 = PICK(a, m0);                                     \
            nan = V_MASK_OR(nan, V_CMP(a, a, _CMP_UNORD_Q));      \
        }                                                         \
        return V_ANY(nan) ? NAN : horizontal(PICK(m0, m1));       \
    }
EXTREME(max, V_MAX, tn_v_max_of, -INFINITY)
EXTREME(min, V_MIN, tn_v_min_of, INFINITY)

/* Each lane keeps its first best element and where it was; the lanes are compared at the end. */
#define ARG(name, how, better, worst)                                                                                  \
    static size_t name(const float *x, size_t n) {                                                                     \
        tn_vf best = V_SET(worst);                                                                                     \
        tn_vi at = VI_SET(0), i = tn_vi_count(), step = VI_SET(TN_VL);                                                 \
        size_t k = 0;                                                                                                  \
        for (; k + TN_VL <= n; k += TN_VL, i = VI_ADD(i, step)) {                                                      \
            tn_vf v = V_LOAD(x + k);                                                                                   \
            tn_vm m = V_CMP(v, best, how);                                                                             \
            best = V_SEL(m, v, best);                                                                                  \
            at = V_BITS(V_SEL(m, V_OF_BITS(i), V_OF_BITS(at)));                                                        \
        }                                                                                                              \
        float b[TN_VL], win = worst;                                                                                   \
        int32_t a[TN_VL];                                                                                              \
        size_t w = 0;                                                                                                  \
        V_STORE(b, best);                                                                                              \
        V_STORE((float *)(void *)a, V_OF_BITS(at));                                                                    \
        for (int l = 0; l < TN_VL; l++)                                                                                \
            if (b[l] better win || (b[l] == win && b[l] != (worst) && (size_t)a[l] < w)) win = b[l], w = (size_t)a[l]; \
        for (size_t e = 0, left = n % TN_VL; e < left; e++)                                                            \
            if (x[k + e] better win) win = x[k + e], w = k + e;                                                        \
        return w;                                                                                                      \
    }
ARG(argmax_i32, _CMP_GT_OQ, >, -INFINITY)
ARG(argmin_i32, _CMP_LT_OQ, <, INFINITY)

/* Indices are 32-bit within a block. */
#define ARG_LONG(name, block, better)                                 \
    static size_t name(const float *x, size_t n) {                    \
        const size_t most = (size_t)1 << 30;                          \
        if (n <= most) return block(x, n);                            \
        size_t w = block(x, most);                                    \
        for (size_t k = most; k < n; k += most) {                     \
            size_t c = k + block(x + k, n - k < most ? n - k : most); \
            if (x[c] better x[w]) w = c;                              \
        }                                                             \
        return w;                                                     \
    }
ARG_LONG(argmax, argmax_i32, >)
ARG_LONG(argmin, argmin_i32, <)

/* e^x without denormals: beside the 1 that every softmax has they are nothing, but they slow the multiplications that
 * read them (masks of -100 in attention make plenty). */
static inline tn_vf exp_flushed(tn_vf x) {
    tn_vf e = TN_V(tn_exp)(x);
    return V_SEL(V_CMP(e, V_SET(0x1p-126f), _CMP_LT_OQ), V_ZERO(), e);
}

static float expsum(const float *x, float *y, size_t n, float shift) {
    tn_vf c = V_SET(shift), s0 = V_ZERO(), s1 = V_ZERO();
    size_t i = 0;
    for (; i + 2 * TN_VL <= n; i += 2 * TN_VL) {
        tn_vf a = exp_flushed(V_LOAD(x + i) - c), b = exp_flushed(V_LOAD(x + i + TN_VL) - c);
        if (y) V_STORE(y + i, a), V_STORE(y + i + TN_VL, b);
        s0 = s0 + a, s1 = s1 + b;
    }
    for (size_t r; i < n; i += r) {
        r = n - i < TN_VL ? n - i : TN_VL;
        tn_vf a = r == TN_VL ? V_LOAD(x + i) : tn_v_loadn_or(x + i, r, V_SET(-INFINITY));
        a = exp_flushed(a - c);
        if (r < TN_VL) a = V_SEL(tn_v_lanes(r), a, V_ZERO()); /* -inf - -inf is NaN */
        if (y && r == TN_VL) V_STORE(y + i, a);
        if (y && r < TN_VL) tn_v_storen(y + i, a, r);
        s0 = s0 + a;
    }
    return V_SUM(s0 + s1);
}

static void scale(float *y, size_t n, float by) {
    tn_vf s = V_SET(by);
    for (; n >= TN_VL; n -= TN_VL, y += TN_VL) V_STORE(y, V_LOAD(y) * s);
    if (n) tn_v_storen(y, tn_v_loadn(y, n) * s, n);
}

static void softmax(const float *x, float *y, size_t n) {
    float s = expsum(x, y, n, max(x, n));
    scale(y, n, 1.0f / s);
}

static void logsoftmax(const float *x, float *y, size_t n) {
    float m = max(x, n), log_sum = logf(expsum(x, NULL, n, m));
    tn_vf a = V_SET(m), b = V_SET(log_sum);
    for (; n >= TN_VL; n -= TN_VL, x += TN_VL, y += TN_VL) V_STORE(y, V_LOAD(x) - a - b);
    if (n) tn_v_storen(y, tn_v_loadn(x, n) - a - b, n);
}

static void normalize(const float *x, const float *gamma, const float *beta, float *y, size_t n, float mean,
                      float rstd) {
    tn_vf m = V_SET(mean), r = V_SET(rstd), g = V_SET(1.0f), b = V_ZERO();
    size_t i = 0;
    for (; i + TN_VL <= n; i += TN_VL) {
        if (gamma) g = V_LOAD(gamma + i);
        if (beta) b = V_LOAD(beta + i);
        V_STORE(y + i, V_FMA((V_LOAD(x + i) - m) * r, g, b));
    }
    if (i == n) return;
    if (gamma) g = tn_v_loadn(gamma + i, n - i);
    if (beta) b = tn_v_loadn(beta + i, n - i);
    tn_v_storen(y + i, V_FMA((tn_v_loadn(x + i, n - i) - m) * r, g, b), n - i);
}

#define REDUCE_KERNELS                                                                                           \
    {                                                                                                            \
        .sum = sum, .sumabs = sumabs, .sumsq = sumsq, .prod = prod, .max = max, .min = min, .argmax = argmax,    \
        .argmin = argmin, .expsum = expsum, .softmax = softmax, .logsoftmax = logsoftmax, .normalize = normalize \
    }
