/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* eval.c - the run-time services of operators, and running a single operator on the heap. */
#include "base/budget.h"
#include "kernel/empty.h"
#include "op/core/exec.h"
#include "op/core/infer.h"

tn_status tn_run_alloc(tn_run *r, int i, tn_dtype t, int rank, const int64_t *dims) {
    if (!tn_run_wants(r, i)) return TN_OK;
    return r->exec->alloc(r, i, t, rank, dims);
}

tn_status tn_run_share(tn_run *r, int i, const tn_datum *d) {
    tn_datum now = { 0 };
    if (!tn_run_wants(r, i) || r->out[i] == d) return TN_OK;
    if (d->kind == TN_KIND_TENSOR && !d->tensor.buffer) { /* borrowed memory does not outlive the step */
        tn_status st = tn_datum_copy(&now, d, TN_MEM_ACTIVATIONS);
        if (st != TN_OK) return tn_fail_at(st, "%s: output %d", tn_node_where(r->node), i);
    } else {
        tn_datum_share(&now, d);
    }
    tn_datum_reset(r->out[i]);
    *r->out[i] = now;
    return TN_OK;
}

tn_status tn_run_subgraph(tn_run *r, tn_graph *g, const tn_datum *in, int n_in, tn_datum *out, int n_out) {
    if (!r->exec->subgraph) return tn_op_fail(r->node, TN_E_UNSUPPORTED, "subgraphs do not run here");
    return r->exec->subgraph(r, g, in, n_in, out, n_out);
}

void *tn_run_scratch(tn_run *r, size_t bytes) {
    if (bytes > r->room_bytes || tn_room(bytes) > r->room_bytes - r->room_used)
        return tn_arena_room(r->arena, bytes, 64);
    void *p = r->room + r->room_used;
    r->room_used += tn_room(bytes);
    return p;
}

tn_status tn_infer_data(tn_infer *c, const tn_node *n, const void *attrs, tn_datum *const *in, tn_arena *a) {
    int ni = n->n_inputs, no = n->n_outputs;
    tn_type *types = tn_arena_array(a, tn_type, (size_t)ni + 1), *out = tn_arena_array(a, tn_type, (size_t)no + 1);
    const tn_type **ptr = tn_arena_array(a, const tn_type *, (size_t)ni + 1);
    const tn_tensor **data = tn_arena_array(a, const tn_tensor *, (size_t)ni + 1);
    const tn_content **content = tn_arena_array(a, const tn_content *, (size_t)(ni + no) + 2);
    if (!types || !out || !ptr || !data || !content) return tn_op_fail(n, TN_E_NOMEM, "no memory for its types");
    for (int i = 0; i < ni; i++) {
        if (!in[i]) continue;
        types[i] = tn_type_of(in[i]);
        ptr[i] = &types[i];
        if (in[i]->kind == TN_KIND_TENSOR) data[i] = &in[i]->tensor;
    }
    *c = (tn_infer){ .node = n,
                     .attrs = attrs,
                     .arena = a,
                     .n_in = ni,
                     .n_out = no,
                     .in = ptr,
                     .in_tensor = data,
                     .in_content = content,
                     .out = out,
                     .out_content = content + ni + 1 };
    return tn_infer_node(c);
}

static tn_status heap_alloc(tn_run *r, int i, tn_dtype t, int rank, const int64_t *dims) {
    tn_datum_reset(r->out[i]);
    tn_status st = tn_tensor_init(&r->out[i]->tensor, t, rank, dims, TN_MEM_WEIGHTS);
    if (st != TN_OK) return tn_fail_at(st, "%s", tn_node_where(r->node));
    r->out[i]->kind = TN_KIND_TENSOR;
    return TN_OK;
}

static tn_status alias(const tn_node *n, tn_datum *const *in, const tn_type *type, tn_datum *out) {
    tn_datum_share(out, in[0]);
    if (out->kind != TN_KIND_TENSOR) return TN_OK;
    if (!tn_type_static(type)) return tn_op_fail(n, TN_E_SHAPE, "its output's shape is not known");
    out->tensor.rank = type->rank;
    for (int d = 0; d < type->rank; d++) out->tensor.dims[d] = type->dims[d];
    return TN_OK;
}

