/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* read_graph.c - the graph's stream of a compiled file becomes a model: what write.c puts, in the same order. What is
 * read may be anything; whether it is a graph is for tn_graph_check. */
#include "base/budget.h"
#include "base/wire.h"
#include "format/tnplan/read.h"
#include "graph/internal.h"
#include "op/core/op.h"
#include "tensor/encoding.h"
#include <limits.h>

#define MAX_TEXT  ((size_t)1 << 20) /* of a name */
#define MAX_DEPTH 16                /* types within types */

static tn_status bad(const char *what) {
    return tn_fail(TN_E_FORMAT, "the compiled file's graph is malformed: %s", what);
}
static tn_status no_memory(void) { return tn_fail(TN_E_NOMEM, "reading a compiled file"); }

bool tn_plan_may_hold(const tn_op *op) {
    static const char *const by_passes[] = {
        "Attention", "AveragePool", "Conv",         "FromBlocked", "GlobalAveragePool", "GlobalMaxPool",      "MatMul",
        "MaxPool",   "QAdd",        "QAveragePool", "QConv",       "QFromBlocked",      "QGlobalAveragePool", "QMatMul",
        "QMaxPool",  "QMul",        "QTable",       "QToBlocked",  "Pointwise",         "ToBlocked"
    };
    bool may = !(op->flags & TN_OP_INTERNAL);
    for (size_t i = 0; !may && i < TN_COUNT(by_passes); i++) may = !strcmp(op->name, by_passes[i]);
    return may;
}

/* ------------------------------------------------------------------------------------------------------- the stream */

static size_t left(const tn_plan_reader *r) { return (size_t)(r->end - r->p); }

static tn_status take_u(tn_plan_reader *r, uint64_t *v) {
    return tn_wire_varint(&r->p, r->end, v) ? TN_OK : bad("it ends too early, or a number is too long");
}

/* A number of things that take at least a byte each. */
static tn_status take_count(tn_plan_reader *r, size_t *n) {
    uint64_t v;
    TN_TRY(take_u(r, &v));
    *n = (size_t)v;
    return v <= left(r) && v < INT_MAX / 2 ? TN_OK : bad("more is announced than there is");
}

static tn_status take_below(tn_plan_reader *r, uint64_t end, const char *what, int *v) {
    uint64_t u;
    TN_TRY(take_u(r, &u));
    *v = (int)u;
    return u < end ? TN_OK : bad(what);
}

static tn_status take_bytes(tn_plan_reader *r, tn_string *s) {
    TN_TRY(take_count(r, &s->len));
    s->ptr = (const char *)r->p;
    r->p += s->len;
    return TN_OK;
}

static tn_status take_text(tn_plan_reader *r, const char **out) {
    tn_string s;
    TN_TRY(take_bytes(r, &s));
    if (s.len > MAX_TEXT || memchr(s.ptr, 0, s.len)) return bad("a name is too long, or holds a zero byte");
    *out = tn_arena_strndup(r->m->arena, s.ptr, s.len);
    return *out ? TN_OK : no_memory();
}

static tn_status take_f32(tn_plan_reader *r, float *f) {
    if (left(r) < sizeof *f) return bad("it ends too early");
    memcpy(f, r->p, sizeof *f);
    r->p += sizeof *f;
    return TN_OK;
}

#define take_array(r, T, n) tn_arena_array((r)->m->arena, T, (n) + 1)

/* ---------------------------------------------------------------------------------------------------------- types */

static tn_status take_dim(tn_plan_reader *r, tn_dim *d) {
    int kind;
    uint64_t v;
    const char *text;
    *d = TN_DIM_UNKNOWN;
    TN_TRY(take_below(r, 4, "no kind of dimension", &kind));
    if (kind == 1) {
        TN_TRY(take_u(r, &v));
        *d = (tn_dim)v;
        return v <= TN_DIM_MOST ? TN_OK : bad("a dimension is out of range");
    }
    if (kind == 0) return TN_OK;
    TN_TRY(take_text(r, &text));
    *d = kind == 2 ? tn_sym(r->m->syms, text) : tn_dim_parse(r->m->syms, text);
    return TN_OK;
}

