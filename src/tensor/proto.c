/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* proto.c - TensorProto and its relatives. A first pass over the fields learns type, shape and how many values stand
 * where, and compares them; only then is memory taken, so a small file cannot ask for much. */
#include "tensor/proto.h"
#include "base/number.h"
#include "tensor/proto_fields.h"
#include <string.h>

#define MAX_DEPTH 16 /* sequences in sequences */

/* The typed field of an element type, and how many values of it make one element (or, packed, elements one value). */
static uint32_t field_of(tn_dtype t) {
    switch (t) {
    case TN_F32:
    case TN_C64: return TENSOR_FLOAT;
    case TN_F64:
    case TN_C128: return TENSOR_DOUBLE;
    case TN_I64: return TENSOR_INT64;
    case TN_U32:
    case TN_U64: return TENSOR_UINT64;
    case TN_STRING: return TENSOR_STRING;
    default: return TENSOR_INT32;
    }
}

/* Wire type of one unpacked value of a typed field. */
static uint32_t wire_type_of(uint32_t field) {
    return field == TENSOR_FLOAT    ? WIRE_FIXED32
           : field == TENSOR_DOUBLE ? WIRE_FIXED64
           : field == TENSOR_STRING ? WIRE_BYTES
                                    : WIRE_VARINT;
}

typedef struct {
    const char *where;
    tn_str name, raw;
    bool has_raw, external;
    int code, rank;
    int64_t dims[TN_MAX_RANK];
    uint64_t values[16]; /* by typed field: how many */
    tn_external ext;
} header;

static tn_status bad(const header *h, const char *what) {
    return tn_fail(TN_E_FORMAT, "%s%s%.*s%s: %s", h->where, h->name.len ? " '" : "", tn_int_of(h->name.len),
                   h->name.ptr ? h->name.ptr : "", h->name.len ? "'" : "", what);
}

/* -------------------------------------------------------------------------------------------------- first pass */

/* Values in one occurrence of a typed field, packed or not; -1 when malformed. */
static int64_t count_values(const tn_wire_field *f) {
    uint32_t type = wire_type_of(f->number);
    if (f->type == type) return 1;
    if (f->type != WIRE_BYTES) return -1;
    size_t width = type == WIRE_FIXED32 ? 4 : type == WIRE_FIXED64 ? 8 : 0;
    if (width) return f->bytes.len % width ? -1 : (int64_t)(f->bytes.len / width);
    int64_t n = 0;
    for (size_t i = 0; i < f->bytes.len; i++) n += !(f->bytes.ptr[i] & 0x80);
    return f->bytes.len && (f->bytes.ptr[f->bytes.len - 1] & 0x80) ? -1 : n;
}

static tn_status add_dim(header *h, uint64_t v) {
    if (h->rank == TN_MAX_RANK) return bad(h, "more than 16 dimensions");
    h->dims[h->rank++] = (int64_t)v;
    return TN_OK;
}

static tn_status read_dims(header *h, const tn_wire_field *f) {
    if (f->type == WIRE_VARINT) return add_dim(h, f->u);
    if (f->type != WIRE_BYTES) return bad(h, "malformed dims");
    const uint8_t *p = (const uint8_t *)f->bytes.ptr, *end = p + f->bytes.len;
    while (p < end) {
        uint64_t v;
        if (!tn_wire_varint(&p, end, &v)) return bad(h, "malformed dims");
        TN_TRY(add_dim(h, v));
    }
    return TN_OK;
}

static bool same(tn_str s, const char *text) { return s.len == strlen(text) && !memcmp(s.ptr, text, s.len); }

static bool parse_u64(tn_str s, uint64_t *out) {
    *out = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9') return false;
        if (__builtin_mul_overflow(*out, 10, out) || __builtin_add_overflow(*out, (uint64_t)(s.ptr[i] - '0'), out))
            return false;
    }
    return s.len > 0;
}

/* One StringStringEntryProto. */
static tn_status read_external(header *h, tn_wire w) {
    tn_wire_field f;
    tn_str key = { 0 }, value = { 0 };
    for (bool more;;) {
        TN_TRY(tn_wire_next(&w, &f, &more));
        if (!more) break;
        if (f.number == ENTRY_KEY && f.type == WIRE_BYTES) key = f.bytes;
        if (f.number == ENTRY_VALUE && f.type == WIRE_BYTES) value = f.bytes;
    }
    if (same(key, "location"))
        h->ext.location = value;
    else if (same(key, "checksum"))
        h->ext.checksum = value;
    else if (same(key, "offset")) {
        if (!parse_u64(value, &h->ext.offset)) return bad(h, "external data: the offset is not a number");
    } else if (same(key, "length")) {
        if (!parse_u64(value, &h->ext.length)) return bad(h, "external data: the length is not a number");
        h->ext.has_length = true;
    }
    return TN_OK;
}

