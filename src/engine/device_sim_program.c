/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* device_sim_program.c - segments as the simulated device computes them: node by node, each by the CPU's operator, on
 * tensors that all lie in the device's memory. What an operator packs at compile time is part of the program. */
#include "base/budget.h"
#include "engine/call.h"
#include "engine/device_sim_parts.h"
#include "engine/memory.h"
#include "op/core/exec.h"
#include <string.h>

typedef struct {
    tn_tensor tensor; /* without memory */
    size_t bytes, at; /* of inner values: in the work place */
    tn_role role;
    int same, index;              /* whose memory it is; which input or output */
    tn_device_constant *constant; /* of a constant that is read as it lies */
} value;

typedef struct {
    tn_sim *sim;
    tn_device *device;
    tn_arena *arena;
    tn_step *nodes; /* operands are numbers of values */
    value *values;
    int n_nodes, n_values, n_in, n_out;
    size_t inner, scratch; /* bytes of the work place: values, then scratch */
} program;

/* -------------------------------------------------------------------------------------------------------- compiling */

static tn_status no_memory(void) { return tn_fail(TN_E_NOMEM, "no memory to compile a segment"); }

static int *copy_ints(tn_arena *a, const int *v, int n) {
    int *c = tn_arena_array(a, int, (size_t)n + 1);
    if (c && n) memcpy(c, v, (size_t)n * sizeof *c);
    return c;
}

static tn_status take_values(program *p, const tn_segment *s) {
    size_t *at = tn_arena_array(p->arena, size_t, (size_t)s->n_values + 1);
    int *same = tn_arena_array(p->arena, int, (size_t)s->n_values + 1);
    p->values = tn_arena_array(p->arena, value, (size_t)s->n_values + 1);
    if (!at || !same || !p->values) return no_memory();
    TN_TRY(tn_segment_lay_out(s, same, at, &p->inner));
    p->n_values = s->n_values;
    for (int i = 0; i < s->n_values; i++) {
        const tn_segment_value *x = &s->values[i];
        value *v = &p->values[i];
        *v = (value){ .role = x->role, .bytes = x->bytes, .at = at[i], .same = same[i] };
        v->tensor = (tn_tensor){ .dtype = x->type.dtype, .rank = x->type.rank };
        for (int d = 0; d < x->type.rank; d++) v->tensor.dims[d] = x->type.dims[d];
        if (x->constant) v->tensor.encoding = x->constant->encoding;
    }
    for (int i = 0; i < s->n_inputs; i++) p->values[s->inputs[i]].index = i;
    for (int i = 0; i < s->n_outputs; i++) p->values[s->outputs[i]].index = i;
    p->n_in = s->n_inputs;
    p->n_out = s->n_outputs;
    return TN_OK;
}

/* A constant that the operator reads as it lies goes to the device. */
static tn_status send_constants(program *p, const tn_segment *s, const tn_step *n, unsigned consumed) {
    for (int i = 0; i < n->n_in; i++) {
        value *v = n->in[i] >= 0 ? &p->values[n->in[i]] : NULL;
        if (!v || v->role != TN_ROLE_CONSTANT || v->constant || (i < 32 && consumed >> i & 1)) continue;
        const tn_segment_value *x = &s->values[n->in[i]];
        TN_TRY(tn_device_constant_get(p->device, x->constant, "as it lies", x->bytes, NULL, NULL, &v->constant));
    }
    return TN_OK;
}

static tn_status take_node(program *p, const tn_segment *s, int i) {
    const tn_segment_node *x = &s->nodes[i];
    const tn_op *op = x->node->op;
    tn_step *n = &p->nodes[p->n_nodes];
    *n = (tn_step){ .node = x->node, .attrs = x->types.attrs, .n_in = x->types.n_in, .n_out = x->types.n_out };
    n->in = copy_ints(p->arena, x->in, n->n_in);
    n->out = copy_ints(p->arena, x->out, n->n_out);
    if (!n->in || !n->out) return no_memory();
    p->n_nodes++;
    tn_prep prep = { .types = x->types, .arena = p->arena };
    if (op->prepare && !(op->flags & TN_OP_ALIAS)) TN_TRY(tn_op_prepare(op, &prep));
    n->state = prep.state;
    n->impl = prep.impl;
    n->scratch = tn_align_up(prep.scratch, TN_ARENA_ALIGN);
    n->room = prep.room;
    if (n->scratch + n->room > p->scratch) p->scratch = n->scratch + n->room;
    return send_constants(p, s, n, op->flags & TN_OP_ALIAS ? ~1u : prep.consumed);
}