static tn_status take_type(tn_plan_reader *r, int depth, tn_type *t) {
    int v;
    *t = (tn_type){ .rank = -1 };
    if (depth > MAX_DEPTH) return bad("types are nested too deeply");
    TN_TRY(take_below(r, TN_KIND_MAP + 1, "no kind of value", &v));
    t->kind = (tn_kind)v;
    if (t->kind == TN_KIND_NONE) return TN_OK;
    TN_TRY(take_below(r, TN_DTYPE_COUNT, "no element type", &v));
    t->dtype = (tn_dtype)v;
    TN_TRY(take_below(r, TN_MAX_RANK + 2, "more dimensions than a tensor may have", &v));
    t->rank = v - 1;
    for (int i = 0; i < t->rank; i++) TN_TRY(take_dim(r, &t->dims[i]));
    TN_TRY(take_below(r, 2, "no flag", &v));
    if (!v) return TN_OK;
    tn_type *elem = tn_arena_new_of(r->m->arena, tn_type);
    if (!elem) return no_memory();
    t->elem = elem;
    return take_type(r, depth + 1, elem);
}

/* -------------------------------------------------------------------------------------------------------- tensors */

static tn_status take_strings(tn_plan_reader *r, tn_tensor *t) {
    tn_tensor shape = *t;
    int64_t n = tn_dims_count(t->rank, t->dims);
    if (n < 0 || (uint64_t)n > left(r)) return bad("more strings are announced than there are");
    TN_TRY(tn_tensor_init(t, TN_STRING, shape.rank, shape.dims, TN_MEM_WEIGHTS));
    for (int64_t i = 0; i < n; i++) {
        tn_string s;
        TN_TRY(take_bytes(r, &s));
        TN_TRY(tn_tensor_set_string(t, i, s.ptr, s.len));
    }
    return TN_OK;
}

static tn_status take_elements(tn_plan_reader *r, const char *encoding, tn_tensor *t) {
    const void *data;
    size_t have, bytes;
    int64_t count;
    TN_TRY(tn_plan_take_blob(r, &data, &have));
    if (*encoding) {
        const tn_encoding *e = tn_encoding_named(encoding);
        tn_tensor shape = *t;
        if (!e) return bad("an unknown encoding");
        return tn_tensor_encoded(t, e, shape.rank, shape.dims, data, have, NULL);
    }
    TN_TRY(tn_dims_check(t->dtype, t->rank, t->dims, &count, &bytes));
    if (have != bytes) return bad("a tensor has more or fewer elements than its shape");
    t->data = (void *)(uintptr_t)data;
    return TN_OK;
}

static tn_status take_new_tensor(tn_plan_reader *r, tn_tensor *t) {
    const char *encoding;
    int v;
    TN_TRY(take_below(r, TN_DTYPE_COUNT, "no element type", &v));
    t->dtype = (tn_dtype)v;
    TN_TRY(take_text(r, &encoding));
    TN_TRY(take_below(r, TN_MAX_RANK + 1, "more dimensions than a tensor may have", &t->rank));
    for (int i = 0; i < t->rank; i++) {
        uint64_t d;
        TN_TRY(take_u(r, &d));
        if (d > TN_DIM_MOST) return bad("a dimension is out of range");
        t->dims[i] = (int64_t)d;
    }
    TN_TRY(t->dtype == TN_STRING ? take_strings(r, t) : take_elements(r, encoding, t));
    tn_tensor_identify(t);
    return TN_OK;
}

/* One of the model's, which its users share. */
static tn_status take_tensor(tn_plan_reader *r, tn_tensor **out) {
    int known;
    TN_TRY(take_below(r, (uint64_t)r->n_tensors + 1, "a tensor that comes later", &known));
    tn_tensor *t = known ? r->tensors[known - 1] : tn_model_tensor(r->m);
    if (!t) return TN_E_NOMEM;
    *out = t;
    if (known) return TN_OK;
    if (!tn_grow(r->m->arena, &r->tensors, r->n_tensors, &r->cap_tensors, sizeof(void *))) return TN_E_NOMEM;
    TN_TRY(take_new_tensor(r, t));
    r->tensors[r->n_tensors++] = t;
    return TN_OK;
}

/* --------------------------------------------------------------------------------------------------------- values */

