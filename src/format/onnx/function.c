/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* function.c - functions that come with a model: their bodies are read anew into the graph at every call, with the
 * call's inputs and attributes put in. Source: docs/IR.md, "Functions". */
#include "format/onnx/fields.h"
#include "format/onnx/read.h"
#include "op/core/op.h"
#include <stdio.h>

#define KEY_MAX     1024
#define NOT_DEFINED INT32_MAX /* position of an output that no node of the body was seen to define */

/* Domain, name and overload in one key, with a separator that names do not contain. */
static size_t make_key(char key[KEY_MAX], tn_str domain, tn_str name, tn_str overload) {
    if (tn_str_is(domain, "ai.onnx")) domain.len = 0;
    if (domain.len + name.len + overload.len + 2 > KEY_MAX) return 0;
    size_t n = 0;
    const tn_str parts[] = { domain, name, overload };
    for (int i = 0; i < 3; i++) {
        if (i) key[n++] = '\1';
        if (parts[i].len) memcpy(key + n, parts[i].ptr, parts[i].len);
        n += parts[i].len;
    }
    return n;
}

static tn_status scan_function(tn_onnx_reader *r, tn_wire w, tn_onnx_function *fn) {
    tn_status st = TN_OK;
    tn_wire_field f;
    tn_opset o;
    fn->bytes = (size_t)(w.end - w.p);
    TN_FIELDS(w, f, st) {
        if (f.type != WIRE_BYTES) continue;
        tn_wire sub = tn_wire_sub(&w, &f);
        switch (f.number) {
        case FN_NAME: fn->name = f.bytes; break;
        case FN_DOMAIN: fn->domain = f.bytes; break;
        case FN_OVERLOAD: fn->overload = f.bytes; break;
        case FN_INPUT:
            TN_TRY(tn_onnx_room(r, &fn->inputs, fn->n_inputs, sizeof *fn->inputs));
            fn->inputs[fn->n_inputs++] = f.bytes;
            break;
        case FN_OUTPUT:
            TN_TRY(tn_onnx_room(r, &fn->outputs, fn->n_outputs, sizeof *fn->outputs));
            fn->outputs[fn->n_outputs++] = f.bytes;
            break;
        case FN_NODE:
            TN_TRY(tn_onnx_room(r, &fn->nodes, fn->n_nodes, sizeof *fn->nodes));
            fn->nodes[fn->n_nodes++] = sub;
            break;
        case FN_DEFAULT:
            TN_TRY(tn_onnx_room(r, &fn->defaults, fn->n_defaults, sizeof *fn->defaults));
            fn->defaults[fn->n_defaults++] = sub;
            break;
        case FN_OPSET:
            TN_TRY(tn_onnx_opset(r, sub, &o));
            TN_TRY(tn_onnx_opset_add(r, &fn->opsets, &fn->n_opsets, o));
            break;
        default: break;
        }
    }
    if (fn->n_defaults > TN_MAX_ATTRS)
        return tn_fail(TN_E_LIMIT, "%d attributes with defaults (at most %d)", fn->n_defaults, TN_MAX_ATTRS);
    return st;
}

tn_status tn_onnx_function_read(tn_onnx_reader *r, tn_wire w) {
    char key[KEY_MAX];
    size_t offset = (size_t)(w.p - w.base);
    tn_onnx_function *fn = tn_arena_new_of(r->tmp, tn_onnx_function);
    if (!fn) return tn_fail(TN_E_NOMEM, "a function");
    TN_TRY(scan_function(r, w, fn));
    size_t n = make_key(key, fn->domain, fn->name, fn->overload);
    if (!fn->name.len || !n) return tn_fail(TN_E_FORMAT, "no name, or too long a name, at byte %zu", offset);
    if (tn_map_get(r->functions, key, n))
        return tn_fail(TN_E_GRAPH, "'%.*s' is defined twice", (int)(fn->name.len < 200 ? fn->name.len : 200),
                       fn->name.ptr);
    const char *kept = tn_arena_strndup(r->tmp, key, n);
    return kept ? tn_map_put(r->functions, kept, n, fn) : tn_fail(TN_E_NOMEM, "a function");
}

const tn_onnx_function *tn_onnx_function_find(tn_onnx_reader *r, tn_str domain, tn_str name, tn_str overload) {
    char key[KEY_MAX];
    if (!tn_map_count(r->functions)) return NULL;
    size_t n = make_key(key, domain, name, overload);
    return n ? tn_map_get(r->functions, key, n) : NULL;
}

/* ---------------------------------------------------------------------------------------------------------- calls */

