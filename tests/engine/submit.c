/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* submit.c - runs that are submitted: order, many submitters, cancelling, deadlines, full queues, closing while there
 * is work, forks, lack of memory. Callbacks note what they saw; only the test's own thread judges. */
#include "base/asan.h"
#include "base/clock.h"
#include "base/cpu.h"
#include "engine/session.h"
#include "lib/affine.h"
#include "test.h"
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WIDTH = 24, ROWS = 16 };
#define FOR_EVER UINT64_MAX
#define SECONDS  UINT64_C(1000000000)

static tn_executor *executor(int runs, int queue) {
    tn_executor *e;
    tn_executor_opts o = { .size = sizeof o, .runs = runs, .queue = queue };
    check_ok(tn_executor_new(&o, &e));
    return e;
}

static tn_session *session(const tn_model *m, tn_executor *e) {
    tn_session *s;
    tn_session_opts o = { .size = sizeof o, .executor = e };
    check_ok(tn_session_new(m, &o, &s));
    return s;
}

/* ----------------------------------------------------------------------------------------------- jobs and callbacks */

/* A run with its input and output, and how it ended. */
typedef struct {
    tn_tensor *x, *y;
    atomic_int called; /* times; the last that a callback writes */
    tn_status status;
    bool right, begun;
    char error[256];
    int *order, place; /* who was called when: *order counts */
} run;

static void note(void *user, const tn_run_result *r) {
    run *u = user;
    u->status = r->status;
    u->begun = r->run_ns > 0;
    snprintf(u->error, sizeof u->error, "%s", r->error);
    u->right = r->status == TN_OK ? r->n_out == 1 && r->outputs == &u->y && affine_right(u->x, tn_tensor_data(u->y))
                                  : u->y == NULL;
    if (u->order) u->place = (*u->order)++;
    atomic_fetch_add(&u->called, 1);
}

static tn_status submit(tn_session *s, run *u, int priority, uint64_t timeout_ns, tn_ticket **t) {
    tn_run_opts o = { .size = sizeof o, .priority = priority, .timeout_ns = timeout_ns };
    if (!u->x) u->x = affine_input(WIDTH, ROWS);
    return tn_session_submit(s, &o, 1, (const tn_tensor *const *)&u->x, 1, &u->y, note, u, t);
}

static void end_run(run *u) {
    tn_tensor_free(&u->x);
    tn_tensor_free(&u->y);
}

static void expect(run *u, tn_status st, const char *words) {
    assert_int_equal(u->called, 1);
    if (u->status != st) fail_msg("%s (%s)", tn_status_name(u->status), u->error);
    check(strstr(u->error, words), "the message '%s' lacks '%s'", u->error, words);
    assert_true(u->right);
    end_run(u);
}

/* A run whose callback keeps a thread of the executor until it is let go. */
typedef struct {
    run run;
    sem_t entered, leave;
} gate;

static void wait_inside(void *user, const tn_run_result *r) {
    gate *g = user;
    note(&g->run, r);
    sem_post(&g->entered);
    sem_wait(&g->leave);
}

static void shut(gate *g, tn_session *s) {
    *g = (gate){ .run.x = affine_input(WIDTH, ROWS) };
    sem_init(&g->entered, 0, 0);
    sem_init(&g->leave, 0, 0);
    check_ok(tn_session_submit(s, NULL, 1, (const tn_tensor *const *)&g->run.x, 1, &g->run.y, wait_inside, g, NULL));
    sem_wait(&g->entered);
}

static void open_gate(gate *g, tn_executor *e) {
    sem_post(&g->leave);
    if (e) check_ok(tn_executor_drain(e, 60 * SECONDS));
}

static void end_gate(gate *g) {
    expect(&g->run, TN_OK, "success");
    sem_destroy(&g->entered);
    sem_destroy(&g->leave);
}

static tn_model *model;

static int make_model(void **state) {
    (void)state;
    model = affine_model(WIDTH, 1);
    return 0;
}

static int close_model(void **state) {
    (void)state;
    tn_model_close(&model);
    return 0;
}

/* ------------------------------------------------------------------------------------------------------- the basics */