static tn_status take_value(tn_plan_reader *r, tn_graph *g, tn_value **out) {
    tn_string s;
    const char *name;
    TN_TRY(take_bytes(r, &s));
    if (!s.len || s.len > MAX_TEXT || memchr(s.ptr, 0, s.len)) return bad("a value has no proper name");
    if (!(name = tn_arena_strndup(r->m->arena, s.ptr, s.len))) return no_memory();
    if (!tn_grow(r->m->arena, &r->values, r->n_values, &r->cap_values, sizeof(void *))) return TN_E_NOMEM;
    if (!(*out = tn_value_new(g, name))) return TN_E_NOMEM;
    r->values[r->n_values++] = *out;
    return TN_OK;
}

/* One that stands before; NULL: none. */
static tn_status take_reference(tn_plan_reader *r, tn_value **out) {
    int v;
    TN_TRY(take_below(r, (uint64_t)r->n_values + 1, "a value that comes later", &v));
    *out = v ? r->values[v - 1] : NULL;
    return TN_OK;
}

static tn_status share(tn_plan_reader *r, tn_tensor **out) {
    tn_tensor *t;
    TN_TRY(take_tensor(r, &t));
    if (!(*out = tn_model_tensor(r->m))) return TN_E_NOMEM;
    tn_tensor_share(*out, t);
    return TN_OK;
}

static tn_status take_constant(tn_plan_reader *r, tn_graph *g) {
    tn_value *v;
    TN_TRY(take_value(r, g, &v));
    TN_TRY(share(r, &v->constant));
    v->type = (tn_type){ .kind = TN_KIND_TENSOR, .dtype = v->constant->dtype, .rank = v->constant->rank };
    memcpy(v->type.dims, v->constant->dims, sizeof v->type.dims[0] * (size_t)v->constant->rank);
    return TN_OK;
}

static tn_status take_input(tn_plan_reader *r, tn_graph *g) {
    tn_value *v;
    int has_default;
    TN_TRY(take_value(r, g, &v));
    v->is_input = true;
    if (!tn_grow(r->m->arena, &g->inputs, g->n_inputs, &g->cap_inputs, sizeof(void *))) return TN_E_NOMEM;
    g->inputs[g->n_inputs++] = v;
    TN_TRY(take_type(r, 0, &v->type));
    if (g->parent) v->type = (tn_type){ .rank = -1 };
    TN_TRY(take_below(r, 2, "no flag", &has_default));
    if (!has_default) return TN_OK;
    TN_TRY(share(r, &v->fallback));
    return g->parent
               ? bad("a body's input has a default")
               : tn_type_merge(&v->type, &(tn_type){ .kind = TN_KIND_TENSOR, .dtype = v->fallback->dtype, .rank = -1 });
}

/* ---------------------------------------------------------------------------------------------------------- nodes */

static tn_status take_graph(tn_plan_reader *r, tn_graph *g);

static tn_status take_subgraph(tn_plan_reader *r, tn_node *n, tn_graph **out) {
    if (!(*out = tn_graph_new(r->m, n->graph, ""))) return TN_E_NOMEM;
    (*out)->parent_node = n;
    return take_graph(r, *out);
}

/* Element i of an attribute of many. */
static tn_status take_element(tn_plan_reader *r, tn_node *n, tn_attr_kind kind, void *array, size_t i) {
    uint64_t u;
    switch (kind) {
    case TN_ATTR_FLOATS: return take_f32(r, (float *)array + i);
    case TN_ATTR_STRINGS: return take_bytes(r, (tn_string *)array + i);
    case TN_ATTR_TENSORS: return take_tensor(r, (tn_tensor **)array + i);
    case TN_ATTR_GRAPHS: return take_subgraph(r, n, (tn_graph **)array + i);
    default: break;
    }
    TN_TRY(take_u(r, &u));
    ((int64_t *)array)[i] = (int64_t)u;
    return TN_OK;
}

