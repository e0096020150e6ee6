/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* onnx_read.c - ModelProto and GraphProto to graphs, over a mapped file. Nothing here trusts the file: names are looked
 * up, sizes are checked, nesting is bounded. Source: ONNX IR specification (docs/IR.md), onnx.proto. */
#include "format/onnx_read.h"
#include "base/log.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* Field numbers of onnx.proto. */
enum { MODEL_IR = 1, MODEL_PRODUCER, MODEL_PRODUCER_VERSION, MODEL_DOMAIN, MODEL_VERSION, MODEL_DOC, MODEL_GRAPH };
enum { MODEL_OPSET = 8, MODEL_META = 14, MODEL_TRAINING = 20, MODEL_FUNCTION = 25 };
enum { GRAPH_NODE = 1, GRAPH_NAME = 2, GRAPH_INITIALIZER = 5, GRAPH_DOC = 10, GRAPH_INPUT = 11, GRAPH_OUTPUT = 12 };
enum { GRAPH_VALUE_INFO = 13, GRAPH_SPARSE = 15 };
enum { NODE_INPUT = 1, NODE_OUTPUT, NODE_NAME, NODE_TYPE, NODE_ATTRIBUTE, NODE_DOC, NODE_DOMAIN, NODE_OVERLOAD };

#define WIRE_BYTES 2

/* ------------------------------------------------------------------------------------------------------ helpers */

tn_status tn_onnx_room(tn_onnx_reader *r, void *array, int n, size_t each) {
    if (n & (n - 1)) return TN_OK; /* grows at powers of two */
    void *old;
    memcpy(&old, array, sizeof old);
    void *wider = tn_arena_calloc(r->tmp, n ? (size_t)n * 2 : 1, each, 16);
    if (!wider) return tn_fail(TN_E_NOMEM, "a list of %d entries", n);
    if (n) memcpy(wider, old, (size_t)n * each);
    memcpy(array, &wider, sizeof wider);
    return TN_OK;
}

tn_status tn_onnx_text(tn_onnx_reader *r, tn_str s, const char *what, const char **out) {
    *out = "";
    if (!s.len) return TN_OK;
    if (s.len > TN_ONNX_MAX_NAME)
        return tn_fail(TN_E_LIMIT, "%s '%.40s...' has %zu bytes (at most %u)", what, s.ptr, s.len, TN_ONNX_MAX_NAME);
    if (memchr(s.ptr, 0, s.len)) return tn_fail(TN_E_FORMAT, "%s contains a zero byte", what);
    *out = tn_arena_strndup(r->m->arena, s.ptr, s.len);
    return *out ? TN_OK : tn_fail(TN_E_NOMEM, "%s", what);
}

/* Longer texts (documentation, metadata); a zero byte ends them. */
static tn_status text(tn_onnx_reader *r, tn_str s, const char **out) {
    *out = s.len ? tn_arena_strndup(r->m->arena, s.ptr, s.len) : "";
    return *out ? TN_OK : tn_fail(TN_E_NOMEM, "a text of %zu bytes", s.len);
}

tn_status tn_onnx_expand(tn_onnx_reader *r, size_t bytes) {
    size_t room = TN_ONNX_SPARE + (r->size > SIZE_MAX / 512 ? SIZE_MAX / 2 : r->size * 256);
    if (__builtin_add_overflow(r->expanded, bytes, &r->expanded) || r->expanded > room)
        return tn_fail(TN_E_LIMIT, "a file of %zu bytes expands to more than %zu bytes", r->size, room);
    return TN_OK;
}

tn_onnx_name *tn_onnx_lookup(tn_onnx_scope *s, tn_str name, tn_onnx_scope **where) {
    for (; s; s = s->outer) {
        tn_onnx_name *n = tn_map_get(s->names, name.ptr, name.len);
        if (!n) continue;
        if (where) *where = s;
        return n;
    }
    return NULL;
}

tn_status tn_onnx_define(tn_onnx_reader *r, tn_onnx_scope *s, tn_str name, tn_value *v, int position) {
    tn_onnx_scope *where = NULL;
    const tn_onnx_name *old = tn_onnx_lookup(s, name, &where);
    if (old && where == s) return tn_fail(TN_E_GRAPH, "value '%.*s' is defined twice", (int)name.len, name.ptr);
    if (old && old->position < where->position) /* not allowed, but written: the inner one is meant */
        TN_TRY(tn_find(r->m, TN_FINDING_REPAIR, TN_OK, "shadow",
                       "%s: value '%.*s' of its subgraph hides one of that name around it",
                       where->node ? where->node : "a node", (int)(name.len < 200 ? name.len : 200), name.ptr));
    tn_onnx_name *n = tn_arena_new_of(r->tmp, tn_onnx_name);
    if (!n) return tn_fail(TN_E_NOMEM, "a name");
    *n = (tn_onnx_name){ v, position, false };
    return tn_map_put(s->names, name.ptr, name.len, n);
}