static void result_and_ticket(void **state) {
    (void)state;
    tn_executor *e = executor(0, 0);
    tn_session *s = session(model, e);
    tn_ticket *t;
    run u = { 0 };
    check_ok(submit(s, &u, 0, 0, &t));
    check_ok(tn_ticket_wait(t, FOR_EVER));
    expect(&u, TN_OK, "success");
    check_ok(tn_ticket_wait(t, 0));
    tn_ticket_cancel(t); /* too late: nothing */
    check_ok(tn_ticket_wait(t, 0));
    tn_ticket_free(&t);
    assert_null(t);
    tn_tensor *x = affine_input(WIDTH, ROWS), *y;
    check_ok(tn_session_submit(s, NULL, 1, (const tn_tensor *const *)&x, 1, &y, NULL, NULL, &t)); /* no callback */
    check_ok(tn_ticket_wait(t, 60 * SECONDS));
    assert_true(affine_right(x, tn_tensor_data(y)));
    tn_ticket_free(&t);
    tn_tensor_free(&x);
    tn_tensor_free(&y);
    tn_session_free(&s);
    tn_executor_free(&e);
    assert_null(e);
}

/* Higher priorities go first, equal ones as they came. */
static void order(void **state) {
    (void)state;
    enum { N = 60 };
    tn_executor *e = executor(1, 0);
    tn_session *s = session(model, e);
    gate g;
    run u[N] = { 0 };
    int count = 0, queued, running;
    shut(&g, s);
    for (int i = 0; i < N; i++) {
        u[i].order = &count;
        check_ok(submit(s, &u[i], i * 7 % 4 - 1, 0, NULL));
    }
    tn_executor_load(e, &queued, &running);
    assert_int_equal(queued, N);
    assert_int_equal(running, 1);
    check_fails(tn_executor_drain(e, 1000000), TN_E_BUSY, "not idle");
    open_gate(&g, e);
    end_gate(&g);
    tn_executor_load(e, &queued, &running);
    assert_int_equal(queued + running, 0);
    for (int i = 0; i < N; i++)
        for (int k = 0; k < i; k++) {
            int pi = i * 7 % 4, pk = k * 7 % 4;
            assert_int_equal(u[i].place<u[k].place, pi> pk);
        }
    for (int i = 0; i < N; i++) expect(&u[i], TN_OK, "success");
    tn_session_free(&s);
    tn_executor_free(&e);
}

typedef struct {
    tn_session *sessions[2];
    int index;
    bool good;
} submitter;

static void *submit_many(void *arg) {
    enum { N = 40 };
    submitter *me = arg;
    tn_ticket *t[N] = { 0 };
    run u[N] = { 0 };
    me->good = true;
    for (int i = 0; i < N; i++) {
        tn_session *s = me->sessions[(i + me->index) % 2];
        u[i].x = affine_input(WIDTH, 1 + (i * 5 + me->index) % 11);
        while (submit(s, &u[i], i % 3, 0, i % 4 ? &t[i] : NULL) == TN_E_BUSY) sched_yield();
        if (i % 10 == 3) { /* and the other way, beside it */
            tn_tensor *y = NULL;
            if (tn_session_run(s, 1, (const tn_tensor *const *)&u[i].x, 1, &y) != TN_OK) me->good = false;
            me->good = me->good && affine_right(u[i].x, tn_tensor_data(y));
            tn_tensor_free(&y);
        }
    }
    for (int i = 0; i < N; i++) {
        while (!t[i] && !atomic_load(&u[i].called)) usleep(100);
        if (t[i] && tn_ticket_wait(t[i], FOR_EVER) != TN_OK) me->good = false;
        tn_ticket_free(&t[i]);
        me->good = me->good && u[i].called == 1 && u[i].right;
        end_run(&u[i]);
    }
    return NULL;
}

static void many_submitters(void **state) {
    (void)state;
    enum { T = 4 };
    static const int queues[] = { 4, 1024, 0 };
    for (int how = 0; how < 3; how++) {
        tn_executor *e = executor(3, queues[how]);
        tn_session *s[2];
        for (int i = 0; i < 2; i++) { /* the last ones on CPUs of their own, where there are two */
            int cpu = tn_cpu_allowed(i);
            tn_session_opts o = { .size = sizeof o, .executor = e, .cpus = how < 2 ? NULL : &cpu, .n_cpus = how == 2 };
            check_ok(tn_session_new(model, &o, &s[i]));
        }
        pthread_t id[T];
        submitter all[T];
        for (int i = 0; i < T; i++) {
            all[i] = (submitter){ { s[0], s[1] }, i, false };
            assert_int_equal(pthread_create(&id[i], NULL, submit_many, &all[i]), 0);
        }
        for (int i = 0; i < T; i++) {
            pthread_join(id[i], NULL);
            assert_true(all[i].good);
        }
        tn_session_free(&s[0]);
        tn_session_free(&s[1]);
        tn_executor_free(&e);
    }
}

