/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* ml_maps.c - ZipMap, CastMap, DictVectorizer: tensors to maps and back. A map is a tensor of keys and one of values.
 */
#include "base/number.h"
#include "base/sort.h"
#include "op/core/grad.h"
#include "op/core/support.h"
#include "op/ml/ml.h"
#include <string.h>

static const tn_tensor *keys_of(const tn_datum *d) { return &d->list->items[0].tensor; }
static const tn_tensor *values_of(const tn_datum *d) { return &d->list->items[1].tensor; }

static tn_status need_map(const tn_run *r, const tn_datum *d) {
    bool good = d && d->kind == TN_KIND_MAP && d->list && d->list->n == 2 && d->list->items[0].kind == TN_KIND_TENSOR &&
                d->list->items[1].kind == TN_KIND_TENSOR && tn_count(keys_of(d)) == tn_count(values_of(d));
    return good ? TN_OK : tn_op_fail(r->node, TN_E_TYPE, "the input is not a map of numbers or strings");
}

/* Key and value types of the map input, as far as known. */
static tn_status map_types(tn_infer *c, tn_dtype *key, tn_dtype *value) {
    const tn_type *t = tn_infer_has(c, 0) ? c->in[0] : NULL;
    *key = *value = TN_NONE;
    if (!t || t->kind == TN_KIND_NONE) return TN_OK;
    if (t->kind != TN_KIND_MAP) return tn_infer_fail(c, TN_E_TYPE, "the input is not a map");
    *key = t->dtype;
    if (t->elem && t->elem->kind == TN_KIND_TENSOR) *value = t->elem->dtype;
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------- ZipMap */

typedef struct {
    tn_label_attrs labels;
} labelled; /* also the vocabulary of DictVectorizer */

static tn_status zip_infer(tn_infer *c) {
    tn_labels l;
    int rank = tn_infer_rank(c, 0);
    TN_TRY(tn_labels_of(c->node, &((const labelled *)c->attrs)->labels, &l));
    if (!l.n) return tn_infer_fail(c, TN_E_INVALID, "there are no class labels");
    if (rank >= 0 && rank != 1 && rank != 2)
        return tn_infer_fail(c, TN_E_SHAPE, "the input has %d dimensions; 1 or 2 can be", rank);
    if (rank > 0 && tn_dim_known(c->in[0]->dims[rank - 1]) && c->in[0]->dims[rank - 1] != l.n)
        return tn_infer_fail(c, TN_E_SHAPE, "%lld columns for %lld labels", (long long)c->in[0]->dims[rank - 1],
                             (long long)l.n);
    tn_type *value = tn_arena_new_of(c->arena, tn_type), *map = tn_arena_new_of(c->arena, tn_type);
    if (!value || !map) return tn_infer_fail(c, TN_E_NOMEM, "no memory for a type");
    *value = tn_type_tensor(TN_F32);
    *map = (tn_type){ .kind = TN_KIND_MAP, .dtype = tn_labels_type(&l), .rank = -1, .elem = value };
    c->out[0] = (tn_type){ .kind = TN_KIND_SEQUENCE, .rank = -1, .elem = map };
    return TN_OK;
}

static tn_status make_keys(const tn_labels *l, tn_tensor *keys) {
    TN_TRY(tn_tensor_init(keys, tn_labels_type(l), 1, &l->n, TN_MEM_ACTIVATIONS));
    for (int64_t i = 0; i < l->n; i++) TN_TRY(tn_labels_put(l, keys, i, i));
    return TN_OK;
}

/* One row's map: the shared keys, and a window into the copied values. */
static tn_status push_row(tn_list *rows, const tn_tensor *keys, const tn_tensor *values, int64_t row, int64_t n) {
    tn_datum key = { .kind = TN_KIND_TENSOR }, value = { .kind = TN_KIND_TENSOR }, map = { .kind = TN_KIND_MAP };
    if (!(map.list = tn_list_new(2))) return tn_fail(TN_E_NOMEM, "no memory for a map");
    tn_tensor_share(&key.tensor, keys);
    tn_tensor_share(&value.tensor, values);
    value.tensor.rank = 1, value.tensor.dims[0] = n;
    value.tensor.data = (float *)values->data + row * n;
    tn_status st = tn_list_push(map.list, &key);
    if (st == TN_OK) st = tn_list_push(map.list, &value);
    if (st == TN_OK) st = tn_list_push(rows, &map);
    tn_datum_reset(&key);
    tn_datum_reset(&value);
    tn_datum_reset(&map);
    return st;
}

static tn_status zip_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    tn_tensor keys = { 0 }, values = { 0 };
    tn_datum out = { .kind = TN_KIND_SEQUENCE };
    tn_labels l;
    int64_t n = tn_rows_count(x);
    TN_TRY(tn_labels_of(r->node, &((const labelled *)r->attrs)->labels, &l));
    if (x->rank < 1 || tn_rows_features(x) != l.n)
        return tn_op_fail(r->node, TN_E_SHAPE, "%lld columns for %lld labels", (long long)tn_rows_features(x),
                          (long long)l.n);
    if (!(out.list = tn_list_new((size_t)n))) return tn_op_fail(r->node, TN_E_NOMEM, "no memory for maps");
    tn_status st = make_keys(&l, &keys);
    if (st == TN_OK) st = tn_tensor_copy(&values, x, TN_MEM_ACTIVATIONS);
    for (int64_t i = 0; i < n && st == TN_OK; i++) st = push_row(out.list, &keys, &values, i, l.n);
    if (st == TN_OK) st = tn_run_share(r, 0, &out);
    tn_datum_reset(&out);
    tn_tensor_reset(&keys);
    tn_tensor_reset(&values);
    return st;
}

