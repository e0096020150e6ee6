/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* fuse_conv_bn.c - what scales and shifts the channels of a convolution goes into its weights and bias:
 * BatchNormalization, Mul and Div with one constant per channel, Add and Sub also with one for all.
 *
 * A scale that is one number for all channels stays a node: the pointwise pass runs it with the shift and activation
 * behind it, and the weights keep their values. Rounding them anew moves all pixels of a flat background the same way,
 * which networks with such a scale behind every convolution add up to several times their other rounding errors. */
#include "op/core/support.h"
#include "pass/util.h"
#include <math.h>
#include <string.h>

/* y = x * scale[c] + shift[c] over the channels of a convolution's output: in double, so that a chain of such nodes
 * rounds the weights once. */
typedef struct {
    int64_t channels;
    double *scale, *shift;
} affine;

/* tenon.Conv: one of 16-bit weights, which become float32 when they are scaled. Nothing is fused into it yet. */
static bool is_plain(const tn_node *n) {
    return tn_pass_is_op(n, "", "Conv") ||
           (tn_pass_is_op(n, "tenon", "Conv") && n->n_inputs < 4 && !tn_attr_find(n, "activation"));
}

static bool is_conv(const tn_node *n) {
    const tn_tensor *w = n->n_inputs >= 2 && n->inputs[1] ? n->inputs[1]->constant : NULL;
    bool narrow = w && is_plain(n) && n->domain && *n->domain;
    return (is_plain(n) || tn_pass_is_op(n, "", "ConvTranspose")) && w && w->rank >= 3 &&
           (w->dtype == TN_F32 || (narrow && (w->dtype == TN_F16 || w->dtype == TN_BF16))) &&
           (!tn_pass_input(n, 2) || n->inputs[2]->constant);
}

static int64_t channels_of(const tn_node *conv) {
    const tn_tensor *w = conv->inputs[1]->constant;
    return is_plain(conv) ? w->dims[0] : w->dims[1] * tn_attr_int(conv, "group", 1);
}

/* One number per channel from a constant that broadcasts over [N, C, ..] with `rank` dimensions. */
static bool per_channel(const tn_value *v, int rank, int64_t channels, double *out) {
    const tn_tensor *t = v ? v->constant : NULL;
    if (!t || t->dtype != TN_F32 || t->rank > rank) return false;
    int64_t n = tn_count(t);
    int at = t->rank - (rank - 1); /* where C would be */
    if (n != 1 && (n != channels || at < 0 || t->dims[at] != channels)) return false;
    for (int64_t c = 0; c < channels; c++) out[c] = (double)((const float *)t->data)[n == 1 ? 0 : c];
    return true;
}

static bool vector(const tn_value *v, int64_t n, double *out) {
    const tn_tensor *t = v ? v->constant : NULL;
    if (!t || t->dtype != TN_F32 || tn_count(t) != n) return false;
    for (int64_t i = 0; i < n; i++) out[i] = (double)((const float *)t->data)[i];
    return true;
}

static bool from_batch_norm(const tn_node *n, affine *a) {
    double *mean = a->shift + a->channels, *var = mean + a->channels; /* room behind: see fuse */
    double eps = (double)tn_attr_float(n, "epsilon", 1e-5f);
    if (n->n_inputs < 5 || tn_attr_int(n, "training_mode", 0)) return false;
    for (int i = 1; i < n->n_outputs; i++)
        if (n->outputs[i] && n->outputs[i]->n_uses) return false;
    if (!vector(n->inputs[1], a->channels, a->scale) || !vector(n->inputs[2], a->channels, a->shift) ||
        !vector(n->inputs[3], a->channels, mean) || !vector(n->inputs[4], a->channels, var))
        return false;
    for (int64_t c = 0; c < a->channels; c++) {
        a->scale[c] /= sqrt(var[c] + eps);
        a->shift[c] -= mean[c] * a->scale[c];
    }
    return true;
}

/* The affine map that node n applies to v, its input; rank is that of v. */
static bool read_affine(const tn_node *n, const tn_value *v, int rank, affine *a) {
    if (tn_pass_is_op(n, "", "BatchNormalization") && n->inputs[0] == v) return from_batch_norm(n, a);
    bool mul = tn_pass_is_op(n, "", "Mul"), add = tn_pass_is_op(n, "", "Add"), sub = tn_pass_is_op(n, "", "Sub");
    bool div = tn_pass_is_op(n, "", "Div");
    if (!(mul || add || sub || div)) return false;
    tn_value *k = tn_pass_other(n, v);
    if (!k || ((sub || div) && n->inputs[0] != v)) return false;
    if (!per_channel(k, rank, a->channels, mul || div ? a->scale : a->shift)) return false;
    if ((mul || div) && a->channels > 1 && tn_count(k->constant) == 1) return false;
    for (int64_t c = 0; c < a->channels; c++) {
        if (add || sub)
            a->scale[c] = 1;
        else
            a->shift[c] = 0;
        if (sub) a->shift[c] = -a->shift[c];
        if (div) a->scale[c] = 1 / a->scale[c];
    }
    return true;
}

