/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* activation.c - the activations in plain C: the definition of correct. */
#include "kernel/activation.h"
#include <math.h>

/* Comparisons are written so that NaN falls through to x. */
static float clip(float x, float lo, float hi) {
    x = x < lo ? lo : x;
    return x > hi ? hi : x;
}

static float none(tn_activation t, float x) { return x; }
static float relu(tn_activation t, float x) { return x < 0.0f ? 0.0f : x; }
static float leaky_relu(tn_activation t, float x) { return x < 0.0f ? t.a * x : x; }
static float clip_ab(tn_activation t, float x) { return clip(x, t.a, t.b); }
static float hardswish(tn_activation t, float x) {
    return x < -3.0f ? x * 0.0f : x >= 3.0f ? x : x * (x + 3.0f) / 6.0f;
}
static float hardsigmoid(tn_activation t, float x) { return clip(t.a * x + t.b, 0.0f, 1.0f); }
static float sigmoid(tn_activation t, float x) { return 1.0f / (1.0f + expf(-x)); }
static float tanh_(tn_activation t, float x) { return tanhf(x); }
/* The self-gated ones are x times a gate that is 0 far below: -0 there, and NaN at -inf, as inf * 0 is. */
static const float far = -1e4f;
static float gelu_erf(tn_activation t, float x) {
    if (x < far) return x * 0.0f;
    return 0.5f * x * (1.0f + erff(x * 0.70710678118654752f));
}
static float gelu_tanh(tn_activation t, float x) {
    if (x < far) return x * 0.0f;
    return 0.5f * x * (1.0f + tanhf(0.79788456080286536f * (x + 0.044715f * x * x * x)));
}
static float silu(tn_activation t, float x) { return x < far ? x * 0.0f : x / (1.0f + expf(-x)); }

static const struct {
    const char *name;
    float (*f)(tn_activation, float);
} acts[TN_ACT_COUNT] = {
    [TN_ACT_NONE] = { "none", none },
    [TN_ACT_RELU] = { "relu", relu },
    [TN_ACT_LEAKY_RELU] = { "leaky_relu", leaky_relu },
    [TN_ACT_CLIP] = { "clip", clip_ab },
    [TN_ACT_HARDSWISH] = { "hardswish", hardswish },
    [TN_ACT_HARDSIGMOID] = { "hardsigmoid", hardsigmoid },
    [TN_ACT_SIGMOID] = { "sigmoid", sigmoid },
    [TN_ACT_TANH] = { "tanh", tanh_ },
    [TN_ACT_GELU_ERF] = { "gelu_erf", gelu_erf },
    [TN_ACT_GELU_TANH] = { "gelu_tanh", gelu_tanh },
    [TN_ACT_SILU] = { "silu", silu },
};

float tn_act_scalar(tn_activation act, float x) { return acts[act.kind].f(act, x); }

void tn_act_array(tn_activation act, const float *x, float *y, long n) {
    for (long i = 0; i < n; i++) y[i] = acts[act.kind].f(act, x[i]);
}

const char *tn_act_name(tn_act kind) { return (unsigned)kind < TN_ACT_COUNT ? acts[kind].name : "none"; }
