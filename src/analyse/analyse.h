/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* analyse.h - facts about a model: parameters, arithmetic, bytes, by operator and by node. Nothing is run or changed.
 */
#ifndef TN_ANALYSE_ANALYSE_H
#define TN_ANALYSE_ANALYSE_H

#include "op/core/op.h"

/** One node (main graph first, then what is nested in it, in order). */
typedef struct {
    const tn_node *node;
    tn_cost cost;
    tn_cost weights; /* of cost.bytes_read: nothing but .bytes_read is set, the bytes of constant inputs */
    bool known;      /* false: some shape depends on data; the cost is left 0 */
} tn_node_facts;

/** All nodes of one operator. */
typedef struct {
    const char *domain, *type;
    int count;
    tn_cost cost;
} tn_op_facts;

typedef struct {
    int64_t
        parameters; /* elements of all constants that are not small integers for shapes: floats and quantised data */
    struct {
        int64_t elements, tensors;
        double bytes;
    } weights[TN_DTYPE_COUNT]; /* all constants in use, by element type */
    double weight_bytes;

    int n_nodes; /* of the main graph and nested ones */
    tn_node_facts *nodes;
    int n_ops;
    tn_op_facts *ops; /* by FLOPs, then bytes, then count; most first */
    tn_cost total;    /* branches of an If count both; bodies of loops count once */
    int unknown;      /* nodes whose cost is not known and not in the total */
    tn_status shapes; /* TN_OK, or why shapes (and so costs) could not be told: the sentence is in `why` */
    char why[512];
    tn_arena *arena;
} tn_analysis;

/** inputs: the exact types of the main graph's inputs in order (kind NONE: as declared), or NULL. Open dimensions leave
 *  costs open; a shape rule that fails leaves `shapes` set, everything else still holds.
 *  It takes no more than reading a file of the model's size may (docs/limits.md).
 *  errors   TN_E_NOMEM, TN_E_LIMIT. tn_analysis_free(*out). */
tn_status tn_analyse(const tn_model *m, const tn_type *inputs, tn_analysis **out);
void tn_analysis_free(tn_analysis **a);

/** The declared type of main input i with its symbols replaced: dimensions by name first ("batch"), else `dflt` (-1:
 *  left open). values[k] belongs to names[k]. */
tn_type tn_analyse_input(const tn_model *m, int i, const char *const *names, const int64_t *values, int n,
                         int64_t dflt);

#endif