static tn_status read_field(header *h, const tn_wire *w, const tn_wire_field *f) {
    switch (f->number) {
    case TENSOR_DIMS: return read_dims(h, f);
    case TENSOR_TYPE:
        if (f->type != WIRE_VARINT) return bad(h, "malformed data_type");
        h->code = f->u > INT32_MAX ? -1 : (int)f->u;
        return TN_OK;
    case TENSOR_SEGMENT: return tn_fail(TN_E_UNSUPPORTED, "%s: tensors in segments are not supported", h->where);
    case TENSOR_NAME:
        if (f->type == WIRE_BYTES) h->name = f->bytes;
        return TN_OK;
    case TENSOR_RAW:
        if (f->type != WIRE_BYTES) return bad(h, "malformed raw_data");
        h->raw = f->bytes;
        h->has_raw = true;
        return TN_OK;
    case TENSOR_FLOAT:
    case TENSOR_INT32:
    case TENSOR_STRING:
    case TENSOR_INT64:
    case TENSOR_DOUBLE:
    case TENSOR_UINT64: {
        int64_t n = count_values(f);
        if (n < 0) return bad(h, "a typed data field is malformed");
        h->values[f->number] += (uint64_t)n;
        return TN_OK;
    }
    case TENSOR_EXTERNAL:
        return f->type == WIRE_BYTES ? read_external(h, tn_wire_sub(w, f)) : bad(h, "malformed external_data");
    case TENSOR_LOCATION: h->external = f->type == WIRE_VARINT && f->u == 1; return TN_OK;
    default: return TN_OK; /* doc_string, metadata, whatever comes later */
    }
}

static tn_status next_field(tn_wire *w, const char *where, tn_wire_field *f, bool *more) {
    tn_status st = tn_wire_next(w, f, more);
    return st == TN_OK ? st : tn_fail_at(st, "%s", where);
}

static tn_status read_header(tn_wire w, const char *where, header *h) {
    tn_wire_field f;
    *h = (header){ .where = where };
    for (bool more;;) {
        TN_TRY(next_field(&w, where, &f, &more));
        if (!more) return TN_OK;
        TN_TRY(read_field(h, &w, &f));
    }
}

/* -------------------------------------------------------------------------------------------------- second pass */

static void store_i32(tn_dtype t, void *out, uint64_t i, uint64_t v) {
    switch (tn_dtypes[t].bytes) {
    case 1: ((uint8_t *)out)[i] = (uint8_t)(t == TN_BOOL ? v != 0 : v); break;
    case 2: ((uint16_t *)out)[i] = (uint16_t)v; break;
    default: ((uint32_t *)out)[i] = (uint32_t)v; break;
    }
}

/* Values v, v+1, ... of the typed field go to the tensor; *i counts them. The first pass has counted, so they fit. */
static tn_status store_values(const header *h, const tn_wire_field *f, tn_tensor *t, uint64_t *i) {
    const uint8_t *p = (const uint8_t *)f->bytes.ptr, *end = f->type == WIRE_BYTES ? p + f->bytes.len : p;
    switch (f->number) {
    case TENSOR_STRING: return tn_tensor_set_string(t, (int64_t)(*i)++, f->bytes.ptr, f->bytes.len);
    case TENSOR_FLOAT:
    case TENSOR_DOUBLE: {
        size_t width = f->number == TENSOR_FLOAT ? 4 : 8;
        uint8_t *out = (uint8_t *)t->data + *i * width;
        uint32_t u = (uint32_t)f->u;
        if (f->type != WIRE_BYTES)
            memcpy(out, width == 4 ? (const void *)&u : (const void *)&f->u, width), ++*i;
        else if (p < end)
            memcpy(out, p, (size_t)(end - p)), *i += (size_t)(end - p) / width;
        return TN_OK;
    }
    default:
        for (bool once = f->type == WIRE_VARINT; once || p < end; once = false) {
            uint64_t v = f->u;
            if (f->type != WIRE_VARINT && !tn_wire_varint(&p, end, &v))
                return bad(h, "a typed data field is malformed");
            if (tn_dtypes[t->dtype].bytes == 8)
                ((uint64_t *)t->data)[(*i)++] = v;
            else
                store_i32(t->dtype, t->data, (*i)++, v);
            if (f->type == WIRE_VARINT) break;
        }
        return TN_OK;
    }
}

