/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qsums.c - convolutions of 8-bit integers as products of gathered rows, or row by row: see qsums.h. */
#include "op/quant/qsums.h"
#include "base/mem.h"
#include "op/core/support.h"
#include <string.h>

static size_t round64(size_t n) { return tn_align_up(n, 64); }

static tn_qgemm_args product_of(const tn_qsums_shape *s, int64_t rows, bool x_signed) {
    return (tn_qgemm_args){ .m = rows, .n = s->oc, .k = s->k, .a_signed = x_signed, .lda = s->k, .ldc = s->oc };
}

tn_status tn_qsums_describe(const tn_node *n, const tn_qsums_attrs *a, const int64_t *xd, int xrank, const int64_t *wd,
                            tn_dtype y_type, bool by_rows, tn_qsums_shape *s) {
    enum { ROW_BYTES = 1 << 17, LEAST = 16 };
    int rank = xrank - 2;
    int64_t group = a->group, out[TN_WINDOW_RANK], channels;
    tn_window w;
    bool last = a->channels_last;
    TN_TRY(tn_window_of(n, &a->window, rank, wd + 2, &w));
    TN_TRY(tn_window_place(n, &w, xd + (last ? 1 : 2), out));
    if (__builtin_mul_overflow(wd[1], group, &channels))
        return tn_op_fail(n, TN_E_SHAPE, "%lld channels in each of %lld groups", (long long)wd[1], (long long)group);
    *s = (tn_qsums_shape){ .d = { .rank = rank, .n = xd[0], .ic = channels, .oc = wd[0], .group = group },
                           .by_rows = by_rows,
                           .last = last,
                           .plain = true,
                           .in = 1,
                           .out = 1,
                           .taps = 1,
                           .each = y_type == TN_I32 ? 4 : 1 };
    tn_conv_desc *d = &s->d;
    for (int i = 0; i < rank; i++) {
        d->in[i] = xd[(last ? 1 : 2) + i], d->out[i] = out[i], d->kernel[i] = w.kernel[i];
        d->stride[i] = w.stride[i], d->dilation[i] = w.dilation[i], d->pad[i] = w.begin[i];
        s->plain &= w.kernel[i] == 1 && w.stride[i] == 1 && w.begin[i] == 0 && w.end[i] == 0;
    }
    if (!tn_conv_valid(d)) return tn_op_fail(n, TN_E_SHAPE, "the sizes of this convolution are out of range");
    for (int i = 0; i < rank; i++) s->in *= d->in[i], s->out *= d->out[i], s->taps *= d->kernel[i];
    s->ic = d->ic / group, s->oc = d->oc / group, s->k = s->ic * s->taps;
    if (by_rows || s->out == 0 || d->n == 0) return TN_OK;
    const tn_qgemm_kernels *kn = &tn_kernels_get()->qgemm;
    int64_t fit = ROW_BYTES / s->k;
    s->piece = fit < LEAST ? LEAST : fit > 1024 ? 1024 : fit;
    s->piece = s->piece < s->out ? s->piece : s->out;
    s->packed = round64(tn_qgemm_pack_b_bytes(kn, s->k, s->oc));
    s->turned = s->last ? 0 : round64((size_t)(d->ic * s->in));
    s->rows = s->plain ? 0 : round64((size_t)(s->piece * s->k));
    s->result = s->last ? 0 : round64((size_t)(s->piece * s->oc) * s->each);
    tn_qgemm_args g = product_of(s, s->piece, false);
    s->product = round64(tn_qgemm_scratch(kn, &g, 1));
    return TN_OK;
}

static size_t share_bytes(const tn_qsums_shape *s) {
    if (s->by_rows) return round64((size_t)s->d.out[s->d.rank - 1] * sizeof(int32_t));
    return s->rows + s->result + s->product;
}

size_t tn_qsums_scratch(const tn_qsums_shape *s, int threads) { return s->turned + share_bytes(s) * (size_t)threads; }

