/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* forecast.c - see forecast.h. */
#include "engine/forecast.h"
#include "engine/session.h"

static size_t bytes_of(const tn_type *t) {
    size_t bytes;
    if (t->kind != TN_KIND_TENSOR) return 0;
    tn_dim n = tn_type_count(NULL, t);
    return tn_dim_known(n) && tn_dtype_bytes(t->dtype, n, &bytes) ? bytes : 0;
}

/* ---------------------------------------------------------------------------------------------------------- devices */

static int count_nodes(const tn_plan *p) {
    int n = 0;
    for (int i = 0; i < p->n_steps; i++)
        n += p->steps[i].kind == TN_STEP_SEGMENT ? p->offload->segments[p->steps[i].segment].n_nodes : 1;
    return n;
}

static bool put_node(tn_forecast_device *d, tn_forecast_node *to, const tn_node *n, int segment) {
    *to = (tn_forecast_node){ tn_arena_strdup(d->arena, n->name), tn_arena_strdup(d->arena, n->type), segment };
    d->n_nodes++;
    d->n_placed += segment >= 0;
    return to->name && to->type;
}

static bool put_nodes(tn_forecast_device *d, const tn_plan *p) {
    tn_forecast_node *v = tn_arena_array(d->arena, tn_forecast_node, (size_t)count_nodes(p) + 1);
    if (!(d->nodes = v)) return false;
    for (int i = 0; i < p->n_steps; i++) {
        const tn_step *s = &p->steps[i];
        if (s->kind != TN_STEP_SEGMENT) {
            if (!put_node(d, &v[d->n_nodes], s->node, -1)) return false;
            continue;
        }
        const tn_offload_segment *g = &p->offload->segments[s->segment];
        for (int k = 0; k < g->n_nodes; k++)
            if (!put_node(d, &v[d->n_nodes], g->nodes[k], d->n_segments)) return false;
        d->n_segments++;
    }
    return true;
}

static void put_copies(tn_forecast_device *d, const tn_offload *o) {
    for (int i = 0; i < o->n_remotes; i++) {
        const tn_remote *r = &o->remotes[i];
        if (r->up >= 0) d->uploads++, d->up_bytes += r->bytes;
        if (r->down) d->downloads++, d->down_bytes += r->bytes;
    }
    d->bytes = o->bytes;
}

static tn_status put_device(const tn_session *s, const tn_plan *p, tn_forecast *out) {
    tn_arena *a = s->device ? tn_arena_new(0, TN_MEM_GENERAL) : NULL;
    if (!s->device) return TN_OK;
    tn_forecast_device *d = a ? tn_arena_new_of(a, tn_forecast_device) : NULL;
    if (d) *d = (tn_forecast_device){ .arena = a, .name = s->device->device->ops->name };
    if (!d || !put_nodes(d, p)) {
        tn_arena_free(&a);
        return tn_fail(TN_E_NOMEM, "no memory to say where nodes run");
    }
    if (p->offload) put_copies(d, p->offload);
    out->device = d;
    return TN_OK;
}

void tn_forecast_free(tn_forecast *f) {
    tn_arena *a = f->device ? f->device->arena : NULL;
    f->device = NULL;
    tn_arena_free(&a);
}

/* -------------------------------------------------------------------------------------------------------------- all */

tn_status tn_forecast_run(const tn_model *m, const tn_type *inputs, int threads, tn_forecast *out) {
    tn_session_opts opts = { .size = sizeof opts, .threads = threads };
    return tn_forecast_run_with(m, inputs, &opts, out);
}

tn_status tn_forecast_run_with(const tn_model *m, const tn_type *inputs, const tn_session_opts *opts,
                               tn_forecast *out) {
    tn_session *s = NULL;
    tn_plan *p = NULL;
    *out = (tn_forecast){ 0 };
    TN_TRY(tn_session_new(m, opts, &s));
    const tn_plan_args args = { .model = s->model,
                                .graph = s->model->graph,
                                .inputs = inputs,
                                .pool = s->pool,
                                .packs = s->packs,
                                .device = s->device };
    tn_status st = tn_plan_new(&args, &p);
    if (st != TN_OK) goto done;
    for (int i = 0; i < m->graph->n_inputs; i++) out->inputs += bytes_of(&inputs[i]);
    for (int i = 0; i < p->n_slots; i++) out->open += p->slots[i].home == TN_HOME_HEAP;
    out->activations = p->bytes;
    out->outputs = p->output_bytes;
    out->packed = tn_pack_cache_bytes(s->packs);
    out->peak = out->activations + out->outputs + out->inputs + out->packed;
    out->steps = p->n_steps;
    st = put_device(s, p, out);
done:
    tn_plan_free(&p);
    tn_session_free(&s);
    return st;
}
