/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* conv.c - Conv, ConvTranspose and the fused convolution.
 *
 * tenon.Conv is Conv with a residual (input 3), an activation, and its tensors plain or blocked: x_block and y_block
 * are channels per block (kernel/conv.h), 0: plain. A blocked value is an ordinary tensor [N, ceil(C / c), spatial..,
 * c]; the weight knows C. Beside X of float32 a constant W may be of 16 bits; `weights` bfloat16 may round X, too. */
#include "op/nn/conv.h"
#include "base/budget.h"
#include "base/mem.h"
#include "kernel/kernel.h"
#include "op/core/fused.h"
#include "op/core/ports.h"
#include "op/core/support.h"
#include "op/nn/blocked.h"
#include "op/nn/grads.h"
#include "op/nn/window.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    const tn_conv_algo *algo;
    const float *packed;
    size_t scratch;
    tn_conv_desc desc;
    tn_dtype half_type; /* not TN_NONE: packed is `head` floats, then `rest` 16-bit floats of that type */
    size_t head, rest;
} conv_state;

enum { CONV, CONV_TRANSPOSE, CONV_FUSED };

static bool transposed(const tn_node *n) { return n->op->arg == CONV_TRANSPOSE; }

/* ------------------------------------------------------------------------------------------------------ inference */

/* Output length of a transposed convolution, and with `w` placed, its padding (auto_pad and output_shape decide it). */
static tn_status transpose_out(const tn_node *n, const tn_conv_attrs *a, tn_syms *syms, tn_window *w, int d, tn_dim in,
                               tn_dim *out) {
    size_t count = a->output_shape.n;
    const int64_t *want = a->output_shape.v;
    int64_t reach = w->dilation[d] * (w->kernel[d] - 1) + 1, extra = 0; /* reach is not known when the kernel is not */
    if (want && count != (size_t)w->rank && count != (size_t)w->rank + 2)
        return tn_op_fail(n, TN_E_INVALID, "output_shape has %zu numbers, %d are needed", count, w->rank);
    if (want) want += count - (size_t)w->rank;
    if (a->output_padding.v && a->output_padding.n != (size_t)w->rank)
        return tn_op_fail(n, TN_E_INVALID, "output_padding has %zu numbers, %d are needed", a->output_padding.n,
                          w->rank);
    if (a->output_padding.v) extra = a->output_padding.v[d];
    /* without padding: stride (in - 1) + reach + extra */
    tn_dim full = tn_dim_add(syms, tn_dim_mul(syms, tn_dim_sub(syms, in, 1), w->stride[d]), reach + extra);
    if (!w->kernel[d]) full = TN_DIM_UNKNOWN;
    if (want || w->auto_pad == TN_PAD_SAME_UPPER || w->auto_pad == TN_PAD_SAME_LOWER) {
        *out = want ? want[d] : tn_dim_mul(syms, in, w->stride[d]);
        if (tn_dim_known(full) && tn_dim_known(*out)) {
            int64_t cut = full - *out > 0 ? full - *out : 0;
            bool upper = w->auto_pad == TN_PAD_SAME_UPPER;
            w->begin[d] = upper ? cut / 2 : cut - cut / 2;
            w->end[d] = cut - w->begin[d];
        }
    } else {
        *out = tn_dim_sub(syms, full, w->begin[d] + w->end[d]);
    }
    if (tn_dim_known(*out) && *out < 0)
        return tn_op_fail(n, TN_E_SHAPE, "dimension %d of the result would be %lld", d, (long long)*out);
    return TN_OK;
}

