/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qconv.c - convolutions of 8-bit integers: ConvInteger, which gives the int32 sums, and QLinearConv, which scales them
 * back to 8 bits; [N, C, D1 .. Dr], or channels last in com.microsoft's form.
 *
 * Two ways to compute, both exact. A convolution of many channels is a product: an image is turned so that the channels
 * of a pixel lie side by side; the taps of a piece of output positions are gathered, one row a position; the rows times
 * the packed weights (kernel/qgemm.h) give [positions, channels], which is turned back. A depthwise one has nothing to
 * gather: it sums rows of the image, tap by tap. */
#include "base/budget.h"
#include "base/mem.h"
#include "kernel/kernel.h"
#include "op/core/grad.h"
#include "op/core/ports.h"
#include "op/core/support.h"
#include "op/nn/window.h"
#include "op/quant/qparam.h"
#include <stdio.h>
#include <string.h>

/* Where a row of this family has its inputs; -1: nowhere. */
typedef struct {
    int x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, bias;
} places;
enum { INTEGER, LINEAR };
enum { BY_ROWS, AS_PRODUCT }; /* .arg of the implementations */
static const places place_of[] = { { 0, -1, 2, 1, -1, 3, -1, -1, -1 }, { 0, 1, 2, 3, 4, 5, 6, 7, 8 } };
static const places *places_of(const tn_node *n) { return &place_of[n->op->arg]; }

typedef struct {
    tn_window_attrs window;
    int64_t group;
    bool channels_last;
} convolution;

/* ------------------------------------------------------------------------------------------------------ inference */

static tn_status qconv_infer(tn_infer *c) {
    const tn_node *n = c->node;
    const places *at = places_of(n);
    int xrank = tn_infer_rank(c, at->x), wrank = tn_infer_rank(c, at->w), rank = xrank - 2;
    const convolution *a = c->attrs;
    bool last = a->channels_last;
    int64_t group = a->group;
    tn_dtype t = at->y_scale < 0               ? TN_I32
                 : tn_infer_has(c, at->y_zero) ? tn_infer_dtype(c, at->y_zero)
                                               : tn_infer_dtype(c, at->x);
    tn_dim dims[TN_MAX_RANK];
    tn_window w;
    if (xrank < 0 || wrank < 0) {
        tn_infer_out(c, 0, t, -1, NULL);
        return TN_OK;
    }
    const tn_dim *xd = c->in[at->x]->dims, *wd = c->in[at->w]->dims, *spatial = xd + (last ? 1 : 2);
    if (rank < 1 || wrank != xrank)
        return tn_infer_fail(c, TN_E_SHAPE, "x has %d dimensions and w %d; both need the same, at least 3", xrank,
                             wrank);
    TN_TRY(tn_window_of(n, &a->window, rank, wd + 2, &w));
    tn_dim have = last ? xd[1 + rank] : xd[1], need = tn_dim_mul(c->syms, wd[1], group);
    if (tn_dim_known(have) && tn_dim_known(need) && have != need)
        return tn_infer_fail(c, TN_E_SHAPE, "x has %lld channels, w is made for %lld (group %lld)", (long long)have,
                             (long long)need, (long long)group);
    if (tn_dim_known(wd[0]) && wd[0] % group != 0)
        return tn_infer_fail(c, TN_E_SHAPE, "group %lld does not divide %lld channels", (long long)group,
                             (long long)wd[0]);
    if (at->bias >= 0 && tn_infer_rank(c, at->bias) >= 0) {
        tn_dim b = tn_type_count(c->syms, c->in[at->bias]);
        if (tn_dim_known(b) && tn_dim_known(wd[0]) && b != wd[0])
            return tn_infer_fail(c, TN_E_SHAPE, "B has %lld elements for %lld output channels", (long long)b,
                                 (long long)wd[0]);
    }
    dims[0] = xd[0];
    dims[last ? 1 + rank : 1] = wd[0];
    for (int d = 0; d < rank; d++) TN_TRY(tn_window_out(n, c->syms, &w, d, spatial[d], &dims[d + (last ? 1 : 2)]));
    tn_infer_out(c, 0, t, xrank, dims);
    return TN_OK;
}

