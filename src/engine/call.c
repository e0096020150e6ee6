/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* call.c - see call.h. */
#include "engine/call.h"

static tn_datum **operands(tn_arena *a, const int *slots, int n, tn_datum *data) {
    tn_datum **v = tn_arena_array(a, tn_datum *, (size_t)n + 1);
    for (int k = 0; v && k < n; k++) v[k] = slots[k] >= 0 ? &data[slots[k]] : NULL;
    return v;
}

bool tn_step_call(tn_arena *a, const tn_step *s, tn_datum *data, tn_run *r) {
    *r = (tn_run){ .node = s->node,
                   .attrs = s->attrs,
                   .impl = s->impl,
                   .state = s->state,
                   .n_in = s->n_in,
                   .n_out = s->n_out,
                   .in = operands(a, s->in, s->n_in, data),
                   .out = operands(a, s->out, s->n_out, data),
                   .room_bytes = s->room };
    return r->in && r->out;
}