static const char *print_name(char *buf, size_t n, const char *prefix, tn_str name) {
    if (prefix && strlen(prefix) + name.len < 200)
        snprintf(buf, n, "%s/%.*s", prefix, (int)name.len, name.ptr);
    else
        snprintf(buf, n, "%.*s", (int)name.len, name.ptr);
    return buf;
}

/* A value named as in the file (in an inlined body: after the call), known in scope s. */
static tn_status new_value(tn_onnx_reader *r, tn_onnx_scope *s, const tn_onnx_call *call, tn_str name, int position,
                           tn_value **out) {
    const char *plain;
    char made[TN_ONNX_MAX_NAME + 256];
    TN_TRY(tn_onnx_text(r, name, "the name of a value", &plain));
    if (call && call->prefix) plain = print_name(made, sizeof made, call->prefix, name);
    tn_value *v = tn_value_new(s->graph, plain);
    if (!v) return TN_E_NOMEM;
    TN_TRY(tn_onnx_define(r, s, name, v, position));
    *out = v;
    return TN_OK;
}

/* --------------------------------------------------------------------------------------------------------- nodes */

typedef struct {
    tn_str *inputs, *outputs;
    int n_inputs, n_outputs;
    tn_str name, type, domain, overload;
    tn_wire *attrs;
    int n_attrs;
    char where[256];
} node_fields;

static tn_status list_str(tn_onnx_reader *r, tn_str **list, int *n, tn_str s) {
    TN_TRY(tn_onnx_room(r, list, *n, sizeof **list));
    (*list)[(*n)++] = s;
    return TN_OK;
}

static tn_status list_wire(tn_onnx_reader *r, tn_wire **list, int *n, tn_wire w) {
    TN_TRY(tn_onnx_room(r, list, *n, sizeof **list));
    (*list)[(*n)++] = w;
    return TN_OK;
}

static tn_status scan_node(tn_onnx_reader *r, tn_wire w, int position, node_fields *out) {
    tn_status st = TN_OK;
    tn_wire_field f;
    size_t offset = (size_t)(w.p - w.base);
    *out = (node_fields){ 0 };
    TN_FIELDS(w, f, st) {
        if (f.type != WIRE_BYTES) continue;
        switch (f.number) {
        case NODE_INPUT: TN_TRY(list_str(r, &out->inputs, &out->n_inputs, f.bytes)); break;
        case NODE_OUTPUT: TN_TRY(list_str(r, &out->outputs, &out->n_outputs, f.bytes)); break;
        case NODE_NAME: out->name = f.bytes; break;
        case NODE_TYPE: out->type = f.bytes; break;
        case NODE_ATTRIBUTE: TN_TRY(list_wire(r, &out->attrs, &out->n_attrs, tn_wire_sub(&w, &f))); break;
        case NODE_DOMAIN: out->domain = f.bytes; break;
        case NODE_OVERLOAD: out->overload = f.bytes; break;
        default: break;
        }
    }
    if (st != TN_OK) return tn_fail_at(st, "node %d", position);
    if (out->n_attrs > TN_MAX_ATTRS)
        return tn_fail(TN_E_LIMIT, "node %d at byte %zu has %d attributes (at most %d)", position, offset, out->n_attrs,
                       TN_MAX_ATTRS);
    if (tn_str_is(out->domain, "ai.onnx")) out->domain = (tn_str){ 0 };
    if (!out->type.len) return tn_fail(TN_E_FORMAT, "node %d at byte %zu has no op_type", position, offset);
    tn_str shown = out->name.len ? out->name : out->n_outputs ? out->outputs[0] : (tn_str){ "", 0 };
    snprintf(out->where, sizeof out->where, "node %d '%.*s' (%.*s)", position, (int)(shown.len < 120 ? shown.len : 120),
             shown.ptr ? shown.ptr : "", (int)(out->type.len < 60 ? out->type.len : 60), out->type.ptr);
    return TN_OK;
}

/* Version of the operator set of `domain` where the node stands; 0: not imported. */
static int64_t imported(const tn_onnx_reader *r, const tn_onnx_call *call, tn_str domain) {
    const tn_opset *sets = r->m->opsets;
    int n = r->m->n_opsets;
    if (call) {
        sets = call->function->opsets;
        n = call->function->n_opsets;
    }
    for (int i = 0; i < n; i++)
        if (tn_str_is(domain, sets[i].domain)) return sets[i].version;
    /* Some writers of functions leave out what the model imports. */
    for (int i = 0; call && i < r->m->n_opsets; i++)
        if (tn_str_is(domain, r->m->opsets[i].domain)) return r->m->opsets[i].version;
    return domain.len ? 1 : 0; /* contrib domains have one version and are often not imported */
}

