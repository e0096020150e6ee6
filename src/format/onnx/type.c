/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* type.c - TypeProto and ValueInfoProto to tn_type. Source: onnx.proto. */
#include "format/onnx/fields.h"
#include "format/onnx/read.h"

#define MAX_TYPE_DEPTH 16

static tn_status element(uint64_t code, tn_dtype *out) {
    *out = code <= 1000 ? tn_dtype_from_onnx((int)code) : TN_NONE;
    if (code && *out == TN_NONE)
        return tn_fail(TN_E_UNSUPPORTED, "element type %llu is not known", (unsigned long long)code);
    return TN_OK;
}

/* The main graph's inputs name the symbols; elsewhere a name counts only when an input carries it, so that inference
 * finds expressions in terms of the inputs. The text is kept in any case. */
static tn_status symbol(tn_onnx_reader *r, tn_str name, bool names_symbols, tn_dim *dim, const char **kept) {
    *dim = TN_DIM_UNKNOWN;
    if (!name.len) return TN_OK;
    TN_TRY(tn_onnx_text(r, name, "the name of a dimension", kept));
    if (names_symbols) TN_TRY(tn_map_put(r->symbols, *kept, name.len, r));
    if (!tn_map_get(r->symbols, name.ptr, name.len)) return TN_OK;
    bool sum = strpbrk(*kept, "+*") || strstr(*kept, " - "); /* "past + seq": an expression over other symbols */
    if (sum) *dim = tn_dim_parse(r->m->syms, *kept);
    if (*dim == TN_DIM_UNKNOWN) *dim = tn_sym(r->m->syms, *kept);
    return TN_OK;
}

static tn_status read_dim(tn_onnx_reader *r, tn_wire w, bool names_symbols, tn_dim *dim, const char **kept) {
    tn_status st = TN_OK;
    tn_wire_field f;
    *dim = TN_DIM_UNKNOWN;
    TN_FIELDS(w, f, st) {
        if (f.number == DIM_VALUE && f.type == WIRE_VARINT) {
            int64_t v = (int64_t)f.u; /* some writers put -1 for "unknown" */
            *dim = v >= 0 && v < INT64_C(1) << 61 ? v : TN_DIM_UNKNOWN;
        }
        if (f.number == DIM_PARAM && f.type == WIRE_BYTES) TN_TRY(symbol(r, f.bytes, names_symbols, dim, kept));
    }
    return st;
}

static tn_status read_shape(tn_onnx_reader *r, tn_wire w, bool names_symbols, tn_type *out, const char **symbols) {
    tn_status st = TN_OK;
    tn_wire_field f;
    out->rank = 0;
    TN_FIELDS(w, f, st) {
        if (f.number != SHAPE_DIM || f.type != WIRE_BYTES) continue;
        if (out->rank == TN_MAX_RANK) return tn_fail(TN_E_LIMIT, "a tensor of more than %d dimensions", TN_MAX_RANK);
        const char *unused = NULL, **kept = symbols ? &symbols[out->rank] : &unused;
        TN_TRY(read_dim(r, tn_wire_sub(&w, &f), names_symbols, &out->dims[out->rank], kept));
        out->rank++;
    }
    return st;
}

static tn_status read_tensor(tn_onnx_reader *r, tn_wire w, bool names_symbols, tn_type *out, const char **symbols) {
    tn_status st = TN_OK;
    tn_wire_field f;
    *out = tn_type_tensor(TN_NONE);
    TN_FIELDS(w, f, st) {
        if (f.number == TYPE_TENSOR_ELEMENT && f.type == WIRE_VARINT) TN_TRY(element(f.u, &out->dtype));
        if (f.number == TYPE_TENSOR_SHAPE && f.type == WIRE_BYTES)
            TN_TRY(read_shape(r, tn_wire_sub(&w, &f), names_symbols, out, symbols));
    }
    return st;
}

static tn_status read_container(tn_onnx_reader *r, tn_wire w, tn_kind kind, bool names_symbols, int depth,
                                tn_type *out) {
    tn_status st = TN_OK;
    tn_wire_field f;
    *out = (tn_type){ .kind = kind, .rank = -1 };
    bool map = kind == TN_KIND_MAP;
    TN_FIELDS(w, f, st) {
        if (map && f.number == TYPE_MAP_KEY && f.type == WIRE_VARINT) TN_TRY(element(f.u, &out->dtype));
        if (f.number != (map ? TYPE_MAP_VALUE : TYPE_LIST_ELEMENT) || f.type != WIRE_BYTES) continue;
        tn_type *elem = tn_arena_new_of(r->m->arena, tn_type);
        if (!elem) return tn_fail(TN_E_NOMEM, "a type");
        TN_TRY(tn_onnx_type(r, tn_wire_sub(&w, &f), names_symbols, depth + 1, elem, NULL));
        out->elem = elem;
    }
    return st;
}

tn_status tn_onnx_type(tn_onnx_reader *r, tn_wire w, bool names_symbols, int depth, tn_type *out,
                       const char **symbols) {
    tn_status st = TN_OK;
    tn_wire_field f;
    *out = (tn_type){ .rank = -1 };
    if (depth > MAX_TYPE_DEPTH) return tn_fail(TN_E_LIMIT, "a type nested deeper than %d", MAX_TYPE_DEPTH);
    TN_FIELDS(w, f, st) {
        if (f.type != WIRE_BYTES) continue;
        tn_wire sub = tn_wire_sub(&w, &f);
        switch (f.number) {
        case TYPE_TENSOR: TN_TRY(read_tensor(r, sub, names_symbols, out, symbols)); break;
        case TYPE_SEQUENCE: TN_TRY(read_container(r, sub, TN_KIND_SEQUENCE, names_symbols, depth, out)); break;
        case TYPE_MAP: TN_TRY(read_container(r, sub, TN_KIND_MAP, names_symbols, depth, out)); break;
        case TYPE_OPTIONAL: TN_TRY(read_container(r, sub, TN_KIND_OPTIONAL, names_symbols, depth, out)); break;
        case TYPE_SPARSE: return tn_fail(TN_E_UNSUPPORTED, "sparse tensors as inputs or outputs are not supported");
        case TYPE_OPAQUE: return tn_fail(TN_E_UNSUPPORTED, "opaque types are not supported");
        default: break;
        }
    }
    return st;
}

tn_status tn_onnx_value_info(tn_onnx_reader *r, tn_wire w, bool names_symbols, tn_onnx_info *out) {
    tn_status st = TN_OK, wrong = TN_OK;
    tn_wire_field f;
    tn_wire type = { 0 };
    *out = (tn_onnx_info){ .type.rank = -1 };
    TN_FIELDS(w, f, st) {
        if (f.type != WIRE_BYTES) continue;
        if (f.number == INFO_NAME) out->name = f.bytes;
        if (f.number == INFO_TYPE) type = tn_wire_sub(&w, &f);
    }
    if (st == TN_OK && type.p) wrong = tn_onnx_type(r, type, names_symbols, 0, &out->type, out->symbols);
    if (wrong != TN_OK)
        return tn_fail_at(wrong, "'%.*s'", (int)(out->name.len < 200 ? out->name.len : 200),
                          out->name.ptr ? out->name.ptr : "");
    return st;
}
