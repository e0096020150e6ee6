/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* Speech segments of a recording whose truth is known, at both rates. Needs silero_vad.onnx ($TENON_MODELS or models/
 * in the source folder) and espeak-ng, which speaks the recording. */
#include "audio/resample.h"
#include "audio/vad.h"
#include "base/file.h"
#include "base/mem.h"
#include "test.h"
#include <math.h>
#include <sys/stat.h>

#define TOLERANCE 0.25 /* seconds; a segment's end comes late by the padding and the voice's fading */

static void recording(void **state) {
    const char *models = getenv("TENON_MODELS"), *build = getenv("TN_BUILD"), *root = getenv("TN_ROOT");
    char model[1100], folder[1000], path[1100], command[4000];
    struct stat there;
    if (!build) build = ".";
    if (!root) root = ".";
    if (models)
        snprintf(model, sizeof model, "%s/silero_vad.onnx", models);
    else
        snprintf(model, sizeof model, "%s/models/silero_vad.onnx", root);
    if (stat(model, &there) != 0) {
        print_message("no %s (scripts/models.sh fetches it)\n", model);
        skip();
    }
    snprintf(folder, sizeof folder, "%s/tests/voice", build);
    mkdir(folder, 0777);
    snprintf(command, sizeof command, "sh '%s/scripts/make_voice.sh' '%s/tools/join_voice' '%s' >/dev/null", root,
             build, folder);
    if (system(command) != 0) {
        print_message("no recording could be made (espeak-ng?)\n");
        skip();
    }
    double want[16][2];
    size_t n_want = 0;
    tn_file *f;
    tn_audio raw;
    snprintf(path, sizeof path, "%s/voice.json", folder);
    check_ok(tn_file_map(path, &f));
    char *json = calloc(1, f->size + 1);
    memcpy(json, f->data, f->size);
    tn_file_close(&f);
    for (const char *s = json; n_want < 16 && (s = strstr(s, "{\"start\": ")); s++, n_want++) {
        const char *p = s + strlen("{\"start\": ");
        want[n_want][0] = test_number(p, &p);
        assert_memory_equal(p, ", \"end\": ", 9);
        want[n_want][1] = test_number(p + 9, &p);
        assert_int_equal(*p, '}');
    }
    free(json);
    assert_true(n_want >= 4);
    snprintf(path, sizeof path, "%s/voice.wav", folder);
    check_ok(tn_wav_load(path, &raw));
    for (int rate = 8000; rate <= 16000; rate += 8000) {
        tn_audio a;
        tn_vad *v;
        tn_vad_segment *s;
        size_t n;
        check_ok(tn_audio_resample(&raw, rate, &a));
        check_ok(tn_vad_open(model, rate, 1, &v));
        size_t chunk = tn_vad_chunk(v), chunks = (a.n + chunk - 1) / chunk;
        float *prob = malloc(chunks * sizeof *prob), *again = malloc(chunks * sizeof *again);
        check_ok(tn_vad_run(v, a.sample, a.n, prob, NULL, NULL));
        check_ok(tn_vad_run(v, a.sample, a.n, again, NULL, NULL)); /* a run leaves no state behind */
        assert_memory_equal(prob, again, chunks * sizeof *prob);
        check_ok(tn_vad_segments(prob, chunks, chunk, rate, a.n, NULL, &s, &n));
        check(n == n_want, "%zu segments at %d Hz, expected %zu\n", n, rate, n_want);
        for (size_t i = 0; i < n; i++) {
            double start = (double)s[i].start / rate, end = (double)s[i].end / rate;
            check(fabs(start - want[i][0]) < TOLERANCE && fabs(end - want[i][1]) < TOLERANCE,
                  "segment %zu at %d Hz is %.2f..%.2f, expected %.2f..%.2f\n", i, rate, start, end, want[i][0],
                  want[i][1]);
        }
        free(prob), free(again);
        tn_mem_free(s);
        tn_audio_free(&a);
        tn_vad_close(&v);
    }
    tn_audio_free(&raw);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(recording) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