static tn_status conv_infer(tn_infer *c) {
    const tn_node *n = c->node;
    const tn_conv_attrs *a = c->attrs;
    int xrank = tn_infer_rank(c, 0), wrank = tn_infer_rank(c, 1);
    int64_t xb = a->x_block, yb = a->y_block, group = a->group;
    tn_dtype t = tn_infer_dtype(c, 0);
    tn_dim dims[TN_MAX_RANK];
    tn_window w;
    if (xrank < 0 || wrank < 0) {
        tn_infer_out(c, 0, t, -1, NULL);
        return TN_OK;
    }
    int64_t block = tn_float_block();
    if ((xb && xb != block) || (yb && yb != block))
        return tn_infer_fail(c, TN_E_INVALID, "blocks have %lld channels here", (long long)block);
    if (xb) TN_TRY(tn_infer_blocked(c, 0, block));
    int rank = xrank - 2 - (xb != 0);
    if (yb && rank + 3 > TN_MAX_RANK)
        return tn_infer_fail(c, TN_E_SHAPE, "a result of %d dimensions cannot be blocked", rank + 2);
    const tn_dim *xd = c->in[0]->dims, *wd = c->in[1]->dims;
    if (rank < 1 || wrank != rank + 2)
        return tn_infer_fail(c, TN_E_SHAPE, "X has %d dimensions and W %d; both need N or M, C and at least one more",
                             xrank, wrank);
    TN_TRY(tn_window_of(n, &a->window, rank, wd + 2, &w));
    tn_dim ic = transposed(n) ? wd[0] : tn_dim_mul(c->syms, wd[1], group);
    tn_dim oc = transposed(n) ? tn_dim_mul(c->syms, wd[1], group) : wd[0];
    tn_dim have = xd[1], need = xb ? tn_dim_ceil_div(c->syms, ic, xb) : ic;
    if (tn_dim_known(have) && tn_dim_known(need) && have != need)
        return tn_infer_fail(c, TN_E_SHAPE, "X has %lld channels, W is made for %lld (group %lld)", (long long)have,
                             (long long)need, (long long)group);
    if (tn_dim_known(wd[0]) && wd[0] % group != 0)
        return tn_infer_fail(c, TN_E_SHAPE, "group %lld does not divide %lld channels", (long long)group,
                             (long long)wd[0]);
    if (tn_infer_rank(c, 2) >= 0) {
        tn_dim b = tn_type_count(c->syms, c->in[2]);
        if (tn_dim_known(b) && tn_dim_known(oc) && b != oc)
            return tn_infer_fail(c, TN_E_SHAPE, "B has %lld elements for %lld output channels", (long long)b,
                                 (long long)oc);
    }
    dims[0] = xd[0];
    dims[1] = yb ? tn_dim_ceil_div(c->syms, oc, yb) : oc;
    for (int d = 0; d < rank; d++) {
        if (transposed(n))
            TN_TRY(transpose_out(n, a, c->syms, &w, d, xd[2 + d], &dims[2 + d]));
        else
            TN_TRY(tn_window_out(n, c->syms, &w, d, xd[2 + d], &dims[2 + d]));
    }
    if (yb) dims[2 + rank] = yb;
    tn_infer_out(c, 0, t, rank + 2 + (yb != 0), dims);
    return tn_infer_like_output(c, 3);
}

/* ---------------------------------------------------------------------------------------------------- description */

/* What to compute, from exact shapes. */
static tn_status describe_as(const tn_node *n, const tn_conv_attrs *a, bool turned, const int64_t *xd, int xrank,
                             const int64_t *wd, bool bias, bool residual, tn_conv_desc *d) {
    int rank = xrank - 2 - (a->x_block != 0);
    int64_t group = a->group, out[TN_WINDOW_RANK];
    tn_window w;
    TN_TRY(tn_window_of(n, &a->window, rank, wd + 2, &w));
    if (turned) {
        for (int i = 0; i < rank; i++) TN_TRY(transpose_out(n, a, NULL, &w, i, xd[2 + i], &out[i]));
    } else {
        TN_TRY(tn_window_place(n, &w, xd + 2, out));
    }
    *d = (tn_conv_desc){ .rank = rank,
                         .n = xd[0],
                         .ic = turned ? wd[0] : wd[1] * group,
                         .oc = turned ? wd[1] * group : wd[0],
                         .group = group,
                         .transposed = turned,
                         .x_layout = a->x_block ? TN_LAYOUT_BLOCKED : TN_LAYOUT_PLAIN,
                         .y_layout = a->y_block ? TN_LAYOUT_BLOCKED : TN_LAYOUT_PLAIN,
                         .bias = bias,
                         .residual = residual,
                         .pairs = a->weights == TN_BF16,
                         .act = tn_op_activation(&a->fused) };
    for (int i = 0; i < rank; i++) {
        d->in[i] = xd[2 + i], d->out[i] = out[i];
        d->kernel[i] = w.kernel[i], d->stride[i] = w.stride[i], d->dilation[i] = w.dilation[i], d->pad[i] = w.begin[i];
    }
    if (!tn_conv_valid(d)) return tn_op_fail(n, TN_E_SHAPE, "the sizes of this convolution are out of range");
    return TN_OK;
}

