/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* rules.c - what shape rules share: small integer inputs, broadcasting, and the ready-made rules. */
#include "op/core/op.h"
#include <string.h>

/* ----------------------------------------------------------------------------------------------------- small inputs */

static bool holds_ints(const tn_tensor *t) { return tn_dtype_is_int(t->dtype) || t->dtype == TN_BOOL; }

static void note_open(tn_infer *c, int i) {
    if (tn_infer_has(c, i)) c->open |= UINT64_C(1) << (i < 63 ? i : 63);
}

/* Whether the tensor's own memory can serve as dims. */
static bool dims_as_they_lie(const tn_tensor *t, int64_t count) {
    if (t->dtype != TN_I64 || !count || (uintptr_t)t->data % _Alignof(tn_dim)) return false;
    const int64_t *v = t->data;
    for (int64_t k = 0; k < count; k++)
        if (tn_dim_clamp(v[k]) != v[k]) return false;
    return true;
}

tn_dim tn_op_dim_at(const tn_tensor *t, int64_t k) {
    int64_t v = tn_get_i64(t->dtype, t->data, k);
    return t->dtype == TN_U64 && v < 0 ? TN_DIM_MOST : tn_dim_clamp(v);
}

static const tn_dim *dims_of_tensor(tn_infer *c, const tn_tensor *t, int *n) {
    int64_t count = tn_count(t);
    if (count > INT32_MAX) return NULL;
    if (dims_as_they_lie(t, count)) {
        *n = (int)count;
        return t->data;
    }
    tn_dim *v = tn_arena_array(c->arena, tn_dim, (size_t)count + 1);
    if (!v) return NULL;
    for (int64_t k = 0; k < count; k++) v[k] = tn_op_dim_at(t, k);
    *n = (int)count;
    return v;
}

const tn_dim *tn_infer_contents(tn_infer *c, int i, int *n) {
    *n = -1;
    if (!tn_infer_has(c, i)) return NULL;
    const tn_tensor *t = c->in_tensor[i];
    if (t && t->rank <= 1 && holds_ints(t)) return tn_count(t) <= TN_CONTENT_MAX ? dims_of_tensor(c, t, n) : NULL;
    if (!c->in_content || !c->in_content[i]) return NULL;
    *n = c->in_content[i]->n;
    return c->in_content[i]->v;
}

const tn_dim *tn_infer_ints(tn_infer *c, int i, int *n) {
    *n = -1;
    const tn_tensor *t = tn_infer_has(c, i) ? c->in_tensor[i] : NULL;
    if (t && t->rank <= 1 && holds_ints(t)) return dims_of_tensor(c, t, n);
    if (t) return NULL; /* known, and no list of integers */
    const tn_dim *v = tn_infer_contents(c, i, n);
    bool all = v != NULL;
    for (int k = 0; k < *n; k++) all = all && tn_dim_known(v[k]);
    if (!all) note_open(c, i);
    return v;
}

const tn_tensor *tn_infer_tensor(tn_infer *c, int i) {
    if (!tn_infer_has(c, i)) return NULL;
    if (!c->in_tensor[i]) note_open(c, i);
    return c->in_tensor[i];
}

bool tn_infer_int(tn_infer *c, int i, int64_t *v) {
    int n;
    const tn_dim *d = tn_infer_ints(c, i, &n);
    if (n != 1 || !tn_dim_known(d[0])) return false;
    *v = d[0];
    return true;
}

int tn_infer_length(const tn_infer *c, int i) {
    if (!tn_infer_has(c, i) || c->in[i]->rank < 0 || c->in[i]->rank > 1) return -1;
    tn_dim n = c->in[i]->rank ? c->in[i]->dims[0] : 1;
    return tn_dim_known(n) && n >= 0 && n <= INT32_MAX ? (int)n : -1;
}

void tn_infer_out(tn_infer *c, int i, tn_dtype t, int rank, const tn_dim *dims) {
    if (i >= c->n_out) return;
    tn_type *y = &c->out[i]; /* its other dimensions do not matter: clearing them would cost most of a rule's time */
    y->kind = TN_KIND_TENSOR, y->dtype = t, y->rank = rank, y->elem = NULL;
    for (int d = 0; d < rank && d < TN_MAX_RANK; d++) y->dims[d] = dims ? dims[d] : TN_DIM_UNKNOWN;
}

/* Whether elements of type t are this number. A symbol stands for a size below 2^31: 32 bits hold it. */
static bool type_holds(tn_dtype t, tn_dim d) {
    int bits = t == TN_BOOL ? 1 : tn_dtype_bits(t) - (tn_dtype_is_signed(t) ? 1 : 0);
    if (t == TN_NONE || bits >= 63) return true;
    if (!tn_dim_known(d)) return bits >= 31;
    return d >= (tn_dtype_is_signed(t) ? -(INT64_C(1) << bits) : 0) && d < INT64_C(1) << bits;
}

