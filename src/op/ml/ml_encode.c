/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* ml_encode.c - LabelEncoder, CategoryMapper, OneHotEncoder: values looked up among keys of any type. */
#include "base/budget.h"
#include "base/sort.h"
#include "op/core/grad.h"
#include "op/core/support.h"
#include "op/ml/ml.h"
#include <math.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------------- keys and values */

/* What a table says on one side: one of the four has something. */
typedef struct {
    tn_strings strings;
    tn_ints int64s;
    tn_floats floats;
    const tn_tensor *tensor;
} table_side;

/* Of all rows; what one does not have is 0. */
typedef struct {
    table_side keys, values;
    tn_strings classes_strings; /* of LabelEncoder's first form */
    table_side cats;            /* of the other two: strings, int64s */
    const tn_tensor *default_tensor;
    int64_t default_int64;
    float default_float;
    tn_string default_string;
    bool zeros;
} settings;

enum { LABELS, CATEGORIES };

/* Lists seen as tensors of one dimension; dtype NONE: nothing is there. The memory is the attribute's. */
static tn_tensor list_of(tn_dtype t, const void *v, size_t n) {
    return (tn_tensor){ .dtype = n ? t : TN_NONE, .rank = 1, .dims = { (int64_t)n }, .data = (void *)(uintptr_t)v };
}
static tn_tensor strings_of(tn_strings s) { return list_of(TN_STRING, s.v, s.n); }
static tn_tensor ints_of(tn_ints s) { return list_of(TN_I64, s.v, s.n); }
static tn_tensor flat(const tn_tensor *t) {
    return t ? list_of(t->dtype, t->data, (size_t)tn_count(t)) : (tn_tensor){ .rank = 1 };
}

typedef struct {
    int64_t i, at;
    double d;
    tn_string s;
} key;

static int order(int64_t a, int64_t b) { return (a > b) - (a < b); }

static int by_int(const void *a, const void *b) {
    const key *x = a, *y = b;
    return x->i != y->i ? order(x->i, y->i) : order(x->at, y->at);
}

/* NaNs, whatever their bits, are equal and last. */
static int compare_reals(double x, double y) {
    if (isnan(x) || isnan(y)) return isnan(x) - isnan(y);
    return (x > y) - (x < y);
}

static int by_real(const void *a, const void *b) {
    const key *x = a, *y = b;
    int c = compare_reals(x->d, y->d);
    return c ? c : order(x->at, y->at);
}

static int compare_strings(tn_string x, tn_string y) {
    size_t n = x.len < y.len ? x.len : y.len;
    int c = n ? memcmp(x.ptr, y.ptr, n) : 0;
    return c ? c : order((int64_t)x.len, (int64_t)y.len);
}

static int by_string(const void *a, const void *b) {
    const key *x = a, *y = b;
    int c = compare_strings(x->s, y->s);
    return c ? c : order(x->at, y->at);
}

typedef struct {
    tn_dtype type; /* of the keys: TN_I64, TN_F64 or TN_STRING, wider than what is looked up */
    key *keys;     /* sorted; of equal ones the last counts */
    int64_t n;
    tn_tensor values, fallback; /* fallback: one element */
    int64_t number;             /* memory of some fallbacks */
    tn_string word;
    int64_t *order_numbers; /* memory of values 0, 1, 2, ... */
} mapping;

static tn_dtype wide(tn_dtype t) {
    return t == TN_STRING ? TN_STRING : tn_dtype_is_float(t) ? TN_F64 : tn_dtype_is_int(t) ? TN_I64 : TN_NONE;
}

static key key_at(const tn_tensor *t, int64_t i, tn_dtype as) {
    key k = { .at = i };
    if (as == TN_STRING)
        k.s = ((const tn_string *)t->data)[i];
    else if (as == TN_F64)
        k.d = tn_get_f64(t->dtype, t->data, i);
    else if (tn_dtype_is_float(t->dtype)) { /* cast, as OneHotEncoder wants it */
        double d = tn_get_f64(t->dtype, t->data, i);
        k.i = d > -9.2e18 && d < 9.2e18 ? (int64_t)d : INT64_MIN;
    } else
        k.i = tn_get_i64(t->dtype, t->data, i);
    return k;
}