/* A callback that submits the next run. */
typedef struct {
    run run;
    tn_session *session;
    int left;
    bool failed;
    sem_t end;
} chain;

static void submit_next(void *user, const tn_run_result *r) {
    chain *c = user;
    bool right = r->status == TN_OK && affine_right(c->run.x, tn_tensor_data(c->run.y));
    tn_tensor_free(&c->run.y);
    if (right && c->left-- > 0) { /* when it is submitted the next callback may come while this one is not over */
        if (tn_session_submit(c->session, NULL, 1, (const tn_tensor *const *)&c->run.x, 1, &c->run.y, submit_next, c,
                              NULL) == TN_OK)
            return;
        right = false;
    }
    c->failed = !right;
    sem_post(&c->end);
}

static void callbacks_submit(void **state) {
    (void)state;
    for (int runs = 1; runs <= 2; runs++) {
        tn_executor *e = executor(runs, 2);
        chain c = { .run.x = affine_input(WIDTH, ROWS), .session = session(model, e), .left = 100 };
        sem_init(&c.end, 0, 0);
        check_ok(tn_session_submit(c.session, NULL, 1, (const tn_tensor *const *)&c.run.x, 1, &c.run.y, submit_next, &c,
                                   NULL));
        sem_wait(&c.end);
        tn_session_free(&c.session);
        tn_executor_free(&e);
        assert_false(c.failed);
        assert_int_equal(c.left, -1);
        sem_destroy(&c.end);
        end_run(&c.run);
    }
}

static void busy(void **state) {
    (void)state;
    tn_executor *e = executor(1, 2);
    tn_session *s = session(model, e);
    gate g;
    run u[4] = { 0 };
    tn_ticket *t;
    shut(&g, s);
    check_ok(submit(s, &u[0], 0, 0, NULL));
    check_ok(submit(s, &u[1], 0, 1, &t)); /* its time is up at once: it still waits for its callback */
    usleep(1000);
    check_fails(submit(s, &u[2], 0, 0, NULL), TN_E_BUSY, "2 runs wait already");
    open_gate(&g, e);
    end_gate(&g);
    check_ok(submit(s, &u[3], 0, 0, NULL));
    check_ok(tn_executor_drain(e, FOR_EVER));
    expect(&u[0], TN_OK, "success");
    expect(&u[1], TN_E_LIMIT, "until its time was up");
    assert_int_equal(u[2].called, 0);
    end_run(&u[2]);
    expect(&u[3], TN_OK, "success");
    tn_ticket_free(&t);
    tn_session_free(&s);
    tn_executor_free(&e);
}

/* -------------------------------------------------------------------------------------------- cancelling, deadlines */

static void cancelled_in_queue(void **state) {
    (void)state;
    tn_executor *e = executor(1, 0);
    tn_session *s = session(model, e);
    gate g;
    run u[8] = { 0 };
    tn_ticket *t[8];
    shut(&g, s);
    for (int i = 0; i < 8; i++) check_ok(submit(s, &u[i], i % 3, 0, &t[i]));
    for (int i = 0; i < 8; i += 2) tn_ticket_cancel(t[i]), tn_ticket_cancel(t[i]);
    check_fails(tn_ticket_wait(t[0], 1000000), TN_E_BUSY, "not over after 1 ms");
    open_gate(&g, e);
    end_gate(&g);
    for (int i = 0; i < 8; i++) {
        if (i % 2)
            check_ok(tn_ticket_wait(t[i], FOR_EVER));
        else
            check_fails(tn_ticket_wait(t[i], FOR_EVER), TN_E_CANCELLED, "before it began");
        assert_int_equal(u[i].begun, i % 2);
        expect(&u[i], i % 2 ? TN_OK : TN_E_CANCELLED, i % 2 ? "success" : "before it began");
        tn_ticket_free(&t[i]);
    }
    tn_session_free(&s);
    tn_executor_free(&e);
}

/* Takes many seconds when nobody stops it. */
static tn_model *long_model(void) { return affine_model(WIDTH, 3000); }
enum { MANY_ROWS = 30000 };

