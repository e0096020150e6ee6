/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* test_case.c - reads, runs and compares one case of the ONNX backend tests. */
#include "cli/test_case.h"
#include "analyse/agree.h"
#include "base/file.h"
#include "base/number.h"
#include "cli/test_random.h"
#include "cli/test_ranges.h"
#include "engine/session.h"
#include "tensor/proto.h"
#include "tensor/stats.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* "dir/name" in buf; false when it does not fit. */
static bool join(char *buf, size_t n, const char *dir, const char *name) {
    int k = snprintf(buf, n, "%s/%s", dir, name);
    return k > 0 && (size_t)k < n;
}

static bool exists(const char *dir, const char *name) {
    char path[4096];
    struct stat sb;
    return join(path, sizeof path, dir, name) && stat(path, &sb) == 0;
}

bool tn_case_here(const char *dir) { return exists(dir, "model.onnx"); }

/* ------------------------------------------------------------------------------------------------------- comparing */

static tn_status differ(const char *where, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static tn_status differ(const char *where, const char *fmt, ...) {
    char text[400];
    va_list ap;
    va_start(ap, fmt);
    tn_vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return tn_fail(TN_E_INVALID, "%s: %s", where, text);
}

static void element_text(const tn_tensor *t, int64_t i, char *buf, size_t n) {
    if (t->dtype == TN_STRING) {
        const tn_string *s = (const tn_string *)t->data + i;
        snprintf(buf, n, "'%.*s'", (int)(s->len < 100 ? s->len : 100), s->ptr ? s->ptr : "");
    } else if (tn_dtype_is_complex(t->dtype)) {
        tn_dtype part = t->dtype == TN_C64 ? TN_F32 : TN_F64;
        tn_snprintf(buf, n, "%.9g%+.9gi", tn_get_f64(part, t->data, 2 * i), tn_get_f64(part, t->data, 2 * i + 1));
    } else if (tn_dtype_is_float(t->dtype))
        tn_snprintf(buf, n, "%.9g", tn_get_f64(t->dtype, t->data, i));
    else if (t->dtype == TN_U64)
        snprintf(buf, n, "%llu", (unsigned long long)tn_get_i64(t->dtype, t->data, i));
    else
        snprintf(buf, n, "%lld", (long long)tn_get_i64(t->dtype, t->data, i));
}

static tn_status compare_tensors(const tn_tensor *have, const tn_tensor *want, const tn_case_opts *o,
                                 const char *where) {
    char a[128], b[128];
    tn_difference d;
    tn_status st = tn_compare(have, want, o->rtol, o->atol, &d);
    if (st != TN_OK) return tn_fail_at(st, "%s", where);
    if (!d.mismatches) return TN_OK;
    element_text(have, d.worst, a, sizeof a);
    element_text(want, d.worst, b, sizeof b);
    return differ(where, "%lld of %lld elements differ; element %lld is %s, expected %s", (long long)d.mismatches,
                  (long long)d.count, (long long)d.worst, a, b);
}

static tn_status compare(const tn_datum *have, const tn_datum *want, const tn_case_opts *o, const char *where);

static bool same_key(const tn_tensor *a, int64_t i, const tn_tensor *b, int64_t k) {
    if (a->dtype != b->dtype) return false;
    if (a->dtype != TN_STRING) return tn_get_i64(a->dtype, a->data, i) == tn_get_i64(b->dtype, b->data, k);
    const tn_string *x = (const tn_string *)a->data + i, *y = (const tn_string *)b->data + k;
    return x->len == y->len && !memcmp(x->len ? x->ptr : "", y->len ? y->ptr : "", x->len);
}

/* Maps have no order: every wanted key is looked for, first at the same place. */
static tn_status compare_maps(const tn_datum *have, const tn_datum *want, const tn_case_opts *o, const char *where) {
    const tn_tensor *hk = &have->list->items[0].tensor, *wk = &want->list->items[0].tensor;
    int64_t n = tn_count(wk);
    char key[128], item[400];
    if (tn_count(hk) != n) return differ(where, "has %lld keys, expected %lld", (long long)tn_count(hk), (long long)n);
    for (int64_t i = 0; i < n; i++) {
        int64_t at = i;
        for (int64_t k = 0; k < n && !same_key(hk, at, wk, i); k++) at = k;
        element_text(wk, i, key, sizeof key);
        if (!same_key(hk, at, wk, i)) return differ(where, "lacks key %s", key);
        tn_datum h = { .kind = TN_KIND_TENSOR, .tensor = have->list->items[1].tensor }, w = h;
        w.tensor = want->list->items[1].tensor;
        h.tensor.rank = w.tensor.rank = 1, h.tensor.dims[0] = w.tensor.dims[0] = 1;
        h.tensor.data = (char *)h.tensor.data + at * tn_dtypes[h.tensor.dtype].bytes;
        w.tensor.data = (char *)w.tensor.data + i * tn_dtypes[w.tensor.dtype].bytes;
        if (snprintf(item, sizeof item, "%.200s, key %s", where, key) < 0) item[0] = 0; /* a cut name is fine */
        TN_TRY(compare(&h, &w, o, item));
    }
    return TN_OK;
}

static tn_status compare(const tn_datum *have, const tn_datum *want, const tn_case_opts *o, const char *where) {
    static const char *const kinds[] = { "nothing", "a tensor", "a sequence", "an optional", "a map" };
    if (have->kind != want->kind) return differ(where, "is %s, expected %s", kinds[have->kind], kinds[want->kind]);
    if (want->kind == TN_KIND_NONE) return TN_OK;
    if (want->kind == TN_KIND_TENSOR) return compare_tensors(&have->tensor, &want->tensor, o, where);
    if (have->list->n != want->list->n)
        return differ(where, "has %zu items, expected %zu", have->list->n, want->list->n);
    if (want->kind == TN_KIND_MAP) return compare_maps(have, want, o, where);
    for (size_t i = 0; i < want->list->n; i++) {
        char item[300];
        if (snprintf(item, sizeof item, "%s, item %zu", where, i) < 0) item[0] = 0; /* a cut name is fine */
        TN_TRY(compare(&have->list->items[i], &want->list->items[i], o, item));
    }
    return TN_OK;
}

/* --------------------------------------------------------------------------------------------------------- one case */

/* Data that older releases store for a bfloat16 value is declared uint16 and holds the bits. The backend's own runner
 * compares the arrays as they are declared, with its tolerance: so here too the bits are compared as whole numbers. */
static tn_status compare_bits(const tn_datum *have, const tn_tensor *want, const tn_case_opts *o, const char *where) {
    const tn_tensor *both[2] = { &have->tensor, want };
    tn_tensor bits[2] = { 0 };
    tn_status st = have->kind == TN_KIND_TENSOR && have->tensor.dtype == TN_BF16
                       ? TN_OK
                       : differ(where, "is not a bfloat16 tensor");
    for (int i = 0; i < 2 && st == TN_OK; i++) {
        st = tn_tensor_init(&bits[i], TN_F32, both[i]->rank, both[i]->dims, TN_MEM_IO);
        if (st == TN_OK)
            st = tn_convert(TN_U16, both[i]->data, TN_F32, bits[i].data, tn_count(both[i]), true, TN_ROUND_NEAREST);
    }
    if (st == TN_OK) st = compare_tensors(&bits[0], &bits[1], o, where);
    tn_tensor_reset(&bits[0]);
    tn_tensor_reset(&bits[1]);
    return st;
}

/* Reads input_i.pb or output_i.pb; *file keeps the memory that the datum borrows. */
static tn_status load(const char *dir, const char *what, int i, const tn_type *type, tn_file **file, tn_datum *out) {
    char path[4096], item[64];
    tn_external ext = { 0 };
    tn_str name;
    snprintf(item, sizeof item, "%s_%d.pb", what, i);
    if (!join(path, sizeof path, dir, item)) return tn_fail(TN_E_LIMIT, "the path of '%s' is too long", item);
    TN_TRY(tn_file_map(path, file));
    tn_wire w = tn_wire_of((*file)->data, (*file)->size);
    if (type->kind == TN_KIND_SEQUENCE) return tn_datum_from_sequence_proto(w, path, out);
    if (type->kind == TN_KIND_MAP) return tn_datum_from_map_proto(w, path, out);
    if (type->kind == TN_KIND_OPTIONAL) return tn_datum_from_optional_proto(w, path, out);
    TN_TRY(tn_tensor_from_proto(w, path, &out->tensor, &name, &ext));
    out->kind = TN_KIND_TENSOR;
    return tn_tensor_align(&out->tensor);
}

/* Older releases store bfloat16 as its bits, declared uint16. */
static bool holds_bits(const tn_type *type, const tn_datum *d) {
    return type->kind == TN_KIND_TENSOR && type->dtype == TN_BF16 && d->kind == TN_KIND_TENSOR &&
           d->tensor.dtype == TN_U16;
}

static bool has_file(const char *dir, const char *what, int i) {
    char name[64];
    snprintf(name, sizeof name, "%s_%d.pb", what, i);
    return exists(dir, name);
}

static tn_status vary(tn_session *s, const tn_datum *const *in, size_t ni, size_t no, unsigned *seed);

static tn_status run_set(tn_session *s, const tn_model *m, const char *dir, const tn_case_opts *o) {
    size_t ni = tn_model_inputs(m), no = tn_model_outputs(m);
    tn_datum *in = calloc(ni + 1, sizeof *in), *out = calloc(no + 1, sizeof *out);
    const tn_datum **ptr = calloc(ni + 1, sizeof *ptr);
    tn_file **files = calloc(ni + 1, sizeof *files), *file = NULL;
    tn_status st = in && out && ptr && files ? TN_OK : tn_fail(TN_E_NOMEM, "no memory for a case");
    for (size_t i = 0; i < ni && st == TN_OK; i++) {
        if (!has_file(dir, "input", (int)i)) continue;
        st = load(dir, "input", (int)i, &m->graph->inputs[i]->type, &files[i], &in[i]);
        if (st == TN_OK && holds_bits(&m->graph->inputs[i]->type, &in[i])) in[i].tensor.dtype = TN_BF16;
        ptr[i] = &in[i];
    }
    unsigned seed = (unsigned)o->vary;
    for (int i = 0; i < (o->vary ? 2 : 0) && st == TN_OK; i++) st = vary(s, ptr, ni, no, &seed);
    if (st == TN_OK) st = tn_session_run_data(s, ni, ptr, no, out);
    for (size_t i = 0; i < no && st == TN_OK; i++) {
        tn_datum want = { 0 };
        char where[300];
        if (!has_file(dir, "output", (int)i)) continue;
        snprintf(where, sizeof where, "output '%s'", m->graph->outputs[i]->name);
        tn_type shown = tn_value_shown(s->model->graph->outputs[i]), *type = &shown;
        if (shown.kind == TN_KIND_NONE) shown.kind = out[i].kind; /* nothing says it but what came out */
        st = load(dir, "output", (int)i, type, &file, &want);
        bool tensors = out[i].kind == TN_KIND_TENSOR && want.kind == TN_KIND_TENSOR;
        if (st == TN_OK && tensors && tn_random_output(m, ptr, (int)i))
            st = tn_random_compare(m, ptr, (int)i, &out[i].tensor, &want.tensor, where);
        else if (st == TN_OK)
            st = holds_bits(type, &want) ? compare_bits(&out[i], &want.tensor, o, where)
                                         : compare(&out[i], &want, o, where);
        tn_datum_reset(&want);
        tn_file_close(&file);
    }
    if (st == TN_OK) st = tn_agree(m, ptr, ni, out, no, o->shapes, o->gaps);
    for (size_t i = 0; out && i < no; i++) tn_datum_reset(&out[i]);
    for (size_t i = 0; in && files && i < ni; i++) {
        tn_datum_reset(&in[i]);
        tn_file_close(&files[i]);
    }
    free(in);
    free(out);
    free(ptr);
    free(files);
    return st;
}

/* The backend's own runner hands the stored arrays over whatever shape the model declares for its inputs; some cases
 * rely on that (CastLike's second input, of which only the type counts). A declared shape that the data contradicts is
 * dropped; types are not. */
static tn_status believe_data(tn_model *m, const char *dir) {
    for (size_t i = 0; i < tn_model_inputs(m); i++) {
        tn_type *declared = &m->graph->inputs[i]->type;
        tn_file *file = NULL;
        tn_datum d = { 0 };
        if (declared->kind != TN_KIND_TENSOR || declared->rank < 0 || !has_file(dir, "input", (int)i)) continue;
        tn_status st = load(dir, "input", (int)i, declared, &file, &d);
        bool fits = st != TN_OK || d.tensor.rank == declared->rank;
        for (int k = 0; fits && st == TN_OK && k < declared->rank; k++)
            fits = !tn_dim_known(declared->dims[k]) || declared->dims[k] == d.tensor.dims[k];
        if (!fits) *declared = tn_type_tensor(declared->dtype);
        tn_datum_reset(&d);
        tn_file_close(&file);
        TN_TRY(st);
    }
    return TN_OK;
}

/* The path of data set i; false when there is none. */
static bool data_set(char *path, size_t n, const char *dir, int i) {
    char name[64];
    snprintf(name, sizeof name, "test_data_set_%d", i);
    return exists(dir, name) && join(path, n, dir, name);
}

/* ------------------------------------------------------------------------------------------- saved, and other sizes */

/* The sizes of inputs are open, and nothing is known of what depends on them. */
static void forget_sizes(tn_model *m) {
    for (int i = 0; i < m->n_values; i++) {
        tn_value *v = m->values[i];
        if (!v || v->constant) continue;
        v->content = NULL;
        if (!v->is_input || v->graph != m->graph) v->type = (tn_type){ .rank = -1 };
        for (int d = 0; v->type.kind == TN_KIND_TENSOR && d < v->type.rank; d++) v->type.dims[d] = TN_DIM_UNKNOWN;
    }
}

/* The exact types of the inputs in a folder of data; kind NONE: not there. */
static tn_status data_types(const tn_model *m, const char *dir, tn_type *types) {
    for (int i = 0; i < m->graph->n_inputs; i++) {
        const tn_type *declared = &m->graph->inputs[i]->type;
        tn_file *file = NULL;
        tn_datum d = { 0 };
        types[i] = (tn_type){ .kind = TN_KIND_NONE };
        if (!has_file(dir, "input", i)) continue;
        tn_status st = load(dir, "input", i, declared, &file, &d);
        if (st == TN_OK) types[i] = tn_type_of(&d);
        tn_datum_reset(&d);
        tn_file_close(&file);
        TN_TRY(st);
    }
    return TN_OK;
}

/* Opens the sizes of m, and bounds them about those of the first data set. */
static tn_status range_about(tn_model *m, const char *dir, int seed, tn_random_ranges *out) {
    char path[4096];
    *out = (tn_random_ranges){ 0 };
    if (!data_set(path, sizeof path, dir, 0)) return TN_OK;
    tn_type *types = calloc((size_t)m->graph->n_inputs + 1, sizeof *types);
    tn_status st = types ? data_types(m, path, types) : tn_fail(TN_E_NOMEM, "no memory for a case");
    forget_sizes(m);
    if (st == TN_OK) st = tn_random_ranges_make(m, types, (unsigned)seed, out);
    free(types);
    return st;
}

/* *m := what saving it and opening the file again gives. Operators without a name in ONNX keep a model as it is. */
static tn_status reload(tn_model **m) {
    char path[64] = "/tmp/tenon-test-XXXXXX";
    tn_model *again = NULL;
    int fd = mkstemp(path);
    if (fd < 0) return tn_fail(TN_E_IO, "cannot make a file in /tmp");
    close(fd);
    tn_status st = tn_model_save(*m, path);
    bool kept = st == TN_E_UNSUPPORTED;
    if (st == TN_OK) st = tn_model_open(path, &again);
    unlink(path);
    if (kept) return tn_error_clear(), TN_OK;
    if (st != TN_OK) return tn_fail_at(st, "saved and opened again");
    tn_model_close(m);
    *m = again;
    return TN_OK;
}

/* The first rows of a tensor, or more of them by beginning again: `rows` of them. */
static tn_status with_rows(const tn_tensor *x, int64_t rows, tn_datum *out) {
    int64_t dims[TN_MAX_RANK], have = x->dims[0];
    size_t each = have ? tn_tensor_bytes(x) / (size_t)have : 0;
    memcpy(dims, x->dims, sizeof dims);
    dims[0] = rows;
    TN_TRY(tn_tensor_init(&out->tensor, x->dtype, x->rank, dims, TN_MEM_IO));
    out->kind = TN_KIND_TENSOR;
    for (int64_t i = 0; i < rows; i++)
        memcpy((char *)out->tensor.data + (size_t)i * each, (const char *)x->data + (size_t)(i % have) * each, each);
    return TN_OK;
}

static bool has_rows(const tn_datum *d, int64_t n) {
    return d && d->kind == TN_KIND_TENSOR && d->tensor.rank > 0 && d->tensor.dims[0] == n && n > 0 &&
           d->tensor.dtype != TN_STRING && tn_dtypes[d->tensor.dtype].block == 1;
}

/* The same inputs with another number of rows, where they have as many as input `like`: runs, or is refused. */
static tn_status run_varied(tn_session *s, const tn_datum *const *in, size_t ni, size_t no, size_t like, int64_t rows) {
    tn_datum *other = calloc(ni + 1, sizeof *other), *out = calloc(no + 1, sizeof *out);
    const tn_datum **ptr = calloc(ni + 1, sizeof *ptr);
    tn_status st = other && out && ptr ? TN_OK : tn_fail(TN_E_NOMEM, "no memory for a case");
    for (size_t i = 0; i < ni && st == TN_OK; i++) {
        ptr[i] = in[i];
        if (!has_rows(in[i], in[like]->tensor.dims[0])) continue;
        st = with_rows(&in[i]->tensor, rows, &other[i]);
        ptr[i] = &other[i];
    }
    if (st == TN_OK) tn_session_run_data(s, ni, ptr, no, out);
    for (size_t i = 0; other && i < ni; i++) tn_datum_reset(&other[i]);
    for (size_t i = 0; out && i < no; i++) tn_datum_reset(&out[i]);
    free(other);
    free(out);
    free(ptr);
    return st;
}

static tn_status vary(tn_session *s, const tn_datum *const *in, size_t ni, size_t no, unsigned *seed) {
    for (size_t i = 0; i < ni; i++) {
        if (!in[i] || !has_rows(in[i], in[i]->kind == TN_KIND_TENSOR && in[i]->tensor.rank ? in[i]->tensor.dims[0] : 0))
            continue;
        *seed = *seed * 1103515245u + 12345u;
        TN_TRY(run_varied(s, in, ni, no, i, 1 + (int64_t)(*seed >> 16) % (in[i]->tensor.dims[0] + 3)));
    }
    return TN_OK;
}

tn_status tn_case_run(const char *dir, const tn_case_opts *o, int *sets) {
    char path[4096];
    tn_model *m = NULL;
    tn_session *s = NULL;
    tn_session_opts opts = { .size = sizeof opts,
                             .threads = o->threads,
                             .no_optimize = o->no_optimize,
                             .device = o->device,
                             .require_device = o->require_device };
    tn_random_ranges ranges = { 0 };
    *sets = 0;
    if (!join(path, sizeof path, dir, "model.onnx")) return tn_fail(TN_E_LIMIT, "the path is too long");
    tn_status st = tn_model_open(path, &m);
    for (int i = 0; st == TN_OK && data_set(path, sizeof path, dir, i); i++) st = believe_data(m, path);
    if (st == TN_OK && o->vary) forget_sizes(m);
    if (st == TN_OK && o->ranges) st = range_about(m, dir, o->ranges, &ranges);
    if (st == TN_OK && (o->reload || o->vary || o->ranges)) st = reload(&m);
    opts.ranges = ranges.v, opts.n_ranges = ranges.n;
    if (st == TN_OK) st = tn_session_new(m, &opts, &s);
    for (; st == TN_OK && data_set(path, sizeof path, dir, *sets); ++*sets) st = run_set(s, m, path, o);
    if (st == TN_OK && o->ranged && s->n_ranged && !s->n_plans) ++*o->ranged;
    tn_session_free(&s);
    tn_random_ranges_free(&ranges);
    tn_model_close(&m);
    return st;
}
