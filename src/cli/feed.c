/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* feed.c - inputs for a model from the command line. */
#include "cli/feed.h"
#include "base/file.h"
#include "base/number.h"
#include "base/text.h"
#include "tensor/npy.h"
#include "tensor/proto.h"
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------------------------------------------------- shapes */

#define LARGEST (INT64_C(1) << 40) /* dimension */

/* "1x3x224x224" (also with commas); "scalar" or "" is rank 0. */
static tn_status parse_shape(const char *text, const char *name, int *rank, int64_t *dims) {
    const char *p = text;
    *rank = 0;
    if (!*p || !strcmp(p, "scalar")) return TN_OK;
    for (;;) {
        int64_t v;
        if (tn_take_i64(&p, NULL, &v) != TN_NUMBER_READ || v < 0 || v > LARGEST || (*p && *p != 'x' && *p != ','))
            return tn_fail(TN_E_INVALID, "shape '%s' of '%s' is not like 1x3x224x224", text, name);
        if (*rank == TN_MAX_RANK)
            return tn_fail(TN_E_INVALID, "shape '%s' has more than %d dimensions", text, TN_MAX_RANK);
        dims[(*rank)++] = v;
        if (!*p++) return TN_OK;
    }
}

/* The part behind "name=" in a list, or NULL. */
static const char *named(const tn_option_list *s, const char *name) {
    size_t len = strlen(name);
    for (size_t i = s->n; i-- > 0;)
        if (!strncmp(s->v[i], name, len) && s->v[i][len] == '=') return s->v[i] + len + 1;
    return NULL;
}

static tn_status no_such(const tn_model *m, const char *what, const char *entry) {
    tn_text t = { 0 };
    for (int i = 0; i < m->graph->n_inputs; i++) tn_text_printf(&t, "%s%s", i ? ", " : "", m->graph->inputs[i]->name);
    tn_status st =
        tn_fail(TN_E_INVALID, "--%s %s: the model has no such input; it has %s", what, entry, t.s ? t.s : "none");
    tn_text_free(&t);
    return st;
}

/* Is `entry` "NAME=...", NAME being an input of the model or, where symbols may be meant, one of those? */
static bool names_something(const tn_model *m, const char *entry, bool symbols) {
    for (int k = 0; k < m->graph->n_inputs; k++) {
        const char *name = m->graph->inputs[k]->name;
        if (!strncmp(entry, name, strlen(name)) && entry[strlen(name)] == '=') return true;
    }
    for (int k = 0; symbols && k < tn_sym_count(m->syms); k++) {
        const char *name = tn_sym_name(m->syms, k);
        if (!strncmp(entry, name, strlen(name)) && entry[strlen(name)] == '=') return true;
    }
    return false;
}

static tn_status check_names(const tn_model *m, const tn_option_list *list, const char *option) {
    bool shapes = strcmp(option, "input") != 0;
    for (size_t i = 0; i < list->n; i++) {
        const char *entry = list->v[i];
        bool bare = !strrchr(entry, '=') && (!shapes || m->graph->n_inputs == 1);
        if (!bare && !names_something(m, entry, shapes)) return no_such(m, option, entry);
    }
    return TN_OK;
}

/* The sizes that --shape NAME=N gives symbols, the others `dimension`; *out has one entry per symbol. */
static tn_status symbol_sizes(const tn_model *m, const tn_option_list *shapes, const char *option, int dimension,
                              int64_t **out) {
    int n = tn_sym_count(m->syms);
    int64_t *v = tn_mem_alloc(sizeof *v * (size_t)(n + 1), TN_MEM_GENERAL);
    if (!v) return tn_fail(TN_E_NOMEM, "the sizes of %d symbols", n);
    for (int k = 0; k < n; k++) {
        const char *size = named(shapes, tn_sym_name(m->syms, k));
        v[k] = dimension > 0 ? dimension : TN_DIM_UNKNOWN;
        if (size && !tn_parse_i64(size, 0, LARGEST, &v[k])) {
            tn_mem_free(v);
            return tn_fail(TN_E_INVALID, "--%s %s=%s: a size is wanted", option, tn_sym_name(m->syms, k), size);
        }
    }
    *out = v;
    return TN_OK;
}

/* The shape of one input, written out. */
static tn_status whole_shape(const tn_value *v, const char *shape, tn_type *t) {
    int64_t dims[TN_MAX_RANK];
    int rank;
    TN_TRY(parse_shape(shape, v->name, &rank, dims));
    if (t->rank >= 0 && t->rank != rank)
        return tn_fail(TN_E_INVALID, "input '%s' has %d dimensions, the shape %s has %d", v->name, t->rank, shape,
                       rank);
    for (int d = 0; d < rank; d++) {
        if (t->rank >= 0 && tn_dim_known(t->dims[d]) && t->dims[d] != dims[d])
            return tn_fail(TN_E_INVALID, "dimension %d of input '%s' is %lld, not %lld", d, v->name,
                           (long long)t->dims[d], (long long)dims[d]);
        t->dims[d] = dims[d];
    }
    t->rank = rank;
    return TN_OK;
}

