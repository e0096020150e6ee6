/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* session.c - the public sessions: a model made ready and run. What runs borrow is in lease.c. */
#include "base/cpuset.h"
#include "base/log.h"
#include "engine/executor.h"
#include "engine/state.h"
#include "pass/precision.h"
#include <string.h>

/* ------------------------------------------------------------------------------------------------ opening, closing */

static tn_status read_opts(const tn_session_opts *o, tn_session_opts *out) {
    *out = (tn_session_opts){ 0 };
    TN_TRY(tn_take_opts(out, sizeof *out, o, "tn_session_opts"));
    if (out->threads < 0 || out->threads > 4096)
        return tn_fail(TN_E_INVALID, "%d threads asked for; 0 means as many as there are CPUs", out->threads);
    if (out->n_ranges && !out->ranges)
        return tn_fail(TN_E_INVALID, "%zu ranges of shapes, but none given", out->n_ranges);
    if (out->plans < 0) return tn_fail(TN_E_INVALID, "%d plans asked for; 0 means %d", out->plans, TN_DEFAULT_PLANS);
    TN_TRY(tn_precision_check(out->precision));
    if (!out->plans) out->plans = TN_DEFAULT_PLANS;
    if (out->n_cpus && !out->cpus) return tn_fail(TN_E_INVALID, "%zu CPUs, but none given", out->n_cpus);
    return TN_OK;
}

/* How a run's bounds are called: by those who program, and by the program's options. */
static const tn_budget_words run_words = { .what = "the run",
                                           .bytes = TN_MEM_LIMIT_WORDS,
                                           .time = "tn_run_opts.timeout_ns (--timeout)" };

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

/* Its threads, and where they run. */
static tn_status make_pool(tn_session *s) {
    int threads = s->opts.threads;
    if (s->opts.cpus) TN_TRY(tn_cpuset_open("tn_session_opts.cpus", s->opts.cpus, s->opts.n_cpus, &s->cpus));
    s->opts.cpus = NULL; /* the caller's again */
    if (s->cpus && !threads) threads = s->cpus->n;
    tn_pool_set_hooks(&tn_budget_pool_hooks); /* what stops a run stops its parts */
    return tn_pool_new(threads, !s->opts.unpinned, &s->pool);
}

/* What chooses implementations: measurements of now, those that a compiled file was packed for, or estimates. */
static tn_status make_tune(tn_session *s) {
    const tn_compiled *c = s->source->compiled;
    int threads = tn_pool_threads(s->pool);
    if (s->opts.tune) return tn_tune_new(s->opts.tune_cache, threads, &s->tune);
    if (!c || !c->timings.len) return TN_OK;
    return tn_tune_given(c->timings.ptr, c->timings.len, "the timings of the compiled file", threads, &s->tune);
}

/* This thread keeps to the session's CPUs, if it has some, until it leaves. */
static tn_cpuset *enter(const tn_session *s) {
    tn_pool_enter();
    return s->cpus ? tn_pool_keep_to(s->cpus) : NULL;
}

static void leave(const tn_session *s, tn_cpuset *before) {
    if (s->cpus) tn_pool_keep_to(before);
    tn_pool_leave();
}

/* Whether the device computes from the model as it is, and would only be hindered by forms that suit the CPU. */
static bool plain_graph(const tn_session *s) {
    const tn_device *d = s->device ? s->device->device : NULL;
    return d && d->ops->traits(d->self).plain_graph;
}

/* A compiled file has been through the passes, for one precision. */
static tn_status check_compiled(const tn_compiled *c, const char *precision) {
    if (!precision || !*precision || !strcmp(precision, c->precision)) return TN_OK;
    return tn_fail(TN_E_UNSUPPORTED, "the model was compiled for precision '%.100s', not '%.100s': compile it again",
                   *c->precision ? c->precision : "file", precision);
}

static tn_status optimized(tn_session *s) {
    TN_TRY(tn_model_whole(s->source));
    s->model = s->source;
    if (s->opts.no_optimize) return TN_OK;
    if (s->source->compiled) return check_compiled(s->source->compiled, s->opts.precision);
    tn_edition_asked asked = { s->opts.precision, plain_graph(s) };
    tn_budget b, *before = tn_session_keep(s, &b);
    tn_status st = tn_edition_get(s->store, s->source, asked, s->pool, &s->edition, &s->edition_charged);
    if (st == TN_OK) s->model = tn_edition_model(s->edition);
    return tn_session_kept(&b, before, st);
}

