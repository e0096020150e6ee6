/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* pool.c - a model's latency with one thread and with all, on a quiet machine, beside a thread that keeps a CPU busy
 * (pinned to each CPU in turn, and free to move), and with several callers at once.
 *
 * usage: bench_pool MODEL [SECONDS per measurement] [ROUNDS]
 *
 * The configurations are measured in turn, round by round. Figures are ms: the median of the rounds' medians, and the
 * best round's; the mean; CPU time per run; CPUs that the busy thread got. The ratio compares the best with what is
 * fair: the quiet best times CPUs / (CPUs - 1/2), since the busy thread has a right to half of one. */
#include "base/clock.h"
#include "base/cpu.h"
#include "tenon.h"
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { INPUTS = 64, SAMPLES = 1 << 16, ROUNDS = 32, CALLERS = 8 };
enum { QUIET = -2, FREE = -1 }; /* where the busy thread is; else a CPU */

static tn_model *model;
static tn_session *sessions[2]; /* one thread, all */
static tn_tensor *inputs[INPUTS];
static size_t n_in, n_out;

static int die(const char *what) {
    fprintf(stderr, "%s: %s\n", what, tn_error());
    return 1;
}

static int make_inputs(void) {
    n_in = tn_model_inputs(model), n_out = tn_model_outputs(model);
    if (n_in > INPUTS || n_out > INPUTS) return die("too many inputs or outputs");
    for (size_t i = 0; i < n_in; i++) {
        tn_value_info v;
        if (tn_model_input(model, i, &v)) return die("input");
        for (int d = 0; d < v.rank; d++) v.dims[d] = v.dims[d] > 0 ? v.dims[d] : d ? 128 : 1;
        if (tn_tensor_new(v.dtype, v.rank, v.dims, &inputs[i])) return die("input");
        float *x = tn_tensor_data(inputs[i]);
        for (int64_t k = 0; v.dtype == TN_F32 && k < tn_tensor_elements(inputs[i]); k++) x[k] = (float)(k % 17) * 0.1f;
    }
    return 0;
}

static double run_once(tn_session *s) {
    tn_tensor *out[INPUTS] = { 0 };
    double t0 = tn_clock_s();
    if (tn_session_run(s, n_in, (const tn_tensor *const *)inputs, n_out, out)) exit(die("run"));
    double t = tn_clock_s() - t0;
    for (size_t i = 0; i < n_out; i++) tn_tensor_free(&out[i]);
    return t;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v, size_t n) {
    qsort(v, n, sizeof *v, by_value);
    return n ? v[n / 2] : NAN;
}

/* ------------------------------------------------------------------------------------------------ the busy thread */

static pid_t busy_start(int where) {
    if (where == QUIET) return 0;
    pid_t p = fork();
    if (p) return p;
    if (where >= 0) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(where, &set);
        sched_setaffinity(0, sizeof set, &set);
    }
    for (volatile unsigned i = 0;;) i = i + 1;
}

