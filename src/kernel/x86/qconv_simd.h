/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qconv_simd.h - the 8-bit convolution's register tile for several instruction sets: MR rows times two vectors of int32
 * columns. The including file gives NR and MR, EACH_ROW(X), the vector type vi with VI_LOAD(p), VI_STORE(p, v),
 * VI_ZERO(), VI_FOUR(p), the four bytes at p in every lane, and either
 *
 *   VI_DOT(acc, x, w)   which adds each lane's four products of u8 and s8 to acc (VNNI), or
 *   VI_BYTES(x, w)      each lane's products of u8 and s8 added in twos, as words, with VI_ADD16(a, b), VI_WORDS(x, w),
 *                       the sums of each lane's two products of words, VI_ADD(a, b), VI_ONES(), VI_SIXTEEN(p), the
 *                       sixteen bytes at p in every sixteen, and VI_CHOOSE(v, k), bytes of each sixteen by number */
#ifndef TN_KERNEL_X86_QCONV_SIMD_H
#define TN_KERNEL_X86_QCONV_SIMD_H

#include "kernel/qconv_parts.h"

#define INLINE static inline __attribute__((always_inline))

INLINE int four_at(const uint8_t *p) {
    int v;
    memcpy(&v, p, sizeof v);
    return v;
}

typedef struct {
    vi acc[MR][2];
    const uint8_t *x[MR];
} register_tile;

#ifdef VI_DOT
/* mr: a constant after inlining. */
INLINE void add_singles(const int mr, const tn_qgroups *of, register_tile *t) {
    const char *w = of->w;
    const int32_t *at = of->at;
    for (int64_t g = of->n; g > 0; g--, w += 2 * sizeof(vi)) {
        ptrdiff_t o = *at++;
        vi w0 = VI_LOAD(w), w1 = VI_LOAD(w + sizeof(vi));
#define X(i)                         \
    if (i < mr) {                    \
        vi v = VI_FOUR(t->x[i] + o); \
        VI_DOT(t->acc[i][0], v, w0); \
        VI_DOT(t->acc[i][1], v, w1); \
    }
        EACH_ROW(X)
#undef X
    }
}
#else
/* A sum stays in its register: the compiler would rather add up sums of its own. */
#ifdef TN_EMULATED
#define ADD_TO(s, v) (s) = VI_ADD(s, v)
#else
#define ADD_TO(s, v) __asm__("vpaddd %1, %0, %0" : "+v"(s) : "v"(v))
#endif

INLINE void add_singles(const int mr, const tn_qgroups *of, register_tile *t) {
    const char *w = of->w;
    const uint8_t *pick = of->pick;
    const int32_t *at = of->at;
    const vi ones = VI_ONES();
    for (int64_t g = of->n; g > 0; g--, w += 2 * sizeof(vi), pick += 4) {
        ptrdiff_t o = *at++;
        vi k = VI_FOUR(pick);
#define X(i)                                                                        \
    if (i < mr) {                                                                   \
        vi v = VI_CHOOSE(VI_SIXTEEN(t->x[i] + o), k);                               \
        ADD_TO(t->acc[i][0], VI_WORDS(VI_BYTES(v, VI_LOAD(w)), ones));              \
        ADD_TO(t->acc[i][1], VI_WORDS(VI_BYTES(v, VI_LOAD(w + sizeof(vi))), ones)); \
    }
        EACH_ROW(X)
#undef X
    }
}

