/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* model_mutations.h - every small damage that can be done to a model with sense, counted through, so that the k-th can
 * be made again: each input, output and attribute of every node (also in subgraphs and functions) dropped, emptied,
 * cut, doubled, swapped; numbers made hostile; tensors that do not fit their dimensions; and hostile values, lengths
 * and ranks of small integer inputs that are known only when the model runs. */
#ifndef TN_TESTS_MODEL_MUTATIONS_H
#define TN_TESTS_MODEL_MUTATIONS_H

#include "lib/model_tree.h"

typedef struct {
    tn_text file;      /* the damaged model; tn_text_free it */
    char what[200];    /* "Conv 'c1': input 2 dropped" */
    char op[64];       /* operator of the node in question; "" when it is none's */
    char feed[64];     /* not "": only what is given for this input when the model runs was changed */
    bool same_meaning; /* the damage is none: the model must do as before */
} mm_mutant;

/** How many there are. 0: not a model. */
size_t mm_count(const void *model, size_t n);
/** Makes the k-th. false: there is none, or too little memory. */
bool mm_make(const void *model, size_t n, size_t k, mm_mutant *out);
/** The same model in which the input of that name is a constant, what is given for it being its value. */
bool mm_constant(const void *model, size_t n, const char *input, tn_text *out);

#endif