/* What the row's cost says, in units of work. */
static uint64_t units_of(tn_infer *c) {
    tn_cost cost;
    if (tn_op_cost(c, &cost) != TN_OK) return tn_error_clear(), TN_INFER_UNITS;
    return tn_budget_units(TN_INFER_UNITS + cost.flops + cost.bytes_read + cost.bytes_written);
}

bool tn_run_is_empty(const tn_op *op, const tn_run *r) {
    if (op->flags & (TN_OP_RUN_EMPTY | TN_OP_DYNAMIC | TN_OP_SIDE_EFFECT)) return false;
    for (int i = 0; i < r->n_out; i++)
        if (r->out[i] && (r->out[i]->kind != TN_KIND_TENSOR || tn_count(&r->out[i]->tensor))) return false;
    return true;
}

tn_status tn_op_stopped(const tn_run *r) { return tn_op_fail(r->node, TN_E_CANCELLED, "stopped"); }

tn_status tn_eval_node(const tn_node *n, tn_datum *const *in, tn_pool *pool, tn_datum *out) {
    return tn_eval_node_within(n, in, pool, UINT64_MAX, out);
}

tn_status tn_eval_node_within(const tn_node *n, tn_datum *const *in, tn_pool *pool, uint64_t most, tn_datum *out) {
    static const tn_exec heap = { heap_alloc, NULL };
    tn_status st = TN_OK;
    const tn_op *op = n->op;
    if (!op || (op->flags & TN_OP_SUBGRAPH)) return tn_op_fail(n, TN_E_UNSUPPORTED, "cannot run alone");
    tn_arena *a = tn_arena_new(0, TN_MEM_SCRATCH);
    if (!a) return tn_op_fail(n, TN_E_NOMEM, "no memory to run it");
    tn_infer c;
    tn_prep p = { .arena = a, .pool = pool };
    for (int i = 0; i < n->n_inputs; i++) /* operators add offsets of 0 to what has no elements, too */
        if (in[i] && in[i]->kind == TN_KIND_TENSOR) in[i]->tensor.data = tn_some(in[i]->tensor.data);
    if ((st = tn_infer_data(&c, n, NULL, in, a)) != TN_OK) goto done;
    uint64_t units = units_of(&c);
    if (units > most || !tn_budget_afford(units)) {
        st = tn_op_fail(n, TN_E_LIMIT, "it would take %llu units of work", (unsigned long long)units);
        goto done;
    }
    if (op->flags & TN_OP_ALIAS) {
        st = in[0] ? alias(n, in, &c.out[0], &out[0]) : tn_op_fail(n, TN_E_GRAPH, "has no input");
        goto done;
    }
    tn_exec exec = heap;
    tn_datum **outs = tn_arena_array(a, tn_datum *, (size_t)n->n_outputs + 1);
    if (!outs) {
        st = tn_op_fail(n, TN_E_NOMEM, "no memory to run it");
        goto done;
    }
    for (int i = 0; i < n->n_outputs; i++)
        if (n->outputs[i]) outs[i] = &out[i];
    tn_run r = { .node = n,
                 .attrs = c.attrs,
                 .n_in = n->n_inputs,
                 .n_out = n->n_outputs,
                 .in = in,
                 .out = outs,
                 .pool = pool,
                 .arena = a,
                 .exec = &exec };
    for (int i = 0; i < n->n_outputs && !(op->flags & TN_OP_DYNAMIC); i++) {
        if (!outs[i]) continue;
        if (!tn_type_static(&c.out[i])) {
            st = tn_op_fail(n, TN_E_SHAPE, "the shape of its output %d is not known", i);
            goto done;
        }
        if ((st = heap_alloc(&r, i, c.out[i].dtype, c.out[i].rank, c.out[i].dims)) != TN_OK) goto done;
    }
    p.types = c;
    if (op->prepare && (st = tn_op_prepare(op, &p)) != TN_OK) goto done;
    r.state = p.state;
    r.impl = p.impl;
    if (p.scratch && !(r.scratch = tn_arena_room(a, p.scratch, 64))) {
        st = tn_op_fail(n, TN_E_NOMEM, "no memory to run it");
        goto done;
    }
    st = op->run ? tn_op_run(op, &r) : tn_op_fail(n, TN_E_UNSUPPORTED, "cannot run");
done:
    if (op->release && p.state) op->release(p.state);
    tn_arena_free(&a);
    return st;
}