/* The taps of one output position, side by side. */
static void gather(const tn_qsums *j, const uint8_t *x, const int64_t *at, uint8_t *to) {
    const tn_conv_desc *d = &j->s.d;
    const int last = d->rank - 1;
    int64_t tap[TN_CONV_RANK] = { 0 }, ic = j->s.ic, kernel = d->kernel[last], step = d->dilation[last];
    int64_t from = at[last] * d->stride[last] - d->pad[last], lo = from < 0 ? (-from + step - 1) / step : 0;
    int64_t hi = from >= d->in[last] ? 0 : (d->in[last] - from + step - 1) / step;
    lo = lo < kernel ? lo : kernel, hi = hi < kernel ? hi : kernel, hi = hi > lo ? hi : lo;
    for (int64_t run = 0; run < j->s.taps; run += kernel, to += kernel * ic) {
        int64_t offset = 0;
        bool inside = true;
        for (int i = 0; i < last; i++) {
            int64_t y = at[i] * d->stride[i] - d->pad[i] + tap[i] * d->dilation[i];
            inside &= y >= 0 && y < d->in[i];
            offset = offset * d->in[i] + y;
        }
        int64_t a = inside ? lo : kernel, b = inside ? hi : kernel;
        if (a > 0) memset(to, j->x_zero, (size_t)(a * ic));
        const uint8_t *row = x + (offset * d->in[last] + from) * j->pixel;
        if (step == 1 && j->pixel == ic && b > a)
            memcpy(to + a * ic, row + a * ic, (size_t)((b - a) * ic));
        else
            for (int64_t t = a; t < b; t++) memcpy(to + t * ic, row + t * step * j->pixel, (size_t)ic);
        if (b < kernel) memset(to + b * ic, j->x_zero, (size_t)((kernel - b) * ic));
        for (int i = last - 1; i >= 0 && ++tap[i] == d->kernel[i]; i--) tap[i] = 0;
    }
}

/* Items of an image: blocks of positions within groups. */
static void run_blocks(void *arg, int64_t begin, int64_t end, int thread) {
    const tn_qsums *j = arg;
    const tn_qsums_shape *s = &j->s;
    const tn_conv_desc *d = &s->d;
    char *rows = j->scratch + (size_t)thread * share_bytes(s), *result = rows + s->rows, *product = result + s->result;
    for (int64_t item = begin; item < end; item++) {
        int64_t g = item / j->blocks, first = item % j->blocks * s->piece;
        int64_t n = s->out - first < s->piece ? s->out - first : s->piece, at[TN_CONV_RANK], rest = first;
        const uint8_t *x = j->x + g * j->group;
        for (int i = d->rank - 1; i >= 0; i--) at[i] = rest % d->out[i], rest /= d->out[i];
        for (int64_t p = 0; p < n && !s->plain; p++) {
            gather(j, x, at, (uint8_t *)rows + p * s->k);
            for (int i = d->rank - 1; i >= 0 && ++at[i] == d->out[i]; i--) at[i] = 0;
        }
        tn_qgemm_args a = product_of(s, n, j->x_signed);
        a.a = s->plain ? x + first * j->pixel : (const uint8_t *)rows;
        if (s->plain) a.lda = j->pixel;
        a.b_signed = j->w_signed, a.b_packed = j->packed + (size_t)g * s->packed;
        a.a_zero = &j->x_zero;
        a.b_zero = j->wz.zero + (j->wz.many ? g * s->oc : 0), a.b_zero_cols = j->wz.many;
        a.bias = j->bias ? j->bias + g * s->oc : NULL;
        a.scale = j->scale.scale ? j->scale.scale + (j->scale.many ? g * s->oc : 0) : NULL;
        a.scale_cols = j->scale.many, a.c_type = j->y_type, a.c_zero = j->y_zero;
        if (s->last)
            a.c = j->y + (size_t)(first * d->oc + g * s->oc) * s->each, a.ldc = d->oc;
        else
            a.c = result;
        (void)tn_qgemm(&j->kn->qgemm, &a, product, NULL); /* fails only for lack of scratch */
        if (!s->last)
            j->kn->move.transpose[s->each == 4 ? 2 : 0](result, s->oc * (int64_t)s->each,
                                                        j->y + (size_t)(g * s->oc * s->out + first) * s->each,
                                                        s->out * (int64_t)s->each, n, s->oc);
    }
}

/* Pixels of one group, [channels, pixels] to [pixels, channels]. */
enum { TURN = 512 };
static void turn(void *arg, int64_t begin, int64_t end, int thread) {
    const tn_qsums *j = arg;
    const tn_qsums_shape *s = &j->s;
    (void)thread;
    int64_t each = (s->in + TURN - 1) / TURN;
    for (int64_t i = begin; i < end; i++) {
        int64_t g = i / each, p = i % each * TURN, n = s->in - p < TURN ? s->in - p : TURN;
        const char *from = (const char *)j->image + g * s->ic * s->in;
        j->kn->move.transpose[0](from + p, s->in, (char *)(uintptr_t)j->x + g * j->group + p * s->ic, s->ic, s->ic, n);
    }
}

