/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* control.c - If, Loop, Scan, SequenceMap: operators that run subgraphs. */
#include "op/control/grads.h"
#include "op/core/ports.h"
#include "op/core/support.h"
#include "op/sequence/grads.h"
#include <string.h>

/* ------------------------------------------------------------------------------------------------------------- If */

typedef struct {
    tn_graph *then_branch, *else_branch;
} branches;

static tn_status if_infer(tn_infer *c) {
    const branches *a = c->attrs;
    tn_graph *branch[2] = { a->then_branch, a->else_branch };
    int64_t cond;
    int only = tn_infer_int(c, 0, &cond) ? !cond : -1; /* a known branch */
    tn_type *types[2] = { NULL, NULL };
    for (int b = 0; b < 2; b++) {
        if (branch[b]->n_outputs != c->n_out)
            return tn_infer_fail(c, TN_E_GRAPH, "the %s branch has %d outputs, the node %d", b ? "else" : "then",
                                 branch[b]->n_outputs, c->n_out);
        types[b] = tn_arena_array(c->arena, tn_type, (size_t)c->n_out + 1);
        if (!types[b]) return tn_infer_fail(c, TN_E_NOMEM, "no memory");
        TN_TRY(c->subgraph(c, branch[b], NULL, 0, types[b], c->n_out));
    }
    for (int i = 0; i < c->n_out; i++) {
        const tn_type *then = &types[0][i], *other = &types[1][i];
        bool one = only >= 0 || then->kind == TN_KIND_NONE || other->kind == TN_KIND_NONE;
        c->out[i] = only == 1 || (one && only < 0 && then->kind == TN_KIND_NONE) ? *other : *then;
        if (!one) tn_type_join(&c->out[i], other);
    }
    return TN_OK;
}

static tn_status if_run(tn_run *r) {
    const tn_tensor *cond = tn_in(r, 0);
    if (tn_count(cond) != 1)
        return tn_op_fail(r->node, TN_E_SHAPE, "the condition holds %lld elements, not one", (long long)tn_count(cond));
    const branches *a = r->attrs;
    tn_graph *g = *(const uint8_t *)cond->data ? a->then_branch : a->else_branch;
    tn_datum *out = tn_run_scratch(r, (size_t)(r->n_out + 1) * sizeof *out);
    if (!out) return tn_op_fail(r->node, TN_E_NOMEM, "no memory");
    memset(out, 0, (size_t)(r->n_out + 1) * sizeof *out);
    TN_TRY(tn_run_subgraph(r, g, NULL, 0, out, r->n_out));
    tn_status st = TN_OK;
    for (int i = 0; i < r->n_out; i++) {
        if (st == TN_OK) st = tn_run_share(r, i, &out[i]);
        tn_datum_reset(&out[i]);
    }
    return st;
}

/* ------------------------------------------------------------------------------------ outputs gathered step by step */

/* Slices of equal shape that become one tensor with a new axis. */
typedef struct {
    tn_list *slices;
    tn_dtype dtype;
} gathered;

static tn_status gather_add(gathered *g, const tn_datum *d) {
    if (!g->slices && !(g->slices = tn_list_new(16))) return tn_fail(TN_E_NOMEM, "no memory");
    return tn_list_push(g->slices, d);
}

/* The types of the outputs, as far as the plan knows them: what a gathered output is when no step is taken. */
static tn_status keep_types(tn_prep *p) {
    tn_type *t = tn_arena_array(p->arena, tn_type, (size_t)p->types.n_out + 1);
    if (!t) return tn_op_fail(p->types.node, TN_E_NOMEM, "no memory to prepare it");
    if (p->types.n_out) memcpy(t, p->types.out, sizeof *t * (size_t)p->types.n_out);
    p->state = t;
    return TN_OK;
}

