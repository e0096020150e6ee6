/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* session.c - the public sessions: a model made ready, plans by input shapes, frames for the threads that run. */
#include "engine/session.h"
#include "pass/pass.h"
#include <limits.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------------ opening, closing */

static tn_status read_opts(const tn_session_opts *o, tn_session_opts *out) {
    *out = (tn_session_opts){ 0 };
    TN_TRY(tn_take_opts(out, sizeof *out, o, "tn_session_opts"));
    if (out->threads < 0 || out->threads > 4096)
        return tn_fail(TN_E_INVALID, "%d threads asked for; 0 means as many as there are CPUs", out->threads);
    if (out->plans < 0) return tn_fail(TN_E_INVALID, "%d plans asked for; 0 means %d", out->plans, TN_DEFAULT_PLANS);
    if (!out->plans) out->plans = TN_DEFAULT_PLANS;
    return TN_OK;
}

/* How the bounds are called: by those who program, and by the program's options. */
static const tn_budget_words prepare_words = { .what = "preparing the model",
                                               .bytes = "tn_session_opts.prepare_limit",
                                               .work = "tn_session_opts.work_limit" };
static const tn_budget_words run_words = { .what = "the run",
                                           .bytes = "tn_session_opts.mem_limit (--mem-limit)",
                                           .time = "tn_run_opts.timeout_ns (--timeout)" };

tn_budget *tn_session_keep(tn_session *s, tn_budget *b) {
    tn_budget_inner(b, &prepare_words, s->prepared);
    b->work_limit = s->work_limit;
    return tn_budget_enter(b);
}

tn_status tn_session_kept(tn_budget *b, tn_budget *before, tn_status st) {
    tn_budget_leave(before);
    return tn_budget_verdict(b, st, NULL);
}

/* The bounds nobody gave, after the size of what the model holds. */
static tn_status make_accounts(tn_session *s, const tn_model *m) {
    uint64_t bytes = 0;
    for (int i = 0; i < m->n_values; i++)
        if (m->values[i] && m->values[i]->constant) bytes += tn_tensor_bytes(m->values[i]->constant);
    s->work_limit = s->opts.work_limit ? s->opts.work_limit : (UINT64_C(1) << 34) + 256 * bytes;
    s->running = tn_account_new(s->opts.mem_limit);
    s->prepared = tn_account_new(s->opts.prepare_limit ? s->opts.prepare_limit : ((size_t)1 << 30) + 16 * bytes);
    return s->running && s->prepared ? TN_OK : tn_fail(TN_E_NOMEM, "no memory for a session");
}

static tn_status clone_and_optimize(tn_session *s) {
    tn_budget b, *before = tn_session_keep(s, &b);
    tn_status st = tn_model_clone(s->source, &s->model);
    if (st == TN_OK && !s->opts.no_optimize) st = tn_optimize(s->model, s->pool);
    return tn_session_kept(&b, before, st);
}

tn_status tn_session_new(const tn_model *m, const tn_session_opts *opts, tn_session **out) {
    tn_session_opts o;
    tn_status st;
    *out = NULL;
    if (!m) return tn_fail(TN_E_INVALID, "tn_session_new needs a model");
    TN_TRY(tn_model_check_files(m));
    TN_TRY(read_opts(opts, &o));
    tn_session *s = tn_mem_zalloc(sizeof *s, TN_MEM_GENERAL);
    if (!s) return tn_fail(TN_E_NOMEM, "no memory for a session");
    s->source = m;
    s->opts = o;
    pthread_mutex_init(&s->lock, NULL);
    pthread_mutex_init(&s->planning, NULL);
    tn_guard_add(&s->guards[0], &s->lock, TN_GUARD_SESSION);
    tn_guard_add(&s->guards[1], &s->planning, TN_GUARD_PLANNING);
    if (!(s->heap = tn_heap_new(TN_MEM_ACTIVATIONS)) || !(s->outputs = tn_heap_new(TN_MEM_IO)) ||
        !(s->packs = tn_pack_cache_new(m->files, m->n_files)) || (o.profile && !(s->profiler = tn_profiler_new()))) {
        st = tn_fail(TN_E_NOMEM, "no memory for a session");
        goto done;
    }
    if ((st = make_accounts(s, m)) != TN_OK) goto done;
    tn_pool_set_hooks(&tn_budget_pool_hooks); /* what stops a run stops its parts */
    if ((st = tn_pool_new(o.threads, !o.unpinned, &s->pool)) != TN_OK) goto done;
    st = clone_and_optimize(s);
done:
    if (st != TN_OK) tn_session_free(&s);
    *out = s;
    return st;
}

