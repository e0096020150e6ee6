/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* conv.c - the list of convolution algorithms, checks of descriptions, and the algorithm that does anything. */
#include "kernel/conv.h"
#include "base/budget.h"
#include "base/mem.h"
#include "kernel/conv_parts.h"
#include "kernel/kernel.h"
#include <assert.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------- the direct algorithm */

static size_t weight_count(const tn_conv_desc *d) {
    size_t n = (size_t)(d->transposed ? d->ic * (d->oc / d->group) : d->oc * (d->ic / d->group));
    for (int i = 0; i < d->rank; i++) n *= (size_t)d->kernel[i];
    return n;
}

static bool direct_fits(const tn_kernels *k, const tn_conv_desc *d) { return true; }

static size_t direct_packed(const tn_kernels *k, const tn_conv_desc *d) {
    return (weight_count(d) + (size_t)d->oc) * sizeof(float);
}

static size_t direct_scratch(const tn_kernels *k, const tn_conv_desc *d, int threads) { return 0; }

static void direct_pack(const tn_kernels *k, const tn_conv_desc *d, const float *w, const float *bias, float *packed) {
    size_t oc = (size_t)d->oc * sizeof(float);
    if (bias)
        memcpy(packed, bias, oc);
    else
        memset(packed, 0, oc);
    tn_budget_copy(packed + d->oc, w, weight_count(d) * sizeof(float));
}

typedef struct {
    const tn_conv_desc *d;
    const tn_conv_io *io;
    int block;
} direct_job;

/* A range of output channels of all images; blocked outputs are divided by block. */
static void direct_part(void *arg, int64_t begin, int64_t end, int thread) {
    const direct_job *j = arg;
    int64_t per = j->d->y_layout == TN_LAYOUT_BLOCKED ? j->block : 1;
    tn_conv_ref_part(j->d, j->block, j->io->x, j->io->w + j->d->oc, j->io->w, j->io->residual, j->io->y, begin * per,
                     end * per);
}

static void direct_run(const tn_kernels *k, const tn_conv_desc *d, const tn_conv_io *io, tn_pool *pool) {
    direct_job j = { d, io, k->conv.block };
    bool blocked = d->y_layout == TN_LAYOUT_BLOCKED;
    tn_parallel(pool, blocked ? (d->oc + j.block - 1) / j.block : d->oc, 1, direct_part, &j);
}

const tn_conv_algo tn_conv_algo_direct = {
    "direct", direct_fits, direct_packed, direct_scratch, direct_pack, direct_run
};

/* ----------------------------------------------------------------------------------------------------------- list */

#define ALGO(name, share, passes) &tn_conv_algo_##name,
const tn_conv_algo *const tn_conv_all[] = { TN_CONV_ALGO_LIST(ALGO) NULL };
#undef ALGO

#define RATE(name, share, passes) { share, passes },
static const struct { double share, passes; } rates[] = { TN_CONV_ALGO_LIST(RATE) };
#undef RATE

/* What a core does in a nanosecond, roughly: what matters is how the two stand to each other. */
static double flops_per_ns(const tn_kernels *k) { return k->conv.block >= 16 ? 150 : 75; }
#define BYTES_PER_NS 10.0

static bool is_winograd(tn_conv_place at) { return at == TN_CONV_winograd || at == TN_CONV_reordered_winograd; }

double tn_conv_estimate(const tn_kernels *k, const tn_conv_desc *d, tn_conv_place at, int threads) {
    double x = (double)d->n * (double)d->ic, y = (double)d->n * (double)d->oc, share = rates[at].share;
    if (is_winograd(at) && !tn_conv_winograd_pays(k, d)) share = 0.01; /* after all others */
    for (int i = 0; i < d->rank; i++) x *= (double)d->in[i], y *= (double)d->out[i];
    double bytes = rates[at].passes * sizeof(float) * (x + y);
    return (tn_conv_flops(d) / (share * flops_per_ns(k)) + bytes / BYTES_PER_NS) / (threads > 1 ? threads : 1);
}

/* Room for one more at the end of those that are not slower. */
static size_t place_of(const double *ns, size_t n, double mine) {
    while (n > 0 && mine < ns[n - 1]) n--;
    return n;
}

size_t tn_conv_list(const tn_kernels *k, const tn_conv_desc *d, const tn_conv_algo **out, size_t max) {
    double ns[TN_CONV_ALGOS];
    size_t n = 0;
    assert(max <= TN_CONV_ALGOS);
    for (int i = 0; tn_conv_all[i] && n < max; i++) {
        if (!tn_conv_all[i]->fits(k, d)) continue;
        double mine = tn_conv_estimate(k, d, (tn_conv_place)i, 1);
        size_t at = place_of(ns, n, mine);
        memmove(&ns[at + 1], &ns[at], (n - at) * sizeof *ns);
        memmove(&out[at + 1], &out[at], (n - at) * sizeof *out);
        ns[at] = mine, out[at] = tn_conv_all[i];
        n++;
    }
    return n;
}

/* --------------------------------------------------------------------------------------------------- descriptions */

int64_t tn_conv_out(int64_t in, int64_t kernel, int64_t stride, int64_t dilation, int64_t before, int64_t after) {
    int64_t reach = dilation * (kernel - 1) + 1, room = in + before + after - reach;
    return room < 0 ? 0 : room / stride + 1;
}

static bool multiply(int64_t *a, int64_t b) {
    return b >= 0 && !__builtin_mul_overflow(*a, b, a) && *a <= INT64_MAX / 64;
}

bool tn_conv_valid(const tn_conv_desc *d) {
    enum { FIELD_MAX = 1 << 30 };
    if (d->rank < 1 || d->rank > TN_CONV_RANK || d->n < 0 || d->ic < 1 || d->oc < 1 || d->group < 1) return false;
    if (d->ic % d->group || d->oc % d->group || d->ic > FIELD_MAX || d->oc > FIELD_MAX) return false;
    if (d->x_layout > TN_LAYOUT_BLOCKED || d->y_layout > TN_LAYOUT_BLOCKED) return false;
    int64_t x = d->n, y = d->n, w = d->oc;
    if (!multiply(&x, d->ic + 16) || !multiply(&y, d->oc + 16) || !multiply(&w, d->ic)) return false;
    for (int i = 0; i < d->rank; i++) {
        if (d->kernel[i] < 1 || d->stride[i] < 1 || d->dilation[i] < 1 || d->in[i] < 0 || d->out[i] < 0) return false;
        if (d->kernel[i] > FIELD_MAX || d->stride[i] > FIELD_MAX || d->dilation[i] > FIELD_MAX) return false;
        if (d->in[i] > FIELD_MAX || d->out[i] > FIELD_MAX) return false;
        if (d->pad[i] > FIELD_MAX || d->pad[i] < -FIELD_MAX) return false;
        if (!multiply(&x, d->in[i]) || !multiply(&y, d->out[i]) || !multiply(&w, d->kernel[i])) return false;
    }
    return true;
}

double tn_conv_flops(const tn_conv_desc *d) {
    double n = 2.0 * (double)d->n * (double)d->oc * (double)d->ic / (double)d->group;
    for (int i = 0; i < d->rank; i++) n *= (double)(d->transposed ? d->in[i] : d->out[i]) * (double)d->kernel[i];
    return n;
}