/* Output i := the slices stacked along `axis` (0 .. rank), in order or reversed. */
static tn_status gather_finish(tn_run *r, int i, gathered *g, int64_t axis, bool reverse) {
    const tn_type *empty = r->state ? (const tn_type *)r->state + i : NULL;
    int64_t dims[TN_MAX_RANK] = { 0 };
    size_t n = g->slices ? g->slices->n : 0;
    if (!tn_run_wants(r, i)) return TN_OK;
    if (n == 0) { /* no step was taken: the type the plan knows, with nothing in it */
        int rank = empty && empty->rank > 0 ? empty->rank : 1;
        if (axis < -rank || axis >= rank)
            return tn_op_fail(r->node, TN_E_INVALID, "output axis %lld does not fit %d dimensions", (long long)axis,
                              rank);
        for (int d = 0; d < rank && empty && empty->rank > 0; d++)
            if (tn_dim_known(empty->dims[d])) dims[d] = empty->dims[d];
        dims[axis < 0 ? axis + rank : axis] = 0;
        return tn_run_alloc(r, i, empty && empty->dtype ? empty->dtype : TN_F32, rank, dims);
    }
    const tn_tensor *first = &g->slices->items[0].tensor;
    if (first->rank + 1 > TN_MAX_RANK)
        return tn_op_fail(r->node, TN_E_SHAPE, "output %d would have too many dimensions", i);
    if (axis < -(first->rank + 1) || axis > first->rank)
        return tn_op_fail(r->node, TN_E_INVALID, "output axis %lld does not fit %d dimensions", (long long)axis,
                          first->rank + 1);
    if (axis < 0) axis += first->rank + 1;
    for (int d = 0; d <= first->rank; d++) dims[d] = d == axis ? (int64_t)n : first->dims[d < axis ? d : d - 1];
    TN_TRY(tn_run_alloc(r, i, first->dtype, first->rank + 1, dims));
    tn_tensor *y = tn_out(r, i);
    int64_t outer = tn_op_product(dims, 0, (int)axis), inner = tn_op_product(dims, (int)axis + 1, first->rank + 1);
    for (size_t s = 0; s < n; s++) {
        const tn_tensor *x = &g->slices->items[reverse ? n - 1 - s : s].tensor;
        if (x->dtype != first->dtype || !tn_dims_equal(x->rank, x->dims, first->rank, first->dims))
            return tn_op_fail(r->node, TN_E_SHAPE, "output %d has another shape or type in step %zu than before", i, s);
        for (int64_t o = 0; o < outer; o++)
            tn_op_copy_elements(y, (o * (int64_t)n + (int64_t)s) * inner, x, o * inner, inner);
    }
    return tn_op_own_strings(y);
}

/* ----------------------------------------------------------------------------------------------------------- Loop */

typedef struct {
    tn_graph *body;
} loop;

enum { MOST_PASSES = TN_MAX_RANK + 2 };

static tn_status loop_infer(tn_infer *c) {
    tn_graph *body = ((const loop *)c->attrs)->body;
    int carried = c->n_in - 2, scans = body->n_outputs - 1 - carried;
    if (carried < 0) carried = 0;
    if (body->n_inputs != carried + 2 || scans < 0 || c->n_out > carried + scans)
        return tn_infer_fail(
            c, TN_E_GRAPH, "the body has %d inputs and %d outputs; the node has %d loop-carried values and %d outputs",
            body->n_inputs, body->n_outputs, carried, c->n_out);
    tn_type *in = tn_arena_array(c->arena, tn_type, (size_t)body->n_inputs);
    tn_type *out = tn_arena_array(c->arena, tn_type, (size_t)body->n_outputs);
    if (!in || !out) return tn_infer_fail(c, TN_E_NOMEM, "no memory");
    in[0] = tn_type_tensor(TN_I64), in[0].rank = 0;
    in[1] = tn_type_tensor(TN_BOOL), in[1].rank = 0;
    for (int i = 0; i < carried; i++)
        if (tn_infer_has(c, i + 2)) in[i + 2] = *c->in[i + 2];
    /* A carried value may change its shape: keep only what survives a pass through the body, until nothing changes;
     * what takes too long (a chain of values that hand their shapes on) is not known at all. */
    for (int pass = 0; pass <= MOST_PASSES; pass++) {
        bool changed = false;
        for (int i = 0; i < carried && pass == MOST_PASSES; i++) in[i + 2] = (tn_type){ .rank = -1 };
        TN_TRY(c->subgraph(c, body, in, body->n_inputs, out, body->n_outputs));
        for (int i = 0; i < carried; i++) {
            tn_type before = in[i + 2];
            tn_type_join(&in[i + 2], &out[i + 1]);
            changed |= memcmp(&before, &in[i + 2], sizeof before) != 0;
        }
        if (!changed) break;
    }
    for (int i = 0; i < c->n_out; i++) {
        if (i < carried) {
            c->out[i] = in[i + 2];
            continue;
        }
        const tn_type *s = &out[1 + i];
        tn_dim dims[TN_MAX_RANK];
        if (s->kind != TN_KIND_TENSOR || s->rank < 0 || s->rank + 1 > TN_MAX_RANK) {
            tn_infer_out(c, i, s->dtype, -1, NULL);
            continue;
        }
        dims[0] = TN_DIM_UNKNOWN;
        memcpy(dims + 1, s->dims, sizeof *dims * (size_t)s->rank);
        tn_infer_out(c, i, s->dtype, s->rank + 1, dims);
    }
    return TN_OK;
}

