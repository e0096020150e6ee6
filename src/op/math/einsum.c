/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* einsum.c - Einsum: sums of products named by an equation such as "bij,bjk->bik": reading it, the result's shape, the
 * row. The arithmetic is einsum_pairs.c. */
#include "op/math/einsum.h"
#include "op/core/ports.h"
#include "op/core/support.h"
#include "op/math/grads.h"
#include <ctype.h>
#include <string.h>

static int letter_of(char c) { return c >= 'A' && c <= 'Z' ? c - 'A' : c >= 'a' && c <= 'z' ? c - 'a' + 26 : -1; }

static tn_status parse_term(const tn_node *n, const char **at, const char *end, tn_einsum_term *t) {
    *t = (tn_einsum_term){ .dots = -1 };
    for (; *at < end && **at != ',' && !(**at == '-' && end - *at > 1 && (*at)[1] == '>'); ++*at) {
        if (isspace((unsigned char)**at)) continue;
        if (**at == '.') {
            if (end - *at < 3 || (*at)[1] != '.' || (*at)[2] != '.' || t->dots >= 0)
                return tn_op_fail(n, TN_E_INVALID, "the equation has a '.' that is no single ellipsis");
            t->dots = t->n, *at += 2;
            continue;
        }
        int k = letter_of(**at);
        if (k < 0) return tn_op_fail(n, TN_E_INVALID, "the equation has a character that is no letter");
        if (t->n == TN_MAX_RANK) return tn_op_fail(n, TN_E_INVALID, "a term has more than %d letters", TN_MAX_RANK);
        t->label[t->n++] = (uint8_t)k;
    }
    return TN_OK;
}

/* Puts labels for `extra` dimensions where the ellipsis stands; they are aligned at the right. */
static void expand_dots(tn_einsum_term *t, int extra) {
    if (t->dots < 0) return;
    memmove(t->label + t->dots + extra, t->label + t->dots, (size_t)(t->n - t->dots));
    for (int i = 0; i < extra; i++) t->label[t->dots + i] = (uint8_t)(TN_EINSUM_LABELS - extra + i);
    t->n += extra;
}

typedef struct {
    tn_string equation;
} settings;

/* Reads the equation for inputs of these ranks. errors TN_E_INVALID, TN_E_SHAPE */
static tn_status parse(const tn_node *n, tn_string s, int n_in, const int *ranks, tn_einsum *e) {
    const char *at = s.ptr, *end = s.ptr + s.len;
    e->dots_rank = 0, e->out = (tn_einsum_term){ 0 };
    memset(e->count, 0, sizeof e->count);
    if (n_in > TN_EINSUM_TERMS) return tn_op_fail(n, TN_E_LIMIT, "more than %d inputs", TN_EINSUM_TERMS);
    for (e->n_in = 0; e->n_in < n_in; e->n_in++) {
        if (e->n_in > 0) {
            if (at >= end || *at != ',')
                return tn_op_fail(n, TN_E_INVALID, "the equation has %d terms for %d inputs", e->n_in, n_in);
            at++;
        }
        tn_einsum_term *t = &e->in[e->n_in];
        TN_TRY(parse_term(n, &at, end, t));
        int extra = ranks[e->n_in] - t->n;
        if (extra < 0 || (extra > 0 && t->dots < 0))
            return tn_op_fail(n, TN_E_SHAPE, "input %d has %d dimensions, its term names %d", e->n_in, ranks[e->n_in],
                              t->n);
        if (extra > e->dots_rank && t->dots >= 0) e->dots_rank = extra;
        expand_dots(t, extra);
        for (int i = 0; i < t->n; i++) e->count[t->label[i]]++;
    }
    if (at < end && *at == ',')
        return tn_op_fail(n, TN_E_INVALID, "the equation has more terms than the %d inputs", n_in);
    if (at < end) {
        at += 2;
        TN_TRY(parse_term(n, &at, end, &e->out));
        if (at < end) return tn_op_fail(n, TN_E_INVALID, "the equation has something behind the result's term");
        bool seen[TN_EINSUM_LABELS] = { 0 };
        for (int i = 0; i < e->out.n; i++) {
            if (seen[e->out.label[i]] || !e->count[e->out.label[i]])
                return tn_op_fail(n, TN_E_INVALID, "a letter of the result is repeated or in no input");
            seen[e->out.label[i]] = true;
        }
    } else { /* letters that are used once, in alphabetical order, behind the ellipsis */
        e->out.dots = 0;
        for (int k = 0; k < 52; k++) {
            if (e->count[k] != 1) continue;
            if (e->out.n < TN_MAX_RANK) e->out.label[e->out.n] = (uint8_t)k;
            e->out.n++; /* too many are said below */
        }
    }
    if (e->out.n + (e->out.dots >= 0 ? e->dots_rank : 0) > TN_MAX_RANK)
        return tn_op_fail(n, TN_E_SHAPE, "the result would have more than %d dimensions", TN_MAX_RANK);
    expand_dots(&e->out, e->dots_rank);
    return TN_OK;
}

