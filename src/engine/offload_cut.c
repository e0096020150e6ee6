/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* offload_cut.c - which nodes of a plan run on the device: what fits, cut into segments, compiled. */
#include "base/budget.h"
#include "base/clean.h"
#include "base/log.h"
#include "engine/planner.h"
#include "engine/segment.h"
#include <string.h>

/* What the engine reckons a CPU does in a nanosecond: for weighing segments, where only the order of magnitude counts.
 */
#define CPU_FLOPS 32.0
#define CPU_BYTES 8.0

typedef struct {
    tn_infer types;
    tn_cost cost;
} node_view;

typedef struct tn_offload_cut {
    tn_planner *b;
    tn_device *device;
    int n, *position, *index_of; /* live nodes, and back: by position */
    node_view *views;
    tn_cut_node *nodes;
    tn_cut_value *values;
    int n_values, *value_of; /* by value id; -1 */
    const tn_value **value;  /* the graph's */
    tn_segments found;
    tn_offload_border *borders;
} cut;

static const tn_type *type_of(const cut *c, const tn_value *v) { return &c->b->p->typing.types[v->id]; }

/* -------------------------------------------------------------------------------------------------------- what fits */

static bool plain_tensor(const tn_type *t) {
    return t->kind == TN_KIND_TENSOR && tn_type_static(t) && t->dtype != TN_NONE && t->dtype != TN_STRING;
}

/* What devices are not asked for: what depends on data or chance, and what is no plain tensor. */
static bool eligible(const cut *c, const tn_node *n, const tn_infer *x) {
    const unsigned never = TN_OP_DYNAMIC | TN_OP_SUBGRAPH | TN_OP_RANDOM | TN_OP_SIDE_EFFECT;
    if (n->op->flags & never || tn_typing_open(&c->b->p->typing, n)) return false;
    if (!n->op->run && !(n->op->flags & TN_OP_ALIAS)) return false;
    for (int i = 0; i < x->n_in; i++)
        if (x->in[i] && !plain_tensor(x->in[i])) return false;
    for (int i = 0; i < x->n_out; i++)
        if (n->outputs[i] && !plain_tensor(&x->out[i])) return false;
    return true;
}

static tn_status view_node(cut *c, int i) {
    tn_planner *b = c->b;
    const tn_node *n = b->nodes[c->position[i]];
    node_view *v = &c->views[i];
    TN_TRY(tn_typing_view(&b->p->typing, n, &v->types));
    for (int k = 0; k < n->n_outputs; k++)
        if (n->outputs[k]) v->types.out[k] = *type_of(c, n->outputs[k]);
    if (!eligible(c, n, &v->types)) return TN_OK;
    TN_TRY(tn_op_read_attrs(n, n->op, b->p->arena, &v->types.attrs));
    if (n->op->flags & TN_OP_ALIAS) {
        c->nodes[i].free = true;
        return TN_OK;
    }
    if (tn_op_cost(&v->types, &v->cost) != TN_OK) tn_error_clear();
    double bytes = (v->cost.bytes_read + v->cost.bytes_written) / CPU_BYTES, flops = v->cost.flops / CPU_FLOPS, ns = 0;
    double cpu_ns = flops > bytes ? flops : bytes;
    c->nodes[i].fits = c->device->ops->fits(c->device->self, &v->types, cpu_ns, &ns);
    c->nodes[i].gain_ns = cpu_ns - ns;
    return TN_OK;
}

static tn_status view_nodes(cut *c) {
    tn_planner *b = c->b;
    size_t n = (size_t)b->n_nodes + 1;
    c->position = tn_arena_array(b->temp, int, n);
    c->index_of = tn_arena_array(b->temp, int, n);
    c->views = tn_arena_array(b->temp, node_view, n);
    c->nodes = tn_arena_array(b->temp, tn_cut_node, n);
    if (!c->position || !c->index_of || !c->views || !c->nodes) return tn_planner_no_memory(b);
    for (int i = 0; i < b->n_nodes; i++) {
        c->index_of[i] = c->n;
        if (b->live[i]) c->position[c->n++] = i;
    }
    for (int i = 0; i < c->n; i++) TN_TRY(view_node(c, i));
    return TN_OK;
}

/* ----------------------------------------------------------------------------------------------------------- values */

static void add_value(cut *c, const tn_value *v, int maker, const tn_device_traits *t) {
    size_t bytes = 0;
    const tn_type *type = type_of(c, v);
    if (!c->b->needed[v->id] || c->value_of[v->id] >= 0) return;
    if (plain_tensor(type)) tn_dtype_bytes(type->dtype, tn_dims_count(type->rank, type->dims), &bytes);
    c->value_of[v->id] = c->n_values;
    c->value[c->n_values] = v;
    c->values[c->n_values++] = (tn_cut_value){ .maker = maker, .copy_ns = t->copy_ns + (double)bytes * t->byte_ns };
}

