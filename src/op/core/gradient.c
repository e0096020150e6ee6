/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* gradient.c - the walk of reverse differentiation: forward to see what depends on the xs, backward to let every
 * operator's row add its nodes, summing what flows back to a value from all its uses. */
#include "op/core/gradient.h"
#include "op/core/grad.h"
#include "op/core/infer.h"
#include <string.h>

struct tn_grad_walk {
    const tn_gradient_job *job;
    int n;            /* values there were at the start: only those are differentiated */
    uint8_t *depends; /* by id: 1 depends on an x, 2 is an x that is not looked behind */
    tn_value **flow;  /* by id: the gradient so far, or NULL */
};
typedef struct tn_grad_walk walk;

/* What sequences and optionals hold, down to the tensors; NULL when it is not known. */
static const tn_type *innermost(const tn_type *t) {
    for (int depth = 0; t && depth < 16 && (t->kind == TN_KIND_SEQUENCE || t->kind == TN_KIND_OPTIONAL); depth++)
        t = t->elem;
    return t;
}

bool tn_grad_differentiable(const tn_type *of) {
    const tn_type *t = innermost(of);
    return !t || t->kind == TN_KIND_NONE ||
           (t->kind == TN_KIND_TENSOR && (t->dtype == TN_NONE || tn_dtype_is_float(t->dtype)));
}

static bool depends(const walk *w, const tn_value *v) { return v && v->id < w->n && w->depends[v->id]; }

/* ----------------------------------------------------------------------------------------------- what depends on xs */

static bool graph_depends(const walk *w, const tn_graph *g, int depth);

static bool captures(const walk *w, const tn_node *n, int depth) {
    for (int i = 0; i < n->n_attrs; i++) {
        const tn_attr *a = &n->attrs[i];
        if (a->kind == TN_ATTR_GRAPH && graph_depends(w, a->graph, depth)) return true;
        for (size_t k = 0; a->kind == TN_ATTR_GRAPHS && k < a->n; k++)
            if (graph_depends(w, a->graphs[k], depth)) return true;
    }
    return false;
}

static bool graph_depends(const walk *w, const tn_graph *g, int depth) {
    if (depth > TN_MAX_DEPTH) return false;
    for (int i = 0; i < g->n_outputs; i++)
        if (depends(w, g->outputs[i])) return true;
    for (const tn_node *n = g->first; n; n = n->next) {
        for (int i = 0; i < n->n_inputs; i++)
            if (depends(w, n->inputs[i])) return true;
        if (captures(w, n, depth + 1)) return true;
    }
    return false;
}

static bool node_depends(const walk *w, const tn_node *n) {
    if (tn_grad_kind_of(n->op) == TN_GRAD_NONE) return false;
    for (int i = 0; i < n->n_inputs; i++)
        if (depends(w, n->inputs[i]) && tn_grad_differentiable(&n->inputs[i]->type)) return true;
    return n->op && n->op->flags & TN_OP_SUBGRAPH && captures(w, n, 0);
}

static tn_node *first_of(const tn_gradient_job *j) { return j->after ? j->after->next : j->graph->first; }
static tn_node *last_of(const tn_gradient_job *j) { return j->before ? j->before->prev : j->graph->last; }

static void mark(walk *w, const tn_node *last) {
    for (int i = 0; i < w->job->n_xs; i++) w->depends[w->job->xs[i]->id] = w->job->partial ? 2 : 1;
    for (const tn_node *n = first_of(w->job); n && last; n = n->next) {
        if (node_depends(w, n))
            for (int i = 0; i < n->n_outputs; i++)
                if (n->outputs[i] && tn_grad_differentiable(&n->outputs[i]->type)) w->depends[n->outputs[i]->id] |= 1;
        if (n == last) break;
    }
}

/* ----------------------------------------------------------------------------------------------------- flowing back */

static tn_status add_flow(walk *w, tn_grad *g, tn_value *v, tn_value *d) {
    if (!d || !depends(w, v)) return TN_OK;
    tn_value **at = &w->flow[v->id];
    *at = *at ? tn_grad_add(g, *at, d) : d;
    return g->st;
}

void tn_grad_give(tn_grad *g, tn_value *v, tn_value *d) {
    if (g->st == TN_OK) g->st = add_flow(g->walk, g, v, d);
}

bool tn_grad_depends(const tn_grad *g, const tn_value *v) {
    return depends(g->walk, v) && tn_grad_differentiable(&v->type);
}

static tn_dtype float_of(const tn_value *v) {
    const tn_type *t = v ? innermost(&v->type) : NULL;
    return t && t->kind == TN_KIND_TENSOR && tn_dtype_is_float(t->dtype) ? t->dtype : TN_NONE;
}

static tn_dtype number_type(const tn_node *n) {
    for (int i = 0; i < n->n_inputs; i++)
        if (float_of(n->inputs[i])) return float_of(n->inputs[i]);
    for (int i = 0; i < n->n_outputs; i++)
        if (float_of(n->outputs[i])) return float_of(n->outputs[i]);
    return TN_F32;
}

static tn_status undecided(const tn_node *n) {
    return tn_op_fail(n, TN_E_UNSUPPORTED, "operator %s (%s) has no gradient yet", n->type,
                      *n->domain ? n->domain : "ai.onnx");
}

