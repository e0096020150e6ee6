/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* attr.c - AttributeProto to tn_attr, with references to the attributes of a called function. Source: onnx.proto;
 * docs/IR.md, "Functions". */
#include "format/onnx/fields.h"
#include "format/onnx/read.h"

/* AttributeProto.AttributeType, field that carries it, our kind. SPARSE_TENSOR becomes a dense tensor. */
static const struct {
    uint32_t code, field;
    tn_attr_kind kind;
} kinds[] = {
    { ATTR_IS_FLOAT, ATTR_F, TN_ATTR_FLOAT },
    { ATTR_IS_INT, ATTR_I, TN_ATTR_INT },
    { ATTR_IS_STRING, ATTR_S, TN_ATTR_STRING },
    { ATTR_IS_TENSOR, ATTR_T, TN_ATTR_TENSOR },
    { ATTR_IS_GRAPH, ATTR_G, TN_ATTR_GRAPH },
    { ATTR_IS_FLOATS, ATTR_FLOATS, TN_ATTR_FLOATS },
    { ATTR_IS_INTS, ATTR_INTS, TN_ATTR_INTS },
    { ATTR_IS_STRINGS, ATTR_STRINGS, TN_ATTR_STRINGS },
    { ATTR_IS_TENSORS, ATTR_TENSORS, TN_ATTR_TENSORS },
    { ATTR_IS_GRAPHS, ATTR_GRAPHS, TN_ATTR_GRAPHS },
    { ATTR_IS_SPARSE, ATTR_SPARSE, TN_ATTR_TENSOR },
    { ATTR_IS_SPARSES, ATTR_SPARSES, TN_ATTR_TENSORS },
    { ATTR_IS_TYPE, ATTR_TP, TN_ATTR_TYPE },
};

typedef struct {
    tn_str name, ref;
    uint64_t type; /* 0: not given */
    uint32_t seen; /* bit per field number */
    uint64_t i;
    uint32_t f;
    tn_str s;
    tn_wire sub;       /* t, g, tp, sparse_tensor: the last one */
    size_t counts[24]; /* of the repeated fields */
} attr_fields;

static size_t count_varints(tn_str s) {
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) n += (uint8_t)s.ptr[i] < 0x80;
    return n;
}

static tn_status scan_attr(tn_wire w, attr_fields *out) {
    tn_status st = TN_OK;
    tn_wire_field f;
    *out = (attr_fields){ 0 };
    TN_FIELDS(w, f, st) {
        if (f.number >= TN_COUNT(out->counts)) continue;
        bool packed = f.type == WIRE_BYTES;
        switch (f.number) {
        case ATTR_NAME:
            if (packed) out->name = f.bytes;
            continue;
        case ATTR_REF:
            if (packed) out->ref = f.bytes;
            continue;
        case ATTR_TYPE:
            if (f.type == WIRE_VARINT) out->type = f.u;
            continue;
        case ATTR_F:
            if (f.type != WIRE_FIXED32) continue;
            out->f = (uint32_t)f.u;
            break;
        case ATTR_I:
            if (f.type != WIRE_VARINT) continue;
            out->i = f.u;
            break;
        case ATTR_S:
            if (!packed) continue;
            out->s = f.bytes;
            break;
        case ATTR_T:
        case ATTR_G:
        case ATTR_TP:
        case ATTR_SPARSE:
            if (!packed) continue;
            out->sub = tn_wire_sub(&w, &f);
            break;
        case ATTR_FLOATS:
            if (packed && f.bytes.len % 4) return tn_fail(TN_E_FORMAT, "packed floats of %zu bytes", f.bytes.len);
            if (!packed && f.type != WIRE_FIXED32) continue;
            out->counts[ATTR_FLOATS] += packed ? f.bytes.len / 4 : 1;
            break;
        case ATTR_INTS:
            if (!packed && f.type != WIRE_VARINT) continue;
            out->counts[ATTR_INTS] += packed ? count_varints(f.bytes) : 1;
            break;
        case ATTR_STRINGS:
        case ATTR_TENSORS:
        case ATTR_GRAPHS:
        case ATTR_SPARSES:
            if (!packed) continue;
            out->counts[f.number]++;
            break;
        default: continue;
        }
        out->seen |= UINT32_C(1) << f.number;
    }
    return st;
}

/* ---------------------------------------------------------------------------------------------- repeated fields */

