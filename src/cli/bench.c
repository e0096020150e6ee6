/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* bench.c - `tenon bench`: latency and throughput of a model, load time, time to the first result, peak memory. */
#include "base/clock.h"
#include "base/cpu.h"
#include "base/file.h"
#include "base/number.h"
#include "cli/cli.h"
#include "cli/feed.h"
#include "cli/loss.h"
#include "cli/options.h"
#include "cli/ranges.h"
#include "cli/refit.h"
#include "engine/session.h"
#include <math.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static tn_feed_opts feed = { .seed = 1 };
static int streams = 1, concurrency, iterations;
static float warmup = 0.5f, duration = 3;
static const char *times_file, *trace_file;
static const char *precision, *device, *tune_cache;
static bool tune, profile, no_optimize, json, unpinned, require_device;

static const tn_option options[] = {
    { "--input", TN_OPT_LIST, &feed.inputs, "NAME=WHAT",
      "FILE.npy, FILE.npz, FILE.pb, random or zeros (default: random)" },
    { "--shapes", TN_OPT_LIST, &feed.shapes, "NAME=1x3x224x224", "an input's shape, or a symbol's size (batch=8)" },
    TN_RANGE_OPTIONS(feed),
    { "--dimension", TN_OPT_INT, &feed.dimension, "N", "size of every dimension that stays open", 1, 1 << 24 },
    { "--seed", TN_OPT_INT, &feed.seed, "N", "of random inputs (default: 1)" },
    { "--streams", TN_OPT_INT, &streams, "N", "requests in flight at once, each with --threads threads (default: 1)", 1,
      256 },
    { "--concurrency", TN_OPT_INT, &concurrency, "N",
      "keep N runs of one session submitted at once; latencies then count from submit to callback", 1, 1024 },
    { "--warmup", TN_OPT_FLOAT, &warmup, "SECONDS", "not measured, at least 3 runs (default: 0.5)", 0, 3600 },
    { "--duration", TN_OPT_FLOAT, &duration, "SECONDS", "of measuring, at least 10 runs (default: 3)", 0, 86400 },
    { "--iterations", TN_OPT_INT, &iterations, "N", "measure exactly N runs per stream instead", 1, 100000000 },
    { "--profile", TN_OPT_FLAG, &profile, NULL, "print time, FLOPs and bytes per node and per operator" },
    { "--export-times", TN_OPT_STRING, &times_file, "FILE.json", "write every run's latency" },
    { "--trace", TN_OPT_STRING, &trace_file, "FILE.json", "write a Chrome trace (chrome://tracing, Perfetto)" },
    { "--unpinned", TN_OPT_FLAG, &unpinned, NULL, "do not pin workers to CPUs" },
    { "--precision", TN_OPT_STRING, &precision, "WORDS",
      "f32, bf16, f16 or mixed; also for some nodes: bf16,f32:/head/* (default: as the file says)" },
    { "--tune", TN_OPT_FLAG, &tune, NULL, "measure which implementation of each operator is fastest, and remember it" },
    { "--tune-cache", TN_OPT_STRING, &tune_cache, "FILE", "where (default: $XDG_CACHE_HOME/tenon/timings)" },
    { "--no-optimize", TN_OPT_FLAG, &no_optimize, NULL, "run the graph as it stands, without folding and fusion" },
    TN_DEVICE_OPTIONS(device, require_device),
    { "--json", TN_OPT_FLAG, &json, NULL, "machine-readable output" },
};

static const tn_command_usage usage = {
    .name = "bench",
    .args = "MODEL",
    .doc = "Measures a model: latency (mean and percentiles), throughput, load time, time to the first result, peak "
           "memory.",
    .examples = "  tenon bench resnet50.onnx --threads 2\n"
                "  tenon bench bert.onnx --shapes batch=1 --shapes sequence=128 --duration 10\n"
                "  tenon bench bert.onnx --shapes batch=1 --min-shapes sequence=8 --max-shapes sequence=512\n"
                "  tenon bench model.onnx --streams 2 --threads 1 --export-times times.json\n"
                "  tenon bench model.onnx --concurrency 16\n"
                "  tenon bench model.onnx --profile --trace trace.json\n"
                "  tenon bench model.onnx --precision bf16    also says how far results are from float32\n",
    .options = options,
    .n = TN_COUNT(options),
    .min_args = 1,
    .max_args = 1,
};

