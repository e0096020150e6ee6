/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* plan_free.c - what a plan gives back when nobody runs it any more. */
#include "engine/frame.h"
#include "engine/plan.h"

static void free_frames(tn_plan *p) {
    for (struct tn_frame *f = p->idle, *next; f; f = next) {
        next = tn_frame_next(f);
        tn_frame_free(f);
    }
    p->idle = NULL;
}

size_t tn_plan_free(tn_plan **plan) {
    tn_plan *p = *plan;
    *plan = NULL;
    if (!p || __atomic_sub_fetch(&p->refs, 1, __ATOMIC_ACQ_REL)) return 0;
    size_t bytes = tn_arena_bytes(p->arena);
    free_frames(p);
    for (int i = 0; i < p->n_steps; i++) {
        tn_step *s = &p->steps[i];
        if (s->state && s->node->op->release) s->node->op->release(s->state);
        for (int k = 0; k < s->n_nested; k++)
            for (tn_plan *n = s->nested[k].plans, *next; n; n = next) {
                next = n->next;
                tn_plan_free(&n);
            }
    }
    tn_offload_free(p->offload);
    tn_pack_release(p->packs, &p->held);
    tn_owned_release(&p->owned);
    tn_mem_free(p->key);
    tn_range_free(&p->range);
    tn_arena *a = p->arena; /* the plan itself lives there */
    tn_arena_free(&a);
    return bytes;
}