static void stopped_while_running(void **state) {
    (void)state;
    tn_model *m = long_model();
    tn_executor *e = executor(1, 0);
    tn_session *s = session(m, e);
    tn_tensor *x = affine_input(WIDTH, MANY_ROWS), *y;
    volatile int flag = 0;
    int running = 0;
    for (int how = 0; how < 3; how++) {
        tn_ticket *t;
        tn_run_opts o = { .size = sizeof o,
                          .cancel = how == 1 ? &flag : NULL,
                          .timeout_ns = how == 2 ? SECONDS / 20 : 0 };
        check_ok(tn_session_submit(s, &o, 1, (const tn_tensor *const *)&x, 1, &y, NULL, NULL, &t));
        while (tn_executor_load(e, NULL, &running), how < 2 && !running) usleep(100);
        usleep(2000);
        if (how == 0) tn_ticket_cancel(t);
        if (how == 1) __atomic_store_n(&flag, 1, __ATOMIC_RELAXED);
        check_fails(tn_ticket_wait(t, 60 * SECONDS), how == 2 ? TN_E_LIMIT : TN_E_CANCELLED,
                    how == 2 ? "is not done after 50 ms" : "was cancelled");
        assert_null(y);
        tn_ticket_free(&t);
    }
    tn_tensor_free(&x);
    tn_session_free(&s);
    tn_executor_free(&e);
    tn_model_close(&m);
}

static void deadline_in_queue(void **state) {
    (void)state;
    tn_executor *e = executor(1, 0);
    tn_session *s = session(model, e);
    gate g;
    run late = { 0 }, in_time = { 0 }, flagged = { 0 };
    int count = 0;
    volatile int flag = 1;
    late.order = in_time.order = &count;
    shut(&g, s);
    check_ok(submit(s, &in_time, 5, 600 * SECONDS, NULL));
    check_ok(submit(s, &late, 0, SECONDS / 1000, NULL));
    flagged.x = affine_input(WIDTH, ROWS);
    tn_run_opts o = { .size = sizeof o, .cancel = &flag };
    check_ok(tn_session_submit(s, &o, 1, (const tn_tensor *const *)&flagged.x, 1, &flagged.y, note, &flagged, NULL));
    usleep(3000);
    open_gate(&g, e);
    end_gate(&g);
    assert_false(late.begun);
    assert_int_equal(late.place, 0); /* told at once, whatever is more urgent */
    expect(&late, TN_E_LIMIT, "tn_run_opts.timeout_ns");
    expect(&in_time, TN_OK, "success");
    expect(&flagged, TN_E_CANCELLED, "cancelled");
    tn_session_free(&s);
    tn_executor_free(&e);
}

/* ---------------------------------------------------------------------------------------------------------- closing */

static void *open_later(void *arg) {
    usleep(20000);
    sem_post(arg);
    return NULL;
}

/* Closing cancels what waits, and all callbacks have been called when it returns. */
static void closed_with_work(void **state) {
    (void)state;
    for (int what = 0; what < 2; what++) {
        tn_executor *e = executor(1, 0);
        tn_session *s = session(model, e), *other = session(model, e);
        gate g;
        run u[5] = { 0 };
        tn_ticket *t;
        pthread_t id;
        shut(&g, s);
        for (int i = 0; i < 4; i++) check_ok(submit(s, &u[i], i, 0, i ? NULL : &t));
        check_ok(submit(other, &u[4], 9, 0, NULL));
        assert_int_equal(pthread_create(&id, NULL, open_later, &g.leave), 0);
        if (what == 0) {
            tn_session_free(&s);
            check_ok(tn_executor_drain(e, FOR_EVER));
        } else {
            tn_executor_free(&e);
        }
        pthread_join(id, NULL);
        end_gate(&g);
        check_fails(tn_ticket_wait(t, FOR_EVER), TN_E_CANCELLED, "was closed");
        for (int i = 0; i < 4; i++) expect(&u[i], TN_E_CANCELLED, what ? "the executor was closed" : "the session was");
        if (what == 0)
            expect(&u[4], TN_OK, "success");
        else
            expect(&u[4], TN_E_CANCELLED, "the executor was closed");
        if (what == 1) check_fails(submit(s, &u[0], 0, 0, NULL), TN_E_INVALID, "executor was closed");
        end_run(&u[0]);
        tn_session_free(&s);
        tn_session_free(&other);
        tn_ticket_free(&t); /* it outlives both */
        tn_executor_free(&e);
    }
}

