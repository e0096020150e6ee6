/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* homes.c - where every value of a plan lies: which share memory, how long each lives, offsets in one block. */
#include "engine/memory.h"
#include "engine/planner.h"
#include <limits.h>
#include <string.h>

static int root_of(tn_planner *b, int s) {
    while (b->root[s] != s) s = b->root[s] = b->root[b->root[s]];
    return s;
}

static void join(tn_planner *b, int keep, int other) {
    keep = root_of(b, keep);
    other = root_of(b, other);
    if (keep == other) return;
    b->root[other] = keep;
    if (b->first[other] < b->first[keep]) b->first[keep] = b->first[other];
    if (b->last[other] > b->last[keep]) b->last[keep] = b->last[other];
}

static void use(tn_planner *b, int slot, int step) {
    if (slot >= 0 && step > b->last[slot]) b->last[slot] = step;
}

static tn_status lifetimes(tn_planner *b, int (*joined)[2], int n_joined) {
    tn_plan *p = b->p;
    size_t n = (size_t)p->n_slots + 1;
    b->root = tn_arena_array(b->temp, int, n);
    b->first = tn_arena_array(b->temp, int, n);
    b->last = tn_arena_array(b->temp, int, n);
    if (!b->root || !b->first || !b->last) return tn_planner_no_memory(b);
    for (int i = 0; i < p->n_slots; i++) {
        b->root[i] = i;
        b->first[i] = INT_MAX; /* an alias begins with its source */
        b->last[i] = -1;
    }
    for (int i = 0; i < p->n_steps; i++) {
        const tn_step *s = &p->steps[i];
        for (int k = 0; k < s->n_out; k++) {
            if (s->out[k] < 0) continue;
            b->first[s->out[k]] = i;
            use(b, s->out[k], i);
        }
        for (int k = 0; k < s->n_in; k++) use(b, s->in[k], i);
        for (int k = 0; k < s->n_nested; k++)
            for (int c = 0; c < s->nested[k].n_captured; c++) use(b, s->nested[k].captured_slots[c], i);
    }
    for (int i = 0; p->offload && i < p->offload->n_remotes; i++)
        if (p->offload->remotes[i].up >= 0) use(b, p->offload->remotes[i].slot, p->offload->remotes[i].held);
    for (int i = 0; i < n_joined; i++) join(b, joined[i][1], joined[i][0]);
    return TN_OK;
}

/* A graph output's home becomes that output's own memory, so the last operator writes where the caller reads; what
 * lies elsewhere (an input, a constant, another output) is copied at the end. */
static tn_status make_outputs(tn_planner *b) {
    tn_plan *p = b->p;
    const tn_graph *g = b->args->graph;
    p->outputs = tn_arena_array(p->arena, int, (size_t)g->n_outputs + 1);
    p->output_copied = tn_arena_array(p->arena, bool, (size_t)g->n_outputs + 1);
    if (!p->outputs || !p->output_copied) return tn_planner_no_memory(b);
    for (int i = 0; i < g->n_outputs; i++) {
        int s = b->slot_of[g->outputs[i]->id], r = root_of(b, s);
        p->outputs[i] = s;
        b->last[r] = p->n_steps;
        if (p->slots[r].home == TN_HOME_ARENA) {
            p->slots[r].home = TN_HOME_OUTPUT;
            p->slots[r].index = i;
            p->output_bytes += tn_slot_bytes(&p->slots[r]);
        } else if (p->slots[r].home != TN_HOME_HEAP) {
            p->output_copied[i] = true;
        }
        for (int k = 0; k < i && p->slots[r].home == TN_HOME_HEAP; k++)
            if (p->outputs[k] == s) p->output_copied[i] = true;
    }
    return TN_OK;
}

/* Lets output 0 of a step take over the memory of an input that nobody reads later. */
static void join_in_place(tn_planner *b, int step) {
    tn_plan *p = b->p;
    const tn_step *s = &p->steps[step];
    if (s->kind != TN_STEP_STATIC || !(s->node->op->flags & TN_OP_INPLACE) || s->out[0] < 0) return;
    int out = root_of(b, s->out[0]);
    for (int i = 0; i < s->n_in && i < 2; i++) {
        if (s->in[i] < 0) continue;
        const tn_slot *x = &p->slots[s->in[i]], *y = &p->slots[s->out[0]];
        int in = root_of(b, s->in[i]);
        if (p->slots[in].home != TN_HOME_ARENA || b->last[in] != step || in == out) continue;
        if (x->type.dtype != y->type.dtype || tn_slot_bytes(x) != tn_slot_bytes(y)) continue;
        bool twice = false;
        for (int k = 0; k < s->n_in; k++)
            twice = twice || (k != i && s->in[k] >= 0 && s->in[k] != s->in[i] && root_of(b, s->in[k]) == in);
        if (twice) continue;
        p->slots[in].home = p->slots[out].home;
        p->slots[in].index = p->slots[out].index;
        join(b, in, out);
        p->steps[step].in_place = i + 1;
        return;
    }
}