static void count_programs(tn_sim *sim, int by) {
    if (!tn_sim_ours(sim)) return;
    pthread_mutex_lock(&sim->lock);
    sim->counts.programs += (unsigned long)by;
    pthread_mutex_unlock(&sim->lock);
}

tn_status tn_sim_compile(void *self, tn_device *d, const tn_segment *s, void **out, size_t *work) {
    TN_TRY(tn_sim_does(self, TN_SIM_COMPILE));
    tn_arena *a = tn_arena_new(0, TN_MEM_GENERAL);
    program *p = a ? tn_arena_new_of(a, program) : NULL;
    if (!p) {
        tn_arena_free(&a);
        return no_memory();
    }
    *p = (program){ .sim = self, .device = d, .arena = a };
    count_programs(self, 1);
    p->nodes = tn_arena_array(a, tn_step, (size_t)s->n_nodes + 1);
    tn_status st = p->nodes ? take_values(p, s) : no_memory();
    for (int i = 0; i < s->n_nodes && st == TN_OK; i++) {
        st = take_node(p, s, i);
        if (st == TN_OK && tn_budget_stopped()) st = tn_op_fail(s->nodes[i].node, TN_E_CANCELLED, "stopped");
    }
    if (st != TN_OK) {
        tn_sim_release(self, p);
        return st;
    }
    *out = p;
    *work = tn_align_up(p->inner, TN_ARENA_ALIGN) + p->scratch;
    return TN_OK;
}

void tn_sim_release(void *self, void *prog) {
    program *p = prog;
    count_programs(self, -1);
    for (int i = 0; i < p->n_nodes; i++)
        if (p->nodes[i].state && p->nodes[i].node->op->release) p->nodes[i].node->op->release(p->nodes[i].state);
    for (int i = 0; i < p->n_values; i++) tn_device_constant_drop(p->device, &p->values[i].constant);
    tn_arena *a = p->arena; /* the program itself lives there */
    tn_arena_free(&a);
}

void tn_sim_places(const void *prog, int *n_in, int *n_out) {
    const program *p = prog;
    *n_in = p->n_in;
    *n_out = p->n_out;
}

/* ---------------------------------------------------------------------------------------------------------- running */

static tn_status refuse_alloc(tn_run *r, int i, tn_dtype t, int rank, const int64_t *dims) {
    (void)t, (void)rank, (void)dims;
    return tn_op_fail(r->node, TN_E_UNSUPPORTED, "its output %d depends on data", i);
}

static tn_status refuse_subgraph(tn_run *r, tn_graph *g, const tn_datum *in, int n_in, tn_datum *out, int n_out) {
    (void)g, (void)in, (void)n_in, (void)out, (void)n_out;
    return tn_op_fail(r->node, TN_E_UNSUPPORTED, "it has a subgraph");
}

/* One run: its own tensors and scratch. */
typedef struct {
    program *p;
    tn_exec exec;
    tn_arena *arena;
    tn_datum *data; /* by value */
    char *work;
} run;

static tn_status address_of(run *r, int i, const tn_device_place *in, const tn_device_place *out) {
    const value *v = &r->p->values[i];
    char *at = r->p->sim->forbidden; /* of a constant that nobody reads */
    tn_status st = TN_OK;
    if (v->role == TN_ROLE_INPUT)
        st = tn_sim_at(in[v->index], v->bytes, &at);
    else if (v->role == TN_ROLE_OUTPUT)
        st = tn_sim_at(out[v->index], v->bytes, &at);
    else if (v->role == TN_ROLE_INNER)
        at = r->work + v->at;
    else if (v->constant)
        st = tn_sim_at(tn_device_constant_place(v->constant), v->bytes, &at);
    r->data[i] = (tn_datum){ .kind = TN_KIND_TENSOR, .tensor = v->tensor };
    r->data[i].tensor.data = at;
    return st;
}

