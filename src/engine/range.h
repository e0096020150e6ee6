/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* range.h - ranges of input shapes: which dimensions vary, which vary together, and how far.
 *
 * A range gives every varying dimension a symbol: [batch, 128] or [1, past + 1]. Dimensions that always differed by the
 * same number share one. One plan (plan.h) serves all shapes of a range; what a call must match is said here.
 *
 * Ranges are learnt: a session notes the shapes of its calls, and from the third on that is new, what they have in
 * common is tried as a range, with a quarter of room above the largest seen. A call that does not fit is noted too, and
 * the next range knows more. */
#ifndef TN_ENGINE_RANGE_H
#define TN_ENGINE_RANGE_H

#include "graph/graph.h"

enum { TN_RANGE_SYMBOLS = 16 }; /* more varying dimensions make no range */

typedef struct tn_range {
    tn_syms *syms;
    tn_type *inputs; /* by graph input; kind NONE: not given */
    int n_inputs, n_symbols;
    int64_t least[TN_RANGE_SYMBOLS], most[TN_RANGE_SYMBOLS], usual[TN_RANGE_SYMBOLS]; /* by symbol */
} tn_range;

void tn_range_free(tn_range **r);

/** Whether exact input types lie in the range; values[s] is then symbol s's. */
bool tn_range_match(const tn_range *r, const tn_type *inputs, int64_t *values);

/** t with its dimensions as numbers, for those values of the symbols; TN_DIM_UNKNOWN what they do not decide. */
tn_type tn_range_at(const tn_range *r, const tn_type *t, const int64_t *values);

/** The range that a user gives for the inputs of m.
 *  errors   TN_E_NOT_FOUND (no such input), TN_E_SHAPE, TN_E_INVALID (sizes that cannot be), TN_E_UNSUPPORTED (too many
 *           dimensions vary), TN_E_NOMEM */
tn_status tn_range_given(const tn_model *m, const tn_shape_range *given, size_t n, tn_range **out);

/** Whether that status, of planning for a range, says that the model itself refuses its sizes: a warning says so, and
 *  the thread has no error any more. */
bool tn_range_refused(tn_status st);

/** The shapes that calls had. Not safe from several threads at once. */
typedef struct tn_shapes tn_shapes;
tn_shapes *tn_shapes_new(int n_inputs); /* NULL when out of memory */
void tn_shapes_free(tn_shapes **s);

/** Notes a call's exact types. returns how many different ones were noted; 0 when they cannot be part of a range: not
 *  tensors, other ranks or element types than the first call had. */
int tn_shapes_note(tn_shapes *s, const tn_type *inputs);

/** The range of what was noted. errors TN_E_NOMEM; TN_E_UNSUPPORTED: too many dimensions vary */
tn_status tn_shapes_range(const tn_shapes *s, tn_range **out);

#endif