/* A device that cannot be had is an error only where it is required; a name that no device has always is. */
static tn_status open_device(tn_session *s) {
    tn_device *d;
    tn_status st = tn_device_open(s->opts.device, &d);
    if (st == TN_E_DEVICE && !s->opts.require_device) {
        tn_log(TN_LOG_WARN, "%s; the model runs on the CPU", tn_error());
        tn_error_clear();
        return TN_OK;
    }
    if (st != TN_OK || !d) return st;
    if (!(s->device = tn_mem_zalloc(sizeof *s->device, TN_MEM_GENERAL))) {
        tn_device_close(&d);
        return tn_fail(TN_E_NOMEM, "no memory for a session");
    }
    s->device->device = d;
    s->device->require = s->opts.require_device;
    return TN_OK;
}

static void close_device(tn_session *s) {
    if (s->device) tn_device_close(&s->device->device);
    tn_mem_free(s->device);
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
    s->turn = &s->planning;
    tn_guard_add(&s->guards[0], &s->lock, TN_GUARD_SESSION);
    tn_guard_add(&s->guards[1], &s->planning, TN_GUARD_PLANNING);
    if (!(s->store = tn_store_of(m)) || !(s->heap = tn_heap_new(TN_MEM_ACTIVATIONS)) ||
        !(s->outputs = tn_heap_new(TN_MEM_IO)) || !(s->packs = tn_pack_cache_new(s->store)) ||
        (o.profile && !(s->profiler = tn_profiler_new()))) {
        st = tn_fail(TN_E_NOMEM, "no memory for a session");
        goto done;
    }
    if ((st = open_device(s)) != TN_OK) goto done;
    if (!o.profile && !o.no_ranges && !s->device)      /* segments are compiled for exact sizes */
        s->shapes = tn_shapes_new(m->graph->n_inputs); /* what profiles report is said for exact sizes */
    if ((st = make_accounts(s, m)) != TN_OK) goto done;
    if ((st = make_pool(s)) != TN_OK) goto done;
    if ((st = make_tune(s)) != TN_OK) goto done;
    tn_cpuset *before = enter(s);
    if ((st = optimized(s)) == TN_OK && o.n_ranges) st = tn_session_plan_ranges(s);
    leave(s, before);
    s->opts.ranges = NULL;    /* the caller's again */
    s->opts.precision = NULL; /* the caller's: it has been followed */
    s->opts.device = s->opts.tune_cache = NULL;
    if (o.executor) tn_executor_lease(s->executor = o.executor);
done:
    if (st != TN_OK) tn_session_free(&s);
    *out = s;
    return st;
}

tn_status tn_session_executor(tn_session *s, tn_executor **out) {
    tn_executor *mine = NULL;
    pthread_mutex_lock(&s->lock);
    *out = s->executor;
    pthread_mutex_unlock(&s->lock);
    if (*out) return TN_OK;
    TN_TRY(tn_executor_share(&mine));
    tn_executor_lease(mine);
    pthread_mutex_lock(&s->lock);
    bool first = !s->executor;
    if (first) s->executor = mine, s->shares = true;
    *out = s->executor;
    pthread_mutex_unlock(&s->lock);
    if (!first) tn_executor_leave(mine, s), tn_executor_unshare();
    return TN_OK;
}