/* A callback that closes everything, with work behind it. */
typedef struct {
    run run;
    tn_session *session;
    tn_executor *executor;
    sem_t end;
} closer;

static void close_all(void *user, const tn_run_result *r) {
    closer *c = user;
    note(&c->run, r);
    tn_session_free(&c->session);
    tn_executor_free(&c->executor);
    sem_post(&c->end);
}

static void callbacks_close(void **state) {
    (void)state;
    for (int runs = 1; runs <= 3; runs++) {
        closer c = { .run.x = affine_input(WIDTH, ROWS), .executor = executor(runs, 0) };
        run u[6] = { 0 };
        gate g;
        c.session = session(model, c.executor);
        tn_session *other = session(model, c.executor);
        sem_init(&c.end, 0, 0);
        if (runs == 1) shut(&g, other);
        check_ok(tn_session_submit(c.session, NULL, 1, (const tn_tensor *const *)&c.run.x, 1, &c.run.y, close_all, &c,
                                   NULL));
        for (int i = 0; runs == 1 && i < 6; i++) check_ok(submit(i % 2 ? c.session : other, &u[i], 0, 0, NULL));
        if (runs == 1) open_gate(&g, NULL);
        sem_wait(&c.end);
        if (runs == 1) end_gate(&g);
        for (int i = 0; runs == 1 && i < 6; i++)
            expect(&u[i], TN_E_CANCELLED, i % 2 ? "the session was closed" : "the executor was closed");
        expect(&c.run, TN_OK, "success");
        sem_destroy(&c.end);
        tn_session_free(&other);
    }
}

static void wait_for_own(void *user, const tn_run_result *r) {
    tn_ticket **t = user;
    (void)r;
    tn_status a = tn_ticket_wait(*t, FOR_EVER), b = tn_ticket_wait(*t, 0);
    *t = a == TN_E_INVALID && b == TN_E_BUSY ? NULL : *t;
}

/* Sessions without an executor share one, which goes with the last of them. */
static void shared_executor(void **state) {
    (void)state;
    size_t before = tn_mem_stats_all().now;
    for (int round = 0; round < 2; round++) {
        tn_session *s[2] = { session(model, NULL), session(model, NULL) };
        run u[2] = { 0 };
        tn_ticket *t[2];
        for (int i = 0; i < 2; i++) check_ok(submit(s[i], &u[i], 0, 0, &t[i]));
        for (int i = 0; i < 2; i++) {
            check_ok(tn_ticket_wait(t[i], FOR_EVER));
            tn_ticket_free(&t[i]);
            tn_session_free(&s[i]);
            expect(&u[i], TN_OK, "success");
        }
    }
    assert_int_equal(tn_mem_stats_all().now, before);
}

/* --------------------------------------------------------------------------------------------------------- mistakes */

