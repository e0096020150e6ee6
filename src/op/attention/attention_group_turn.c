/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* attention_group_turn.c - GroupQueryAttention's rows before they meet: normalised, and turned to their positions. */
#include "op/attention/attention_group.h"
#include <math.h>
#include <string.h>

tn_status tn_gqa_read_angles(tn_run *r, const tn_gqa_sizes *s, tn_gqa_angles *g) {
    const tn_tensor *c = tn_in(r, COS), *si = tn_in(r, SIN);
    const tn_gqa *at = r->attrs;
    const void *p;
    *g = (tn_gqa_angles){ .ids = tn_in(r, POSITIONS), .interleaved = at->rotary_interleaved };
    if (!at->do_rotary) return TN_OK;
    if (c->rank != 2 || !tn_dims_equal(c->rank, c->dims, si->rank, si->dims) || 2 * c->dims[1] > s->size ||
        (g->ids && tn_count(g->ids) != s->batch * s->rows))
        return tn_op_fail(r->node, TN_E_SHAPE, "cos_cache, sin_cache or position_ids do not fit heads of %lld",
                          (long long)s->size);
    g->half = c->dims[1], g->limit = c->dims[0];
    TN_TRY(tn_op_read_as(r, c, TN_F32, &p));
    g->cos = p;
    TN_TRY(tn_op_read_as(r, si, TN_F32, &p));
    g->sin = p;
    return TN_OK;
}

tn_status tn_gqa_position(const tn_run *r, const tn_gqa_sizes *s, const tn_gqa_angles *g, int64_t b, int64_t i,
                          int64_t *at) {
    int64_t from = s->prompt ? 0 : b * s->rows + i;
    *at = g->ids ? tn_get_i64(g->ids->dtype, g->ids->data, from) : s->past[b] + i;
    if (g->ids && s->prompt && __builtin_add_overflow(*at, i, at)) *at = -1;
    if (s->past[b] + i >= s->length[b] && (*at < 0 || *at >= g->limit)) *at = 0;
    if (g->cos && (*at < 0 || *at >= g->limit))
        return tn_op_fail(r->node, TN_E_INVALID, "position %lld is outside the cache of %lld angles", (long long)*at,
                          (long long)g->limit);
    return TN_OK;
}

void tn_gqa_place(const tn_gqa_sizes *s, const tn_gqa_angles *g, int64_t at, const float *x, float *y) {
    if (g->norm) {
        double sum = 0;
        for (int64_t e = 0; e < s->size; e++) sum += (double)x[e] * (double)x[e];
        float by = (float)(1 / sqrt(sum / (double)s->size + (double)g->epsilon));
        for (int64_t e = 0; e < s->size; e++) y[e] = x[e] * by * g->norm[e];
        x = y;
    }
    if (g->cos)
        tn_op_rotate(x, g->cos + at * g->half, g->sin + at * g->half, y, g->half, s->size, g->interleaved);
    else if (x != y)
        memcpy(y, x, (size_t)s->size * sizeof *y);
}

tn_status tn_gqa_read_norm(tn_run *r, const tn_gqa_sizes *s, int i, tn_gqa_angles *g) {
    const tn_tensor *t = tn_in(r, i);
    const void *p;
    g->norm = NULL;
    if (!t) return TN_OK;
    if (tn_count(t) != s->size)
        return tn_op_fail(r->node, TN_E_SHAPE, "input %d has not one weight for each of %lld", i, (long long)s->size);
    TN_TRY(tn_op_read_as(r, t, TN_F32, &p));
    g->norm = p, g->epsilon = ((const tn_gqa *)r->attrs)->qk_norm_epsilon;
    return TN_OK;
}

tn_status tn_gqa_turned_queries(tn_run *r, const tn_gqa_sizes *s, const tn_gqa_angles *g, const float **q,
                                tn_attention_stride *st) {
    if (!g->cos && !g->norm) return TN_OK;
    float *y = tn_run_scratch(r, (size_t)(s->batch * s->rows * s->heads * s->size + 1) * sizeof *y);
    if (!y) return tn_op_fail(r->node, TN_E_NOMEM, "no memory");
    for (int64_t b = 0; b < s->batch; b++)
        for (int64_t i = 0; i < s->rows; i++) {
            int64_t at;
            TN_TRY(tn_gqa_position(r, s, g, b, i, &at));
            for (int64_t h = 0; h < s->heads; h++)
                tn_gqa_place(s, g, at, *q + b * st->batch + h * st->head + i * st->row,
                             y + ((b * s->rows + i) * s->heads + h) * s->size);
        }
    *q = y, *st = tn_op_rows(s->heads, s->rows, s->size);
    return TN_OK;
}