static tn_status type_of(const tn_model *m, const tn_option_list *shapes, const char *option, int dimension, int i,
                         tn_type *t) {
    const tn_value *v = m->graph->inputs[i];
    const char *shape = named(shapes, v->name);
    *t = v->type;
    if (!shape && shapes->n && m->graph->n_inputs == 1 && !strchr(shapes->v[0], '=')) shape = shapes->v[0];
    if (shape) return whole_shape(v, shape, t);
    int64_t *sizes = NULL;
    TN_TRY(symbol_sizes(m, shapes, option, dimension, &sizes));
    for (int d = 0; d < t->rank; d++) {
        if (tn_dim_symbolic(t->dims[d])) {
            tn_dim size = tn_dim_eval(m->syms, t->dims[d], sizes, tn_sym_count(m->syms));
            if (size != TN_DIM_UNKNOWN) t->dims[d] = size;
        }
        if (!tn_dim_known(t->dims[d]) && dimension > 0) t->dims[d] = dimension;
    }
    tn_mem_free(sizes);
    return TN_OK;
}

tn_status tn_feed_types_of(const tn_model *m, const tn_option_list *shapes, const char *option, int dimension,
                           tn_type *types) {
    TN_TRY(check_names(m, shapes, option));
    for (int i = 0; i < m->graph->n_inputs; i++) TN_TRY(type_of(m, shapes, option, dimension, i, &types[i]));
    return TN_OK;
}

/* What is open in t is as in `more`. */
static void complete(tn_type *t, const tn_type *more) {
    if (t->rank < 0) *t = *more;
    for (int d = 0; d < t->rank && more->rank == t->rank; d++)
        if (!tn_dim_known(t->dims[d])) t->dims[d] = more->dims[d];
}

/* What --shape says; then the usual and the largest sizes of a range; then --dimension. */
static tn_status input_type(const tn_model *m, const tn_feed_opts *o, int i, bool fill, tn_type *t) {
    tn_type more;
    TN_TRY(type_of(m, &o->shapes, "shape", 0, i, t));
    if (!fill) return TN_OK;
    TN_TRY(type_of(m, &o->usual, "opt-shape", 0, i, &more));
    complete(t, &more);
    TN_TRY(type_of(m, &o->most, "max-shape", 0, i, &more));
    complete(t, &more);
    TN_TRY(type_of(m, &o->shapes, "shape", o->dimension, i, &more));
    complete(t, &more);
    return TN_OK;
}

static tn_status check_all_names(const tn_model *m, const tn_feed_opts *o) {
    TN_TRY(check_names(m, &o->inputs, "input"));
    TN_TRY(check_names(m, &o->shapes, "shape"));
    TN_TRY(check_names(m, &o->least, "min-shape"));
    TN_TRY(check_names(m, &o->usual, "opt-shape"));
    return check_names(m, &o->most, "max-shape");
}