INLINE void add_doubles(const int mr, const tn_qgroups *of, register_tile *t) {
    enum { V = sizeof(vi) };
    const char *w = of->w;
    const uint8_t *pick = of->pick;
    const int32_t *at = of->at;
    const vi ones = VI_ONES();
    for (int64_t g = of->n; g > 0; g--, w += 4 * V, pick += 8) {
        ptrdiff_t o = *at++;
        vi k0 = VI_FOUR(pick), k1 = VI_FOUR(pick + 4);
#define X(i)                                                                               \
    if (i < mr) {                                                                          \
        vi v = VI_SIXTEEN(t->x[i] + o), a = VI_CHOOSE(v, k0), b = VI_CHOOSE(v, k1), words; \
        words = VI_ADD16(VI_BYTES(a, VI_LOAD(w)), VI_BYTES(b, VI_LOAD(w + 2 * V)));        \
        ADD_TO(t->acc[i][0], VI_WORDS(words, ones));                                       \
        words = VI_ADD16(VI_BYTES(a, VI_LOAD(w + V)), VI_BYTES(b, VI_LOAD(w + 3 * V)));    \
        ADD_TO(t->acc[i][1], VI_WORDS(words, ones));                                       \
    }
        EACH_ROW(X)
#undef X
    }
}
#endif

/* at: the tile's rows. */
INLINE void tile(const int mr, const tn_qstrip *s, const int32_t *at, int32_t *out) {
    register_tile t;
#define X(i)                               \
    t.acc[i][0] = t.acc[i][1] = VI_ZERO(); \
    t.x[i] = s->x + at[i < mr ? i : mr - 1];
    EACH_ROW(X)
#undef X
#ifndef VI_DOT
    add_doubles(mr, &s->doubles, &t);
#endif
    add_singles(mr, &s->singles, &t);
#define X(i)                                          \
    if (i < mr) {                                     \
        VI_STORE(out + i * NR, t.acc[i][0]);          \
        VI_STORE(out + i * NR + NR / 2, t.acc[i][1]); \
    }
    EACH_ROW(X)
#undef X
}

#define X(i) \
    static void tile_##i(const tn_qstrip *s, const int32_t *at, int32_t *out) { tile(i + 1, s, at, out); }
EACH_ROW(X)
#undef X
#define X(i) tile_##i,
static void (*const tiles[MR])(const tn_qstrip *s, const int32_t *at, int32_t *out) = { EACH_ROW(X) };
#undef X

/* What the end of eight columns needs. */
typedef struct {
    __m256i add;
    __m256 scale, bias;
} eight;

INLINE eight eight_at(const tn_qend *e, int64_t c) {
    return (eight){ _mm256_loadu_si256((const __m256i *)(const void *)(e->add + c)), _mm256_loadu_ps(e->scale + c),
                    _mm256_loadu_ps(e->bias + c) };
}

INLINE __m256i codes_of(const eight *k, __m256i sums, __m256 lo, __m256 hi, __m256i zero) {
    __m256 v = _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_add_epi32(sums, k->add)), k->scale, k->bias);
    v = _mm256_min_ps(_mm256_max_ps(v, lo), hi); /* NaN: lo */
    return _mm256_add_epi32(_mm256_cvtps_epi32(v), zero);
}

/* Sixteen sums become codes. */
INLINE __m128i end_sixteen(const eight k[2], __m256i a, __m256i b, __m256 lo, __m256 hi, __m256i zero) {
    __m256i words = _mm256_packs_epi32(codes_of(&k[0], a, lo, hi, zero), codes_of(&k[1], b, lo, hi, zero));
    words = _mm256_permute4x64_epi64(words, 0xd8);
    return _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
}

/* The rows of a tile, sixteen columns at a time. */
INLINE void end_rows(const tn_qstrip *s, const int32_t *v, int64_t row, int64_t rows) {
    __m256 lo = _mm256_set1_ps(s->end.lo), hi = _mm256_set1_ps(s->end.hi);
    __m256i zero = _mm256_set1_epi32(s->end.zero);
    if (s->end.y_type != TN_U8 || s->n % C) {
        for (int64_t i = 0; i < rows; i++) end_row(s, v + i * NR, row + i);
        return;
    }
    for (int64_t c = 0; c < s->n; c += C) {
        const eight k[2] = { eight_at(&s->end, c), eight_at(&s->end, c + 8) };
        char *y = s->y + c / C * s->block_step + row * s->row_step;
        for (int64_t i = 0; i < rows; i++, y += s->row_step) {
            const __m256i *u = (const __m256i *)(const void *)(v + i * NR + c);
            _mm_storeu_si128((__m128i *)(void *)y,
                             end_sixteen(k, _mm256_load_si256(u), _mm256_load_si256(u + 1), lo, hi, zero));
        }
    }
}

