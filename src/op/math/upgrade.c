/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* upgrade.c - old forms of the operators here as the newest ones: limited broadcasting, 2-D coercion, attributes that
 * became inputs. Source: the operator change log of ONNX (docs/Changelog.md). */
#include "op/math/upgrade.h"
#include <string.h>

/* A 1-D int64 of `count` ones, count being a value of shape [1]. */
static tn_value *ones(tn_node *n, tn_value *count) {
    tn_value *v = tn_up_emit(n, "ConstantOfShape", count, NULL, NULL);
    tn_tensor *one = v ? tn_model_tensor(n->graph->model) : NULL;
    if (!one || tn_tensor_init(one, TN_I64, 1, (int64_t[]){ 1 }, TN_MEM_GRAPH) != TN_OK) return NULL;
    memcpy(one->data, &(int64_t){ 1 }, sizeof(int64_t));
    tn_attr a = { .name = "value", .kind = TN_ATTR_TENSOR, .tensor = one };
    return tn_attr_set(v->producer, &a) == TN_OK ? v : NULL;
}

static tn_value *rank_of(tn_node *n, tn_value *shape) { return tn_up_emit(n, "Shape", shape, NULL, NULL); }

/* v with dimensions of size 1 appended, as many as `count` (of shape [1]) says. */
static tn_value *append_ones(tn_node *n, tn_value *v, tn_value *shape, tn_value *count) {
    tn_value *tail = ones(n, count);
    tn_value *wide = tail ? tn_up_emit(n, "Concat", shape, tail, NULL) : NULL;
    if (!wide || tn_attr_set_int(wide->producer, "axis", 0) != TN_OK) return NULL;
    return tn_up_emit(n, "Reshape", v, wide, NULL);
}

/* v with `count` dimensions of size 1 appended to its known rank. */
static tn_value *append_known(tn_node *n, tn_value *v, int rank, int count) {
    int64_t axes[TN_MAX_RANK];
    for (int i = 0; i < count; i++) axes[i] = rank + i;
    tn_value *c = tn_up_ints(n, "axes", axes, count);
    return c ? tn_up_emit(n, "Unsqueeze", v, c, NULL) : NULL;
}

/* "axis" is where B's dimensions begin within A's: B gets trailing dimensions of size 1. Without it suffixes match,
 * which is what broadcasting does now. */
tn_status tn_up_broadcast(tn_node *n) {
    const tn_attr *a = tn_attr_find(n, "axis");
    bool wanted = tn_attr_int(n, "broadcast", 0) != 0 && a && a->kind == TN_ATTR_INT;
    int64_t axis = wanted ? a->i : 0;
    tn_attr_remove(n, "broadcast");
    tn_attr_remove(n, "axis");
    tn_value *x = n->inputs[0], *b = tn_up_input(n, 1);
    if (!wanted) return TN_OK;
    if (!b) return tn_fail(TN_E_GRAPH, "%s: the second input is missing", tn_node_where(n));
    int rx = tn_up_rank(x), rb = tn_up_rank(b);
    if (axis < -TN_MAX_RANK || axis >= TN_MAX_RANK)
        return tn_fail(TN_E_INVALID, "%s: axis %lld", tn_node_where(n), (long long)axis);
    tn_value *fit;
    if (rb >= 0 && (rx >= 0 || axis < 0)) {
        int64_t tail = (axis < 0 ? -axis : rx - axis) - rb;
        if (tail <= 0 || rb == 0) return TN_OK;
        if (tail + rb > TN_MAX_RANK) return tn_fail(TN_E_SHAPE, "%s: axis %lld", tn_node_where(n), (long long)axis);
        fit = append_known(n, b, rb, (int)tail);
    } else {
        tn_value *shape_b = tn_up_emit(n, "Shape", b, NULL, NULL), *from;
        if (axis < 0) {
            from = tn_up_int(n, "from", -axis);
        } else {
            tn_value *rank = rank_of(n, tn_up_emit(n, "Shape", x, NULL, NULL)), *at = tn_up_int(n, "axis", axis);
            from = at ? tn_up_emit(n, "Sub", rank, at, NULL) : NULL;
        }
        tn_value *rank_b = rank_of(n, shape_b), *zero = tn_up_int(n, "zero", 0);
        TN_UP_ROOM(shape_b && from && rank_b && zero);
        tn_value *tail = tn_up_emit(n, "Max", tn_up_emit(n, "Sub", from, rank_b, NULL), zero, NULL);
        fit = tail ? append_ones(n, b, shape_b, tail) : NULL;
    }
    TN_UP_ROOM(fit);
    return tn_node_set_input(n, 1, fit);
}

