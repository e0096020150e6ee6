/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* precision.h - which precision a node was asked for: the words of tn_session_opts.precision. */
#ifndef TN_PASS_PRECISION_H
#define TN_PASS_PRECISION_H

#include "graph/graph.h"

/* id, word, what weights of products are kept in */
#define TN_PRECISIONS(X)     \
    X(FILE, "file", TN_NONE) \
    X(F32, "f32", TN_NONE)   \
    X(BF16, "bf16", TN_BF16) \
    X(F16, "f16", TN_F16)    \
    X(MIXED, "mixed", TN_BF16)

typedef enum {
#define X(id, word, weights) TN_PRECISION_##id,
    TN_PRECISIONS(X)
#undef X
} tn_precision;

/** Whether the words can be followed. NULL and "" can. errors TN_E_INVALID, naming the word that cannot. */
tn_status tn_precision_check(const char *words);

/** What checked words ask for a node of this name: the last of them that fits; TN_PRECISION_FILE when none does. */
tn_precision tn_precision_of(const char *words, const char *name);

/** What the passes will do with a model's node that may be asked for a precision: the type its weights are kept in
 *  (TN_F32, TN_BF16, TN_F16), TN_NONE for nodes without weights that are kept. `last`: it makes a result of the model,
 *  see tn_precision_mark_last. */
tn_dtype tn_precision_weights(const char *words, const tn_node *n, bool last);

/** Whether the node, of 16-bit floats, computes in float32 (what only moves data follows its neighbours: false). */
bool tn_precision_widens(const tn_node *n);

/** The i-th list of operators of a domain that the pass knows, with blanks between; NULL behind the last. */
const char *tn_precision_listed(size_t i, const char **domain);

/** Sets mark 1 on the products and convolutions of g whose results reach an output of it through no other one; 0 on all
 *  other nodes. */
void tn_precision_mark_last(tn_graph *g);

#endif
