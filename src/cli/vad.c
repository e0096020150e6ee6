/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* vad.c - `tenon vad`: says where in a recording somebody speaks. */
#include "audio/vad.h"
#include "audio/resample.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/models.h"
#include "cli/options.h"
#include "cli/progress.h"
#include <stdio.h>
#include <string.h>

static struct {
    const char *model, *models;
    bool json, quiet, probabilities;
    int rate, min_speech, min_silence, pad;
    float threshold, max_speech;
    tn_common_options common;
} opt;

static const tn_option options[] = {
    { "--models", TN_OPT_STRING, &opt.models, "DIR", "folder of the models (default: $TENON_MODELS, ./models, ...)", 0,
      0 },
    { "--model", TN_OPT_STRING, &opt.model, "FILE", "Silero VAD v5 (default: silero_vad.onnx)", 0, 0 },
    { "--sample-rate", TN_OPT_INT, &opt.rate, "HZ", "run the network at 16000 (default) or 8000", 0, 0 },
    { "--threshold", TN_OPT_FLOAT, &opt.threshold, "P", "probability that begins speech (default: 0.5)", 0.01, 0.99 },
    { "--min-speech", TN_OPT_INT, &opt.min_speech, "MS", "drop shorter segments (default: 250)", 0, 3600000 },
    { "--min-silence", TN_OPT_INT, &opt.min_silence, "MS", "shorter pauses do not part segments (default: 100)", 0,
      3600000 },
    { "--pad", TN_OPT_INT, &opt.pad, "MS", "lengthen segments at both ends (default: 30)", 0, 3600000 },
    { "--max-speech", TN_OPT_FLOAT, &opt.max_speech, "S", "cut longer segments (default: never)", 0.1, 1e9 },
    { "--probabilities", TN_OPT_FLAG, &opt.probabilities, NULL, "print every chunk's probability instead", 0, 0 },
    { "--json", TN_OPT_FLAG, &opt.json, NULL, "print JSON", 0, 0 },
    { "--quiet", TN_OPT_FLAG, &opt.quiet, NULL, "no times", 0, 0 },
};

static const tn_command_usage usage = {
    .name = "vad",
    .args = "AUDIO.wav...",
    .doc =
        "Finds speech in recordings (WAV, any rate and channels) with Silero VAD. Prints the start and end of every\n"
        "segment in seconds.",
    .examples = "  tenon vad meeting.wav\n"
                "  tenon vad call.wav --sample-rate 8000 --min-silence 500\n"
                "  tenon vad meeting.wav --json | jq '.recordings[0].segments'",
    .options = options,
    .n = TN_COUNT(options),
    .min_args = 1,
    .max_args = -1,
};

typedef struct {
    tn_progress bar;
    double rate, all;
} watch;

static bool on_progress(void *user, size_t done) {
    watch *w = user;
    tn_progress_at(&w->bar, (double)done / w->rate, w->all);
    return true;
}

static void put_result(tn_text *t, const char *path, int n_files, const tn_audio *a, const float *prob, size_t chunks,
                       size_t chunk, const tn_vad_segment *s, size_t n) {
    double rate = a->rate;
    if (opt.json) {
        tn_text_puts(t, t->n ? ",\n  {\"file\": " : "  {\"file\": ");
        tn_text_json(t, path, strlen(path));
        tn_text_printf(t, ", \"seconds\": %.3f, \"segments\": [", (double)a->n / rate);
        for (size_t i = 0; i < n; i++)
            tn_text_printf(t, "%s{\"start\": %.3f, \"end\": %.3f}", i ? ", " : "", (double)s[i].start / rate,
                           (double)s[i].end / rate);
        tn_text_puts(t, "]");
        if (opt.probabilities) {
            tn_text_printf(t, ", \"step\": %.3f, \"probabilities\": [", (double)chunk / rate);
            for (size_t i = 0; i < chunks; i++) tn_text_printf(t, "%s%.4f", i ? ", " : "", prob[i]);
            tn_text_puts(t, "]");
        }
        tn_text_puts(t, "}");
        return;
    }
    if (n_files > 1) tn_text_printf(t, "== %s\n", path);
    if (opt.probabilities)
        for (size_t i = 0; i < chunks; i++) tn_text_printf(t, "%9.3f  %.4f\n", (double)(i * chunk) / rate, prob[i]);
    else
        for (size_t i = 0; i < n; i++)
            tn_text_printf(t, "%9.3f  %9.3f\n", (double)s[i].start / rate, (double)s[i].end / rate);
}

