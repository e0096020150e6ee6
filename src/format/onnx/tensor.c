/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* tensor.c - initializers and other tensors of a model: in the file, beside it, or sparse. Nothing outside the
 * model's folder is ever opened. Source: onnx.proto; docs/ExternalData.md. */
#include "format/onnx/fields.h"
#include "format/onnx/read.h"
#include "tensor/proto.h"
#include <stdlib.h>

tn_str tn_onnx_peek(tn_wire w, uint32_t field) {
    tn_wire_field f;
    tn_status st;
    tn_str found = { 0 };
    TN_FIELDS(w, f, st) {
        if (f.number == field && f.type == WIRE_BYTES) found = f.bytes;
    }
    if (st != TN_OK) tn_error_clear(); /* whoever reads the message properly will say so */
    return found;
}

/* -------------------------------------------------------------------------------------------------- external data */

static bool inside(const char *path, const char *folder) {
    size_t n = folder ? strlen(folder) : 0;
    if (n == 1) return true; /* the root folder */
    return n && !strncmp(path, folder, n) && path[n] == '/';
}

/* A relative path without ".." whose components stay in the folder: a location as it may be written. */
static tn_status check_location(tn_str s) {
    if (!s.len || memchr(s.ptr, 0, s.len) || s.len > 4000)
        return tn_fail(TN_E_FORMAT, "the location of external data is empty or not a path");
    if (s.ptr[0] == '/' || s.ptr[0] == '\\' || (s.len > 1 && s.ptr[1] == ':'))
        return tn_fail(TN_E_FORMAT, "external data at '%.*s': only paths inside the model's folder are allowed",
                       (int)(s.len < 200 ? s.len : 200), s.ptr);
    for (size_t i = 0; i < s.len;) {
        size_t end = i;
        while (end < s.len && s.ptr[end] != '/' && s.ptr[end] != '\\') end++;
        if (end - i == 2 && s.ptr[i] == '.' && s.ptr[i + 1] == '.')
            return tn_fail(TN_E_FORMAT, "external data at '%.*s' leads out of the model's folder",
                           (int)(s.len < 200 ? s.len : 200), s.ptr);
        i = end + 1;
    }
    return TN_OK;
}

/* The file is the model's from here on, whatever is returned. */
static tn_status keep_file(tn_onnx_reader *r, tn_file *f) {
    tn_model *m = r->m;
    if ((size_t)m->n_files >= r->cap_files) {
        size_t want = (size_t)m->n_files * 2 + 8;
        struct tn_file **wider = tn_arena_array(m->arena, struct tn_file *, want);
        if (!wider) return tn_file_close(&f), tn_fail(TN_E_NOMEM, "files");
        if (m->n_files) memcpy(wider, m->files, sizeof *wider * (size_t)m->n_files);
        m->files = wider;
        r->cap_files = want;
    }
    m->files[m->n_files++] = f;
    return TN_OK;
}

static tn_status map_external(tn_onnx_reader *r, tn_str location, tn_file **out) {
    tn_status st = TN_OK;
    char *real = NULL;
    *out = tn_map_get(r->files, location.ptr, location.len);
    if (*out) return TN_OK;
    if (!r->folder) return tn_fail(TN_E_UNSUPPORTED, "external data cannot be used by a model read from memory");
    TN_TRY(check_location(location));
    const char *path = tn_arena_printf(r->tmp, "%s/%.*s", r->folder, (int)location.len, location.ptr);
    if (!path) return tn_fail(TN_E_NOMEM, "a path");
    real = realpath(path, NULL);
    if (!real) {
        st = tn_fail(TN_E_IO, "the file of external data, '%s', is missing or not readable", path);
        goto done;
    }
    if (!inside(real, r->folder) && !inside(real, r->real_folder)) {
        st = tn_fail(TN_E_FORMAT, "external data at '%.*s' is a link that leads out of the model's folder",
                     (int)location.len, location.ptr);
        goto done;
    }
    if ((st = tn_file_map(real, out)) != TN_OK || (st = keep_file(r, *out)) != TN_OK) goto done;
    st = tn_map_put(r->files, location.ptr, location.len, *out);
done:
    free(real);
    return st;
}