/* Calls fn for everything that node i reads; twice what it reads twice. */
static tn_status each_read(cut *c, int i, void (*fn)(cut *c, int value, int node)) {
    const tn_node *n = c->b->nodes[c->position[i]];
    for (int k = 0; k < n->n_inputs; k++)
        if (n->inputs[k] && c->value_of[n->inputs[k]->id] >= 0) fn(c, c->value_of[n->inputs[k]->id], i);
    tn_each_graph(n, g) {
        const tn_value **v = NULL;
        int count = 0;
        TN_TRY(tn_captures(g, c->b->temp, &v, &count));
        for (int k = 0; k < count; k++)
            if (c->value_of[v[k]->id] >= 0) fn(c, c->value_of[v[k]->id], i);
    }
    return TN_OK;
}

static void count_reader(cut *c, int value, int node) {
    (void)node;
    c->values[value].n_readers++;
}

static void note_reader(cut *c, int value, int node) {
    tn_cut_value *v = &c->values[value];
    ((int *)(uintptr_t)v->readers)[v->n_readers++] = node;
}

static tn_status note_readers(cut *c) {
    for (int i = 0; i < c->n; i++) TN_TRY(each_read(c, i, count_reader));
    for (int v = 0; v < c->n_values; v++) {
        c->values[v].readers = tn_arena_array(c->b->temp, int, (size_t)c->values[v].n_readers + 1);
        if (!c->values[v].readers) return tn_planner_no_memory(c->b);
        c->values[v].n_readers = 0;
    }
    for (int i = 0; i < c->n; i++) TN_TRY(each_read(c, i, note_reader));
    return TN_OK;
}

static tn_status note_values(cut *c, const tn_device_traits *t) {
    tn_planner *b = c->b;
    const tn_graph *g = b->args->graph;
    size_t n = (size_t)b->args->model->n_values + 1;
    c->value_of = tn_arena_array(b->temp, int, n);
    c->value = tn_arena_array(b->temp, const tn_value *, n);
    c->values = tn_arena_array(b->temp, tn_cut_value, n);
    if (!c->value_of || !c->value || !c->values) return tn_planner_no_memory(b);
    for (size_t i = 0; i < n; i++) c->value_of[i] = -1;
    for (int i = 0; i < g->n_inputs; i++) add_value(c, g->inputs[i], -1, t);
    for (int i = 0; i < b->args->n_captured; i++) add_value(c, b->args->captured[i], -1, t);
    for (int i = 0; i < c->n; i++) {
        const tn_node *x = b->nodes[c->position[i]];
        for (int k = 0; k < x->n_outputs; k++)
            if (x->outputs[k]) add_value(c, x->outputs[k], i, t);
    }
    for (int i = 0; i < g->n_outputs; i++)
        if (c->value_of[g->outputs[i]->id] >= 0) c->values[c->value_of[g->outputs[i]->id]].wanted = true;
    return note_readers(c);
}

/* -------------------------------------------------------------------------------------------------------- compiling */

static bool read_outside(const cut *c, const tn_cut_value *v, int segment) {
    for (int i = 0; i < v->n_readers; i++)
        if (c->found.segment[v->readers[i]] != segment) return true;
    return v->wanted;
}

/* A segment being built. */
typedef struct {
    cut *c;
    int k;      /* its number */
    int *local; /* by value id; -1 */
    tn_segment s;
    tn_segment_node *nodes;
    tn_segment_value *values;
    int *inputs, *outputs;
} builder;

static int add_local(builder *x, const tn_value *v, tn_role role) {
    if (x->local[v->id] >= 0) return x->local[v->id];
    const tn_tensor *k = tn_typing_tensor(&x->c->b->p->typing, v);
    tn_segment_value *s = &x->values[x->s.n_values];
    *s = (tn_segment_value){ .value = v, .role = role, .type = *type_of(x->c, v), .first = -1, .last = -1 };
    if (k) {
        s->role = TN_ROLE_CONSTANT;
        s->constant = k;
        s->bytes = tn_tensor_bytes(k);
    } else {
        tn_dtype_bytes(s->type.dtype, tn_dims_count(s->type.rank, s->type.dims), &s->bytes);
    }
    if (s->role == TN_ROLE_INPUT) x->inputs[x->s.n_inputs++] = x->s.n_values;
    if (s->role == TN_ROLE_OUTPUT) x->outputs[x->s.n_outputs++] = x->s.n_values;
    return x->local[v->id] = x->s.n_values++;
}

