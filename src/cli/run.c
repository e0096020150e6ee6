/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* run.c - `tenon run`: runs a model once and says what came out, or how far it is from what was expected. */
#include "base/arena.h"
#include "base/clean.h"
#include "base/clock.h"
#include "base/file.h"
#include "cli/cli.h"
#include "cli/feed.h"
#include "cli/options.h"
#include "cli/output_names.h"
#include "cli/ranges.h"
#include "cli/report.h"
#include "engine/session.h"
#include "tensor/npy.h"
#include "tensor/stats.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static tn_feed_opts feed = { .seed = 1 };
static const char *output_dir, *expect_dir;
static int top = 5;
static float tol_rel = 1e-3f, tol_abs = 1e-5f;
static const char *precision, *device, *tune_cache;
static bool tune, profile, no_optimize, json, require_device;
static float timeout_s;
static size_t mem_limit;

static const tn_option options[] = {
    { "--input", TN_OPT_LIST, &feed.inputs, "NAME=WHAT",
      "FILE.npy, FILE.npz, FILE.pb, random or zeros (default: random)" },
    { "--shape", TN_OPT_LIST, &feed.shapes, "NAME=1x3x224x224", "an input's shape, or a symbol's size (batch=8)" },
    TN_RANGE_OPTIONS(feed),
    { "--dimension", TN_OPT_INT, &feed.dimension, "N", "size of every dimension that stays open", 1, 1 << 24 },
    { "--seed", TN_OPT_INT, &feed.seed, "N", "of random inputs (default: 1)" },
    { "--output-dir", TN_OPT_STRING, &output_dir, "DIR", "write every output there as NAME.npy" },
    { "--expect", TN_OPT_STRING, &expect_dir, "DIR",
      "compare with NAME.npy, NAME.pb or output_N.pb there; exit code 1 when they differ" },
    { "--rtol", TN_OPT_FLOAT, &tol_rel, "X", "relative tolerance of --expect (default: 1e-3)", 0, 1e9 },
    { "--atol", TN_OPT_FLOAT, &tol_abs, "X", "absolute tolerance of --expect (default: 1e-5)", 0, 1e9 },
    { "--top", TN_OPT_INT, &top, "K", "how many of the largest values to print (default: 5)", 0, 64 },
    { "--profile", TN_OPT_FLAG, &profile, NULL, "print where the time went" },
    { "--precision", TN_OPT_STRING, &precision, "WORDS",
      "f32, bf16, f16 or mixed; also for some nodes: bf16,f32:/head/* (default: as the file says)" },
    { "--no-optimize", TN_OPT_FLAG, &no_optimize, NULL, "run the graph as it stands, without folding and fusion" },
    { "--tune", TN_OPT_FLAG, &tune, NULL, "measure which implementation of each operator is fastest, and remember it" },
    { "--tune-cache", TN_OPT_STRING, &tune_cache, "FILE", "where (default: $XDG_CACHE_HOME/tenon/timings)" },
    { "--timeout", TN_OPT_FLOAT, &timeout_s, "SECONDS", "stop the run when it takes longer", 1e-3, 1e9 },
    { "--mem-limit", TN_OPT_BYTES, &mem_limit, "SIZE",
      "what the run may hold at any time, beside model and weights: 64K, 512M, 2G" },
    TN_DEVICE_OPTIONS(device, require_device),
    { "--json", TN_OPT_FLAG, &json, NULL, "machine-readable output" },
};

static const tn_command_usage usage = {
    .name = "run",
    .args = "MODEL",
    .doc = "Runs a model once. Prints every output's shape and statistics, and the largest values of the last axis.",
    .examples = "  tenon run resnet50.onnx --input input=random --seed 7\n"
                "  tenon run model.onnx --input x=x.npy --output-dir out\n"
                "  tenon run model.onnx --input inputs.npz --expect out --rtol 1e-4\n"
                "  tenon run bert.onnx --shape batch=4 --shape sequence=128\n"
                "  tenon run bert.onnx --shape batch=1 --max-shape sequence=512\n"
                "  tenon run unknown.onnx --timeout 10 --mem-limit 512M\n",
    .options = options,
    .n = TN_COUNT(options),
    .min_args = 1,
    .max_args = 1,
};