static tn_status read_external(tn_onnx_reader *r, const tn_external *ext, tn_tensor *t) {
    size_t bytes;
    tn_file *file;
    int64_t count = tn_dims_count(t->rank, t->dims);
    if (t->dtype == TN_STRING) return tn_fail(TN_E_FORMAT, "strings cannot be external data");
    if (count < 0 || !tn_dtype_bytes(t->dtype, count, &bytes)) return tn_fail(TN_E_SHAPE, "its shape is too large");
    TN_TRY(map_external(r, ext->location, &file));
    uint64_t length = ext->has_length ? ext->length : bytes;
    if (ext->offset > file->size || length > file->size - ext->offset)
        return tn_fail(TN_E_FORMAT, "external data: %llu bytes from %llu on, but '%s' has %zu bytes",
                       (unsigned long long)length, (unsigned long long)ext->offset, file->path, file->size);
    if (length != bytes)
        return tn_fail(TN_E_FORMAT, "external data of %llu bytes where the shape needs %zu", (unsigned long long)length,
                       bytes);
    if (bytes) t->data = (void *)(uintptr_t)(file->data + ext->offset);
    return TN_OK;
}

/* A model that is opened to be looked at has zeros where its external data is missing. */
static tn_status external_or_blank(tn_onnx_reader *r, const tn_external *ext, const char *where, tn_tensor *t) {
    tn_status st = read_external(r, ext, t);
    if (st == TN_OK) return st;
    tn_fail_at(st, "%s", where);
    size_t bytes;
    int64_t count = tn_dims_count(t->rank, t->dims);
    if (!r->m->lenient || st == TN_E_NOMEM || count < 0 || !tn_dtype_bytes(t->dtype, count, &bytes)) return st;
    TN_TRY(tn_find(r->m, TN_FINDING_ERROR, st, "external", "%s", tn_error()));
    tn_error_clear();
    if (t->dtype == TN_STRING) return tn_tensor_init(t, t->dtype, 1, (int64_t[]){ 0 }, TN_MEM_WEIGHTS);
    if (!bytes) return TN_OK;
    if (!r->blank || r->blank->size < bytes) {
        TN_TRY(tn_file_blank("missing external data", bytes, &r->blank));
        TN_TRY(keep_file(r, r->blank));
    }
    t->data = (void *)(uintptr_t)r->blank->data;
    return TN_OK;
}

/* Weights stay where they are. Only small ones that happen to lie unaligned are copied, so that everybody may read them
 * directly; a large unaligned one is aligned where a plan really needs that: see tn_tensor_align. */
#define SMALL ((size_t)64 << 10)

tn_status tn_onnx_tensor(tn_onnx_reader *r, tn_wire w, const char *where, tn_tensor *out, tn_str *name) {
    tn_external ext = { 0 };
    tn_status st = tn_tensor_from_proto(w, where, out, name, &ext);
    if (st == TN_OK && ext.present) {
        TN_TRY(external_or_blank(r, &ext, where, out));
    }
    return st == TN_OK && tn_tensor_bytes(out) <= SMALL ? tn_tensor_align(out) : st;
}

/* --------------------------------------------------------------------------------------------------------- sparse */

/* Position of entry i: a flat index, or one coordinate per dimension. -1: out of range. */
static int64_t sparse_position(const tn_tensor *indices, int64_t i, const tn_tensor *dense, int64_t count) {
    const int64_t *v = indices->data;
    if (indices->rank == 1) return v[i] >= 0 && v[i] < count ? v[i] : -1;
    int64_t at = 0;
    for (int d = 0; d < dense->rank; d++) {
        int64_t x = v[i * dense->rank + d];
        if (x < 0 || x >= dense->dims[d]) return -1;
        at = at * dense->dims[d] + x;
    }
    return at;
}

