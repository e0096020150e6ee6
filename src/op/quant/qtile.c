/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* qtile.c - tenon.QConv and tenon.QMatMul: products of u8 codes with constant weights whose sums become codes again
 * (or, of QMatMul, floats). The pass quantise makes them of what stands between DequantizeLinear and QuantizeLinear.
 *
 *       y = hold(round(fma(sum of (x - x_zero) (w - w_zero) + addend, scale, bias)) + y_zero, lo, hi)
 *
 * QConv takes and gives blocked channels [N, ceil(C / 16), D.., 16], of one or two spatial dimensions; outside the
 * image the code is x_zero. QMatMul takes [.., K] and gives [.., N]. See kernel/qconv.h. */
#include "base/mem.h"
#include "kernel/kernel.h"
#include "op/core/ports.h"
#include "op/core/support.h"
#include "op/nn/blocked.h"
#include "op/nn/window.h"
#include "op/quant/qparam.h"
#include <stdio.h>
#include <string.h>

enum { X, W, W_ZERO, SCALE, BIAS, ADDEND };
enum { CONV, PRODUCT };

typedef struct {
    tn_window_attrs window; /* QConv */
    int64_t group;
    bool transposed, real; /* QMatMul: W is [N, K]; the result is float */
    int64_t x_zero, y_zero, lo, hi;
} tiling;

static bool is_conv(const tn_node *n) { return n->op->arg == CONV; }

/* ------------------------------------------------------------------------------------------------------ inference */

static tn_status conv_infer(tn_infer *c) {
    const tiling *a = c->attrs;
    int xrank = tn_infer_rank(c, X), rank = xrank - 3;
    tn_dim dims[TN_MAX_RANK];
    tn_window w;
    if (xrank < 0 || tn_infer_rank(c, W) < 0) {
        tn_infer_out(c, 0, TN_U8, -1, NULL);
        return TN_OK;
    }
    const tn_dim *xd = c->in[X]->dims, *wd = c->in[W]->dims;
    if (rank < 1 || rank > 2 || tn_infer_rank(c, W) != rank + 2)
        return tn_infer_fail(c, TN_E_SHAPE, "X has %d dimensions and W %d", xrank, tn_infer_rank(c, W));
    TN_TRY(tn_infer_blocked(c, X, TN_QBLOCK));
    if (tn_dim_known(wd[0]) && wd[0] % a->group != 0)
        return tn_infer_fail(c, TN_E_SHAPE, "group %lld does not divide %lld channels", (long long)a->group,
                             (long long)wd[0]);
    TN_TRY(tn_window_of(c->node, &a->window, rank, wd + 2, &w));
    tn_dim need = tn_dim_ceil_div(c->syms, tn_dim_mul(c->syms, wd[1], a->group), TN_QBLOCK);
    if (tn_dim_known(need) && tn_dim_known(xd[1]) && need != xd[1])
        return tn_infer_fail(c, TN_E_SHAPE, "X has %lld blocks of channels, W is made for %lld", (long long)xd[1],
                             (long long)need);
    dims[0] = xd[0], dims[1] = tn_dim_ceil_div(c->syms, wd[0], TN_QBLOCK), dims[2 + rank] = TN_QBLOCK;
    for (int d = 0; d < rank; d++) TN_TRY(tn_window_out(c->node, c->syms, &w, d, xd[2 + d], &dims[2 + d]));
    tn_infer_out(c, 0, TN_U8, rank + 3, dims);
    return TN_OK;
}

static tn_status product_infer(tn_infer *c) {
    const tiling *a = c->attrs;
    int rank = tn_infer_rank(c, X);
    tn_dim dims[TN_MAX_RANK];
    tn_dtype t = a->real ? TN_F32 : TN_U8;
    if (rank < 0 || tn_infer_rank(c, W) < 0) {
        tn_infer_out(c, 0, t, -1, NULL);
        return TN_OK;
    }
    if (rank == 0 || tn_infer_rank(c, W) != 2) return tn_infer_fail(c, TN_E_SHAPE, "the operands are no matrices");
    const tn_dim *wd = c->in[W]->dims;
    tn_dim have = c->in[X]->dims[rank - 1], k = wd[a->transposed ? 1 : 0];
    if (tn_dim_known(have) && tn_dim_known(k) && have != k)
        return tn_infer_fail(c, TN_E_SHAPE, "X has %lld columns, W %lld rows", (long long)have, (long long)k);
    memcpy(dims, c->in[X]->dims, sizeof *dims * (size_t)rank);
    dims[rank - 1] = wd[a->transposed ? 0 : 1];
    tn_infer_out(c, 0, t, rank, dims);
    return TN_OK;
}