static double busy_stop(pid_t p) { /* the CPU time it used */
    struct rusage u;
    int status;
    if (!p) return 0;
    kill(p, SIGKILL);
    wait4(p, &status, 0, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + 1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static double cpu_time(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ------------------------------------------------------------------------------------------------------ measuring */

typedef struct {
    double median, mean, cpu, busy; /* ms; ms of CPU per run; CPUs that the busy thread used */
} figures;

static figures measure(tn_session *s, int where, double seconds) {
    static double t[SAMPLES];
    figures f = { 0 };
    size_t n = 0;
    pid_t busy = busy_start(where);
    if (busy) usleep(50000);
    double start = tn_clock_s(), cpu = cpu_time();
    while (n < SAMPLES && (n < 5 || tn_clock_s() - start < seconds)) t[n++] = run_once(s);
    double wall = tn_clock_s() - start;
    f.cpu = 1e3 * (cpu_time() - cpu) / (double)n;
    f.busy = busy_stop(busy) / (wall + (busy ? 0.05 : 0));
    f.mean = 1e3 * wall / (double)n;
    f.median = 1e3 * median(t, n);
    return f;
}

typedef struct {
    tn_session *s;
    double until;
    int64_t runs;
} caller;

static void *call(void *arg) {
    caller *c = arg;
    for (c->runs = 0; tn_clock_s() < c->until; c->runs++) run_once(c->s);
    return NULL;
}

/* Runs per second of n callers at once. */
static double together(tn_session *s, int n, double seconds) {
    caller c[CALLERS];
    pthread_t t[CALLERS];
    double runs = 0, start = tn_clock_s();
    for (int i = 0; i < n; i++) {
        c[i] = (caller){ .s = s, .until = start + seconds };
        pthread_create(&t[i], NULL, call, &c[i]);
    }
    for (int i = 0; i < n; i++) {
        pthread_join(t[i], NULL);
        runs += (double)c[i].runs;
    }
    return runs / (tn_clock_s() - start);
}

static double least(double a, double b) { return a < b ? a : b; }

/* Medians over the rounds, and in `best` the least median of a round. */
static figures middle(const figures *f, int rounds, double *best) {
    double v[4][ROUNDS];
    *best = f[0].median;
    for (int r = 0; r < rounds; r++) {
        v[0][r] = f[r].median, v[1][r] = f[r].mean, v[2][r] = f[r].cpu, v[3][r] = f[r].busy;
        *best = least(*best, f[r].median);
    }
    return (figures){ median(v[0], (size_t)rounds), median(v[1], (size_t)rounds), median(v[2], (size_t)rounds),
                      median(v[3], (size_t)rounds) };
}

int main(int argc, char **argv) {
    enum { PLACES = 6 };
    static figures f[PLACES][2][ROUNDS];
    static double rates[4][ROUNDS];
    double seconds = argc > 2 ? atof(argv[2]) : 1;
    int rounds = argc > 3 ? atoi(argv[3]) : 3, cpus = tn_cpu_count(), places = cpus + 2 < PLACES ? cpus + 2 : PLACES;
    rounds = rounds < 1 ? 1 : rounds > ROUNDS ? ROUNDS : rounds;
    if (argc < 2 || tn_model_open(argv[1], &model)) return die("usage: bench_pool MODEL [SECONDS] [ROUNDS]");
    if (make_inputs()) return 1;
    for (int k = 0; k < 2; k++) {
        tn_session_opts o = { .size = sizeof o, .threads = k ? 0 : 1, .unpinned = getenv("UNPINNED") != NULL };
        if (tn_session_new(model, &o, &sessions[k])) return die("session");
        for (int i = 0; i < 3; i++) run_once(sessions[k]);
    }
    for (int r = 0; r < rounds; r++) {
        for (int p = 0; p < places; p++)
            for (int k = 0; k < 2; k++)
                f[p][k][r] = measure(sessions[k], p == 0 ? QUIET : p == 1 ? FREE : tn_cpu_allowed(p - 2), seconds);
        for (int k = 0; k < 4; k++) rates[k][r] = together(sessions[k % 2], 1 + k / 2, seconds);
    }
    printf("%-12s | %9s %9s | %9s %9s %9s %9s | %9s %9s\n", "busy", "1 thread", "best", "all", "best", "mean", "cpu",
           "by busy", "ratio");
    double quiet, best[2];
    middle(f[0][1], rounds, &quiet);
    for (int p = 0; p < places; p++) {
        figures one = middle(f[p][0], rounds, &best[0]), all = middle(f[p][1], rounds, &best[1]);
        char name[32];
        snprintf(name, sizeof name, p == 0 ? "nothing" : p == 1 ? "anywhere" : "on CPU %d", tn_cpu_allowed(p - 2));
        printf("%-12s | %9.3f %9.3f | %9.3f %9.3f %9.3f %9.3f | %9.2f %9.2f\n", name, one.median, best[0], all.median,
               best[1], all.mean, all.cpu, all.busy, best[1] / (quiet * cpus / (cpus - (p ? 0.5 : 0))));
    }
    for (int k = 0; k < 4; k++)
        printf("%d caller%s, %s: %.1f runs/s\n", 1 + k / 2, k / 2 ? "s" : "", k % 2 ? "all threads" : "1 thread",
               median(rates[k], (size_t)rounds));
    for (int k = 0; k < 2; k++) tn_session_free(&sessions[k]);
    for (size_t i = 0; i < n_in; i++) tn_tensor_free(&inputs[i]);
    tn_model_close(&model);
    return 0;
}
