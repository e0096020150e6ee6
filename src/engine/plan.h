/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* plan.h - a graph for one set of input shapes, ready to run: steps in order, a place for every value.
 *
 *   graph + input types ──typing──▶ exact types ──plan──▶ slots (values), steps (nodes), homes (memory), one block
 *
 * A *slot* is a value of the plan. A *home* is the memory of one or more slots: what an aliasing operator (Reshape) and
 * an in-place one (Relu) join. Where a home lies is known at plan time, except for HEAP homes: values whose shape
 * depends on data, or that are not plain tensors. They are allocated while running and released after their last use.
 * So there is one kind of plan for static and for data-dependent graphs, and a static one does no work but the steps'.
 *
 * A plan for a *range* of shapes (range.h) is the same plan, laid out for the largest of them. What varies is typed
 * again when a run has other shapes than the frame's last one had (fit.c): every step whose inputs vary has its shape
 * rule applied to the sizes of now, so nothing rests on what was inferred with symbols, but for the contents of shape
 * tensors, which are expressions of the inputs' dimensions and are kept beside the constants.
 *
 * A plan is immutable after it was made, but for its lists of idle frames and nested plans, which the session's lock
 * guards. */
#ifndef TN_ENGINE_PLAN_H
#define TN_ENGINE_PLAN_H

#include "engine/offload.h"
#include "engine/pack.h"
#include "engine/range.h"
#include "engine/tune.h"
#include "engine/typing.h"

typedef enum {
    TN_HOME_ARENA,  /* an offset in the frame's block */
    TN_HOME_OUTPUT, /* the memory of graph output `index`, fresh in every run */
    TN_HOME_INPUT,  /* the caller's input `index` */
    TN_HOME_OUTER,  /* captured value `index` of the enclosing graph */
    TN_HOME_CONST,
    TN_HOME_SHAPE,  /* contents known as expressions, evaluated for a run's sizes */
    TN_HOME_HEAP,   /* allocated while running */
    TN_HOME_DEVICE, /* in a device's memory alone (offload.h) */
} tn_home_kind;

typedef struct {
    const tn_value *value;
    bool exact; /* a tensor whose shape is known: type says it */
    tn_home_kind home;
    int index;                 /* OUTPUT, INPUT, OUTER: which */
    size_t offset;             /* ARENA */
    const tn_tensor *constant; /* CONST */
    const tn_content *content; /* SHAPE */
    const tn_dim *varies;      /* of a range: the dimensions, when they are not all numbers; NULL: they are */
    tn_type type;              /* of a range: for its largest sizes */
} tn_slot;

/** A subgraph of a step's node, with the plans made for it so far. */
typedef struct {
    tn_graph *graph;
    const tn_value **captured;
    int *captured_slots; /* in this plan */
    int n_captured;
    struct tn_plan *plans; /* most recently used first; guarded by the session's lock */
    int n_plans;
} tn_nested;

typedef enum {
    TN_STEP_STATIC,  /* everything is in place: just run */
    TN_STEP_DYNAMIC, /* shapes are inferred, outputs allocated and the state prepared while running */
    TN_STEP_ALIAS,   /* output 0 shares input 0 under another shape */
    TN_STEP_SEGMENT, /* several nodes, on a device (offload.h) */
    TN_STEP_NONE,    /* nothing runs: output 0 lies where input 0 does, and is typed in a plan for a range */
} tn_step_kind;

typedef struct {
    tn_step_kind kind;
    const tn_node *node; /* of a segment: its first */
    int segment;         /* of a segment: which */
    tn_run_fn run;
    const void *attrs;   /* the node's, read once */
    const tn_impl *impl; /* that `state` is of; NULL: the row lists none, or it is prepared while running */
    void *state;
    int n_in, n_out;
    int *in, *out;                  /* slots; -1: omitted, not wanted */
    size_t scratch, scratch_offset; /* in the block, during the step */
    size_t room;                    /* bytes at the end of scratch that tn_run_scratch hands out */
    int *dead;                      /* HEAP slots released after this step */
    int n_dead;
    bool prepared;   /* `state` is ready although the outputs are not */
    bool open;       /* its shape rule has not seen all the values it asks for: it is applied again in every run */
    bool own_inputs; /* the operator may keep its inputs: they need memory that is counted */
    bool varies;     /* of a range: its sizes are typed again for others */
    int in_place;    /* 1 + the input in whose memory output 0 lies; 0: in none */
    tn_nested *nested;
    int n_nested;
    tn_cost cost; /* when its types are exact */
} tn_step;

