/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* frame.h - the memory of one running plan: a datum per slot, the prebuilt argument of every step, the block. */
#ifndef TN_ENGINE_FRAME_H
#define TN_ENGINE_FRAME_H

#include "engine/bound.h"
#include "engine/plan.h"
#include "op/core/exec.h"

struct tn_session;
typedef struct tn_frame tn_frame;

/** One shape's state of a dynamic step: kept while the shapes stay the same. */
typedef struct {
    tn_arena *arena;
    void *state;
    const tn_impl *impl;
    size_t scratch;
    int64_t *key;
    size_t key_n;
    tn_pack_use *held; /* packed weights that the state uses */
} tn_dynamic_state;

/** A block of activation memory; sessions hand them to frames. */
typedef struct tn_block {
    struct tn_block *next;
    char *data;
    size_t bytes;
    bool pinned; /* the device's host_alloc made it */
} tn_block;

/** Temporary memory of one running plan, between runs in the session's hands. */
typedef struct tn_temp {
    struct tn_temp *next;
    tn_arena *arena;
    tn_arena_mark mark;
    size_t first, most; /* bytes of its first block; most it ever held */
} tn_temp;

struct tn_frame {
    tn_exec exec; /* first: tn_run.exec points here */
    tn_frame *next;
    struct tn_session *session;
    tn_plan *plan;
    tn_block *block;
    char *base; /* where the arena slots point now */
    tn_datum *data;
    tn_run *runs;
    tn_dynamic_state *dynamic; /* by step; NULL in a static plan */
    tn_arena *own;             /* the arrays above */
    tn_pack_use *held;         /* aligned copies of weights that dynamic steps read as they are */
    tn_temp *room;             /* lent while it runs */
    tn_arena *temp;            /* its arena, emptied after every step */
    tn_arena_mark temp_mark;
    const tn_bound *bound;     /* outputs that the caller has memory for; NULL: none */
    struct tn_fit *fit;        /* of a plan for a range: the sizes it is typed for, see fit.c */
    tn_lane *lane;             /* of a plan with segments: lent while it runs */
    tn_device_place *places;   /* for one segment */
    tn_device_ticket *tickets; /* by segment: of its last command in this run */
    int step;                  /* the one that runs, when it is dynamic */
    uint64_t *times;           /* by step: nanoseconds of the last run, when profiling */
    uint64_t started;
};

/** Frees what was prepared for a dynamic step; *d is empty then. */
void tn_dynamic_drop(tn_frame *f, const tn_op *op, tn_dynamic_state *d);

tn_status tn_frame_new(struct tn_session *s, tn_plan *p, tn_frame **out);
void tn_frame_free(tn_frame *f);
tn_frame *tn_frame_next(tn_frame *f);

tn_temp *tn_temp_new(void); /* NULL when out of memory */
void tn_temp_free(tn_temp *t);

/** Lends the frame its temporary memory. */
void tn_frame_take_temp(tn_frame *f, tn_temp *t);

/** Makes the temporary arena's first block as large as runs have needed, so that they allocate nothing. */
void tn_frame_fit_temp(tn_frame *f);

/** The state of a step for these types: the last one if they are the same, else prepared anew, in f->dynamic[step].
 *  errors of the row's prepare */
tn_status tn_dynamic_prepare(tn_frame *f, int step, const tn_infer *types);

/** Points what lies in the frame's block at it. returns whether it is another one than last time */
bool tn_frame_place(tn_frame *f);

/** Makes what a frame of a plan for a range keeps of its sizes. errors TN_E_NOMEM */
tn_status tn_fit_new(tn_frame *f);

void tn_fit_free(tn_frame *f);

/** Types what varies for these values of the range's symbols, unless the frame has them. The frame has its block and
 * its temporary memory. returns whether the plan serves these sizes. If not (they need more memory than the largest do,
 * or a rule says otherwise than symbols did), they want a plan of their own, which tells what is wrong if anything is.
 */
bool tn_fit_sizes(tn_frame *f, const int64_t *values);

/** Runs the frame's plan. in: a datum per graph input (NULL: not given); captured: one per outer value. out receives
 *  the graph's outputs; `nested` takes their memory from the session's cache and lets them share it with inputs.
 *  The frame has its block. errors of the operators; on error all out are empty. */
tn_status tn_frame_run(tn_frame *f, const tn_datum *const *in, const tn_datum *const *captured, tn_datum *out,
                       bool nested);

#endif
