/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* memo.h - what every node with subgraphs was last inferred from, so that it is not inferred again from the same.
 *
 * A loop's rule infers its body until the types of the carried values settle, and so does every loop within it: without
 * a memory that is exponential in the depth. The types found for such a node, and for all within its subgraphs, still
 * stand as long as what is known of its inputs and of the outer values that its subgraphs use is what it was. */
#ifndef TN_OP_CORE_MEMO_H
#define TN_OP_CORE_MEMO_H

#include "op/core/infer.h"

typedef struct tn_memo tn_memo;

/** What is known now of the value with that id. */
typedef tn_fact (*tn_memo_fact)(void *user, int id);

tn_memo *tn_memo_new(tn_arena *a, tn_memo_fact fact, void *user); /* in a; NULL when out of memory */
void tn_memo_free(tn_memo **m);                                   /* NULL is fine */

/** true: n was last inferred from just what is known now. */
bool tn_memo_find(tn_memo *m, const tn_node *n);
/** n has been inferred from what is known now. Forgetting is harmless, so there are no errors. */
void tn_memo_keep(tn_memo *m, const tn_node *n);

#endif
