/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* trees.h - ensembles of decision trees in a compact form: checked once, then walked for every row.
 *
 * The two children of a node lie side by side, so a step is one comparison added to an index; a leaf's comparison is
 * false and leads to the leaf itself, so rows of one tree can step together without asking who has arrived. */
#ifndef TN_OP_ML_TREES_H
#define TN_OP_ML_TREES_H

#include "op/core/op.h"

typedef enum {
    TN_TREE_LEQ,
    TN_TREE_LT,
    TN_TREE_GTE,
    TN_TREE_GT,
    TN_TREE_EQ,
    TN_TREE_NEQ,
    TN_TREE_MEMBER,
    TN_TREE_LEAF
} tn_tree_mode;

/** What a file says of trees: n nodes, leaves among them. Arrays of n unless said otherwise. */
typedef struct {
    int64_t n;
    const uint8_t *mode;
    const int64_t *feature;
    const double *split;     /* threshold; of MEMBER: which set */
    const uint8_t *missing;  /* a NaN goes to the true child; NULL: never */
    const int64_t *yes, *no; /* children; -1 at leaves */
    const int64_t *roots;
    int64_t n_roots;
    const int64_t *votes_of; /* n + 1: node i's votes are votes_of[i] .. votes_of[i + 1] - 1 */
    const int64_t *target;   /* of each vote */
    const double *weight;
    const int64_t *sets; /* MEMBER: set k is members[sets[k]] .. members[sets[k + 1] - 1], sorted */
    const double *members;
    int64_t n_sets;
} tn_tree_source;

typedef struct {
    double split;
    uint32_t feature;
    int32_t child; /* of the two children, the true one; the other follows */
} tn_tree_node;

typedef struct {
    tn_tree_node *node;
    uint8_t *mode; /* low 3 bits; 8: a NaN is true */
    int64_t *leaf; /* node of the source that a leaf stands for */
    int32_t *root;
    int *depth; /* of each tree */
    int64_t n_trees;
    bool plain;            /* every comparison is <= and a NaN is always false */
    int64_t features;      /* the rows must have as many */
    tn_tree_source source; /* votes and sets */
} tn_trees;

/** Checks and builds; the source's arrays must live as long as the result.
 *  errors   TN_E_INVALID naming the node: an index out of range, a cycle; TN_E_NOMEM */
tn_status tn_trees_build(const tn_node *n, tn_arena *a, const tn_tree_source *s, tn_trees **out);

/** The leaf (a node of the source) that each of `rows` rows reaches in one tree; x[i] is a row of features. */
void tn_trees_walk(const tn_trees *t, int64_t tree, const double *const *x, int rows, int64_t *leaf);

#endif
