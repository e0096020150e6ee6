/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qconv.h - sums of products of 8-bit codes with a requantising end: convolutions on blocked channels
 * [N, ceil(C / 16), H, W, 16], and matrix products as convolutions of one row of pixels.
 *
 * Activations are u8 (whoever has s8 adds 128 to codes and zero point), weights become s8 when they are packed.
 *
 *       y[p, o] = sum over i of (x[p, i] - zx) (w[o, i] - zw[o])  =  sum of x w'  -  zx sum of w'       w' = w - zw
 *
 * so that one number per column, `add`, takes care of zx; a position outside the image holds zx. Then the end
 *
 *       fma((float)(sum + add[o]), scale[o], bias[o])      as float32, or rounded half to even, held in [lo, hi] and
 *                                                          moved by the zero point as a code
 *
 * Weights are packed in panels of nr columns (output channels). A panel is a list of groups with a code that says what
 * they are of; what is zero for all columns is left out. That covers thin inputs, grouped convolutions, odd sizes.
 *
 *   narrow   four channels of one tap for all columns, 4 nr bytes. w' beyond s8 stands in several groups whose sum it
 * is. Where bytes are multiplied into words (bounded), a group says which four of a block's sixteen channels it is for,
 * and groups are singles, or two that are a double, so that words hold their sums (kernel/qconv_arrange.h). Where there
 * are dot products of four bytes, groups are singles of four neighbours. wide     sixteen channels of one tap, 16 nr
 * words: for weights so large that bytes would take longer
 *
 * All variants therefore give the same, exact sum.
 *
 * Kernels read x at row_at[p] + at[g]; a matrix and an image differ in these two lists alone. */
#ifndef TN_KERNEL_QCONV_H
#define TN_KERNEL_QCONV_H

#include "base/pool.h"

enum { TN_QBLOCK = 16 }; /* channels in a block of codes, on every machine */

/** The end of sums: arrays have an entry per column, to a multiple of 16. */
typedef struct {
    const int32_t *add;
    const float *scale, *bias;
    float lo, hi;    /* of codes: the least and greatest one minus the zero point */
    int32_t zero;    /* the zero point */
    tn_dtype y_type; /* TN_U8, TN_F32 */
} tn_qend;

/** Groups, or doubles, of a panel: `at` has an entry each.
 *  pick   of bounded kernels: which of the sixteen channels at x + row_at[r] + at[i] the four of a group are, four
 * bytes a group; a double has two. Else NULL: the four at x + row_at[r] + at[i]. w      [groups][nr][4] int8, or
 * [n][8][nr][2] int16 of wide ones; 64-byte aligned */
typedef struct {
    int64_t n;
    const int32_t *at;
    const uint8_t *pick;
    const void *w;
} tn_qgroups;

/** Positions times one panel; results of row r go to y + r * row_step, sixteen columns side by side, the next sixteen
 *  block_step bytes on. */
typedef struct {
    int64_t rows, n; /* n <= nr columns are stored */
    const uint8_t *x;
    const int32_t *row_at;
    tn_qgroups doubles, singles; /* wide groups are singles */
    tn_qend end;
    char *y;
    ptrdiff_t row_step, block_step;
} tn_qstrip;

/** A row of a depthwise convolution: n pixels of one block of channels, `step` bytes apart in x.
 *  at, w    taps / 2 pairs: offsets of both taps; [16][2] weights w' each (of an odd number the last is zero)
 *  y        n times 16 codes, or floats */
typedef struct {
    int64_t n, pairs;
    const uint8_t *x;
    ptrdiff_t step;
    const int32_t *at;
    const int16_t *w;
    tn_qend end;
    char *y;
} tn_qdepth;

/** y = round(a ka + b kb + c) or round((a - za) (b - zb) ka), held in [lo, hi], plus zero. */
typedef struct {
    float ka, kb, c;
    int32_t za, zb;
    float lo, hi;
    int32_t zero;
} tn_qpair;