static float f32_of(uint32_t u) {
    float f;
    memcpy(&f, &u, 4);
    return f;
}

static tn_status read_floats(tn_onnx_reader *r, tn_wire w, tn_attr *a) {
    tn_status st = TN_OK;
    tn_wire_field f;
    float *v = tn_arena_array(r->m->arena, float, a->n ? a->n : 1);
    size_t n = 0;
    if (!v) return tn_fail(TN_E_NOMEM, "%zu floats", a->n);
    TN_FIELDS(w, f, st) {
        if (f.number != ATTR_FLOATS) continue;
        if (f.type == WIRE_FIXED32) v[n++] = f32_of((uint32_t)f.u);
        if (f.type == WIRE_BYTES && f.bytes.len) memcpy(v + n, f.bytes.ptr, f.bytes.len), n += f.bytes.len / 4;
    }
    a->floats = v;
    return st;
}

static tn_status read_ints(tn_onnx_reader *r, tn_wire w, tn_attr *a) {
    tn_status st = TN_OK;
    tn_wire_field f;
    int64_t *v = tn_arena_array(r->m->arena, int64_t, a->n ? a->n : 1);
    size_t n = 0;
    if (!v) return tn_fail(TN_E_NOMEM, "%zu integers", a->n);
    TN_FIELDS(w, f, st) {
        if (f.number != ATTR_INTS) continue;
        if (f.type == WIRE_VARINT) v[n++] = (int64_t)f.u;
        if (f.type != WIRE_BYTES) continue;
        const uint8_t *p = (const uint8_t *)f.bytes.ptr, *end = p + f.bytes.len;
        while (p < end) {
            uint64_t u;
            if (!tn_wire_varint(&p, end, &u))
                return tn_fail(TN_E_FORMAT, "a malformed packed integer at byte %zu", (size_t)(p - w.base));
            v[n++] = (int64_t)u;
        }
    }
    a->n = n;
    a->ints = v;
    return st;
}

static tn_status read_strings(tn_onnx_reader *r, tn_wire w, tn_attr *a) {
    tn_status st = TN_OK;
    tn_wire_field f;
    tn_string *v = tn_arena_array(r->m->arena, tn_string, a->n ? a->n : 1);
    size_t n = 0;
    if (!v) return tn_fail(TN_E_NOMEM, "%zu strings", a->n);
    TN_FIELDS(w, f, st) {
        if (f.number == ATTR_STRINGS && f.type == WIRE_BYTES) v[n++] = (tn_string){ f.bytes.ptr, f.bytes.len };
    }
    a->strings = v;
    return st;
}

/* Operators read the tensors of their attributes where they lie, so they are aligned; that of Constant ("value")
 * becomes a constant of the graph, which may lie at any address. */
static tn_status read_tensor(tn_onnx_reader *r, tn_wire w, const tn_attr *a, bool sparse, const char *where,
                             tn_tensor **out) {
    tn_str name;
    *out = tn_model_tensor(r->m);
    if (!*out) return TN_E_NOMEM;
    if (sparse) return tn_onnx_sparse(r, w, where, *out, &name);
    TN_TRY(tn_onnx_tensor(r, w, where, *out, &name));
    return strcmp(a->name, "value") ? tn_tensor_align(*out) : TN_OK;
}

static tn_status read_graph(tn_onnx_reader *r, tn_onnx_scope *s, const tn_onnx_call *call, tn_wire w, tn_graph **out) {
    *out = tn_graph_new(r->m, s->graph, "");
    return *out ? tn_onnx_graph(r, s, call, w, *out) : TN_E_LIMIT;
}

/* Tensors and graphs: a list of sub-messages under one field number. */
static tn_status read_messages(tn_onnx_reader *r, tn_onnx_scope *s, const tn_onnx_call *call, tn_wire w, uint32_t field,
                               const char *where, tn_attr *a) {
    tn_status st = TN_OK;
    tn_wire_field f;
    void **v = tn_arena_array(r->m->arena, void *, a->n ? a->n : 1);
    size_t n = 0;
    if (!v) return tn_fail(TN_E_NOMEM, "%zu entries", a->n);
    TN_FIELDS(w, f, st) {
        if (f.number != field || f.type != WIRE_BYTES) continue;
        tn_wire sub = tn_wire_sub(&w, &f);
        if (field == ATTR_GRAPHS) {
            tn_graph *g;
            TN_TRY(read_graph(r, s, call, sub, &g));
            v[n++] = g;
        } else {
            tn_tensor *t;
            TN_TRY(read_tensor(r, sub, a, field == ATTR_SPARSES, where, &t));
            v[n++] = t;
        }
    }
    if (field == ATTR_GRAPHS)
        a->graphs = (tn_graph *const *)v;
    else
        a->tensors = (tn_tensor *const *)v;
    return st;
}

