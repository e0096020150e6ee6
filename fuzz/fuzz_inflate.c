/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* fuzz_inflate.c - a deflate stream behind two bytes that say how long its content should be. */
#include "fuzz.h"
#include "tensor/inflate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) return 0;
    size_t n = (size_t)data[0] | (size_t)data[1] << 8;
    uint8_t *out = malloc(n ? n : 1);
    if (tn_inflate(data + 2, size - 2, out, n) == TN_OK) fuzz_touch(out, n);
    free(out);
    return 0;
}