static tn_status bind(tn_onnx_reader *r, tn_onnx_scope *s, tn_str name, tn_value *v, int position) {
    tn_onnx_name *n = tn_arena_new_of(r->tmp, tn_onnx_name);
    if (!n) return tn_fail(TN_E_NOMEM, "a name");
    if (tn_map_get(s->names, name.ptr, name.len))
        return tn_fail(TN_E_GRAPH, "parameter '%.*s' occurs twice", (int)(name.len < 200 ? name.len : 200), name.ptr);
    *n = (tn_onnx_name){ v, position, false };
    return tn_map_put(s->names, name.ptr, name.len, n);
}

/* Outputs that no node defines are parameters handed through; one that is named twice is copied. */
static tn_status pass_through(tn_onnx_scope *s, const tn_onnx_function *fn, int i, tn_value *output) {
    const tn_onnx_name *n = tn_onnx_lookup(s, fn->outputs[i], NULL);
    if (n && n->value == output && n->position != NOT_DEFINED) return TN_OK;
    if (!n || !n->value || n->value == output)
        return tn_fail(TN_E_GRAPH, "output '%.*s' is not defined",
                       (int)(fn->outputs[i].len < 200 ? fn->outputs[i].len : 200), fn->outputs[i].ptr);
    tn_node *copy = tn_node_new(s->graph, NULL, "", "Identity", &n->value, 1, 0);
    tn_value **list = copy ? tn_arena_array(s->graph->model->arena, tn_value *, 1) : NULL;
    if (!list) return tn_fail(TN_E_NOMEM, "a node");
    list[0] = output;
    copy->outputs = list;
    copy->n_outputs = copy->cap_outputs = 1;
    copy->name = output->name;
    copy->version = TN_ONNX_OPSET_MAX;
    output->producer = copy;
    output->producer_index = 0;
    return TN_OK;
}

static tn_status call_body(tn_onnx_reader *r, const tn_onnx_call *call, tn_onnx_scope *s, tn_value *const *inputs,
                           int n_inputs, tn_value *const *outputs, int n_outputs) {
    const tn_onnx_function *fn = call->function;
    for (int i = 0; i < fn->n_inputs; i++) TN_TRY(bind(r, s, fn->inputs[i], i < n_inputs ? inputs[i] : NULL, -1));
    for (int i = 0; i < n_outputs; i++) {
        bool known = tn_map_get(s->names, fn->outputs[i].ptr, fn->outputs[i].len) != NULL;
        if (outputs[i] && !known) TN_TRY(bind(r, s, fn->outputs[i], outputs[i], NOT_DEFINED));
    }
    TN_TRY(tn_onnx_nodes(r, s, call, fn->nodes, fn->n_nodes));
    for (int i = 0; i < n_outputs; i++)
        if (outputs[i]) TN_TRY(pass_through(s, fn, i, outputs[i]));
    return TN_OK;
}

tn_status tn_onnx_inline(tn_onnx_reader *r, const tn_onnx_call *call, tn_value *const *inputs, int n_inputs,
                         tn_value *const *outputs, int n_outputs, const char *where) {
    const tn_onnx_function *fn = call->function;
    for (const tn_onnx_call *c = call->outer; c; c = c->outer)
        if (c->function == fn) return tn_fail(TN_E_GRAPH, "the function calls itself");
    if (n_inputs > fn->n_inputs || n_outputs > fn->n_outputs)
        return tn_fail(TN_E_GRAPH, "it has %d inputs and %d outputs but the call gives %d and %d", fn->n_inputs,
                       fn->n_outputs, n_inputs, n_outputs);
    TN_TRY(tn_onnx_expand(r, fn->bytes));
    r->inlined_nodes += (size_t)fn->n_nodes;
    if (r->inlined_nodes > TN_ONNX_MAX_INLINED)
        return tn_fail(TN_E_LIMIT, "calls of functions add more than %d nodes", TN_ONNX_MAX_INLINED);
    tn_onnx_scope s = { NULL, tn_map_new(16), call->scope->graph, -1 };
    if (!s.names) return tn_fail(TN_E_NOMEM, "%s", where);
    tn_status st = TN_OK;
    if (++r->depth > TN_ONNX_MAX_DEPTH)
        st = tn_fail(TN_E_LIMIT, "graphs and function calls are nested deeper than %d", TN_ONNX_MAX_DEPTH);
    if (st == TN_OK) st = call_body(r, call, &s, inputs, n_inputs, outputs, n_outputs);
    r->depth--;
    tn_map_free(&s.names);
    return st;
}
