/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* ranges.c - see ranges.h. */
#include "cli/ranges.h"
#include "base/mem.h"
#include <string.h>

/* What each list of shapes says of all inputs. */
typedef struct {
    tn_type *fixed, *least, *usual, *most;
} given;

static tn_status read_lists(const tn_model *m, const tn_feed_opts *o, const given *g) {
    TN_TRY(tn_feed_types_of(m, &o->shapes, "shape", o->dimension, g->fixed));
    TN_TRY(tn_feed_types_of(m, &o->least, "min-shape", 1, g->least));
    TN_TRY(tn_feed_types_of(m, &o->usual, "opt-shape", 0, g->usual));
    return tn_feed_types_of(m, &o->most, "max-shape", 0, g->most);
}

static tn_status no_most(const tn_model *m, const tn_value *v, int d) {
    tn_text t = { 0 };
    tn_type_print(m->syms, &v->type, &t);
    tn_status st = tn_fail(TN_E_INVALID,
                           "input '%s' is %s: the range of shapes says nothing of dimension %d; give --max-shape for "
                           "the largest, or --shape when it does not vary",
                           v->name, t.s ? t.s : "?", d);
    tn_text_free(&t);
    return st;
}

static tn_status give_dim(const tn_model *m, const given *g, int i, int d, int64_t *to, int rank) {
    tn_dim most = g->most[i].dims[d], fixed = g->fixed[i].rank == rank ? g->fixed[i].dims[d] : TN_DIM_UNKNOWN;
    tn_dim usual = g->usual[i].rank == rank ? g->usual[i].dims[d] : TN_DIM_UNKNOWN, least = g->least[i].dims[d];
    bool varies = tn_dim_known(most);
    if (!varies && !tn_dim_known(fixed)) return no_most(m, m->graph->inputs[i], d);
    to[d] = varies ? least : fixed;
    to[rank + d] = !varies ? fixed : tn_dim_known(usual) ? usual : most;
    to[2 * rank + d] = varies ? most : fixed;
    if (to[d] <= to[rank + d] && to[rank + d] <= to[2 * rank + d]) return TN_OK;
    return tn_fail(TN_E_INVALID,
                   "dimension %d of input '%s': the sizes %lld (--min-shape), %lld (--opt-shape) and "
                   "%lld (--max-shape) do not ascend",
                   d, m->graph->inputs[i]->name, (long long)to[d], (long long)to[rank + d],
                   (long long)to[2 * rank + d]);
}

/* Does this input need a range: it is given to runs, and of open shape? */
static bool wanted(const tn_value *v) {
    return !v->fallback && v->type.kind == TN_KIND_TENSOR && !tn_type_static(&v->type);
}

static tn_status give_input(const tn_model *m, const given *g, int i, int64_t *to, tn_shape_range *out) {
    const tn_value *v = m->graph->inputs[i];
    int rank = g->most[i].rank >= 0 ? g->most[i].rank : g->fixed[i].rank;
    if (rank < 0) return no_most(m, v, 0);
    if (g->most[i].rank < 0) g->most[i] = g->least[i] = g->fixed[i]; /* of a rank that --shape alone says */
    if (g->least[i].rank < 0) { /* of a rank that the largest shape alone says: from 1 on */
        g->least[i] = g->most[i];
        for (int d = 0; d < rank; d++) g->least[i].dims[d] = g->most[i].dims[d] > 0;
    }
    if (g->least[i].rank != rank)
        return tn_fail(TN_E_INVALID, "input '%s': --min-shape has %d dimensions, --max-shape %d", v->name,
                       g->least[i].rank, rank);
    for (int d = 0; d < rank; d++) TN_TRY(give_dim(m, g, i, d, to, rank));
    *out = (tn_shape_range){ .input = v->name, .rank = rank, .min = to, .opt = to + rank, .max = to + 2 * rank };
    return TN_OK;
}

static tn_status give_inputs(const tn_model *m, const tn_feed_opts *o, const given *g, tn_ranges *out) {
    TN_TRY(read_lists(m, o, g));
    for (int i = 0; i < m->graph->n_inputs; i++) {
        if (!wanted(m->graph->inputs[i])) continue;
        TN_TRY(give_input(m, g, i, out->dims + (size_t)i * 3 * TN_MAX_RANK, &out->v[out->n]));
        out->n++;
    }
    return TN_OK;
}

tn_status tn_ranges_make(const tn_model *m, const tn_feed_opts *o, tn_ranges *out) {
    size_t n = (size_t)m->graph->n_inputs;
    *out = (tn_ranges){ 0 };
    if (!o->least.n && !o->usual.n && !o->most.n) return TN_OK;
    tn_type *types = tn_mem_zalloc((4 * n + 1) * sizeof *types, TN_MEM_GENERAL);
    out->v = tn_mem_zalloc((n + 1) * sizeof *out->v, TN_MEM_GENERAL);
    out->dims = tn_mem_zalloc((n * 3 * TN_MAX_RANK + 1) * sizeof *out->dims, TN_MEM_GENERAL);
    given g = { types, types + n, types + 2 * n, types + 3 * n };
    tn_status st = types && out->v && out->dims ? give_inputs(m, o, &g, out)
                                                : tn_fail(TN_E_NOMEM, "no memory for ranges of shapes");
    tn_mem_free(types);
    if (st != TN_OK) tn_ranges_free(out);
    return st;
}

void tn_ranges_free(tn_ranges *r) {
    tn_mem_free(r->v);
    tn_mem_free(r->dims);
    *r = (tn_ranges){ 0 };
}