/* ------------------------------------------------------------------------------------------------------- measuring */

static volatile sig_atomic_t stopped; /* Ctrl-C ends measuring; what was measured is still reported */
static void stop(int signal) { stopped = signal; }

enum { MOST_OUTPUTS = 64 };

typedef struct {
    tn_session *session;
    const tn_feed *feed;
    size_t n_out;
    const tn_tensor **in; /* of a run that is submitted, */
    tn_tensor *out[MOST_OUTPUTS];
    uint64_t since;
    double until;
    sem_t *over; /* no more of them */
    double *ms;  /* latencies */
    size_t n, cap;
    tn_status status;
    char why[1024];
} stream;

static tn_status one_run(stream *s, double *ms) {
    tn_datum out[MOST_OUTPUTS] = { 0 };
    if (s->n_out > TN_COUNT(out)) return tn_fail(TN_E_LIMIT, "more than %zu outputs", TN_COUNT(out));
    uint64_t t = tn_clock_ns();
    tn_status st = tn_session_run_data(s->session, s->feed->n, s->feed->list, s->n_out, out);
    *ms = (double)(tn_clock_ns() - t) * 1e-6;
    for (size_t i = 0; i < s->n_out; i++) tn_datum_reset(&out[i]);
    return st;
}

static tn_status keep(stream *s, double ms) {
    if (s->n == s->cap) {
        size_t cap = s->cap ? 2 * s->cap : 1024;
        double *more = realloc(s->ms, cap * sizeof *more);
        if (!more) return tn_fail(TN_E_NOMEM, "no memory for %zu latencies", cap);
        s->ms = more, s->cap = cap;
    }
    s->ms[s->n++] = ms;
    return TN_OK;
}

/* Runs until both the time and the least number of runs are reached. */
static tn_status loop(stream *s, double seconds, int at_least, int exactly, bool measure) {
    double ms, end = tn_clock_s() + seconds;
    for (int i = 0; !stopped && (exactly ? i < exactly : i < at_least || tn_clock_s() < end); i++) {
        TN_TRY(one_run(s, &ms));
        if (measure) TN_TRY(keep(s, ms));
    }
    return TN_OK;
}

static void *stream_main(void *arg) {
    stream *s = arg;
    s->status = loop(s, (double)duration, 10, iterations, true);
    if (s->status != TN_OK) snprintf(s->why, sizeof s->why, "%s", tn_error());
    return NULL;
}

/* ------------------------------------------------------------------------------------------------------- submitting */

static void landed(void *user, const tn_run_result *r);

static tn_status take_off(stream *s) {
    s->since = tn_clock_ns();
    return tn_session_submit(s->session, NULL, s->feed->n, s->in, s->n_out, s->out, landed, s, NULL);
}

static bool goes_on(const stream *s) {
    if (stopped || s->status != TN_OK) return false;
    return iterations ? s->n < (size_t)iterations : s->n < 10 || tn_clock_s() < s->until;
}

/* Another one takes off where one has landed. */
static void landed(void *user, const tn_run_result *r) {
    stream *s = user;
    double ms = (double)(tn_clock_ns() - s->since) * 1e-6;
    for (size_t i = 0; i < r->n_out; i++) tn_tensor_free(&r->outputs[i]);
    s->status = r->status == TN_OK ? keep(s, ms) : tn_fail(r->status, "%s", r->error);
    if (goes_on(s)) {
        tn_status st = take_off(s);
        if (st == TN_OK) return; /* it may have landed already: s is another's */
        s->status = st;
    }
    if (s->status != TN_OK) snprintf(s->why, sizeof s->why, "%s", tn_error());
    sem_post(s->over);
}