static tn_status read_typed(tn_wire w, const header *h, tn_dtype dtype, int64_t count, tn_tensor *out) {
    uint32_t field = field_of(dtype);
    uint64_t block = (uint64_t)tn_dtypes[dtype].block, per = tn_dtype_is_complex(dtype) ? 2 : 1;
    uint64_t want = (uint64_t)count / block + ((uint64_t)count % block != 0);
    if (__builtin_mul_overflow(want, per, &want) || h->values[field] != want)
        return tn_fail(TN_E_FORMAT, "%s '%.*s': its shape needs %llu values of data but there are %llu", h->where,
                       tn_int_of(h->name.len), h->name.ptr ? h->name.ptr : "", (unsigned long long)want,
                       (unsigned long long)h->values[field]);
    TN_TRY(tn_tensor_init(out, dtype, h->rank, h->dims, TN_MEM_WEIGHTS));
    if (!want) return TN_OK;
    uint64_t i = 0;
    tn_status st = TN_OK;
    for (bool more = true; st == TN_OK;) {
        tn_wire_field f;
        st = tn_wire_next(&w, &f, &more);
        if (st != TN_OK || !more) break;
        if (f.number == field) st = store_values(h, &f, out, &i);
    }
    if (st == TN_OK && i != want) st = bad(h, "a typed data field is malformed");
    if (st != TN_OK) tn_tensor_reset(out);
    return st;
}

/* Borrowed in place, at whatever address: see tn_tensor_align. Big-endian machines must turn the bytes round. */
static tn_status read_raw(const header *h, tn_dtype dtype, size_t bytes, tn_tensor *out) {
    if (h->raw.len != bytes)
        return tn_fail(TN_E_FORMAT, "%s '%.*s': its shape needs %zu bytes of raw_data but there are %zu", h->where,
                       tn_int_of(h->name.len), h->name.ptr ? h->name.ptr : "", bytes, h->raw.len);
    if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) {
        *out = (tn_tensor){ .dtype = dtype, .rank = h->rank, .data = bytes ? (void *)(uintptr_t)h->raw.ptr : NULL };
        memcpy(out->dims, h->dims, sizeof h->dims);
        return TN_OK;
    }
    TN_TRY(tn_tensor_init(out, dtype, h->rank, h->dims, TN_MEM_WEIGHTS));
    size_t width = (size_t)tn_dtypes[dtype].bytes / (tn_dtype_is_complex(dtype) ? 2 : 1);
    uint8_t *d = out->data;
    for (size_t i = 0; i < bytes; i++) d[i] = (uint8_t)h->raw.ptr[i - i % width + (width - 1 - i % width)];
    return TN_OK;
}

tn_status tn_tensor_from_proto(tn_wire w, const char *where, tn_tensor *out, tn_str *name, tn_external *ext) {
    header h;
    int64_t count;
    size_t bytes;
    *out = (tn_tensor){ 0 };
    if (name) *name = (tn_str){ 0 };
    if (ext) *ext = (tn_external){ 0 };
    TN_TRY(read_header(w, where, &h));
    if (name) *name = h.name;
    tn_dtype dtype = tn_dtype_from_onnx(h.code);
    if (dtype == TN_NONE)
        return tn_fail(TN_E_TYPE, "%s '%.*s': element type %d is unknown", where, tn_int_of(h.name.len),
                       h.name.ptr ? h.name.ptr : "", h.code);
    tn_status st = tn_dims_check(dtype, h.rank, h.dims, &count, &bytes);
    if (st != TN_OK) return tn_fail_at(st, "%s '%.*s'", where, tn_int_of(h.name.len), h.name.ptr ? h.name.ptr : "");
    if (h.external) {
        if (!ext) return tn_fail(TN_E_UNSUPPORTED, "%s: external data is not allowed here", where);
        if (!h.ext.location.len) return bad(&h, "external data without a location");
        if (dtype == TN_STRING) return bad(&h, "strings cannot be external");
        *ext = h.ext;
        ext->present = true;
        out->dtype = dtype;
        out->rank = h.rank;
        memcpy(out->dims, h.dims, sizeof h.dims);
        return TN_OK;
    }
    if (dtype == TN_STRING && h.has_raw && h.raw.len) return bad(&h, "strings cannot stand in raw_data");
    if (h.has_raw && (h.raw.len || !h.values[field_of(dtype)]) && dtype != TN_STRING)
        return read_raw(&h, dtype, bytes, out);
    return read_typed(w, &h, dtype, count, out);
}

