/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* fuzz_wav.c - WAV files, and what was read at another rate; once with all memory and once with too little. */
#include "audio/resample.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t before = tn_mem_stats_all().now;
    for (int round = 0; round < 2; round++) {
        tn_audio a, b = { 0 };
        if (round) tn_mem_fail_every(1 + (size ? data[size - 1] & 3u : 0));
        tn_status st = tn_wav_parse(data, size, &a);
        if (st == TN_OK && a.n > 0 && a.n < 4096 && a.rate >= 4000) st = tn_audio_resample(&a, 16000, &b);
        tn_mem_fail_every(0);
        must(st == TN_OK || *tn_error());
        must(a.n <= size && (a.n == 0 || a.sample));
        fuzz_touch(a.sample, a.n * sizeof(float));
        fuzz_touch(b.sample, b.n * sizeof(float));
        for (size_t i = 0; i < a.n; i++) must(a.sample[i] - a.sample[i] == 0); /* finite */
        tn_audio_free(&a);
        tn_audio_free(&b);
        must(tn_mem_stats_all().now == before);
    }
    return 0;
}