/* The inputs of what is submitted are tensors; *in is one list for all. */
static tn_status list_inputs(const tn_feed *f, const tn_tensor ***in) {
    if (!(*in = calloc(f->n + 1, sizeof **in))) return tn_fail(TN_E_NOMEM, "no memory for %zu inputs", f->n);
    for (size_t i = 0; i < f->n; i++) {
        if (f->list[i] && f->list[i]->kind != TN_KIND_TENSOR)
            return tn_fail(TN_E_UNSUPPORTED, "--concurrency: input %zu is not a tensor", i);
        (*in)[i] = f->list[i] ? &f->list[i]->tensor : NULL;
    }
    return TN_OK;
}

/* Keeps all of them in the air until it is time. */
static tn_status fly(stream *s, int n) {
    sem_t over;
    const tn_tensor **in = NULL;
    tn_status st = list_inputs(s[0].feed, &in);
    int begun = 0;
    sem_init(&over, 0, 0);
    for (; begun < n && st == TN_OK; begun++) {
        s[begun].in = in, s[begun].over = &over, s[begun].until = tn_clock_s() + (double)duration;
        if ((st = take_off(&s[begun])) != TN_OK) break;
    }
    if (begun < n) stopped = SIGINT; /* those in the air are the last */
    for (int i = 0; i < begun; i++) sem_wait(&over);
    sem_destroy(&over);
    free(in);
    return st;
}

/* ------------------------------------------------------------------------------------------------------- reporting */

typedef struct {
    double load_ms, first_ms, seconds, peak_mib;
    double mean, min, max, p50, p90, p95, p99, per_second;
    size_t runs;
    tn_refit refit;
} result;

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Linear interpolation between the closest ranks, as NumPy's percentile. */
static double percentile(const double *sorted, size_t n, double p) {
    double at = p / 100 * (double)(n - 1);
    size_t i = (size_t)at;
    return i + 1 < n ? sorted[i] + (at - (double)i) * (sorted[i + 1] - sorted[i]) : sorted[n - 1];
}

static void summarize(double *ms, size_t n, result *r) {
    qsort(ms, n, sizeof *ms, by_value);
    for (size_t i = 0; i < n; i++) r->mean += ms[i] / (double)n;
    r->min = ms[0], r->max = ms[n - 1], r->runs = n;
    r->p50 = percentile(ms, n, 50), r->p90 = percentile(ms, n, 90);
    r->p95 = percentile(ms, n, 95), r->p99 = percentile(ms, n, 99);
    r->per_second = (double)n / r->seconds;
}

static void print(const result *r, const char *model, int n_threads, const char *loss) {
    char cpu[64];
    if (json) {
        printf("{\"model\": \"%s\", \"threads\": %d, \"streams\": %d, \"concurrency\": %d, \"runs\": %zu, \"load_ms\": "
               "%.4f, \"first_ms\": "
               "%.4f, "
               "\"mean_ms\": %.5f, \"p50_ms\": %.5f, \"p90_ms\": %.5f, \"p95_ms\": %.5f, \"p99_ms\": %.5f, \"min_ms\": "
               "%.5f, "
               "\"max_ms\": %.5f, \"per_second\": %.4f, \"refit_us\": %.3f, \"peak_mib\": %.2f%s}\n",
               model, n_threads, streams, concurrency, r->runs, r->load_ms, r->first_ms, r->mean, r->p50, r->p90,
               r->p95, r->p99, r->min, r->max, r->per_second, r->refit.us, r->peak_mib, loss);
        return;
    }
    const bool color = tn_stream_is_terminal(STDOUT_FILENO);
    const char *b = color ? "\033[1m" : "", *e = color ? "\033[0m" : "";
    const char *what = concurrency ? "submitted run" : "stream";
    int n = concurrency ? concurrency : streams;
    printf("%s%s%s  %d thread%s, %d %s%s, %s (%s)\n", b, model, e, n_threads, n_threads == 1 ? "" : "s", n, what,
           n == 1 ? "" : "s", tn_cpu_model(), tn_cpu_name(tn_cpu_flags(), cpu, sizeof cpu));
    printf("latency     mean %.4g ms   p50 %.4g   p90 %.4g   p95 %.4g   p99 %.4g   min %.4g   max %.4g\n", r->mean,
           r->p50, r->p90, r->p95, r->p99, r->min, r->max);
    printf("throughput  %.4g runs/s over %zu runs in %.2f s\n", r->per_second, r->runs, r->seconds);
    printf("start       load %.4g ms, first result after %.4g ms\n", r->load_ms, r->load_ms + r->first_ms);
    if (r->refit.us > 0)
        printf("other sizes %.4g us to take on: %d of %d steps vary\n", r->refit.us, r->refit.varies, r->refit.steps);
    printf("memory      peak %.1f MiB resident\n%s", r->peak_mib, loss);
}

