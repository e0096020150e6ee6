/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* moe.h - which experts tokens go to, and with what weight. */
#ifndef TN_OP_QUANT_MOE_H
#define TN_OP_QUANT_MOE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int64_t token, expert;
    float weight;
} tn_choice;

typedef struct {
    int64_t tokens, experts;
    const float *scores;  /* [tokens, experts]: the k largest are chosen, the first of equal ones first; NaN is least */
    const float *weights; /* [tokens, experts]: those of the chosen; NULL: the softmax of the scores */
    int64_t k;            /* 1 .. experts */
    bool normalise;       /* the chosen's weights are divided by their sum */
    bool sparse;          /* k is 2: SparseMixer's weights (Liu, Gao & Chen, arXiv:2310.00811; Phi-3.5-MoE) */
} tn_routing;

/** out: [tokens, k], a token's by descending score. */
void tn_route(const tn_routing *how, tn_choice *out);

/** out: the same n choices by expert, a token's before those of later ones. starts: room for experts + 1. */
void tn_route_group(int64_t n, const tn_choice *from, int64_t experts, int64_t *starts, tn_choice *out);

#endif