typedef struct tn_plan {
    struct tn_plan *next; /* in the session's, or a nested list */
    const tn_graph *graph;
    tn_arena *arena;
    tn_typing typing; /* only while planning */
    tn_owned_tensor *owned;
    int64_t *key; /* what the plan was made for */
    size_t key_n;
    tn_range *range; /* instead of key; the plan's */
    tn_slot *slots;
    int n_slots;
    tn_step *steps;
    int n_steps;
    int *inputs;         /* slot of every graph input; -1: not used */
    int *outputs;        /* slot of every graph output */
    bool *output_copied; /* the output is copied from its slot at the end: an input, a constant, twice the same */
    int *outer;          /* slot of every captured value */
    int n_outer;
    int *bound, n_bound; /* slots set anew in every run: inputs, outer values, outputs */
    int *loose, n_loose; /* slots emptied after every run: HEAP, and data that are not plain tensors */
    size_t bytes;        /* of the frame's block */
    size_t output_bytes; /* of the outputs whose shapes are known */
    int n_constants;     /* steps saved because their results were known */
    tn_pack_cache *packs;
    tn_pack_use *held;          /* of packs: what the steps use */
    struct tn_offload *offload; /* what runs on a device; NULL: nothing */
    tn_device_use *device;      /* that it was made for */
    int refs;                   /* frames that run or are being freed, and 1 while it is in a list; atomic */
    struct tn_frame *idle;
} tn_plan;

/** What a plan is made for. */
typedef struct {
    const struct tn_model *model;
    const tn_graph *graph;
    const tn_type *inputs;       /* exact types; kind NONE: the input's default is used */
    const tn_state_kind *states; /* by graph input: what runs append to or write into; NULL: nothing */
    tn_range *range; /* instead: the plan takes it over, also when it cannot be made; NULL: inputs are exact */
    const tn_value *const *captured;
    const tn_type *captured_types;
    const tn_tensor *const *captured_data; /* entries not NULL: constants of the enclosing plan */
    int n_captured;
    tn_pool *pool;
    tn_pack_cache *packs;
    tn_device_use *device; /* where nodes may run, too; NULL: on the CPU alone. Not with a range */
    tn_tune *tune;         /* measures implementations; NULL: estimates choose */
    bool costs;            /* fill step.cost */
    bool no_sharing;       /* neither in place nor overlapping: for tests and comparisons */
} tn_plan_args;

/** Is input i of the step a weight of the model, and the step prepared while running? Only then it is known whether the
 *  weight is packed or read where it lies, and so whether an aligned copy is wanted. */
bool tn_plan_settles_later(const tn_plan *p, const tn_step *s, int i);

/** errors   the shape rules' and the operators', naming the node; TN_E_NOMEM. *out is freed with tn_plan_free. */
tn_status tn_plan_new(const tn_plan_args *args, tn_plan **out);

static inline void tn_plan_hold(tn_plan *p) { __atomic_add_fetch(&p->refs, 1, __ATOMIC_RELAXED); }

/** Gives up a reference; with the last one the plan goes, with its idle frames, and gives up its nested plans: somebody
 *  may be freeing frames of theirs. Not under the session's lock.
 *  returns  bytes of the plan if it went, else 0 */
size_t tn_plan_free(tn_plan **p);

/** The values of outer graphs that g and its subgraphs use, each once, in no order: *out has *n (in arena a). */
tn_status tn_captures(const tn_graph *g, tn_arena *a, const tn_value ***out, int *n);

#endif
