/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* bound.c - see bound.h. */
#include "engine/bound.h"
#include "base/budget.h"
#include <string.h>

enum { ALIGN = 64 };

static bool overlap(const void *a, size_t na, const void *b, size_t nb) {
    uintptr_t x = (uintptr_t)a, y = (uintptr_t)b;
    return na && nb && (x < y ? y - x < na : x - y < nb);
}

tn_status tn_bound_check(const tn_graph *g, const tn_bound_output *v, size_t n) {
    if (!n) return TN_OK;
    if (!v) return tn_fail(TN_E_INVALID, "tn_run_opts.n_bound is %zu, but bound is NULL", n);
    if (n > (size_t)g->n_outputs) return tn_fail(TN_E_INVALID, "%zu bound outputs; the model has %d", n, g->n_outputs);
    for (size_t i = 0; i < n; i++) {
        const char *name = g->outputs[i]->name;
        if (!v[i].data) continue;
        if (v[i].dtype == TN_STRING || (unsigned)v[i].dtype >= TN_DTYPE_COUNT)
            return tn_fail(TN_E_TYPE, "output '%s' cannot be bound to memory for %s", name,
                           v[i].dtype == TN_STRING ? "strings, which lie elsewhere" : "elements of no known type");
        for (size_t k = 0; k < i; k++)
            if (v[k].data && overlap(v[i].data, v[i].bytes, v[k].data, v[k].bytes))
                return tn_fail(TN_E_INVALID, "outputs '%s' and '%s' are bound to memory that overlaps",
                               g->outputs[k]->name, name);
    }
    return TN_OK;
}

static size_t bytes_of(const tn_tensor *t) {
    size_t bytes = 0;
    return tn_dtype_bytes(t->dtype, tn_count(t), &bytes) ? bytes : SIZE_MAX;
}

bool tn_bound_serves(const tn_bound *b, int i) {
    const tn_bound_output *o = &b->v[i];
    if ((uintptr_t)o->data % ALIGN) return false;
    for (size_t k = 0; k < b->n_in; k++) {
        const tn_datum *d = b->in[k];
        if (!d) continue;
        if (d->kind != TN_KIND_TENSOR || overlap(o->data, o->bytes, d->tensor.data, bytes_of(&d->tensor))) return false;
    }
    return true;
}

tn_status tn_bound_take(tn_bound_output *o, const char *name, const tn_tensor *t) {
    char shape[TN_MAX_RANK * 24];
    TN_TRY(tn_tensor_plain(t, name));
    o->rank = t->rank;
    memcpy(o->dims, t->dims, sizeof o->dims);
    o->needed = bytes_of(t);
    if (t->dtype == TN_STRING || (o->dtype != TN_NONE && o->dtype != t->dtype))
        return tn_fail(TN_E_TYPE, "output '%s' is %s; it is bound to memory for %s", name, tn_dtype_name(t->dtype),
                       o->dtype == TN_NONE ? "numbers" : tn_dtype_name(o->dtype));
    o->dtype = t->dtype;
    if (o->needed > o->bytes)
        return tn_fail(TN_E_SHAPE, "output '%s' is %s [%s], %zu bytes; it is bound to memory of %zu", name,
                       tn_dtype_name(t->dtype), tn_dims_text(t->rank, t->dims, shape, sizeof shape), o->needed,
                       o->bytes);
    return TN_OK;
}

tn_status tn_bound_store(tn_bound_output *o, const char *name, const tn_datum *d) {
    if (d->kind != TN_KIND_TENSOR)
        return tn_fail(TN_E_UNSUPPORTED, "output '%s' is bound to memory, but not a tensor", name);
    if (d->tensor.data == o->data) return TN_OK; /* it was computed there */
    TN_TRY(tn_bound_take(o, name, &d->tensor));
    if (o->needed) tn_budget_copy(o->data, d->tensor.data, o->needed);
    return TN_OK;
}