static tn_status sort_keys(const tn_node *n, tn_arena *a, const tn_tensor *keys, mapping *m) {
    static int (*const orders[TN_DTYPE_COUNT])(const void *, const void *) = {
        [TN_I64] = by_int, [TN_F64] = by_real, [TN_STRING] = by_string
    };
    m->type = wide(keys->dtype);
    if (m->type == TN_NONE) return tn_op_fail(n, TN_E_TYPE, "keys of type %s", tn_dtype_name(keys->dtype));
    m->n = keys->dims[0];
    if (!(m->keys = tn_arena_array(a, key, (size_t)m->n + 1))) return tn_op_fail(n, TN_E_NOMEM, "no memory for keys");
    for (int64_t i = 0; i < m->n; i++) m->keys[i] = key_at(keys, i, m->type);
    tn_sort(m->keys, (size_t)m->n, sizeof *m->keys, orders[m->type]);
    return TN_OK;
}

/* The number of the key that equals element i, or -1. */
static int64_t find(const mapping *m, const tn_tensor *x, int64_t i) {
    key k = key_at(x, i, m->type);
    int64_t lo = 0, hi = m->n; /* the first key above k */
    while (lo < hi) {
        int64_t mid = (lo + hi) / 2;
        const key *p = &m->keys[mid];
        int c = m->type == TN_STRING ? compare_strings(p->s, k.s)
                : m->type == TN_F64  ? compare_reals(p->d, k.d)
                                     : order(p->i, k.i);
        if (c > 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    if (lo == 0) return -1;
    const key *p = &m->keys[lo - 1];
    bool equal = m->type == TN_STRING ? compare_strings(p->s, k.s) == 0
                 : m->type == TN_F64  ? compare_reals(p->d, k.d) == 0
                                      : p->i == k.i;
    return equal ? p->at : -1;
}

/* ------------------------------------------------------------------------------- which keys and values a node names */

/* The one of a side's attributes that has something. errors TN_E_INVALID when it is none or more. */
static tn_status one_of(const tn_node *n, const table_side *side, const char *what, tn_tensor *out) {
    const tn_tensor all[] = { strings_of(side->strings), ints_of(side->int64s),
                              list_of(TN_F32, side->floats.v, side->floats.n), flat(side->tensor) };
    *out = (tn_tensor){ 0 };
    for (size_t i = 0; i < TN_COUNT(all); i++) {
        if (all[i].dtype == TN_NONE) continue;
        if (out->dtype != TN_NONE) return tn_op_fail(n, TN_E_INVALID, "more than one attribute holds %s", what);
        *out = all[i];
    }
    return out->dtype ? TN_OK : tn_op_fail(n, TN_E_INVALID, "no attribute holds %s", what);
}

/* Keys and values of LabelEncoder (also of its first form, one list of strings) or CategoryMapper. */
static tn_status read_lists(const tn_node *n, const settings *a, tn_dtype in, tn_tensor *keys, tn_tensor *values) {
    bool places = a->classes_strings.v; /* of strings in their list: 0, 1, 2, ... */
    if (n->op->arg == LABELS && !places) {
        TN_TRY(one_of(n, &a->keys, "keys", keys));
        TN_TRY(one_of(n, &a->values, "values", values));
    } else {
        tn_tensor strings = strings_of(places ? a->classes_strings : a->cats.strings);
        tn_tensor numbers = places ? list_of(TN_I64, NULL, a->classes_strings.n) : ints_of(a->cats.int64s);
        if (strings.dtype == TN_NONE || numbers.dtype == TN_NONE)
            return tn_op_fail(n, TN_E_INVALID, "the categories are empty");
        *keys = in == TN_STRING ? strings : numbers;
        *values = in == TN_STRING ? numbers : strings;
    }
    if (keys->dims[0] != values->dims[0])
        return tn_op_fail(n, TN_E_INVALID, "%lld keys and %lld values", (long long)keys->dims[0],
                          (long long)values->dims[0]);
    if (in != TN_NONE && in != keys->dtype)
        return tn_op_fail(n, TN_E_TYPE, "the input is %s, the keys are %s", tn_dtype_name(in),
                          tn_dtype_name(keys->dtype));
    return TN_OK;
}

static tn_status read_default(const tn_node *n, const settings *a, mapping *m) {
    tn_tensor given = flat(a->default_tensor);
    tn_dtype t = m->values.dtype;
    m->number = a->default_int64, m->word = a->default_string;
    m->fallback = (tn_tensor){ .dtype = t, .rank = 1, .dims = { 1 } };
    if (given.dtype != TN_NONE && given.dtype != t)
        return tn_op_fail(n, TN_E_TYPE, "the default is %s, the values are %s", tn_dtype_name(given.dtype),
                          tn_dtype_name(t));
    if (given.dtype != TN_NONE) {
        m->fallback.data = given.data;
    } else if (t == TN_STRING) {
        m->fallback.data = &m->word;
    } else {
        m->fallback.data = &m->number; /* room for any type of numbers */
        if (tn_dtype_is_float(t))
            m->number = 0, tn_set_f64(t, &m->number, 0, (double)a->default_float);
        else
            tn_set_i64(t, &m->number, 0, m->number);
    }
    return TN_OK;
}

static tn_status map_infer(tn_infer *c) {
    const settings *a = c->attrs;
    tn_tensor keys, values;
    int rank = tn_infer_rank(c, 0);
    TN_TRY(read_lists(c->node, a, tn_infer_dtype(c, 0), &keys, &values));
    bool known = tn_infer_dtype(c, 0) != TN_NONE || a->keys.tensor;
    tn_infer_out(c, 0, known ? values.dtype : TN_NONE, rank, rank < 0 ? NULL : c->in[0]->dims);
    return TN_OK;
}

static tn_status map_prepare(tn_prep *p) {
    const tn_node *n = p->types.node;
    tn_tensor keys;
    mapping *m = tn_arena_new_of(p->arena, mapping);
    if (!m) return tn_op_fail(n, TN_E_NOMEM, "no memory for keys");
    TN_TRY(read_lists(n, p->types.attrs, tn_infer_dtype(&p->types, 0), &keys, &m->values));
    if (!keys.data || !m->values.data) { /* classes_strings: their places */
        int64_t count = keys.dims[0];
        m->order_numbers = tn_arena_array(p->arena, int64_t, (size_t)count + 1);
        if (!m->order_numbers) return tn_op_fail(n, TN_E_NOMEM, "no memory for keys");
        for (int64_t i = 0; i < count; i++) m->order_numbers[i] = i;
        *(keys.data ? &m->values.data : &keys.data) = m->order_numbers;
    }
    TN_TRY(read_default(n, p->types.attrs, m));
    p->state = m;
    return sort_keys(n, p->arena, &keys, m);
}

static tn_status map_run(tn_run *r) {
    const mapping *m = r->state;
    const tn_tensor *x = tn_in(r, 0);
    tn_tensor *y = tn_out(r, 0);
    tn_ticks ticks = { 0 };
    for (int64_t i = 0; i < tn_count(x); i++) {
        if (tn_ticks_stopped(&ticks, 32)) return tn_op_stopped(r);
        int64_t k = find(m, x, i);
        tn_op_copy_element(y, i, k < 0 ? &m->fallback : &m->values, k < 0 ? 0 : k);
    }
    return tn_op_own_strings(y);
}

/* -------------------------------------------------------------------------------------------------- OneHotEncoder */

static tn_status categories(const tn_node *n, const settings *a, tn_dtype in, tn_tensor *out) {
    TN_TRY(one_of(n, &a->cats, "categories", out));
    if (in != TN_NONE && (in == TN_STRING) != (out->dtype == TN_STRING))
        return tn_op_fail(n, TN_E_TYPE, "the input is %s, the categories are %s", tn_dtype_name(in),
                          tn_dtype_name(out->dtype));
    return TN_OK;
}

static tn_status one_hot_infer(tn_infer *c) {
    tn_tensor cats;
    tn_dim dims[TN_MAX_RANK + 1];
    int rank = tn_infer_rank(c, 0);
    TN_TRY(categories(c->node, c->attrs, tn_infer_dtype(c, 0), &cats));
    if (rank == TN_MAX_RANK) return tn_infer_fail(c, TN_E_SHAPE, "the input has %d dimensions already", rank);
    for (int d = 0; d < rank; d++) dims[d] = c->in[0]->dims[d];
    if (rank >= 0) dims[rank] = cats.dims[0];
    tn_infer_out(c, 0, TN_F32, rank < 0 ? -1 : rank + 1, rank < 0 ? NULL : dims);
    return TN_OK;
}

static tn_status one_hot_prepare(tn_prep *p) {
    tn_tensor cats;
    mapping *m = tn_arena_new_of(p->arena, mapping);
    if (!m) return tn_op_fail(p->types.node, TN_E_NOMEM, "no memory for categories");
    TN_TRY(categories(p->types.node, p->types.attrs, tn_infer_dtype(&p->types, 0), &cats));
    p->state = m;
    return sort_keys(p->types.node, p->arena, &cats, m);
}

static tn_status one_hot_run(tn_run *r) {
    const mapping *m = r->state;
    const tn_tensor *x = tn_in(r, 0);
    float *y = tn_out(r, 0)->data;
    int64_t n = tn_count(x);
    bool lenient = ((const settings *)r->attrs)->zeros;
    tn_ticks ticks = { 0 };
    tn_budget_clear(y, (size_t)tn_count(tn_out(r, 0)) * sizeof *y);
    for (int64_t i = 0; i < n; i++) {
        if (tn_ticks_stopped(&ticks, 32)) return tn_op_stopped(r);
        int64_t k = find(m, x, i);
        if (k >= 0)
            y[i * m->n + k] = 1;
        else if (!lenient)
            return tn_op_fail(r->node, TN_E_INVALID, "element %lld is of no category", (long long)i);
    }
    return TN_OK;
}

/* ----------------------------------------------------------------------------------------------------------- rows */

#define LABEL_TYPES (TN_ML_NUMBERS | tn_dtype_bit(TN_I16) | tn_dtype_bit(TN_STRING))
static const tn_port label_ports[] = { { "X", LABEL_TYPES, 0 }, { 0 } };
static const tn_port category_ports[] = { { "X", tn_dtype_bit(TN_I64) | tn_dtype_bit(TN_STRING), 0 }, { 0 } };
static const tn_port one_hot_in[] = { { "X", TN_ML_NUMBERS | tn_dtype_bit(TN_STRING), 0 }, { 0 } };
#define SIDE(m)                                                                                           \
    { TN_FLOATS_AS(settings, m.floats, #m "_floats") }, { TN_INTS_AS(settings, m.int64s, #m "_int64s") }, \
        { TN_STRINGS_AS(settings, m.strings, #m "_strings") }, {                                          \
        TN_TENSOR_AS(settings, m.tensor, #m "_tensor")                                                    \
    }
static const tn_attr_spec label_attrs[] = { { TN_STRINGS_OF(settings, classes_strings) }, /* version 1 */
                                            { TN_FLOAT(settings, default_float, -0.0f) },
                                            { TN_INT(settings, default_int64, -1) },
                                            { TN_STRING_OF(settings, default_string, "_Unused") },
                                            { TN_TENSOR_OF(settings, default_tensor) },
                                            SIDE(keys),
                                            SIDE(values),
                                            { 0 } };
static const tn_attr_spec category_attrs[] = { { TN_INTS_AS(settings, cats.int64s, "cats_int64s"), .required = true },
                                               { TN_STRINGS_AS(settings, cats.strings, "cats_strings"),
                                                 .required = true },
                                               { TN_INT(settings, default_int64, -1) },
                                               { TN_STRING_OF(settings, default_string, "_Unused") },
                                               { 0 } };
static const tn_attr_spec one_hot_attrs[] = { { TN_INTS_AS(settings, cats.int64s, "cats_int64s") },
                                              { TN_STRINGS_AS(settings, cats.strings, "cats_strings") },
                                              { TN_FLAG(settings, zeros, 1) },
                                              { 0 } };

const tn_op tn_ops_ml_encode[] = {
    { .name = "LabelEncoder",
      .domain = TN_ML,
      .since = 4,
      .in = label_ports,
      .out = label_ports,
      TN_ATTRS(label_attrs, settings),
      .arg = LABELS,
      .infer = map_infer,
      .prepare = map_prepare,
      .run = map_run,
      .grad = tn_grad_none,
      .doc = "every element replaced by what a table says of it" },
    { .name = "CategoryMapper",
      .domain = TN_ML,
      .since = 1,
      .in = category_ports,
      .out = category_ports,
      TN_ATTRS(category_attrs, settings),
      .arg = CATEGORIES,
      .infer = map_infer,
      .prepare = map_prepare,
      .run = map_run,
      .grad = tn_grad_none,
      .doc = "strings to integers, or back, by a table" },
    { .name = "OneHotEncoder",
      .domain = TN_ML,
      .since = 1,
      .in = one_hot_in,
      .out = tn_ml_ports_f32,
      TN_ATTRS(one_hot_attrs, settings),
      .infer = one_hot_infer,
      .prepare = one_hot_prepare,
      .run = one_hot_run,
      .grad = tn_grad_none,
      .doc = "a 1 at the place of each element's category, zeros elsewhere" },
    { 0 },
};
