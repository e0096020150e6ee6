/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* type.c - types of values: reading them off data, printing, narrowing, finding what two have in common. */
#include "graph/type.h"
#include "base/clean.h"
#include <string.h>

#define MAX_NEST 16 /* sequences of optionals of ... */

tn_type tn_type_of(const tn_datum *d) {
    tn_type t = { .kind = d->kind, .rank = -1 };
    if (d->kind == TN_KIND_TENSOR) {
        t.dtype = d->tensor.dtype;
        t.rank = d->tensor.rank;
        for (int i = 0; i < t.rank; i++) t.dims[i] = d->tensor.dims[i];
    } else if (d->kind == TN_KIND_MAP && d->list->n && d->list->items[0].kind == TN_KIND_TENSOR) {
        t.dtype = d->list->items[0].tensor.dtype;
    } else if (d->kind == TN_KIND_SEQUENCE && d->list->n && d->list->items[0].kind == TN_KIND_TENSOR) {
        t.dtype = d->list->items[0].tensor.dtype; /* a hint: elem would need an arena */
    }
    return t;
}

bool tn_type_static(const tn_type *t) {
    if (t->kind != TN_KIND_TENSOR || t->rank < 0) return false;
    for (int i = 0; i < t->rank; i++)
        if (!tn_dim_known(t->dims[i])) return false;
    return true;
}

tn_dim tn_type_count(tn_syms *s, const tn_type *t) {
    if (t->kind != TN_KIND_TENSOR || t->rank < 0) return TN_DIM_UNKNOWN;
    tn_dim n = 1;
    for (int i = 0; i < t->rank; i++) n = tn_dim_mul(s, n, t->dims[i]);
    return n;
}

/* Symbols are names from files. */
static void put_dim(const tn_syms *s, tn_dim d, tn_text *out) {
    size_t at = out->n;
    tn_dim_print(s, d, out);
    if (out->failed || !out->s || tn_is_clean(out->s + at, out->n - at)) return;
    const char *clean = tn_shown(out->s + at);
    out->n = at;
    tn_text_puts(out, clean);
}

static void print(const tn_syms *s, const tn_type *t, tn_text *out, int depth) {
    static const char *const kinds[] = {
        [TN_KIND_NONE] = "?", [TN_KIND_SEQUENCE] = "seq", [TN_KIND_OPTIONAL] = "optional", [TN_KIND_MAP] = "map"
    };
    if (t->kind == TN_KIND_TENSOR) {
        tn_text_puts(out, t->dtype == TN_NONE ? "?" : tn_dtype_name(t->dtype));
        if (t->rank < 0) {
            tn_text_puts(out, "[...]");
            return;
        }
        tn_text_puts(out, "[");
        for (int i = 0; i < t->rank; i++) {
            if (i) tn_text_puts(out, ",");
            put_dim(s, t->dims[i], out);
        }
        tn_text_puts(out, "]");
        return;
    }
    tn_text_puts(out, kinds[t->kind]);
    if (t->kind == TN_KIND_NONE) return;
    tn_text_puts(out, "(");
    if (t->kind == TN_KIND_MAP) tn_text_printf(out, "%s, ", tn_dtype_name(t->dtype));
    if (t->elem && depth < MAX_NEST)
        print(s, t->elem, out, depth + 1);
    else
        tn_text_puts(out, "?");
    tn_text_puts(out, ")");
}

void tn_type_print(const tn_syms *s, const tn_type *t, tn_text *out) { print(s, t, out, 0); }

static const char *const kind_names[] = { "nothing", "a tensor", "a sequence", "an optional", "a map" };

tn_status tn_type_merge(tn_type *into, const tn_type *other) {
    if (other->kind == TN_KIND_NONE) return TN_OK;
    if (into->kind == TN_KIND_NONE) {
        *into = *other;
        return TN_OK;
    }
    if (into->kind != other->kind)
        return tn_fail(TN_E_TYPE, "it is %s and %s at once", kind_names[into->kind], kind_names[other->kind]);
    if (into->dtype != TN_NONE && other->dtype != TN_NONE && into->dtype != other->dtype)
        return tn_fail(TN_E_TYPE, "it is %s and %s at once", tn_dtype_name(into->dtype), tn_dtype_name(other->dtype));
    if (into->kind == TN_KIND_TENSOR && into->rank >= 0 && other->rank >= 0) {
        if (into->rank != other->rank)
            return tn_fail(TN_E_SHAPE, "it has %d and %d dimensions at once", into->rank, other->rank);
        for (int i = 0; i < into->rank; i++)
            if (tn_dim_known(into->dims[i]) && tn_dim_known(other->dims[i]) && into->dims[i] != other->dims[i])
                return tn_fail(TN_E_SHAPE, "dimension %d is %lld and %lld at once", i, (long long)into->dims[i],
                               (long long)other->dims[i]);
    }
    if (into->dtype == TN_NONE) into->dtype = other->dtype;
    if (!into->elem) into->elem = other->elem;
    if (into->kind != TN_KIND_TENSOR || other->rank < 0) return TN_OK;
    if (into->rank < 0) {
        into->rank = other->rank;
        memcpy(into->dims, other->dims, sizeof into->dims);
        return TN_OK;
    }
    for (int i = 0; i < into->rank; i++) /* a number tells more than an expression, that more than nothing */
        if (into->dims[i] == TN_DIM_UNKNOWN || (tn_dim_symbolic(into->dims[i]) && tn_dim_known(other->dims[i])))
            into->dims[i] = other->dims[i];
    return TN_OK;
}

/* Tensors of which only the element type is known. */
static const tn_type tensors_of[TN_DTYPE_COUNT] = {
#define X(id, name, onnx, block, bytes) [TN_##id] = { .kind = TN_KIND_TENSOR, .dtype = TN_##id, .rank = -1 },
    TN_DTYPES(X)
#undef X
};

void tn_type_join(tn_type *into, const tn_type *other) {
    if (into->kind != other->kind) {
        *into = (tn_type){ .kind = TN_KIND_NONE, .rank = -1 };
        return;
    }
    if (into->dtype != other->dtype) into->dtype = TN_NONE;
    if (into->elem != other->elem) {
        /* Elements are shared, immutable types: keep ours where both print the same, as far as tensors go. */
        const tn_type *a = into->elem, *b = other->elem;
        bool same = a && b && a->kind == b->kind && a->dtype == b->dtype && a->rank == b->rank && a->elem == b->elem;
        for (int i = 0; same && i < a->rank; i++) same = a->dims[i] == b->dims[i];
        bool alike = a && b && a->kind == TN_KIND_TENSOR && b->kind == TN_KIND_TENSOR && a->dtype == b->dtype;
        if (!same) into->elem = alike ? &tensors_of[a->dtype] : NULL;
    }
    if (into->rank != other->rank) into->rank = -1;
    for (int i = 0; i < into->rank; i++)
        if (into->dims[i] != other->dims[i]) into->dims[i] = TN_DIM_UNKNOWN;
}
