/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* read_graph.c - GraphProto to a graph: initializers, inputs, nodes, outputs, and what the file says of the types of
 * values in between. Source: ONNX IR specification (docs/IR.md), onnx.proto. */
#include "format/onnx/fields.h"
#include "format/onnx/read.h"
#include <stdio.h>

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
        case GRAPH_NODE: TN_TRY(tn_onnx_list_wire(r, &g->nodes, &g->n_nodes, sub)); break;
        case GRAPH_NAME: g->name = f.bytes; break;
        case GRAPH_INITIALIZER: TN_TRY(tn_onnx_list_wire(r, &g->initializers, &g->n_initializers, sub)); break;
        case GRAPH_DOC: g->doc = f.bytes; break;
        case GRAPH_INPUT: TN_TRY(tn_onnx_list_wire(r, &g->inputs, &g->n_inputs, sub)); break;
        case GRAPH_OUTPUT: TN_TRY(tn_onnx_list_wire(r, &g->outputs, &g->n_outputs, sub)); break;
        case GRAPH_INFO: TN_TRY(tn_onnx_list_wire(r, &g->infos, &g->n_infos, sub)); break;
        case GRAPH_SPARSE: TN_TRY(tn_onnx_list_wire(r, &g->sparse, &g->n_sparse, sub)); break;
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
        tn_str name = dense ? tn_onnx_peek(w, TENSOR_NAME) : (tn_str){ 0 };
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
        st = tn_onnx_new_value(r, s, NULL, info.name, -1, &v);
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
    if ((st = tn_onnx_long_text(r, gf.name, &g->name)) != TN_OK ||
        (st = tn_onnx_long_text(r, gf.doc, &g->doc)) != TN_OK)
        goto done;
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
