/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* lease.c - what runs borrow from a session: a plan for their shapes, a frame of it, a block and temporary memory.
 * Plans are made for exact shapes, and for ranges of them once the calls show which sizes vary (range.h). */
#include "base/log.h"
#include "engine/session.h"
#include <limits.h>
#include <string.h>

static const tn_budget_words prepare_words = { .what = "preparing the model",
                                               .bytes = "tn_session_opts.prepare_limit",
                                               .work = "tn_session_opts.work_limit" };

tn_budget *tn_session_keep(tn_session *s, tn_budget *b) {
    tn_budget_inner(b, &prepare_words, s->prepared);
    b->work_limit = s->work_limit;
    return tn_budget_enter(b);
}

tn_status tn_session_kept(tn_budget *b, tn_budget *before, tn_status st) {
    tn_budget_leave(before);
    return tn_budget_verdict(b, st, NULL);
}

size_t tn_session_key(const tn_datum *d, int64_t *key) {
    size_t n = 0;
    if (!d) {
        key[n++] = -1;
        return n;
    }
    key[n++] = d->kind;
    if (d->kind != TN_KIND_TENSOR) return n;
    key[n++] = d->tensor.dtype;
    key[n++] = d->tensor.rank;
    for (int i = 0; i < d->tensor.rank; i++) key[n++] = d->tensor.dims[i];
    return n;
}

/* ------------------------------------------------------------------------------------------------------- letting go */

/* What is dropped is freed when the lock is not held: giving pages back to the system takes time. Each returns how many
 * bytes went. */
static size_t free_plans(tn_plan *p) {
    size_t bytes = 0;
    for (tn_plan *next; p; p = next) {
        next = p->next;
        bytes += tn_plan_free(&p);
    }
    return bytes;
}

static size_t free_temps(tn_temp *t) {
    size_t bytes = 0;
    for (tn_temp *next; t; t = next) {
        next = t->next;
        bytes += tn_arena_bytes(t->arena);
        tn_temp_free(t);
    }
    return bytes;
}

void tn_session_drop(tn_session *s) {
    free_plans(s->plans);
    free_plans(s->ranged);
    tn_blocks_free(s, s->blocks);
    free_temps(s->temps);
    tn_lanes_free(s->lanes);
}

/* ------------------------------------------------------------------------------------------------- plans and frames */

/* The plan with that key for that device, moved to the front; under the lock. */
static tn_plan *find_plan(tn_plan_list list, const tn_device_use *device, const int64_t *key, size_t key_n) {
    for (tn_plan **at = list.first; *at; at = &(*at)->next) {
        tn_plan *p = *at;
        if (p->device != device || p->key_n != key_n || memcmp(p->key, key, key_n * sizeof *key) != 0) continue;
        *at = p->next;
        p->next = *list.first;
        return *list.first = p;
    }
    return NULL;
}

/* Takes out of the list, under the lock, what is least recently used beyond the first `keep`, for free_plans; who runs
 * them keeps them. */
static tn_plan *drop_plans(tn_plan_list list, int keep) {
    tn_plan **at = list.first, *out = NULL;
    for (int i = 0; i < keep && *at; i++) at = &(*at)->next;
    while (*at) {
        tn_plan *p = *at;
        *at = p->next;
        --*list.n;
        p->next = out;
        out = p;
    }
    return out;
}

/* The largest block that these plans, or those nested in them, ask for; under the lock. */
static size_t largest_block(const tn_plan *p) {
    size_t most = 0;
    for (; p; p = p->next) {
        if (p->bytes > most) most = p->bytes;
        for (int i = 0; i < p->n_steps; i++)
            for (int k = 0; k < p->steps[i].n_nested; k++) {
                size_t inner = largest_block(p->steps[i].nested[k].plans);
                if (inner > most) most = inner;
            }
    }
    return most;
}