/* Where outputs go, before anything is computed: names and a folder that can be written. */
static tn_status prepare_outputs(const tn_model *m, tn_arena *a, const char ***names) {
    TN_TRY(tn_output_names(m, a, names));
    if (output_dir && mkdir(output_dir, 0777) != 0 && access(output_dir, W_OK | X_OK) != 0)
        return tn_fail(TN_E_IO, "cannot make the folder %s", output_dir);
    return TN_OK;
}

static tn_status write_outputs(const tn_model *m, const char *const *names, const tn_datum *out) {
    char path[4096];
    for (int i = 0; i < m->graph->n_outputs; i++) {
        if (out[i].kind != TN_KIND_TENSOR) continue;
        snprintf(path, sizeof path, "%s/%s.npy", output_dir, names[i]);
        TN_TRY(tn_npy_write(&out[i].tensor, path));
    }
    return TN_OK;
}

/* Compares output i with what the folder holds of it. *good is cleared when they differ. */
static tn_status expect_one(const char *name, int i, const tn_datum *out, tn_text *text, bool *good) {
    char path[4096], numbered[32];
    tn_tensor *want = NULL;
    tn_difference d;
    snprintf(numbered, sizeof numbered, "output_%d", i);
    const struct {
        const char *name, *ext;
    } tries[] = { { name, ".npy" }, { name, ".pb" }, { numbered, ".pb" }, { numbered, ".npy" } };
    size_t t = 0;
    for (; t < TN_COUNT(tries); t++) {
        snprintf(path, sizeof path, "%s/%s%s", expect_dir, tries[t].name, tries[t].ext);
        if (access(path, R_OK) == 0) break;
    }
    if (t == TN_COUNT(tries))
        return tn_fail(TN_E_NOT_FOUND, "%s holds neither %s.npy nor %s.pb", expect_dir, name, numbered);
    TN_TRY(tn_tensor_load(path, &want));
    tn_status st = out->kind == TN_KIND_TENSOR ? tn_npy_as(want, out->tensor.dtype) : TN_OK;
    if (st == TN_OK)
        st = out->kind == TN_KIND_TENSOR ? tn_compare(&out->tensor, want, (double)tol_rel, (double)tol_abs, &d)
                                         : tn_fail(TN_E_TYPE, "not a tensor");
    *good &= st == TN_OK && d.mismatches == 0;
    if (json && st == TN_OK) {
        tn_text_printf(text, ", \"max_abs\": %.9g, \"max_rel\": %.9g, \"differ\": %lld", fmin(d.max_abs, 1e308),
                       fmin(d.max_rel, 1e308), (long long)d.mismatches);
    } else if (json) {
        tn_text_puts(text, ", \"error\": ");
        tn_text_json(text, tn_error(), strlen(tn_error()));
    } else if (st != TN_OK) {
        tn_text_printf(text, "  differs from %s: %s\n", path, tn_error());
    } else {
        tn_text_printf(text, "  %s %s: largest difference %.3g absolute, %.3g of the largest magnitude",
                       d.mismatches ? "differs from" : "equals", path, d.max_abs, d.max_rel);
        if (d.mismatches)
            tn_text_printf(text, "; %lld of %lld elements, the worst at %lld", (long long)d.mismatches,
                           (long long)tn_count(want), (long long)d.worst);
        tn_text_puts(text, "\n");
    }
    tn_tensor_free(&want);
    return TN_OK;
}

/* Where an output went, when its name does not say it. */
static void report_file(const char *name, const char *file, tn_text *t) {
    if (!output_dir || !strcmp(name, file)) return;
    if (json) {
        tn_text_puts(t, ", \"file\": ");
        tn_text_json(t, file, strlen(file));
    } else {
        tn_text_printf(t, "  is written to %s/%s.npy\n", output_dir, file);
    }
}