static tn_status take_list(tn_plan_reader *r, tn_node *n, tn_attr *a) {
    TN_TRY(take_count(r, &a->n));
    size_t each = a->kind == TN_ATTR_FLOATS ? sizeof(float) : a->kind == TN_ATTR_STRINGS ? sizeof(tn_string) : 8;
    void *array = tn_arena_calloc(r->m->arena, a->n + 1, each, 8);
    if (!array) return no_memory();
    for (size_t i = 0; i < a->n; i++) TN_TRY(take_element(r, n, a->kind, array, i));
    a->ints = array; /* a union of pointers */
    return TN_OK;
}

static tn_status take_type_attr(tn_plan_reader *r, tn_attr *a) {
    tn_type *t = tn_arena_new_of(r->m->arena, tn_type);
    a->type = t;
    return t ? take_type(r, 0, t) : no_memory();
}

static tn_status take_attr(tn_plan_reader *r, tn_node *n) {
    tn_attr a = { 0 };
    int kind;
    uint64_t u;
    TN_TRY(take_text(r, &a.name));
    TN_TRY(take_below(r, TN_ATTR_TYPE + 1, "no kind of attribute", &kind));
    if (tn_attr_find(n, a.name)) return bad("a node has an attribute twice");
    switch (a.kind = (tn_attr_kind)kind) {
    case TN_ATTR_NONE: return bad("no kind of attribute");
    case TN_ATTR_FLOAT: TN_TRY(take_f32(r, &a.f)); break;
    case TN_ATTR_INT:
        TN_TRY(take_u(r, &u));
        a.i = (int64_t)u;
        break;
    case TN_ATTR_STRING: TN_TRY(take_bytes(r, &a.s)); break;
    case TN_ATTR_TENSOR: TN_TRY(take_tensor(r, &a.tensor)); break;
    case TN_ATTR_GRAPH: TN_TRY(take_subgraph(r, n, &a.graph)); break;
    case TN_ATTR_TYPE: TN_TRY(take_type_attr(r, &a)); break;
    default: TN_TRY(take_list(r, n, &a)); break;
    }
    return tn_attr_append(n, &a);
}

static tn_status take_inputs(tn_plan_reader *r, tn_node *n) {
    size_t count;
    TN_TRY(take_count(r, &count));
    n->cap_inputs = (int)count;
    if (!(n->inputs = take_array(r, tn_value *, count))) return no_memory();
    for (size_t i = 0; i < count; i++) {
        tn_value *v;
        TN_TRY(take_reference(r, &v));
        n->inputs[n->n_inputs++] = v;
        if (v) TN_TRY(tn_use_add(v, (tn_use){ n, n->graph, (int)i }));
    }
    return TN_OK;
}

static tn_status take_outputs(tn_plan_reader *r, tn_node *n) {
    size_t count;
    int named;
    TN_TRY(take_count(r, &count));
    n->cap_outputs = (int)count;
    if (!(n->outputs = take_array(r, tn_value *, count))) return no_memory();
    for (size_t i = 0; i < count; i++, n->n_outputs++) {
        TN_TRY(take_below(r, 2, "no flag", &named));
        if (!named) continue;
        TN_TRY(take_value(r, n->graph, &n->outputs[i]));
        n->outputs[i]->producer = n;
        n->outputs[i]->producer_index = (int)i;
    }
    return TN_OK;
}

static tn_status take_node(tn_plan_reader *r, tn_graph *g) {
    size_t n_attrs;
    tn_node *n = tn_budget_nodes(1) ? tn_arena_new_of(r->m->arena, tn_node) : NULL;
    if (!n) return no_memory();
    TN_TRY(take_text(r, &n->name));
    TN_TRY(take_text(r, &n->domain));
    TN_TRY(take_text(r, &n->type));
    if (!(n->op = tn_op_find(n->domain, n->type)) || !tn_plan_may_hold(n->op))
        return tn_fail(TN_E_UNSUPPORTED, "the compiled file has an operator that this library lacks: %.100s.%.100s",
                       *n->domain ? n->domain : "ai.onnx", n->type);
    n->version = n->op->since;
    tn_node_link(g, n, NULL);
    TN_TRY(take_inputs(r, n));
    TN_TRY(take_outputs(r, n));
    TN_TRY(take_count(r, &n_attrs));
    for (size_t i = 0; i < n_attrs; i++) TN_TRY(take_attr(r, n));
    return TN_OK;
}

/* --------------------------------------------------------------------------------------------------------- graphs */

