/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* model_equal.c - structural comparison of two models. */
#include "lib/model_equal.h"
#include <stdarg.h>
#include <stdio.h>

typedef struct {
    char *why;
    size_t n;
} report;

static bool differ(report *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static bool differ(report *r, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(r->why, r->n, fmt, ap);
    va_end(ap);
    return false;
}

static bool same_tensor(const tn_tensor *a, const tn_tensor *b) {
    if (a->dtype != b->dtype || !tn_dims_equal(a->rank, a->dims, b->rank, b->dims)) return false;
    if (a->dtype != TN_STRING) {
        size_t bytes = tn_tensor_bytes(a);
        return !bytes || !memcmp(a->data, b->data, bytes);
    }
    const tn_string *x = a->data, *y = b->data;
    for (int64_t i = 0; i < tn_count(a); i++)
        if (x[i].len != y[i].len || memcmp(x[i].ptr, y[i].ptr, x[i].len)) return false;
    return true;
}

static const tn_tensor *contents(const tn_value *v) { return v->constant ? v->constant : v->fallback; }

static bool same_value(report *r, const tn_value *a, const tn_value *b, const char *where) {
    if (!a != !b) return differ(r, "%s: a value is omitted", where);
    if (!a) return true;
    if (strcmp(a->name, b->name)) return differ(r, "%s: '%s' and '%s'", where, a->name, b->name);
    if (!a->constant != !b->constant || !a->fallback != !b->fallback)
        return differ(r, "'%s' is constant in one only", a->name);
    if (contents(a) && !same_tensor(contents(a), contents(b)))
        return differ(r, "'%s' differs in its contents", a->name);
    if (a->producer) return true; /* its type follows from the rest */
    tn_text x = { 0 }, y = { 0 };
    tn_type_print(a->graph->model->syms, &a->type, &x);
    tn_type_print(b->graph->model->syms, &b->type, &y);
    bool same = x.n == y.n && (!x.n || !memcmp(x.s, y.s, x.n));
    if (!same) differ(r, "'%s' is %s and %s", a->name, x.s, y.s);
    tn_text_free(&x);
    tn_text_free(&y);
    return same;
}

static bool same_graph(report *r, const tn_graph *a, const tn_graph *b);

static bool same_string(tn_string a, tn_string b) { return a.len == b.len && (!a.len || !memcmp(a.ptr, b.ptr, a.len)); }

static bool same_attr(report *r, const tn_attr *a, const tn_attr *b, const char *where) {
    bool same = !strcmp(a->name, b->name) && a->kind == b->kind && a->n == b->n;
    if (same) switch (a->kind) {
        case TN_ATTR_FLOAT: same = !memcmp(&a->f, &b->f, 4); break;
        case TN_ATTR_INT: same = a->i == b->i; break;
        case TN_ATTR_STRING: same = same_string(a->s, b->s); break;
        case TN_ATTR_TENSOR: same = same_tensor(a->tensor, b->tensor); break;
        case TN_ATTR_GRAPH: return same_graph(r, a->graph, b->graph);
        case TN_ATTR_FLOATS: same = !a->n || !memcmp(a->floats, b->floats, a->n * 4); break;
        case TN_ATTR_INTS: same = !a->n || !memcmp(a->ints, b->ints, a->n * 8); break;
        case TN_ATTR_STRINGS:
            for (size_t i = 0; i < a->n; i++) same &= same_string(a->strings[i], b->strings[i]);
            break;
        case TN_ATTR_TENSORS:
            for (size_t i = 0; i < a->n; i++) same &= same_tensor(a->tensors[i], b->tensors[i]);
            break;
        case TN_ATTR_GRAPHS:
            for (size_t i = 0; i < a->n; i++)
                if (!same_graph(r, a->graphs[i], b->graphs[i])) return false;
            break;
        default: break;
        }
    return same ? true : differ(r, "%s: attribute '%s' differs", where, a->name);
}

static bool same_list(report *r, tn_value *const *a, int na, tn_value *const *b, int nb, const char *where) {
    if (na != nb) return differ(r, "%s: %d and %d values", where, na, nb);
    for (int i = 0; i < na; i++)
        if (!same_value(r, a[i], b[i], where)) return false;
    return true;
}

static bool same_node(report *r, const tn_node *a, const tn_node *b) {
    if (strcmp(a->name, b->name) || strcmp(a->type, b->type) || strcmp(a->domain, b->domain))
        return differ(r, "node '%s' (%s) and node '%s' (%s)", a->name, a->type, b->name, b->type);
    if (a->n_attrs != b->n_attrs) return differ(r, "node '%s': %d and %d attributes", a->name, a->n_attrs, b->n_attrs);
    for (int i = 0; i < a->n_attrs; i++)
        if (!same_attr(r, &a->attrs[i], &b->attrs[i], a->name)) return false;
    return same_list(r, a->inputs, a->n_inputs, b->inputs, b->n_inputs, a->name) &&
           same_list(r, a->outputs, a->n_outputs, b->outputs, b->n_outputs, a->name);
}

static bool same_graph(report *r, const tn_graph *a, const tn_graph *b) {
    const tn_node *x = a->first, *y = b->first;
    for (; x && y; x = x->next, y = y->next)
        if (!same_node(r, x, y)) return false;
    if (x || y) return differ(r, "%d and %d nodes", a->n_nodes, b->n_nodes);
    return same_list(r, a->inputs, a->n_inputs, b->inputs, b->n_inputs, "graph inputs") &&
           same_list(r, a->outputs, a->n_outputs, b->outputs, b->n_outputs, "graph outputs");
}

bool models_equal(const tn_model *a, const tn_model *b, char *why, size_t n) {
    report r = { why, n };
    if (!same_graph(&r, a->graph, b->graph)) return false;
    bool same = a->n_meta == b->n_meta;
    for (int i = 0; same && i < a->n_meta; i++)
        same = !strcmp(a->meta[i].key, b->meta[i].key) && !strcmp(a->meta[i].value, b->meta[i].value);
    if (!same) snprintf(why, n, "the metadata differs");
    return same;
}
