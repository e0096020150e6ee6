/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* fuzz_npy.c - .npy images, once with all memory and once with too little. */
#include "fuzz.h"
#include "tensor/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t before = tn_mem_stats_all().now;
    for (int round = 0; round < 2; round++) {
        tn_tensor t;
        if (round) tn_mem_fail_every(1 + (size ? data[size - 1] & 7u : 0));
        tn_status st = tn_npy_parse(data, size, "fuzz", &t);
        tn_mem_fail_every(0);
        if (st == TN_OK)
            fuzz_touch(t.data, tn_tensor_bytes(&t));
        else
            must(!t.data && *tn_error());
        tn_tensor_reset(&t);
        must(tn_mem_stats_all().now == before);
    }
    return 0;
}