/* ------------------------------------------------------------------------------- sequences, optionals, maps */

static tn_status sequence(tn_wire w, const char *where, int depth, tn_datum *out);
static tn_status optional(tn_wire w, const char *where, int depth, tn_datum *out);

/* A map's values must be one element each, all of one type: they become one 1-D tensor. */
static tn_status join_values(const tn_datum *seq, const char *where, size_t n, tn_tensor *out) {
    int64_t dim = (int64_t)n;
    if (seq->kind != TN_KIND_SEQUENCE || seq->list->n != n)
        return tn_fail(TN_E_FORMAT, "%s: a map of %zu keys with other than %zu values", where, n, n);
    tn_dtype t = n ? seq->list->items[0].tensor.dtype : TN_F32;
    for (size_t i = 0; i < n; i++) {
        const tn_datum *d = &seq->list->items[i];
        if (d->kind != TN_KIND_TENSOR || tn_count(&d->tensor) != 1 || d->tensor.dtype != t || tn_dtypes[t].block > 1)
            return tn_fail(TN_E_UNSUPPORTED, "%s: a map whose values are not single elements of one type", where);
    }
    TN_TRY(tn_tensor_init(out, t, 1, &dim, TN_MEM_IO));
    size_t width = (size_t)tn_dtypes[t].bytes;
    for (size_t i = 0; i < n; i++) {
        const tn_tensor *v = &seq->list->items[i].tensor;
        const tn_string *s = v->data;
        tn_status st = TN_OK;
        if (t == TN_STRING)
            st = tn_tensor_set_string(out, (int64_t)i, s->ptr, s->len);
        else
            memcpy((char *)out->data + i * width, v->data, width);
        if (st != TN_OK) {
            tn_tensor_reset(out);
            return st;
        }
    }
    return TN_OK;
}

/* MapProto. Its keys are read as the data of a TensorProto would be. */
static tn_status map(tn_wire w, const char *where, int depth, tn_datum *out) {
    tn_wire_field f;
    tn_datum values = { 0 };
    tn_datum items[2] = { { .kind = TN_KIND_TENSOR }, { .kind = TN_KIND_TENSOR } };
    tn_wire_out keys = { 0 };
    tn_status st = TN_OK;
    uint64_t n = 0, type = 0;
    for (bool more;;) {
        if ((st = next_field(&w, where, &f, &more)) != TN_OK || !more) break;
        if (f.number == MAP_KEY_TYPE && f.type == WIRE_VARINT)
            type = f.u;
        else if (f.number == MAP_KEYS && (f.type == WIRE_VARINT || f.type == WIRE_BYTES)) {
            f.number = TENSOR_INT64;
            int64_t more_keys = count_values(&f);
            n += more_keys > 0 ? (uint64_t)more_keys : 0;
            if (f.type == WIRE_VARINT)
                tn_wire_put_varint(&keys, TENSOR_INT64, f.u);
            else
                tn_wire_put_bytes(&keys, TENSOR_INT64, f.bytes.ptr, f.bytes.len);
        } else if (f.number == MAP_STRING_KEYS && f.type == WIRE_BYTES) {
            n++;
            tn_wire_put_bytes(&keys, TENSOR_STRING, f.bytes.ptr, f.bytes.len);
        } else if (f.number == MAP_VALUES && f.type == WIRE_BYTES && values.kind == TN_KIND_NONE) {
            if ((st = sequence(tn_wire_sub(&w, &f), where, depth + 1, &values)) != TN_OK) break;
        }
    }
    if (st != TN_OK) goto done;
    tn_wire_put_varint(&keys, TENSOR_DIMS, n);
    tn_wire_put_varint(&keys, TENSOR_TYPE, type == 8 ? 8 : 7);
    if (keys.failed) st = tn_fail(TN_E_NOMEM, "%s: out of memory", where);
    if (st == TN_OK) st = tn_tensor_from_proto(tn_wire_of(keys.s, keys.n), where, &items[0].tensor, NULL, NULL);
    if (st == TN_OK) st = join_values(&values, where, (size_t)n, &items[1].tensor);
    if (st != TN_OK) goto done;
    out->kind = TN_KIND_MAP;
    if (!(out->list = tn_list_new(2))) {
        *out = (tn_datum){ 0 };
        st = tn_fail(TN_E_NOMEM, "%s: out of memory", where);
        goto done;
    }
    (void)tn_list_push(out->list, &items[0]); /* has room */
    (void)tn_list_push(out->list, &items[1]);
done:
    tn_tensor_reset(&items[0].tensor);
    tn_tensor_reset(&items[1].tensor);
    tn_datum_reset(&values);
    tn_text_free(&keys);
    return st;
}

