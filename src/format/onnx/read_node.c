/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* read_node.c - NodeProto to nodes, Constant nodes to constants, calls of functions to their bodies. Names are looked
 * up, never trusted. Source: ONNX IR specification (docs/IR.md), onnx.proto. */
#include "format/onnx/fields.h"
#include "format/onnx/read.h"
#include <stdio.h>

typedef struct {
    tn_str *inputs, *outputs;
    int n_inputs, n_outputs;
    tn_str name, type, domain, overload;
    tn_wire *attrs;
    int n_attrs;
    char where[256];
} node_fields;

static tn_status scan_node(tn_onnx_reader *r, tn_wire w, int position, node_fields *out) {
    tn_status st = TN_OK;
    tn_wire_field f;
    size_t offset = (size_t)(w.p - w.base);
    *out = (node_fields){ 0 };
    TN_FIELDS(w, f, st) {
        if (f.type != WIRE_BYTES) continue;
        switch (f.number) {
        case NODE_INPUT: TN_TRY(tn_onnx_list_str(r, &out->inputs, &out->n_inputs, f.bytes)); break;
        case NODE_OUTPUT: TN_TRY(tn_onnx_list_str(r, &out->outputs, &out->n_outputs, f.bytes)); break;
        case NODE_NAME: out->name = f.bytes; break;
        case NODE_TYPE: out->type = f.bytes; break;
        case NODE_ATTRIBUTE: TN_TRY(tn_onnx_list_wire(r, &out->attrs, &out->n_attrs, tn_wire_sub(&w, &f))); break;
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
    n->name = tn_arena_strdup(r->m->arena, tn_onnx_print_name(made, sizeof made, call->prefix, nf->name));
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
    return tn_arena_strdup(r->tmp, tn_onnx_print_name(made, sizeof made, call ? call->prefix : NULL, own));
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
        st = tn_onnx_new_value(r, s, call, f.bytes, position, &v);
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
