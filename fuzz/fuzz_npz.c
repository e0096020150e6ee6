/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* fuzz_npz.c - .npz archives: the zip directory, deflate, and the arrays inside. */
#include "fuzz.h"
#include "tensor/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t before = tn_mem_stats_all().now;
    for (int round = 0; round < 2; round++) {
        tn_npz_entry *e;
        size_t n;
        if (round) tn_mem_fail_every(1 + (size ? data[size - 1] & 7u : 0));
        tn_status st = tn_npz_parse(data, size, "fuzz", &e, &n);
        tn_mem_fail_every(0);
        must(st == TN_OK || (!e && *tn_error()));
        for (size_t i = 0; st == TN_OK && i < n; i++) {
            fuzz_touch(e[i].name, strlen(e[i].name));
            fuzz_touch(e[i].tensor.data, tn_tensor_bytes(&e[i].tensor));
        }
        tn_npz_free(&e, n);
        must(tn_mem_stats_all().now == before);
    }
    return 0;
}