static tn_status resolve_inputs(tn_onnx_reader *r, tn_onnx_scope *s, const node_fields *nf, tn_value ***out) {
    tn_value **in = tn_arena_array(r->tmp, tn_value *, (size_t)nf->n_inputs + 1);
    if (!in) return tn_fail(TN_E_NOMEM, "%s", nf->where);
    for (int i = 0; i < nf->n_inputs; i++) {
        tn_str name = nf->inputs[i];
        if (!name.len) continue;
        const tn_onnx_name *n = tn_onnx_lookup(s, name, NULL);
        if (!n)
            return tn_fail(TN_E_GRAPH, "%s: input %d, '%.*s', is not defined", nf->where, i,
                           (int)(name.len < 200 ? name.len : 200), name.ptr);
        in[i] = n->value;
    }
    *out = in;
    return TN_OK;
}

static tn_status resolve_outputs(tn_onnx_reader *r, tn_onnx_scope *s, const node_fields *nf, tn_value ***out) {
    tn_value **list = tn_arena_array(r->m->arena, tn_value *, (size_t)nf->n_outputs + 1);
    if (!list) return tn_fail(TN_E_NOMEM, "%s", nf->where);
    for (int i = 0; i < nf->n_outputs; i++)
        if (nf->outputs[i].len) {
            const tn_onnx_name *n = tn_map_get(s->names, nf->outputs[i].ptr, nf->outputs[i].len);
            list[i] = n ? n->value : NULL; /* always there: declared before */
        }
    *out = list;
    return TN_OK;
}

tn_status tn_onnx_twice(const tn_str *names, int n, int *twice) {
    tn_status st = TN_OK;
    *twice = -1;
    if (n < 2) return TN_OK;
    tn_map *seen = tn_map_new((size_t)n);
    if (!seen) return tn_fail(TN_E_NOMEM, "%d names", n);
    for (int i = 0; i < n && *twice < 0 && st == TN_OK; i++) {
        if (tn_map_get(seen, names[i].ptr, names[i].len)) *twice = i;
        st = tn_map_put(seen, names[i].ptr, names[i].len, seen);
    }
    tn_map_free(&seen);
    return st;
}

static tn_status check_attr_names(tn_onnx_reader *r, const node_fields *nf, const tn_attr *attrs, int n) {
    int twice = -1;
    tn_str *names = tn_arena_array(r->tmp, tn_str, (size_t)n + 1);
    if (!names) return tn_fail(TN_E_NOMEM, "%s", nf->where);
    for (int i = 0; i < n; i++) names[i] = (tn_str){ attrs[i].name, strlen(attrs[i].name) };
    TN_TRY(tn_onnx_twice(names, n, &twice));
    return twice < 0 ? TN_OK : tn_fail(TN_E_GRAPH, "%s: attribute '%s' is given twice", nf->where, attrs[twice].name);
}

static tn_status read_attrs(tn_onnx_reader *r, tn_onnx_scope *s, const tn_onnx_call *call, const node_fields *nf,
                            tn_attr **out, int *n) {
    *n = 0;
    *out = tn_arena_array(r->tmp, tn_attr, (size_t)nf->n_attrs + 1);
    if (!*out) return tn_fail(TN_E_NOMEM, "%s", nf->where);
    for (int i = 0; i < nf->n_attrs; i++) {
        bool present;
        tn_attr *a = &(*out)[*n];
        TN_TRY(tn_onnx_attr(r, s, call, nf->attrs[i], nf->where, a, &present));
        *n += present;
    }
    return check_attr_names(r, nf, *out, *n);
}

static tn_status read_constant(tn_onnx_reader *r, tn_onnx_scope *s, const tn_onnx_call *call, const node_fields *nf,
                               tn_value *const *outputs) {
    tn_attr *attrs;
    int n;
    TN_TRY(read_attrs(r, s, call, nf, &attrs, &n));
    if (nf->n_outputs != 1 || !outputs[0])
        return tn_fail(TN_E_GRAPH, "%s: a Constant has one output, this has %d", nf->where, nf->n_outputs);
    tn_tensor *t = tn_model_tensor(r->m);
    if (!t) return TN_E_NOMEM;
    TN_TRY(tn_onnx_constant(r, attrs, n, nf->where, t));
    tn_value *v = outputs[0];
    tn_tensor_identify(t);
    v->constant = t;
    v->type = (tn_type){ .kind = TN_KIND_TENSOR, .dtype = t->dtype, .rank = t->rank };
    memcpy(v->type.dims, t->dims, sizeof *t->dims * (size_t)t->rank);
    return TN_OK;
}