static tn_status describe(const tn_node *n, const tn_conv_attrs *a, const int64_t *xd, int xrank, const int64_t *wd,
                          bool bias, bool residual, tn_conv_desc *d) {
    return describe_as(n, a, transposed(n), xd, xrank, wd, bias, residual, d);
}

tn_status tn_conv_describe(const tn_node *n, const tn_conv_attrs *a, bool turned, const int64_t *x, int rank,
                           const int64_t *w, tn_conv_desc *d) {
    TN_TRY(describe_as(n, a, turned, x, rank, w, false, false, d));
    d->x_layout = d->y_layout = TN_LAYOUT_PLAIN;
    return TN_OK;
}

static tn_status conv_cost(const tn_infer *c, tn_cost *out) {
    const tn_type *y = &c->out[0], *w = c->in[1], *x = c->in[0];
    double elements = 1, taps = 1;
    const tn_type *walk = transposed(c->node) ? x : y; /* each element of it meets every tap once */
    for (int i = 0; i < walk->rank; i++) elements *= (double)walk->dims[i];
    for (int i = 1; i < w->rank; i++) taps *= (double)w->dims[i];
    if (walk == y && ((const tn_conv_attrs *)c->attrs)->y_block)
        elements *= (double)w->dims[0] / (double)(y->dims[1] * y->dims[y->rank - 1]);
    out->flops = 2 * elements * taps;
    return TN_OK;
}

/* -------------------------------------------------------------------------------------------------------- prepare */

typedef struct {
    const conv_state *s;
    const tn_tensor *w;
    const float *bias;
} pack_job;

/* Weights may lie at any address of their file, and be of 16 bits, but are read through pointers to floats: from a
 * copy, if need be. */
static tn_status pack_weights(void *dst, const void *user) {
    const pack_job *j = user;
    tn_tensor own = { 0 };
    bool there = tn_tensor_aligned(j->w) && j->w->dtype == TN_F32;
    if (!there) TN_TRY(tn_op_widen(j->w, &own));
    j->s->algo->pack(tn_kernels_get(), &j->s->desc, there ? j->w->data : own.data, j->bias, dst);
    tn_tensor_reset(&own);
    return TN_OK;
}

/* The packed form in 16 bits but for the bias: weights of a float32 model that were asked for so. */
static tn_status pack_narrow(void *dst, const void *user) {
    const pack_job *j = user;
    const conv_state *s = j->s;
    float *wide = tn_mem_alloc((s->head + s->rest) * sizeof *wide + 64, TN_MEM_SCRATCH);
    if (!wide) return tn_fail(TN_E_NOMEM, "no memory to pack weights");
    tn_status st = pack_weights(wide, user);
    memcpy(dst, wide, s->head * sizeof *wide);
    if (st == TN_OK)
        st = tn_convert(TN_F32, wide + s->head, s->half_type, (float *)dst + s->head, (int64_t)s->rest, false,
                        TN_ROUND_NEAREST);
    tn_mem_free(wide);
    return st;
}