static tn_status qconv_cost(const tn_infer *c, tn_cost *out) {
    const tn_type *y = &c->out[0], *w = c->in[places_of(c->node)->w];
    out->flops = 2;
    for (int i = 0; i < y->rank; i++) out->flops *= (double)y->dims[i];
    for (int i = 1; i < w->rank; i++) out->flops *= (double)w->dims[i];
    return TN_OK;
}

/* ---------------------------------------------------------------------------------------------------- description */

/* One convolution as it runs. Sizes of a group: ic, oc channels, k = ic * taps elements a row. */
typedef struct {
    tn_conv_desc d;
    bool by_rows;     /* a depthwise one, row by row: the implementation */
    bool last, plain; /* channels last; one tap, no padding, no steps: rows are pixels */
    int64_t in, out, taps, ic, oc, k;
    int64_t piece;                             /* positions a row block has */
    size_t packed, turned, rows, result, each; /* bytes: packed weights of a group; an image turned; of a share */
    size_t product;                            /* scratch of the product */
} shape;

static size_t round64(size_t n) { return tn_align_up(n, 64); }

static tn_qgemm_args product_of(const shape *s, int64_t rows, bool x_signed) {
    return (tn_qgemm_args){ .m = rows, .n = s->oc, .k = s->k, .a_signed = x_signed, .lda = s->k, .ldc = s->oc };
}