void tn_infer_out_content(tn_infer *c, int i, const tn_dim *v, int n) {
    if (i >= c->n_out || !c->out_content || n > TN_CONTENT_MAX) return;
    tn_content *own = tn_arena_alloc(c->arena, sizeof *own + sizeof own->v[0] * (size_t)n, 8);
    bool any = n == 0;
    if (!own) return; /* contents are a help, never a promise */
    own->n = n;
    for (int k = 0; k < n; k++) {
        own->v[k] = type_holds(c->out[i].dtype, v[k]) ? v[k] : TN_DIM_UNKNOWN;
        any |= own->v[k] != TN_DIM_UNKNOWN;
    }
    if (any) c->out_content[i] = own;
}

tn_status tn_op_axis(const tn_node *n, int64_t axis, int rank, int *out) {
    if (rank <= 0) return tn_op_fail(n, TN_E_INVALID, "axis %lld of a scalar, which has none", (long long)axis);
    if (axis < -rank || axis >= rank)
        return tn_op_fail(n, TN_E_INVALID, "axis %lld is outside -%d..%d", (long long)axis, rank, rank - 1);
    *out = (int)(axis < 0 ? axis + rank : axis);
    return TN_OK;
}

tn_status tn_op_axes(const tn_node *n, const int64_t *axes, int64_t count, int rank, int *out, int *n_out) {
    uint32_t seen = 0;
    if (count > rank)
        return tn_op_fail(n, TN_E_INVALID, "%lld axes are named of %d dimensions", (long long)count, rank);
    for (int64_t i = 0; i < count; i++) {
        TN_TRY(tn_op_axis(n, axes[i], rank, &out[i]));
        if (seen >> out[i] & 1) return tn_op_fail(n, TN_E_INVALID, "axis %lld is named twice", (long long)axes[i]);
        seen |= 1u << out[i];
    }
    *n_out = (int)count;
    return TN_OK;
}

/* ----------------------------------------------------------------------------------------------------- broadcasting */

tn_status tn_infer_broadcast_dim(tn_infer *c, tn_dim a, tn_dim b, tn_dim *out) {
    if (a == b || b == 1)
        *out = a;
    else if (a == 1)
        *out = b;
    else if (tn_dim_known(a) && tn_dim_known(b))
        return tn_infer_fail(c, TN_E_SHAPE, "sizes %lld and %lld do not broadcast", (long long)a, (long long)b);
    else if (tn_dim_known(a) || tn_dim_known(b))
        *out = tn_dim_known(a) ? a : b; /* the other one is it, or 1 */
    else if (a == TN_DIM_UNKNOWN || b == TN_DIM_UNKNOWN)
        *out = TN_DIM_UNKNOWN;
    else
        *out = tn_dim_max(c->syms, a, b); /* equal, or one of them is 1 */
    return TN_OK;
}