static tn_status export_times(const stream *s, int n) {
    tn_text t = { 0 };
    tn_text_puts(&t, "{\"unit\": \"ms\", \"streams\": [");
    for (int k = 0; k < n; k++) {
        tn_text_puts(&t, k ? ", [" : "[");
        for (size_t i = 0; i < s[k].n; i++) tn_text_printf(&t, "%s%.5f", i ? ", " : "", s[k].ms[i]);
        tn_text_puts(&t, "]");
    }
    tn_text_puts(&t, "]}\n");
    tn_status st = t.failed ? tn_fail(TN_E_NOMEM, "no memory for the latencies") : tn_file_write(times_file, t.s, t.n);
    tn_text_free(&t);
    return st;
}

static tn_status print_profile(tn_session *s) {
    tn_profile_row *rows = NULL;
    size_t n = 0;
    tn_text t = { 0 };
    TN_TRY(tn_session_profile(s, &rows, &n));
    if (json)
        tn_profile_json(rows, n, &t);
    else
        tn_profile_table(rows, n, &t);
    tn_profile_device(s, json, &t);
    if (t.s) printf("\n%s", t.s);
    tn_text_free(&t);
    tn_mem_free(rows);
    return TN_OK;
}

static tn_status write_trace(tn_session *s) {
    tn_text t = { 0 };
    tn_status st = tn_session_trace(s, &t);
    if (st == TN_OK)
        st = t.failed ? tn_fail(TN_E_NOMEM, "no memory for the trace") : tn_file_write(trace_file, t.s, t.n);
    tn_text_free(&t);
    return st;
}

static tn_status flow(stream *s, int n) {
    pthread_t threads[256];
    for (int i = 1; i < n; i++)
        if (pthread_create(&threads[i], NULL, stream_main, &s[i]) != 0)
            return tn_fail(TN_E_NOMEM, "cannot start stream %d", i);
    stream_main(&s[0]);
    for (int i = 1; i < n; i++) pthread_join(threads[i], NULL);
    return TN_OK;
}

/* Measures with `n` streams, or runs that are submitted, ready to go; all latencies end up in one sorted array. */
static tn_status measure(stream *s, int n, result *r) {
    size_t total = 0;
    double t0 = tn_clock_s();
    TN_TRY(concurrency ? fly(s, n) : flow(s, n));
    r->seconds = tn_clock_s() - t0;
    for (int i = 0; i < n; i++) {
        if (s[i].status != TN_OK) return tn_fail(s[i].status, "%s", s[i].why);
        total += s[i].n;
    }
    if (total == 0) return tn_fail(TN_E_CANCELLED, "stopped before the first measured run");
    double *all = malloc(total * sizeof *all);
    if (!all) return tn_fail(TN_E_NOMEM, "no memory for %zu latencies", total);
    size_t at = 0;
    for (int i = 0; i < n; at += s[i].n, i++) memcpy(all + at, s[i].ms, s[i].n * sizeof *all);
    summarize(all, total, r);
    free(all);
    return TN_OK;
}

