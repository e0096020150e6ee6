/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* upgrade.c - old forms of the operators here as the newest ones: limited broadcasting, 2-D coercion, attributes that
 * became inputs. Source: the operator change log of ONNX (docs/Changelog.md). */
#include "op/math/upgrade.h"
#include <string.h>

static tn_value *rank_of(tn_build *b, tn_value *shape) { return tn_emit(b, "Shape", shape); }

/* v with dimensions of size 1 appended, as many as `count` (of shape [1]) says. */
static tn_value *append_ones(tn_build *b, tn_value *v, tn_value *shape, tn_value *count) {
    return tn_emit(b, "Reshape", v, tn_emit_int(b, "Concat", "axis", 0, shape, tn_build_fill(b, count, TN_I64, 1)));
}

/* v with `count` dimensions of size 1 appended to its known rank. */
static tn_value *append_known(tn_build *b, tn_value *v, int rank, int count) {
    int64_t axes[TN_MAX_RANK];
    for (int i = 0; i < count; i++) axes[i] = rank + i;
    return tn_emit(b, "Unsqueeze", v, tn_build_ints(b, "axes", axes, count));
}

/* "axis" is where B's dimensions begin within A's: B gets trailing dimensions of size 1. Without it suffixes match,
 * which is what broadcasting does now. */
tn_status tn_up_broadcast(tn_build *b) {
    tn_node *n = b->node;
    const tn_attr *a = tn_attr_find(n, "axis");
    bool wanted = tn_attr_int(n, "broadcast", 0) != 0 && a && a->kind == TN_ATTR_INT;
    int64_t axis = wanted ? a->i : 0;
    tn_attr_remove(n, "broadcast");
    tn_attr_remove(n, "axis");
    tn_value *x = n->inputs[0], *y = tn_up_input(n, 1);
    if (!wanted) return TN_OK;
    if (!y) return tn_build_fail(b, TN_E_GRAPH, "the second input is missing");
    int rx = tn_up_rank(x), ry = tn_up_rank(y);
    if (axis < -TN_MAX_RANK || axis >= TN_MAX_RANK) return tn_build_fail(b, TN_E_INVALID, "axis %lld", (long long)axis);
    if (ry >= 0 && (rx >= 0 || axis < 0)) {
        int64_t tail = (axis < 0 ? -axis : rx - axis) - ry;
        if (tail <= 0 || ry == 0) return TN_OK;
        if (tail + ry > TN_MAX_RANK) return tn_build_fail(b, TN_E_SHAPE, "axis %lld", (long long)axis);
        return tn_build_input(b, 1, append_known(b, y, ry, (int)tail));
    }
    tn_value *shape = tn_emit(b, "Shape", y), *zero = tn_build_int(b, "zero", 0), *from;
    if (axis < 0)
        from = tn_build_int(b, "from", -axis);
    else
        from = tn_emit(b, "Sub", rank_of(b, tn_emit(b, "Shape", x)), tn_build_int(b, "axis", axis));
    tn_value *tail = tn_emit(b, "Max", tn_emit(b, "Sub", from, rank_of(b, shape)), zero);
    return tn_build_input(b, 1, append_ones(b, y, shape, tail));
}

/* How many dimensions of size 1 a slope wants behind its own, [1]: to the end of X when it has one, else none. */
static tn_value *slope_tail(tn_build *b, tn_value *x, tn_value *shape) {
    tn_value *rank = rank_of(b, tn_emit(b, "Shape", x)), *zero = tn_build_int(b, "zero", 0);
    tn_value *rest = tn_emit(b, "Sub", rank, tn_build_int(b, "two", 2));
    tn_value *single = tn_emit(b, "Equal", rank_of(b, shape), tn_build_int(b, "one", 1));
    return tn_emit(b, "Where", single, tn_emit(b, "Max", rest, zero), zero);
}

/* A slope of one dimension with more than one element belongs to dimension 1 of X. */
tn_status tn_up_prelu(tn_build *b) {
    tn_node *n = b->node;
    tn_value *x = n->inputs[0], *slope = tn_up_input(n, 1), *fit;
    if (!slope) return tn_build_fail(b, TN_E_GRAPH, "no slope");
    int rx = tn_up_rank(x), rank = tn_up_rank(slope);
    if ((rank >= 0 && rank != 1) || (rank == 1 && slope->type.dims[0] == 1) || (rx >= 0 && rx <= 2)) return b->st;
    if (rx > 0 && rank == 1) {
        fit = append_known(b, slope, 1, rx - 2);
    } else {
        tn_value *shape = tn_emit(b, "Shape", slope);
        fit = append_ones(b, slope, shape, slope_tail(b, x, shape));
    }
    return tn_build_input(b, 1, fit);
}

/* The one dimension that is not 1 among those from `axis` on; the last when all are; -1 when there are several. */
static int only_dim(const tn_type *t, int axis) {
    int found = -1;
    for (int i = axis; i < t->rank; i++) {
        if (t->dims[i] == 1) continue;
        if (found >= 0) return -1;
        found = i;
    }
    return found >= 0 ? found : t->rank - 1;
}