static tn_status einsum_infer(tn_infer *c) {
    int ranks[TN_EINSUM_TERMS];
    tn_einsum e;
    tn_dim size[TN_EINSUM_LABELS], dims[TN_MAX_RANK];
    bool set[TN_EINSUM_LABELS] = { 0 };
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), -1, NULL);
    for (int i = 0; i < c->n_in && i < TN_EINSUM_TERMS; i++)
        if ((ranks[i] = tn_infer_rank(c, i)) < 0) return TN_OK;
    TN_TRY(parse(c->node, ((const settings *)c->attrs)->equation, c->n_in, ranks, &e));
    for (int i = 0; i < e.n_in; i++)
        for (int d = 0; d < e.in[i].n; d++) {
            int k = e.in[i].label[d];
            if (set[k])
                TN_TRY(tn_infer_broadcast_dim(c, size[k], c->in[i]->dims[d], &size[k]));
            else
                size[k] = c->in[i]->dims[d], set[k] = true;
        }
    for (int d = 0; d < e.out.n; d++) dims[d] = size[e.out.label[d]];
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), e.out.n, dims);
    return TN_OK;
}

static tn_status einsum_cost(const tn_infer *c, tn_cost *out) {
    int ranks[TN_EINSUM_TERMS];
    const int64_t *dims[TN_EINSUM_TERMS];
    tn_einsum e;
    for (int i = 0; i < c->n_in && i < TN_EINSUM_TERMS; i++) ranks[i] = c->in[i]->rank, dims[i] = c->in[i]->dims;
    TN_TRY(parse(c->node, ((const settings *)c->attrs)->equation, c->n_in, ranks, &e));
    out->flops = tn_einsum_flops(&e, dims);
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------------ run */

static tn_status einsum_prepare(tn_prep *p) {
    int ranks[TN_EINSUM_TERMS];
    tn_einsum *e = tn_arena_new_of(p->arena, tn_einsum);
    if (!e) return tn_op_fail(p->types.node, TN_E_NOMEM, "no memory for the equation");
    for (int i = 0; i < p->types.n_in && i < TN_EINSUM_TERMS; i++) ranks[i] = p->types.in[i]->rank;
    p->state = e;
    return parse(p->types.node, ((const settings *)p->types.attrs)->equation, p->types.n_in, ranks, e);
}

static tn_status einsum_run(tn_run *r) { return tn_count(tn_out(r, 0)) ? tn_einsum_run(r, r->state) : TN_OK; }

static const tn_attr_spec einsum_attrs[] = { { TN_STRING_OF(settings, equation, ""), .required = true }, { 0 } };

const tn_op tn_ops_einsum[] = {
    { .name = "Einsum",
      .since = 12,
      .in = tn_ports_real_many,
      .out = tn_ports_real_t,
      TN_ATTRS(einsum_attrs, settings),
      .infer = einsum_infer,
      .cost = einsum_cost,
      .prepare = einsum_prepare,
      .run = einsum_run,
      .grad = tn_grad_einsum,
      .doc = "sums of products over the indices an equation names" },
    { 0 },
};
