/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* upgrade_forms.c - old forms whose meaning changed: limited broadcasting, 2-D coercion, batched Scan, and others.
 */
#include "format/onnx/upgrade.h"
#include "graph/internal.h"
#include <math.h>

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

/* How many rows v has for each head, [1]: its last dimension but one. */
static tn_value *rows_of(tn_node *n, tn_value *v) {
    tn_value *at = tn_up_int(n, "rows", -2);
    return at ? tn_up_emit(n, "Gather", tn_up_emit(n, "Shape", v, NULL, NULL), at, NULL) : NULL;
}

/* A mask with one column was for all keys. Since 24 a mask with fewer columns than keys hides the rest. */
tn_status tn_up_attention(tn_node *n) {
    enum { K = 1, MASK = 3, PAST_K = 4 };
    tn_value *k = tn_up_input(n, K), *mask = tn_up_input(n, MASK), *past = tn_up_input(n, PAST_K);
    int rank = mask ? tn_up_rank(mask) : -1;
    tn_dim last = rank > 0 ? mask->type.dims[rank - 1] : TN_DIM_UNKNOWN;
    if (!k || !mask || rank == 0 || (tn_dim_known(last) && last != 1)) return TN_OK;
    tn_value *keys = rows_of(n, k), *cached = past ? rows_of(n, past) : NULL;
    TN_UP_ROOM(keys && (!past || cached));
    if (past) keys = tn_up_emit(n, "Add", keys, cached, NULL);
    tn_value *whole = keys ? tn_up_emit(n, "Expand", mask, keys, NULL) : NULL;
    TN_UP_ROOM(whole);
    return tn_node_set_input(n, MASK, whole);
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

/* ------------------------------------------------------------------------------------------------------- Softmax */

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

/* ------------------------------------------------------------------------------------------------- small changes */

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

/* p was any number. Of a fraction: (sum |x|^p)^(1/p), the sum being a norm with p = 1. */
tn_status tn_up_lp(tn_node *n) {
    const tn_attr *a = tn_attr_find(n, "p");
    if (!a || a->kind != TN_ATTR_FLOAT) return TN_OK;
    float p = a->f;
    if (p >= 1 && p <= 1000 && p == (float)(int)p) return tn_attr_set_int(n, "p", (int64_t)p);
    if (!(p > 0 && p < INFINITY))
        return tn_fail(TN_E_INVALID, "%s: p is %g, which makes no norm", tn_node_where(n), (double)p);
    tn_value *x = n->inputs[0], *by = tn_up_scalar_like(n, "p", p, x), *inner, *root;
    TN_UP_ROOM(by);
    tn_value *power = tn_up_emit(n, "Pow", tn_up_emit(n, "Abs", x, NULL, NULL), by, NULL);
    TN_UP_ROOM(power);
    TN_TRY(tn_node_set_input(n, 0, power));
    TN_TRY(tn_attr_set_int(n, "p", 1));
    if (!n->n_outputs || !n->outputs[0]) return TN_OK; /* nobody sees the result */
    root = tn_up_emit(n, "Reciprocal", by, NULL, NULL);
    tn_node *pow = tn_up_after(n, 0, "Pow", &inner);
    TN_UP_ROOM(root && pow);
    return tn_node_set_input(pow, 1, root);
}

tn_status tn_up_concat(tn_node *n) { return tn_attr_find(n, "axis") ? TN_OK : tn_attr_set_int(n, "axis", 1); }

tn_status tn_up_selu(tn_node *n) {
    if (!tn_attr_find(n, "alpha")) TN_TRY(tn_attr_set_float(n, "alpha", 1.6732f));
    return tn_attr_find(n, "gamma") ? TN_OK : tn_attr_set_float(n, "gamma", 1.0507f);
}

tn_status tn_up_scatter(tn_node *n) {
    tn_up_retype(n, "ScatterElements");
    return TN_OK;
}

tn_status tn_up_rnn(tn_node *n) {
    tn_attr_remove(n, "output_sequence");
    return tn_attr_is(n, "direction", "foward", "") ? tn_attr_set_string(n, "direction", "forward") : TN_OK;
}

tn_status tn_up_grid_sample(tn_node *n) {
    if (tn_attr_is(n, "mode", "bilinear", "")) return tn_attr_set_string(n, "mode", "linear");
    if (tn_attr_is(n, "mode", "bicubic", "")) return tn_attr_set_string(n, "mode", "cubic");
    return TN_OK;
}

tn_status tn_up_roi_align(tn_node *n) {
    return tn_attr_set_string(n, "coordinate_transformation_mode", "output_half_pixel");
}

/* Whether no index, cut to an integer, can be below 0. */
static bool never_negative(const tn_value *v) {
    tn_dtype t = tn_up_dtype(v);
    const tn_tensor *c = v->constant;
    if (tn_dtype_is_int(t) && !tn_dtype_is_signed(t)) return true;
    if (v->producer && (!strcmp(v->producer->type, "ArgMax") || !strcmp(v->producer->type, "ArgMin"))) return true;
    for (int64_t i = 0; c && i < tn_count(c); i++)
        if (!(tn_get_f64(c->dtype, c->data, i) > -1)) return false;
    return c != NULL;
}

/* Indices below 0 were outside, like those from the depth on. Since 11 they count from the end, so here they become one
 * that is too far from there. */
tn_status tn_up_one_hot(tn_node *n) {
    tn_value *at = n->inputs[0];
    if (never_negative(at)) return TN_OK;
    tn_value *zero = tn_up_long(n, "zero", 0), *least = tn_up_long(n, "outside", INT64_MIN / 2);
    TN_UP_ROOM(zero && least);
    if (tn_up_dtype(at) != TN_I64) at = tn_up_emit(n, "CastLike", at, zero, NULL);
    tn_value *below = tn_up_emit(n, "Less", at, zero, NULL);
    at = below ? tn_up_emit(n, "Where", below, least, at) : NULL;
    TN_UP_ROOM(at);
    return tn_node_set_input(n, 0, at);
}

/* ------------------------------------------------------------------------------------------------- normalisation */

/* spatial=0: mean and variance belong to every element of a sample, so broadcasting arithmetic says it all. */
static tn_status elementwise_norm(tn_node *n) {
    tn_value **in = n->inputs;
    tn_value *eps = tn_up_scalar_like(n, "epsilon", tn_attr_float(n, "epsilon", 1e-5f), in[0]);
    TN_UP_ROOM(eps);
    tn_value *deviation = tn_up_emit(n, "Sqrt", tn_up_emit(n, "Add", in[4], eps, NULL), NULL, NULL);
    TN_UP_ROOM(deviation);
    tn_value *unit = tn_up_emit(n, "Div", tn_up_emit(n, "Sub", in[0], in[3], NULL), deviation, NULL);
    tn_value *scaled = tn_up_emit(n, "Mul", unit, in[1], NULL), *bias = in[2];
    TN_UP_ROOM(scaled);
    tn_up_retype(n, "Add");
    n->n_attrs = 0;
    TN_TRY(tn_node_set_input(n, 0, scaled));
    TN_TRY(tn_node_set_input(n, 1, bias));
    for (int i = 2; i < n->n_inputs; i++) TN_TRY(tn_node_set_input(n, i, NULL));
    n->n_inputs = 2;
    return TN_OK;
}

/* Output i of n is `shape`d like v from now on: a reshaping stands between it and its users. */
static tn_status reshaped(tn_node *n, int i, tn_value *shape) {
    tn_value *inner;
    if (i >= n->n_outputs || !n->outputs[i]) return TN_OK;
    tn_node *back = tn_up_after(n, i, "Reshape", &inner);
    TN_UP_ROOM(back);
    TN_TRY(tn_attr_set_int(back, "allowzero", 1));
    return tn_node_set_input(back, 1, shape);
}

/* Statistics of every element of a sample, over the batch: those of a matrix [N, C * D1 * .. * Dn], whose columns are
 * channels. */
static tn_status flat_norm(tn_node *n) {
    tn_value *shape = tn_up_emit(n, "Shape", n->inputs[0], NULL, NULL), *flat = tn_up_int(n, "flat", -1);
    tn_value *x = tn_up_emit(n, "Flatten", n->inputs[0], NULL, NULL), *like = NULL;
    TN_UP_ROOM(shape && flat && x);
    for (int i = 1; i < 5; i++) {
        if (i == 3) like = tn_up_emit(n, "Shape", n->inputs[3], NULL, NULL);
        tn_value *v = tn_up_emit(n, "Reshape", n->inputs[i], flat, NULL);
        TN_UP_ROOM(v && (i < 3 || like));
        TN_TRY(tn_node_set_input(n, i, v));
    }
    TN_TRY(tn_node_set_input(n, 0, x));
    for (int i = 0; i < 5; i++) TN_TRY(reshaped(n, i, i ? like : shape));
    return TN_OK;
}

/* The mean and variance of the batch itself: with a momentum of 0 they are what newer versions give as the running
 * ones, and those are blended here. */
static tn_status saved_statistics(tn_node *n) {
    float momentum = tn_attr_float(n, "momentum", 0.9f);
    tn_value *saved[2];
    for (int i = 0; i < 2; i++) { /* [1 + i]: running; [3 + i]: saved */
        tn_value *running = n->outputs[1 + i], *out = n->n_outputs > 3 + i ? n->outputs[3 + i] : NULL;
        saved[i] = tn_value_new(n->graph, out ? out->name : "saved");
        TN_UP_ROOM(saved[i]);
        TN_TRY(tn_node_set_output(n, 1 + i, saved[i]));
        tn_node *after = n->next;
        if (out) {
            TN_TRY(tn_node_set_output(n, 3 + i, NULL));
            tn_node *copy = tn_node_new(n->graph, after, "", "Identity", &saved[i], 1, 0);
            TN_UP_ROOM(copy);
            TN_TRY(tn_node_set_output(copy, 0, out));
            copy->version = TN_ONNX_OPSET_MAX;
        }
        if (!running) continue;
        tn_value *old = tn_up_scalar_like(n, "momentum", momentum, n->inputs[3 + i]),
                 *one = tn_up_scalar_like(n, "one", 1, n->inputs[3 + i]);
        tn_value *rest = old && one ? tn_up_emit(n, "Sub", one, old, NULL) : NULL;
        tn_value *kept = old ? tn_up_emit(n, "Mul", n->inputs[3 + i], old, NULL) : NULL;
        TN_UP_ROOM(rest && kept);
        tn_node *now = tn_node_new(n->graph, after, "", "Mul", (tn_value *[]){ saved[i], rest }, 2, 1);
        TN_UP_ROOM(now);
        tn_node *sum = tn_node_new(n->graph, after, "", "Add", (tn_value *[]){ kept, now->outputs[0] }, 2, 0);
        TN_UP_ROOM(sum);
        TN_TRY(tn_node_set_output(sum, 0, running));
        now->version = sum->version = TN_ONNX_OPSET_MAX;
    }
    n->n_outputs = 3;
    return tn_attr_set_float(n, "momentum", 0);
}

/* The outputs listed said whether this was training; versions 1 and 6 had a word for it, too. */
tn_status tn_up_batch_norm(tn_node *n) {
    bool spatial = tn_attr_int(n, "spatial", 1) != 0, test = tn_attr_int(n, "is_test", 0) != 0;
    bool training = false, saved = false, wanted = false;
    for (int i = 1; i < n->n_outputs; i++) {
        training |= n->outputs[i] && !test;
        saved |= i > 2 && tn_up_wants(n, i);
        wanted |= tn_up_wants(n, i);
    }
    tn_attr_remove(n, "spatial");
    tn_attr_remove(n, "is_test");
    if (test && wanted) return tn_fail(TN_E_GRAPH, "%s: statistics are wanted, but is_test", tn_node_where(n));
    tn_up_drop_outputs(n, !training ? 1 : saved ? 5 : 3);
    for (int i = 0; i < 5; i++)
        if (!tn_up_input(n, i)) return tn_fail(TN_E_GRAPH, "%s: input %d is missing", tn_node_where(n), i);
    if (!training) return spatial ? TN_OK : elementwise_norm(n);
    if (!spatial) TN_TRY(flat_norm(n));
    TN_TRY(tn_attr_set_int(n, "training_mode", 1));
    return saved ? saved_statistics(n) : TN_OK;
}

/* Scale and bias were given per group; now per channel: each is repeated C / groups times. */
tn_status tn_up_group_norm(tn_node *n) {
    int64_t groups = tn_attr_int(n, "num_groups", 0);
    if (groups < 1) return tn_fail(TN_E_GRAPH, "%s: num_groups %lld", tn_node_where(n), (long long)groups);
    tn_value *channels = tn_up_emit(n, "Shape", n->inputs[0], NULL, NULL), *count = tn_up_int(n, "groups", groups);
    TN_UP_ROOM(channels && count);
    TN_TRY(tn_attr_set_int(channels->producer, "start", 1));
    TN_TRY(tn_attr_set_int(channels->producer, "end", 2));
    tn_value *shape = tn_up_emit(n, "Concat", count, tn_up_emit(n, "Div", channels, count, NULL), NULL);
    tn_value *column = tn_up_ints(n, "column", (int64_t[]){ groups, 1 }, 2), *flat = tn_up_int(n, "flat", -1);
    TN_UP_ROOM(shape && shape->producer->n_inputs == 2 && column && flat);
    TN_TRY(tn_attr_set_int(shape->producer, "axis", 0));
    for (int i = 1; i <= 2; i++) {
        tn_value *v = tn_up_input(n, i);
        if (!v) return tn_fail(TN_E_GRAPH, "%s: input %d is missing", tn_node_where(n), i);
        v = tn_up_emit(n, "Expand", tn_up_emit(n, "Reshape", v, column, NULL), shape, NULL);
        v = tn_up_emit(n, "Reshape", v, flat, NULL);
        TN_UP_ROOM(v);
        TN_TRY(tn_node_set_input(n, i, v));
    }
    return TN_OK;
}

/* ---------------------------------------------------------------------------------------- experimental operators */

/* Of images [N, C, H, W], across the channels too or not; the variance was left alone on demand. What `across_channels`
 * takes together is what onnxruntime does. */
tn_status tn_up_mean_variance(tn_node *n) {
    static const int64_t axes[] = { 0, 2, 3, 1 };
    int count = tn_attr_int(n, "across_channels", 0) != 0 ? 4 : 3;
    bool scaled = tn_attr_int(n, "normalize_variance", 1) != 0;
    tn_attr_remove(n, "across_channels");
    tn_attr_remove(n, "normalize_variance");
    if (scaled) return count == 4 ? tn_attr_set_ints(n, "axes", axes, count) : TN_OK;
    tn_value *c = tn_up_ints(n, "axes", axes, count),
             *mean = c ? tn_up_emit(n, "ReduceMean", n->inputs[0], c, NULL) : NULL;
    TN_UP_ROOM(mean);
    tn_up_retype(n, "Sub");
    n->n_attrs = 0;
    return tn_node_set_input(n, 1, mean);
}

static tn_status scale_and_add(tn_node *n, float scale, tn_value *bias) {
    tn_value *s = tn_up_scalar_like(n, "scale", scale, n->inputs[0]);
    tn_value *scaled = s ? tn_up_emit(n, "Mul", n->inputs[0], s, NULL) : NULL;
    TN_UP_ROOM(scaled && bias);
    tn_up_retype(n, "Add");
    n->n_attrs = 0;
    TN_TRY(tn_node_set_input(n, 0, scaled));
    return tn_node_set_input(n, 1, bias);
}

/* y = scale * x + bias[c] */
tn_status tn_up_image_scaler(tn_node *n) {
    int count;
    const float *bias = tn_attr_floats(n, "bias", &count);
    tn_tensor t = { 0 };
    TN_TRY(tn_tensor_init(&t, TN_F32, 3, (int64_t[]){ count, 1, 1 }, TN_MEM_GRAPH));
    if (count) memcpy(t.data, bias, sizeof *bias * (size_t)count);
    tn_value *b = tn_value_constant(n->graph, "bias", &t);
    tn_tensor_reset(&t);
    return scale_and_add(n, tn_attr_float(n, "scale", 1), b);
}

/* y = alpha * x + beta */
tn_status tn_up_affine(tn_node *n) {
    tn_value *beta = tn_up_scalar_like(n, "beta", tn_attr_float(n, "beta", 0), n->inputs[0]);
    return scale_and_add(n, tn_attr_float(n, "alpha", 1), beta);
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

/* ---------------------------------------------------------------------------------------------------------- Scan */

static tn_status deepen(tn_graph *g) {
    if (++g->depth > TN_MAX_DEPTH) return tn_fail(TN_E_LIMIT, "graphs are nested deeper than %d", TN_MAX_DEPTH);
    tn_graph_each(g, n) tn_node_each_graph(n, sub) TN_TRY(deepen(sub));
    return TN_OK;
}

/* Sequences of different lengths: the inner Scan (of `states` states) sees the first `len` steps of its inputs, and
 * what it gathers is filled up with zeros. */
static tn_status shorten(tn_node *inner, int states, tn_value *len) {
    tn_graph *g = inner->graph;
    tn_value *zero = tn_up_int(inner, "zero", 0),
             *shape = tn_up_emit(inner, "Shape", inner->inputs[states], NULL, NULL);
    TN_UP_ROOM(zero && shape);
    TN_TRY(tn_attr_set_int(tn_up_last(shape), "end", 1));
    tn_value *n = tn_up_emit(inner, "Reshape", len, tn_up_int(inner, "one", 1), NULL);
    tn_value *rest = tn_up_emit(inner, "Sub", shape, n, NULL), *pads = tn_up_emit(inner, "Concat", zero, rest, NULL);
    TN_UP_ROOM(n && rest && pads);
    TN_TRY(tn_attr_set_int(tn_up_last(pads), "axis", 0));
    for (int i = states; i < inner->n_inputs; i++) {
        tn_value *first = tn_up_emit(inner, "Slice", inner->inputs[i], zero, n);
        TN_UP_ROOM(first);
        TN_TRY(tn_node_set_input(inner, i, first));
    }
    for (int i = 0; i < inner->n_outputs; i++) {
        tn_node *pad = NULL;
        if (i >= states) {
            pad = tn_node_new(g, NULL, "", "Pad", (tn_value *[]){ inner->outputs[i], pads, NULL, zero }, 4, 1);
            TN_UP_ROOM(pad);
            pad->version = TN_ONNX_OPSET_MAX;
        }
        TN_TRY(tn_graph_add_output(g, pad ? pad->outputs[0] : inner->outputs[i]));
    }
    return TN_OK;
}

/* The graph that is run once per sample: an inner Scan over the sequence with the old body; its last input is the
 * sequence's length when `lengths`. */
static tn_status build_sample(tn_node *n, tn_graph *sample, tn_graph *body, int n_in, bool lengths) {
    tn_value **in = tn_arena_array(n->graph->model->arena, tn_value *, (size_t)n_in + 1);
    TN_UP_ROOM(in);
    for (int i = 0; i < n_in; i++) {
        in[i] = tn_value_input(sample, "sample", NULL);
        TN_UP_ROOM(in[i]);
    }
    tn_node *inner = tn_node_new(sample, NULL, "", "Scan", in, n_in, n->n_outputs);
    TN_UP_ROOM(inner);
    inner->version = TN_ONNX_OPSET_MAX;
    body->parent = sample;
    TN_TRY(deepen(body));
    tn_attr a = { .name = "body", .kind = TN_ATTR_GRAPH, .graph = body };
    TN_TRY(tn_attr_set(inner, &a));
    TN_TRY(tn_attr_set_int(inner, "num_scan_inputs", tn_attr_int(n, "num_scan_inputs", 0)));
    int count;
    const int64_t *directions = tn_attr_ints(n, "directions", &count);
    if (count) TN_TRY(tn_attr_set_ints(inner, "scan_input_directions", directions, count));
    if (lengths) {
        int64_t scanned = tn_attr_int(n, "num_scan_inputs", 0);
        tn_value *len = tn_value_input(sample, "length", NULL);
        TN_UP_ROOM(len);
        if (scanned < 1 || scanned > n_in) return tn_up_fail(n, "num_scan_inputs does not fit its inputs");
        return shorten(inner, n_in - (int)scanned, len);
    }
    for (int i = 0; i < inner->n_outputs; i++) TN_TRY(tn_graph_add_output(sample, inner->outputs[i]));
    return TN_OK;
}

/* Scan-8 ran its body for every sample of a batch (dimension 0) and every step of a sequence (dimension 1). That is a
 * Scan over the batch around a Scan over the sequence. */
tn_status tn_up_scan_8(tn_node *n) {
    tn_value *lengths = tn_up_input(n, 0);
    int n_in = n->n_inputs - 1, at = 0;
    while (at < n->n_attrs && (strcmp(n->attrs[at].name, "body") || n->attrs[at].kind != TN_ATTR_GRAPH)) at++;
    if (at == n->n_attrs || n_in < 1) return tn_fail(TN_E_GRAPH, "%s: no body or no inputs", tn_node_where(n));
    tn_graph *body = n->attrs[at].graph;
    tn_graph *sample = tn_graph_new(n->graph->model, n->graph, "sample");
    if (!sample) return TN_E_LIMIT;
    TN_TRY(build_sample(n, sample, body, n_in, lengths));
    n->attrs[at].graph = sample; /* not through tn_attr_set: the old body is still in use */
    sample->parent_node = n;
    for (int i = 0; i < n_in; i++) TN_TRY(tn_node_set_input(n, i, n->inputs[i + 1]));
    TN_TRY(tn_node_set_input(n, n_in, lengths));
    n->n_inputs = n_in + (lengths != NULL);
    tn_attr_remove(n, "directions");
    return tn_attr_set_int(n, "num_scan_inputs", n->n_inputs);
}