static tn_status tile_cost(const tn_infer *c, tn_cost *out) {
    const tn_type *y = &c->out[0], *w = c->in[W];
    out->flops = 2;
    for (int i = 0; i < y->rank; i++) out->flops *= (double)y->dims[i];
    if (is_conv(c->node))
        for (int i = 1; i < w->rank; i++) out->flops *= (double)w->dims[i];
    else
        out->flops *= (double)w->dims[((const tiling *)c->attrs)->transposed ? 1 : 0];
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------- geometry */

/* A convolution's sizes; of one spatial dimension the first is 1. A product is one of rows alone. */
typedef struct {
    int64_t n, blocks, in[2], out[2], kernel[2], stride[2], dilation[2], pad[2];
    int64_t whole[2]; /* of an image with what surrounds it */
    bool padded;      /* that is more than the image: it is copied */
    int64_t columns;  /* stored */
} geometry;

static int64_t pixels(const int64_t *v) { return v[0] * v[1]; }

static tn_status too_large(const tn_node *n) {
    return tn_op_fail(n, TN_E_LIMIT, "an image of more than 2 GiB of codes; split it");
}

static tn_status place_conv(const tn_node *n, const tiling *a, const int64_t *x, int xrank, const int64_t *w,
                            geometry *g) {
    int rank = xrank - 3;
    tn_window win;
    int64_t out[TN_WINDOW_RANK];
    TN_TRY(tn_window_of(n, &a->window, rank, w + 2, &win));
    TN_TRY(tn_window_place(n, &win, x + 2, out));
    *g = (geometry){ .n = x[0], .blocks = x[1], .columns = (w[0] + TN_QBLOCK - 1) / TN_QBLOCK * TN_QBLOCK };
    for (int i = 0; i < 2; i++) {
        int d = i - (2 - rank);
        g->in[i] = d < 0 ? 1 : x[2 + d], g->out[i] = d < 0 ? 1 : out[d], g->kernel[i] = d < 0 ? 1 : win.kernel[d];
        g->stride[i] = d < 0 ? 1 : win.stride[d], g->dilation[i] = d < 0 ? 1 : win.dilation[d];
        g->pad[i] = d < 0 ? 0 : win.begin[d];
        int64_t reach;
        if (__builtin_mul_overflow(g->dilation[i], g->kernel[i] - 1, &reach) || reach > INT32_MAX ||
            __builtin_mul_overflow(g->out[i] - 1, g->stride[i], &g->whole[i]) || g->whole[i] > INT32_MAX)
            return too_large(n);
        g->whole[i] += reach + 1;
        g->padded |= g->pad[i] != 0 || g->whole[i] > g->in[i];
    }
    if (!g->padded) g->whole[0] = g->in[0], g->whole[1] = g->in[1];
    int64_t bytes;
    if (__builtin_mul_overflow(pixels(g->whole), g->blocks * TN_QBLOCK, &bytes) || bytes > INT32_MAX)
        return too_large(n);
    return TN_OK;
}

static int64_t block_bytes(const geometry *g) { return pixels(g->whole) * TN_QBLOCK; }

/* Where taps lie behind the first; an even number of them. */
static void place_taps(const geometry *g, int32_t *at) {
    int64_t n = 0;
    for (int64_t y = 0; y < g->kernel[0]; y++)
        for (int64_t x = 0; x < g->kernel[1]; x++)
            at[n++] = (int32_t)((y * g->dilation[0] * g->whole[1] + x * g->dilation[1]) * TN_QBLOCK);
    if (n % 2) at[n] = 0;
}

static void place_rows(const geometry *g, int32_t *at) {
    for (int64_t y = 0; y < g->out[0]; y++)
        for (int64_t x = 0; x < g->out[1]; x++)
            *at++ = (int32_t)((y * g->stride[0] * g->whole[1] + x * g->stride[1]) * TN_QBLOCK);
}

static bool depthwise(const tiling *a, const tn_tensor *w) {
    return a->group > 1 && w->dims[1] == 1 && w->dims[0] == a->group;
}

/* -------------------------------------------------------------------------------------------------------- prepare */

typedef struct {
    const void *packed;
    int64_t oc, ic, taps; /* ic: of a group, or K */
    bool depth;
    int32_t *add; /* [oc] and on to whole panels, as the next two */
    float *scale, *bias;
    bool exact; /* the shapes were known: */
    int32_t *tap_at, *row_at, *group_at;
    geometry g;
} tile_state;

typedef struct {
    tn_qweights w;
    tn_qconv_size size;
    bool depth;
} pack_job;

static tn_status pack_fill(void *dst, const void *user) {
    const pack_job *j = user;
    if (j->depth)
        tn_qdepth_pack(&j->w, dst);
    else
        tn_qconv_pack(&tn_kernels_get()->qconv, &j->w, &j->size, dst);
    return TN_OK;
}

static tn_status no_memory(const tn_node *n) { return tn_op_fail(n, TN_E_NOMEM, "no memory to prepare"); }

/* Describes the constant weights. */
static tn_status weights_of(const tn_prep *p, tile_state *s, tn_qweights *w) {
    const tiling *a = p->types.attrs;
    const tn_tensor *t = p->types.in_tensor[W],
                    *z = tn_infer_has(&p->types, W_ZERO) ? p->types.in_tensor[W_ZERO] : NULL;
    bool conv = is_conv(p->types.node);
    s->oc = t->dims[conv || a->transposed ? 0 : 1], s->ic = t->dims[conv || a->transposed ? 1 : 0];
    s->taps = conv ? tn_op_product(t->dims, 2, t->rank) : 1;
    s->depth = conv && depthwise(a, t);
    *w = (tn_qweights){ .oc = s->oc, .ic = s->ic, .taps = s->taps, .groups = conv ? a->group : 1, .w = t->data };
    w->is_signed = t->dtype == TN_I8;
    w->o_step = conv || a->transposed ? s->ic * s->taps : 1;
    w->i_step = conv || a->transposed ? s->taps : s->oc, w->t_step = 1;
    int64_t n = z ? tn_count(z) : 1;
    int32_t *zero = tn_arena_array(p->arena, int32_t, (size_t)n + 1);
    if (!zero) return no_memory(p->types.node);
    w->zero = zero, w->zero_many = n > 1;
    if (n != 1 && n != s->oc)
        return tn_op_fail(p->types.node, TN_E_SHAPE, "%lld zero points for %lld columns", (long long)n,
                          (long long)s->oc);
    return z ? tn_convert(z->dtype, z->data, TN_I32, zero, n, true, TN_ROUND_NEAREST) : TN_OK;
}

/* The end of a column: its own entry, or the one for all; nothing past the last. */
static tn_status prepare_end(tn_prep *p, tile_state *s, const int32_t *sums) {
    const tn_infer *t = &p->types;
    const tn_tensor *in[3];
    size_t n = tn_align_up((size_t)s->oc, 64);
    s->add = tn_arena_array(p->arena, int32_t, n);
    s->scale = tn_arena_array(p->arena, float, n);
    s->bias = tn_arena_array(p->arena, float, n);
    if (!s->add || !s->scale || !s->bias) return no_memory(t->node);
    for (int i = 0; i < 3; i++) {
        in[i] = tn_infer_has(t, SCALE + i) ? t->in_tensor[SCALE + i] : NULL;
        if (tn_infer_has(t, SCALE + i) && (!in[i] || (tn_count(in[i]) != 1 && tn_count(in[i]) != s->oc)))
            return tn_op_fail(t->node, TN_E_INVALID, "'%s' is no constant with an element per column",
                              t->node->op->in[SCALE + i].name);
    }
    int64_t zero = ((const tiling *)t->attrs)->x_zero;
    for (int64_t o = 0; o < s->oc; o++) {
        int64_t at[3];
        for (int i = 0; i < 3; i++) at[i] = in[i] && tn_count(in[i]) > 1 ? o : 0;
        uint32_t more = in[2] ? (uint32_t)tn_get_i64(TN_I32, in[2]->data, at[2]) : 0; /* a file's, at any address */
        s->add[o] = (int32_t)(more - (uint32_t)zero * (uint32_t)sums[o]);
        s->scale[o] = ((const float *)in[0]->data)[at[0]];
        s->bias[o] = in[1] ? ((const float *)in[1]->data)[at[1]] : 0;
    }
    return TN_OK;
}

static size_t image_bytes(const geometry *g) { return g->padded ? (size_t)(block_bytes(g) * g->blocks) : 0; }

static void place(const tile_state *s, const geometry *g, int32_t *tap_at, int32_t *row_at, int32_t *group_at) {
    place_taps(g, tap_at);
    if (s->depth) return;
    place_rows(g, row_at);
    tn_qconv_places(&tn_kernels_get()->qconv, s->packed, block_bytes(g), tap_at, group_at);
}

static tn_status prepare_exact(tn_prep *p, tile_state *s) {
    const tn_infer *t = &p->types;
    TN_TRY(place_conv(t->node, t->attrs, t->in[X]->dims, t->in[X]->rank, t->in_tensor[W]->dims, &s->g));
    s->tap_at = tn_arena_array(p->arena, int32_t, (size_t)s->taps + 1);
    s->row_at = tn_arena_array(p->arena, int32_t, s->depth ? 1 : (size_t)pixels(s->g.out) + 1);
    s->group_at = tn_arena_array(p->arena, int32_t, s->depth ? 1 : (size_t)tn_qconv_groups(s->packed) + 1);
    if (!s->tap_at || !s->row_at || !s->group_at) return no_memory(t->node);
    place(s, &s->g, s->tap_at, s->row_at, s->group_at);
    p->scratch = image_bytes(&s->g);
    s->exact = true;
    return TN_OK;
}

static tn_status tile_prepare(tn_prep *p) {
    const tn_infer *t = &p->types;
    const tn_tensor *w = t->in_tensor[W];
    bool zeros = tn_infer_has(t, W_ZERO);
    tile_state *s = tn_arena_new_of(p->arena, tile_state);
    pack_job j = { .depth = false };
    char key[64];
    if (!s) return no_memory(t->node);
    if (!w || (zeros && !t->in_tensor[W_ZERO]))
        return tn_op_fail(t->node, TN_E_INVALID, "the weights are no constants");
    p->state = s;
    TN_TRY(weights_of(p, s, &j.w));
    j.depth = s->depth;
    const tn_qconv_kernels *kn = &tn_kernels_get()->qconv;
    if (!s->depth) j.size = tn_qconv_measure_kept(kn, &j.w);
    size_t bytes = s->depth ? tn_qdepth_packed_bytes(&j.w) : j.size.bytes;
    snprintf(key, sizeof key, "!qtile %d %d %lld", is_conv(t->node), (int)(j.w.i_step == s->taps),
             (long long)j.w.groups);
    tn_status st = tn_prep_pack(p, 1u << W | (zeros ? 1u << W_ZERO : 0), key, bytes, pack_fill, &j, &s->packed);
    tn_qconv_forget(&j.size);
    TN_TRY(st);
    p->consumed |= 1u << W;
    TN_TRY(prepare_end(p, s, s->depth ? tn_qdepth_sums(&j.w, s->packed) : tn_qconv_sums(kn, s->packed)));
    bool some = tn_type_static(t->in[X]) && tn_type_static(&t->out[0]) && tn_dims_count(t->out[0].rank, t->out[0].dims);
    return is_conv(t->node) && some ? prepare_exact(p, s) : TN_OK;
}

/* ------------------------------------------------------------------------------------------------------------ run */

static tn_qend end_of(const tile_state *s, const tiling *a, tn_dtype y) {
    return (tn_qend){ .add = s->add,
                      .scale = s->scale,
                      .bias = s->bias,
                      .lo = (float)(a->lo - a->y_zero),
                      .hi = (float)(a->hi - a->y_zero),
                      .zero = (int32_t)a->y_zero,
                      .y_type = y };
}

typedef struct {
    const tile_state *s;
    const geometry *g;
    const tn_qconv_kernels *kn;
    const uint8_t *x; /* of an image */
    uint8_t *whole;
    int zero;
    tn_qdepth row;
    char *y;
} conv_job;

/* Rows of an image with what surrounds it. */
static void surround(void *arg, int64_t begin, int64_t end, int thread) {
    const conv_job *j = arg;
    const geometry *g = j->g;
    int64_t width = g->whole[1], from = g->pad[1] > 0 ? g->pad[1] : 0, to = g->in[1] + g->pad[1];
    (void)thread;
    from = from < width ? from : width, to = to < width ? to : width, to = to > from ? to : from;
    for (int64_t i = begin; i < end; i++) {
        int64_t y = i % g->whole[0] - g->pad[0];
        uint8_t *row = j->whole + i * width * TN_QBLOCK;
        bool inside = y >= 0 && y < g->in[0];
        int64_t a = inside ? from : width, b = inside ? to : width;
        memset(row, j->zero, (size_t)(a * TN_QBLOCK));
        if (b > a)
            memcpy(row + a * TN_QBLOCK,
                   j->x + ((i / g->whole[0] * g->in[0] + y) * g->in[1] + a - g->pad[1]) * TN_QBLOCK,
                   (size_t)((b - a) * TN_QBLOCK));
        memset(row + b * TN_QBLOCK, j->zero, (size_t)((width - b) * TN_QBLOCK));
    }
}

static void depth_rows(void *arg, int64_t begin, int64_t end, int thread) {
    const conv_job *j = arg;
    const geometry *g = j->g;
    (void)thread;
    for (int64_t i = begin; i < end; i++) {
        int64_t block = i / g->out[0], y = i % g->out[0], c = block * TN_QBLOCK;
        tn_qdepth d = j->row;
        d.x = j->whole + block * block_bytes(g) + y * g->stride[0] * g->whole[1] * TN_QBLOCK;
        d.w += block * d.pairs * 2 * TN_QBLOCK;
        d.end.add += c, d.end.scale += c, d.end.bias += c;
        d.y = j->y + i * g->out[1] * TN_QBLOCK;
        j->kn->depthwise(&d);
    }
}

static tn_status conv_run(tn_run *r) {
    const tile_state *s = r->state;
    const tiling *a = r->attrs;
    const tn_tensor *x = tn_in(r, X);
    tn_tensor *y = tn_out(r, 0);
    geometry own;
    conv_job j = { .s = s, .g = &s->g, .kn = &tn_kernels_get()->qconv, .zero = (int)a->x_zero };
    int32_t *tap_at = s->tap_at, *row_at = s->row_at, *group_at = s->group_at;
    void *scratch = r->scratch;
    if (tn_count(y) == 0) return TN_OK;
    if (!s->exact) {
        TN_TRY(place_conv(r->node, a, x->dims, x->rank, tn_in(r, W)->dims, &own));
        j.g = &own;
        tap_at = tn_run_scratch(r, (size_t)(s->taps + 1) * sizeof *tap_at);
        row_at = tn_run_scratch(r, s->depth ? 4 : (size_t)(pixels(own.out) + 1) * sizeof *row_at);
        group_at = tn_run_scratch(r, s->depth ? 4 : (size_t)(tn_qconv_groups(s->packed) + 1) * sizeof *group_at);
        scratch = tn_run_scratch(r, image_bytes(&own) + 64);
        if (!tap_at || !row_at || !group_at || !scratch) return no_memory(r->node);
        place(s, &own, tap_at, row_at, group_at);
    }
    const geometry *g = j.g;
    int64_t image = pixels(g->in) * g->blocks * TN_QBLOCK, result = pixels(g->out) * g->columns;
    j.row = (tn_qdepth){ .n = g->out[1], .pairs = (s->taps + 1) / 2, .step = g->stride[1] * TN_QBLOCK, .at = tap_at };
    j.row.w = s->packed, j.row.end = end_of(s, a, TN_U8);
    tn_qconv_args q = { .rows = pixels(g->out), .columns = g->columns, .packed = s->packed, .row_at = row_at };
    q.group_at = group_at, q.end = j.row.end, q.row_step = TN_QBLOCK, q.block_step = pixels(g->out) * TN_QBLOCK;
    for (int64_t n = 0; n < g->n; n++) {
        j.x = (const uint8_t *)x->data + n * image;
        j.whole = g->padded ? scratch : (uint8_t *)(uintptr_t)j.x;
        j.y = q.y = (char *)y->data + n * result, q.x = j.whole;
        if (g->padded) tn_parallel(r->pool, g->blocks * g->whole[0], 1 + 16384 / (g->whole[1] * 16), surround, &j);
        if (s->depth)
            tn_parallel(r->pool, g->blocks * g->out[0], 1 + 4096 / (g->out[1] * s->taps), depth_rows, &j);
        else
            tn_qconv(j.kn, &q, r->pool);
    }
    return TN_OK;
}

static tn_status product_run(tn_run *r) {
    const tile_state *s = r->state;
    const tiling *a = r->attrs;
    const tn_tensor *x = tn_in(r, X);
    tn_tensor *y = tn_out(r, 0);
    if (tn_count(y) == 0) return TN_OK;
    return tn_q_product(r, s->packed, x->data, tn_count(x) / (s->ic ? s->ic : 1), s->ic, s->oc,
                        end_of(s, a, a->real ? TN_F32 : TN_U8), y->data);
}

/* ------------------------------------------------------------------------------------------------------------ rows */

#define U8  tn_dtype_bit(TN_U8)
#define F32 tn_dtype_bit(TN_F32)
static const tn_port in[] = { { "X", U8, 0 },
                              { "W", TN_Q8, 'W' },
                              { "w_zero_point", TN_Q8, 'W', .optional = true },
                              { "scale", F32, 0 },
                              { "bias", F32, 0, .optional = true },
                              { "addend", tn_dtype_bit(TN_I32), 0, .optional = true },
                              { 0 } };
static const tn_port out[] = { { "Y", U8 | F32, 0 }, { 0 } };
#define CODES                                                                                                 \
    { TN_INT(tiling, x_zero, 0), .min = 0, .max = 255 }, { TN_INT(tiling, y_zero, 0), .min = 0, .max = 255 }, \
        { TN_INT(tiling, lo, 0), .min = 0, .max = 255 }, {                                                    \
        TN_INT(tiling, hi, 255), .min = 0, .max = 255                                                         \
    }
static const tn_attr_spec conv_attrs[] = {
    TN_WINDOW_OF(tiling, window), { TN_INT(tiling, group, 1), .min = 1, .max = INT32_MAX }, CODES, { 0 }
};
static const tn_attr_spec product_attrs[] = {
    CODES, { TN_FLAG(tiling, transposed, false) }, { TN_FLAG(tiling, real, false) }, { 0 }
};

const tn_op tn_ops_qtile[] = {
    { .name = "QConv",
      .domain = "tenon",
      .since = 1,
      .flags = TN_OP_INTERNAL,
      .in = in,
      .out = out,
      TN_ATTRS(conv_attrs, tiling),
      .infer = conv_infer,
      .cost = tile_cost,
      .prepare = tile_prepare,
      .run = conv_run,
      .arg = CONV,
      .doc = "convolution of codes on blocked channels, quantised again" },
    { .name = "QMatMul",
      .domain = "tenon",
      .since = 1,
      .flags = TN_OP_INTERNAL,
      .in = in,
      .out = out,
      TN_ATTRS(product_attrs, tiling),
      .infer = product_infer,
      .cost = tile_cost,
      .prepare = tile_prepare,
      .run = product_run,
      .arg = PRODUCT,
      .doc = "product of codes with a matrix of weights, quantised again or as floats" },
    { 0 },
};