static tn_status node_name(tn_onnx_reader *r, const tn_onnx_call *call, const node_fields *nf, tn_node *n) {
    char made[TN_ONNX_MAX_NAME + 256];
    const char *plain;
    if (!nf->name.len) {
        for (int i = 0; i < n->n_outputs; i++)
            if (n->outputs[i]) {
                n->name = n->outputs[i]->name;
                return TN_OK;
            }
        n->name = n->type;
        return TN_OK;
    }
    TN_TRY(tn_onnx_text(r, nf->name, "the name of a node", &plain));
    if (!call || !call->prefix) {
        n->name = plain;
        return TN_OK;
    }
    n->name = tn_arena_strdup(r->m->arena, print_name(made, sizeof made, call->prefix, nf->name));
    return n->name ? TN_OK : tn_fail(TN_E_NOMEM, "a name");
}

static tn_status read_plain(tn_onnx_reader *r, tn_onnx_scope *s, const tn_onnx_call *call, const node_fields *nf,
                            tn_value *const *inputs, tn_value **outputs, int64_t version) {
    const char *domain, *type;
    TN_TRY(tn_onnx_text(r, nf->domain, "the domain of a node", &domain));
    TN_TRY(tn_onnx_text(r, nf->type, "the op_type of a node", &type));
    tn_node *n = tn_node_new(s->graph, NULL, domain, type, inputs, nf->n_inputs, 0);
    if (!n) return TN_E_NOMEM;
    n->outputs = outputs;
    n->n_outputs = n->cap_outputs = nf->n_outputs;
    for (int i = 0; i < n->n_outputs; i++)
        if (outputs[i]) {
            outputs[i]->producer = n;
            outputs[i]->producer_index = i;
        }
    n->version = version > INT32_MAX ? INT32_MAX : (int)version;
    TN_TRY(node_name(r, call, nf, n));
    tn_attr *attrs;
    int n_attrs;
    TN_TRY(read_attrs(r, s, call, nf, &attrs, &n_attrs));
    for (int i = 0; i < n_attrs; i++) TN_TRY(tn_attr_append(n, &attrs[i]));
    return TN_OK;
}

static const char *call_prefix(tn_onnx_reader *r, const tn_onnx_call *call, const node_fields *nf) {
    char made[512];
    tn_str own = nf->name.len ? nf->name : nf->type;
    if (own.len > 120 || memchr(own.ptr, 0, own.len)) own = (tn_str){ "call", 4 };
    return tn_arena_strdup(r->tmp, print_name(made, sizeof made, call ? call->prefix : NULL, own));
}

static tn_status read_node(tn_onnx_reader *r, tn_onnx_scope *s, const tn_onnx_call *call, tn_wire w, int position) {
    node_fields nf;
    tn_value **inputs = NULL, **outputs = NULL;
    TN_TRY(scan_node(r, w, position, &nf));
    s->node = nf.where;
    TN_TRY(resolve_inputs(r, s, &nf, &inputs));
    TN_TRY(resolve_outputs(r, s, &nf, &outputs));
    const tn_onnx_function *fn = tn_onnx_function_find(r, nf.domain, nf.type, nf.overload);
    if (fn) {
        tn_onnx_call inner = { call, fn, s, nf.attrs, nf.n_attrs, call_prefix(r, call, &nf) };
        if (!inner.prefix) return tn_fail(TN_E_NOMEM, "%s", nf.where);
        tn_status st = tn_onnx_inline(r, &inner, inputs, nf.n_inputs, outputs, nf.n_outputs, nf.where);
        return st == TN_OK
                   ? st
                   : tn_fail_at(st, "in the function %.*s called by %s", (int)nf.type.len, nf.type.ptr, nf.where);
    }
    int64_t version = imported(r, call, nf.domain);
    if (version <= 0)
        return tn_fail(TN_E_GRAPH, "%s: the model imports no operator set of domain '%.*s'", nf.where,
                       nf.domain.len ? (int)nf.domain.len : 7, nf.domain.len ? nf.domain.ptr : "ai.onnx");
    if (!nf.domain.len && tn_str_is(nf.type, "Constant")) return read_constant(r, s, call, &nf, outputs);
    return read_plain(r, s, call, &nf, inputs, outputs, version);
}

/* Outputs first, so that nodes may stand in any order: sorting comes later and finds cycles. */
static tn_status declare_outputs(tn_onnx_reader *r, tn_onnx_scope *s, const tn_onnx_call *call, tn_wire w,
                                 int position) {
    tn_status st = TN_OK;
    tn_wire_field f;
    TN_FIELDS(w, f, st) {
        if (f.number != NODE_OUTPUT || f.type != WIRE_BYTES || !f.bytes.len) continue;
        tn_value *v;
        tn_onnx_name *known = call ? tn_map_get(s->names, f.bytes.ptr, f.bytes.len) : NULL;
        if (known && known->value && known->position == INT32_MAX) {
            known->position = position; /* a function's output: it has the caller's value already */
            continue;
        }
        st = new_value(r, s, call, f.bytes, position, &v);
        if (st != TN_OK) break;
    }
    return st == TN_OK ? st : tn_fail_at(st, "node %d", position);
}

