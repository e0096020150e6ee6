/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* fuzz_tnplan.c - compiled files, whatever they hold, with a door that does not keep anything out: sizes and checksums
 * are put right first, since who wants to can do so, too. What opens is run. */
#include "fuzz.h"
#include "lib/plan_models.h"

enum { MOST = 1 << 20 };

static void run(const tn_model *m) {
    tn_session *s;
    tn_tensor *in[PM_INPUTS], *out[64] = { NULL };
    tn_session_opts o = {
        .size = sizeof o, .threads = 1, .mem_limit = 64 << 20, .prepare_limit = 256 << 20, .work_limit = 1 << 28
    };
    tn_run_opts limits = { .size = sizeof limits, .timeout_ns = 2000000000 };
    size_t n = pm_inputs(m, in), n_out = tn_model_outputs(m);
    if (n == tn_model_inputs(m) && n_out <= 64 && tn_session_new(m, &o, &s) == TN_OK) {
        tn_session_run_with(s, &limits, n, (const tn_tensor *const *)in, n_out, out);
        tn_session_free(&s);
    }
    for (size_t i = 0; i < 64; i++) tn_tensor_free(&out[i]);
    for (size_t i = 0; i < PM_INPUTS; i++) tn_tensor_free(&in[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    tn_model *m;
    size_t before = tn_mem_stats_all().now;
    if (size > MOST) return 0;
    uint8_t *copy = tn_mem_alloc(size, TN_MEM_GENERAL); /* it begins at a multiple of 64 bytes */
    must(copy != NULL);
    if (size) memcpy(copy, data, size);
    pm_seal(copy, size);
    tn_status st = tn_model_open_memory(copy, size, &m);
    must((st == TN_OK) == (m != NULL) && (m || *tn_error()));
    if (m) run(m);
    tn_model_close(&m);
    tn_mem_free(copy);
    must(tn_mem_stats_all().now == before);
    return 0;
}