static void run_product(tn_qsums *j, const uint8_t *x, char *y, tn_pool *pool) {
    const tn_qsums_shape *s = &j->s;
    char *turned = j->scratch;
    j->scratch += s->turned;
    j->blocks = (s->out + s->piece - 1) / s->piece;
    j->pixel = s->last ? s->d.ic : s->ic, j->group = s->last ? s->ic : s->ic * s->in;
    for (int64_t n = 0; n < s->d.n; n++) {
        j->image = x + n * s->d.ic * s->in;
        j->x = s->last ? j->image : (const uint8_t *)turned;
        j->y = y + (size_t)(n * s->d.oc * s->out) * s->each;
        if (!s->last) tn_parallel(pool, s->d.group * ((s->in + TURN - 1) / TURN), 4, turn, j);
        tn_parallel(pool, s->d.group * j->blocks, 1, run_blocks, j);
    }
}

/* One row of output pixels of channel oc of image n, as int32 sums. Pixels are `pixel` bytes apart. */
static void sum_row(const tn_qsums *j, const uint8_t *x, int64_t oc, const int64_t *at, int32_t *acc) {
    const tn_conv_desc *d = &j->s.d;
    const int last = d->rank - 1;
    const uint8_t *w = j->w + oc * j->s.taps;
    int32_t zero = j->wz.zero[j->wz.many ? oc : 0];
    int64_t stride = d->stride[last], tap[TN_CONV_RANK] = { 0 };
    for (int64_t i = 0; i < d->out[last]; i++) acc[i] = j->bias ? j->bias[oc] : 0;
    for (int64_t t = 0; t < j->s.taps; t++) {
        int64_t offset = 0, from = tap[last] * d->dilation[last] - d->pad[last];
        bool inside = true;
        for (int i = 0; i < last; i++) {
            int64_t y = at[i] * d->stride[i] - d->pad[i] + tap[i] * d->dilation[i];
            inside &= y >= 0 && y < d->in[i];
            offset = offset * d->in[i] + y;
        }
        int64_t lo = from < 0 ? (-from + stride - 1) / stride : 0;
        int64_t hi = from >= d->in[last] ? 0 : (d->in[last] - from + stride - 1) / stride;
        hi = hi < d->out[last] ? hi : d->out[last];
        if (inside && lo < hi)
            j->kn->qgemm.add_row(j->x_signed, hi - lo, stride * j->pixel,
                                 x + (offset * d->in[last] + from + lo * stride) * j->pixel,
                                 (j->w_signed ? (int8_t)w[t] : w[t]) - zero, j->x_zero, acc + lo);
        for (int i = last; i >= 0 && ++tap[i] == d->kernel[i]; i--) tap[i] = 0;
    }
}

/* Items: channels of images. */
static void run_channels(void *arg, int64_t begin, int64_t end, int thread) {
    const tn_qsums *j = arg;
    const tn_qsums_shape *s = &j->s;
    const tn_conv_desc *d = &s->d;
    int64_t width = d->out[d->rank - 1];
    int32_t *acc = (int32_t *)(void *)(j->scratch + (size_t)thread * share_bytes(s));
    for (int64_t i = begin; i < end; i++) {
        int64_t n = i / d->oc, oc = i % d->oc, g = oc / s->oc, at[TN_CONV_RANK] = { 0 };
        const uint8_t *x = j->image + n * d->ic * s->in + g * (s->last ? 1 : s->in);
        float scale = j->scale.scale ? j->scale.scale[j->scale.many ? oc : 0] : 0;
        for (int64_t row = 0; row < s->out; row += width) {
            sum_row(j, x, oc, at, acc);
            for (int64_t k = 0; s->last && k < width; k++)
                j->kn->qgemm.store_row(1, acc + k, scale, j->y_zero, j->y_type,
                                       j->y + (size_t)((n * s->out + row + k) * d->oc + oc) * s->each);
            if (!s->last)
                j->kn->qgemm.store_row(width, acc, scale, j->y_zero, j->y_type,
                                       j->y + (size_t)(i * s->out + row) * s->each);
            for (int k = d->rank - 2; k >= 0 && ++at[k] == d->out[k]; k--) at[k] = 0;
        }
    }
}

void tn_qsums_run(tn_qsums *j, const uint8_t *x, char *y, tn_pool *pool) {
    j->image = x, j->y = y;
    if (!j->s.by_rows) {
        run_product(j, x, y, pool);
        return;
    }
    j->pixel = j->s.last ? j->s.d.ic : 1;
    tn_parallel(pool, j->s.d.n * j->s.d.oc, 1, run_channels, j);
}