tn_status tn_infer_broadcast(tn_infer *c, int first, int last, int *rank, tn_dim *dims) {
    *rank = 0;
    for (int i = first; i <= last; i++) {
        int r = tn_infer_rank(c, i);
        if (r < 0) {
            *rank = -1;
            return TN_OK;
        }
        if (r > *rank) *rank = r;
    }
    for (int d = 0; d < *rank; d++) {
        dims[d] = 1;
        for (int i = first; i <= last; i++) {
            int at = d - (*rank - c->in[i]->rank);
            if (at >= 0) TN_TRY(tn_infer_broadcast_dim(c, dims[d], c->in[i]->dims[at], &dims[d]));
        }
    }
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------ ready-made rules */

tn_status tn_infer_same(tn_infer *c) {
    if (tn_infer_has(c, 0) && c->n_out) c->out[0] = *c->in[0];
    return TN_OK;
}

/* The contents of input i for arithmetic. */
static const tn_dim *operand(tn_infer *c, int i, int *n) {
    const tn_tensor *t = c->in_tensor[i];
    if (c->in[i]->rank > 1 || (t && tn_count(t) > TN_CONTENT_MAX)) return NULL;
    return tn_infer_contents(c, i, n);
}

/* Clamped numbers are fit for comparing with sizes, not for sums. */
static tn_dim summand(tn_dim d) { return tn_dim_known(d) && !tn_dim_exact(d) ? TN_DIM_UNKNOWN : d; }

typedef struct {
    bool fmod; /* the sign of a instead of b */
} modulo;
static const tn_attr_spec modulo_attrs[] = { { TN_FLAG(modulo, fmod, false) }, { 0 } };

static tn_dim mod_of(tn_syms *s, tn_dim a, tn_dim b, const tn_node *n) {
    modulo m;
    if (tn_op_fill_attrs(n, modulo_attrs, &m) != TN_OK) return TN_DIM_UNKNOWN;
    if (m.fmod && !(tn_dim_ge(s, a, 0) && tn_dim_ge(s, b, 0))) return TN_DIM_UNKNOWN;
    return tn_dim_mod(s, a, b);
}

static tn_dim add_of(tn_syms *s, tn_dim a, tn_dim b, const tn_node *n) { return tn_dim_add(s, a, b); }
static tn_dim sub_of(tn_syms *s, tn_dim a, tn_dim b, const tn_node *n) { return tn_dim_sub(s, a, b); }
static tn_dim mul_of(tn_syms *s, tn_dim a, tn_dim b, const tn_node *n) { return tn_dim_mul(s, a, b); }
static tn_dim div_of(tn_syms *s, tn_dim a, tn_dim b, const tn_node *n) { return tn_dim_trunc_div(s, a, b); }
static tn_dim min_of(tn_syms *s, tn_dim a, tn_dim b, const tn_node *n) { return tn_dim_min(s, a, b); }
static tn_dim max_of(tn_syms *s, tn_dim a, tn_dim b, const tn_node *n) { return tn_dim_max(s, a, b); }

/* Truth as contents: 1, 0 or unknown. */
static tn_dim ge_of(tn_syms *s, tn_dim a, tn_dim b, const tn_node *n) {
    if (a == TN_DIM_UNKNOWN || b == TN_DIM_UNKNOWN) return TN_DIM_UNKNOWN;
    if (tn_dim_ge(s, a, b)) return 1;
    return tn_dim_ge(s, tn_dim_sub(s, b, 1), a) ? 0 : TN_DIM_UNKNOWN;
}
static tn_dim le_of(tn_syms *s, tn_dim a, tn_dim b, const tn_node *n) { return ge_of(s, b, a, n); }
static tn_dim negated(tn_dim d) { return d == TN_DIM_UNKNOWN ? d : !d; }
static tn_dim lt_of(tn_syms *s, tn_dim a, tn_dim b, const tn_node *n) { return negated(ge_of(s, a, b, n)); }
static tn_dim gt_of(tn_syms *s, tn_dim a, tn_dim b, const tn_node *n) { return negated(ge_of(s, b, a, n)); }
static tn_dim eq_of(tn_syms *s, tn_dim a, tn_dim b, const tn_node *n) {
    if (tn_dim_same(a, b)) return 1;
    return lt_of(s, a, b, n) == 1 || gt_of(s, a, b, n) == 1 ? 0 : TN_DIM_UNKNOWN;
}
static tn_dim and_of(tn_syms *s, tn_dim a, tn_dim b, const tn_node *n) { return tn_dim_min(s, a, b); }
static tn_dim or_of(tn_syms *s, tn_dim a, tn_dim b, const tn_node *n) { return tn_dim_max(s, a, b); }

typedef struct {
    const char *type;
    tn_dim (*fn)(tn_syms *s, tn_dim a, tn_dim b, const tn_node *n);
} content_rule;

static const content_rule arithmetic[] = { { "Add", add_of }, { "Sub", sub_of }, { "Mul", mul_of }, { "Div", div_of },
                                           { "Min", min_of }, { "Max", max_of }, { "Mod", mod_of } };
static const content_rule truths[] = { { "Equal", eq_of }, { "Greater", gt_of },     { "GreaterOrEqual", ge_of },
                                       { "Less", lt_of },  { "LessOrEqual", le_of }, { "And", and_of },
                                       { "Or", or_of } };

static void follow(tn_infer *c, const content_rule *rules, size_t n_rules) {
    const content_rule *rule = NULL;
    for (size_t i = 0; i < n_rules && !rule; i++)
        if (!strcmp(c->node->type, rules[i].type)) rule = &rules[i];
    if (!rule || !c->out_content || !c->n_in || !tn_infer_has(c, 0)) return;
    tn_dim v[TN_CONTENT_MAX];
    int n, m;
    const tn_dim *a = operand(c, 0, &n);
    if (!a || n > TN_CONTENT_MAX) return;
    memcpy(v, a, sizeof *v * (size_t)n);
    for (int i = 1; i < c->n_in; i++) {
        const tn_dim *b = tn_infer_has(c, i) ? operand(c, i, &m) : NULL;
        if (!b || m > TN_CONTENT_MAX || (n != m && n != 1 && m != 1)) return;
        int wide = n == 1 ? m : n;
        for (int k = wide - 1; k >= 0; k--) /* backwards: v[0] is read last when it is spread */
            v[k] = rule->fn(c->syms, summand(v[n == 1 ? 0 : k]), summand(b[m == 1 ? 0 : k]), c->node);
        n = wide;
    }
    tn_infer_out_content(c, 0, v, n);
}

static tn_status broadcast_all(tn_infer *c, tn_dtype t) {
    int rank;
    tn_dim dims[TN_MAX_RANK];
    TN_TRY(tn_infer_broadcast(c, 0, c->n_in - 1, &rank, dims));
    tn_infer_out(c, 0, t, rank, dims);
    return TN_OK;
}

tn_status tn_infer_elementwise(tn_infer *c) {
    TN_TRY(broadcast_all(c, tn_infer_dtype(c, 0)));
    if (tn_dtype_is_int(tn_infer_dtype(c, 0))) follow(c, arithmetic, TN_COUNT(arithmetic));
    return TN_OK;
}

tn_status tn_infer_compare(tn_infer *c) {
    TN_TRY(broadcast_all(c, TN_BOOL));
    follow(c, truths, TN_COUNT(truths));
    return TN_OK;
}