static tn_status scatter(tn_onnx_reader *r, const tn_tensor *values, const tn_tensor *indices, tn_tensor *out) {
    int64_t nnz = values->dims[0], count = tn_dims_count(out->rank, out->dims);
    size_t bytes, each = (size_t)tn_dtype_bits(values->dtype) / 8; /* 0: several elements to a byte */
    if (count < 0 || !tn_dtype_bytes(values->dtype, count, &bytes))
        return tn_fail(TN_E_SHAPE, "its shape is too large");
    TN_TRY(tn_onnx_expand(r, bytes));
    tn_tensor shape = *out;
    TN_TRY(tn_tensor_init(out, values->dtype, shape.rank, shape.dims, TN_MEM_WEIGHTS));
    if (bytes) memset(out->data, 0, bytes);
    for (int64_t i = 0; i < nnz; i++) {
        int64_t at = sparse_position(indices, i, out, count);
        if (at < 0) return tn_fail(TN_E_FORMAT, "entry %lld lies outside the shape", (long long)i);
        if (values->dtype == TN_STRING) {
            const tn_string *v = (const tn_string *)values->data + i;
            TN_TRY(tn_tensor_set_string(out, at, v->ptr, v->len));
        } else if (!each) {
            tn_set_f64(out->dtype, out->data, at, tn_get_f64(values->dtype, values->data, i));
        } else {
            memcpy((char *)out->data + (size_t)at * each, (const char *)values->data + (size_t)i * each, each);
        }
    }
    return TN_OK;
}

static tn_status sparse_dim(tn_tensor *out, uint64_t u) {
    int64_t v = (int64_t)u;
    if (out->rank == TN_MAX_RANK) return tn_fail(TN_E_LIMIT, "more than %d dimensions", TN_MAX_RANK);
    if (v < 0) return tn_fail(TN_E_SHAPE, "dimension %lld", (long long)v);
    out->dims[out->rank++] = v;
    return TN_OK;
}

static tn_status sparse_fields(tn_wire w, tn_tensor *out, tn_wire *values, tn_wire *indices) {
    tn_status st = TN_OK;
    tn_wire_field f;
    TN_FIELDS(w, f, st) {
        if (f.number == SPARSE_VALUES && f.type == WIRE_BYTES) *values = tn_wire_sub(&w, &f);
        if (f.number == SPARSE_INDICES && f.type == WIRE_BYTES) *indices = tn_wire_sub(&w, &f);
        if (f.number == SPARSE_DIMS && f.type == WIRE_VARINT) TN_TRY(sparse_dim(out, f.u));
        if (f.number != SPARSE_DIMS || f.type != WIRE_BYTES) continue;
        const uint8_t *p = (const uint8_t *)f.bytes.ptr, *end = p + f.bytes.len;
        for (uint64_t u; p < end;) {
            if (!tn_wire_varint(&p, end, &u)) return tn_fail(TN_E_FORMAT, "malformed dimensions");
            TN_TRY(sparse_dim(out, u));
        }
    }
    return st;
}

tn_status tn_onnx_sparse(tn_onnx_reader *r, tn_wire w, const char *where, tn_tensor *out, tn_str *name) {
    tn_wire values = { 0 }, indices = { 0 };
    tn_tensor v = { 0 }, ix = { 0 };
    tn_str unused;
    tn_status st = sparse_fields(w, out, &values, &indices);
    if (st == TN_OK && (!values.p || !indices.p)) st = tn_fail(TN_E_FORMAT, "it lacks values or indices");
    if (st == TN_OK) st = tn_onnx_tensor(r, values, "values", &v, name);
    if (st == TN_OK) st = tn_onnx_tensor(r, indices, "indices", &ix, &unused);
    if (st == TN_OK) st = tn_tensor_align(&v);
    if (st == TN_OK) st = tn_tensor_align(&ix);
    if (st != TN_OK) goto done;
    bool flat = ix.rank == 1, full = ix.rank == 2 && ix.dims[1] == out->rank;
    if (v.rank != 1 || ix.dtype != TN_I64 || (!flat && !full) || ix.dims[0] != v.dims[0]) {
        st = tn_fail(TN_E_FORMAT, "values must be [n] and indices int64 [n] or [n, rank]");
        goto done;
    }
    st = scatter(r, &v, &ix, out);
done:
    tn_tensor_reset(&v);
    tn_tensor_reset(&ix);
    return st == TN_OK ? st : tn_fail_at(st, "%s", where);
}
