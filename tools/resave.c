/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* resave.c - opens a model and writes it again: what tests/peer/writer.mjs gives to a peer. */
#include "tenon.h"
#include <stdio.h>

int main(int argc, char **argv) {
    if (argc < 3 || argc % 2 == 0) return fprintf(stderr, "usage: resave IN OUT [IN OUT]...\n"), 2;
    int failed = 0;
    for (int i = 1; i + 1 < argc; i += 2) {
        tn_model *m = NULL;
        tn_status st = tn_model_open(argv[i], &m);
        if (st == TN_OK) st = tn_model_save(m, argv[i + 1]);
        if (st != TN_OK) fprintf(stderr, "%s\n", tn_error());
        failed |= st != TN_OK;
        tn_model_close(&m);
    }
    return failed;
}