/* What is dropped is freed when the lock is not held: giving pages back to the system takes time. Each returns how many
 * bytes went. */
static size_t free_plans(tn_plan *p) {
    size_t bytes = 0;
    for (tn_plan *next; p; p = next) {
        next = p->next;
        bytes += tn_arena_bytes(p->arena);
        tn_plan_free(&p);
    }
    return bytes;
}

static size_t free_blocks(tn_block *b) {
    size_t bytes = 0;
    for (tn_block *next; b; b = next) {
        next = b->next;
        bytes += b->bytes;
        tn_mem_free(b->data);
        tn_mem_free(b);
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

void tn_session_free(tn_session **session) {
    if (!session || !*session) return;
    tn_session *s = *session;
    free_plans(s->plans);
    free_blocks(s->blocks);
    free_temps(s->temps);
    tn_profiler_free(&s->profiler);
    tn_heap_close(&s->heap);
    tn_heap_close(&s->outputs);
    tn_model_close(&s->model);
    tn_pack_cache_free(&s->packs);
    tn_pool_free(&s->pool);
    tn_guard_remove(&s->guards[0]);
    tn_guard_remove(&s->guards[1]);
    tn_account_close(&s->running);
    tn_account_close(&s->prepared);
    pthread_mutex_destroy(&s->lock);
    pthread_mutex_destroy(&s->planning);
    tn_mem_free(s);
    *session = NULL;
}

/* ------------------------------------------------------------------------------------------------- plans and frames */

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

/* The plan with that key, moved to the front; under the lock. */
static tn_plan *find_plan(tn_plan_list list, const int64_t *key, size_t key_n) {
    for (tn_plan **at = list.first; *at; at = &(*at)->next) {
        tn_plan *p = *at;
        if (p->key_n != key_n || memcmp(p->key, key, key_n * sizeof *key) != 0) continue;
        *at = p->next;
        p->next = *list.first;
        return *list.first = p;
    }
    return NULL;
}

/* Under the lock: p when nobody needs it any more, for free_plans. */
static tn_plan *unref_plan(tn_plan *p) {
    if (--p->refs) return NULL;
    p->next = NULL;
    return p;
}

/* Takes out of the list, under the lock, what is least recently used beyond the first `keep`: those that nobody runs,
 * for free_plans. */
static tn_plan *drop_plans(tn_plan_list list, int keep) {
    tn_plan **at = list.first, *out = NULL;
    for (int i = 0; i < keep && *at; i++) at = &(*at)->next;
    while (*at) {
        tn_plan *p = *at;
        *at = p->next;
        --*list.n;
        if ((p = unref_plan(p))) {
            p->next = out;
            out = p;
        }
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
    size_t most = largest_block(s->plans);
    tn_block *out = NULL;
    for (tn_block **at = &s->blocks; *at;) {
        tn_block *b = *at;
        if (b->bytes <= most) {
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
    p->refs = 1;
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
    pthread_mutex_lock(&s->planning);
    pthread_mutex_lock(&s->lock);
    if ((*out = find_plan(list, key, key_n))) (*out)->refs++; /* another thread was faster */
    pthread_mutex_unlock(&s->lock);
    tn_status st = *out ? TN_OK : new_plan(s, args, key, key_n, &p);
    if (p) {
        size_t limit = s->opts.mem_limit;
        if (st == TN_OK && limit && p->bytes + p->output_bytes > limit)
            st = tn_fail(TN_E_LIMIT,
                         "these input shapes need %zu bytes of activations; the memory limit is %zu; %s raises it",
                         p->bytes + p->output_bytes, limit, run_words.bytes);
        if (st != TN_OK) {
            tn_plan_free(&p);
        } else {
            pthread_mutex_lock(&s->lock);
            tn_plan *old = add_plan(list, p);
            tn_block *blocks = old ? drop_blocks(s) : NULL;
            p->refs++;
            pthread_mutex_unlock(&s->lock);
            free_plans(old);
            free_blocks(blocks);
            *out = p;
        }
    }
    pthread_mutex_unlock(&s->planning);
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

static tn_status fit_block(tn_block **block, size_t bytes) {
    tn_block *b = *block;
    if (!b && !(b = tn_mem_zalloc(sizeof *b, TN_MEM_GENERAL))) goto fail;
    *block = b;
    if (b->bytes >= bytes) return TN_OK;
    tn_mem_free(b->data); /* first, so that the peak is the larger one and not both */
    b->bytes = 0;
    if (!(b->data = tn_mem_alloc(bytes, TN_MEM_ACTIVATIONS))) goto fail;
    b->bytes = bytes;
    return TN_OK;
fail:
    return tn_fail(TN_E_NOMEM, "no memory for %zu bytes of activations", bytes);
}

/* What a run borrowed goes back; under the lock. */
static void give_back(tn_session *s, tn_block *b, tn_temp *t) {
    if (b) {
        b->next = s->blocks;
        s->blocks = b;
    }
    if (t) {
        t->next = s->temps;
        s->temps = t;
    }
}

tn_status tn_session_acquire(tn_session *s, tn_plan_list list, const tn_plan_args *args, const int64_t *key,
                             size_t key_n, tn_frame **out) {
    tn_frame *f = NULL;
    tn_block *block = NULL;
    tn_temp *temp;
    *out = NULL;
    pthread_mutex_lock(&s->lock);
    tn_plan *p = find_plan(list, key, key_n);
    if (p) p->refs++;
    pthread_mutex_unlock(&s->lock);
    if (!p) TN_TRY(make_plan(s, list, args, key, key_n, &p));
    pthread_mutex_lock(&s->lock);
    if ((f = p->idle)) p->idle = f->next;
    if (p->bytes) block = take_block(s, p->bytes);
    if ((temp = s->temps)) s->temps = temp->next;
    pthread_mutex_unlock(&s->lock);
    tn_status st = f ? TN_OK : new_frame(s, p, &f);
    if (st == TN_OK && p->bytes) st = fit_block(&block, p->bytes);
    if (st == TN_OK && !temp && !(temp = tn_temp_new())) st = tn_fail(TN_E_NOMEM, "no memory to run the plan");
    if (st == TN_OK) {
        f->block = block;
        tn_frame_take_temp(f, temp);
        *out = f;
        return TN_OK;
    }
    pthread_mutex_lock(&s->lock);
    give_back(s, block, temp);
    p = unref_plan(p);
    pthread_mutex_unlock(&s->lock);
    tn_frame_free(f);
    free_plans(p);
    return st;
}

void tn_session_release(tn_session *s, tn_frame *f) {
    tn_plan *p = f->plan;
    pthread_mutex_lock(&s->lock);
    if (s->profiler) tn_profiler_add(s->profiler, f);
    give_back(s, f->block, f->room);
    f->block = NULL;
    f->room = NULL;
    f->next = p->idle;
    p->idle = f;
    p = unref_plan(p);
    pthread_mutex_unlock(&s->lock);
    free_plans(p);
}

/* Takes out the idle frames of a plan and of those nested in it, but for one that can run at once; under the lock. */
static tn_frame *drop_frames(tn_plan *p, tn_frame *out) {
    for (; p; p = p->next) {
        tn_frame *f = p->idle ? p->idle->next : NULL;
        if (p->idle) p->idle->next = NULL;
        for (tn_frame *next; f; f = next) {
            next = f->next;
            f->next = out;
            out = f;
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
        bytes += tn_arena_bytes(f->own);
        tn_frame_free(f);
    }
    return bytes;
}

/* Gives back what lies idle, and of the plans all but the `keep` latest. Returns how many bytes went. */
static size_t give_up(tn_session *s, int keep) {
    pthread_mutex_lock(&s->lock);
    tn_plan *plans = drop_plans((tn_plan_list){ &s->plans, &s->n_plans, keep }, keep);
    tn_frame *frames = drop_frames(s->plans, NULL);
    tn_block *blocks = s->blocks;
    tn_temp *temps = s->temps;
    s->blocks = NULL;
    s->temps = NULL;
    pthread_mutex_unlock(&s->lock);
    size_t bytes = free_plans(plans) + free_frames(frames) + free_blocks(blocks) + free_temps(temps);
    return bytes + tn_heap_trim(s->heap) + tn_heap_trim(s->outputs);
}

size_t tn_session_trim(tn_session *s) { return s ? give_up(s, 1) + tn_pack_cache_trim(s->packs) : 0; }

bool tn_session_shed(tn_session *s) {
    size_t before = tn_account_used(s->running);
    give_up(s, INT_MAX);
    return tn_account_used(s->running) < before;
}

/* ---------------------------------------------------------------------------------------------------------- running */

static tn_status check_input(const tn_session *s, const tn_value *v, const tn_datum *d) {
    tn_text want = { 0 }, have = { 0 };
    tn_status st = TN_OK;
    const tn_type *t = &v->type;
    if (d->kind == TN_KIND_TENSOR) TN_TRY(tn_tensor_plain(&d->tensor, v->name));
    tn_type given = tn_type_of(d);
    bool kind = t->kind == TN_KIND_NONE || t->kind == TN_KIND_OPTIONAL || t->kind == d->kind;
    bool type = t->kind != TN_KIND_TENSOR || !kind || t->dtype == TN_NONE || t->dtype == given.dtype;
    bool shape = t->kind != TN_KIND_TENSOR || !kind || t->rank < 0 || t->rank == given.rank;
    for (int i = 0; shape && kind && t->kind == TN_KIND_TENSOR && i < t->rank; i++)
        shape = !tn_dim_known(t->dims[i]) || t->dims[i] == given.dims[i];
    if (kind && type && shape) return TN_OK;
    tn_type_print(s->model->syms, t, &want);
    tn_type_print(NULL, &given, &have);
    st = tn_fail(kind && type ? TN_E_SHAPE : TN_E_TYPE, "input '%s' is %s, the model wants %s", v->name,
                 have.s ? have.s : "?", want.s ? want.s : "?");
    tn_text_free(&want);
    tn_text_free(&have);
    return st;
}

/* A sequence's items may differ in shape: only what is declared is promised to the plan. */
static tn_type plan_type(const tn_value *v, const tn_datum *d) {
    if (!d) return (tn_type){ .kind = TN_KIND_NONE };
    return d->kind == TN_KIND_TENSOR || v->type.kind != d->kind ? tn_type_of(d) : v->type;
}

/* A run that has been checked, as it will be planned. */
typedef struct {
    tn_plan_args args;
    const int64_t *key;
    size_t key_n, n_out;
    const tn_datum *const *in;
} checked_run;

static tn_status run_once(tn_session *s, const checked_run *r, tn_datum *out) {
    tn_plan_list list = { &s->plans, &s->n_plans, s->opts.plans };
    tn_frame *f;
    if (tn_budget_stopped()) return TN_E_CANCELLED;
    TN_TRY(tn_session_acquire(s, list, &r->args, r->key, r->key_n, &f));
    tn_status st = tn_frame_run(f, r->in, NULL, out, false);
    tn_session_release(s, f);
    return st;
}

/* Under a budget of its own. What comes out is the caller's, and no longer on the account. */
static tn_status run_bounded(tn_session *s, const tn_run_opts *opts, const checked_run *r, tn_datum *out) {
    tn_status st = TN_OK;
    tn_budget all = { .words = &run_words, .account = s->running, .cancel = opts ? opts->cancel : NULL };
    if (opts) tn_budget_set_timeout(&all, opts->timeout_ns);
    for (int tries = 0; tries < 2; tries++) {
        tn_budget b = all, *before = tn_budget_enter(&b);
        st = tn_budget_verdict(&b, run_once(s, r, out), NULL);
        for (size_t i = 0; i < r->n_out; i++) {
            if (st == TN_OK)
                tn_datum_disown(&out[i]);
            else
                tn_datum_reset(&out[i]);
        }
        tn_budget_leave(before);
        /* Memory of other shapes may be in the way: once more without it. */
        if (st != TN_E_LIMIT || b.stop != TN_STOP_NONE || !b.refused || !tn_session_shed(s)) break;
    }
    return st;
}

tn_status tn_session_run_data_with(tn_session *s, const tn_run_opts *opts, size_t n_in, const tn_datum *const *in,
                                   size_t n_out, tn_datum *out) {
    const tn_graph *g = s->model->graph;
    for (size_t i = 0; i < n_out; i++) out[i] = (tn_datum){ 0 };
    if (n_in != (size_t)g->n_inputs || n_out != (size_t)g->n_outputs)
        return tn_fail(TN_E_INVALID, "the model has %d inputs and %d outputs, not %zu and %zu", g->n_inputs,
                       g->n_outputs, n_in, n_out);
    TN_TRY(tn_model_check_files(s->source));
    tn_type few_types[8], *types = few_types;
    int64_t few_keys[8 * TN_KEY_MAX], *key = few_keys;
    size_t key_n = 0;
    tn_status st = TN_OK;
    tn_pool_enter();
    if (n_in > 8) {
        types = tn_mem_alloc(n_in * sizeof *types, TN_MEM_GENERAL);
        key = tn_mem_alloc(n_in * TN_KEY_MAX * sizeof *key, TN_MEM_GENERAL);
        if (!types || !key) {
            st = tn_fail(TN_E_NOMEM, "no memory for %zu inputs", n_in);
            goto done;
        }
    }
    for (size_t i = 0; i < n_in; i++) {
        const tn_value *v = g->inputs[i];
        if (in[i] && (st = check_input(s, v, in[i])) != TN_OK) goto done;
        if (!in[i] && !v->fallback && v->type.kind != TN_KIND_OPTIONAL) {
            st = tn_fail(TN_E_INVALID, "input '%s' is missing", v->name);
            goto done;
        }
        types[i] = plan_type(v, in[i]);
        key_n += tn_session_key(in[i], key + key_n);
    }
    checked_run r = { .args = { .model = s->model,
                                .graph = g,
                                .inputs = types,
                                .pool = s->pool,
                                .packs = s->packs,
                                .costs = s->profiler != NULL },
                      .key = key,
                      .key_n = key_n,
                      .n_out = n_out,
                      .in = in };
    st = run_bounded(s, opts, &r, out);
done:
    tn_pool_leave();
    if (types != few_types) tn_mem_free(types);
    if (key != few_keys) tn_mem_free(key);
    return st;
}

tn_status tn_session_run_data(tn_session *s, size_t n_in, const tn_datum *const *in, size_t n_out, tn_datum *out) {
    return tn_session_run_data_with(s, NULL, n_in, in, n_out, out);
}

static tn_status to_tensors(const tn_graph *g, tn_datum *out, tn_tensor **outputs) {
    for (int i = 0; i < g->n_outputs; i++) {
        if (out[i].kind != TN_KIND_TENSOR)
            return tn_fail(TN_E_UNSUPPORTED, "output '%s' is not a tensor", g->outputs[i]->name);
        TN_TRY(tn_tensor_move_out(&out[i].tensor, &outputs[i]));
        out[i] = (tn_datum){ 0 };
    }
    return TN_OK;
}

tn_status tn_session_run(tn_session *s, size_t n_in, const tn_tensor *const *inputs, size_t n_out,
                         tn_tensor **outputs) {
    return tn_session_run_with(s, NULL, n_in, inputs, n_out, outputs);
}

tn_status tn_session_run_with(tn_session *s, const tn_run_opts *opts, size_t n_in, const tn_tensor *const *inputs,
                              size_t n_out, tn_tensor **outputs) {
    tn_run_opts o = { 0 };
    if (!s || (n_in && !inputs) || (n_out && !outputs)) return tn_fail(TN_E_INVALID, "a NULL argument");
    for (size_t i = 0; i < n_out; i++) outputs[i] = NULL;
    TN_TRY(tn_take_opts(&o, sizeof o, opts, "tn_run_opts"));
    size_t bytes;
    if (n_in > 65536 || n_out > 65536) return tn_fail(TN_E_INVALID, "%zu inputs, %zu outputs", n_in, n_out);
    bytes = (n_in + n_out + 1) * sizeof(tn_datum) + (n_in + 1) * sizeof(tn_datum *);
    char small[4096], *mem = bytes <= sizeof small ? small : tn_mem_alloc(bytes, TN_MEM_GENERAL);
    if (!mem) return tn_fail(TN_E_NOMEM, "no memory for %zu inputs", n_in);
    tn_datum *in = (tn_datum *)(void *)mem, *out = in + n_in;
    const tn_datum **ptr = (const tn_datum **)(void *)(out + n_out);
    for (size_t i = 0; i < n_in; i++) {
        ptr[i] = inputs[i] ? &in[i] : NULL;
        if (inputs[i]) in[i] = (tn_datum){ .kind = TN_KIND_TENSOR, .tensor = *inputs[i] };
    }
    tn_status st = tn_session_run_data_with(s, &o, n_in, ptr, n_out, out);
    if (st == TN_OK) st = to_tensors(s->model->graph, out, outputs);
    for (size_t i = 0; i < n_out && st != TN_OK; i++) {
        tn_datum_reset(&out[i]);
        tn_tensor_free(&outputs[i]);
    }
    if (mem != small) tn_mem_free(mem);
    return st;
}