static tn_status step(walk *w, tn_node *n) {
    bool any = false;
    tn_arena *a = n->graph->model->arena;
    if (!node_depends(w, n)) return TN_OK;
    tn_value **dy = tn_arena_array(a, tn_value *, (size_t)n->n_outputs + 4);
    tn_value **dx = tn_arena_array(a, tn_value *, (size_t)n->n_inputs + 1);
    bool *wants = tn_arena_array(a, bool, (size_t)n->n_inputs + 1);
    if (!dy || !dx || !wants) return tn_fail(TN_E_NOMEM, "a gradient");
    for (int i = 0; i < n->n_outputs; i++) {
        const tn_value *y = n->outputs[i];
        if (!y || y->id >= w->n || w->depends[y->id] & 2) continue;
        dy[i] = w->flow[y->id];
        any |= dy[i] != NULL;
    }
    if (!any) return TN_OK;
    if (tn_grad_kind_of(n->op) == TN_GRAD_UNDECIDED) return undecided(n);
    for (int i = 0; i < n->n_inputs; i++)
        wants[i] = depends(w, n->inputs[i]) && tn_grad_differentiable(&n->inputs[i]->type);
    tn_grad g = { .infer = tn_infer_added,
                  .what = "the gradient of",
                  .graph = w->job->graph,
                  .before = w->job->before,
                  .node = n,
                  .dy = dy,
                  .dx = dx,
                  .wants = wants,
                  .dtype = number_type(n),
                  .walk = w };
    int n_in = n->n_inputs;
    TN_TRY(n->op->grad(&g));
    TN_TRY(g.st);
    for (int i = 0; i < n_in; i++)
        if (wants[i]) TN_TRY(add_flow(w, &g, n->inputs[i], dx[i]));
    return TN_OK;
}

/* Where ys are computed (or are xs themselves): seeds. */
static tn_status seed(walk *w, tn_grad *g) {
    const tn_gradient_job *j = w->job;
    for (int i = 0; i < j->n_ys; i++) {
        tn_value *y = j->ys[i], *d = j->dys ? j->dys[i] : NULL;
        if (!depends(w, y)) continue;
        if (!d) d = tn_grad_fill(g, y, 1);
        TN_TRY(g->st);
        TN_TRY(add_flow(w, g, y, d));
    }
    return TN_OK;
}

static bool among(tn_value *const *list, int n, const tn_node *producer) {
    for (int i = 0; i < n; i++)
        if (list[i] && list[i]->producer == producer) return true;
    return false;
}

/* New nodes that nothing came to need. */
static void prune(const tn_gradient_job *j, const tn_node *last, tn_value *const *dxs) {
    tn_node *n = last_of(j), *prev;
    for (; n && n != last; n = prev) {
        bool used = false;
        prev = n->prev;
        for (int i = 0; i < n->n_outputs; i++) used |= n->outputs[i] && n->outputs[i]->n_uses;
        if (!used && !among(dxs, j->n_xs, n)) tn_node_remove(n);
    }
}

tn_status tn_gradient(const tn_gradient_job *job, tn_value **dxs) {
    tn_model *m = job->graph->model;
    tn_node *last = last_of(job), *stop = job->after, *here = last;
    tn_status st = TN_OK;
    walk w = { .job = job, .n = m->n_values };
    w.depends = tn_mem_zalloc((size_t)w.n + 1, TN_MEM_GRAPH);
    w.flow = tn_mem_zalloc(((size_t)w.n + 1) * sizeof *w.flow, TN_MEM_GRAPH);
    for (int i = 0; i < job->n_xs; i++) dxs[i] = NULL;
    if (!w.depends || !w.flow) {
        st = tn_fail(TN_E_NOMEM, "the gradients of %d values", w.n);
        goto done;
    }
    mark(&w, last == stop ? NULL : last);
    tn_grad g = { .infer = tn_infer_added, .graph = job->graph, .before = job->before, .dtype = TN_F32, .walk = &w };
    tn_node anchor = { .name = "gradient", .domain = "", .type = "Gradient", .graph = job->graph };
    g.node = &anchor;
    if ((st = seed(&w, &g)) != TN_OK) goto done;
    for (; here && here != stop && st == TN_OK; here = here->prev) st = step(&w, here);
    if (st != TN_OK) goto done;
    for (int i = 0; i < job->n_xs; i++) dxs[i] = w.flow[job->xs[i]->id];
    if (!job->after) prune(job, last, dxs);
done:
    tn_mem_free(w.depends);
    tn_mem_free(w.flow);
    return st;
}

tn_status tn_gradient_or_zeros(const tn_gradient_job *job, tn_value **dxs) {
    TN_TRY(tn_gradient(job, dxs));
    tn_grad g = { .infer = tn_infer_added, .graph = job->graph, .before = job->before, .dtype = TN_F32 };
    tn_node anchor = { .name = "gradient", .domain = "", .type = "Gradient", .graph = job->graph };
    g.node = &anchor;
    for (int i = 0; i < job->n_xs && g.st == TN_OK; i++)
        if (!dxs[i]) dxs[i] = tn_grad_fill(&g, job->xs[i], 0);
    return g.st;
}