/* Takes out, under the lock, idle blocks that are larger than any plan asks for: the plan they grew for has gone. */
static tn_block *drop_blocks(tn_session *s) {
    size_t most = largest_block(s->plans), ranged = largest_block(s->ranged);
    if (ranged > most) most = ranged;
    tn_block *out = NULL;
    for (tn_block **at = &s->blocks; *at;) {
        tn_block *b = *at;
        if (b->bytes <= tn_block_roomy(most)) {
            at = &b->next;
            continue;
        }
        *at = b->next;
        b->next = out;
        out = b;
    }
    return out;
}

/* Puts a new plan in front and takes out the least recently used beyond the limit; under the lock. */
static tn_plan *add_plan(tn_plan_list list, tn_plan *p) {
    p->next = *list.first;
    *list.first = p;
    ++*list.n;
    return drop_plans(list, list.limit);
}

static tn_status new_plan(tn_session *s, const tn_plan_args *args, const int64_t *key, size_t key_n, tn_plan **out) {
    tn_budget b, *before = tn_session_keep(s, &b);
    tn_status st = tn_plan_new(args, out);
    tn_plan *p = *out;
    if (st == TN_OK && !(p->key = tn_mem_alloc((key_n + 1) * sizeof *key, TN_MEM_GENERAL)))
        st = tn_fail(TN_E_NOMEM, "no memory for a plan");
    if (st == TN_OK) {
        memcpy(p->key, key, key_n * sizeof *key);
        p->key_n = key_n;
    }
    return tn_session_kept(&b, before, st);
}

static tn_status new_frame(tn_session *s, tn_plan *p, tn_frame **out) {
    tn_budget b, *before = tn_session_keep(s, &b);
    tn_status st = tn_frame_new(s, p, out);
    return tn_session_kept(&b, before, st);
}

static tn_status make_plan(tn_session *s, tn_plan_list list, const tn_plan_args *args, const int64_t *key, size_t key_n,
                           tn_plan **out) {
    tn_plan *p = NULL;
    *out = NULL;
    if (!tn_budget_lock(s->turn)) return TN_E_CANCELLED; /* another thread's plan took too long */
    pthread_mutex_lock(&s->lock);
    if ((*out = find_plan(list, args->device, key, key_n))) tn_plan_hold(*out); /* another thread was faster */
    pthread_mutex_unlock(&s->lock);
    tn_status st = *out ? TN_OK : new_plan(s, args, key, key_n, &p);
    if (p) {
        size_t limit = s->opts.mem_limit;
        if (st == TN_OK && limit && p->bytes + p->output_bytes > limit)
            st = tn_fail(TN_E_LIMIT,
                         "these input shapes need %zu bytes of activations; the memory limit is %zu; %s raises it",
                         p->bytes + p->output_bytes, limit, TN_MEM_LIMIT_WORDS);
        if (st != TN_OK) {
            tn_plan_free(&p);
        } else {
            pthread_mutex_lock(&s->lock);
            tn_plan *old = add_plan(list, p);
            tn_block *blocks = old ? drop_blocks(s) : NULL;
            tn_plan_hold(p);
            pthread_mutex_unlock(&s->lock);
            free_plans(old);
            tn_blocks_free(s, blocks);
            *out = p;
        }
    }
    pthread_mutex_unlock(s->turn);
    return st;
}

/* The idle block that fits best, or the largest one to be grown; under the lock. */
static tn_block *take_block(tn_session *s, size_t bytes) {
    tn_block **best = NULL;
    for (tn_block **at = &s->blocks; *at; at = &(*at)->next) {
        if (!best) best = at;
        size_t have = (*at)->bytes, had = (*best)->bytes;
        if (have >= bytes ? had < bytes || have < had : had < bytes && have > had) best = at;
    }
    tn_block *b = best ? *best : NULL;
    if (b) *best = b->next;
    return b;
}

/* What a run borrowed goes back; under the lock. */
static void give_back(tn_session *s, tn_block *b, tn_temp *t, tn_lane *l) {
    if (l) {
        l->next = s->lanes;
        s->lanes = l;
    }
    if (b) {
        b->next = s->blocks;
        s->blocks = b;
    }
    if (t) {
        t->next = s->temps;
        s->temps = t;
    }
}