tn_status tn_feed_types(const tn_model *m, const tn_feed_opts *o, bool fill, tn_type *types) {
    TN_TRY(check_all_names(m, o));
    for (int i = 0; i < m->graph->n_inputs; i++) TN_TRY(input_type(m, o, i, fill, &types[i]));
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------------ data */

static uint64_t next(uint64_t *s) { /* xorshift64* (Vigna 2016) */
    *s ^= *s >> 12, *s ^= *s << 25, *s ^= *s >> 27;
    return *s * UINT64_C(2685821657736338717);
}

/* Floats in [-1, 1), integers 0 .. 9, bools; strings stay empty. */
static void randomize(tn_tensor *t, uint64_t seed) {
    uint64_t s = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (int64_t i = 0, n = tn_count(t); i < n && t->dtype != TN_STRING; i++) {
        uint64_t r = next(&s) >> 11;
        double u = (double)r * 0x1p-52 - 1;
        if (tn_dtype_is_complex(t->dtype)) {
            tn_dtype part = t->dtype == TN_C64 ? TN_F32 : TN_F64;
            tn_set_f64(part, t->data, 2 * i, u);
            tn_set_f64(part, t->data, 2 * i + 1, (double)(next(&s) >> 11) * 0x1p-52 - 1);
        } else if (tn_dtype_is_float(t->dtype)) {
            tn_set_f64(t->dtype, t->data, i, u);
        } else {
            tn_set_i64(t->dtype, t->data, i,
                       (int64_t)(t->dtype == TN_BOOL ? r & 1 : r % (tn_dtype_bits(t->dtype) < 4 ? 2 : 8)));
        }
    }
}

static tn_status make_tensor(const tn_model *m, const tn_feed_opts *o, int i, bool random, tn_datum *d) {
    const tn_value *v = m->graph->inputs[i];
    tn_type t;
    TN_TRY(input_type(m, o, i, true, &t));
    if (t.kind != TN_KIND_TENSOR)
        return tn_fail(TN_E_UNSUPPORTED, "input '%s' is not a tensor; give it as a file", v->name);
    if (!tn_type_static(&t)) {
        tn_text text = { 0 };
        tn_type_print(m->syms, &t, &text);
        tn_status st = tn_fail(TN_E_INVALID, "input '%s' is %s: give its shape, as in --shape %s=1x3x224x224", v->name,
                               text.s ? text.s : "?", v->name);
        tn_text_free(&text);
        return st;
    }
    d->kind = TN_KIND_TENSOR;
    TN_TRY(tn_tensor_init(&d->tensor, t.dtype, t.rank, t.dims, TN_MEM_IO));
    size_t bytes = 0;
    tn_dtype_bytes(t.dtype, tn_count(&d->tensor), &bytes);
    if (t.dtype != TN_STRING && bytes) memset(d->tensor.data, 0, bytes);
    if (random) randomize(&d->tensor, (uint64_t)o->seed * 1000 + (uint64_t)i + 1);
    return TN_OK;
}

/* A tensor file; "FILE.npz" holds one member per input. */
static tn_status load(const char *path, const char *name, bool *found, tn_datum *d) {
    size_t len = strlen(path);
    *found = true;
    if (len < 4 || strcmp(path + len - 4, ".npz") != 0) {
        tn_tensor *t = NULL;
        TN_TRY(tn_tensor_load(path, &t));
        d->kind = TN_KIND_TENSOR;
        tn_status st = tn_tensor_copy(&d->tensor, t, TN_MEM_IO);
        tn_tensor_free(&t);
        return st;
    }
    tn_file *f = NULL;
    tn_npz_entry *entries = NULL;
    size_t n = 0;
    tn_status st = tn_file_map(path, &f);
    if (st == TN_OK) st = tn_npz_parse(f->data, f->size, path, &entries, &n);
    *found = false;
    for (size_t i = 0; i < n && st == TN_OK; i++) {
        if (strcmp(entries[i].name, name) != 0) continue;
        d->kind = TN_KIND_TENSOR;
        st = tn_tensor_copy(&d->tensor, &entries[i].tensor, TN_MEM_IO);
        *found = true;
    }
    tn_npz_free(&entries, n);
    tn_file_close(&f);
    return st;
}

tn_status tn_feed_make(const tn_model *m, const tn_feed_opts *o, tn_feed *out) {
    size_t n = (size_t)m->graph->n_inputs;
    const char *rest = "random"; /* for inputs that no option names */
    tn_status st = check_all_names(m, o);
    *out = (tn_feed){ calloc(n + 1, sizeof *out->data), calloc(n + 1, sizeof *out->list), n };
    if (st == TN_OK && (!out->data || !out->list)) st = tn_fail(TN_E_NOMEM, "no memory for %zu inputs", n);
    for (size_t i = 0; i < o->inputs.n; i++)
        if (!strrchr(o->inputs.v[i], '=')) rest = o->inputs.v[i];
    for (size_t i = 0; i < n && st == TN_OK; i++) {
        const tn_value *v = m->graph->inputs[i];
        const char *given = named(&o->inputs, v->name), *what = given ? given : rest;
        bool found = true;
        out->list[i] = &out->data[i];
        if (!given && v->fallback) {
            out->list[i] = NULL;
        } else if (!strcmp(what, "random") || !strcmp(what, "zeros")) {
            st = make_tensor(m, o, (int)i, *what == 'r', &out->data[i]);
        } else {
            st = load(what, v->name, &found, &out->data[i]);
            if (st == TN_OK && !found) st = tn_fail(TN_E_INVALID, "%s holds no array named '%s'", what, v->name);
            if (st == TN_OK && v->type.kind == TN_KIND_TENSOR && out->data[i].kind == TN_KIND_TENSOR)
                st = tn_npy_as(&out->data[i].tensor, v->type.dtype);
        }
    }
    if (st != TN_OK) tn_feed_free(out);
    return st;
}

void tn_feed_free(tn_feed *f) {
    for (size_t i = 0; f->data && i < f->n; i++) tn_datum_reset(&f->data[i]);
    free(f->data);
    free(f->list);
    *f = (tn_feed){ 0 };
}

void tn_feed_opts_free(tn_feed_opts *o) {
    tn_option_list *const lists[] = { &o->inputs, &o->shapes, &o->least, &o->usual, &o->most };
    for (size_t i = 0; i < TN_COUNT(lists); i++) {
        tn_mem_free(lists[i]->v);
        *lists[i] = (tn_option_list){ 0 };
    }
}