/* The value in a field of SequenceProto or OptionalProto. */
static tn_status value(tn_wire w, uint32_t number, const char *where, int depth, tn_datum *out) {
    *out = (tn_datum){ 0 };
    if (depth > MAX_DEPTH) return tn_fail(TN_E_LIMIT, "%s: sequences nested deeper than %d", where, MAX_DEPTH);
    switch (number) {
    case ITEM_TENSOR: {
        tn_datum d = { .kind = TN_KIND_TENSOR };
        TN_TRY(tn_tensor_from_proto(w, where, &d.tensor, NULL, NULL));
        tn_status st = tn_tensor_align(&d.tensor);
        if (st == TN_OK)
            *out = d;
        else
            tn_tensor_reset(&d.tensor);
        return st;
    }
    case ITEM_SEQUENCE: return sequence(w, where, depth, out);
    case ITEM_MAP: return map(w, where, depth, out);
    case ITEM_OPTIONAL: return optional(w, where, depth, out);
    default: return tn_fail(TN_E_UNSUPPORTED, "%s: sparse tensors are not supported here", where);
    }
}

static tn_status sequence(tn_wire w, const char *where, int depth, tn_datum *out) {
    tn_wire_field f;
    tn_status st = TN_OK;
    *out = (tn_datum){ 0 };
    if (depth > MAX_DEPTH) return tn_fail(TN_E_LIMIT, "%s: sequences nested deeper than %d", where, MAX_DEPTH);
    tn_list *list = tn_list_new(0);
    if (!list) return tn_fail(TN_E_NOMEM, "%s: out of memory", where);
    for (bool more; st == TN_OK;) {
        if ((st = next_field(&w, where, &f, &more)) != TN_OK || !more) break;
        if (f.number < ITEM_TENSOR || f.number > ITEM_OPTIONAL || f.type != WIRE_BYTES) continue;
        tn_datum d;
        if ((st = value(tn_wire_sub(&w, &f), f.number, where, depth + 1, &d)) != TN_OK) break;
        st = tn_list_push(list, &d);
        tn_datum_reset(&d);
    }
    if (st != TN_OK) {
        tn_list_unref(&list);
        return st;
    }
    out->kind = TN_KIND_SEQUENCE;
    out->list = list;
    return TN_OK;
}

static tn_status optional(tn_wire w, const char *where, int depth, tn_datum *out) {
    tn_wire_field f;
    *out = (tn_datum){ 0 };
    for (bool more;;) {
        tn_status st = next_field(&w, where, &f, &more);
        if (st == TN_OK && !more) return TN_OK;
        if (st == TN_OK && f.number >= ITEM_TENSOR && f.number <= ITEM_OPTIONAL && f.type == WIRE_BYTES) {
            tn_datum_reset(out);
            st = value(tn_wire_sub(&w, &f), f.number, where, depth + 1, out);
        }
        if (st != TN_OK) {
            tn_datum_reset(out);
            return st;
        }
    }
}

tn_status tn_datum_from_sequence_proto(tn_wire w, const char *where, tn_datum *out) {
    return sequence(w, where, 0, out);
}

tn_status tn_datum_from_map_proto(tn_wire w, const char *where, tn_datum *out) { return map(w, where, 0, out); }

tn_status tn_datum_from_optional_proto(tn_wire w, const char *where, tn_datum *out) {
    return optional(w, where, 0, out);
}

/* ------------------------------------------------------------------------------------------------------ writing */

void tn_tensor_to_proto(tn_wire_out *o, const tn_tensor *t, const char *name) {
    for (int i = 0; i < t->rank; i++) tn_wire_put_varint(o, TENSOR_DIMS, (uint64_t)t->dims[i]);
    tn_wire_put_varint(o, TENSOR_TYPE, (uint64_t)tn_dtypes[t->dtype].onnx);
    if (t->dtype == TN_STRING) {
        const tn_string *s = t->data;
        for (int64_t i = 0; i < tn_count(t); i++) tn_wire_put_bytes(o, TENSOR_STRING, s[i].ptr, s[i].len);
    }
    if (name && *name) tn_wire_put_bytes(o, TENSOR_NAME, name, strlen(name));
    if (t->dtype != TN_STRING) tn_wire_put_bytes(o, TENSOR_RAW, t->data, tn_tensor_bytes(t));
}