/* Before 13 the input was seen as a matrix, all dimensions from `axis` on being its rows. */
tn_status tn_up_flat_softmax(tn_build *b) {
    tn_node *n = b->node;
    tn_value *x = n->inputs[0];
    int64_t axis = tn_attr_int(n, "axis", 1);
    int rank = tn_up_rank(x);
    if (!n->n_outputs || !n->outputs[0]) return b->st; /* nobody sees the result */
    if (axis == -1) return b->st;                      /* one dimension alone: the same now, whatever the rank */
    if (rank > 0 && axis >= -rank && axis < rank) {
        int at = only_dim(&x->type, (int)(axis < 0 ? axis + rank : axis));
        if (at >= 0) return tn_attr_set_int(n, "axis", at);
    }
    tn_value *shape = tn_emit(b, "Shape", x);
    tn_build_input(b, 0, tn_emit_int(b, "Flatten", "axis", axis, x));
    TN_TRY(tn_attr_set_int(n, "axis", 1));
    tn_node *back = tn_build_behind(b, 0, "Reshape");
    tn_build_attr(b, back, tn_attr_of_int("allowzero", 1));
    return back ? tn_node_set_input(back, 1, shape) : b->st;
}

tn_status tn_up_gemm(tn_build *b) {
    tn_node *n = b->node;
    tn_attr_remove(n, "broadcast");
    return b->st;
}

tn_status tn_up_cast(tn_build *b) {
    tn_node *n = b->node;
    static const struct {
        const char *name;
        int code;
    } names[] = {
        { "FLOAT", 1 },   { "UINT8", 2 },   { "INT8", 3 },    { "UINT16", 4 },     { "INT16", 5 },
        { "INT32", 6 },   { "INT64", 7 },   { "STRING", 8 },  { "BOOL", 9 },       { "FLOAT16", 10 },
        { "DOUBLE", 11 }, { "UINT32", 12 }, { "UINT64", 13 }, { "COMPLEX64", 14 }, { "COMPLEX128", 15 },
    };
    const tn_attr *a = tn_attr_find(n, "to");
    if (!a || a->kind == TN_ATTR_INT) return b->st;
    for (size_t i = 0; i < TN_COUNT(names); i++)
        if (tn_attr_is(n, "to", names[i].name, "")) return tn_attr_set_int(n, "to", names[i].code);
    return tn_up_fail(b, "'to' is not an element type");
}

tn_status tn_up_selu(tn_build *b) {
    tn_node *n = b->node;
    if (!tn_attr_find(n, "alpha")) TN_TRY(tn_attr_set_float(n, "alpha", 1.6732f));
    return tn_attr_find(n, "gamma") ? TN_OK : tn_attr_set_float(n, "gamma", 1.0507f);
}

/* y = alpha * x + beta */
tn_status tn_up_affine(tn_build *b) {
    tn_node *n = b->node;
    tn_value *beta = tn_build_like(b, "beta", tn_attr_float(n, "beta", 0), n->inputs[0]);
    return tn_up_scale_and_add(b, tn_attr_float(n, "alpha", 1), beta);
}

/* y = alpha * tanh(beta * x) */
tn_status tn_up_scaled_tanh(tn_build *b) {
    tn_node *n = b->node;
    tn_value *x = n->inputs[0];
    tn_value *alpha = tn_build_like(b, "alpha", tn_attr_float(n, "alpha", 1), x);
    tn_value *beta = tn_build_like(b, "beta", tn_attr_float(n, "beta", 1), x);
    tn_value *t = tn_emit(b, "Tanh", tn_emit(b, "Mul", x, beta));
    tn_up_retype(n, "Mul");
    n->n_attrs = 0;
    tn_build_input(b, 0, t);
    return tn_build_input(b, 1, alpha);
}

tn_status tn_up_clip(tn_build *b) {
    tn_node *n = b->node;
    static const char *const names[] = { "min", "max" };
    for (int i = 0; i < 2; i++) {
        const tn_attr *a = tn_attr_find(n, names[i]);
        if (!a) continue;
        if (a->kind != TN_ATTR_FLOAT) return tn_build_fail(b, TN_E_GRAPH, "'%s' is not a number", names[i]);
        float v = a->f;
        tn_attr_remove(n, names[i]);
        /* The defaults, the largest floats: no bound. */
        if (i ? v >= 3.4028234e38f : v <= -3.4028234e38f) continue;
        tn_value *c = tn_build_like(b, names[i], v, n->inputs[0]);
        tn_build_input(b, 1 + i, c);
    }
    return b->st;
}

tn_status tn_up_top_k(tn_build *b) {
    tn_node *n = b->node;
    const tn_attr *a = tn_attr_find(n, "k");
    if (!a || a->kind != TN_ATTR_INT) return tn_build_fail(b, TN_E_GRAPH, "no k");
    tn_value *k = tn_build_int(b, "k", a->i);
    tn_attr_remove(n, "k");
    return tn_build_input(b, 1, k);
}

/* Inference only: the ratio says nothing. The mask had the data's type before opset 10. */
tn_status tn_up_dropout(tn_build *b) {
    tn_node *n = b->node;
    tn_attr_remove(n, "ratio");
    tn_attr_remove(n, "is_test");
    if (!tn_up_wants(n, 1)) tn_up_drop_outputs(n, 1);
    if (n->n_outputs < 2 || n->version >= 10) return b->st;
    tn_node *cast = tn_build_behind(b, 1, "CastLike");
    return cast ? tn_node_set_input(cast, 1, n->inputs[0]) : b->st;
}