static tn_status loop_run(tn_run *r) {
    tn_graph *body = ((const loop *)r->attrs)->body;
    int carried = r->n_in > 2 ? r->n_in - 2 : 0, n_out = body->n_outputs, scans = n_out - 1 - carried;
    for (int i = 0; i < 2; i++)
        if (tn_run_has(r, i) && tn_count(tn_in(r, i)) != 1)
            return tn_op_fail(r->node, TN_E_SHAPE, "input %d holds %lld elements, not one", i,
                              (long long)tn_count(tn_in(r, i)));
    int64_t trips = tn_run_has(r, 0) ? tn_get_i64(tn_in(r, 0)->dtype, tn_in(r, 0)->data, 0) : INT64_MAX;
    uint8_t go = tn_run_has(r, 1) ? *(const uint8_t *)tn_in(r, 1)->data : 1;
    tn_datum *in = tn_run_scratch(r, (size_t)(carried + 2) * sizeof *in);
    tn_datum *out = tn_run_scratch(r, (size_t)n_out * sizeof *out);
    gathered *g = tn_run_scratch(r, (size_t)(scans + 1) * sizeof *g);
    tn_status st = TN_OK;
    if (!in || !out || !g) return tn_op_fail(r->node, TN_E_NOMEM, "no memory");
    memset(in, 0, (size_t)(carried + 2) * sizeof *in);
    memset(out, 0, (size_t)n_out * sizeof *out);
    memset(g, 0, (size_t)(scans + 1) * sizeof *g);
    for (int i = 0; i < carried; i++)
        if (r->in[i + 2]) tn_datum_share(&in[i + 2], r->in[i + 2]);
    for (int64_t step = 0; step < trips && go; step++) {
        in[0] = (tn_datum){ TN_KIND_TENSOR, .tensor = { .dtype = TN_I64, .data = &step } };
        in[1] = (tn_datum){ TN_KIND_TENSOR, .tensor = { .dtype = TN_BOOL, .data = &go } };
        if ((st = tn_run_subgraph(r, body, in, carried + 2, out, n_out)) != TN_OK) goto done;
        if (out[0].kind != TN_KIND_TENSOR || tn_count(&out[0].tensor) != 1) {
            st = tn_op_fail(r->node, TN_E_SHAPE, "the body's condition is not one bool");
            goto done;
        }
        go = *(const uint8_t *)out[0].tensor.data;
        tn_datum_reset(&out[0]);
        for (int i = 0; i < carried; i++) {
            tn_datum_reset(&in[i + 2]);
            in[i + 2] = out[i + 1];
            out[i + 1] = (tn_datum){ 0 };
        }
        for (int i = 0; i < scans; i++) {
            if ((st = gather_add(&g[i], &out[1 + carried + i])) != TN_OK) goto done;
            tn_datum_reset(&out[1 + carried + i]);
        }
    }
    for (int i = 0; i < carried && st == TN_OK; i++) st = tn_run_share(r, i, &in[i + 2]);
    for (int i = 0; i < scans && st == TN_OK; i++) st = gather_finish(r, carried + i, &g[i], 0, false);
done:
    for (int i = 0; i < carried; i++) tn_datum_reset(&in[i + 2]);
    for (int i = 0; i < n_out; i++) tn_datum_reset(&out[i]);
    for (int i = 0; i < scans; i++) tn_list_unref(&g[i].slices);
    return st;
}

/* ----------------------------------------------------------------------------------------------------------- Scan */

typedef struct {
    tn_graph *body;
    int64_t num_scan_inputs;
    tn_ints scan_input_axes, scan_input_directions, scan_output_axes, scan_output_directions;
} scan;

/* Entry i of a list that may be absent or short: then 0. */
static int64_t entry(tn_ints list, int i) { return list.v && (size_t)i < list.n ? list.v[i] : 0; }

/* The body has as many inputs as the node, and none of them can be left out. */
static tn_status all_given(const tn_infer *c) {
    for (int i = 0; i < c->n_in; i++)
        if (!c->in[i]) return tn_infer_fail(c, TN_E_GRAPH, "its input %d is omitted, but its body needs it", i);
    return TN_OK;
}

