/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* move.c - 2-D transposition: every variant against the definition. */
#include "base/status.h"
#include "lib/kernel_check.h"
#include <string.h>

static void transpose(check_ctx *c) {
    for (int e = 0; e < 5; e++) {
        size_t each = (size_t)1 << e, rows = check_size(c, 70), cols = check_size(c, 70);
        size_t ldx = cols + (size_t)check_int(c, 0, 5), ldy = rows + (size_t)check_int(c, 0, 5);
        const uint8_t *x = check_bytes(c, rows * ldx * each);
        uint8_t *want = check_out(c, cols * ldy * each), *got = check_out(c, cols * ldy * each);
        for (size_t r = 0; r < rows; r++)
            for (size_t k = 0; k < cols; k++) memcpy(want + (k * ldy + r) * each, x + (r * ldx + k) * each, each);
        check_call(c, c->fast->move.transpose[e]((const char *)x, (int64_t)(ldx * each), (char *)got,
                                                 (int64_t)(ldy * each), (int64_t)rows, (int64_t)cols));
        check_same(c, got, want, cols * ldy * each);
    }
}

static const check_case cases[] = { { "transpose", transpose, 200 } };
int main(int argc, char **argv) { return check_main("move", cases, TN_COUNT(cases), argc, argv); }
