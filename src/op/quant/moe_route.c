/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* moe_route.c - the router of a mixture of experts. */
#include "op/quant/moe.h"
#include <math.h>
#include <string.h>

/* Is score a before b? NaN is behind all others. */
static bool before(float a, float b) { return a > b || (isnan(b) && !isnan(a)); }

/* The k experts of highest score: a sorted list that better ones are put into, n k steps at most. */
static void choose(const tn_routing *how, const float *score, tn_choice *out) {
    int64_t have = 0;
    for (int64_t e = 0; e < how->experts; e++) {
        int64_t at = have;
        while (at > 0 && before(score[e], score[out[at - 1].expert])) at--;
        if (at == how->k) continue;
        if (have < how->k) have++;
        memmove(out + at + 1, out + at, (size_t)(have - 1 - at) * sizeof *out);
        out[at].expert = e;
    }
}

/* 1 / sum of exp(score - most) over experts other than `without` that `near` lets through. */
static float share(const tn_routing *how, const float *score, float most, int64_t without, float near) {
    float sum = 0;
    for (int64_t e = 0; e < how->experts; e++) {
        float larger = fabsf(score[e]) > most ? fabsf(score[e]) : most;
        if (e != without && !((most - score[e]) / larger > near)) sum += expf(score[e] - most);
    }
    return 1 / sum;
}

/* The first is weighed among the experts whose scores are near its own, the second likewise without the first. */
static void weigh_sparse(const tn_routing *how, const float *score, tn_choice *out) {
    const float near = 0.02f; /* twice the jitter that training has */
    out[0].weight = share(how, score, score[out[0].expert], -1, near);
    out[1].weight = share(how, score, score[out[1].expert], out[0].expert, near);
}

static void weigh(const tn_routing *how, int64_t token, const float *score, tn_choice *out) {
    float most = score[out[0].expert], all = 0, chosen = 0;
    for (int64_t e = 0; !how->weights && e < how->experts; e++) all += expf(score[e] - most);
    for (int64_t i = 0; i < how->k; i++) {
        float w =
            how->weights ? how->weights[token * how->experts + out[i].expert] : expf(score[out[i].expert] - most) / all;
        out[i].weight = w, chosen += w;
    }
    for (int64_t i = 0; how->normalise && i < how->k; i++) out[i].weight /= chosen;
}

void tn_route(const tn_routing *how, tn_choice *out) {
    for (int64_t t = 0; t < how->tokens; t++, out += how->k) {
        const float *score = how->scores + t * how->experts;
        choose(how, score, out);
        for (int64_t i = 0; i < how->k; i++) out[i].token = t;
        if (how->sparse)
            weigh_sparse(how, score, out);
        else
            weigh(how, t, score, out);
    }
}

void tn_route_group(int64_t n, const tn_choice *from, int64_t experts, int64_t *starts, tn_choice *out) {
    memset(starts, 0, (size_t)(experts + 1) * sizeof *starts);
    for (int64_t i = 0; i < n; i++) starts[from[i].expert + 1]++;
    for (int64_t e = 0; e < experts; e++) starts[e + 1] += starts[e];
    for (int64_t i = 0; i < n; i++) out[starts[from[i].expert]++] = from[i];
}
