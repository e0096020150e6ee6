/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* trees_read.h - the attributes of the three operators of trees, and what they say: both ways that files write nodes,
 * checked and brought into one form. */
#ifndef TN_OP_ML_TREES_READ_H
#define TN_OP_ML_TREES_READ_H

#include "op/ml/ml.h"
#include "op/ml/trees.h"

enum { TN_TREES_CLASSIFIER, TN_TREES_REGRESSOR, TN_TREES_ENSEMBLE }; /* the rows' arg */

/* Of all rows; what one does not have is 0. `votes` are what leaves say: class_... or target_... */
typedef struct {
    tn_ints nodes_featureids, nodes_truenodeids, nodes_falsenodeids, nodes_missing_value_tracks_true;
    tn_label_attrs labels;
    int64_t n_targets;
    /* TreeEnsembleClassifier, TreeEnsembleRegressor */
    tn_strings nodes_modes;
    tn_ints nodes_nodeids, nodes_treeids, votes_treeids, votes_nodeids, votes_ids;
    tn_floats nodes_values, votes_weights, base_values;
    const tn_tensor *nodes_values_as_tensor, *votes_weights_as_tensor, *base_values_as_tensor;
    int aggregate_function, post_transform;
    /* TreeEnsemble */
    const tn_tensor *nodes_mode_numbers, *nodes_splits, *leaf_weights, *membership_values;
    tn_ints nodes_trueleafs, nodes_falseleafs, leaf_targetids, tree_roots;
    int64_t aggregate_number, post_number;
} tn_trees_attrs;

/** The nodes and votes of a row, for tn_trees_build. The arrays are the arena's or the model's.
 *  targets  how many things can be voted for
 *  errors   TN_E_INVALID naming the attribute or the node of the trees, TN_E_TYPE, TN_E_NOMEM */
tn_status tn_trees_read(const tn_node *n, const tn_trees_attrs *at, tn_arena *a, int64_t targets, tn_tree_source *out);

#endif