static tn_status set_addresses(run *r, const tn_device_place *in, const tn_device_place *out, tn_device_place work) {
    if (work.memory) TN_TRY(tn_sim_at(work, tn_align_up(r->p->inner, TN_ARENA_ALIGN) + r->p->scratch, &r->work));
    for (int i = 0; i < r->p->n_values; i++) TN_TRY(address_of(r, i, in, out));
    for (int i = 0; i < r->p->n_values; i++)
        if (r->p->values[i].same != i) r->data[i].tensor.data = r->data[r->p->values[i].same].tensor.data;
    return TN_OK;
}

static tn_status run_node(run *r, const tn_step *n) {
    const tn_op *op = n->node->op;
    tn_run x;
    char *scratch = r->work ? r->work + tn_align_up(r->p->inner, TN_ARENA_ALIGN) : NULL;
    if (!tn_step_call(r->arena, n, r->data, &x)) return tn_op_fail(n->node, TN_E_NOMEM, "no memory to run it");
    if (op->flags & TN_OP_ALIAS) {
        if (x.out[0] && x.out[0]->tensor.data != x.in[0]->tensor.data)
            tn_budget_copy(x.out[0]->tensor.data, x.in[0]->tensor.data, r->p->values[n->out[0]].bytes);
        return TN_OK;
    }
    x.scratch = n->scratch ? scratch : NULL;
    x.room = n->room ? scratch + n->scratch : NULL;
    x.arena = r->arena;
    x.exec = &r->exec;
    return tn_op_run(op, &x);
}

static tn_status run_nodes(run *r) {
    for (int i = 0; i < r->p->n_nodes; i++) {
        tn_arena_mark mark = tn_arena_save(r->arena);
        tn_status st = run_node(r, &r->p->nodes[i]);
        tn_arena_restore(r->arena, mark);
        if (st == TN_OK && tn_budget_stopped()) st = tn_op_fail(r->p->nodes[i].node, TN_E_CANCELLED, "stopped");
        TN_TRY(st);
    }
    return TN_OK;
}

typedef void (*memory_fn)(tn_sim *s, tn_sim_memory *m, bool write);

/* All memory that the run may touch, and nothing else. */
static void each_memory(program *p, const tn_device_place *in, const tn_device_place *out, tn_device_place work,
                        memory_fn fn) {
    for (int i = 0; i < p->n_in; i++) fn(p->sim, in[i].memory, false);
    for (int i = 0; i < p->n_out; i++) fn(p->sim, out[i].memory, true);
    if (work.memory) fn(p->sim, work.memory, true);
    for (int i = 0; i < p->n_values; i++)
        if (p->values[i].constant) fn(p->sim, tn_device_constant_place(p->values[i].constant).memory, false);
}

tn_status tn_sim_execute(tn_sim *s, void *prog, const tn_device_place *in, const tn_device_place *out,
                         tn_device_place work) {
    (void)s;
    program *p = prog;
    run r = { .p = p, .exec = { refuse_alloc, refuse_subgraph }, .arena = tn_arena_new(0, TN_MEM_SCRATCH) };
    if (r.arena) r.data = tn_arena_array(r.arena, tn_datum, (size_t)p->n_values + 1);
    tn_status st = r.data ? TN_OK : tn_fail(TN_E_NOMEM, "no memory to run a segment");
    each_memory(p, in, out, work, tn_sim_touch);
    if (st == TN_OK) st = set_addresses(&r, in, out, work);
    if (st == TN_OK) st = run_nodes(&r);
    each_memory(p, in, out, work, tn_sim_leave);
    tn_arena_free(&r.arena);
    return st;
}
