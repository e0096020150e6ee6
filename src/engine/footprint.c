/* footprint.c - the memory a run will take, told from its plan. */
#include "engine/session.h"

static size_t tensor_bytes(const tn_type *t) {
    size_t bytes = 0;
    int64_t n = 1;
    if (!tn_type_static(t)) return 0;
    for (int d = 0; d < t->rank; d++) n *= t->dims[d];
    tn_dtype_bytes(t->dtype, n, &bytes);
    return bytes;
}

tn_status tn_session_footprint(tn_session *s, const tn_type *types, tn_footprint *out) {
    tn_plan *p = NULL;
    tn_plan_args args = {
        .model = s->model, .graph = s->model->graph, .inputs = types, .pool = s->pool, .packs = s->packs
    };
    *out = (tn_footprint){ 0 };
    pthread_mutex_lock(&s->planning);
    tn_status st = tn_plan_new(&args, &p);
    pthread_mutex_unlock(&s->planning);
    if (st != TN_OK) return st;
    out->block = p->bytes;
    out->packed = tn_pack_cache_bytes(s->packs);
    for (int i = 0; i < s->model->graph->n_inputs; i++) out->io += tensor_bytes(&types[i]);
    for (int i = 0; i < p->n_slots; i++) out->data_dependent |= p->slots[i].home == TN_HOME_HEAP;
    for (int i = 0; i < s->model->graph->n_outputs; i++)
        if (p->outputs[i] >= 0 && p->slots[p->outputs[i]].exact) out->io += tensor_bytes(&p->slots[p->outputs[i]].type);
    tn_plan_free(&p);
    return TN_OK;
}