/* How the packed weights are kept: in what was asked for, where the algorithm allows it. */
static size_t choose_form(conv_state *s, tn_dtype weights) {
    const tn_kernels *k = tn_kernels_get();
    size_t bytes = s->algo->packed_bytes(k, &s->desc), floats = bytes / sizeof(float);
    if (weights == TN_NONE || !s->algo->bias_floats) return bytes;
    s->half_type = weights;
    s->head = s->algo->bias_floats(k, &s->desc);
    s->rest = floats - s->head;
    return s->head * sizeof(float) + s->rest * sizeof(uint16_t);
}

/* No elements: there is nothing to choose or pack for, and the weights may be empty, too. */
static bool nothing(const tn_type *y) { return tn_type_static(y) && tn_dims_count(y->rank, y->dims) == 0; }

/* What run_wide asks for, when that is known. */
static tn_status any_prepare(tn_prep *p) {
    const tn_infer *t = &p->types;
    const tn_kernels *k = tn_kernels_get();
    const tn_conv_algo *list[TN_CONV_ALGOS];
    tn_conv_desc d;
    tn_dtype type = tn_infer_dtype(t, 0);
    size_t copies = 0;
    for (int i = 0; i < t->n_in; i++) {
        if (!t->in[i]) continue;
        if (!tn_type_static(t->in[i])) return TN_OK;
        if (t->in[i]->dtype != TN_F32)
            copies += tn_room((size_t)tn_dims_count(t->in[i]->rank, t->in[i]->dims) * sizeof(float) + 64);
    }
    if (type == TN_F64 || !tn_type_static(&t->out[0])) return TN_OK;
    int64_t count = tn_dims_count(t->out[0].rank, t->out[0].dims);
    if (count <= 0) return TN_OK;
    if (type != TN_F32) copies += tn_room((size_t)count * sizeof(float) + 64);
    TN_TRY(describe(t->node, t->attrs, t->in[0]->dims, t->in[0]->rank, t->in[1]->dims, tn_infer_has(t, 2),
                    tn_infer_has(t, 3), &d));
    if (tn_conv_list(k, &d, list, TN_CONV_ALGOS) == 0) return TN_OK; /* the run says so */
    p->room = copies + tn_room(list[0]->packed_bytes(k, &d) + 64) +
              tn_room(list[0]->scratch_bytes(k, &d, tn_pool_threads(p->pool)) + 64);
    return TN_OK;
}

/* What p's exact types and constants say to compute in float32. false: only a run knows, or it is of other types, or
 * there is nothing to do, or the sizes are wrong. */
static bool described(const tn_prep *p, tn_conv_desc *d) {
    const tn_infer *t = &p->types;
    const tn_tensor *w = t->in_tensor[1];
    bool bias = tn_infer_has(t, 2), known = tn_type_static(t->in[0]) && w && (!bias || t->in_tensor[2]);
    if (tn_infer_dtype(t, 0) != TN_F32 || !known || nothing(&t->out[0])) return false;
    if (describe(t->node, t->attrs, t->in[0]->dims, t->in[0]->rank, w->dims, bias, tn_infer_has(t, 3), d) == TN_OK)
        return true;
    tn_error_clear(); /* whoever prepares it says so */
    return false;
}

static bool conv_fits(const tn_prep *p) {
    tn_conv_desc d;
    return described(p, &d) && tn_conv_all[p->impl->arg]->fits(tn_kernels_get(), &d);
}

static double conv_estimate(const tn_prep *p) {
    tn_conv_desc d;
    if (!described(p, &d)) return (double)INFINITY;
    return tn_conv_estimate(tn_kernels_get(), &d, (tn_conv_place)p->impl->arg, tn_pool_threads(p->pool));
}