static void print_times(const char *path, const tn_audio *a, size_t n, double read, double run) {
    double seconds = (double)a->n / a->rate;
    fprintf(stderr, "%s: %.1f s, %zu segments in %.0f ms (read and resample %.1f, detect %.1f; %.0f times real time)\n",
            path, seconds, n, 1e3 * (read + run), 1e3 * read, 1e3 * run, run > 0 ? seconds / run : 0);
}

static tn_status one(tn_vad *v, const char *path, int n_files, tn_text *out) {
    tn_audio raw = { 0 }, a = { 0 };
    tn_vad_segment *s = NULL;
    float *prob = NULL;
    size_t n = 0, chunk = tn_vad_chunk(v), chunks;
    watch w = { 0 };
    double t = tn_clock_s(), read;
    tn_status st = tn_wav_load(path, &raw);
    if (st == TN_OK) st = tn_audio_resample(&raw, tn_vad_rate(v), &a);
    tn_audio_free(&raw);
    if (st != TN_OK) return st;
    read = tn_clock_s() - t;
    t = tn_clock_s();
    chunks = (a.n + chunk - 1) / chunk;
    if (!(prob = tn_mem_alloc(chunks * sizeof *prob, TN_MEM_IO))) {
        st = tn_fail(TN_E_NOMEM, "%zu probabilities", chunks);
        goto done;
    }
    w.rate = a.rate, w.all = (double)a.n / a.rate;
    tn_progress_begin(&w.bar, path, "s");
    st = tn_vad_run(v, a.sample, a.n, prob, on_progress, &w);
    tn_progress_end(&w.bar);
    const tn_vad_opts rules = { .size = sizeof rules,
                                .threshold = opt.threshold,
                                .min_speech_ms = opt.min_speech ? opt.min_speech : -1,
                                .min_silence_ms = opt.min_silence ? opt.min_silence : -1,
                                .speech_pad_ms = opt.pad ? opt.pad : -1,
                                .max_speech_s = opt.max_speech };
    if (st == TN_OK) st = tn_vad_segments(prob, chunks, chunk, a.rate, a.n, &rules, &s, &n);
    if (st != TN_OK) goto done;
    put_result(out, path, n_files, &a, prob, chunks, chunk, s, n);
    if (!opt.quiet && !opt.json) print_times(path, &a, n, read, tn_clock_s() - t);
done:
    tn_mem_free(s);
    tn_mem_free(prob);
    tn_audio_free(&a);
    return st;
}

int tn_cmd_vad(int argc, char **argv) {
    char **path;
    const char *model;
    int n, failed = 0;
    opt.rate = 16000, opt.threshold = 0.5f, opt.min_speech = 250, opt.min_silence = 100, opt.pad = 30;
    opt.common.threads = 1; /* so small a network runs best on one */
    int code = tn_options_parse(&usage, &opt.common, argc, argv, &path, &n);
    if (code >= 0) return code;
    if (opt.rate != 8000 && opt.rate != 16000)
        return tn_usage_error(&usage, "--sample-rate is 8000 or 16000, not %d", opt.rate);
    tn_arena *a = tn_arena_new(0, TN_MEM_GENERAL);
    tn_vad *v = NULL;
    tn_text json = { 0 };
    code = TN_EXIT_FAILED;
    if (!a || tn_find_model(a, opt.model, opt.models, "silero_vad.onnx", &model) != TN_OK ||
        tn_vad_open(model, opt.rate, opt.common.threads, &v) != TN_OK) {
        tn_command_failed("vad");
        goto done;
    }
    for (int i = 0; i < n; i++) {
        tn_text text = { 0 };
        if (one(v, path[i], n, opt.json ? &json : &text) != TN_OK) tn_command_failed("vad"), failed++;
        if (text.s) fputs(text.s, stdout);
        fflush(stdout);
        tn_text_free(&text);
    }
    if (opt.json) printf("{\"recordings\": [\n%s\n]}\n", json.s ? json.s : "");
    code = failed ? TN_EXIT_FAILED : TN_EXIT_OK;
done:
    tn_text_free(&json);
    tn_vad_close(&v);
    tn_arena_free(&a);
    return code;
}