static void mistakes(void **state) {
    (void)state;
    tn_executor *e = NULL;
    check_fails(tn_executor_new(NULL, NULL), TN_E_INVALID, "a place");
    const struct {
        tn_executor_opts o;
        const char *words;
    } bad[] = {
        { { .size = 3 }, "tn_executor_opts.size" },
        { { .size = sizeof e, .runs = 1 }, "tn_executor_opts.size" },
        { { .size = sizeof bad->o, .runs = -1 }, "-1 runs" },
        { { .size = sizeof bad->o, .runs = 257 }, "257 runs" },
        { { .size = sizeof bad->o, .queue = -1 }, "queue of -1" },
        { { .size = sizeof bad->o, .queue = 1 << 21 }, "queue of 2097152" },
        { { .size = sizeof bad->o, .n_cpus = 2 }, "2 CPUs, but none given" },
        { { .size = sizeof bad->o, .cpus = (int[]){ 0 } }, "0 CPUs" },
        { { .size = sizeof bad->o, .cpus = (int[]){ 0, -7 }, .n_cpus = 2 }, "CPU" },
        { { .size = sizeof bad->o, .cpus = (int[]){ 1 << 20 }, .n_cpus = 1 }, "CPU 1048576" },
    };
    for (size_t i = 0; i < TN_COUNT(bad); i++) {
        check_fails(tn_executor_new(&bad[i].o, &e), TN_E_INVALID, bad[i].words);
        assert_null(e);
    }
    tn_executor_free(&e);
    tn_executor_free(NULL);
    tn_executor_load(NULL, NULL, NULL);
    check_fails(tn_executor_drain(NULL, 0), TN_E_INVALID, "needs an executor");
    check_fails(tn_ticket_wait(NULL, 0), TN_E_INVALID, "needs a ticket");
    tn_ticket_cancel(NULL);
    tn_ticket_free(NULL);

    tn_session *s = session(model, e = executor(1, 0));
    tn_tensor *x = affine_input(WIDTH + 1, 2), *y = (tn_tensor *)(uintptr_t)8, *none = NULL;
    const tn_tensor *const *in = (const tn_tensor *const *)&x;
    tn_ticket *t;
    tn_run_opts o = { .size = 5 };
    check_fails(tn_session_submit(NULL, NULL, 1, in, 1, &y, NULL, NULL, &t), TN_E_INVALID, "NULL");
    assert_null(t);
    check_fails(tn_session_submit(s, NULL, 1, NULL, 1, &y, NULL, NULL, &t), TN_E_INVALID, "NULL");
    check_fails(tn_session_submit(s, NULL, 1, in, 1, NULL, NULL, NULL, &t), TN_E_INVALID, "NULL");
    check_fails(tn_session_submit(s, NULL, 2, in, 1, &y, NULL, NULL, &t), TN_E_INVALID, "not 2 and 1");
    check_fails(tn_session_submit(s, NULL, 1, in, SIZE_MAX / 2, &y, NULL, NULL, &t), TN_E_INVALID, "not 1 and");
    check_fails(tn_session_submit(s, &o, 1, in, 1, &y, NULL, NULL, &t), TN_E_INVALID, "tn_run_opts.size");
    check_ok(tn_session_submit(s, NULL, 1, in, 1, &y, NULL, NULL, &t)); /* told when it runs: */
    check_fails(tn_ticket_wait(t, FOR_EVER), TN_E_SHAPE, "input 'x' is float32[2,25]");
    assert_null(y);
    tn_ticket_free(&t);
    check_ok(tn_session_submit(s, NULL, 1, (const tn_tensor *const *)&none, 1, &y, NULL, NULL, &t));
    check_fails(tn_ticket_wait(t, FOR_EVER), TN_E_INVALID, "input 'x' is missing");
    tn_ticket_free(&t);
    tn_tensor_free(&x);

    gate g; /* a callback does not wait for what needs its thread */
    tn_ticket *awaited;
    shut(&g, s);
    x = affine_input(WIDTH, 2);
    check_ok(tn_session_submit(s, NULL, 1, in, 1, &none, wait_for_own, &awaited, NULL));
    check_ok(tn_session_submit(s, NULL, 1, in, 1, &y, NULL, NULL, &awaited));
    t = awaited;
    open_gate(&g, e);
    end_gate(&g);
    assert_null(awaited);
    check_ok(tn_ticket_wait(t, FOR_EVER));
    tn_ticket_free(&t);
    tn_tensor_free(&x);
    tn_tensor_free(&y);
    tn_tensor_free(&none);
    tn_session_free(&s);
    tn_executor_free(&e);
}

/* Every allocation on the way fails once: what was not submitted is not called back for, and nothing is lost. */
static void no_memory(void **state) {
    (void)state;
    size_t before = tn_mem_stats_all().now;
    bool came_to = true;
    for (unsigned long n = 1; came_to; n++) {
        tn_executor *e = NULL;
        tn_session *s = session(model, NULL);
        run u = { .x = affine_input(WIDTH, ROWS) };
        tn_mem_fail_once(n);
        tn_status st = submit(s, &u, 0, 0, NULL);
        if (st == TN_OK) st = tn_session_executor(s, &e);
        if (st == TN_OK) st = tn_executor_drain(e, FOR_EVER);
        came_to = tn_mem_failed_once();
        tn_mem_fail_once(0);
        if (st != TN_OK) assert_int_equal(st, TN_E_NOMEM);
        assert_int_equal(u.called, st == TN_OK);
        if (u.called) assert_true(u.right && (u.status == TN_OK || u.status == TN_E_NOMEM));
        end_run(&u);
        tn_session_free(&s);
    }
    assert_int_equal(tn_mem_stats_all().now, before);
}

/* ----------------------------------------------------------------------------------------------- the machine,
 * processes */

