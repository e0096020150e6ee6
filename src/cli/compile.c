/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* compile.c - `tenon compile`: a model optimized, packed and written as a file that starts at once. */
#include "base/clean.h"
#include "base/clock.h"
#include "base/cpu.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/feed.h"
#include "cli/options.h"
#include "engine/session.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static tn_feed_opts feed = { .seed = 1, .dimension = 1 };
static const char *output, *precision, *tune_cache;
static bool no_optimize, tune;

static const tn_option options[] = {
    { "-o", TN_OPT_STRING, &output, "FILE.tnplan", "where it goes" },
    { "--output", TN_OPT_STRING, &output, "FILE.tnplan", "the same" },
    { "--input", TN_OPT_LIST, &feed.inputs, "NAME=WHAT",
      "FILE.npy, FILE.npz, FILE.pb, random or zeros (default: random)" },
    { "--opt-shapes", TN_OPT_LIST, &feed.shapes, "NAME=1x3x224x224",
      "an input's usual shape, or a symbol's size (batch=8), for which weights are packed" },
    { "--dimension", TN_OPT_INT, &feed.dimension, "N", "size of every dimension that stays open (default: 1)", 1,
      1 << 24 },
    { "--seed", TN_OPT_INT, &feed.seed, "N", "of random inputs (default: 1)" },
    { "--precision", TN_OPT_STRING, &precision, "WORDS",
      "f32, bf16, f16 or mixed; also for some nodes: bf16,f32:/head/* (default: as the file says)" },
    { "--tune", TN_OPT_FLAG, &tune, NULL,
      "measure which implementation of each operator is fastest, for as many threads as now; the file remembers it" },
    { "--tune-cache", TN_OPT_STRING, &tune_cache, "FILE",
      "where others look, too (default: $XDG_CACHE_HOME/tenon/timings)" },
    { "--no-optimize", TN_OPT_FLAG, &no_optimize, NULL, "keep the graph as it stands, without folding and fusion" },
};

static const tn_command_usage usage = {
    .name = "compile",
    .args = "MODEL",
    .doc = "Optimizes a model, runs it once for the usual shapes, and writes the graph with the weights as they were "
           "packed. All commands take the file in place of the model: it is mapped and runs at once, other shapes, "
           "too. It is for this version of tenon and for the instructions of this machine (TN_CPU asks for less).",
    .examples = "  tenon compile resnet50.onnx -o resnet50.tnplan\n"
                "  tenon compile bert.onnx -o bert.tnplan --opt-shape batch=1 --opt-shape sequence=128\n"
                "  tenon compile model.onnx -o model.tnplan --precision bf16\n"
                "  TN_CPU=avx2 tenon compile model.onnx -o model-avx2.tnplan\n"
                "  tenon inspect model.tnplan             verifies every checksum\n",
    .options = options,
    .n = TN_COUNT(options),
    .min_args = 1,
    .max_args = 1,
};

/* What is packed while running is packed then. */
static tn_status run_once(tn_session *s, const tn_feed *f, size_t n_out) {
    tn_datum *out = calloc(n_out + 1, sizeof *out);
    if (!out) return tn_fail(TN_E_NOMEM, "no memory for %zu outputs", n_out);
    tn_status st = tn_session_run_data(s, f->n, f->list, n_out, out);
    for (size_t i = 0; i < n_out; i++) tn_datum_reset(&out[i]);
    free(out);
    return st;
}

static void report(double seconds) {
    struct stat info;
    char size[32], cpu[64];
    if (stat(output, &info) != 0) return; /* a pipe whose reader has gone: what was to be written was */
    printf("%s  %s for tenon %s, %s, in %.2f s\n", tn_shown(output),
           tn_human_bytes((double)info.st_size, size, sizeof size), tn_version(),
           tn_cpu_name(tn_cpu_flags(), cpu, sizeof cpu), seconds);
}

int tn_cmd_compile(int argc, char **argv) {
    tn_common_options common = { 0 };
    char **args;
    int n_args;
    tn_model *m = NULL;
    tn_session *s = NULL;
    tn_feed f = { 0 };
    int code = tn_options_parse(&usage, &common, argc, argv, &args, &n_args);
    if (code < 0 && !output) code = tn_usage_error(&usage, "it needs -o FILE.tnplan");
    if (code >= 0) goto done;
    tn_session_opts opts = { .size = sizeof opts,
                             .threads = common.threads,
                             .no_optimize = no_optimize,
                             .precision = precision,
                             .tune = tune || tune_cache,
                             .tune_cache = tune_cache };
    double t0 = tn_clock_s();
    tn_status st = tn_model_open(args[0], &m);
    if (st == TN_OK) st = tn_feed_make(m, &feed, &f);
    if (st == TN_OK) st = tn_session_new(m, &opts, &s);
    if (st == TN_OK) st = run_once(s, &f, tn_model_outputs(m));
    if (st == TN_OK) st = tn_session_compile(s, output);
    if (st == TN_OK) report(tn_clock_s() - t0);
    code = st == TN_OK ? TN_EXIT_OK : tn_command_failed(usage.name);
done:
    tn_session_free(&s);
    tn_feed_free(&f);
    tn_model_close(&m);
    tn_mem_free(feed.inputs.v);
    tn_mem_free(feed.shapes.v);
    return code;
}
