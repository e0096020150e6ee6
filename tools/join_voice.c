/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* join_voice.c - puts spoken phrases and silences together to one recording, and writes down where speech is.
 *
 *   join_voice OUT.wav TRUTH.json SECONDS PHRASE.wav [SECONDS PHRASE.wav]... SECONDS
 *
 * The silences are faint noise (a microphone's), from one fixed seed. truth.json: {"seconds": N, "segments": [{"start",
 * "end"}]}, measured where a phrase is louder than 2 % of its peak. */
#include "audio/wav.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/text.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOISE 0.0008f

static uint64_t seed = 20250318;

static float noise(void) {
    seed ^= seed >> 12, seed ^= seed << 25, seed ^= seed >> 27;
    return NOISE * ((float)(seed * 0x2545f4914f6cdd1du >> 40) / (1 << 23) - 1);
}

static tn_status append(tn_audio *to, const float *sample, size_t n) {
    float *all = tn_mem_alloc((to->n + n) * sizeof *all, TN_MEM_IO);
    if (!all) return tn_fail(TN_E_NOMEM, "%zu samples", to->n + n);
    if (to->n) memcpy(all, to->sample, to->n * sizeof *all);
    for (size_t i = 0; i < n; i++) all[to->n + i] = (sample ? sample[i] : 0) + noise();
    tn_mem_free(to->sample);
    to->sample = all, to->n += n;
    return TN_OK;
}

static tn_status append_phrase(tn_audio *to, const char *path, tn_text *truth) {
    tn_audio a;
    TN_TRY(tn_wav_load(path, &a));
    tn_status st = TN_OK;
    if (to->rate == 0) to->rate = a.rate;
    float peak = 0;
    size_t first = a.n, last = 0;
    for (size_t i = 0; i < a.n; i++) peak = fmaxf(peak, fabsf(a.sample[i]));
    for (size_t i = 0; i < a.n; i++)
        if (fabsf(a.sample[i]) > 0.02f * peak) first = i < first ? i : first, last = i;
    if (to->rate != a.rate)
        st = tn_fail(TN_E_INVALID, "%s: %d samples per second, the first had %d", path, a.rate, to->rate);
    else
        tn_text_printf(truth, "%s{\"start\": %.3f, \"end\": %.3f}", truth->s[truth->n - 1] == '[' ? "" : ", ",
                       (double)(to->n + first) / a.rate, (double)(to->n + last + 1) / a.rate);
    if (st == TN_OK) st = append(to, a.sample, a.n);
    tn_audio_free(&a);
    return st;
}

int main(int argc, char **argv) {
    if (argc < 6 || argc % 2) {
        fprintf(stderr, "usage: join_voice OUT.wav TRUTH.json SECONDS PHRASE.wav [SECONDS PHRASE.wav]... SECONDS\n");
        return 2;
    }
    tn_audio out = { 0 }, peek;
    tn_text segments = { 0 }, truth = { 0 };
    tn_text_puts(&segments, "[");
    tn_status st = tn_wav_load(argv[4], &peek); /* silences need the rate before the first phrase */
    if (st == TN_OK) out.rate = peek.rate, tn_audio_free(&peek);
    for (int i = 3; st == TN_OK && i < argc; i++) {
        double seconds = 0;
        if (i % 2 && !tn_parse_f64(argv[i], &seconds))
            st = tn_fail(TN_E_INVALID, "'%s' is no number of seconds", argv[i]);
        else if (i % 2)
            st = append(&out, NULL, (size_t)(fmax(seconds, 0) * out.rate));
        else
            st = append_phrase(&out, argv[i], &segments);
    }
    if (st == TN_OK) st = tn_wav_save(&out, argv[1]);
    if (st == TN_OK) {
        tn_text_printf(&truth, "{\"seconds\": %.3f, \"segments\": %s]}\n", (double)out.n / out.rate, segments.s);
        st = tn_file_write(argv[2], truth.s, truth.n);
    }
    if (st != TN_OK)
        fprintf(stderr, "join_voice: %s\n", tn_error());
    else
        printf("%.1f s in %s\n", (double)out.n / out.rate, argv[1]);
    tn_audio_free(&out);
    tn_text_free(&segments);
    tn_text_free(&truth);
    return st != TN_OK;
}
