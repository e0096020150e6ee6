/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* repeat_heads.c - see repeat_heads.h. Shapes tell: a Reshape keeps the order of elements, so that these three can only
 * be a repetition when their dimensions are those above, whatever the nodes' shape operands are made of. */
#include "pass/repeat_heads.h"

/* dims, of rank 5, are x's with `times` inserted behind `heads`. */
static bool inserted(const tn_value *v, const tn_value *x, int heads, int64_t times) {
    if (tn_pass_rank(v) != 5) return false;
    for (int d = 0; d < 5; d++) {
        tn_dim have = v->type.dims[d];
        if (d == heads + 1 ? have != times : !tn_dim_same(have, x->type.dims[d > heads ? d - 1 : d])) return false;
    }
    return true;
}

/* v is x with its heads times as many. */
static bool multiplied(const tn_value *v, const tn_value *x, int heads, int64_t times) {
    for (int d = 0; d < 4; d++) {
        tn_dim a = v->type.dims[d], b = x->type.dims[d];
        if (d == heads ? !tn_dim_known(b) || a != b * times : !tn_dim_same(a, b)) return false;
    }
    return true;
}

tn_value *tn_pass_repeated(const tn_value *v, int heads, int64_t *times) {
    const tn_node *last = v->producer, *expand, *first;
    if (tn_pass_rank(v) != 4 || heads > 2 || !tn_pass_is(last, "", "Reshape")) return NULL;
    expand = tn_pass_producer(last, 0, "Expand");
    if (!expand || tn_pass_rank(last->inputs[0]) != 5) return NULL;
    *times = last->inputs[0]->type.dims[heads + 1];
    first = expand->inputs[0]->producer;
    if (!tn_pass_is(first, "", "Unsqueeze") && !tn_pass_is(first, "", "Reshape")) return NULL;
    tn_value *x = first->inputs[0];
    if (!tn_dim_known(*times) || *times < 2 || *times > INT32_MAX || tn_pass_rank(x) != 4 ||
        x->type.dims[heads] > INT32_MAX)
        return NULL;
    bool good = inserted(expand->inputs[0], x, heads, 1) && inserted(last->inputs[0], x, heads, *times);
    return good && multiplied(v, x, heads, *times) ? x : NULL;
}

tn_status tn_pass_take_repeated(tn_node *n, bool *changed) {
    enum { K = 1, V, PAST_K = 4, PAST_V };
    int64_t times[2];
    tn_value *x[2];
    *changed = false;
    if (n->n_inputs <= V || tn_pass_input(n, PAST_K) || tn_pass_input(n, PAST_V) || n->n_outputs > 1) return TN_OK;
    for (int i = 0; i < 2; i++)
        if (!n->inputs[K + i] || !(x[i] = tn_pass_repeated(n->inputs[K + i], 1, &times[i]))) return TN_OK;
    if (times[0] != times[1]) return TN_OK;
    for (int i = 0; i < 2; i++) {
        tn_node *idle = n->inputs[K + i]->producer;
        TN_TRY(tn_node_set_input(n, K + i, x[i]));
        if (!idle->outputs[0]->n_uses) tn_pass_prune(idle);
    }
    *changed = true;
    return TN_OK;
}