/* ------------------------------------------------------------------------------------------------------- one value */

static tn_status read_value(tn_onnx_reader *r, tn_onnx_scope *s, const tn_onnx_call *call, tn_wire w,
                            const attr_fields *af, uint32_t field, const char *where, tn_attr *a) {
    switch (field) {
    case ATTR_F: a->f = f32_of(af->f); return TN_OK;
    case ATTR_I: a->i = (int64_t)af->i; return TN_OK;
    case ATTR_S: a->s = (tn_string){ af->s.ptr ? af->s.ptr : "", af->s.len }; return TN_OK;
    case ATTR_FLOATS: return read_floats(r, w, a);
    case ATTR_INTS: return read_ints(r, w, a);
    case ATTR_STRINGS: return read_strings(r, w, a);
    case ATTR_TENSORS:
    case ATTR_SPARSES:
    case ATTR_GRAPHS: return read_messages(r, s, call, w, field, where, a);
    default: break;
    }
    if (!af->sub.p) return tn_fail(TN_E_FORMAT, "it has no value");
    if (field == ATTR_G) return read_graph(r, s, call, af->sub, &a->graph);
    if (field == ATTR_TP) {
        tn_type *t = tn_arena_new_of(r->m->arena, tn_type);
        a->type = t;
        return t ? tn_onnx_type(r, af->sub, false, 0, t, NULL) : tn_fail(TN_E_NOMEM, "a type");
    }
    return read_tensor(r, af->sub, a, field == ATTR_SPARSE, where, &a->tensor);
}

/* The kind by the discriminator, or (files older than IR 2 have none) by the field that is there. */
static int kind_of(const attr_fields *af) {
    for (size_t i = 0; i < TN_COUNT(kinds); i++)
        if (af->type ? kinds[i].code == af->type : (af->seen >> kinds[i].field & 1) != 0) return (int)i;
    return -1;
}

static tn_status read_own(tn_onnx_reader *r, tn_onnx_scope *s, const tn_onnx_call *call, tn_wire w,
                          const attr_fields *af, const char *where, tn_attr *out) {
    int k = kind_of(af);
    if (k < 0 && !af->type) return tn_fail(TN_E_FORMAT, "it has neither type nor value");
    if (k < 0) return tn_fail(TN_E_UNSUPPORTED, "attribute type %llu", (unsigned long long)af->type);
    out->kind = kinds[k].kind;
    out->n = af->counts[kinds[k].field];
    if (out->n > INT32_MAX) return tn_fail(TN_E_LIMIT, "it has %zu entries", out->n); /* operators count with int */
    return read_value(r, s, call, w, af, kinds[k].field, where, out);
}

/* The attribute `name` as the call gives it, or the function's default; absent when there is neither. The value is read
 * in the surroundings of the call, where it was written. */
static tn_status read_reference(tn_onnx_reader *r, tn_onnx_scope *s, const tn_onnx_call *call, tn_str name,
                                const char *where, tn_attr *out, bool *present) {
    *present = false;
    if (!call) return tn_fail(TN_E_GRAPH, "it refers to an attribute of a function but stands in none");
    for (int i = 0; i < call->n_attrs; i++) {
        if (!tn_str_same(tn_onnx_peek(call->attrs[i], ATTR_NAME), name)) continue;
        tn_onnx_scope at = *call->scope; /* a graph attribute's nodes go where the function's body goes */
        at.graph = s->graph;
        TN_TRY(tn_onnx_expand(r, (size_t)(call->attrs[i].end - call->attrs[i].p)));
        if (++r->depth > TN_ONNX_MAX_DEPTH) return r->depth--, tn_fail(TN_E_LIMIT, "references are nested too deep");
        tn_status st = tn_onnx_attr(r, &at, call->outer, call->attrs[i], where, out, present);
        r->depth--;
        return st;
    }
    for (int i = 0; i < call->function->n_defaults; i++) {
        tn_wire w = call->function->defaults[i];
        if (!tn_str_same(tn_onnx_peek(w, ATTR_NAME), name)) continue;
        TN_TRY(tn_onnx_expand(r, (size_t)(w.end - w.p)));
        return tn_onnx_attr(r, s, NULL, w, where, out, present);
    }
    return TN_OK;
}