/* A frame of p, whose reference it takes over, with all it needs to run. */
static tn_status frame_of(tn_session *s, tn_plan *p, tn_frame **out) {
    tn_frame *f = NULL;
    tn_block *block = NULL;
    tn_temp *temp;
    tn_lane *lane = NULL;
    *out = NULL;
    pthread_mutex_lock(&s->lock);
    if ((f = p->idle)) p->idle = f->next;
    if (p->bytes) block = take_block(s, p->bytes);
    if ((temp = s->temps)) s->temps = temp->next;
    pthread_mutex_unlock(&s->lock);
    tn_status st = f ? TN_OK : new_frame(s, p, &f);
    if (st == TN_OK && p->bytes) st = tn_block_fit(s, &block, p->bytes);
    if (st == TN_OK && !temp && !(temp = tn_temp_new())) st = tn_fail(TN_E_NOMEM, "no memory to run the plan");
    if (st == TN_OK && p->offload) st = tn_lane_take(s, p->offload, &lane);
    if (st == TN_OK) {
        f->lane = lane;
        f->block = block;
        tn_frame_take_temp(f, temp);
        *out = f;
        return TN_OK;
    }
    pthread_mutex_lock(&s->lock);
    give_back(s, block, temp, NULL);
    pthread_mutex_unlock(&s->lock);
    tn_frame_free(f);
    tn_plan_free(&p);
    return st;
}

tn_status tn_session_acquire(tn_session *s, tn_plan_list list, const tn_plan_args *args, const int64_t *key,
                             size_t key_n, tn_frame **out) {
    pthread_mutex_lock(&s->lock);
    tn_plan *p = find_plan(list, args->device, key, key_n);
    if (p) tn_plan_hold(p);
    pthread_mutex_unlock(&s->lock);
    if (!p) TN_TRY(make_plan(s, list, args, key, key_n, &p));
    return frame_of(s, p, out);
}

static void note_times(tn_session *s, const tn_frame *f) {
    pthread_mutex_lock(&s->lock);
    tn_profiler_add(s->profiler, f);
    pthread_mutex_unlock(&s->lock);
}

void tn_session_release(tn_session *s, tn_frame *f) {
    tn_plan *p = f->plan;
    if (s->profiler) note_times(s->outer ? s->outer : s, f);
    pthread_mutex_lock(&s->lock);
    give_back(s, f->block, f->room, f->lane);
    f->block = NULL;
    f->lane = NULL;
    f->room = NULL;
    f->next = p->idle;
    p->idle = f;
    pthread_mutex_unlock(&s->lock);
    tn_plan_free(&p);
}

/* Takes out the idle frames of a plan and of those nested in it, but for one that can run at once; under the lock. Each
 * has a reference to its plan, which another thread may take out of its list before they are freed. */
static tn_frame *drop_frames(tn_plan *p, tn_frame *out) {
    for (; p; p = p->next) {
        tn_frame *f = p->idle ? p->idle->next : NULL;
        if (p->idle) p->idle->next = NULL;
        for (tn_frame *next; f; f = next) {
            next = f->next;
            f->next = out;
            out = f;
            tn_plan_hold(p);
        }
        for (int i = 0; i < p->n_steps; i++)
            for (int k = 0; k < p->steps[i].n_nested; k++) out = drop_frames(p->steps[i].nested[k].plans, out);
    }
    return out;
}

static size_t free_frames(tn_frame *f) {
    size_t bytes = 0;
    for (tn_frame *next; f; f = next) {
        next = f->next;
        tn_plan *p = f->plan;
        bytes += tn_arena_bytes(f->own);
        tn_frame_free(f);
        bytes += tn_plan_free(&p);
    }
    return bytes;
}

/* Ranges that the user gave stay, those that were learnt are learnt again. Under the lock. */
static tn_plan *drop_ranges(tn_session *s, int keep) {
    if (s->opts.n_ranges && keep < TN_RANGED_PLANS) keep = TN_RANGED_PLANS;
    if (!s->opts.n_ranges && keep == 1) keep = 0;
    return drop_plans((tn_plan_list){ &s->ranged, &s->n_ranged, keep }, keep);
}