static tn_status describe(const tn_node *n, const convolution *a, const int64_t *xd, int xrank, const int64_t *wd,
                          tn_dtype y_type, bool by_rows, shape *s) {
    enum { ROW_BYTES = 1 << 17, LEAST = 16 };
    int rank = xrank - 2;
    int64_t group = a->group, out[TN_WINDOW_RANK], channels;
    tn_window w;
    bool last = a->channels_last;
    TN_TRY(tn_window_of(n, &a->window, rank, wd + 2, &w));
    TN_TRY(tn_window_place(n, &w, xd + (last ? 1 : 2), out));
    if (__builtin_mul_overflow(wd[1], group, &channels))
        return tn_op_fail(n, TN_E_SHAPE, "%lld channels in each of %lld groups", (long long)wd[1], (long long)group);
    *s = (shape){ .d = { .rank = rank, .n = xd[0], .ic = channels, .oc = wd[0], .group = group },
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

static size_t share_bytes(const shape *s) {
    if (s->by_rows) return round64((size_t)s->d.out[s->d.rank - 1] * sizeof(int32_t));
    return s->rows + s->result + s->product;
}

static size_t scratch_bytes(const shape *s, int threads) { return s->turned + share_bytes(s) * (size_t)threads; }

/* -------------------------------------------------------------------------------------------------------- weights */

typedef struct {
    const uint8_t *w;
    bool is_signed;
    int64_t group, oc, ic, taps;
    size_t bytes; /* of a packed group */
    uint8_t *turned;
} pack_job;

/* Rows have the channels of a tap side by side, weights the taps of a channel. */
static tn_status pack_weights(void *dst, const void *user) {
    const pack_job *j = user;
    const tn_kernels *kn = tn_kernels_get();
    int64_t k = j->ic * j->taps;
    tn_ticks ticks = { 0 };
    for (int64_t g = 0; g < j->group && !tn_ticks_stopped(&ticks, j->bytes); g++) {
        const uint8_t *w = j->w + g * j->oc * k;
        for (int64_t o = 0; o < j->oc && j->taps > 1 && !tn_ticks_stopped(&ticks, (uint64_t)k); o++)
            kn->move.transpose[0]((const char *)w + o * k, j->taps, (char *)j->turned + o * k, j->ic, j->ic, j->taps);
        tn_qgemm_pack_b(&kn->qgemm, j->is_signed, true, k, j->oc, j->taps > 1 ? j->turned : w, k,
                        (char *)dst + (size_t)g * j->bytes);
    }
    return TN_OK;
}

static pack_job pack_of(const convolution *a, const tn_tensor *w) {
    pack_job j = { .w = w->data, .is_signed = w->dtype == TN_I8, .group = a->group };
    j.oc = w->dims[0] / j.group, j.ic = w->dims[1], j.taps = tn_op_product(w->dims, 2, w->rank);
    j.bytes = round64(tn_qgemm_pack_b_bytes(&tn_kernels_get()->qgemm, j.ic * j.taps, j.oc));
    return j;
}

typedef struct {
    const char *packed; /* NULL: packed while running */
    size_t scratch;     /* 0: shapes were not known */
} qconv_state;

static tn_status qconv_prepare(tn_prep *p) {
    const tn_infer *t = &p->types;
    const places *at = places_of(t->node);
    const tn_tensor *w = t->in_tensor[at->w];
    const bool by_rows = p->impl->arg == BY_ROWS;
    shape s;
    qconv_state *state = tn_arena_new_of(p->arena, qconv_state);
    if (!state) return tn_op_fail(t->node, TN_E_NOMEM, "no memory to prepare");
    *state = (qconv_state){ 0 };
    p->state = state;
    if (!w || tn_infer_rank(t, at->x) < 0 || tn_count(w) == 0) return TN_OK; /* without weights there is no result */
    if (tn_type_static(t->in[at->x])) {
        TN_TRY(
            describe(t->node, t->attrs, t->in[at->x]->dims, t->in[at->x]->rank, w->dims, t->out[0].dtype, by_rows, &s));
        p->scratch = state->scratch = scratch_bytes(&s, tn_pool_threads(p->pool));
    }
    if (by_rows) return TN_OK;
    pack_job j = pack_of(t->attrs, w);
    if (j.taps > 1 && !(j.turned = tn_mem_alloc((size_t)(j.oc * j.ic * j.taps), TN_MEM_SCRATCH)))
        return tn_op_fail(t->node, TN_E_NOMEM, "no memory to pack weights");
    char key[64];
    const void *packed = NULL;
    snprintf(key, sizeof key, "qconv %lld", (long long)j.group);
    tn_status st = tn_prep_pack(p, 1u << at->w, key, j.bytes * (size_t)j.group, pack_weights, &j, &packed);
    tn_mem_free(j.turned);
    state->packed = packed;
    if (st == TN_OK) p->consumed |= 1u << at->w;
    return st;
}

/* ------------------------------------------------------------------------------------------------------------ run */

typedef struct {
    const tn_kernels *kn;
    shape s;
    const uint8_t *x, *w; /* x: of the image at hand, turned unless channels last */
    int64_t pixel, group; /* bytes from pixel to pixel, from group to group */
    bool x_signed, w_signed;
    int32_t x_zero, y_zero;
    tn_qparam wz, scale;
    const int32_t *bias;
    const char *packed;
    char *y; /* of the image at hand */
    tn_dtype y_type;
    char *scratch;
    int64_t blocks; /* of positions */
    const uint8_t *image;
} job;

/* The taps of one output position, side by side. */
static void gather(const job *j, const uint8_t *x, const int64_t *at, uint8_t *to) {
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
    const job *j = arg;
    const shape *s = &j->s;
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
    const job *j = arg;
    const shape *s = &j->s;
    (void)thread;
    int64_t each = (s->in + TURN - 1) / TURN;
    for (int64_t i = begin; i < end; i++) {
        int64_t g = i / each, p = i % each * TURN, n = s->in - p < TURN ? s->in - p : TURN;
        const char *from = (const char *)j->image + g * s->ic * s->in;
        j->kn->move.transpose[0](from + p, s->in, (char *)(uintptr_t)j->x + g * j->group + p * s->ic, s->ic, s->ic, n);
    }
}

static void run_product(job *j, const uint8_t *x, char *y, tn_pool *pool) {
    const shape *s = &j->s;
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
static void sum_row(const job *j, const uint8_t *x, int64_t oc, const int64_t *at, int32_t *acc) {
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
    const job *j = arg;
    const shape *s = &j->s;
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

static tn_status pack_now(tn_run *r, const tn_tensor *w, const char **packed) {
    pack_job p = pack_of(r->attrs, w);
    char *to = tn_run_scratch(r, p.bytes * (size_t)p.group + 64);
    p.turned = tn_run_scratch(r, (size_t)(p.oc * p.ic * p.taps) + 64);
    if (!to || !p.turned) return tn_op_fail(r->node, TN_E_NOMEM, "no memory to pack weights");
    pack_weights(to, &p);
    *packed = to;
    return TN_OK;
}

/* The factor from sums to results: x_scale w_scale / y_scale. */
static tn_status read_scales(tn_run *r, const places *at, int64_t oc, tn_qparam *out) {
    tn_qparam xs, ws, ys;
    if (at->y_scale < 0) return TN_OK;
    TN_TRY(tn_q_scales(r, at->x_scale, 1, &xs));
    TN_TRY(tn_q_scales(r, at->w_scale, oc, &ws));
    TN_TRY(tn_q_scales(r, at->y_scale, 1, &ys));
    int64_t n = ws.many ? oc : 1;
    float *v = tn_run_scratch(r, (size_t)n * sizeof *v);
    if (!v) return tn_op_fail(r->node, TN_E_NOMEM, "no memory for %lld scales", (long long)n);
    for (int64_t i = 0; i < n; i++) v[i] = *xs.scale * ws.scale[i] / *ys.scale;
    *out = (tn_qparam){ .many = ws.many, .scale = v };
    return TN_OK;
}

static tn_status qconv_run(tn_run *r) {
    const qconv_state *state = r->state;
    const places *at = places_of(r->node);
    const tn_tensor *x = tn_in(r, at->x), *w = tn_in(r, at->w);
    tn_tensor *y = tn_out(r, 0);
    tn_qparam xz, yz;
    if (tn_count(y) == 0) return TN_OK;
    job j = { .kn = tn_kernels_get(), .x_signed = x->dtype == TN_I8, .w_signed = w->dtype == TN_I8 };
    TN_TRY(describe(r->node, r->attrs, x->dims, x->rank, w->dims, y->dtype, r->impl->arg == BY_ROWS, &j.s));
    TN_TRY(tn_q_zeros(r, at->x_zero, 1, &xz));
    TN_TRY(tn_q_zeros(r, at->w_zero, j.s.d.oc, &j.wz));
    TN_TRY(tn_q_zeros(r, at->y_zero, 1, &yz));
    TN_TRY(read_scales(r, at, j.s.d.oc, &j.scale));
    j.x_zero = *xz.zero, j.y_zero = *yz.zero, j.y_type = y->dtype;
    j.w = w->data, j.image = x->data, j.y = y->data, j.packed = state->packed;
    if (at->bias >= 0 && tn_run_has(r, at->bias)) j.bias = tn_in(r, at->bias)->data;
    j.scratch = state->scratch ? r->scratch : tn_run_scratch(r, scratch_bytes(&j.s, tn_pool_threads(r->pool)) + 64);
    if (!j.scratch) return tn_op_fail(r->node, TN_E_NOMEM, "no scratch memory");
    if (j.s.by_rows) {
        j.pixel = j.s.last ? j.s.d.ic : 1;
        tn_parallel(r->pool, j.s.d.n * j.s.d.oc, 1, run_channels, &j);
        return TN_OK;
    }
    if (!j.packed) TN_TRY(pack_now(r, w, &j.packed));
    run_product(&j, x->data, y->data, r->pool);
    return TN_OK;
}

/* -------------------------------------------------------------------------------------------------- implementations */

/* One input channel in each group: there is nothing to gather. */
static bool rows_fit(const tn_prep *p) {
    const tn_type *w = p->types.in[places_of(p->types.node)->w];
    return tn_type_static(w) && w->rank > 2 && w->dims[1] == 1;
}

/* Products per nanosecond; a product uses as many columns of its tiles as a group has outputs. */
static double estimate(const tn_prep *p) {
    enum { COLUMNS = 16 };
    const tn_infer *t = &p->types;
    const tn_type *w = t->in[places_of(t->node)->w];
    int64_t outputs = w && w->rank > 0 ? w->dims[0] / ((const convolution *)t->attrs)->group : 0;
    tn_cost c = { 0 };
    if (!tn_type_static(w) || !tn_type_static(&t->out[0]) || outputs < 1) return 0;
    (void)qconv_cost(t, &c);
    double columns = (double)(outputs < COLUMNS ? outputs : COLUMNS) / COLUMNS;
    return c.flops * (p->impl->arg == BY_ROWS ? 0.1 : 0.049 / columns) / tn_pool_threads(p->pool);
}

static const tn_impl qconv_impls[] = {
    { "rows", TN_ON_CPU, BY_ROWS, rows_fit, estimate, qconv_prepare, qconv_run },
    { "product", TN_ON_CPU, AS_PRODUCT, NULL, estimate, qconv_prepare, qconv_run },
    { 0 },
};

/* ----------------------------------------------------------------------------------------------------------- rows */

#define F32 tn_dtype_bit(TN_F32)
static const tn_port integer_in[] = { { "x", TN_Q8, 'X' },
                                      { "w", TN_Q8, 'W' },
                                      { "x_zero_point", TN_Q8, 'X', .optional = true },
                                      { "w_zero_point", TN_Q8, 'W', .optional = true },
                                      { 0 } };
#define LINEAR_IN(may)                                                                                   \
    {                                                                                                    \
        { "x", TN_Q8, 'X' }, { "x_scale", F32, 0 }, { "x_zero_point", TN_Q8, 'X', .optional = may },     \
            { "w", TN_Q8, 'W' }, { "w_scale", F32, 0 }, { "w_zero_point", TN_Q8, 'W', .optional = may }, \
            { "y_scale", F32, 0 }, { "y_zero_point", TN_Q8, 0, .optional = may },                        \
            { "B", tn_dtype_bit(TN_I32), 0, .optional = true }, {                                        \
            0                                                                                            \
        }                                                                                                \
    }
static const tn_port linear_in[] = LINEAR_IN(false), microsoft_in[] = LINEAR_IN(true);
static const tn_port q8_out[] = { { "y", TN_Q8, 0 }, { 0 } };
static const tn_port i32_out[] = { { "y", tn_dtype_bit(TN_I32), 0 }, { 0 } };
#define CONV_ATTRS \
    TN_WINDOW_OF(convolution, window), { TN_INT(convolution, group, 1), .min = 1, .max = INT32_MAX }
static const tn_attr_spec conv_attrs[] = { CONV_ATTRS, { 0 } };
static const tn_attr_spec microsoft_attrs[] = { CONV_ATTRS, { TN_FLAG(convolution, channels_last, false) }, { 0 } };

const tn_op tn_ops_qconv[] = {
    { .name = "ConvInteger",
      .since = 10,
      .in = integer_in,
      .out = i32_out,
      TN_ATTRS(conv_attrs, convolution),
      .infer = qconv_infer,
      .cost = qconv_cost,
      TN_IMPLS(qconv_impls),
      .arg = INTEGER,
      .grad = tn_grad_none,
      .doc = "convolution of 8-bit integers with int32 sums" },
    { .name = "QLinearConv",
      .since = 10,
      .in = linear_in,
      .out = q8_out,
      TN_ATTRS(conv_attrs, convolution),
      .infer = qconv_infer,
      .cost = qconv_cost,
      TN_IMPLS(qconv_impls),
      .arg = LINEAR,
      .grad = tn_grad_none,
      .doc = "convolution of quantised tensors with a quantised result" },
    { .name = "QLinearConv",
      .domain = "com.microsoft",
      .since = 1,
      .in = microsoft_in,
      .out = q8_out,
      TN_ATTRS(microsoft_attrs, convolution),
      .infer = qconv_infer,
      .cost = qconv_cost,
      TN_IMPLS(qconv_impls),
      .arg = LINEAR,
      .grad = tn_grad_none,
      .doc = "QLinearConv, also for tensors whose channels are last" },
    { 0 },
};
