/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* submit.c - runs that are submitted: into the queue, out of it, and what their tickets are good for. */
#include "engine/submit.h"
#include "base/clock.h"
#include "base/thread.h"
#include "engine/executor.h"
#include "engine/state.h"
#include <stdio.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------- on a thread of the
 * executor
 */

void tn_job_run(tn_ticket *j) {
    tn_run_job job = { .started = j->submitted, .deadline = j->queued.deadline };
    if (j->stoppable) job.cancel = &j->stop;
    j->begun = tn_clock_ns();
    j->status = tn_session_run_job(j->session, &j->opts, &job, j->n_in, j->inputs, j->n_out, j->outputs);
    j->ended = tn_clock_ns();
    if (j->status != TN_OK) snprintf(j->error, sizeof j->error, "%s", tn_error());
}

void tn_job_report(const tn_ticket *j) {
    tn_run_result r = { .status = j->status,
                        .error = j->status == TN_OK ? "success" : j->error,
                        .n_out = j->n_out,
                        .outputs = j->outputs,
                        .queued_ns = (j->begun ? j->begun : j->ended) - j->submitted,
                        .run_ns = j->begun ? j->ended - j->begun + (j->ended == j->begun) : 0 };
    if (j->done) j->done(j->user, &r);
}

/* ------------------------------------------------------------------------------------------------------- submitting */

static tn_status check_call(const tn_session *s, const tn_run_opts *o, size_t n_in, const tn_tensor *const *inputs,
                            size_t n_out, tn_tensor **outputs) {
    if (!s || (n_in && !inputs) || (n_out && !outputs)) return tn_fail(TN_E_INVALID, "a NULL argument");
    TN_TRY(tn_session_check_counts(s, n_in, n_out));
    TN_TRY(tn_state_check_opts(o));
    return tn_bound_check(s->model->graph, o->bound, o->n_bound);
}

/* Under the lock: a job for so many inputs, kept from before if there is one; NULL: out of memory. */
static tn_ticket *take_job(tn_executor *e, size_t n_in) {
    tn_ticket *j = e->spare;
    if (j)
        e->spare = j->next, e->n_spare--;
    else if (!(j = tn_mem_zalloc(sizeof *j, TN_MEM_GENERAL)))
        return NULL;
    if (j->room < n_in) {
        tn_mem_free(j->inputs);
        j->inputs = tn_mem_alloc(n_in * sizeof *j->inputs, TN_MEM_GENERAL);
        j->room = j->inputs ? n_in : 0;
    }
    if (j->room >= n_in) return j;
    j->held = 1;
    tn_executor_let_go(e, j);
    return NULL;
}

/* Under the lock. */
static tn_status enqueue(tn_executor *e, const tn_ticket *what, const tn_tensor *const *inputs, tn_ticket **out) {
    if (e->closing) return tn_fail(TN_E_INVALID, "the session's executor was closed");
    tn_executor_expire(e);
    int waiting = e->queue.n[TN_BY_URGENCY] + e->n_unrun;
    if (waiting >= e->queue.limit)
        return tn_fail(TN_E_BUSY,
                       "%d runs wait already: submit again when some are done; tn_executor_opts.queue raises it",
                       waiting);
    tn_ticket *j = take_job(e, what->n_in);
    if (!j) return tn_fail(TN_E_NOMEM, "no memory to submit a run");
    const tn_tensor **list = j->inputs;
    size_t room = j->room;
    *j = *what;
    j->inputs = list, j->room = room;
    if (what->n_in) memcpy(list, inputs, what->n_in * sizeof *list);
    tn_cond_init(&j->over);
    j->executor = e;
    j->held = 1 + j->stoppable;
    j->queued.number = ++e->number;
    tn_queue_add(&e->queue, &j->queued);
    if (!tn_executor_call(e)) {
        tn_queue_remove(&e->queue, &j->queued);
        j->held = 1;
        tn_executor_let_go(e, j);
        return tn_fail(TN_E_NOMEM, "no thread can be started to run what is submitted");
    }
    if (j->stoppable) e->refs++;
    *out = j;
    return TN_OK;
}

tn_status tn_session_submit(tn_session *s, const tn_run_opts *opts, size_t n_in, const tn_tensor *const *inputs,
                            size_t n_out, tn_tensor **outputs, tn_run_done done, void *user, tn_ticket **ticket) {
    tn_ticket what = { .session = s,
                       .outputs = outputs,
                       .n_in = n_in,
                       .n_out = n_out,
                       .done = done,
                       .user = user,
                       .submitted = tn_clock_ns(),
                       .stoppable = ticket != NULL };
    tn_executor *e;
    tn_ticket *j = NULL;
    if (ticket) *ticket = NULL;
    TN_TRY(tn_take_opts(&what.opts, sizeof what.opts, opts, "tn_run_opts"));
    TN_TRY(check_call(s, &what.opts, n_in, inputs, n_out, outputs));
    TN_TRY(tn_session_executor(s, &e));
    for (size_t i = 0; i < n_out; i++) outputs[i] = NULL;
    what.queued.priority = what.opts.priority;
    if (what.opts.timeout_ns) what.queued.deadline = tn_executor_until(what.submitted, what.opts.timeout_ns);
    tn_executor_lock(e);
    tn_status st = enqueue(e, &what, inputs, &j);
    tn_executor_unlock(e);
    if (st == TN_OK && ticket) *ticket = j;
    return st;
}

/* ---------------------------------------------------------------------------------------------------------- tickets */

void tn_ticket_cancel(tn_ticket *t) {
    if (!t) return;
    tn_executor *e = t->executor;
    __atomic_store_n(&t->stop, 1, __ATOMIC_RELAXED);
    tn_executor_lock(e);
    if (t->state == TN_JOB_QUEUED) {
        tn_executor_drop(e, t, TN_E_CANCELLED, "the run was cancelled before it began");
        tn_executor_call(e);
    }
    tn_executor_unlock(e);
}

tn_status tn_ticket_wait(tn_ticket *t, uint64_t timeout_ns) {
    if (!t) return tn_fail(TN_E_INVALID, "tn_ticket_wait needs a ticket");
    tn_executor *e = t->executor;
    uint64_t until = timeout_ns ? tn_executor_until(tn_clock_ns(), timeout_ns) : 0;
    tn_executor_lock(e);
    bool over = t->state == TN_JOB_OVER, in_time = timeout_ns > 0, barred = !over && tn_executor_inside(e);
    t->sought++;
    while (!over && in_time && !barred) {
        in_time = tn_executor_sleep(e, &t->over, until);
        over = t->state == TN_JOB_OVER;
    }
    t->sought--;
    tn_executor_unlock(e);
    if (over) return t->status == TN_OK ? TN_OK : tn_fail(t->status, "%s", t->error);
    if (barred && timeout_ns)
        return tn_fail(TN_E_INVALID, "a callback cannot wait for a run of its own executor, which may need its thread");
    return tn_fail(TN_E_BUSY, "the run is not over after %.6g ms", (double)timeout_ns * 1e-6);
}

void tn_ticket_free(tn_ticket **ticket) {
    tn_ticket *t = ticket ? *ticket : NULL;
    if (!t) return;
    *ticket = NULL;
    tn_executor *e = t->executor;
    tn_executor_lock(e);
    tn_executor_let_go(e, t);
    tn_executor_unref(e);
}