/* Gives back what lies idle, and of the plans all but the `keep` latest. Returns how many bytes went. */
static size_t give_up(tn_session *s, int keep) {
    pthread_mutex_lock(&s->lock);
    tn_plan *plans = drop_plans((tn_plan_list){ &s->plans, &s->n_plans, keep }, keep);
    tn_plan *ranged = drop_ranges(s, keep);
    tn_frame *frames = drop_frames(s->ranged, drop_frames(s->plans, NULL));
    tn_block *blocks = s->blocks;
    tn_temp *temps = s->temps;
    tn_lane *lanes = s->lanes;
    s->lanes = NULL;
    s->blocks = NULL;
    s->temps = NULL;
    pthread_mutex_unlock(&s->lock);
    tn_lanes_free(lanes);
    size_t bytes =
        free_plans(plans) + free_plans(ranged) + free_frames(frames) + tn_blocks_free(s, blocks) + free_temps(temps);
    return bytes + tn_heap_trim(s->heap) + tn_heap_trim(s->outputs);
}

size_t tn_session_trim(tn_session *s) {
    return s ? give_up(s, 1) + tn_session_trim_stateful(s) + tn_pack_cache_trim(s->packs) : 0;
}

bool tn_session_shed(tn_session *s) {
    size_t before = tn_account_used(s->running);
    give_up(s, INT_MAX);
    return tn_account_used(s->running) < before;
}

/* ----------------------------------------------------------------------------------------------------------- ranges */

/* The plan for a range, which it takes over. */
static tn_status plan_range(tn_session *s, tn_range *range, tn_plan **out) {
    tn_plan_args args = { .model = s->model, .graph = s->model->graph, .range = range };
    args.states = s->states, args.pool = s->pool, args.packs = s->packs, args.tune = s->tune;
    tn_budget b, *before = tn_session_keep(s, &b);
    tn_status st = tn_session_kept(&b, before, tn_plan_new(&args, out));
    size_t limit = s->opts.mem_limit, wants = st == TN_OK ? (*out)->bytes + (*out)->output_bytes : 0;
    if (limit && wants > limit)
        st = tn_fail(TN_E_LIMIT,
                     "the largest shapes need %zu bytes of activations; the memory limit is %zu; %s raises it", wants,
                     limit, TN_MEM_LIMIT_WORDS);
    if (st != TN_OK) tn_plan_free(out);
    return st;
}

/* Whether too many steps of a plan for a range find out their sizes while running: exact plans serve better then. */
static bool mostly_open(const tn_plan *p) {
    int open = 0;
    for (int i = 0; i < p->n_steps; i++)
        open += p->steps[i].kind == TN_STEP_DYNAMIC || p->steps[i].kind == TN_STEP_ALIAS;
    return open > p->n_steps / 8;
}

/* What is noted outlives the run, and is on the account of what is kept. */
static int note_shapes(tn_session *s, const tn_type *inputs) {
    tn_budget b, *before = tn_session_keep(s, &b);
    int n = tn_shapes_note(s->shapes, inputs);
    (void)tn_session_kept(&b, before, TN_OK);
    return n;
}

/* A plan for what the calls so far have in common, to which these types belong; NULL when there is none. Whatever fails
 * is no error: the exact plan will tell. Under the planning lock. */
static tn_plan *learn_range(tn_session *s, const tn_plan_args *args, int64_t *values) {
    tn_range *range;
    tn_plan *p = NULL;
    tn_status st = TN_OK;
    if (note_shapes(s, args->inputs) < TN_SHAPES_FOR_RANGE || s->no_range >= TN_RANGE_ATTEMPTS) return NULL;
    if ((st = tn_shapes_range(s->shapes, &range)) != TN_OK) goto none;
    if (s->states) tn_session_widen_range(s, range);
    if (!tn_range_match(range, args->inputs, values)) {
        tn_range_free(&range);
        goto none;
    }
    st = plan_range(s, range, &p);
    if (st == TN_OK && !mostly_open(p)) return p;
    tn_plan_free(&p);
none:
    tn_log(TN_LOG_DEBUG, "no plan for a range of shapes: %s",
           st == TN_OK ? "too many sizes are found while running" : tn_error());
    tn_error_clear();
    s->no_range++;
    return NULL;
}