/* ------------------------------------------------------------------------------------------------------ CastMap */

typedef struct {
    int cast_to; /* an index into cast_types */
    int map_form;
    int64_t max_map;
} casting;

/* In the order of the words of cast_to. */
static const tn_dtype cast_types[] = { TN_F32, TN_STRING, TN_I64 };

static bool sparse(const casting *a) { return a->map_form == 1; }

static tn_status cast_map_infer(tn_infer *c) {
    tn_dtype key, value;
    TN_TRY(map_types(c, &key, &value));
    if (key != TN_NONE && key != TN_I64)
        return tn_infer_fail(c, TN_E_TYPE, "the keys are %s, should be int64", tn_dtype_name(key));
    if (value != TN_NONE && value != TN_F32 && value != TN_STRING)
        return tn_infer_fail(c, TN_E_TYPE, "the values are %s, should be float32 or string", tn_dtype_name(value));
    const casting *a = c->attrs;
    tn_dim n = sparse(a) ? a->max_map : TN_DIM_UNKNOWN;
    tn_infer_out(c, 0, cast_types[a->cast_to], 2, (tn_dim[]){ 1, n });
    return TN_OK;
}

typedef struct {
    int64_t key, at;
} entry;

static int by_key(const void *a, const void *b) {
    const entry *x = a, *y = b;
    return x->key != y->key ? x->key < y->key ? -1 : 1 : (x->at > y->at) - (x->at < y->at);
}

/* y[i] := values[k] in y's type. */
static tn_status cast_value(tn_run *r, tn_tensor *y, int64_t i, const tn_tensor *values, int64_t k) {
    char buf[64];
    if (y->dtype == TN_STRING && values->dtype == TN_STRING) {
        const tn_string *s = (const tn_string *)values->data + k;
        return tn_tensor_set_string(y, i, s->ptr, s->len);
    }
    if (y->dtype == TN_STRING) {
        double v = tn_get_f64(values->dtype, values->data, k);
        int n = tn_print_f64(buf, sizeof buf, v, true);
        return tn_tensor_set_string(y, i, buf, (size_t)n);
    }
    double v;
    if (values->dtype == TN_STRING) {
        const tn_string *s = (const tn_string *)values->data + k;
        const char *p = s->len ? s->ptr : "", *end = p + s->len;
        if (!tn_take_f64(&p, end, &v) || p != end)
            return tn_op_fail(r->node, TN_E_INVALID, "the value \"%.*s\" is not a number",
                              (int)(s->len < 40 ? s->len : 40), s->len ? s->ptr : "");
    } else {
        v = tn_get_f64(values->dtype, values->data, k);
    }
    tn_set_f64(y->dtype, y->data, i, v);
    return TN_OK;
}

static tn_status cast_map_run(tn_run *r) {
    TN_TRY(need_map(r, r->in[0]));
    const tn_tensor *keys = keys_of(r->in[0]), *values = values_of(r->in[0]);
    const casting *a = r->attrs;
    bool places = sparse(a);
    int64_t n = tn_count(keys), size = places ? a->max_map : n;
    if (keys->dtype != TN_I64) return tn_op_fail(r->node, TN_E_TYPE, "the keys are %s", tn_dtype_name(keys->dtype));
    entry *e = tn_run_scratch(r, (size_t)(n + 1) * sizeof *e);
    if (!e) return tn_op_fail(r->node, TN_E_NOMEM, "no memory for %lld keys", (long long)n);
    for (int64_t i = 0; i < n; i++) {
        e[i] = (entry){ ((const int64_t *)keys->data)[i], i };
        if (places && (e[i].key < 0 || e[i].key >= size))
            return tn_op_fail(r->node, TN_E_INVALID, "key %lld is not within 0..%lld", (long long)e[i].key,
                              (long long)size - 1);
    }
    tn_sort(e, (size_t)n, sizeof *e, by_key);
    TN_TRY(tn_run_alloc(r, 0, cast_types[a->cast_to], 2, (int64_t[]){ 1, size }));
    tn_tensor *y = tn_out(r, 0);
    if (y->dtype != TN_STRING && size) memset(y->data, 0, (size_t)size * (size_t)tn_dtypes[y->dtype].bytes);
    for (int64_t i = 0; i < n; i++) TN_TRY(cast_value(r, y, places ? e[i].key : i, values, e[i].at));
    return TN_OK;
}

/* ----------------------------------------------------------------------------------------------- DictVectorizer */