static tn_status scan_infer(tn_infer *c) {
    TN_TRY(all_given(c));
    const scan *a = c->attrs;
    tn_graph *body = a->body;
    int64_t m = a->num_scan_inputs;
    if (m < 1 || m > c->n_in || body->n_inputs != c->n_in || body->n_outputs < c->n_out)
        return tn_infer_fail(c, TN_E_GRAPH,
                             "the body has %d inputs and %d outputs for a node with %d and %d (%lld scanned)",
                             body->n_inputs, body->n_outputs, c->n_in, c->n_out, (long long)m);
    int states = c->n_in - (int)m;
    tn_type *in = tn_arena_array(c->arena, tn_type, (size_t)c->n_in);
    tn_type *out = tn_arena_array(c->arena, tn_type, (size_t)body->n_outputs);
    tn_dim len = TN_DIM_UNKNOWN;
    if (!in || !out) return tn_infer_fail(c, TN_E_NOMEM, "no memory");
    for (int i = 0; i < c->n_in; i++) {
        in[i] = *c->in[i];
        if (i < states || in[i].rank < 0) continue;
        int axis;
        TN_TRY(tn_op_axis(c->node, entry(a->scan_input_axes, i - states), in[i].rank, &axis));
        if (!tn_dim_known(len)) len = in[i].dims[axis];
        memmove(in[i].dims + axis, in[i].dims + axis + 1, sizeof *in[i].dims * (size_t)(in[i].rank - axis - 1));
        in[i].rank--;
    }
    TN_TRY(c->subgraph(c, body, in, c->n_in, out, body->n_outputs));
    for (int i = 0; i < c->n_out; i++) {
        c->out[i] = out[i];
        if (i < states || out[i].rank < 0) continue;
        int axis;
        if (out[i].rank + 1 > TN_MAX_RANK) return tn_infer_fail(c, TN_E_SHAPE, "output %d has too many dimensions", i);
        TN_TRY(tn_op_axis(c->node, entry(a->scan_output_axes, i - states), out[i].rank + 1, &axis));
        memmove(c->out[i].dims + axis + 1, out[i].dims + axis, sizeof *out[i].dims * (size_t)(out[i].rank - axis));
        c->out[i].dims[axis] = len;
        c->out[i].rank++;
    }
    return TN_OK;
}

/* Step `at` of x along axis, as its own tensor. */
static tn_status slice_at(const tn_tensor *x, int axis, int64_t at, tn_datum *d) {
    int64_t dims[TN_MAX_RANK], inner = tn_op_product(x->dims, axis + 1, x->rank),
                               outer = tn_op_product(x->dims, 0, axis);
    for (int i = 0, n = 0; i < x->rank; i++)
        if (i != axis) dims[n++] = x->dims[i];
    *d = (tn_datum){ .kind = TN_KIND_TENSOR };
    TN_TRY(tn_tensor_init(&d->tensor, x->dtype, x->rank - 1, dims, TN_MEM_ACTIVATIONS));
    for (int64_t o = 0; o < outer; o++)
        tn_op_copy_elements(&d->tensor, o * inner, x, (o * x->dims[axis] + at) * inner, inner);
    return tn_op_own_strings(&d->tensor);
}