/* The plan for a range that these types lie in, with a reference; NULL when there is none. */
static tn_plan *find_ranged(tn_session *s, const tn_type *types, int64_t *values) {
    pthread_mutex_lock(&s->lock);
    tn_plan *p = s->ranged;
    while (p && !tn_range_match(p->range, types, values)) p = p->next;
    if (p) tn_plan_hold(p);
    pthread_mutex_unlock(&s->lock);
    return p;
}

static tn_plan *ranged_plan(tn_session *s, const tn_plan_args *args, int64_t *values) {
    tn_plan *p = find_ranged(s, args->inputs, values), *old = NULL;
    if (p) return p;
    pthread_mutex_lock(s->turn);
    if (!(p = find_ranged(s, args->inputs, values)) && (p = learn_range(s, args, values))) {
        pthread_mutex_lock(&s->lock);
        old = add_plan((tn_plan_list){ &s->ranged, &s->n_ranged, TN_RANGED_PLANS }, p);
        tn_plan_hold(p);
        pthread_mutex_unlock(&s->lock);
    }
    pthread_mutex_unlock(s->turn);
    free_plans(old);
    return p;
}

/* What the user said, planned before the first call comes, and a frame for the usual sizes. */
tn_status tn_session_plan_ranges(tn_session *s) {
    tn_range *range;
    tn_plan *p;
    tn_frame *f;
    int64_t usual[TN_RANGE_SYMBOLS];
    TN_TRY(tn_range_given(s->model, s->opts.ranges, s->opts.n_ranges, &range));
    if (s->device) {
        tn_status st = tn_offload_plan_usual(s, range);
        tn_range_free(&range);
        return st;
    }
    memcpy(usual, range->usual, sizeof usual);
    tn_status st = plan_range(s, range, &p);
    if (tn_range_refused(st)) return TN_OK;
    TN_TRY(st);
    add_plan((tn_plan_list){ &s->ranged, &s->n_ranged, TN_RANGED_PLANS }, p);
    tn_plan_hold(p);
    TN_TRY(frame_of(s, p, &f));
    if (!tn_fit_sizes(f, usual))
        tn_log(TN_LOG_WARN, "the model's sizes do not follow from its inputs' as a plan for a range needs it; every "
                            "shape is planned on its own");
    tn_session_release(s, f);
    return TN_OK;
}

/* *out stays NULL when no range serves these types. */
static void acquire_ranged(tn_session *s, const tn_plan_args *args, tn_frame **out) {
    int64_t values[TN_RANGE_SYMBOLS];
    tn_frame *f;
    tn_plan *p = ranged_plan(s, args, values);
    *out = NULL;
    if (!p) return;
    if (frame_of(s, p, &f) != TN_OK)
        tn_error_clear();
    else if (tn_fit_sizes(f, values))
        *out = f;
    else
        tn_session_release(s, f);
}

static bool has_plan(tn_session *s, tn_plan_list list, const int64_t *key, size_t key_n) {
    pthread_mutex_lock(&s->lock);
    bool has = find_plan(list, NULL, key, key_n) != NULL;
    pthread_mutex_unlock(&s->lock);
    return has;
}

tn_status tn_session_acquire_main(tn_session *s, const tn_plan_args *args, const int64_t *key, size_t key_n,
                                  tn_frame **out) {
    tn_plan_list list = { &s->plans, &s->n_plans, s->opts.plans };
    *out = NULL;
    if (s->shapes && !has_plan(s, list, key, key_n)) acquire_ranged(s, args, out);
    return *out ? TN_OK : tn_session_acquire(s, list, args, key, key_n, out);
}