/* Threads that have nothing to do use no CPU. */
static void idle_is_free(void **state) {
    (void)state;
    tn_executor *e = executor(4, 0);
    tn_session *s = session(model, e);
    run u[8] = { 0 };
    struct timespec a, b;
    for (int i = 0; i < 8; i++) check_ok(submit(s, &u[i], 0, 0, NULL));
    check_ok(tn_executor_drain(e, FOR_EVER));
    for (int i = 0; i < 8; i++) expect(&u[i], TN_OK, "success");
    usleep(20000);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
    usleep(100000);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
    double ms = (double)(b.tv_sec - a.tv_sec) * 1e3 + (double)(b.tv_nsec - a.tv_nsec) * 1e-6;
    check(ms < 5, "an idle executor used %.3f ms of CPU in 100 ms\n", ms);
    tn_session_free(&s);
    tn_executor_free(&e);
}

static void note_time(void *user, const tn_run_result *r) {
    (void)r;
    *(uint64_t *)user = tn_clock_ns();
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Prints what submitting costs beside running; no bound is checked, since the machine may be busy. */
static void overhead(void **state) {
    (void)state;
    enum { N = 2000, BATCH = 500 };
    static double direct[N], submitted[N];
    static tn_tensor *many[BATCH];
    tn_executor *e = executor(1, 0);
    tn_session *s = session(model, e);
    tn_tensor *x = affine_input(WIDTH, 1), *y;
    const tn_tensor *const *in = (const tn_tensor *const *)&x;
    uint64_t end = 0;
    for (int i = 0; i < N; i++) {
        uint64_t t0 = tn_clock_ns();
        check_ok(tn_session_run(s, 1, in, 1, &y));
        direct[i] = (double)(tn_clock_ns() - t0) * 1e-3;
        tn_tensor_free(&y);
        t0 = tn_clock_ns();
        check_ok(tn_session_submit(s, NULL, 1, in, 1, &y, note_time, &end, NULL));
        check_ok(tn_executor_drain(e, FOR_EVER));
        submitted[i] = (double)(end - t0) * 1e-3;
        tn_tensor_free(&y);
    }
    qsort(direct, N, sizeof *direct, by_value);
    qsort(submitted, N, sizeof *submitted, by_value);
    double best = 1e9;
    for (int round = 0; round < 20; round++) {
        uint64_t t0 = tn_clock_ns();
        for (int i = 0; i < BATCH; i++) check_ok(tn_session_submit(s, NULL, 1, in, 1, &many[i], NULL, NULL, NULL));
        check_ok(tn_executor_drain(e, FOR_EVER));
        double each = (double)(tn_clock_ns() - t0) / BATCH * 1e-3;
        if (each < best) best = each;
        for (int i = 0; i < BATCH; i++) tn_tensor_free(&many[i]);
    }
    print_message("a run: best %.2f us, median %.2f; submitted, until its callback: best %.2f, median %.2f; one of %d "
                  "that wait: %.2f\n",
                  direct[0], direct[N / 2], submitted[0], submitted[N / 2], BATCH, best);
    tn_tensor_free(&x);
    tn_session_free(&s);
    tn_executor_free(&e);
}

static void where_am_i(void *user, const tn_run_result *r) {
    (void)r;
    sched_getaffinity(0, sizeof(cpu_set_t), user);
}

static void keeps_to_cpus(void **state) {
    (void)state;
    int cpu = tn_cpu_allowed(tn_cpu_allowed_count() - 1);
    cpu_set_t seen, before, after;
    tn_tensor *x = affine_input(WIDTH, ROWS), *y;
    for (int what = 0; what < 3; what++) { /* an executor's, pinned threads, a session's own */
        tn_executor *e;
        tn_executor_opts eo = { .size = sizeof eo, .runs = 2, .pinned = what == 1 };
        tn_session_opts so = { .size = sizeof so };
        if (what == 2) so.cpus = &cpu, so.n_cpus = 1;
        if (what == 0) eo.cpus = &cpu, eo.n_cpus = 1;
        check_ok(tn_executor_new(&eo, &e));
        so.executor = e;
        tn_session *s;
        check_ok(tn_session_new(model, &so, &s));
        for (int i = 0; i < 3; i++) {
            check_ok(tn_session_submit(s, NULL, 1, (const tn_tensor *const *)&x, 1, &y, where_am_i, &seen, NULL));
            check_ok(tn_executor_drain(e, FOR_EVER));
            assert_true(affine_right(x, tn_tensor_data(y)));
            tn_tensor_free(&y);
            int all = tn_cpu_allowed_count();
            assert_int_equal(CPU_COUNT(&seen), what < 2 ? 1 : all);
            if (what == 0) assert_true(CPU_ISSET((size_t)cpu, &seen));
        }
        sched_getaffinity(0, sizeof before, &before); /* and a thread of ours is where it was */
        check_ok(tn_session_run(s, 1, (const tn_tensor *const *)&x, 1, &y));
        sched_getaffinity(0, sizeof after, &after);
        assert_true(CPU_EQUAL(&before, &after));
        tn_tensor_free(&y);
        tn_session_free(&s);
        tn_executor_free(&e);
    }
    tn_session *s;
    tn_session_opts bad = { .size = sizeof bad, .n_cpus = 1 };
    check_fails(tn_session_new(model, &bad, &s), TN_E_INVALID, "1 CPUs, but none given");
    bad.cpus = (int[]){ 1023 };
    check_fails(tn_session_new(model, &bad, &s), TN_E_INVALID, "tn_session_opts.cpus names CPU 1023");
    tn_tensor_free(&x);
}

static void check_child(pid_t p) {
    int status = -1;
    assert_true(p > 0);
    assert_int_equal(waitpid(p, &status, 0), p);
    if (status) fail_msg("the child ended with status 0x%x%s", status, WIFSIGNALED(status) ? " (it hung?)" : "");
}

/* The child has its parent's executor, without what its parent has in hand. */
static void in_child(tn_executor *e, tn_session *s, tn_ticket *parents, const run *parents_run) {
    alarm(30);
    run u = { 0 };
    tn_ticket *t;
    int queued = 1, running = 1;
    bool good = tn_ticket_wait(parents, FOR_EVER) == TN_E_CANCELLED && strstr(tn_error(), "the parent's");
    tn_executor_load(e, &queued, &running);
    good = good && queued == 0 && running == 0 && parents_run->called == 0;
    good = good && submit(s, &u, 0, 0, &t) == TN_OK && tn_ticket_wait(t, FOR_EVER) == TN_OK && u.right;
    tn_ticket_free(&t);
    tn_ticket_free(&parents);
    good = good && submit(s, &u, 0, 0, NULL) == TN_OK;
    tn_session_free(&s);
    tn_executor_free(&e);
    _exit(good && u.called == 2 ? 0 : 1);
}

static void forks(void **state) {
    (void)state;
#if defined(__SANITIZE_THREAD__)
    skip(); /* it trips over threads that a child starts */
#endif
    if (TN_ASAN) skip(); /* its allocator's locks stay as other threads held them */
    tn_executor *e = executor(2, 0);
    tn_session *s = session(model, e);
    for (int i = 0; i < 5; i++) {
        gate g, h;
        run u = { 0 };
        tn_ticket *t;
        shut(&g, s);
        shut(&h, s);                       /* both threads are in a callback, */
        check_ok(submit(s, &u, 0, 0, &t)); /* and one waits */
        pid_t c = fork();
        if (c == 0) in_child(e, s, t, &u);
        check_child(c);
        open_gate(&g, NULL);
        open_gate(&h, e);
        end_gate(&g);
        end_gate(&h);
        expect(&u, TN_OK, "success");
        tn_ticket_free(&t);
    }
    tn_session_free(&s);
    tn_executor_free(&e);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(result_and_ticket),
        cmocka_unit_test(order),
        cmocka_unit_test(many_submitters),
        cmocka_unit_test(callbacks_submit),
        cmocka_unit_test(busy),
        cmocka_unit_test(cancelled_in_queue),
        cmocka_unit_test(stopped_while_running),
        cmocka_unit_test(deadline_in_queue),
        cmocka_unit_test(closed_with_work),
        cmocka_unit_test(callbacks_close),
        cmocka_unit_test(shared_executor),
        cmocka_unit_test(mistakes),
        cmocka_unit_test(no_memory),
        cmocka_unit_test(idle_is_free),
        cmocka_unit_test(overhead),
        cmocka_unit_test(keeps_to_cpus),
        cmocka_unit_test(forks),
    };
    return cmocka_run_group_tests(tests, make_model, close_model);
}