tn_status tn_onnx_nodes(tn_onnx_reader *r, tn_onnx_scope *s, const tn_onnx_call *call, const tn_wire *nodes, int n) {
    for (int i = 0; i < n; i++) TN_TRY(declare_outputs(r, s, call, nodes[i], i));
    for (int i = 0; i < n; i++) {
        s->position = i;
        TN_TRY(read_node(r, s, call, nodes[i], i));
    }
    s->position = n;
    return TN_OK;
}

/* -------------------------------------------------------------------------------------------------------- graphs */

typedef struct {
    tn_wire *nodes, *initializers, *sparse, *inputs, *outputs, *infos;
    int n_nodes, n_initializers, n_sparse, n_inputs, n_outputs, n_infos;
    tn_str name, doc;
} graph_fields;

static tn_status scan_graph(tn_onnx_reader *r, tn_wire w, graph_fields *g) {
    tn_status st = TN_OK;
    tn_wire_field f;
    TN_FIELDS(w, f, st) {
        if (f.type != WIRE_BYTES) continue;
        tn_wire sub = tn_wire_sub(&w, &f);
        switch (f.number) {
        case GRAPH_NODE: TN_TRY(list_wire(r, &g->nodes, &g->n_nodes, sub)); break;
        case GRAPH_NAME: g->name = f.bytes; break;
        case GRAPH_INITIALIZER: TN_TRY(list_wire(r, &g->initializers, &g->n_initializers, sub)); break;
        case GRAPH_DOC: g->doc = f.bytes; break;
        case GRAPH_INPUT: TN_TRY(list_wire(r, &g->inputs, &g->n_inputs, sub)); break;
        case GRAPH_OUTPUT: TN_TRY(list_wire(r, &g->outputs, &g->n_outputs, sub)); break;
        case GRAPH_VALUE_INFO: TN_TRY(list_wire(r, &g->infos, &g->n_infos, sub)); break;
        case GRAPH_SPARSE: TN_TRY(list_wire(r, &g->sparse, &g->n_sparse, sub)); break;
        default: break; /* quantization_annotation and metadata say nothing about the meaning */
        }
    }
    return st;
}

static tn_status add_constant(tn_onnx_reader *r, tn_onnx_scope *s, tn_str name, tn_tensor *t, const char *where) {
    const char *plain;
    if (!name.len) return tn_fail(TN_E_GRAPH, "%s has no name", where);
    TN_TRY(tn_onnx_text(r, name, "the name of an initializer", &plain));
    tn_value *v = tn_value_constant(s->graph, plain, t);
    if (!v) return TN_E_NOMEM;
    TN_TRY(tn_onnx_define(r, s, name, v, -1));
    tn_onnx_name *n = tn_map_get(s->names, name.ptr, name.len);
    n->initializer = true;
    return TN_OK;
}

static tn_status read_initializers(tn_onnx_reader *r, tn_onnx_scope *s, const graph_fields *gf) {
    for (int i = 0; i < gf->n_initializers + gf->n_sparse; i++) {
        bool dense = i < gf->n_initializers;
        tn_wire w = dense ? gf->initializers[i] : gf->sparse[i - gf->n_initializers];
        tn_str name = dense ? tn_onnx_peek(w, 8) : (tn_str){ 0 };
        char where[200];
        snprintf(where, sizeof where, "%sinitializer '%.*s' at byte %zu", dense ? "" : "sparse ",
                 (int)(name.len < 120 ? name.len : 120), name.ptr ? name.ptr : "", (size_t)(w.p - w.base));
        tn_tensor t = { 0 };
        tn_status st = dense ? tn_onnx_tensor(r, w, where, &t, &name) : tn_onnx_sparse(r, w, where, &t, &name);
        if (st == TN_OK) st = add_constant(r, s, name, &t, where);
        tn_tensor_reset(&t);
        TN_TRY(st);
    }
    return TN_OK;
}

static bool append_input(tn_graph *g, tn_value *v, int room) {
    if (!g->inputs) g->inputs = tn_arena_array(g->model->arena, tn_value *, (size_t)room);
    if (!g->inputs) return false;
    g->cap_inputs = room;
    v->is_input = true;
    g->inputs[g->n_inputs++] = v;
    return true;
}

/* An input that is an initializer too: before IR 4 that is how constants had to be written; since then it is an input
 * with a default. In subgraphs the caller gives the inputs, so there it stays a constant. */
static tn_status input_with_default(tn_onnx_reader *r, tn_onnx_scope *s, const tn_onnx_info *info, tn_onnx_name *known,
                                    int room) {
    tn_value *v = known->value;
    tn_status st = tn_type_merge(&v->type, &info->type);
    if (st != TN_OK) return tn_fail_at(st, "input '%s' and its initializer", v->name);
    known->initializer = false; /* a second such input is an error */
    if (r->m->ir_version < 4 || s->outer) return TN_OK;
    v->fallback = v->constant;
    v->constant = NULL;
    return append_input(s->graph, v, room) ? TN_OK : tn_fail(TN_E_NOMEM, "an input");
}