static int add_output(builder *x, const tn_node *n, int i) {
    const tn_value *v = n->outputs[i];
    const cut *c = x->c;
    if (!v || tn_typing_tensor(&c->b->p->typing, v)) return -1;
    if (!c->b->needed[v->id] && !tn_op_needs_output(n->op, i)) return -1;
    int k = c->value_of[v->id];
    bool outside = k >= 0 && read_outside(c, &c->values[k], x->k);
    return add_local(x, v, outside ? TN_ROLE_OUTPUT : TN_ROLE_INNER);
}

static tn_status add_node(builder *x, int node) {
    tn_planner *b = x->c->b;
    const tn_node *n = b->nodes[x->c->position[node]];
    int at = x->s.n_nodes++;
    int *in = tn_arena_array(b->temp, int, (size_t)n->n_inputs + 1);
    int *out = tn_arena_array(b->temp, int, (size_t)n->n_outputs + 1);
    if (!in || !out) return tn_planner_no_memory(b);
    for (int i = 0; i < n->n_inputs; i++) {
        in[i] = n->inputs[i] ? add_local(x, n->inputs[i], TN_ROLE_INPUT) : -1;
        if (in[i] >= 0) x->values[in[i]].last = at;
    }
    for (int i = 0; i < n->n_outputs; i++) {
        out[i] = add_output(x, n, i);
        if (out[i] >= 0) x->values[out[i]].first = at;
    }
    x->nodes[at] = (tn_segment_node){ .node = n, .types = x->c->views[node].types, .in = in, .out = out };
    return TN_OK;
}

static tn_status begin(builder *x, int n_nodes, int n_ports) {
    tn_planner *b = x->c->b;
    size_t n = (size_t)n_ports + 1;
    x->nodes = tn_arena_array(b->temp, tn_segment_node, (size_t)n_nodes + 1);
    x->values = tn_arena_array(b->temp, tn_segment_value, n);
    x->inputs = tn_arena_array(b->temp, int, n);
    x->outputs = tn_arena_array(b->temp, int, n);
    if (!x->nodes || !x->values || !x->inputs || !x->outputs) return tn_planner_no_memory(b);
    x->s = (tn_segment){ .nodes = x->nodes, .values = x->values, .inputs = x->inputs, .outputs = x->outputs };
    return TN_OK;
}

static const tn_value **listed(builder *x, const int *which, int n) {
    const tn_value **v = tn_arena_array(x->c->b->temp, const tn_value *, (size_t)n + 1);
    for (int i = 0; v && i < n; i++) v[i] = x->values[which[i]].value;
    return v;
}

/* The nodes order[from .. to) as a segment. */
static tn_status build(builder *x, int from, int to) {
    cut *c = x->c;
    tn_offload_border *e = &c->borders[x->k];
    int ports = 0;
    for (int i = from; i < to; i++) {
        const tn_node *n = c->b->nodes[c->position[c->found.order[i]]];
        ports += n->n_inputs + n->n_outputs;
    }
    TN_TRY(begin(x, to - from, ports));
    for (int i = from; i < to; i++) {
        const tn_cost *cost = &c->views[c->found.order[i]].cost;
        e->cost.flops += cost->flops;
        e->cost.bytes_read += cost->bytes_read;
        e->cost.bytes_written += cost->bytes_written;
        TN_TRY(add_node(x, c->found.order[i]));
    }
    e->in = listed(x, x->inputs, e->n_in = x->s.n_inputs);
    e->out = listed(x, x->outputs, e->n_out = x->s.n_outputs);
    for (int i = 0; i < x->s.n_values; i++) x->local[x->values[i].value->id] = -1;
    return e->in && e->out ? TN_OK : tn_planner_no_memory(c->b);
}

static tn_status take_nodes(builder *x, tn_offload_segment *o) {
    o->nodes = tn_arena_array(x->c->b->p->arena, const tn_node *, (size_t)x->s.n_nodes + 1);
    if (!o->nodes) return tn_planner_no_memory(x->c->b);
    for (int i = 0; i < x->s.n_nodes; i++) o->nodes[i] = x->nodes[i].node;
    o->n_nodes = x->s.n_nodes;
    return TN_OK;
}

/* Where the device is not required its failure is no error: *kept is false then. */
static tn_status compile(builder *x, tn_offload_segment *o, bool *kept) {
    cut *c = x->c;
    tn_device_use *u = c->b->args->device;
    TN_TRY(take_nodes(x, o));
    tn_status st = c->device->ops->compile(c->device->self, c->device, &x->s, &o->program, &o->work);
    *kept = st == TN_OK;
    if (st == TN_OK) return st;
    o->program = NULL;
    if (tn_budget_stopped()) return st;
    st = tn_fail_at(tn_device_failed(c->device, st), "nodes '%s' to '%s'", o->nodes[0]->name,
                    o->nodes[o->n_nodes - 1]->name);
    if (u->require) return st;
    tn_device_use_fault(u, false, tn_error(), "they run on the CPU");
    tn_error_clear();
    return TN_OK;
}

