/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* session.h - inside a session: what its frames and nested runs share. */
#ifndef TN_ENGINE_SESSION_H
#define TN_ENGINE_SESSION_H

#include "base/budget.h"
#include "base/guard.h"
#include "engine/bound.h"
#include "engine/edition.h"
#include "engine/frame.h"
#include "engine/heap.h"
#include "engine/pack.h"
#include "engine/profile.h"
#include <pthread.h>

/* How the bound of a run's memory is called. */
#define TN_MEM_LIMIT_WORDS "tn_session_opts.mem_limit (--mem-limit)"

#define TN_DEFAULT_PLANS 16
#define TN_NESTED_PLANS  8
#define TN_RANGED_PLANS  2

/* A range is worth trying from so many different shapes on, and so often in vain. */
#define TN_SHAPES_FOR_RANGE 3
#define TN_RANGE_ATTEMPTS   4

struct tn_session {
    const tn_model *source; /* the caller's */
    const tn_model *model;  /* what runs: an edition's, or the source itself where nothing is optimized */
    tn_store *store;        /* the source's */
    tn_edition *edition;    /* NULL: the source itself runs */
    tn_account *edition_charged;
    tn_session_opts opts;
    tn_pool *pool;
    pthread_mutex_t lock;     /* lists, references, idle frames and blocks, the profile */
    pthread_mutex_t planning; /* one plan is made at a time: */
    pthread_mutex_t *turn;    /* `planning`, of the session around this one if there is one */
    struct tn_session *outer; /* the session around it: state.h; NULL: none */
    tn_guard guards[2];
    tn_plan *plans; /* most recently used first */
    int n_plans;
    tn_plan *ranged; /* plans for ranges of shapes, most recently made first */
    int n_ranged;
    tn_shapes *shapes;    /* of the calls so far; guarded by `planning`. NULL: no ranges */
    int no_range;         /* attempts at a range that came to nothing */
    tn_block *blocks;     /* idle */
    tn_temp *temps;       /* idle */
    tn_account *running;  /* what runs hold: bounded by opts.mem_limit */
    tn_account *prepared; /* the optimized model, packed weights (shared or not), plans, frames: bounded by
                             opts.prepare_limit */
    uint64_t work_limit;
    tn_heap *heap;    /* values of a run */
    tn_heap *outputs; /* what callers hold, also behind the session's end */
    tn_pack_cache *packs;
    tn_tune *tune;                /* NULL unless opts.tune; guarded by `planning` */
    tn_profiler *profiler;        /* NULL unless opts.profile */
    struct tn_cpuset *cpus;       /* that runs keep to; NULL: all */
    struct tn_executor *executor; /* leased; NULL: none, before the first submit */
    bool shares;                  /* it is the one that sessions share */
    tn_device_use *device;        /* NULL: everything runs on the CPU */
    tn_lane *lanes;               /* idle */
    struct tn_stateful *stateful; /* the sessions within it whose inputs are states: state.h; guarded by `lock` */
    const tn_state_kind *states;  /* of a session within another: by graph input; else NULL */
};

/** A list of plans with its own limit: the session's, or that of a nested graph. */
typedef struct {
    tn_plan **first;
    int *n;
    int limit;
} tn_plan_list;

/** The plan in the list made for these types, newly made if there is none, and an idle frame of it with a block.
 *  args->inputs and the rest describe the graph; key comes from tn_session_key. Return it with tn_session_release. */
tn_status tn_session_acquire(tn_session *s, tn_plan_list list, const tn_plan_args *args, const int64_t *key,
                             size_t key_n, tn_frame **out);
void tn_session_release(tn_session *s, tn_frame *f);

/** tn_session_acquire for the session's own graph: a plan for a range serves where there is none for these very types.
 */
tn_status tn_session_acquire_main(tn_session *s, const tn_plan_args *args, const int64_t *key, size_t key_n,
                                  tn_frame **out);

/** Plans the ranges that the user gave (opts.ranges) before the first call comes. errors of tn_range_given; what
 * memory and time do not allow. Where the model itself refuses such sizes it says so in a warning, and plans every
 * shape on its own when it comes */
tn_status tn_session_plan_ranges(tn_session *s);

/** Of a session within another: a range that was learnt reaches as far as the states' capacity. */
void tn_session_widen_range(const tn_session *s, tn_range *r);
/** tn_session_trim for the sessions within s that run with states; and frees them, when nobody uses them. */
size_t tn_session_trim_stateful(tn_session *s);
void tn_session_drop_stateful(tn_session *s);

/** Frees all plans, blocks and temporary memory of a session that nobody uses. */
void tn_session_drop(tn_session *s);

/** Appends what distinguishes a value's exact type to key (at most TN_KEY_MAX entries). */
#define TN_KEY_MAX (TN_MAX_RANK + 3)
size_t tn_session_key(const tn_datum *d, int64_t *key);

/** What is made once and kept counts on the session's second account, has a bound of work of its own, and is made
 *  whole: between these two. st is what making it returned; the result is the status to go on with. */
tn_budget *tn_session_keep(tn_session *s, tn_budget *b);
tn_status tn_session_kept(tn_budget *b, tn_budget *before, tn_status st);

/** Makes *block (NULL: a new one) hold at least that many bytes; what is in it is lost. errors TN_E_NOMEM */
tn_status tn_block_fit(tn_session *s, tn_block **block, size_t bytes);
/** What a block that was too small once grows to: shapes that grow from run to run outgrow it seldom. */
size_t tn_block_roomy(size_t bytes);
size_t tn_blocks_free(tn_session *s, tn_block *list); /* how many bytes went */

/** Frees what runs have left idle: blocks, frames, buffers of the heap. returns whether that was anything on the
 * account of runs */
bool tn_session_shed(tn_session *s);

/** What a run that was submitted has, beside its options: when its time began and ends (tn_clock_ns; deadline 0:
 * never), and the flag of its ticket (NULL: it has none). */
typedef struct {
    uint64_t started, deadline;
    const volatile int *cancel;
} tn_run_job;

/** tn_session_run_with for it; opts are whole. */
tn_status tn_session_run_job(tn_session *s, const tn_run_opts *opts, const tn_run_job *job, size_t n_in,
                             const tn_tensor *const *inputs, size_t n_out, tn_tensor **outputs);

/** The same for any kind of data: out[n_out] is overwritten; the caller resets them. job may be NULL. */
tn_status tn_session_run_data_job(tn_session *s, const tn_run_opts *opts, const tn_run_job *job, size_t n_in,
                                  const tn_datum *const *in, size_t n_out, tn_datum *out);

/** errors TN_E_INVALID: the model has other numbers of inputs or outputs */
tn_status tn_session_check_counts(const tn_session *s, size_t n_in, size_t n_out);

/** The executor that the session leases. errors TN_E_NOMEM */
tn_status tn_session_executor(tn_session *s, struct tn_executor **out);

/** tn_session_run for any kind of data. out[n_out] is overwritten; the caller resets them. */
tn_status tn_session_run_data(tn_session *s, size_t n_in, const tn_datum *const *in, size_t n_out, tn_datum *out);
/** opts NULL: none; they have been checked (tn_run_opts.size is not looked at). */
tn_status tn_session_run_data_with(tn_session *s, const tn_run_opts *opts, size_t n_in, const tn_datum *const *in,
                                   size_t n_out, tn_datum *out);

#endif