static tn_status take_output(tn_plan_reader *r, tn_graph *g) {
    tn_value *v;
    tn_type *t = tn_arena_new_of(r->m->arena, tn_type);
    if (!t) return no_memory();
    TN_TRY(take_reference(r, &v));
    if (!v) return bad("an output of a graph is nothing");
    TN_TRY(take_type(r, 0, t));
    if (t->kind != TN_KIND_NONE && !g->parent) v->declared = t;
    return tn_graph_add_output(g, v);
}

static tn_status times(tn_plan_reader *r, tn_graph *g, tn_status (*take)(tn_plan_reader *, tn_graph *)) {
    size_t n;
    TN_TRY(take_count(r, &n));
    for (size_t i = 0; i < n; i++) {
        if (tn_budget_stopped()) return TN_E_CANCELLED; /* the budget's owner says what it was */
        TN_TRY(take(r, g));
    }
    return TN_OK;
}

static tn_status take_graph(tn_plan_reader *r, tn_graph *g) {
    TN_TRY(take_text(r, &g->name));
    TN_TRY(take_text(r, &g->doc));
    TN_TRY(times(r, g, take_input));
    TN_TRY(times(r, g, take_constant));
    TN_TRY(times(r, g, take_node));
    return times(r, g, take_output);
}

static tn_status take_sets(tn_plan_reader *r) {
    size_t n;
    uint64_t v;
    tn_model *m = r->m;
    TN_TRY(take_count(r, &n));
    if (!(m->opsets = take_array(r, tn_opset, n))) return no_memory();
    for (; m->n_opsets < (int)n; m->n_opsets++) {
        TN_TRY(take_text(r, &m->opsets[m->n_opsets].domain));
        TN_TRY(take_u(r, &v));
        m->opsets[m->n_opsets].version = (int64_t)v;
    }
    TN_TRY(take_count(r, &n));
    if (!(m->meta = take_array(r, tn_meta, n))) return no_memory();
    for (; m->n_meta < (int)n; m->n_meta++) {
        TN_TRY(take_text(r, &m->meta[m->n_meta].key));
        TN_TRY(take_text(r, &m->meta[m->n_meta].value));
    }
    return TN_OK;
}

static tn_status take_form(tn_plan_reader *r, tn_packed_form *f) {
    TN_TRY(take_text(r, &f->key));
    TN_TRY(take_below(r, TN_FORM_OF + 1, "a form is made of too many constants", &f->n));
    if (!f->n || strlen(f->key) > TN_FORM_KEY || !tn_form_portable(f->key)) return bad("a form that no file may hold");
    for (int i = 0; i < f->n; i++) {
        tn_tensor *t;
        TN_TRY(take_tensor(r, &t));
        f->of[i] = t;
    }
    return tn_plan_take_blob(r, &f->data, &f->bytes);
}

static tn_status take_forms(tn_plan_reader *r, tn_compiled *c) {
    size_t n;
    TN_TRY(take_count(r, &n));
    tn_packed_form *forms = take_array(r, tn_packed_form, n);
    if (!forms) return no_memory();
    for (size_t i = 0; i < n; i++) TN_TRY(take_form(r, &forms[i]));
    c->forms = forms;
    c->n_forms = n;
    return r->p == r->end ? TN_OK : bad("something follows it");
}

tn_status tn_plan_read_stream(tn_plan_reader *r) {
    tn_model *m = r->m;
    uint64_t ir, version;
    tn_compiled *c = tn_arena_new_of(m->arena, tn_compiled);
    if (!c) return no_memory();
    TN_TRY(take_text(r, &c->precision));
    TN_TRY(take_bytes(r, &c->timings));
    TN_TRY(take_u(r, &ir));
    TN_TRY(take_u(r, &version));
    m->ir_version = (int64_t)ir;
    m->model_version = (int64_t)version;
    const char **const texts[] = { &m->producer_name, &m->producer_version, &m->domain, &m->doc };
    for (size_t i = 0; i < TN_COUNT(texts); i++) TN_TRY(take_text(r, texts[i]));
    TN_TRY(take_sets(r));
    TN_TRY(take_graph(r, m->graph));
    TN_TRY(take_forms(r, c));
    m->compiled = c;
    return TN_OK;
}
