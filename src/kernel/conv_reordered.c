/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* conv_reordered.c - convolution of plain tensors: reorder x to blocks, convolve there, reorder y back.
 *
 * The two passes over memory are cheap beside the sums, and every plain convolution of one or two dimensions gets the
 * register tiles. Groups that do not fill whole blocks are convolved one by one. Three kinds:
 *   whole     one group, or groups of whole blocks, or depthwise: one blocked convolution
 *   thin      x has few channels: read as it is, only y is reordered
 *   groups    every group is a convolution of its own, of one image
 * An operand that is blocked already is used in place. */
#include "base/budget.h"
#include "base/mem.h"
#include "kernel/conv_parts.h"
#include "kernel/kernel.h"
#include "kernel/reorder.h"

typedef struct {
    tn_conv_desc inner;
    const tn_conv_algo *algo;
    int64_t parts;           /* convolutions: 1, or images x groups */
    int64_t in, out;         /* pixels */
    bool x_copy, y_copy;     /* reordered into scratch? */
    size_t x_bytes, y_bytes; /* of those copies */
} plan;

static size_t blocked_bytes(const tn_kernels *k, int64_t n, int64_t channels, int64_t pixels) {
    size_t floats = (size_t)tn_layout_floats(k->conv.block, TN_LAYOUT_BLOCKED, n, channels, pixels);
    return tn_align_up(floats * sizeof(float), 64);
}

static bool choose(plan *p, const tn_kernels *k, const tn_conv_algo *const *algos) {
    for (; *algos; algos++)
        if ((*algos)->fits(k, &p->inner)) {
            p->algo = *algos;
            return true;
        }
    return false;
}

/* Which algorithm is inside must not depend on sizes (the packed weights do not): Winograd's and pairs are others. */
typedef enum { SUMS, PAIRS, WINOGRAD } inside;

static bool make_plan(plan *p, const tn_kernels *k, const tn_conv_desc *d, inside way) {
    static const tn_conv_algo *const thin[] = { &tn_conv_algo_thin, NULL };
    static const tn_conv_algo *const sums[] = { &tn_conv_algo_depthwise, &tn_conv_algo_blocked,
                                                &tn_conv_algo_transposed, NULL };
    static const tn_conv_algo *const fewer[] = { &tn_conv_algo_winograd, NULL };
    static const tn_conv_algo *const pairs[] = { &tn_conv_algo_pairs, NULL };
    static const tn_conv_algo *const *const ways[] = { [SUMS] = sums, [PAIRS] = pairs, [WINOGRAD] = fewer };
    const tn_conv_algo *const *whole = ways[way];
    *p = (plan){ .inner = *d, .parts = 1, .in = 1, .out = 1 };
    if (d->rank > 2 || (d->x_layout == TN_LAYOUT_BLOCKED && d->y_layout == TN_LAYOUT_BLOCKED)) return false;
    for (int i = 0; i < d->rank; i++) p->in *= d->in[i], p->out *= d->out[i];
    p->inner.y_layout = TN_LAYOUT_BLOCKED;
    bool found = way == SUMS && d->x_layout == TN_LAYOUT_PLAIN && d->ic <= 4 && d->group == 1 && choose(p, k, thin);
    if (!found) {
        p->inner.x_layout = TN_LAYOUT_BLOCKED;
        found = choose(p, k, whole);
    }
    if (!found && d->x_layout == TN_LAYOUT_PLAIN && d->y_layout == TN_LAYOUT_PLAIN && d->group > 1) {
        p->inner.n = p->inner.group = 1, p->inner.ic = d->ic / d->group, p->inner.oc = d->oc / d->group;
        p->parts = d->n * d->group;
        p->inner.x_layout = TN_LAYOUT_PLAIN;
        found = way == SUMS && p->inner.ic <= 8 && choose(p, k, thin);
        if (!found) {
            p->inner.x_layout = TN_LAYOUT_BLOCKED;
            found = choose(p, k, whole);
        }
    }
    p->x_copy = p->inner.x_layout != d->x_layout;
    p->y_copy = d->y_layout == TN_LAYOUT_PLAIN;
    p->x_bytes = p->x_copy ? blocked_bytes(k, p->inner.n, p->inner.ic, p->in) : 0;
    p->y_bytes = p->y_copy ? blocked_bytes(k, p->inner.n, p->inner.oc, p->out) : 0;
    return found;
}

/* Packed weights of one group follow those of the one before. */
static size_t packed_stride(const plan *p, const tn_kernels *k) {
    return tn_align_up(p->algo->packed_bytes(k, &p->inner), 64);
}

