/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* text_print.c - a graph as text for people: one line per node with types and attributes.
 *
 *   graph main(x: float32[1,3,8,8]) -> (y)
 *     w: float32[4,3,3,3] constant
 *     y: float32[1,4,8,8] = Conv(x, w) { pads=[1,1,1,1] }  # conv1 */
#include "base/clean.h"
#include "format/format.h"
#include "tensor/encoding.h"

#define SHOWN 8 /* elements of lists and small constants */

static void indent(tn_text *t, int depth) {
    for (int i = 0; i < depth; i++) tn_text_puts(t, "  ");
}

/* Names come from the file: nothing in them may speak to the terminal. */
static void put_name(tn_text *t, const char *name) { tn_text_puts(t, tn_shown(name)); }

static void put_string(tn_text *t, tn_string s) {
    size_t n = s.len < 60 ? s.len : 60;
    tn_text_json(t, s.ptr ? s.ptr : "", n);
    if (n < s.len) tn_text_puts(t, "...");
}

static bool integer_like(tn_dtype t) { return tn_dtype_is_int(t) || t == TN_BOOL; }

/* Contents of a small constant: [2,-1]; nothing for types without numbers. */
static void put_contents(tn_text *t, const tn_tensor *c) {
    int64_t n = tn_count(c);
    if (c->encoding) {
        tn_text_printf(t, " %s %.4g bits", c->encoding->name, tn_encoding_bits(c->encoding));
        return;
    }
    bool real = integer_like(c->dtype) || tn_dtype_is_float(c->dtype);
    if (c->rank > 1 || n > SHOWN || !real || !c->data) return;
    tn_text_puts(t, c->rank ? " [" : " ");
    for (int64_t i = 0; i < n; i++) {
        if (i) tn_text_puts(t, ",");
        if (integer_like(c->dtype))
            tn_text_printf(t, "%lld", (long long)tn_get_i64(c->dtype, c->data, i));
        else
            tn_text_printf(t, "%g", tn_get_f64(c->dtype, c->data, i));
    }
    if (c->rank) tn_text_puts(t, "]");
}

static void put_type(tn_text *t, const tn_value *v) {
    tn_type type = tn_value_shown(v);
    if (type.kind == TN_KIND_NONE) return;
    tn_text_puts(t, ": ");
    tn_type_print(v->graph->model->syms, &type, t);
}

static void put_tensor(tn_text *t, const tn_tensor *c) {
    char dims[160];
    tn_text_printf(t, "%s[%s]", tn_dtype_name(c->dtype),
                   c->rank ? tn_dims_text(c->rank, c->dims, dims, sizeof dims) : "");
    put_contents(t, c);
}

static void put_attr(tn_text *t, const tn_attr *a, const tn_graph *g) {
    size_t n = a->n < SHOWN ? a->n : SHOWN;
    put_name(t, a->name);
    tn_text_puts(t, "=");
    switch (a->kind) {
    case TN_ATTR_FLOAT: tn_text_printf(t, "%g", (double)a->f); return;
    case TN_ATTR_INT: tn_text_printf(t, "%lld", (long long)a->i); return;
    case TN_ATTR_STRING: put_string(t, a->s); return;
    case TN_ATTR_TENSOR: put_tensor(t, a->tensor); return;
    case TN_ATTR_GRAPH: tn_text_printf(t, "<%s>", *a->graph->name ? tn_shown(a->graph->name) : "graph"); return;
    case TN_ATTR_TYPE: tn_type_print(g->model->syms, a->type, t); return;
    case TN_ATTR_NONE: return;
    default: break;
    }
    tn_text_puts(t, "[");
    for (size_t i = 0; i < n; i++) {
        if (i) tn_text_puts(t, ",");
        if (a->kind == TN_ATTR_FLOATS) tn_text_printf(t, "%g", (double)a->floats[i]);
        if (a->kind == TN_ATTR_INTS) tn_text_printf(t, "%lld", (long long)a->ints[i]);
        if (a->kind == TN_ATTR_STRINGS) put_string(t, a->strings[i]);
        if (a->kind == TN_ATTR_TENSORS) put_tensor(t, a->tensors[i]);
        if (a->kind == TN_ATTR_GRAPHS) tn_text_printf(t, "<%s>", tn_shown(a->graphs[i]->name));
    }
    tn_text_puts(t, n < a->n ? ",...]" : "]");
}