static tn_status scan_run(tn_run *r) {
    const scan *a = r->attrs;
    tn_graph *body = a->body;
    int m = (int)a->num_scan_inputs, /* at most the inputs: the rule says so */ states = r->n_in - m,
        n_out = body->n_outputs;
    int scans = n_out - states, *axis = tn_run_scratch(r, (size_t)(m + 1) * sizeof *axis);
    int64_t len = -1;
    tn_datum *in = tn_run_scratch(r, (size_t)r->n_in * sizeof *in),
             *out = tn_run_scratch(r, (size_t)n_out * sizeof *out);
    gathered *g = tn_run_scratch(r, (size_t)(scans + 1) * sizeof *g);
    tn_status st = TN_OK;
    if (!in || !out || !g || !axis) return tn_op_fail(r->node, TN_E_NOMEM, "no memory");
    memset(in, 0, (size_t)r->n_in * sizeof *in);
    memset(out, 0, (size_t)n_out * sizeof *out);
    memset(g, 0, (size_t)(scans + 1) * sizeof *g);
    for (int i = 0; i < m; i++) {
        const tn_tensor *x = tn_in(r, states + i);
        axis[i] = tn_op_axis_at(entry(a->scan_input_axes, i), x->rank);
        if (len >= 0 && x->dims[axis[i]] != len)
            return tn_op_fail(r->node, TN_E_SHAPE, "scanned input %d has %lld steps, an earlier one %lld", i,
                              (long long)x->dims[axis[i]], (long long)len);
        len = x->dims[axis[i]];
    }
    for (int i = 0; i < states; i++) tn_datum_share(&in[i], r->in[i]);
    for (int64_t step = 0; step < len; step++) {
        for (int i = 0; i < m; i++) {
            int64_t at = entry(a->scan_input_directions, i) ? len - 1 - step : step;
            if ((st = slice_at(tn_in(r, states + i), axis[i], at, &in[states + i])) != TN_OK) goto done;
        }
        if ((st = tn_run_subgraph(r, body, in, r->n_in, out, n_out)) != TN_OK) goto done;
        for (int i = 0; i < m; i++) tn_datum_reset(&in[states + i]);
        for (int i = 0; i < states; i++) {
            tn_datum_reset(&in[i]);
            in[i] = out[i];
            out[i] = (tn_datum){ 0 };
        }
        for (int i = 0; i < scans; i++) {
            if ((st = gather_add(&g[i], &out[states + i])) != TN_OK) goto done;
            tn_datum_reset(&out[states + i]);
        }
    }
    for (int i = 0; i < states && st == TN_OK; i++) st = tn_run_share(r, i, &in[i]);
    for (int i = 0; i < scans && st == TN_OK; i++)
        st = gather_finish(r, states + i, &g[i], entry(a->scan_output_axes, i),
                           entry(a->scan_output_directions, i) != 0);
done:
    for (int i = 0; i < r->n_in; i++) tn_datum_reset(&in[i]);
    for (int i = 0; i < n_out; i++) tn_datum_reset(&out[i]);
    for (int i = 0; i < scans; i++) tn_list_unref(&g[i].slices);
    return st;
}

/* ---------------------------------------------------------------------------------------------------- SequenceMap */

static tn_status map_infer(tn_infer *c) {
    TN_TRY(all_given(c));
    tn_graph *body = ((const loop *)c->attrs)->body;
    if (body->n_inputs != c->n_in || body->n_outputs != c->n_out)
        return tn_infer_fail(c, TN_E_GRAPH, "the body has %d inputs and %d outputs, the node %d and %d", body->n_inputs,
                             body->n_outputs, c->n_in, c->n_out);
    tn_type *in = tn_arena_array(c->arena, tn_type, (size_t)c->n_in);
    tn_type *out = tn_arena_array(c->arena, tn_type, (size_t)c->n_out * 2);
    if (!in || !out) return tn_infer_fail(c, TN_E_NOMEM, "no memory");
    for (int i = 0; i < c->n_in; i++) {
        in[i] = *c->in[i];
        if (in[i].kind == TN_KIND_SEQUENCE) in[i] = in[i].elem ? *in[i].elem : (tn_type){ 0 };
    }
    TN_TRY(c->subgraph(c, body, in, c->n_in, out, c->n_out));
    for (int i = 0; i < c->n_out; i++) c->out[i] = (tn_type){ .kind = TN_KIND_SEQUENCE, .elem = &out[i] };
    return TN_OK;
}