static tn_status declare_type(tn_onnx_reader *r, tn_value *v, const tn_onnx_info *info, bool output) {
    if (info->type.kind == TN_KIND_NONE || v->constant || (v->is_input && !v->graph->parent)) return TN_OK;
    if (r->declared.n == r->cap_declared) {
        size_t want = r->cap_declared ? r->cap_declared * 2 : 64;
        tn_declared *wider = tn_arena_array(r->m->arena, tn_declared, want);
        if (!wider) return tn_fail(TN_E_NOMEM, "value types");
        if (r->declared.n) memcpy(wider, r->declared.items, r->declared.n * sizeof *wider);
        r->declared.items = wider;
        r->cap_declared = want;
    }
    tn_declared *d = &r->declared.items[r->declared.n++];
    d->value = v;
    d->output = output;
    d->type = info->type;
    memcpy(d->symbols, info->symbols, sizeof d->symbols);
    return TN_OK;
}

static tn_status read_inputs(tn_onnx_reader *r, tn_onnx_scope *s, const graph_fields *gf) {
    bool main_graph = !s->graph->parent;
    for (int i = 0; i < gf->n_inputs; i++) {
        tn_onnx_info info;
        tn_status st = tn_onnx_value_info(r, gf->inputs[i], main_graph, &info);
        if (st != TN_OK) return tn_fail_at(st, "graph input %d", i);
        if (!info.name.len) return tn_fail(TN_E_GRAPH, "graph input %d has no name", i);
        tn_onnx_name *known = tn_map_get(s->names, info.name.ptr, info.name.len);
        if (known && known->initializer) {
            TN_TRY(input_with_default(r, s, &info, known, gf->n_inputs));
            continue;
        }
        tn_value *v;
        st = new_value(r, s, NULL, info.name, -1, &v);
        if (st != TN_OK) return tn_fail_at(st, "graph input %d", i);
        if (main_graph)
            v->type = info.type;
        else /* what a body is given, its node decides */
            TN_TRY(declare_type(r, v, &info, false));
        if (!append_input(s->graph, v, gf->n_inputs)) return tn_fail(TN_E_NOMEM, "an input");
    }
    return TN_OK;
}

static tn_status read_outputs(tn_onnx_reader *r, tn_onnx_scope *s, const graph_fields *gf) {
    for (int i = 0; i < gf->n_outputs; i++) {
        tn_onnx_info info;
        tn_status st = tn_onnx_value_info(r, gf->outputs[i], false, &info);
        if (st != TN_OK) return tn_fail_at(st, "graph output %d", i);
        tn_onnx_name *n = tn_onnx_lookup(s, info.name, NULL);
        if (!n || !n->value)
            return tn_fail(TN_E_GRAPH, "graph output %d, '%.*s', is not defined", i,
                           (int)(info.name.len < 200 ? info.name.len : 200), info.name.ptr ? info.name.ptr : "");
        TN_TRY(tn_graph_add_output(s->graph, n->value));
        TN_TRY(declare_type(r, n->value, &info, true));
    }
    return TN_OK;
}

/* value_info is a hint: entries about unknown names and types we cannot hold are passed over. */
static tn_status read_infos(tn_onnx_reader *r, tn_onnx_scope *s, const graph_fields *gf) {
    for (int i = 0; i < gf->n_infos; i++) {
        tn_onnx_info info;
        tn_status st = tn_onnx_value_info(r, gf->infos[i], false, &info);
        if (st == TN_E_NOMEM || st == TN_E_FORMAT) return tn_fail_at(st, "value_info %d", i);
        if (st != TN_OK) {
            tn_error_clear();
            continue;
        }
        tn_onnx_name *n = tn_map_get(s->names, info.name.ptr, info.name.len);
        if (n && n->value) TN_TRY(declare_type(r, n->value, &info, false));
    }
    return TN_OK;
}