static void put_graph(tn_text *t, const tn_constants *c, const tn_graph *g, int depth);

static void put_subgraphs(tn_text *t, const tn_constants *c, const tn_node *n, int depth) {
    for (int i = 0; i < n->n_attrs; i++) {
        const tn_attr *a = &n->attrs[i];
        size_t count = a->kind == TN_ATTR_GRAPH ? 1 : a->kind == TN_ATTR_GRAPHS ? a->n : 0;
        for (size_t k = 0; k < count; k++) {
            indent(t, depth);
            tn_text_printf(t, "%s: ", tn_shown(a->name));
            put_graph(t, c, a->kind == TN_ATTR_GRAPH ? a->graph : a->graphs[k], depth);
        }
    }
}

static void put_node(tn_text *t, const tn_constants *c, const tn_node *n, int depth) {
    indent(t, depth);
    for (int i = 0; i < n->n_outputs; i++) {
        if (i) tn_text_puts(t, ", ");
        put_name(t, n->outputs[i] ? n->outputs[i]->name : "_");
        if (n->outputs[i]) put_type(t, n->outputs[i]);
    }
    tn_text_printf(t, " = %s%s%s(", tn_shown(n->domain), *n->domain ? "." : "", tn_shown(n->type));
    for (int i = 0; i < n->n_inputs; i++) {
        const tn_value *v = n->inputs[i];
        if (i) tn_text_puts(t, ", ");
        put_name(t, v ? v->name : "_");
        if (v && v->constant && !v->constant->encoding) put_contents(t, v->constant);
    }
    tn_text_puts(t, ")");
    for (int i = 0; i < n->n_attrs; i++) {
        tn_text_puts(t, i ? ", " : " { ");
        put_attr(t, &n->attrs[i], n->graph);
    }
    if (n->n_attrs) tn_text_puts(t, " }");
    if (!n->n_outputs || !n->outputs[0] || strcmp(n->name, n->outputs[0]->name))
        tn_text_printf(t, "  # %s", tn_shown(n->name));
    tn_text_puts(t, "\n");
    put_subgraphs(t, c, n, depth + 1);
}

static void put_values(tn_text *t, tn_value *const *list, int n, bool types) {
    for (int i = 0; i < n; i++) {
        if (i) tn_text_puts(t, ", ");
        put_name(t, list[i]->name);
        if (types) put_type(t, list[i]);
        if (list[i]->fallback) tn_text_puts(t, " = default");
    }
}

static void put_graph(tn_text *t, const tn_constants *c, const tn_graph *g, int depth) {
    size_t n_constants;
    tn_value *const *constants = tn_constants_in(c, g, &n_constants);
    tn_text_puts(t, "graph ");
    put_name(t, g->name);
    tn_text_puts(t, "(");
    put_values(t, g->inputs, g->n_inputs, true);
    tn_text_puts(t, ") -> (");
    put_values(t, g->outputs, g->n_outputs, true);
    tn_text_puts(t, ")\n");
    for (size_t i = 0; i < n_constants; i++) {
        const tn_value *v = constants[i];
        if (!v->constant || !v->n_uses) continue;
        indent(t, depth + 1);
        put_name(t, v->name);
        put_type(t, v);
        put_contents(t, v->constant);
        tn_text_puts(t, " constant\n");
    }
    for (const tn_node *n = g->first; n; n = n->next) put_node(t, c, n, depth + 1);
}

static void put_whole(tn_text *t, const tn_graph *g) {
    tn_constants c;
    t->failed |= tn_constants_of(g->model, &c) != TN_OK;
    if (!t->failed) put_graph(t, &c, g, 0);
    tn_constants_free(&c);
}

void tn_graph_print(const tn_graph *g, tn_text *out) { put_whole(out, g); }

void tn_model_print(const tn_model *m, tn_text *out) {
    tn_text_printf(out, "ir %lld", (long long)m->ir_version);
    for (int i = 0; i < m->n_opsets; i++)
        tn_text_printf(out, ", %s %lld", *m->opsets[i].domain ? tn_shown(m->opsets[i].domain) : "ai.onnx",
                       (long long)m->opsets[i].version);
    if (m->producer_name && *m->producer_name)
        tn_text_printf(out, ", by %s %s", tn_shown(m->producer_name), tn_shown(m->producer_version));
    tn_text_puts(out, "\n");
    put_whole(out, m->graph);
}