/* Tiles of nearly equal height. */
INLINE void tiled(const tn_qstrip *s, void (*const *fn)(const tn_qstrip *s, const int32_t *at, int32_t *out)) {
    int64_t count = (s->rows + MR - 1) / MR;
    _Alignas(64) int32_t v[MR * NR];
    for (int64_t t = 0, r = 0, next; t < count; t++, r = next) {
        next = (t + 1) * s->rows / count;
        fn[next - r - 1](s, s->row_at + r, v);
        end_rows(s, v, r, next - r);
    }
}

static void strip(const tn_qstrip *s) { tiled(s, tiles); }

#ifndef VI_DOT
enum { SLICE = 32 /* groups widened at a time: 6 KiB of six rows */ };

/* The codes of some groups as words, [mr][SLICE * 16]. */
INLINE void widen(const int mr, const tn_qstrip *s, const int32_t *at, const int32_t *group, int64_t groups,
                  int16_t *to) {
    for (int64_t g = 0; g < groups; g++)
        for (int i = 0; i < mr; i++) {
            const void *x = s->x + at[i] + group[g];
            _mm256_store_si256((__m256i *)(void *)(to + (i * SLICE + g) * C),
                               _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)x)));
        }
}

/* One slice added to sums. */
INLINE void slice(const int mr, const char *x, const char *w, int64_t steps, int32_t *out) {
    vi acc[MR][2];
#define X(i) acc[i][0] = acc[i][1] = VI_ZERO();
    EACH_ROW(X)
#undef X
    for (int64_t k = steps; k > 0; k--, x += 4, w += 2 * sizeof(vi)) {
        vi w0 = VI_LOAD(w), w1 = VI_LOAD(w + sizeof(vi));
#define X(i)                                                                       \
    if (i < mr) {                                                                  \
        vi v = VI_FOUR((const uint8_t *)x + i * SLICE * C * (int)sizeof(int16_t)); \
        ADD_TO(acc[i][0], VI_WORDS(v, w0));                                        \
        ADD_TO(acc[i][1], VI_WORDS(v, w1));                                        \
    }
        EACH_ROW(X)
#undef X
    }
#define X(i)                                                            \
    if (i < mr) {                                                       \
        int32_t *to = out + i * NR;                                     \
        VI_STORE(to, VI_ADD(VI_LOAD(to), acc[i][0]));                   \
        VI_STORE(to + NR / 2, VI_ADD(VI_LOAD(to + NR / 2), acc[i][1])); \
    }
    EACH_ROW(X)
#undef X
}

/* Functions of their own, so that the sums of a slice stay in registers. */
#define X(i)                                                                                                     \
    static __attribute__((noinline)) void slice_##i(const char *x, const char *w, int64_t steps, int32_t *out) { \
        slice(i + 1, x, w, steps, out);                                                                          \
    }
EACH_ROW(X)
#undef X
typedef void (*slice_fn)(const char *x, const char *w, int64_t steps, int32_t *out);

INLINE void wide_tile(const int mr, slice_fn add_slice, const tn_qstrip *s, const int32_t *at, int32_t *out) {
    _Alignas(64) int16_t x[MR * SLICE * C];
    const char *w = s->singles.w;
    int64_t groups = s->singles.n;
    memset(out, 0, sizeof *out * (size_t)(mr * NR));
    for (int64_t g = 0; g < groups; g += SLICE) {
        int64_t n = groups - g < SLICE ? groups - g : SLICE;
        widen(mr, s, at, s->singles.at + g, n, x);
        add_slice((const char *)x, w, n * C / 2, out);
        w += n * C * NR * (int)sizeof(int16_t);
    }
}