void tn_session_free(tn_session **session) {
    if (!session || !*session) return;
    tn_session *s = *session;
    if (s->executor) tn_executor_leave(s->executor, s);
    if (s->shares) tn_executor_unshare();
    tn_session_drop_stateful(s);
    tn_session_drop(s);
    close_device(s);
    tn_shapes_free(&s->shapes);
    tn_profiler_free(&s->profiler);
    tn_heap_close(&s->heap);
    tn_heap_close(&s->outputs);
    tn_tune_free(&s->tune);
    tn_pack_cache_free(&s->packs);
    tn_edition_release(s->store, &s->edition, s->edition_charged);
    tn_pool_free(&s->pool);
    tn_cpuset_close(&s->cpus);
    tn_guard_remove(&s->guards[0]);
    tn_guard_remove(&s->guards[1]);
    tn_account_close(&s->running);
    tn_account_close(&s->prepared);
    pthread_mutex_destroy(&s->lock);
    pthread_mutex_destroy(&s->planning);
    tn_mem_free(s);
    *session = NULL;
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

/* Runs of models with no more than these take nothing from the heap to be called. */
enum { FEW_INPUTS = 32, FEW_VALUES = 64 };

/* A run that has been checked, as it will be planned. */
typedef struct {
    tn_plan_args args;
    const int64_t *key;
    size_t key_n, n_out;
    const tn_datum *const *in;
    const tn_bound *bound;
} checked_run;

static tn_status run_on(tn_session *s, const checked_run *r, tn_device_use *device, bool *ran, tn_datum *out) {
    tn_frame *f;
    tn_plan_args args = r->args;
    args.device = device;
    *ran = false;
    TN_TRY(tn_session_acquire_main(s, &args, r->key, r->key_n, &f));
    f->bound = r->bound;
    tn_status st = tn_frame_run(f, r->in, NULL, out, false);
    *ran = true;
    f->bound = NULL;
    tn_session_release(s, f);
    return st;
}

/* What fails on the device is done again on the CPU, from the beginning: the inputs are as they were. */
static tn_status run_once(tn_session *s, const checked_run *r, tn_datum *out) {
    if (tn_budget_stopped()) return TN_E_CANCELLED;
    tn_device_use *device = tn_device_use_now(s->device);
    char why[512];
    bool ran, again;
    tn_status st = run_on(s, r, device, &ran, out);
    if (!device || !tn_device_use_falls_back(device, st, why, sizeof why)) return st;
    st = run_on(s, r, NULL, &again, out);
    if (st == TN_OK || tn_budget_stopped()) /* else it is the data's fault */
        tn_device_use_fault(device, ran, why, "the run is done on the CPU");
    return st;
}

/* Under a budget of its own. What comes out is the caller's, and no longer on the account. */
static tn_status run_bounded(tn_session *s, const tn_run_opts *opts, const tn_run_job *job, const checked_run *r,
                             tn_datum *out) {
    tn_status st = TN_OK;
    tn_budget all = { .words = &run_words, .account = s->running, .cancel = opts ? opts->cancel : NULL };
    if (job)
        all.started = job->started, all.deadline = job->deadline, all.also = job->cancel;
    else if (opts)
        tn_budget_set_timeout(&all, opts->timeout_ns);
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

tn_status tn_session_check_counts(const tn_session *s, size_t n_in, size_t n_out) {
    const tn_graph *g = s->model->graph;
    if (n_in == (size_t)g->n_inputs && n_out == (size_t)g->n_outputs) return TN_OK;
    return tn_fail(TN_E_INVALID, "the model has %d inputs and %d outputs, not %zu and %zu", g->n_inputs, g->n_outputs,
                   n_in, n_out);
}

tn_status tn_session_run_data_job(tn_session *s, const tn_run_opts *opts, const tn_run_job *job, size_t n_in,
                                  const tn_datum *const *in, size_t n_out, tn_datum *out) {
    const tn_graph *g = s->model->graph;
    tn_bound bound = { .in = in, .n_in = n_in };
    if (opts) bound.v = opts->bound, bound.n = opts->n_bound;
    for (size_t i = 0; i < n_out; i++) out[i] = (tn_datum){ 0 };
    TN_TRY(tn_session_check_counts(s, n_in, n_out));
    TN_TRY(tn_bound_check(g, bound.v, bound.n));
    if (opts && tn_run_state(opts)) return tn_state_run(s, opts, job, n_in, in, n_out, out);
    TN_TRY(tn_model_check_files(s->source));
    tn_type few_types[FEW_INPUTS], *types = few_types;
    int64_t few_keys[FEW_INPUTS * TN_KEY_MAX], *key = few_keys;
    size_t key_n = 0;
    tn_status st = TN_OK;
    tn_cpuset *before = enter(s);
    if (n_in > FEW_INPUTS) {
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
                                .states = s->states,
                                .pool = s->pool,
                                .packs = s->packs,
                                .tune = s->tune,
                                .costs = s->profiler != NULL },
                      .key = key,
                      .key_n = key_n,
                      .n_out = n_out,
                      .in = in,
                      .bound = bound.n ? &bound : NULL };
    st = run_bounded(s, opts, job, &r, out);
done:
    leave(s, before);
    if (types != few_types) tn_mem_free(types);
    if (key != few_keys) tn_mem_free(key);
    return st;
}

tn_status tn_session_run_data_with(tn_session *s, const tn_run_opts *opts, size_t n_in, const tn_datum *const *in,
                                   size_t n_out, tn_datum *out) {
    return tn_session_run_data_job(s, opts, NULL, n_in, in, n_out, out);
}

tn_status tn_session_run_data(tn_session *s, size_t n_in, const tn_datum *const *in, size_t n_out, tn_datum *out) {
    return tn_session_run_data_with(s, NULL, n_in, in, n_out, out);
}

/* What a run's caller gets no tensor for: what is bound, and what its state keeps. */
static bool stays(const tn_run_opts *opts, size_t i) {
    bool bound = i < opts->n_bound && opts->bound[i].data;
    const tn_state *state = tn_run_state(opts);
    return bound || (state && tn_state_keeps(state, i));
}

/* What a state has taken it does not give back: so the caller's handles are there before the run. */
static tn_status make_handles(const tn_run_opts *opts, size_t n, tn_tensor **outputs) {
    for (size_t i = 0; tn_run_state(opts) && i < n; i++) {
        tn_tensor none = { 0 };
        if (!stays(opts, i)) TN_TRY(tn_tensor_move_out(&none, &outputs[i]));
    }
    return TN_OK;
}

static tn_status to_tensors(const tn_graph *g, const tn_run_opts *opts, tn_datum *out, tn_tensor **outputs) {
    for (int i = 0; i < g->n_outputs; i++) {
        if (stays(opts, (size_t)i)) continue;
        if (out[i].kind != TN_KIND_TENSOR)
            return tn_fail(TN_E_UNSUPPORTED, "output '%s' is not a tensor", g->outputs[i]->name);
        if (outputs[i])
            *outputs[i] = out[i].tensor;
        else
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
    TN_TRY(tn_state_check_opts(&o));
    return tn_session_run_job(s, &o, NULL, n_in, inputs, n_out, outputs);
}

tn_status tn_session_run_job(tn_session *s, const tn_run_opts *opts, const tn_run_job *job, size_t n_in,
                             const tn_tensor *const *inputs, size_t n_out, tn_tensor **outputs) {
    size_t bytes;
    if (n_in > 65536 || n_out > 65536) return tn_fail(TN_E_INVALID, "%zu inputs, %zu outputs", n_in, n_out);
    bytes = (n_in + n_out + 1) * sizeof(tn_datum) + (n_in + 1) * sizeof(tn_datum *);
    _Alignas(tn_datum) char small[FEW_VALUES * (sizeof(tn_datum) + sizeof(tn_datum *))],
        *mem = bytes <= sizeof small ? small : tn_mem_alloc(bytes, TN_MEM_GENERAL);
    if (!mem) return tn_fail(TN_E_NOMEM, "no memory for %zu inputs", n_in);
    tn_datum *in = (tn_datum *)(void *)mem, *out = in + n_in;
    const tn_datum **ptr = (const tn_datum **)(void *)(out + n_out);
    for (size_t i = 0; i < n_in; i++) {
        ptr[i] = inputs[i] ? &in[i] : NULL;
        if (inputs[i]) in[i] = (tn_datum){ .kind = TN_KIND_TENSOR, .tensor = *inputs[i] };
    }
    for (size_t i = 0; i < n_out; i++) out[i] = (tn_datum){ 0 };
    tn_status st = make_handles(opts, n_out, outputs);
    if (st == TN_OK) st = tn_session_run_data_job(s, opts, job, n_in, ptr, n_out, out);
    if (st == TN_OK) st = to_tensors(s->model->graph, opts, out, outputs);
    for (size_t i = 0; i < n_out && st != TN_OK; i++) {
        tn_datum_reset(&out[i]);
        tn_tensor_free(&outputs[i]);
    }
    if (mem != small) tn_mem_free(mem);
    return st;
}