int tn_cmd_bench(int argc, char **argv) {
    tn_common_options common = { 0 };
    char **args;
    int n_args;
    tn_model *m = NULL;
    tn_feed f = { 0 };
    tn_ranges ranges = { 0 };
    stream *s = NULL;
    result r = { 0 };
    tn_text loss = { 0 };
    double ms;
    int n = 0;
    int code = tn_options_parse(&usage, &common, argc, argv, &args, &n_args);
    if (code >= 0) goto done;
    signal(SIGINT, stop);
    n = concurrency ? concurrency : streams;
    tn_session_opts opts = { .size = sizeof opts,
                             .threads = common.threads,
                             .unpinned = unpinned || streams > 1,
                             .profile = profile || trace_file,
                             .no_optimize = no_optimize,
                             .precision = precision,
                             .device = device,
                             .require_device = require_device,
                             .tune = tune || tune_cache,
                             .tune_cache = tune_cache };
    const char *env = getenv("TN_THREADS");
    if (!common.threads && !(env && tn_parse_int(env, 1, 1024, &common.threads))) common.threads = tn_cpu_count();
    opts.threads = common.threads;
    double t0 = tn_clock_s();
    tn_status st = tn_model_open(args[0], &m);
    double opened = tn_clock_s() - t0;
    if (st == TN_OK) st = tn_feed_make(m, &feed, &f); /* making inputs is not the model's time */
    if (st == TN_OK && concurrency && streams > 1)
        st = tn_fail(TN_E_INVALID,
                     "--streams runs a session for each, --concurrency submits to one: choose one of them");
    if (st == TN_OK) st = tn_ranges_make(m, &feed, &ranges);
    opts.ranges = ranges.v, opts.n_ranges = ranges.n;
    if (st == TN_OK && !(s = calloc((size_t)n, sizeof *s))) st = tn_fail(TN_E_NOMEM, "no memory");
    for (int i = 0; i < n && st == TN_OK; i++) {
        double t1 = tn_clock_s();
        s[i] = (stream){ .feed = &f, .n_out = (size_t)m->graph->n_outputs };
        if (concurrency && i) {
            s[i].session = s[0].session;
            continue;
        }
        st = tn_session_new(m, &opts, &s[i].session);
        if (i == 0) r.load_ms = (opened + tn_clock_s() - t1) * 1e3;
        if (st == TN_OK) st = one_run(&s[i], &ms);
        if (i == 0) r.first_ms = ms;
    }
    for (int i = 0; i < (concurrency ? 1 : n) && st == TN_OK; i++) st = loop(&s[i], (double)warmup, 3, 0, false);
    if (st == TN_OK && opts.profile) tn_session_profile_clear(s[0].session);
    if (st == TN_OK) st = measure(s, n, &r);
    struct rusage use;
    if (getrusage(RUSAGE_SELF, &use) == 0) r.peak_mib = (double)use.ru_maxrss / 1024;
    if (st == TN_OK) st = tn_refit_measure(s[0].session, &r.refit);
    if (st == TN_OK && precision) st = tn_loss(m, &f, &opts, json, &loss);
    if (st == TN_OK) print(&r, args[0], common.threads, loss.s ? loss.s : "");
    if (st == TN_OK && profile) st = print_profile(s[0].session);
    if (st == TN_OK && times_file) st = export_times(s, n);
    if (st == TN_OK && trace_file) st = write_trace(s[0].session);
    code = st == TN_OK ? TN_EXIT_OK : tn_command_failed(usage.name);
done:
    for (int i = 0; s && i < n; i++) {
        free(s[i].ms);
        if (!concurrency || !i) tn_session_free(&s[i].session);
    }
    free(s);
    tn_text_free(&loss);
    tn_feed_free(&f);
    tn_model_close(&m);
    tn_ranges_free(&ranges);
    tn_feed_opts_free(&feed);
    return code;
}