typedef struct tn_qconv_kernels {
    uintptr_t nr;      /* columns of a panel: a multiple of 16 */
    uintptr_t bounded; /* 1: words hold the sums of pairs, as said above */
    void (*strip)(const tn_qstrip *s);
    void (*wide)(const tn_qstrip *s); /* NULL: not needed */
    void (*depthwise)(const tn_qdepth *d);
    /* b_step: 1, or 0 for one code that stands beside all */
    void (*add)(int64_t n, const uint8_t *a, const uint8_t *b, int64_t b_step, const tn_qpair *p, uint8_t *y);
    void (*mul)(int64_t n, const uint8_t *a, const uint8_t *b, int64_t b_step, const tn_qpair *p, uint8_t *y);
    /* y = round(x / scale) + zero, saturated; NaN gives 0 */
    void (*quantise)(int64_t n, const float *x, float scale, int32_t zero, uint8_t *y);
    void (*range)(int64_t n, const float *x, float *lo, float *hi); /* widens [lo, hi]; NaN is passed over */
    /* y[i] = greater of y[i] and x[i] */
    void (*most)(int64_t n, const uint8_t *x, uint8_t *y);
    void (*lookup)(int64_t n, const uint8_t *table, const uint8_t *x, uint8_t *y); /* y[i] = table[x[i]] */
} tn_qconv_kernels;

extern const tn_qconv_kernels tn_qconv_table_ref;

/** Weights as they lie in a model: w(o, i, t) of output o, input i of its group, tap t, steps in elements. Outputs o of
 *  group g = o / (oc / groups) see the inputs from g * ic on. */
typedef struct {
    int64_t oc, ic, taps, groups;
    const void *w;
    bool is_signed;
    int64_t o_step, i_step, t_step;
    const int32_t *zero; /* [1] or [oc] */
    bool zero_many;
} tn_qweights;

/** What a packed form takes; the weights are read for it. */
typedef struct {
    int64_t doubles, singles;
    bool wide;
    size_t bytes;
    char *kept; /* groups as they were found, so that packing need not look for them again; or NULL */
} tn_qconv_size;
tn_qconv_size tn_qconv_measure(const tn_qconv_kernels *kn, const tn_qweights *w);
/** The same, with groups that are kept, if there is memory for them, until they are forgotten. */
tn_qconv_size tn_qconv_measure_kept(const tn_qconv_kernels *kn, const tn_qweights *w);
void tn_qconv_forget(tn_qconv_size *s);
void tn_qconv_pack(const tn_qconv_kernels *kn, const tn_qweights *w, const tn_qconv_size *size, void *out);

/** How many places a packed form has, and the sum of w' of every column ([oc] to a multiple of nr). */
int64_t tn_qconv_groups(const void *packed);
const int32_t *tn_qconv_sums(const tn_qconv_kernels *kn, const void *packed);
/** Where the groups' channels lie: blocks of 16 channels are `block` bytes apart, tap t is tap_at[t] bytes on. */
void tn_qconv_places(const tn_qconv_kernels *kn, const void *packed, int64_t block, const int32_t *tap_at,
                     int32_t *group_at);

/** Packed depthwise weights, [blocks][pairs][16][2] int16, and the sums of w', int32 [blocks * 16]. */
size_t tn_qdepth_packed_bytes(const tn_qweights *w);
void tn_qdepth_pack(const tn_qweights *w, void *out);
const int32_t *tn_qdepth_sums(const tn_qweights *w, const void *packed);

/** All positions times all panels, on the pool's threads. Rows of x can be read in whole sixteens.
 *  columns  stored: oc of a matrix, a multiple of 16 of blocked channels */
typedef struct {
    int64_t rows, columns;
    const void *packed;
    const uint8_t *x;
    const int32_t *row_at, *group_at;
    tn_qend end;
    char *y;
    ptrdiff_t row_step, block_step;
} tn_qconv_args;
void tn_qconv(const tn_qconv_kernels *kn, const tn_qconv_args *a, tn_pool *pool);

#endif