static tn_status conv_prepare(tn_prep *p) {
    const tn_infer *t = &p->types;
    const tn_tensor *w = t->in_tensor[1], *bias = tn_infer_has(t, 2) ? t->in_tensor[2] : NULL;
    conv_state *s = tn_arena_new_of(p->arena, conv_state);
    if (!s) return tn_op_fail(t->node, TN_E_NOMEM, "no memory to prepare");
    p->state = s;
    TN_TRY(describe(t->node, t->attrs, t->in[0]->dims, t->in[0]->rank, w->dims, bias != NULL, tn_infer_has(t, 3),
                    &s->desc));
    s->algo = tn_conv_all[p->impl->arg];
    s->scratch = s->algo->scratch_bytes(tn_kernels_get(), &s->desc, tn_pool_threads(p->pool));
    size_t bytes = choose_form(s, ((const tn_conv_attrs *)t->attrs)->weights);
    p->scratch = tn_align_up(s->scratch, 64) + (s->head + s->rest) * sizeof(float);
    pack_job j = { s, w, bias ? bias->data : NULL };
    /* The packed form depends on the algorithm, the bias it carries, and for some on the layouts. */
    unsigned inputs = 1u << 1 | (bias ? 1u << 2 : 0);
    char key[96];
    snprintf(key, sizeof key, "conv %s %lld %d%d %d", s->algo->name, (long long)s->desc.group, (int)s->desc.x_layout,
             (int)s->desc.y_layout, (int)s->half_type);
    const void *packed;
    TN_TRY(tn_prep_pack(p, inputs, key, bytes, s->half_type != TN_NONE ? pack_narrow : pack_weights, &j, &packed));
    s->packed = packed;
    p->consumed |= inputs;
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------------ run */

/* What a convolution in float32 reads and writes. */
typedef struct {
    const float *in[4];
    float *y;
} operands;

/* Weights or shapes that were not known when planning: choose and pack now. */
static tn_status run_unprepared(tn_run *r, const tn_conv_desc *d, const operands *o) {
    const tn_kernels *k = tn_kernels_get();
    const tn_conv_algo *list[TN_CONV_ALGOS];
    if (tn_conv_list(k, d, list, TN_CONV_ALGOS) == 0)
        return tn_op_fail(r->node, TN_E_UNSUPPORTED, "no algorithm for this convolution");
    size_t need = list[0]->scratch_bytes(k, d, tn_pool_threads(r->pool));
    float *packed = tn_run_scratch(r, list[0]->packed_bytes(k, d) + 64);
    void *scratch = tn_run_scratch(r, need + 64);
    if (!packed || !scratch) return tn_op_fail(r->node, TN_E_NOMEM, "no memory to pack weights");
    list[0]->pack(k, d, o->in[1], o->in[2], packed);
    tn_conv_io io = { .x = o->in[0], .w = packed, .residual = o->in[3], .y = o->y, .scratch = scratch };
    list[0]->run(k, d, &io, r->pool);
    return TN_OK;
}

/* float64 at its own precision, plain layout: the definition, by gathering (Conv) or scattering (ConvTranspose). */
static void run_f64(const tn_conv_desc *d, const double *x, const double *w, const double *bias, double *y) {
    int64_t out = tn_op_product(d->out, 0, d->rank), in = tn_op_product(d->in, 0, d->rank);
    int64_t taps = tn_op_product(d->kernel, 0, d->rank), icg = d->ic / d->group, ocg = d->oc / d->group;
    for (int64_t i = 0; i < d->n * d->oc * out; i++) y[i] = bias ? bias[i / out % d->oc] : 0;
    tn_ticks ticks = { 0 };
    for (int64_t no = 0; no < d->n * d->oc; no++) {
        int64_t n = no / d->oc, oc = no % d->oc, g = oc / ocg;
        for (int64_t i = 0; i < icg; i++)
            for (int64_t t = 0; t < taps; t++) {
                int64_t ic = g * icg + i;
                if (tn_ticks_stopped(&ticks, 4 * (uint64_t)(d->transposed ? in : out))) return;
                double tap = d->transposed ? w[(ic * ocg + oc % ocg) * taps + t] : w[(oc * icg + i) * taps + t];
                for (int64_t p = 0; p < (d->transposed ? in : out); p++) { /* positions of the strided side */
                    int64_t far = 0, stride = 1, rp = p, rt = t;
                    bool inside = true;
                    for (int k = d->rank - 1; k >= 0; k--) {
                        int64_t near_len = d->transposed ? d->in[k] : d->out[k];
                        int64_t far_len = d->transposed ? d->out[k] : d->in[k];
                        int64_t at = rp % near_len * d->stride[k] + rt % d->kernel[k] * d->dilation[k] - d->pad[k];
                        rp /= near_len, rt /= d->kernel[k];
                        inside = inside && at >= 0 && at < far_len;
                        far += at * stride, stride *= far_len;
                    }
                    if (!inside) continue;
                    if (d->transposed)
                        y[no * out + far] += tap * x[(n * d->ic + ic) * in + p];
                    else
                        y[no * out + p] += tap * x[(n * d->ic + ic) * in + far];
                }
            }
    }
}

typedef struct {
    tn_dtype from, to;
    const char *x;
    char *y;
} conversion;

static void convert_part(void *arg, int64_t begin, int64_t end, int thread) {
    const conversion *c = arg;
    (void)thread;
    (void)tn_convert(c->from, c->x + begin * tn_dtypes[c->from].bytes, c->to, c->y + begin * tn_dtypes[c->to].bytes,
                     end - begin, true, TN_ROUND_NEAREST);
}

static void convert_all(tn_dtype from, const void *x, tn_dtype to, void *y, int64_t n, tn_pool *pool) {
    conversion c = { from, to, x, y };
    tn_parallel(pool, n, 32768, convert_part, &c);
}

/* In float32, whatever 16-bit floats there are: they are converted before and behind. */
static tn_status run_wide(tn_run *r, const tn_conv_desc *d, const tn_tensor *const *from, tn_tensor *y) {
    operands o = { .y = y->data };
    for (int i = 0; i < 4; i++) {
        const tn_tensor *t = from[i];
        if (!t) continue;
        o.in[i] = t->data;
        if (t->dtype == TN_F32) continue;
        float *f = tn_run_scratch(r, (size_t)tn_count(t) * sizeof *f + 64);
        if (!f) return tn_op_fail(r->node, TN_E_NOMEM, "no memory to convert input %d", i);
        convert_all(t->dtype, t->data, TN_F32, f, tn_count(t), r->pool);
        o.in[i] = f;
    }
    if (y->dtype == TN_F32) return run_unprepared(r, d, &o);
    o.y = tn_run_scratch(r, (size_t)tn_count(y) * sizeof(float) + 64);
    if (!o.y) return tn_op_fail(r->node, TN_E_NOMEM, "no memory for the result");
    TN_TRY(run_unprepared(r, d, &o));
    convert_all(TN_F32, o.y, y->dtype, y->data, tn_count(y), r->pool);
    return TN_OK;
}

static tn_status run_exact(tn_run *r, const tn_conv_desc *d, const tn_tensor *const *in, tn_tensor *y) {
    if (y->dtype != TN_F64) return run_wide(r, d, in, y);
    run_f64(d, in[0]->data, in[1]->data, in[2] ? in[2]->data : NULL, y->data);
    return TN_OK;
}

tn_status tn_conv_run_any(tn_run *r, const tn_conv_desc *d, const tn_tensor *x, const tn_tensor *w, tn_tensor *y) {
    return run_exact(r, d, (const tn_tensor *[4]){ x, w }, y);
}

/* Packed weights of 16 bits as float32, behind the algorithm's scratch. */
static const float *widen_packed(tn_run *r, const conv_state *s) {
    float *w = (float *)(void *)((char *)r->scratch + tn_align_up(s->scratch, 64));
    memcpy(w, s->packed, s->head * sizeof *w);
    convert_all(s->half_type, s->packed + s->head, TN_F32, w + s->head, (int64_t)s->rest, r->pool);
    return w;
}

static tn_status conv_run(tn_run *r) {
    const conv_state *s = r->state;
    const tn_tensor *residual = tn_in(r, 3);
    tn_conv_io io = { .x = tn_in(r, 0)->data,
                      .w = s->half_type != TN_NONE ? widen_packed(r, s) : s->packed,
                      .residual = residual ? residual->data : NULL,
                      .y = tn_out(r, 0)->data,
                      .scratch = r->scratch };
    s->algo->run(tn_kernels_get(), &s->desc, &io, r->pool);
    return TN_OK;
}

/* Weights or shapes that only the run knows, and other types. */
static tn_status any_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0), *residual = tn_in(r, 3);
    tn_conv_desc d;
    if (tn_count(tn_out(r, 0)) == 0) return TN_OK;
    TN_TRY(describe(r->node, r->attrs, x->dims, x->rank, tn_in(r, 1)->dims, tn_run_has(r, 2), tn_run_has(r, 3), &d));
    return run_exact(r, &d, (const tn_tensor *[4]){ x, tn_in(r, 1), tn_in(r, 2), residual }, tn_out(r, 0));
}