static tn_status map_run(tn_run *r) {
    tn_graph *body = ((const loop *)r->attrs)->body;
    tn_datum *in = tn_run_scratch(r, (size_t)r->n_in * sizeof *in),
             *out = tn_run_scratch(r, (size_t)r->n_out * sizeof *out);
    tn_list **lists = tn_run_scratch(r, (size_t)r->n_out * sizeof *lists);
    tn_status st = TN_OK;
    if (!in || !out || !lists) return tn_op_fail(r->node, TN_E_NOMEM, "no memory");
    memset(out, 0, (size_t)r->n_out * sizeof *out);
    memset(lists, 0, (size_t)r->n_out * sizeof *lists);
    if (r->in[0]->kind != TN_KIND_SEQUENCE) return tn_op_fail(r->node, TN_E_TYPE, "its first input is no sequence");
    size_t n = r->in[0]->list ? r->in[0]->list->n : 0;
    for (int i = 0; i < r->n_out; i++)
        if (!(lists[i] = tn_list_new(n))) {
            st = tn_op_fail(r->node, TN_E_NOMEM, "no memory");
            goto done;
        }
    for (size_t k = 0; k < n; k++) {
        for (int i = 0; i < r->n_in; i++) {
            const tn_datum *d = r->in[i];
            if (d->kind == TN_KIND_SEQUENCE && d->list->n <= k) {
                st = tn_op_fail(r->node, TN_E_SHAPE, "input %d has only %zu items, input 0 has %zu", i, d->list->n, n);
                goto done;
            }
            in[i] = d->kind == TN_KIND_SEQUENCE ? d->list->items[k] : *d; /* borrowed */
        }
        if ((st = tn_run_subgraph(r, body, in, r->n_in, out, r->n_out)) != TN_OK) goto done;
        for (int i = 0; i < r->n_out; i++) {
            if ((st = tn_list_push(lists[i], &out[i])) != TN_OK) goto done;
            tn_datum_reset(&out[i]);
        }
    }
    for (int i = 0; i < r->n_out && st == TN_OK; i++)
        st = tn_run_share(r, i, &(tn_datum){ TN_KIND_SEQUENCE, .list = lists[i] });
done:
    for (int i = 0; i < r->n_out; i++) {
        tn_datum_reset(&out[i]);
        tn_list_unref(&lists[i]);
    }
    return st;
}

/* ----------------------------------------------------------------------------------------------------------- rows */

static const tn_port if_in[] = { { "cond", TN_BOOLS, 0 }, { 0 } };
static const tn_port any_many[] = { { "outputs", 0, 0, .optional = true, .variadic = true }, { 0 } };
static const tn_port loop_in[] = { { "M", tn_dtype_bit(TN_I64), 0, .optional = true },
                                   { "cond", TN_BOOLS, 0, .optional = true },
                                   { "v_initial", 0, 0, .optional = true, .variadic = true },
                                   { 0 } };
static const tn_port scan_in[] = { { "initial_state_and_scan_inputs", TN_ANY_TYPE, 0, .variadic = true }, { 0 } };
static const tn_port map_in[] = { { "input_sequence", 0, 0 },
                                  { "additional_inputs", 0, 0, .optional = true, .variadic = true },
                                  { 0 } };
static const tn_attr_spec if_attrs[] = { { TN_GRAPH_OF(branches, then_branch), .required = true },
                                         { TN_GRAPH_OF(branches, else_branch), .required = true },
                                         { 0 } };
static const tn_attr_spec body_attrs[] = { { TN_GRAPH_OF(loop, body), .required = true }, { 0 } };
static const tn_attr_spec scan_attrs[] = { { TN_GRAPH_OF(scan, body), .required = true },
                                           { TN_INT(scan, num_scan_inputs, 0), .required = true },
                                           { TN_INTS_OF(scan, scan_input_axes) },
                                           { TN_INTS_OF(scan, scan_input_directions) },
                                           { TN_INTS_OF(scan, scan_output_axes) },
                                           { TN_INTS_OF(scan, scan_output_directions) },
                                           { 0 } };

#define SUB (TN_OP_SUBGRAPH | TN_OP_DYNAMIC)
const tn_op tn_ops_control[] = {
    { .name = "If",
      .since = 25,
      .flags = SUB,
      .in = if_in,
      .out = any_many,
      TN_ATTRS(if_attrs, branches),
      .infer = if_infer,
      .run = if_run,
      .grad = tn_grad_if,
      .doc = "runs one of two subgraphs" },
    { .name = "Loop",
      .since = 25,
      .flags = SUB,
      .in = loop_in,
      .out = any_many,
      TN_ATTRS(body_attrs, loop),
      .infer = loop_infer,
      .prepare = keep_types,
      .run = loop_run,
      .grad = tn_grad_loop,
      .doc = "runs a subgraph again and again, carrying values over" },
    { .name = "Scan",
      .since = 25,
      .flags = SUB,
      .in = scan_in,
      .out = any_many,
      TN_ATTRS(scan_attrs, scan),
      .infer = scan_infer,
      .prepare = keep_types,
      .run = scan_run,
      .grad = tn_grad_scan,
      .doc = "runs a subgraph once per slice of its scanned inputs" },
    { .name = "SequenceMap",
      .since = 17,
      .flags = SUB,
      .in = map_in,
      .out = any_many,
      TN_ATTRS(body_attrs, loop),
      .infer = map_infer,
      .run = map_run,
      .grad = tn_grad_sequence_map,
      .doc = "runs a subgraph once per item of a sequence" },
    { 0 },
};
