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

tn_status tn_forecast_run(const tn_model *m, const tn_type *inputs, int threads, tn_forecast *out) {
    return tn_forecast_run_as(m, inputs, threads, NULL, out);
}

tn_status tn_forecast_run_as(const tn_model *m, const tn_type *inputs, int threads, const char *precision,
                             tn_forecast *out) {
    tn_session_opts opts = { .size = sizeof opts, .threads = threads, .precision = precision };
    tn_session *s = NULL;
    tn_plan *p = NULL;
    *out = (tn_forecast){ 0 };
    TN_TRY(tn_session_new(m, &opts, &s));
    const tn_plan_args args = {
        .model = s->model, .graph = s->model->graph, .inputs = inputs, .pool = s->pool, .packs = s->packs
    };
    tn_status st = tn_plan_new(&args, &p);
    if (st != TN_OK) goto done;
    for (int i = 0; i < m->graph->n_inputs; i++) out->inputs += bytes_of(&inputs[i]);
    for (int i = 0; i < p->n_slots; i++) out->open += p->slots[i].home == TN_HOME_HEAP;
    out->activations = p->bytes;
    out->outputs = p->output_bytes;
    out->packed = tn_pack_cache_bytes(s->packs);
    out->peak = out->activations + out->outputs + out->inputs + out->packed;
    out->steps = p->n_steps;
done:
    tn_plan_free(&p);
    tn_session_free(&s);
    return st;
}