static tn_status report(const tn_model *m, const char *const *files, const tn_datum *out, bool *good) {
    const bool color = tn_stream_is_terminal(STDOUT_FILENO);
    const char *bold[] = { color ? "\033[1m" : "", color ? "\033[0m" : "" };
    tn_status st = TN_OK;
    for (int i = 0; i < m->graph->n_outputs && st == TN_OK; i++) {
        tn_text t = { 0 };
        const char *name = m->graph->outputs[i]->name;
        if (json) {
            tn_text_puts(&t, i ? ", {\"name\": " : "{\"name\": ");
            tn_text_json(&t, name, strlen(name));
            tn_text_puts(&t, ", \"summary\": ");
            tn_text line = { 0 };
            if (out[i].kind == TN_KIND_TENSOR)
                tn_report_tensor(&out[i].tensor, &line);
            else
                tn_report_datum(&out[i], &line);
            tn_text_json(&t, line.s ? line.s : "", line.n);
            tn_text_free(&line);
        } else {
            tn_text_printf(&t, "%s%s%s  ", bold[0], tn_shown(name), bold[1]);
            if (out[i].kind == TN_KIND_TENSOR) {
                tn_report_tensor(&out[i].tensor, &t);
                tn_text_puts(&t, "\n");
                tn_report_top(&out[i].tensor, top, &t);
            } else {
                tn_report_datum(&out[i], &t);
            }
        }
        if (out[i].kind == TN_KIND_TENSOR) report_file(name, files[i], &t);
        if (expect_dir) st = expect_one(files[i], i, &out[i], &t, good);
        if (json) tn_text_puts(&t, "}");
        if (t.s) fputs(t.s, stdout);
        tn_text_free(&t);
    }
    return st;
}

int tn_cmd_run(int argc, char **argv) {
    tn_common_options common = { 0 };
    char **args;
    int n_args;
    tn_model *m = NULL;
    tn_session *s = NULL;
    tn_feed f = { 0 };
    tn_ranges ranges = { 0 };
    tn_datum *out = NULL;
    size_t n_out = 0;
    bool good = true;
    tn_arena *arena = NULL;
    const char **files = NULL;
    int code = tn_options_parse(&usage, &common, argc, argv, &args, &n_args);
    if (code >= 0) goto done;
    tn_session_opts opts = { .size = sizeof opts,
                             .threads = common.threads,
                             .profile = profile,
                             .no_optimize = no_optimize,
                             .precision = precision,
                             .device = device,
                             .require_device = require_device,
                             .tune = tune || tune_cache,
                             .tune_cache = tune_cache,
                             .mem_limit = mem_limit };
    tn_run_opts run = { .size = sizeof run, .timeout_ns = (uint64_t)((double)timeout_s * 1e9) };
    double t0 = tn_clock_s();
    code = TN_EXIT_FAILED;
    if (!(arena = tn_arena_new(0, TN_MEM_GENERAL)) || tn_model_open(args[0], &m) != TN_OK ||
        prepare_outputs(m, arena, &files) != TN_OK || tn_feed_make(m, &feed, &f) != TN_OK ||
        tn_ranges_make(m, &feed, &ranges) != TN_OK) {
        code = tn_command_failed(usage.name);
        goto done;
    }
    opts.ranges = ranges.v, opts.n_ranges = ranges.n;
    if (tn_session_new(m, &opts, &s) != TN_OK) {
        code = tn_command_failed(usage.name);
        goto done;
    }
    n_out = (size_t)m->graph->n_outputs;
    out = calloc(n_out + 1, sizeof *out);
    double t1 = tn_clock_s();
    tn_status st = out ? tn_session_run_data_with(s, &run, f.n, f.list, n_out, out)
                       : tn_fail(TN_E_NOMEM, "no memory for the outputs");
    double t2 = tn_clock_s();
    if (st == TN_OK && json)
        printf("{\"load_ms\": %.3f, \"run_ms\": %.3f, \"outputs\": [", (t1 - t0) * 1e3, (t2 - t1) * 1e3);
    if (st == TN_OK) st = report(m, files, out, &good);
    if (st == TN_OK && output_dir) st = write_outputs(m, files, out);
    if (st == TN_OK && json) printf("]}\n");
    if (st == TN_OK && !json) printf("loaded in %.1f ms, first run %.1f ms\n", (t1 - t0) * 1e3, (t2 - t1) * 1e3);
    if (st == TN_OK && profile && !json) {
        tn_profile_row *rows = NULL;
        size_t n = 0;
        tn_text t = { 0 };
        st = tn_session_profile(s, &rows, &n);
        if (st == TN_OK) tn_profile_table(rows, n, &t);
        tn_profile_device(s, false, &t);
        if (t.s) printf("\n%s", t.s);
        tn_mem_free(rows);
        tn_text_free(&t);
    }
    code = st != TN_OK ? tn_command_failed(usage.name) : good ? TN_EXIT_OK : TN_EXIT_FAILED;
done:
    tn_arena_free(&arena);
    for (size_t i = 0; out && i < n_out; i++) tn_datum_reset(&out[i]);
    free(out);
    tn_feed_free(&f);
    tn_session_free(&s);
    tn_model_close(&m);
    tn_ranges_free(&ranges);
    tn_feed_opts_free(&feed);
    return code;
}