/* How many dimensions of size 1 a slope wants behind its own, [1]: to the end of X when it has one, else none. */
static tn_value *slope_tail(tn_node *n, tn_value *x, tn_value *shape) {
    tn_value *rank = rank_of(n, tn_up_emit(n, "Shape", x, NULL, NULL)), *two = tn_up_int(n, "two", 2);
    tn_value *zero = tn_up_int(n, "zero", 0), *one = tn_up_int(n, "one", 1), *own = rank_of(n, shape);
    tn_value *rest = rank && two ? tn_up_emit(n, "Sub", rank, two, NULL) : NULL;
    tn_value *single = own && one ? tn_up_emit(n, "Equal", own, one, NULL) : NULL;
    if (!rest || !zero || !single) return NULL;
    return tn_up_emit(n, "Where", single, tn_up_emit(n, "Max", rest, zero, NULL), zero);
}

/* A slope of one dimension with more than one element belongs to dimension 1 of X. */
tn_status tn_up_prelu(tn_node *n) {
    tn_value *x = n->inputs[0], *slope = tn_up_input(n, 1), *fit;
    if (!slope) return tn_fail(TN_E_GRAPH, "%s: no slope", tn_node_where(n));
    int rx = tn_up_rank(x), rank = tn_up_rank(slope);
    if ((rank >= 0 && rank != 1) || (rank == 1 && slope->type.dims[0] == 1) || (rx >= 0 && rx <= 2)) return TN_OK;
    if (rx > 0 && rank == 1) {
        fit = append_known(n, slope, 1, rx - 2);
    } else {
        tn_value *shape = tn_up_emit(n, "Shape", slope, NULL, NULL), *tail = shape ? slope_tail(n, x, shape) : NULL;
        fit = tail ? append_ones(n, slope, shape, tail) : NULL;
    }
    TN_UP_ROOM(fit);
    return tn_node_set_input(n, 1, fit);
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
tn_status tn_up_flat_softmax(tn_node *n) {
    tn_value *x = n->inputs[0], *inner;
    int64_t axis = tn_attr_int(n, "axis", 1);
    int rank = tn_up_rank(x);
    if (!n->n_outputs || !n->outputs[0]) return TN_OK; /* nobody sees the result */
    if (axis == -1) return TN_OK;                      /* one dimension alone: the same now, whatever the rank */
    if (rank > 0 && axis >= -rank && axis < rank) {
        int at = only_dim(&x->type, (int)(axis < 0 ? axis + rank : axis));
        if (at >= 0) return tn_attr_set_int(n, "axis", at);
    }
    tn_value *shape = tn_up_emit(n, "Shape", x, NULL, NULL), *flat = tn_up_emit(n, "Flatten", x, NULL, NULL);
    TN_UP_ROOM(shape && flat);
    TN_TRY(tn_attr_set_int(flat->producer, "axis", axis));
    TN_TRY(tn_node_set_input(n, 0, flat));
    TN_TRY(tn_attr_set_int(n, "axis", 1));
    tn_node *back = tn_up_after(n, 0, "Reshape", &inner);
    TN_UP_ROOM(back);
    TN_TRY(tn_attr_set_int(back, "allowzero", 1));
    return tn_node_set_input(back, 1, shape);
}

tn_status tn_up_gemm(tn_node *n) {
    tn_attr_remove(n, "broadcast");
    return TN_OK;
}

tn_status tn_up_cast(tn_node *n) {
    static const struct {
        const char *name;
        int code;
    } names[] = {
        { "FLOAT", 1 },   { "UINT8", 2 },   { "INT8", 3 },    { "UINT16", 4 },     { "INT16", 5 },
        { "INT32", 6 },   { "INT64", 7 },   { "STRING", 8 },  { "BOOL", 9 },       { "FLOAT16", 10 },
        { "DOUBLE", 11 }, { "UINT32", 12 }, { "UINT64", 13 }, { "COMPLEX64", 14 }, { "COMPLEX128", 15 },
    };
    const tn_attr *a = tn_attr_find(n, "to");
    if (!a || a->kind == TN_ATTR_INT) return TN_OK;
    for (size_t i = 0; i < TN_COUNT(names); i++)
        if (tn_attr_is(n, "to", names[i].name, "")) return tn_attr_set_int(n, "to", names[i].code);
    return tn_up_fail(n, "'to' is not an element type");
}

tn_status tn_up_selu(tn_node *n) {
    if (!tn_attr_find(n, "alpha")) TN_TRY(tn_attr_set_float(n, "alpha", 1.6732f));
    return tn_attr_find(n, "gamma") ? TN_OK : tn_attr_set_float(n, "gamma", 1.0507f);
}

/* y = alpha * x + beta */
tn_status tn_up_affine(tn_node *n) {
    tn_value *beta = tn_up_scalar_like(n, "beta", tn_attr_float(n, "beta", 0), n->inputs[0]);
    return tn_up_scale_and_add(n, tn_attr_float(n, "alpha", 1), beta);
}

/* y = alpha * tanh(beta * x) */
tn_status tn_up_scaled_tanh(tn_node *n) {
    tn_value *x = n->inputs[0];
    tn_value *alpha = tn_up_scalar_like(n, "alpha", tn_attr_float(n, "alpha", 1), x);
    tn_value *beta = tn_up_scalar_like(n, "beta", tn_attr_float(n, "beta", 1), x);
    TN_UP_ROOM(alpha && beta);
    tn_value *t = tn_up_emit(n, "Tanh", tn_up_emit(n, "Mul", x, beta, NULL), NULL, NULL);
    TN_UP_ROOM(t);
    tn_up_retype(n, "Mul");
    n->n_attrs = 0;
    TN_TRY(tn_node_set_input(n, 0, t));
    return tn_node_set_input(n, 1, alpha);
}

tn_status tn_up_clip(tn_node *n) {
    static const char *const names[] = { "min", "max" };
    for (int i = 0; i < 2; i++) {
        const tn_attr *a = tn_attr_find(n, names[i]);
        if (!a) continue;
        if (a->kind != TN_ATTR_FLOAT)
            return tn_fail(TN_E_GRAPH, "%s: '%s' is not a number", tn_node_where(n), names[i]);
        float v = a->f;
        tn_attr_remove(n, names[i]);
        /* The defaults, the largest floats: no bound. */
        if (i ? v >= 3.4028234e38f : v <= -3.4028234e38f) continue;
        tn_value *c = tn_up_scalar_like(n, names[i], v, n->inputs[0]);
        TN_UP_ROOM(c);
        TN_TRY(tn_node_set_input(n, 1 + i, c));
    }
    return TN_OK;
}

tn_status tn_up_top_k(tn_node *n) {
    const tn_attr *a = tn_attr_find(n, "k");
    if (!a || a->kind != TN_ATTR_INT) return tn_fail(TN_E_GRAPH, "%s: no k", tn_node_where(n));
    tn_value *k = tn_up_int(n, "k", a->i);
    TN_UP_ROOM(k);
    tn_attr_remove(n, "k");
    return tn_node_set_input(n, 1, k);
}

/* Inference only: the ratio says nothing. The mask had the data's type before opset 10. */
tn_status tn_up_dropout(tn_node *n) {
    tn_attr_remove(n, "ratio");
    tn_attr_remove(n, "is_test");
    if (!tn_up_wants(n, 1)) tn_up_drop_outputs(n, 1);
    if (n->n_outputs < 2 || n->version >= 10) return TN_OK;
    tn_value *inner;
    tn_node *cast = tn_up_after(n, 1, "CastLike", &inner);
    TN_UP_ROOM(cast);
    return tn_node_set_input(cast, 1, n->inputs[0]);
}
