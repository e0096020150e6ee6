/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* Segments from hand-written probabilities. One character per chunk of 512 samples (32 ms): # speech, - doubt, .
 * silence. */
#include "audio/vad.h"
#include "base/mem.h"
#include "test.h"

enum { CHUNK = 512, RATE = 16000 };

typedef struct {
    size_t start, end;
} span; /* in samples */

static void check_spans(const char *pattern, size_t samples, const tn_vad_opts *o, const span *want, size_t n_want) {
    float p[512];
    size_t n = strlen(pattern), n_out;
    tn_vad_segment *s;
    for (size_t i = 0; i < n; i++) p[i] = pattern[i] == '#' ? 0.9f : pattern[i] == '-' ? 0.4f : 0.05f;
    check_ok(tn_vad_segments(p, n, CHUNK, RATE, samples ? samples : n * CHUNK, o, &s, &n_out));
    check(n_out == n_want, "%s: %zu segments, expected %zu\n", pattern, n_out, n_want);
    for (size_t i = 0; i < n_out; i++)
        check(s[i].start == want[i].start && s[i].end == want[i].end,
              "%s: segment %zu is %zu..%zu, expected %zu..%zu\n", pattern, i, s[i].start, s[i].end, want[i].start,
              want[i].end);
    tn_mem_free(s);
}
#define SPANS(...) (span[]){ __VA_ARGS__ }, TN_COUNT(((span[]){ __VA_ARGS__ }))

static void rules(void **state) {
    enum { PAD = 480 };
    check_spans("......", 0, NULL, NULL, 0);
    check_spans("", 0, NULL, NULL, 0);
    check_spans("....##########......", 0, NULL, SPANS({ 4 * CHUNK - PAD, 14 * CHUNK + PAD }));
    /* 7 chunks are 224 ms: too short; 8 are 256 ms */
    check_spans("....#######.......", 0, NULL, NULL, 0);
    check_spans("....########.......", 0, NULL, SPANS({ 4 * CHUNK - PAD, 12 * CHUNK + PAD }));
    /* doubt neither begins nor ends anything */
    check_spans("...----########----------......", 0, NULL, SPANS({ 7 * CHUNK - PAD, 25 * CHUNK + PAD }));
    /* a pause of 4 chunks (its end is seen at 3 * 32 = 96 ms < 100 ms) does not part; 5 do, and share the padding */
    check_spans("##########....##########.......", 0, NULL, SPANS({ 0, 24 * CHUNK + PAD }));
    check_spans("##########.....##########.......", 0, NULL,
                SPANS({ 0, 10 * CHUNK + PAD }, { 15 * CHUNK - PAD, 25 * CHUNK + PAD }));
    check_spans("##########.....##########.......", 0,
                &(tn_vad_opts){ .size = sizeof(tn_vad_opts), .speech_pad_ms = 100 },
                SPANS({ 0, 10 * CHUNK + 1280 }, { 15 * CHUNK - 1280, 25 * CHUNK + 1600 }));
    /* speech to the end; the last chunk is not full */
    check_spans("....##########", 13 * CHUNK + 100, NULL, SPANS({ 4 * CHUNK - PAD, 13 * CHUNK + 100 }));
    check_spans("#####", 0, NULL, NULL, 0);
}

static void overlong(void **state) {
    /* 1 s at most: 16000 - 512 - 2 * 480 = 14528 samples: first passed at chunk 29 */
    tn_vad_opts o = { .size = sizeof o, .max_speech_s = 1, .speech_pad_ms = -1 };
    o.max_speech_s = 1 - 960.0 / RATE; /* the padding counts; without it the same limit in chunks */
    check_spans("########################################", 0, &o,
                SPANS({ 0, 29 * CHUNK }, { 30 * CHUNK, 40 * CHUNK }));
    /* with a pause of more than 98 ms, which min_silence lets pass, the cut is there */
    o.min_silence_ms = 400;
    check_spans("################......##################", 0, &o,
                SPANS({ 0, 16 * CHUNK }, { 22 * CHUNK, 40 * CHUNK }));
}

static void refused(void **state) {
    float p[3] = { 0 };
    tn_vad_segment *s;
    size_t n;
    check_fails(tn_vad_segments(p, 3, CHUNK, RATE, CHUNK, NULL, &s, &n), TN_E_INVALID, "do not fit");
    check_fails(tn_vad_segments(p, 3, 0, RATE, CHUNK, NULL, &s, &n), TN_E_INVALID, "do not fit");
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(rules), cmocka_unit_test(overlong),
                                        cmocka_unit_test(refused) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
