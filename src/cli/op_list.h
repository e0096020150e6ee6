/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* op_list.h - everything known of every operator: its row, its history, its kernels, its tests. */
#ifndef TN_CLI_OP_LIST_H
#define TN_CLI_OP_LIST_H

#include "base/text.h"
#include "op/core/op.h"

typedef enum {
    TN_OP_HAS_ROW,
    TN_OP_DECOMPOSED, /* replaced on load by a few others */
    TN_OP_UPGRADED,   /* an old operator, rewritten on load as a newer one */
    TN_OP_LOADED,     /* Constant: becomes a constant on load */
    TN_OP_MISSING,
} tn_op_support;

typedef struct {
    const char *name, *domain; /* "" is ai.onnx */
    const tn_op *row;          /* its descriptor: its row, or that of its decomposition; else NULL */
    tn_op_support support;
    const tn_op *parts[32]; /* of a decomposition: the rows of what it becomes */
    int n_parts;
    int versions[32], n_versions; /* operator sets in which it changed, the oldest first */
    char kernels[128];            /* kernel families that its file, or those of its parts, reach, by blanks */
    char tests[512];              /* test files that name it, by blanks */
    int cases;                    /* official cases that contain it */
} tn_op_entry;

/** All operators a file may name, by domain and name. *out: tn_mem_free. errors TN_E_NOMEM. */
tn_status tn_op_list(tn_op_entry **out, int *n);

/** The instruction sets for which a kernel family has variants of its own ("AVX2, AVX-512"), read off its tables. */
void tn_op_variants(const char *family, size_t len, tn_text *out);

#endif