static size_t packed_bytes(const tn_kernels *k, const tn_conv_desc *d, inside way) {
    plan p;
    if (!make_plan(&p, k, d, way)) return 0;
    return packed_stride(&p, k) * (size_t)(d->group / p.inner.group); /* by groups also when there is no image */
}

static size_t scratch_bytes(const tn_kernels *k, const tn_conv_desc *d, int threads, inside way) {
    plan p;
    if (!make_plan(&p, k, d, way)) return 0;
    return p.x_bytes + p.y_bytes + p.algo->scratch_bytes(k, &p.inner, threads);
}

static void pack(const tn_kernels *k, const tn_conv_desc *d, const float *w, const float *bias, float *packed,
                 inside way) {
    plan p;
    if (!make_plan(&p, k, d, way)) return;
    if (p.inner.group == d->group) {
        p.algo->pack(k, &p.inner, w, bias, packed);
        return;
    }
    int64_t weights = (d->transposed ? p.inner.ic * p.inner.oc : p.inner.oc * p.inner.ic);
    for (int i = 0; i < d->rank; i++) weights *= d->kernel[i];
    size_t stride = packed_stride(&p, k) / sizeof(float);
    tn_ticks ticks = { 0 };
    for (int64_t g = 0; g < d->group && !tn_ticks_stopped(&ticks, 2 * stride); g++)
        p.algo->pack(k, &p.inner, w + g * weights, bias ? bias + g * p.inner.oc : NULL, packed + (size_t)g * stride);
}

static void run(const tn_kernels *k, const tn_conv_desc *d, const tn_conv_io *io, tn_pool *pool, inside way) {
    plan p;
    if (!make_plan(&p, k, d, way)) return;
    char *scratch = io->scratch;
    float *xb = (float *)scratch, *yb = (float *)(scratch + p.x_bytes);
    const tn_conv_desc *c = &p.inner;
    for (int64_t i = 0; i < p.parts; i++) {
        const float *x = io->x + i * c->ic * p.in, *residual = io->residual;
        float *y = io->y + i * c->oc * p.out;
        if (p.x_copy) tn_reorder(k, c->n, c->ic, p.in, TN_LAYOUT_PLAIN, x, TN_LAYOUT_BLOCKED, xb, pool);
        if (residual && p.y_copy) {
            tn_reorder(k, c->n, c->oc, p.out, TN_LAYOUT_PLAIN, residual + i * c->oc * p.out, TN_LAYOUT_BLOCKED, yb,
                       pool);
            residual = yb;
        }
        const float *w = io->w + (p.parts > 1 ? (size_t)(i % d->group) * (packed_stride(&p, k) / sizeof(float)) : 0);
        tn_conv_io inner = { p.x_copy ? xb : x, w, residual, p.y_copy ? yb : y, scratch + p.x_bytes + p.y_bytes };
        p.algo->run(k, c, &inner, pool);
        if (p.y_copy) tn_reorder(k, c->n, c->oc, p.out, TN_LAYOUT_BLOCKED, yb, TN_LAYOUT_PLAIN, y, pool);
    }
}

#define ALGORITHM(id, NAME, WAY)                                                                                      \
    static bool id##_fits(const tn_kernels *k, const tn_conv_desc *d) {                                               \
        plan p;                                                                                                       \
        return make_plan(&p, k, d, WAY);                                                                              \
    }                                                                                                                 \
    static size_t id##_packed(const tn_kernels *k, const tn_conv_desc *d) { return packed_bytes(k, d, WAY); }         \
    static size_t id##_scratch(const tn_kernels *k, const tn_conv_desc *d, int threads) {                             \
        return scratch_bytes(k, d, threads, WAY);                                                                     \
    }                                                                                                                 \
    static void id##_pack(const tn_kernels *k, const tn_conv_desc *d, const float *w, const float *bias, float *to) { \
        pack(k, d, w, bias, to, WAY);                                                                                 \
    }                                                                                                                 \
    static void id##_run(const tn_kernels *k, const tn_conv_desc *d, const tn_conv_io *io, tn_pool *pool) {           \
        run(k, d, io, pool, WAY);                                                                                     \
    }                                                                                                                 \
    const tn_conv_algo tn_conv_algo_##id = { NAME, id##_fits, id##_packed, id##_scratch, id##_pack, id##_run };

ALGORITHM(reordered, "reordered", SUMS)
ALGORITHM(reordered_pairs, "reordered_pairs", PAIRS)
ALGORITHM(reordered_winograd, "reordered_winograd", WINOGRAD)