#define X(i)                                                                    \
    static void wide_##i(const tn_qstrip *s, const int32_t *at, int32_t *out) { \
        wide_tile(i + 1, slice_##i, s, at, out);                                \
    }
EACH_ROW(X)
#undef X
#define X(i) wide_##i,
static void (*const wides[MR])(const tn_qstrip *s, const int32_t *at, int32_t *out) = { EACH_ROW(X) };
#undef X

static void wide(const tn_qstrip *s) { tiled(s, wides); }
#endif

/* Two taps side by side: their bytes become pairs of words, which one multiply-add sums. */
INLINE void depth_pixel(const tn_qdepth *d, const uint8_t *x, __m256i *a, __m256i *b) {
    __m256i lo = _mm256_setzero_si256(), hi = lo;
    const __m256i *w = (const __m256i *)(const void *)d->w;
    const int32_t *at = d->at;
    for (int64_t t = d->pairs; t > 0; t--, at += 2, w += 2) {
        __m128i u = _mm_loadu_si128((const __m128i *)(const void *)(x + at[0])),
                v = _mm_loadu_si128((const __m128i *)(const void *)(x + at[1]));
        __m256i l = _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(u, v)), h = _mm256_cvtepu8_epi16(_mm_unpackhi_epi8(u, v));
        lo = _mm256_add_epi32(lo, _mm256_madd_epi16(l, _mm256_loadu_si256(w)));
        hi = _mm256_add_epi32(hi, _mm256_madd_epi16(h, _mm256_loadu_si256(w + 1)));
    }
    *a = lo, *b = hi;
}

static void depth_codes(const tn_qdepth *d) {
    const eight k[2] = { eight_at(&d->end, 0), eight_at(&d->end, 8) };
    __m256 lo = _mm256_set1_ps(d->end.lo), hi = _mm256_set1_ps(d->end.hi);
    __m256i zero = _mm256_set1_epi32(d->end.zero), a, b;
    for (int64_t p = 0; p < d->n; p++) {
        depth_pixel(d, d->x + p * d->step, &a, &b);
        _mm_storeu_si128((__m128i *)(void *)(d->y + p * C), end_sixteen(k, a, b, lo, hi, zero));
    }
}

static void depthwise(const tn_qdepth *d) {
    if (d->end.y_type == TN_U8) {
        depth_codes(d);
        return;
    }
    for (int64_t p = 0; p < d->n; p++) {
        _Alignas(64) __m256i two[2];
        int32_t v[C];
        depth_pixel(d, d->x + p * d->step, &two[0], &two[1]);
        memcpy(v, two, sizeof v);
        end_block(&d->end, v, 0, C, d->y + (size_t)(p * C) * sizeof(float));
    }
}

/* Sixteen tables of sixteen, looked up by the low four bits; the high four choose among the results, two by two. */
INLINE __m256i look(const __m256i *table, __m256i x) {
    __m256i low = _mm256_and_si256(x, _mm256_set1_epi8(15)), v[16];
    for (int k = 0; k < 16; k++) v[k] = _mm256_shuffle_epi8(table[k], low);
    for (int bit = 3, left = 8; left > 0; bit--, left /= 2) { /* of a byte's bits blends see the highest */
        __m256i which = _mm256_slli_epi16(x, bit);
        for (int k = 0; k < left; k++) v[k] = _mm256_blendv_epi8(v[2 * k], v[2 * k + 1], which);
    }
    return v[0];
}

static void lookup(int64_t n, const uint8_t *table, const uint8_t *x, uint8_t *y) {
    __m256i t[16];
    int64_t i = 0;
    for (int k = 0; n >= 32 && k < 16; k++)
        t[k] = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)(table + 16 * k)));
    for (; i + 32 <= n; i += 32)
        _mm256_storeu_si256((__m256i *)(void *)(y + i),
                            look(t, _mm256_loadu_si256((const __m256i *)(const void *)(x + i))));
    for (; i < n; i++) y[i] = table[x[i]];
}

#endif