static tn_status compile_segment(builder *x, tn_offload *o, int from, int to) {
    bool kept;
    tn_offload_segment s = { 0 };
    TN_TRY(build(x, from, to));
    TN_TRY(compile(x, &s, &kept));
    if (kept) o->segments[x->k] = s, o->n_programs++;
    for (int i = from; i < to; i++) x->c->found.segment[x->c->found.order[i]] = kept ? x->k : -1;
    return TN_OK;
}

static tn_status compile_all(cut *c, tn_offload *o) {
    builder x = { .c = c };
    size_t n = (size_t)c->b->args->model->n_values + 1;
    if (!(x.local = tn_arena_array(c->b->temp, int, n))) return tn_planner_no_memory(c->b);
    for (size_t i = 0; i < n; i++) x.local[i] = -1;
    for (int from = 0, to, left = c->found.n_segments; left; from = to) {
        int k = c->found.segment[c->found.order[from]];
        for (to = from; to < c->n && c->found.segment[c->found.order[to]] == k;) to++;
        if (k < 0) continue;
        left--;
        x.k = k;
        TN_TRY(compile_segment(&x, o, from, to));
    }
    return TN_OK;
}

static bool host_reads(const cut *c, const tn_value *value) {
    const tn_cut_value *v = &c->values[c->value_of[value->id]];
    for (int i = 0; i < v->n_readers; i++)
        if (c->found.segment[v->readers[i]] < 0) return true;
    return v->wanted;
}

static tn_status note_borders(cut *c) {
    for (int k = 0; k < c->found.n_segments; k++) {
        tn_offload_border *e = &c->borders[k];
        bool *host = tn_arena_array(c->b->temp, bool, (size_t)e->n_out + 1);
        if (!host) return tn_planner_no_memory(c->b);
        for (int i = 0; i < e->n_out; i++) host[i] = host_reads(c, e->out[i]);
        e->host = host;
    }
    return TN_OK;
}

/* -------------------------------------------------------------------------------------------------------------- all */

/* A required device that computes nothing is an error. Plans of loop bodies and branches may do without. */
static tn_status check_required(const cut *c, const tn_offload *o) {
    const tn_planner *b = c->b;
    if (o->n_programs || !b->args->device->require || !c->n || b->args->graph->parent) return TN_OK;
    const tn_node *n = b->nodes[c->position[0]];
    return tn_fail(TN_E_DEVICE,
                   "device '%s' is required, and has a kernel for none of the %d nodes: %s '%s' and others",
                   c->device->ops->name, c->n, tn_shown(n->type), tn_shown(n->name));
}

/* Without a segment nodes run in the graph's own order. */
static tn_status set_order(cut *c) {
    tn_planner *b = c->b;
    if (!b->p->offload->n_programs) return TN_OK;
    b->n_order = c->n;
    b->order = tn_arena_array(b->temp, int, (size_t)c->n + 1);
    b->segment = tn_arena_array(b->temp, int, (size_t)c->n + 1);
    if (!b->order || !b->segment) return tn_planner_no_memory(b);
    for (int i = 0; i < c->n; i++) {
        b->order[i] = c->position[c->found.order[i]];
        b->segment[i] = c->found.segment[c->found.order[i]];
    }
    return TN_OK;
}

tn_status tn_offload_cut(tn_planner *b) {
    tn_device_use *u = b->args->device;
    cut *c = tn_arena_new_of(b->temp, cut);
    tn_offload *o = tn_arena_new_of(b->p->arena, tn_offload);
    if (!c || !o) return tn_planner_no_memory(b);
    *c = (cut){ .b = b, .device = u->device };
    tn_device_traits t = u->device->ops->traits(u->device->self);
    TN_TRY(view_nodes(c));
    TN_TRY(note_values(c, &t));
    const tn_cut what = { .nodes = c->nodes,
                          .n_nodes = c->n,
                          .values = c->values,
                          .n_values = c->n_values,
                          .launch_ns = t.launch_ns,
                          .all = u->require };
    TN_TRY(tn_segments_find(&what, b->temp, &c->found));
    c->borders = tn_arena_array(b->temp, tn_offload_border, (size_t)c->found.n_segments + 1);
    o->segments = tn_arena_array(b->p->arena, tn_offload_segment, (size_t)c->found.n_segments + 1);
    if (!c->borders || !o->segments) return tn_planner_no_memory(b);
    *o = (tn_offload){ .device = u->device, .use = u, .segments = o->segments, .n_segments = c->found.n_segments };
    b->p->offload = o; /* from now on plan_free releases its programs */
    TN_TRY(compile_all(c, o));
    TN_TRY(note_borders(c));
    TN_TRY(check_required(c, o));
    b->cut = c;
    return set_order(c);
}

const tn_offload_border *tn_offload_border_of(const tn_planner *b, int segment) { return &b->cut->borders[segment]; }