static tn_status dict_infer(tn_infer *c) {
    tn_labels l;
    tn_dtype key, value;
    TN_TRY(tn_labels_of(c->node, &((const labelled *)c->attrs)->labels, &l));
    TN_TRY(map_types(c, &key, &value));
    if (!l.n) return tn_infer_fail(c, TN_E_INVALID, "there is no vocabulary");
    if (key != TN_NONE && key != tn_labels_type(&l))
        return tn_infer_fail(c, TN_E_TYPE, "the keys are %s, the vocabulary is %s", tn_dtype_name(key),
                             tn_dtype_name(tn_labels_type(&l)));
    tn_infer_out(c, 0, value, 2, (tn_dim[]){ 1, l.n });
    return TN_OK;
}

/* The last place of a key in the vocabulary, or -1. */
static int64_t word_at(const tn_labels *l, const tn_tensor *keys, int64_t i) {
    for (int64_t k = l->n - 1; k >= 0; k--) {
        if (l->ints && l->ints[k] == ((const int64_t *)keys->data)[i]) return k;
        if (!l->strings) continue;
        const tn_string *s = (const tn_string *)keys->data + i;
        if (s->len == l->strings[k].len && !memcmp(s->len ? s->ptr : "", s->len ? l->strings[k].ptr : "", s->len))
            return k;
    }
    return -1;
}

static tn_status dict_run(tn_run *r) {
    tn_labels l;
    TN_TRY(need_map(r, r->in[0]));
    TN_TRY(tn_labels_of(r->node, &((const labelled *)r->attrs)->labels, &l));
    const tn_tensor *keys = keys_of(r->in[0]), *values = values_of(r->in[0]);
    if (keys->dtype != tn_labels_type(&l))
        return tn_op_fail(r->node, TN_E_TYPE, "the keys are %s, the vocabulary is %s", tn_dtype_name(keys->dtype),
                          tn_dtype_name(tn_labels_type(&l)));
    TN_TRY(tn_run_alloc(r, 0, values->dtype, 2, (int64_t[]){ 1, l.n }));
    tn_tensor *y = tn_out(r, 0);
    if (y->dtype != TN_STRING) memset(y->data, 0, tn_tensor_bytes(y));
    for (int64_t i = 0; i < tn_count(keys); i++) {
        int64_t k = word_at(&l, keys, i);
        if (k < 0)
            return tn_op_fail(r->node, TN_E_INVALID, "key %lld of the map is not in the vocabulary", (long long)i);
        tn_op_copy_element(y, k, values, i);
    }
    return tn_op_own_strings(y);
}

/* ----------------------------------------------------------------------------------------------------------- rows */

static const tn_port zip_in[] = { { "X", tn_dtype_bit(TN_F32), 0 }, { 0 } };
static const tn_port map_port[] = { { "X", 0, 0 }, { 0 } };
static const tn_port cast_out[] = { { "Y", tn_dtype_bit(TN_F32) | tn_dtype_bit(TN_I64) | tn_dtype_bit(TN_STRING), 0 },
                                    { 0 } };
static const tn_port dict_out[] = { { "Y", TN_ML_NUMBERS | tn_dtype_bit(TN_STRING), 0 }, { 0 } };
static const tn_attr_spec zip_attrs[] = { TN_LABELS_OF(labelled, labels, "classlabels_int64s", "classlabels_strings"),
                                          { 0 } };
static const tn_attr_spec cast_attrs[] = { { TN_WORD(casting, cast_to, "TO_FLOAT|TO_STRING|TO_INT64", "TO_FLOAT") },
                                           { TN_WORD(casting, map_form, "DENSE|SPARSE", "DENSE") },
                                           { TN_INT(casting, max_map, 1), .min = 1, .max = INT32_MAX },
                                           { 0 } };
static const tn_attr_spec dict_attrs[] = { TN_LABELS_OF(labelled, labels, "int64_vocabulary", "string_vocabulary"),
                                           { 0 } };

#define MAPS(name_, flags_, in_, out_, attrs_, infer_, run_, doc_)                                                    \
    {                                                                                                                 \
        .name = name_, .domain = TN_ML, .since = 1, .flags = flags_, .in = in_, .out = out_, attrs_, .infer = infer_, \
        .run = run_, .grad = tn_grad_refused, .doc = doc_                                                             \
    }
#define SPECS(specs, T) TN_ATTRS(specs, T)
const tn_op tn_ops_ml_maps[] = {
    MAPS("ZipMap", TN_OP_DYNAMIC, zip_in, map_port, SPECS(zip_attrs, labelled), zip_infer, zip_run,
         "a map from labels to scores per row"),
    MAPS("CastMap", TN_OP_DYNAMIC, map_port, cast_out, SPECS(cast_attrs, casting), cast_map_infer, cast_map_run,
         "the values of a map, in the order of its keys"),
    MAPS("DictVectorizer", TN_OP_DYNAMIC, map_port, dict_out, SPECS(dict_attrs, labelled), dict_infer, dict_run,
         "the values of a map, each at the place of its key in a vocabulary"),
    { 0 },
};
