/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* pass.c - the list of passes and running it. */
#include "pass/pass.h"
#include "base/clock.h"
#include "base/log.h"
#include "op/core/op.h"
#include <stdlib.h>
#include <string.h>

const tn_pass tn_passes[] = {
    { "eliminate", "identities, dead code, repeated expressions, decided branches", tn_pass_eliminate, true },
    { "fold", "constant expressions become constants", tn_pass_fold, true },
    { "eliminate", "the same, for what constants have decided", tn_pass_eliminate, true },
    { "forms", "operators that were written in pieces are put together", tn_pass_forms, true },
    { "precision", "regions of 16-bit floats are computed in float32, rounded where they end", tn_pass_precision, true,
      true },
    { "quantise", "regions between DequantizeLinear and QuantizeLinear compute on codes", tn_pass_quantise, true,
      true },
    { "fold", "the same, for weights that were dequantised", tn_pass_fold, true },
    { "fuse-attention", "products around a softmax, with scale, mask and transposes, become one node",
      tn_pass_fuse_attention, true },
    { "fuse-conv-bn", "scales and shifts of channels go into convolutions", tn_pass_fuse_conv_bn, true },
    { "fuse-activation", "bias, residual and activation run inside convolutions and products", tn_pass_fuse_activation,
      true },
    { "narrow-weights", "weights of products and convolutions are kept in 16 bits, where asked", tn_pass_narrow_weights,
      true },
    { "layout", "convolutions and what lies between them work on blocked channels", tn_pass_layout, true, true },
    { "fuse-pointwise", "chains of pointwise operators run in one pass over memory", tn_pass_fuse_pointwise, true },
    { 0 },
};

/* Whether TN_PASSES lets the pass run. */
static bool allowed(const char *name) {
    const char *list = getenv("TN_PASSES");
    if (!list || !*list) return true;
    bool only = list[0] != '-', named = false;
    size_t n = strlen(name);
    for (const char *p = list; *p && !named; p += strcspn(p, ","), p += *p == ',') {
        const char *word = p + (*p == '-');
        named = !strncmp(word, name, n) && (word[n] == ',' || !word[n]);
    }
    return named == only;
}

tn_status tn_optimize(tn_model *m, const char *precision, bool plain, tn_pool *pool) {
    plain = plain && !precision;
    for (const tn_pass *p = tn_passes; p->name; p++) {
        if (!allowed(p->name) || (plain && p->cpu)) continue;
        tn_pass_ctx c = { .pool = pool, .precision = precision };
        double t0 = tn_clock_s();
        TN_TRY(p->run(m, &c));
        if (c.changed && p->infer) TN_TRY(tn_graph_infer(m->graph));
        tn_log(TN_LOG_DEBUG, "pass %s: %d changes, %d nodes left, %.2f ms", p->name, c.changed, m->graph->n_nodes,
               (tn_clock_s() - t0) * 1e3);
    }
    return TN_OK;
}