/* Offsets for all arena homes and for the steps' scratch, which lives in the same block during its step only. */
static tn_status lay_out(tn_planner *b) {
    tn_plan *p = b->p;
    size_t most = (size_t)p->n_slots + (size_t)p->n_steps + 1;
    tn_lifetime *v = tn_arena_array(b->temp, tn_lifetime, most);
    int *at = tn_arena_array(b->temp, int, (size_t)p->n_slots + 1), n = 0;
    if (!v || !at) return tn_planner_no_memory(b);
    for (int i = 0; i < p->n_slots; i++) {
        if (b->root[i] != i || p->slots[i].home != TN_HOME_ARENA) continue;
        at[i] = n;
        v[n++] = (tn_lifetime){ .bytes = tn_slot_bytes(&p->slots[i]), .first = b->first[i], .last = b->last[i] };
    }
    int n_values = n;
    for (int i = 0; i < p->n_steps; i++)
        if (p->steps[i].scratch) v[n++] = (tn_lifetime){ .bytes = p->steps[i].scratch, .first = i, .last = i };
    for (int i = 0; i < n && b->args->no_sharing; i++) v[i].first = 0, v[i].last = p->n_steps;
    TN_TRY(tn_memory_layout(v, n, &p->bytes));
    for (int i = 0; i < p->n_slots; i++) {
        int r = root_of(b, i);
        p->slots[i].home = p->slots[r].home;
        p->slots[i].index = p->slots[r].index;
        if (p->slots[r].home == TN_HOME_ARENA) p->slots[i].offset = v[at[r]].offset;
    }
    n = n_values;
    for (int i = 0; i < p->n_steps; i++)
        if (p->steps[i].scratch) p->steps[i].scratch_offset = v[n++].offset;
    return TN_OK;
}

static tn_status dead_lists(tn_planner *b) {
    tn_plan *p = b->p;
    for (int pass = 0; pass < 2; pass++) { /* count, then fill */
        for (int i = 0; i < p->n_slots; i++) {
            int last = b->last[i];
            if (p->slots[i].home != TN_HOME_HEAP || last < 0 || last >= p->n_steps) continue;
            tn_step *s = &p->steps[last];
            if (pass) s->dead[s->n_dead] = i;
            s->n_dead++;
        }
        for (int i = 0; i < p->n_steps && !pass; i++) {
            p->steps[i].dead = tn_arena_array(p->arena, int, (size_t)p->steps[i].n_dead + 1);
            if (!p->steps[i].dead) return tn_planner_no_memory(b);
            p->steps[i].n_dead = 0;
        }
    }
    return TN_OK;
}

static bool is_loose(const tn_slot *s) { return s->home == TN_HOME_HEAP || (!s->exact && s->home != TN_HOME_CONST); }

static bool is_bound(const tn_slot *s) {
    return s->home == TN_HOME_INPUT || s->home == TN_HOME_OUTER || s->home == TN_HOME_OUTPUT;
}

static tn_status slot_lists(tn_planner *b) {
    tn_plan *p = b->p;
    p->bound = tn_arena_array(p->arena, int, (size_t)p->n_slots + 1);
    p->loose = tn_arena_array(p->arena, int, (size_t)p->n_slots + 1);
    if (!p->bound || !p->loose) return tn_planner_no_memory(b);
    for (int i = 0; i < p->n_slots; i++) {
        if (is_bound(&p->slots[i])) p->bound[p->n_bound++] = i;
        if (is_loose(&p->slots[i])) p->loose[p->n_loose++] = i;
    }
    return TN_OK;
}

tn_status tn_planner_lifetimes(tn_planner *b, int (*joined)[2], int n_joined) {
    TN_TRY(lifetimes(b, joined, n_joined));
    return make_outputs(b);
}

void tn_planner_in_place(tn_planner *b) {
    for (int i = 0; i < b->p->n_steps && !b->args->no_sharing; i++) join_in_place(b, i);
}

tn_status tn_planner_lay_out(tn_planner *b) {
    TN_TRY(lay_out(b));
    TN_TRY(slot_lists(b));
    return dead_lists(b);
}
