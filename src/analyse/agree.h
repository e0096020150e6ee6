/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* agree.h - whether what inference said of a model's outputs is what a run gave. */
#ifndef TN_ANALYSE_AGREE_H
#define TN_ANALYSE_AGREE_H

#include "base/text.h"
#include "graph/graph.h"

/** How much inference said, counted by outputs. */
typedef struct {
    int fixed;    /* every dimension is a number */
    int symbolic; /* every dimension is a number or an expression over the inputs' symbols */
    int ranked;   /* the rank is known, some dimension depends on data */
    int open;     /* neither rank nor kind */
    int lists;    /* sequences, optionals and maps, whose kind is known */
} tn_agreement;

/** Infers types and shapes of m's outputs from its inputs' declared types alone (declared types of other values are not
 *  believed), gives the symbols the sizes that `in` shows, and holds the result against `out`: kinds, element types,
 *  ranks and known dimensions must be equal; an expression must evaluate to the size; a symbol has one size.
 *  in, out  what went in (NULL: an omitted input) and came out, in the order of the model
 *  counts   is added to; may be NULL
 *  gaps     receives a line for every output of which less is known than all sizes; may be NULL
 *  errors   TN_E_TYPE, TN_E_SHAPE naming the output; whatever the shape rules say; TN_E_NOMEM */
tn_status tn_agree(const tn_model *m, const tn_datum *const *in, size_t n_in, const tn_datum *out, size_t n_out,
                   tn_agreement *counts, tn_text *gaps);

#endif
