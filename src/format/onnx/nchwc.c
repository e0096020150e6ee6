/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* nchwc.c - ONNX Runtime blocks channels by 16 where the CPU has AVX-512 and by 8 elsewhere, and a model that it saved
 * at the last level of its optimiser holds weights in that order, but not the number. Counts are rounded up to whole
 * blocks, which mostly tells: 24 outputs are blocks of 8, 32 of which only 20 are used are blocks of 16. */
#include "format/onnx/nchwc.h"
#include "base/cpu.h"
#include "format/findings.h"
#include "graph/internal.h"

#define DOMAIN "com.microsoft.nchwc"

typedef struct {
    bool any, weights, eight, sixteen;
} evidence;

static bool is(const tn_node *n, const char *type) { return !strcmp(n->domain, DOMAIN) && !strcmp(n->type, type); }

/* Outputs of a convolution, 0 when not known. */
static int64_t outputs_of(const tn_node *n) {
    const tn_value *w = is(n, "Conv") && n->n_inputs > 1 ? n->inputs[1] : NULL;
    return w && w->type.rank == 4 && tn_dim_known(w->type.dims[0]) ? w->type.dims[0] : 0;
}

static void look(const tn_graph *g, evidence *e) {
    tn_graph_each(g, n) {
        tn_node_each_graph(n, sub) look(sub, e);
        if (strcmp(n->domain, DOMAIN)) continue;
        e->any = true;
        e->weights |= is(n, "Conv");
        e->eight |= outputs_of(n) % 16 != 0;
        int64_t used = is(n, "ReorderOutput") ? tn_attr_int(n, "channels", 0) : 0;
        const tn_value *x = n->n_inputs ? n->inputs[0] : NULL;
        e->sixteen |= used > 0 && x && x->producer && outputs_of(x->producer) - used >= 8;
    }
}

static tn_status mark(tn_graph *g, int64_t block) {
    tn_graph_each(g, n) {
        tn_node_each_graph(n, sub) TN_TRY(mark(sub, block));
        if (!strcmp(n->domain, DOMAIN)) TN_TRY(tn_attr_set_int(n, "block", block));
    }
    return TN_OK;
}

tn_status tn_onnx_blocks(tn_model *m) {
    evidence e = { 0 };
    look(m->graph, &e);
    if (!e.any) return TN_OK;
    bool wide = e.sixteen || (!e.eight && tn_cpu_detected() & TN_CPU_AVX512);
    if (e.weights && e.eight == e.sixteen)
        TN_TRY(tn_find(m, TN_FINDING_REPAIR, TN_OK, NULL,
                       "operators of " DOMAIN
                       " do not say how many channels a block has; %d are taken, as ONNX Runtime "
                       "does on this CPU; a model saved at level 'extended' fits every CPU",
                       wide ? 16 : 8));
    return mark(m->graph, wide ? 16 : 8);
}