static tn_status scale_weights(const tn_node *conv, const affine *a, tn_tensor *out) {
    const tn_tensor *w = conv->inputs[1]->constant;
    bool plain = is_plain(conv);
    TN_TRY(tn_op_widen(w, out));
    int64_t per = 1;
    for (int d = 2; d < w->rank; d++) per *= w->dims[d];
    int64_t ocg = plain ? w->dims[0] : w->dims[1], icg = plain ? w->dims[1] : w->dims[0];
    int64_t groups = plain ? 1 : tn_attr_int(conv, "group", 1);
    float *y = out->data;
    for (int64_t i = 0; i < w->dims[0]; i++)
        for (int64_t k = 0; k < w->dims[1]; k++, y += per) {
            int64_t c = plain ? i : i / (icg / groups) * ocg + k;
            for (int64_t t = 0; t < per; t++) y[t] = (float)((double)y[t] * a->scale[c]);
        }
    return TN_OK;
}

static tn_status new_constant(tn_node *n, int i, const char *name, tn_tensor *t) {
    tn_value *v = tn_value_constant(n->graph, name, t);
    if (!v) {
        tn_tensor_reset(t);
        return tn_fail(TN_E_NOMEM, "no memory to fold scales into %s", tn_node_where(n));
    }
    return tn_node_set_input(n, i, v);
}

/* Gives the convolution the map: its weights times the scale, its bias moved along. */
static tn_status apply(tn_node *conv, const affine *a) {
    tn_tensor w = { 0 }, b = { 0 };
    int64_t n = a->channels;
    const tn_tensor *old = tn_pass_input(conv, 2) ? conv->inputs[2]->constant : NULL;
    bool scaled = false;
    for (int64_t c = 0; c < n; c++) scaled = scaled || a->scale[c] != 1;
    TN_TRY(tn_tensor_init(&b, TN_F32, 1, &n, TN_MEM_WEIGHTS));
    for (int64_t c = 0; c < n; c++) {
        double bias = old ? (double)((const float *)old->data)[c] : 0;
        ((float *)b.data)[c] = (float)(bias * a->scale[c] + a->shift[c]);
    }
    tn_status st = scaled ? scale_weights(conv, a, &w) : TN_OK;
    if (st != TN_OK) {
        tn_tensor_reset(&b);
        return st;
    }
    if (scaled && (st = new_constant(conv, 1, conv->inputs[1]->name, &w)) != TN_OK) {
        tn_tensor_reset(&b);
        return st;
    }
    return new_constant(conv, 2, old ? conv->inputs[2]->name : conv->name, &b);
}

/* Whether weights times the scales are still numbers: what divides by zero or blows up stays a node. */
static bool bounded(const affine *a, const affine *step) {
    for (int64_t c = 0; c < a->channels; c++)
        if (!(fabs(step->scale[c]) <= 1e9 && fabs(a->scale[c] * step->scale[c]) <= 1e9 && isfinite(step->shift[c])))
            return false;
    return true;
}

/* The node behind v when it maps v's channels and may be taken away; *step is its map. */
static tn_node *next_step(tn_value *v, int rank, affine *step) {
    tn_node *n = tn_value_only_user(v);
    return n && n->outputs[0] && read_affine(n, v, rank, step) && tn_pass_replaceable(n->outputs[0], v) ? n : NULL;
}

static tn_status fuse(tn_node *conv, tn_pass_ctx *c) {
    tn_value *v = conv->outputs[0];
    int rank = conv->inputs[1]->constant->rank;
    affine all = { .channels = channels_of(conv) }, step = all;
    const tn_tensor *bias = tn_pass_input(conv, 2) ? conv->inputs[2]->constant : NULL;
    if (!v || all.channels < 1 || (bias && (bias->dtype != TN_F32 || tn_count(bias) != all.channels))) return TN_OK;
    all.scale = tn_mem_alloc((size_t)all.channels * 6 * sizeof *all.scale, TN_MEM_GENERAL);
    if (!all.scale) return tn_fail(TN_E_NOMEM, "no memory to fold scales into %s", tn_node_where(conv));
    all.shift = all.scale + all.channels;
    step.scale = all.shift + all.channels;
    step.shift = step.scale + all.channels;
    for (int64_t i = 0; i < all.channels; i++) all.scale[i] = 1, all.shift[i] = 0;
    tn_status st = TN_OK;
    int steps = 0;
    for (tn_node *n; st == TN_OK && (n = next_step(v, rank, &step)) && bounded(&all, &step); steps++) {
        for (int64_t i = 0; i < all.channels; i++) {
            all.scale[i] *= step.scale[i];
            all.shift[i] = all.shift[i] * step.scale[i] + step.shift[i];
        }
        st = tn_value_replace(n->outputs[0], v);
        if (st == TN_OK) tn_pass_remove_unused(n);
    }
    if (st == TN_OK && steps) st = apply(conv, &all);
    c->changed += steps;
    tn_mem_free(all.scale);
    return st;
}

static tn_status fuse_graph(tn_graph *g, tn_pass_ctx *c) {
    for (tn_node *n = g->first; n; n = n->next) /* a fused node stays where it is; what follows it goes */
        if (is_conv(n)) TN_TRY(fuse(n, c));
    return TN_OK;
}

tn_status tn_pass_fuse_conv_bn(tn_model *m, tn_pass_ctx *c) { return tn_pass_each_graph(m->graph, fuse_graph, c); }