tn_status tn_onnx_attr(tn_onnx_reader *r, tn_onnx_scope *s, const tn_onnx_call *call, tn_wire w, const char *where,
                       tn_attr *out, bool *present) {
    attr_fields af;
    const char *name;
    *out = (tn_attr){ 0 };
    *present = true;
    tn_status st = scan_attr(w, &af);
    if (st == TN_OK && !af.name.len)
        st = tn_fail(TN_E_FORMAT, "an attribute at byte %zu has no name", (size_t)(w.p - w.base));
    if (st == TN_OK) st = tn_onnx_text(r, af.name, "the name of an attribute", &name);
    if (st != TN_OK) return tn_fail_at(st, "%s", where);
    out->name = name;
    if (af.ref.len)
        st = read_reference(r, s, call, af.ref, where, out, present);
    else
        st = read_own(r, s, call, w, &af, where, out);
    out->name = name;
    if (st == TN_OK || out->kind == TN_ATTR_GRAPH) return st == TN_OK ? st : tn_fail_at(st, "%s", where);
    return tn_fail_at(st, "%s: attribute '%.100s'", where, name);
}

/* ------------------------------------------------------------------------------------------------------ Constant */

static tn_status list_tensor(tn_tensor *t, tn_dtype dtype, bool scalar, const void *data, size_t n) {
    TN_TRY(tn_tensor_init(t, dtype, scalar ? 0 : 1, (int64_t[]){ (int64_t)n }, TN_MEM_WEIGHTS));
    if (n && dtype != TN_STRING) memcpy(t->data, data, n * (dtype == TN_F32 ? 4 : 8));
    for (size_t i = 0; dtype == TN_STRING && i < n; i++) {
        const tn_string *s = data;
        TN_TRY(tn_tensor_set_string(t, (int64_t)i, s[i].ptr, s[i].len));
    }
    return TN_OK;
}

tn_status tn_onnx_constant(tn_onnx_reader *r, const tn_attr *attrs, int n, const char *where, tn_tensor *out) {
    static const struct {
        const char *name;
        tn_attr_kind kind;
    } forms[] = {
        { "value", TN_ATTR_TENSOR },        { "sparse_value", TN_ATTR_TENSOR },   { "value_float", TN_ATTR_FLOAT },
        { "value_floats", TN_ATTR_FLOATS }, { "value_int", TN_ATTR_INT },         { "value_ints", TN_ATTR_INTS },
        { "value_string", TN_ATTR_STRING }, { "value_strings", TN_ATTR_STRINGS },
    };
    const tn_attr *a = NULL;
    for (int i = 0; i < n; i++)
        for (size_t k = 0; k < TN_COUNT(forms); k++) {
            if (strcmp(attrs[i].name, forms[k].name)) continue;
            if (a) return tn_fail(TN_E_GRAPH, "%s has two values, '%s' and '%s'", where, a->name, attrs[i].name);
            if (attrs[i].kind != forms[k].kind)
                return tn_fail(TN_E_GRAPH, "%s: '%s' has the wrong type", where, attrs[i].name);
            a = &attrs[i];
        }
    if (!a) return tn_fail(TN_E_GRAPH, "%s has no value", where);
    switch (a->kind) {
    case TN_ATTR_FLOAT: return list_tensor(out, TN_F32, true, &a->f, 1);
    case TN_ATTR_FLOATS: return list_tensor(out, TN_F32, false, a->floats, a->n);
    case TN_ATTR_INT: return list_tensor(out, TN_I64, true, &a->i, 1);
    case TN_ATTR_INTS: return list_tensor(out, TN_I64, false, a->ints, a->n);
    case TN_ATTR_STRING: return list_tensor(out, TN_STRING, true, &a->s, 1);
    case TN_ATTR_STRINGS: return list_tensor(out, TN_STRING, false, a->strings, a->n);
    default: tn_tensor_share(out, a->tensor); return TN_OK;
    }
}