/* ----------------------------------------------------------------------------------------------------------- rows */

#define IMPL(name, share, passes) \
    { #name, TN_ON_CPU, TN_CONV_##name, conv_fits, conv_estimate, conv_prepare, conv_run },
static const tn_impl conv_impls[] = {
    TN_CONV_ALGO_LIST(IMPL){ "any", TN_ON_CPU, .prepare = any_prepare, .run = any_run }, { 0 }
};
#undef IMPL

static const tn_port conv_in[] = {
    { "X", TN_FLOATS, 'T' }, { "W", TN_FLOATS, 'T' }, { "B", TN_FLOATS, 'T', .optional = true }, { 0 }
};
static const tn_port fused_in[] = { { "X", TN_FLOATS, 'T' },
                                    { "W", TN_FLOATS, 0 }, /* constants also of 16 bits */
                                    { "B", TN_FLOATS, 'T', .optional = true },
                                    { "residual", TN_FLOATS, 'T', .optional = true },
                                    { 0 } };
static const tn_attr_spec conv_attrs[] = { TN_CONV_SPECS, { 0 } };
static const tn_attr_spec transpose_attrs[] = { TN_CONV_SPECS, TN_CONV_TRANSPOSED_SPECS, { 0 } };
static const tn_attr_spec fused_attrs[] = { TN_CONV_SPECS,
                                            TN_FUSED_ATTRS(tn_conv_attrs, fused),
                                            { TN_INT(tn_conv_attrs, x_block, 0) },
                                            { TN_INT(tn_conv_attrs, y_block, 0) },
                                            { TN_DTYPE(tn_conv_attrs, weights, TN_NONE) },
                                            { 0 } };

const tn_op tn_ops_conv[] = {
    { .name = "Conv",
      .since = 22,
      .in = conv_in,
      .out = tn_ports_float_t,
      TN_ATTRS(conv_attrs, tn_conv_attrs),
      .infer = conv_infer,
      .cost = conv_cost,
      TN_IMPLS(conv_impls),
      .grad = tn_grad_conv,
      .arg = CONV,
      .doc = "convolution over any number of spatial dimensions, grouped, strided, dilated" },
    { .name = "ConvTranspose",
      .since = 22,
      .in = conv_in,
      .out = tn_ports_float_t,
      TN_ATTRS(transpose_attrs, tn_conv_attrs),
      .infer = conv_infer,
      .cost = conv_cost,
      TN_IMPLS(conv_impls),
      .grad = tn_grad_conv,
      .arg = CONV_TRANSPOSE,
      .doc = "transposed convolution: the gradient of Conv with respect to its input" },
    { .name = "Conv",
      .domain = "tenon",
      .since = 1,
      .flags = TN_OP_INTERNAL,
      .in = fused_in,
      .out = tn_ports_float_t,
      TN_ATTRS(fused_attrs, tn_conv_attrs),
      .infer = conv_infer,
      .cost = conv_cost,
      TN_IMPLS(conv_impls),
      .arg = CONV_FUSED,
      .doc = "act(conv(X, W) + B + residual), plain or in blocked channel layout" },
    { 0 },
};