tn_status tn_onnx_graph(tn_onnx_reader *r, tn_onnx_scope *outer, const tn_onnx_call *call, tn_wire w, tn_graph *g) {
    graph_fields gf = { 0 };
    tn_onnx_scope s = { outer, tn_map_new(64), g, -1 };
    tn_status st = TN_OK;
    if (!s.names) return tn_fail(TN_E_NOMEM, "the names of a graph");
    if (++r->depth > TN_ONNX_MAX_DEPTH) {
        st = tn_fail(TN_E_LIMIT, "graphs and function calls are nested deeper than %d", TN_ONNX_MAX_DEPTH);
        goto done;
    }
    if ((st = scan_graph(r, w, &gf)) != TN_OK) goto done;
    if ((st = text(r, gf.name, &g->name)) != TN_OK || (st = text(r, gf.doc, &g->doc)) != TN_OK) goto done;
    if ((st = read_initializers(r, &s, &gf)) != TN_OK) goto done;
    if ((st = read_inputs(r, &s, &gf)) != TN_OK) goto done;
    if ((st = tn_onnx_nodes(r, &s, call, gf.nodes, gf.n_nodes)) != TN_OK) goto done;
    if ((st = read_outputs(r, &s, &gf)) != TN_OK) goto done;
    st = read_infos(r, &s, &gf);
done:
    r->depth--;
    tn_map_free(&s.names);
    if (st != TN_OK && *g->name && g->parent) tn_fail_at(st, "subgraph '%.100s'", g->name);
    return st;
}

/* --------------------------------------------------------------------------------------------------------- models */

tn_status tn_onnx_opset(tn_onnx_reader *r, tn_wire w, tn_opset *out) {
    tn_status st = TN_OK;
    tn_wire_field f;
    *out = (tn_opset){ "", 0 };
    TN_FIELDS(w, f, st) {
        if (f.number == 1 && f.type == WIRE_BYTES)
            TN_TRY(tn_onnx_text(r, f.bytes, "the domain of an operator set", &out->domain));
        if (f.number == 2 && f.type == 0) out->version = (int64_t)f.u;
    }
    if (st != TN_OK) return st;
    if (!strcmp(out->domain, "ai.onnx")) out->domain = "";
    if (!*out->domain && out->version > TN_ONNX_OPSET_MAX)
        return tn_fail(TN_E_UNSUPPORTED, "operator set %lld of ai.onnx is newer than the newest known here, %d",
                       (long long)out->version, TN_ONNX_OPSET_MAX);
    if (out->version < 1)
        return tn_fail(TN_E_FORMAT, "operator set version %lld of domain '%s'", (long long)out->version, out->domain);
    return TN_OK;
}

/* "" and "ai.onnx" may both be there, for the same set. */
tn_status tn_onnx_opset_add(tn_onnx_reader *r, tn_opset **sets, int *n, tn_opset o) {
    int at = 0;
    while (at < *n && strcmp((*sets)[at].domain, o.domain)) at++;
    if (at < *n && (*sets)[at].version == o.version) return TN_OK;
    if (at < *n)
        return tn_fail(TN_E_GRAPH, "two versions of operator set '%s' are imported: %lld and %lld", o.domain,
                       (long long)(*sets)[at].version, (long long)o.version);
    if (at == TN_ONNX_MAX_SETS) return tn_fail(TN_E_LIMIT, "more than %d operator sets are imported", at);
    TN_TRY(tn_onnx_room(r, sets, at, sizeof **sets));
    (*sets)[(*n)++] = o;
    return TN_OK;
}

static tn_status read_meta(tn_onnx_reader *r, tn_wire w, tn_meta *out) {
    tn_status st = TN_OK;
    tn_wire_field f;
    *out = (tn_meta){ "", "" };
    TN_FIELDS(w, f, st) {
        if (f.number == 1 && f.type == WIRE_BYTES) TN_TRY(text(r, f.bytes, &out->key));
        if (f.number == 2 && f.type == WIRE_BYTES) TN_TRY(text(r, f.bytes, &out->value));
    }
    return st;
}

typedef struct {
    tn_wire graph;
    tn_wire *opsets, *meta, *functions;
    int n_graphs, n_opsets, n_meta, n_functions;
    bool training, ir;
} model_fields;

static tn_status scan_model(tn_onnx_reader *r, tn_wire w, model_fields *mf) {
    tn_model *m = r->m;
    tn_status st = TN_OK;
    tn_wire_field f;
    TN_FIELDS(w, f, st) {
        if (f.type == 0 && f.number == MODEL_IR) m->ir_version = (int64_t)f.u, mf->ir = true;
        if (f.type == 0 && f.number == MODEL_VERSION) m->model_version = (int64_t)f.u;
        if (f.type != WIRE_BYTES) continue;
        tn_wire sub = tn_wire_sub(&w, &f);
        switch (f.number) {
        case MODEL_PRODUCER: TN_TRY(text(r, f.bytes, &m->producer_name)); break;
        case MODEL_PRODUCER_VERSION: TN_TRY(text(r, f.bytes, &m->producer_version)); break;
        case MODEL_DOMAIN: TN_TRY(text(r, f.bytes, &m->domain)); break;
        case MODEL_DOC: TN_TRY(text(r, f.bytes, &m->doc)); break;
        case MODEL_GRAPH: mf->graph = sub, mf->n_graphs++; break;
        case MODEL_OPSET: TN_TRY(list_wire(r, &mf->opsets, &mf->n_opsets, sub)); break;
        case MODEL_META: TN_TRY(list_wire(r, &mf->meta, &mf->n_meta, sub)); break;
        case MODEL_FUNCTION: TN_TRY(list_wire(r, &mf->functions, &mf->n_functions, sub)); break;
        case MODEL_TRAINING: mf->training = true; break;
        default: break;
        }
    }
    return st;
}

