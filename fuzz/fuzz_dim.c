/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* fuzz_dim.c - dimension expressions, as files write them: what is parsed, printed and parsed again is the same
 * dimension, and has the same value under any binding of its symbols; once more with too little memory. */
#include "fuzz.h"
#include "graph/dim.h"

enum { SYMBOLS = 64 };

static void same_values(tn_syms *s, tn_dim d, tn_dim again, uint64_t seed) {
    int64_t bound[SYMBOLS];
    int n = tn_sym_count(s) < SYMBOLS ? tn_sym_count(s) : SYMBOLS;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < n; i++) bound[i] = (int64_t)((seed = seed * 6364136223846793005u + 1) >> (round ? 60 : 40));
        must(tn_dim_eval(s, d, bound, n) == tn_dim_eval(s, again, bound, n));
    }
}

static void round_trip(tn_syms *s, const char *text, uint64_t seed) {
    tn_dim d = tn_dim_parse(s, text);
    tn_text t = { 0 };
    tn_dim_print(s, d, &t);
    if (d != TN_DIM_UNKNOWN && t.s && !t.failed) {
        tn_dim again = tn_dim_parse(s, t.s);
        must(tn_dim_same(d, again) || again == TN_DIM_UNKNOWN); /* UNKNOWN: too deep, or the pool is full */
        if (again == d) same_values(s, d, again, seed);
    }
    tn_text_free(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t before = tn_mem_stats_all().now;
    char *text = malloc(size + 1);
    if (!text) return 0;
    if (size) memcpy(text, data, size);
    text[size] = 0;
    for (int round = 0; round < 2; round++) {
        if (round) tn_mem_fail_every(1 + (size ? data[size - 1] & 31u : 0));
        tn_syms *s = tn_syms_new();
        if (s) round_trip(s, text, size);
        tn_syms_free(&s);
        tn_mem_fail_every(0);
        must(tn_mem_stats_all().now == before);
    }
    free(text);
    return 0;
}
