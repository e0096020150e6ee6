/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* plan_states.c - steps that append to a state or write into it. */
#include "engine/planner.h"

/* What input i of node n is as a state: SWAPPED when it is none, which is no matter of the plan's. */
static tn_state_kind state_of(const tn_planner *b, const tn_node *n, int i) {
    const tn_graph *g = b->args->graph;
    const tn_value *v = i < n->n_inputs ? n->inputs[i] : NULL;
    for (int k = 0; b->args->states && v && v->is_input && k < g->n_inputs; k++)
        if (g->inputs[k] == v) return b->args->states[k];
    return TN_STATE_SWAPPED;
}

bool tn_planner_writes_state(const tn_planner *b, const tn_node *n) {
    if (n->op->flags & TN_OP_UPDATES && state_of(b, n, 0) == TN_STATE_UPDATED) return true;
    for (int i = 0; b->args->states && i < n->n_inputs; i++)
        if (tn_op_takes_rows(n->op, i) && state_of(b, n, i) == TN_STATE_APPENDED) return true;
    return false;
}

bool tn_planner_updates(const tn_planner *b, const tn_step *s) {
    return s->node->op->flags & TN_OP_UPDATES && state_of(b, s->node, 0) == TN_STATE_UPDATED && s->out[0] >= 0;
}

/* A cache is read by who knows that it is one. The pass that made the graph sees to that; what it did not foresee must
 * not read nothing. */
tn_status tn_planner_check_states(const tn_planner *b, const tn_step *s) {
    const tn_node *n = s->node;
    for (int i = 0; i < n->n_inputs && b->args->states; i++)
        if (state_of(b, n, i) == TN_STATE_APPENDED && !tn_op_takes_rows(n->op, i) && !(n->op->flags & TN_OP_SHAPE_ONLY))
            return tn_op_fail(n, TN_E_UNSUPPORTED,
                              "with these shapes it reads the cache '%s', which only runs append to",
                              n->inputs[i]->name);
    if (tn_planner_updates(b, s) && s->kind != TN_STEP_STATIC)
        return tn_op_fail(n, TN_E_UNSUPPORTED, "what it writes into the state '%s' has a shape that only a run knows",
                          n->inputs[0]->name);
    return TN_OK;
}