static tn_status read_opsets(tn_onnx_reader *r, const model_fields *mf) {
    tn_model *m = r->m;
    tn_opset *sets = NULL;
    for (int i = 0; i < mf->n_opsets; i++) {
        tn_opset o;
        tn_status st = tn_onnx_opset(r, mf->opsets[i], &o);
        if (st == TN_OK) st = tn_onnx_opset_add(r, &sets, &m->n_opsets, o);
        if (st != TN_OK) return tn_fail_at(st, "opset_import %d", i);
    }
    m->opsets = tn_arena_array(m->arena, tn_opset, (size_t)m->n_opsets + 1);
    if (!m->opsets) return tn_fail(TN_E_NOMEM, "operator sets");
    if (m->n_opsets) memcpy(m->opsets, sets, sizeof *sets * (size_t)m->n_opsets);
    if (!m->n_opsets) m->opsets[m->n_opsets++] = (tn_opset){ "", 1 }; /* IR 1 and 2 have no imports */
    return TN_OK;
}

static tn_status read_model(tn_onnx_reader *r, const uint8_t *data, size_t size) {
    tn_model *m = r->m;
    model_fields mf = { 0 };
    const char *looks = tn_sniff(data, size);
    if (looks) return tn_fail(TN_E_FORMAT, "not an ONNX model: it looks like %s", looks);
    m->producer_name = m->producer_version = m->domain = m->doc = "";
    tn_status st = scan_model(r, tn_wire_of(data, size), &mf);
    if (st != TN_OK) return tn_fail_at(st, mf.ir ? "the ONNX model is damaged or cut off" : "not an ONNX model");
    if (mf.n_graphs != 1)
        return tn_fail(TN_E_FORMAT, "not an ONNX model: it has %d graphs where there must be one", mf.n_graphs);
    if (!mf.ir || m->ir_version < 1)
        return tn_fail(TN_E_FORMAT, "not an ONNX model: ir_version is %lld", (long long)m->ir_version);
    if (mf.training) tn_log(TN_LOG_INFO, "the model's training information is not used");
    TN_TRY(read_opsets(r, &mf));
    m->meta = tn_arena_array(m->arena, tn_meta, (size_t)mf.n_meta + 1);
    if (!m->meta) return tn_fail(TN_E_NOMEM, "metadata");
    for (int i = 0; i < mf.n_meta; i++) TN_TRY(read_meta(r, mf.meta[i], &m->meta[m->n_meta++]));
    for (int i = 0; i < mf.n_functions; i++) {
        st = tn_onnx_function_read(r, mf.functions[i]);
        if (st != TN_OK) return tn_fail_at(st, "function %d", i);
    }
    return tn_onnx_graph(r, NULL, NULL, mf.graph, m->graph);
}

/* The folder of the model as it is named, and the folder of the file a link leads to: caches of downloaded models link
 * both the model and its data into one store. */
static tn_status find_folders(tn_onnx_reader *r) {
    if (!r->m->path) return TN_OK;
    const char *slash = strrchr(r->m->path, '/');
    char *named =
        slash ? tn_arena_strndup(r->tmp, r->m->path, (size_t)(slash - r->m->path) + 1) : tn_arena_strdup(r->tmp, ".");
    if (!named) return tn_fail(TN_E_NOMEM, "a path");
    char *real = realpath(named, NULL);
    r->folder = real ? tn_arena_strdup(r->tmp, real) : NULL;
    free(real);
    real = realpath(r->m->path, NULL);
    if (real) {
        char *end = strrchr(real, '/');
        r->real_folder = end ? tn_arena_strndup(r->tmp, real, (size_t)(end - real)) : NULL;
        free(real);
    }
    return TN_OK;
}

tn_status tn_onnx_read(tn_model *m, const uint8_t *data, size_t size, tn_declared_list *declared) {
    tn_onnx_reader r = { .m = m, .size = size, .tmp = tn_arena_new((size_t)64 << 10, TN_MEM_GRAPH) };
    tn_status st = TN_OK;
    r.functions = tn_map_new(0);
    r.files = tn_map_new(0);
    r.symbols = tn_map_new(0);
    if (!r.tmp || !r.functions || !r.files || !r.symbols) st = tn_fail(TN_E_NOMEM, "reading a model");
    if (st == TN_OK) st = find_folders(&r);
    if (st == TN_OK) st = read_model(&r, data, size);
    *declared = r.declared;
    tn_map_free(&r.functions);
    tn_map_free(&r.files);
    tn_map_free(&r.symbols);
    tn_arena_free(&r.tmp);
    return st;
}
